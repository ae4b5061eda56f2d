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
    assert_eq!(kinds, ["change", "change", "change", "change", "change", "change", "email", "task"]);
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
