//! What follows from what.

use aplomb_model::query::Scalar;
use aplomb_model::record::Fields;
use aplomb_model::{Code, Value};
use serde_json::{Value as Json, json};

use super::{House, id_of, map};
use crate::{BulkOp, ConvertLead, TimelineRequest};

#[test]
fn stages_say_how_probable_a_deal_is() {
    let mut house = House::new();
    let admin = house.admin();
    let deal = house.create(&admin, "deal", json!({"name": "D", "amount": "1000"}));
    let id = id_of(&deal);
    let field = |r: &Json, name: &str| r["fields"][name].clone();
    assert_eq!((field(&deal, "probability"), field(&deal, "outcome")), (json!(10), json!("open")));
    assert_eq!(field(&deal, "weightedAmount")["amount"], "100.00");
    house.later(3_600);
    let admin = house.admin();
    let update = |fields: Json| house.crm.update(&admin, "deal", id, None, map(fields)).map(|w| w.record);
    let moved = update(json!({"stage": "proposal"})).unwrap();
    assert_eq!((field(&moved, "probability"), field(&moved, "stageChangedAt")), (json!(50), json!(house.now)));
    let by_hand = update(json!({"probability": 60})).unwrap();
    assert_eq!(field(&by_hand, "weightedAmount")["amount"], "600.00");
    assert_eq!(update(json!({"stage": "lost"})).unwrap_err().fields[0].field, "lostReason");
    let lost = update(json!({"stage": "lost", "lostReason": "price"})).unwrap();
    assert_eq!(
        (field(&lost, "closedAt"), field(&lost, "outcome"), field(&lost, "forecast")),
        (json!(house.now), json!("lost"), json!("omitted"))
    );
    let open = update(json!({"stage": "negotiation"})).unwrap();
    assert_eq!(
        (field(&open, "closedAt"), field(&open, "lostReason"), field(&open, "outcome")),
        (Json::Null, Json::Null, json!("open"))
    );
}

#[test]
fn a_deal_tells_how_long_it_was_in_each_stage() {
    let mut house = House::new();
    let id = id_of(&house.create(&house.admin(), "deal", json!({"name": "D"})));
    let steps = [
        json!({"stage": "proposal"}),
        json!({"name": "renamed"}),
        json!({"stage": "lost", "lostReason": "price"}),
        json!({"stage": "won"}),
        json!({"stage": "proposal"}),
    ];
    for (days, fields) in (1..).zip(steps) {
        house.later(days * 86_400);
        let admin = house.admin();
        let deal = house.crm.update(&admin, "deal", id, None, map(fields)).unwrap().record;
        if deal["fields"]["stage"] == "won" {
            assert_eq!(deal["fields"]["closedAt"], json!(house.now));
            assert_eq!(deal["fields"]["lostReason"], Json::Null);
        }
    }
    house.later(100);
    let admin = house.admin();
    let stages = house.crm.stages(&admin, "deal", id).unwrap();
    let visits: Vec<_> = stages["visits"].as_array().unwrap().iter().map(|v| (&v["stage"], &v["seconds"])).collect();
    let days = |n: i64| json!(n * 86_400);
    assert_eq!(
        visits,
        [
            (&json!("qualification"), &days(1)),
            (&json!("proposal"), &days(5)),
            (&json!("lost"), &days(4)),
            (&json!("won"), &days(5)),
            (&json!("proposal"), &json!(100)),
        ]
    );
    let (first, last) = (&stages["visits"][0], &stages["visits"][4]);
    assert_eq!((&first["left"], &first["actor"]["name"]), (&stages["visits"][1]["entered"], &json!("Ada Lovelace")));
    assert_eq!(last["left"], Json::Null);
    assert_eq!(stages["current"]["since"], last["entered"]);
    assert_eq!(stages["totals"][1], json!({"stage": "proposal", "label": "Proposal", "visits": 2, "seconds": 432_100}));
    let company = id_of(&house.create(&admin, "note", json!({"body": "no stages"})));
    assert_eq!(house.crm.stages(&admin, "note", company).unwrap_err().code, Code::NotFound);
}

