//! Log-in, users, roles, settings and declarations.

use aplomb_model::{Code, Field};
use serde_json::{Value as Json, json};

use super::{EMAIL, House, PASSWORD, from, id_of, map};
use crate::Setup;

#[test]
fn sessions_open_live_and_end() {
    let mut house = House::new();
    let login =
        |house: &House, password: &str| house.crm.login(house.now, &house.random, EMAIL, password, &from("10.0.0.1"));
    assert_eq!(login(&house, "wrong").map(|_| ()).unwrap_err().code, Code::BadCredentials);
    let nobody = house.crm.login(house.now, &house.random, "nobody@example.com", PASSWORD, &from("10.0.0.1"));
    assert_eq!(nobody.map(|_| ()).unwrap_err().code, Code::BadCredentials);
    let token = login(&house, PASSWORD).unwrap().token;
    assert_eq!(token.len(), 64);
    let code = |house: &House, token: &str| house.crm.session(house.now, token).map(|_| ()).map_err(|e| e.code);
    assert_eq!(code(&house, &token), Ok(()));
    assert_eq!(code(&house, "guess"), Err(Code::Unauthenticated));
    for _ in 0..70 {
        house.later(11 * 3_600);
        let alive = code(&house, &token);
        if alive.is_err() {
            break;
        }
    }
    assert_eq!(code(&house, &token), Err(Code::Unauthenticated), "30 days are the end");
    let idle = login(&house, PASSWORD).unwrap().token;
    house.later(13 * 3_600);
    assert_eq!(code(&house, &idle), Err(Code::Unauthenticated), "12 hours without use");
    let out = login(&house, PASSWORD).unwrap().token;
    house.crm.logout(&house.admin(), &out).unwrap();
    assert_eq!(code(&house, &out), Err(Code::Unauthenticated));
    for _ in 0..5 {
        let _ = login(&house, "wrong");
    }
    let e = login(&house, PASSWORD).map(|_| ()).unwrap_err();
    assert_eq!((e.code, e.retry_after_seconds), (Code::TooManyRequests, Some(1)));
}

