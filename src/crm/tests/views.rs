//! Saved views: whose they are, who sees them, which opens by default.

use aplomb_model::{Code, Id};
use serde_json::{Value as Json, json};

use super::{House, id_of};
use crate::{Ctx, NewView};

fn new(fields: Json) -> NewView {
    let mut view = json!({"object": "deal", "name": "Mine", "query": "sort=-amount"});
    view.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(view).unwrap()
}

fn names(house: &House, ctx: &Ctx) -> Vec<String> {
    let views = house.crm.views_list(ctx, None).unwrap();
    views
        .iter()
        .map(|view| format!("{}{}", view["name"].as_str().unwrap(), if view["isDefault"] == true { "*" } else { "" }))
        .collect()
}

#[test]
fn views_are_personal_until_they_are_shared() {
    let house = House::new();
    let (admin, rep, other) = (house.admin(), house.user("Rita", "salesRep"), house.user("Otto", "salesRep"));
    let make = |ctx: &Ctx, fields: Json| id_of(&house.crm.view_create(ctx, new(fields)).unwrap());
    let own = make(&rep, json!({"name": " Hot ", "query": "?stage=negotiation"}));
    let shared = make(&rep, json!({"name": "Team's", "shared": true}));
    assert_eq!(names(&house, &rep), ["Hot", "Team's"]);
    assert_eq!(names(&house, &other), ["Team's"]);
    let view = house.crm.views_list(&rep, Some("deal")).unwrap().remove(0);
    assert_eq!((view["query"].as_str(), view["mine"].as_bool()), (Some("stage=negotiation"), Some(true)));
    let rename = |ctx: &Ctx, id: Id| {
        let change = serde_json::from_value(json!({"name": "New"})).unwrap();
        house.crm.view_update(ctx, id, change).map(|_| ()).map_err(|e| e.code)
    };
    for (who, id, expect) in [
        (&other, own, Err(Code::NotFound)),
        (&other, shared, Err(Code::Forbidden)),
        (&admin, own, Err(Code::NotFound)),
        (&admin, shared, Ok(())),
        (&rep, own, Ok(())),
    ] {
        assert_eq!(rename(who, id), expect);
    }
    for (share, expect) in [(true, vec!["New", "New"]), (false, vec!["New"])] {
        let change = serde_json::from_value(json!({"shared": share})).unwrap();
        house.crm.view_update(&rep, own, change).unwrap();
        assert_eq!(names(&house, &other), expect, "a view moves when it is shared or no longer is");
        assert_eq!(names(&house, &rep), ["New", "New"]);
    }
    assert_eq!(house.crm.view_delete(&other, shared).unwrap_err().code, Code::Forbidden);
    house.crm.view_delete(&rep, shared).unwrap();
    assert_eq!((names(&house, &rep), names(&house, &other).len()), (vec!["New".to_owned()], 0));
}

#[test]
fn one_view_of_an_object_opens_by_default() {
    let house = House::new();
    let (rep, admin) = (house.user("Rita", "salesRep"), house.admin());
    for (ctx, name, object, shared) in [
        (&rep, "A", "deal", false),
        (&rep, "B", "deal", false),
        (&rep, "C", "contact", false),
        (&admin, "D", "deal", true),
        (&admin, "E", "deal", true),
    ] {
        let fields = json!({"name": name, "object": object, "shared": shared, "isDefault": true});
        house.crm.view_create(ctx, new(fields)).unwrap();
    }
    let everybodys = json!({"name": "F", "shared": true, "isDefault": true});
    assert_eq!(house.crm.view_create(&rep, new(everybodys)).unwrap_err().code, Code::Forbidden);
    assert_eq!(names(&house, &rep), ["A", "B*", "C*", "D", "E*"]);
    assert_eq!(names(&house, &admin), ["D", "E*"]);
}

#[test]
fn a_view_has_limits() {
    let house = House::new();
    let admin = house.admin();
    for (fields, field) in [
        (json!({"name": "  "}), "name"),
        (json!({"name": "x".repeat(81)}), "name"),
        (json!({"query": "q".repeat(8_193)}), "query"),
    ] {
        let refused = house.crm.view_create(&admin, new(fields)).unwrap_err();
        assert_eq!((refused.code, refused.fields[0].field.as_str()), (Code::Invalid, field));
    }
    assert_eq!(house.crm.view_create(&admin, new(json!({"object": "nothing"}))).unwrap_err().code, Code::NotFound);
    assert!(names(&house, &admin).is_empty());
}