#[test]
fn a_logged_call_does_not_stand_in_an_editors_way() {
    let mut house = House::new();
    let admin = house.admin();
    let contact = house.create(&admin, "contact", json!({"name": "A"}));
    let id = id_of(&contact);
    house.later(60);
    let admin = house.admin();
    let call = |at: &str| {
        let related = json!([{"object": "contact", "id": id}]);
        house.create(&admin, "call", json!({"subject": "s", "at": at, "related": related}))
    };
    call("2026-03-17T09:00:00Z");
    let touched = house.crm.get(&admin, "contact", id, &[]).unwrap();
    assert_eq!((touched.version, &touched.record["updatedAt"]), (2, &contact["updatedAt"]));
    let title =
        |version, title: &str| house.crm.update(&admin, "contact", id, Some(version), map(json!({"title": title})));
    assert_eq!(title(1, "seen before the call").unwrap().version, 3);
    call("2026-03-18T09:00:00Z");
    for stale in [1, 2, 9] {
        let e = title(stale, "stale").unwrap_err();
        assert_eq!((e.code, &e.extra.unwrap()["conflicts"][0]["given"]), (Code::VersionMismatch, &json!("stale")));
    }
    house.crm.trash(&admin, "contact", id, Some(3)).unwrap();
    house.crm.restore(&admin, "contact", id).unwrap();
    assert_eq!(title(4, "before the trash").unwrap_err().code, Code::VersionMismatch);
}

