//! Nobody sees or does more than his role lets him, whichever way he asks.

use aplomb_model::{Code, Query};
use serde_json::json;

use super::{House, id_of, map};
use crate::{SearchRequest, TimelineRequest};

#[test]
fn a_partner_sees_his_own_only() {
    let house = House::new();
    let admin = house.admin();
    let partner = house.user("Paula", "partner");
    let theirs = id_of(&house.create(&admin, "contact", json!({"name": "Hidden Person"})));
    let own = id_of(&house.create(&partner, "contact", json!({"name": "Visible Person"})));
    assert_eq!(house.titles(&partner, "contact", json!({})), ["Visible Person"]);
    assert_eq!(house.titles(&partner, "contact", json!({"q": "person"})), ["Visible Person"]);
    assert_eq!(house.titles(&partner, "contact", json!({"asOf": house.now})), ["Visible Person"]);
    let search = SearchRequest { q: "person".into(), after: Some(house.crm.seq()), ..SearchRequest::default() };
    assert_eq!(house.crm.search(&partner, &search).unwrap().results.len(), 1);
    let count: Query =
        serde_json::from_value(json!({"aggregates": [{"op": "count"}], "after": house.crm.seq()})).unwrap();
    let groups = house.crm.query(&partner, "contact", &count).unwrap().groups.unwrap();
    assert_eq!(groups[0]["values"]["count"], 1);
    let code = |r: aplomb_model::Result<crate::RecordView>| r.map(|_| ()).map_err(|e| e.code);
    assert_eq!(code(house.crm.get(&partner, "contact", theirs, &[])), Err(Code::NotFound));
    assert_eq!(
        code(house.crm.update(&partner, "contact", theirs, None, map(json!({"title": "x"})))),
        Err(Code::NotFound)
    );
    assert_eq!(code(house.crm.trash(&partner, "contact", theirs, None)), Err(Code::NotFound));
    assert_eq!(house.crm.history(&partner, "contact", theirs, None, 10).unwrap_err().code, Code::NotFound);
    let timeline = TimelineRequest::default();
    assert_eq!(house.crm.timeline(&partner, "contact", theirs, &timeline).unwrap_err().code, Code::NotFound);
    assert_eq!(code(house.crm.create(&partner, "campaign", map(json!({"name": "x"})))), Err(Code::NotFound));
    let changes = house.crm.changes(&partner, 0, 100).unwrap();
    assert_eq!(changes["changes"].as_array().unwrap().len(), 1);
    assert_eq!(
        house.crm.export(&partner, "contact", &Query::default(), &mut |_| Ok(())).unwrap_err().code,
        Code::Forbidden
    );
    // neither the name behind a reference, nor a condition on what is behind it
    let company = house.create(&admin, "company", json!({"name": "Secret Ltd", "industry": "banking"}));
    let e = house.crm.update(&partner, "contact", own, None, map(json!({"company": company["id"]}))).unwrap_err();
    assert_eq!(e.fields[0].code, "not_found");
    house.crm.update(&admin, "contact", own, None, map(json!({"company": company["id"]}))).unwrap();
    let seen = house.crm.get(&partner, "contact", own, &[]).unwrap();
    assert_eq!(seen.record["fields"]["company"]["name"], json!(null));
    let filter = json!({"filter": {"field": "company.industry", "op": "eq", "value": "banking"}});
    assert_eq!(house.crm.query(&partner, "contact", &house.fresh(filter)).unwrap_err().code, Code::BadFilter);
}

#[test]
fn teams_share() {
    let house = House::new();
    let admin = house.admin();
    let (rep, mate, other) =
        (house.user("Rita", "salesRep"), house.user("Max", "salesRep"), house.user("Olaf", "salesRep"));
    let members = json!([rep.actor.user, mate.actor.user]);
    house.crm.team_create(&admin, map(json!({"name": "North", "members": members}))).unwrap();
    let (rep, mate, other) =
        (house.as_user(rep.actor.user), house.as_user(mate.actor.user), house.as_user(other.actor.user));
    let deal = id_of(&house.create(&rep, "deal", json!({"name": "Big one"})));
    assert_eq!(house.titles(&mate, "deal", json!({})), ["Big one"]);
    assert_eq!(house.titles(&other, "deal", json!({})), Vec::<String>::new());
    let change = || map(json!({"nextStep": "call"}));
    assert_eq!(house.crm.update(&mate, "deal", deal, None, change()).unwrap_err().code, Code::Forbidden);
    assert_eq!(house.crm.update(&other, "deal", deal, None, change()).unwrap_err().code, Code::NotFound);
    house.crm.update(&rep, "deal", deal, None, change()).unwrap();
    // handing it over: from then on it is the other's
    house.crm.update(&rep, "deal", deal, None, map(json!({"owner": other.actor.user}))).unwrap();
    assert_eq!(house.titles(&other, "deal", json!({})), ["Big one"]);
    let e = house.crm.create(&rep, "deal", map(json!({"name": "For him", "owner": other.actor.user}))).unwrap_err();
    assert_eq!(e.code, Code::Forbidden);
}

#[test]
fn a_key_is_cut_down_to_its_scopes() {
    let house = House::new();
    let admin = house.admin();
    house.create(&admin, "contact", json!({"name": "A"}));
    let make = |scopes: &[&str]| {
        let new = serde_json::from_value(json!({"name": "script", "scopes": scopes})).unwrap();
        let made = house.crm.token_create(&admin, new).unwrap();
        let key = made["key"].as_str().unwrap().to_owned();
        (
            key.clone(),
            id_of(&made),
            house.crm.ctx(house.crm.token_actor(house.now, &key).unwrap(), house.now, house.random.clone(), "t"),
        )
    };
    let (key, _, reader) = make(&["contact:read"]);
    assert!(key.starts_with("apl_") && key.len() == 68);
    assert_eq!(house.titles(&reader, "contact", json!({})), ["A"]);
    assert_eq!(house.crm.create(&reader, "contact", map(json!({"name": "B"}))).unwrap_err().code, Code::Forbidden);
    assert_eq!(house.crm.query(&reader, "company", &Query::default()).unwrap_err().code, Code::NotFound);
    assert_eq!(house.crm.settings_patch(&reader, map(json!({}))).unwrap_err().code, Code::Forbidden);
    assert_eq!(house.crm.token_create(&reader, Default::default()).unwrap_err().code, Code::Forbidden);
    let (_, _, writer) = make(&["write"]);
    house.create(&writer, "contact", json!({"name": "B"}));
    assert_eq!(
        house.crm.export(&writer, "contact", &Query::default(), &mut |_| Ok(())).unwrap_err().code,
        Code::Forbidden
    );
    let (key, id, all) = make(&[]);
    assert_eq!(house.crm.export(&all, "contact", &Query::default(), &mut |_| Ok(())), Ok(2));
    let listed = house.crm.tokens_list(&admin).unwrap();
    assert_eq!(listed.len(), 3);
    assert!(!listed.iter().any(|t| t.to_string().contains("apl_")));
    house.crm.token_revoke(&admin, id).unwrap();
    assert_eq!(house.crm.token_actor(house.now, &key).unwrap_err().code, Code::Unauthenticated);
}