#[test]
fn users_are_managed() {
    let house = House::new();
    let admin = house.admin();
    let again = Setup {
        organisation: "x".into(),
        currency: "EUR".into(),
        time_zone: "UTC".into(),
        language: "en".into(),
        admin_name: "x".into(),
        admin_email: "x@example.com".into(),
        admin_password: PASSWORD.into(),
        sample: false,
    };
    assert_eq!(house.crm.setup(house.now, &house.random, again).unwrap_err().code, Code::Conflict);
    let rep = house.user("Rita", "salesRep");
    let create = |fields: Json| {
        house
            .crm
            .user_create(&admin, map(fields))
            .map(|_| ())
            .map_err(|e| (e.code, e.fields.first().map(|f| f.field.clone())))
    };
    let user = |email: &str, password: &str, role: &str| json!({"name": "N", "email": email, "password": password, "roles": [role]});
    assert_eq!(create(user("rita@example.com", PASSWORD, "support")), Err((Code::NotUnique, Some("email".into()))));
    assert_eq!(create(user("n@example.com", "password1", "support")), Err((Code::Invalid, Some("password".into()))));
    assert_eq!(create(user("n@example.com", PASSWORD, "king")), Err((Code::Invalid, Some("roles".into()))));
    assert_eq!(
        house.crm.user_create(&rep, map(user("n@example.com", PASSWORD, "support"))).unwrap_err().code,
        Code::Forbidden
    );
    let me = rep.actor.user;
    house.crm.user_update(&rep, me, map(json!({"title": "Rep"}))).unwrap();
    assert_eq!(
        house.crm.user_update(&rep, me, map(json!({"roles": ["systemAdmin"]}))).unwrap_err().code,
        Code::Forbidden
    );
    let token = house.crm.login(house.now, &house.random, "rita@example.com", PASSWORD, &from("")).unwrap().token;
    let new = "quiet lantern orbit 37";
    let change = |current: &str| map(json!({"password": new, "currentPassword": current}));
    assert_eq!(house.crm.user_update(&rep, me, change("no")).unwrap_err().fields[0].code, "wrong");
    house.crm.user_update(&rep, me, change(PASSWORD)).unwrap();
    assert!(house.crm.session(house.now, &token).is_err(), "a new password ends the sessions");
    assert!(house.crm.login(house.now, &house.random, "Rita@example.com", new, &from("")).is_ok());
    house.crm.user_deactivate(&admin, me).unwrap();
    assert!(house.crm.login(house.now, &house.random, "rita@example.com", new, &from("")).is_err());
    assert_eq!(house.crm.user_deactivate(&admin, admin.actor.user).unwrap_err().code, Code::Conflict);
    let names: Vec<_> =
        house.crm.users_list(&admin).unwrap().iter().map(|u| u["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["Ada Lovelace", "Rita"]);
    assert!(!format!("{:?}", house.crm.users_list(&admin).unwrap()).contains("hash"));
    let audit = house.crm.audit(&admin, 0, 500).unwrap();
    assert!(audit.entries.iter().any(|e| e["reason"] == "user" && e["actor"]["name"] == "Ada Lovelace"));
    assert_eq!(house.crm.audit(&rep, 0, 500).unwrap_err().code, Code::Forbidden);
}

#[test]
fn roles_are_data() {
    let house = House::new();
    let admin = house.admin();
    let role = json!({"key": "clerk", "label": "Clerk", "objects": {"contact": {"read": "all"}}});
    house.crm.role_create(&admin, map(role)).unwrap();
    let clerk = house.user("Carl", "clerk");
    assert_eq!(house.crm.create(&clerk, "contact", map(json!({"name": "x"}))).unwrap_err().code, Code::Forbidden);
    house.crm.role_update(&admin, "clerk", map(json!({"objects": {"contact": {"create": "own"}}}))).unwrap();
    let clerk = house.as_user(clerk.actor.user);
    house.create(&clerk, "contact", json!({"name": "x"}));
    assert_eq!(house.crm.role_delete(&admin, "clerk").unwrap_err().code, Code::InUse);
    assert_eq!(
        house.crm.role_update(&admin, "systemAdmin", map(json!({"label": "x"}))).unwrap_err().code,
        Code::Conflict
    );
    assert_eq!(house.crm.roles_list(&clerk).unwrap().len(), 9);
    let who = house.crm.who_am_i(&clerk).unwrap();
    assert_eq!(
        (&who["permissions"]["contact"]["create"], &who["permissions"]["deal"]["read"]),
        (&json!("own"), &json!("none"))
    );
    assert_eq!(who["organisation"]["timeZone"], "Europe/Berlin");
}

#[test]
fn objects_and_fields_are_added_while_it_runs() {
    let house = House::new();
    let admin = house.admin();
    let with_field = house
        .crm
        .field_create(
            &admin,
            "contact",
            map(json!({"name": "shoeSize", "label": "Shoe size", "type": "number", "indexed": true})),
        )
        .unwrap();
    let field: &Field = with_field.field("shoeSize").unwrap();
    assert_eq!((field.code.0, field.custom), (1000, true));
    house.create(&admin, "contact", json!({"name": "Big Foot", "shoeSize": 52}));
    house.create(&admin, "contact", json!({"name": "Small Foot", "shoeSize": 34}));
    let query = json!({"filter": {"field": "shoeSize", "op": "gt", "value": 40}});
    assert_eq!(house.titles(&admin, "contact", query), ["Big Foot"]);
    assert_eq!(house.titles(&admin, "contact", json!({"sort": ["shoeSize"]})), ["Small Foot", "Big Foot"]);
    let declaration = json!({"name": "vessel", "label": "Vessel", "plural": "Vessels", "title": "name", "list": ["name"], "fields": [
        {"name": "name", "label": "Name", "type": "text", "required": true, "search": 3},
        {"name": "captain", "label": "Captain", "type": "reference", "target": ["contact"]},
    ]});
    let vessel = house.crm.object_create(&admin, map(declaration.clone())).unwrap();
    assert_eq!((vessel.code.0, vessel.custom), (1000, true));
    house.create(&admin, "vessel", json!({"name": "Argo"}));
    assert_eq!(house.titles(&admin, "vessel", json!({"q": "argo"})), ["Argo"]);
    assert_eq!(house.crm.object_create(&admin, map(declaration)).unwrap_err().code, Code::NotUnique);
    assert_eq!(house.crm.object_delete(&admin, "vessel").unwrap_err().code, Code::InUse);
    house.crm.field_patch(&admin, "contact", "title", map(json!({"label": "Position"}))).unwrap();
    house.crm.field_delete(&admin, "contact", "shoeSize").unwrap();
    let e = house.crm.create(&admin, "contact", map(json!({"name": "x", "shoeSize": 1}))).unwrap_err();
    assert_eq!(e.fields[0].code, "unknown_field");
    assert_eq!(house.crm.field_delete(&admin, "contact", "title").unwrap_err().code, Code::Conflict);
    for bad in [
        json!({"name": "Bad Name", "label": "x", "type": "text"}),
        json!({"name": "createdAt", "label": "x", "type": "text"}),
        json!({"name": "x", "label": "x", "type": "choice"}),
        json!({"name": "x", "label": "x", "type": "reference", "target": ["nothing"]}),
        json!({"name": "x", "label": "x", "type": "telepathy"}),
    ] {
        assert_eq!(
            house.crm.field_create(&admin, "contact", map(bad.clone())).unwrap_err().code,
            Code::Invalid,
            "{bad}"
        );
    }
    let rep = house.user("Rita", "salesRep");
    assert_eq!(house.crm.field_delete(&rep, "contact", "x").unwrap_err().code, Code::NotFound);
}

#[test]
fn settings_merge_and_are_checked() {
    let house = House::new();
    let admin = house.admin();
    let patched = house.crm.settings_patch(&admin, map(json!({"organisation": {"name": "Acme & Co"}}))).unwrap();
    assert_eq!(
        (&patched["organisation"]["name"], &patched["organisation"]["currency"]),
        (&json!("Acme & Co"), &json!("EUR"))
    );
    for bad in
        [json!({"organisation": {"timeZone": "Mars"}}), json!({"currencyRates": {"USD": -1}}), json!({"shoes": 1})]
    {
        assert_eq!(house.crm.settings_patch(&admin, map(bad.clone())).unwrap_err().code, Code::Invalid, "{bad}");
    }
    let created = house.create(&admin, "ticket", json!({"subject": "one"}));
    assert_eq!(created["fields"]["number"], "T-00001");
    house
        .crm
        .settings_patch(&admin, map(json!({"numbering": {"ticket": {"prefix": "{year}-", "digits": 3}}})))
        .unwrap();
    assert_eq!(house.create(&admin, "ticket", json!({"subject": "two"}))["fields"]["number"], "2026-002");
    let _ = id_of(&created);
}

#[test]
fn the_sample_comes_and_goes_as_one() {
    let house = House::with_sample(true);
    let admin = house.admin();
    assert!(house.crm.sample_loaded(&admin).unwrap());
    let count =
        |object: &str| house.crm.query(&admin, object, &house.fresh(json!({"limit": 1}))).unwrap().total.unwrap().count;
    assert_eq!((count("company"), count("contact"), count("deal"), count("product")), (30, 120, 60, 8));
    let touched = json!({"filter": {"field": "lastTouchAt", "op": "isEmpty", "value": false}, "limit": 1});
    assert!(house.crm.query(&admin, "contact", &house.fresh(touched)).unwrap().total.unwrap().count > 80);
    assert_eq!(house.crm.sample_load(&admin).unwrap_err().code, Code::Conflict);
    let own = house.create(&admin, "company", json!({"name": "Our own"}));
    house.crm.sample_remove(&admin).unwrap();
    assert_eq!((count("company"), count("contact"), count("call")), (1, 0, 0));
    assert_eq!(house.crm.get(&admin, "company", id_of(&own), &[]).unwrap().record["title"], "Our own");
    assert!(!house.crm.sample_loaded(&admin).unwrap());
    house.crm.sample_load(&admin).unwrap();
}