#[test]
fn work_feeds_last_and_next_touch() {
    let house = House::new();
    let admin = house.admin();
    let company = house.create(&admin, "company", json!({"name": "Acme"}));
    let contact = id_of(&house.create(&admin, "contact", json!({"name": "A", "company": company["id"]})));
    let related = json!([{"object": "contact", "id": contact}]);
    let work = |object: &str, fields: Json| {
        let mut fields = map(fields);
        fields.insert("subject".into(), json!("s"));
        fields.insert("related".into(), related.clone());
        id_of(&house.crm.create(&admin, object, fields).unwrap().record)
    };
    let touch = || {
        let fields = house.crm.get(&admin, "contact", contact, &[]).unwrap().record["fields"].clone();
        (fields["lastTouchAt"].clone(), fields["nextTouchAt"].clone())
    };
    let call = work("call", json!({"at": "2026-03-17T09:00:00Z"}));
    work("email", json!({"at": "2026-03-01T09:00:00Z"}));
    let task = work("task", json!({"dueAt": "2026-03-20T09:00:00Z"}));
    let meeting = work("meeting", json!({"at": "2026-03-25T09:00:00Z"}));
    assert_eq!(touch(), (json!("2026-03-17T09:00:00Z"), json!("2026-03-20T09:00:00Z")));
    house.crm.update(&admin, "task", task, None, map(json!({"status": "cancelled"}))).unwrap();
    assert_eq!(touch().1, json!("2026-03-25T09:00:00Z"));
    house.crm.trash(&admin, "call", call, None).unwrap();
    assert_eq!(touch().0, json!("2026-03-01T09:00:00Z"));
    house.crm.trash(&admin, "meeting", meeting, None).unwrap();
    assert_eq!(touch().1, Json::Null);
    let company = house.crm.get(&admin, "company", id_of(&company), &[]).unwrap().record;
    assert_eq!(company["fields"]["lastTouchAt"], json!("2026-03-17T09:00:00Z"));
    let page =
        house.crm.timeline(&admin, "contact", contact, &TimelineRequest { limit: 2, ..Default::default() }).unwrap();
    assert_eq!(page.entries.len(), 2);
    let rest = TimelineRequest { cursor: page.next, limit: 100, ..Default::default() };
    let rest = house.crm.timeline(&admin, "contact", contact, &rest).unwrap();
    let mut kinds: Vec<_> = page.entries.iter().chain(&rest.entries).map(|e| e["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    // Times of touch follow from the work that stands there already.
    assert_eq!(kinds, ["change", "email", "task"]);
    let only = TimelineRequest { kinds: vec!["task".into()], ..Default::default() };
    assert_eq!(house.crm.timeline(&admin, "contact", contact, &only).unwrap().entries.len(), 1);
}

#[test]
fn a_lead_becomes_contact_company_and_deal() {
    let house = House::new();
    let admin = house.admin();
    let fields = json!({"name": "Grace Hopper", "email": ["grace@navy.mil"], "companyName": "Navy", "budget": "5000", "source": "event"});
    let lead = id_of(&house.create(&admin, "lead", fields));
    let note =
        house.create(&admin, "note", json!({"body": "met at the fair", "related": [{"object": "lead", "id": lead}]}));
    let e = house.crm.update(&admin, "lead", lead, None, map(json!({"status": "converted"}))).unwrap_err();
    assert_eq!(e.fields[0].code, "conversion");
    let done = house.crm.convert_lead(&admin, lead, ConvertLead::default()).unwrap().answer;
    assert_eq!(done["contact"]["fields"]["email"], json!(["grace@navy.mil"]));
    assert_eq!(done["contact"]["fields"]["company"]["name"], "Navy");
    assert_eq!(done["deal"]["fields"]["amount"]["amount"], "5000.00");
    assert_eq!(done["deal"]["fields"]["contacts"][0]["name"], "Grace Hopper");
    assert_eq!(done["deal"]["title"], "Navy");
    assert_eq!(done["lead"]["fields"]["status"], "converted");
    assert_eq!(done["lead"]["fields"]["convertedDeal"]["id"], done["deal"]["id"]);
    let note = house.crm.get(&admin, "note", id_of(&note), &[]).unwrap().record;
    assert_eq!(note["fields"]["related"].as_array().unwrap().len(), 4);
    assert_eq!(house.crm.convert_lead(&admin, lead, ConvertLead::default()).unwrap_err().code, Code::Conflict);
    // a second lead of the same company joins it
    let second = id_of(&house.create(&admin, "lead", json!({"name": "Howard Aiken", "companyName": "NAVY"})));
    let options = ConvertLead { create_deal: Some(false), ..Default::default() };
    let joined = house.crm.convert_lead(&admin, second, options).unwrap().answer;
    assert_eq!((&joined["company"]["id"], &joined["deal"]), (&done["company"]["id"], &Json::Null));
}

#[test]
fn bulk_keeps_going_past_bad_rows() {
    let house = House::new();
    let admin = house.admin();
    let schema = house.crm.schema();
    let object = schema.by_name("company").unwrap();
    let code = |name: &str| object.field(name).unwrap().code;
    let row = |name: Option<&str>, external: &str| {
        let mut fields = Fields::default();
        fields.set(code("name"), name.map(|n| Value::Text(n.into())));
        fields.set(house.crm.external_ids(object).unwrap(), Some(Value::Texts(vec![external.into()])));
        BulkOp::Create { object: object.code, id: None, fields }
    };
    let done = house
        .crm
        .bulk(
            &admin,
            vec![row(Some("One"), "x:company:1"), row(None, "x:company:2"), row(Some("Three"), "x:company:3")],
            "import:1",
        )
        .unwrap();
    assert_eq!(done.results[1].as_ref().unwrap_err()[0].code, "required");
    let found = house.crm.find_by(&admin, "company", "externalIds", &Scalar::Key("x:company:3".into())).unwrap();
    assert_eq!(done.results[2], Ok(found[0]));
    let history = house.crm.history(&admin, "company", found[0], None, 1).unwrap();
    assert_eq!(history.entries[0]["reason"], "import:1");
    assert_eq!(house.crm.scan(&admin, "company", None, 10).unwrap().len(), 2);
    let update =
        BulkOp::Update { object: object.code, id: found[0], if_version: Some(7), fields: vec![(code("name"), None)] };
    let refused = house.crm.bulk(&admin, vec![update], "import:1").unwrap();
    assert_eq!(refused.results[0].as_ref().unwrap_err()[0].code, "version_mismatch");
}
