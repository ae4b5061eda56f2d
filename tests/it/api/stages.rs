//! How long a record was in each stage.

use serde_json::{Value as Json, json};

use crate::client::Client;
use crate::harness::Home;

#[test]
fn the_way_of_a_deal_through_its_stages() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let client = Client::with_key(&server, key);
    let made = client.post("/api/v1/records/deal", json!({"fields": {"name": "Big"}})).expect(201);
    let path = format!("/api/v1/records/deal/{}", made.text("/id"));
    let mut stages = vec![made.text("/fields/stage").to_owned()];
    for stage in ["proposal", "negotiation", "proposal"] {
        client.patch(&path, json!({"fields": {"stage": stage}})).expect(200);
        client.patch(&path, json!({"fields": {"name": format!("Big, {stage}")}})).expect(200);
        stages.push(stage.to_owned());
    }
    let seen = client.get(&format!("{path}/stages")).expect(200).body;
    let list = |name: &str| seen[name].as_array().unwrap_or_else(|| panic!("{name} in {seen}")).clone();
    let visits = list("visits");
    let column = |name: &str| visits.iter().map(|visit| visit[name].clone()).collect::<Vec<_>>();
    assert_eq!(column("stage"), stages.iter().map(|stage| json!(stage)).collect::<Vec<_>>());
    let (entered, left) = (column("entered"), column("left"));
    assert_eq!(entered[0], made.body["createdAt"]);
    assert_eq!(left[..3], entered[1..], "one stage is left when the next is entered");
    assert_eq!((&seen["field"], &left[3]), (&json!("stage"), &Json::Null));
    assert_eq!((&seen["current"]["stage"], &seen["current"]["since"]), (&json!("proposal"), &entered[3]));
    assert!(visits.iter().all(|visit| visit["actor"]["name"].is_string() && visit["seconds"].is_u64()), "{seen}");
    let of_proposal = list("totals").into_iter().find(|total| total["stage"] == "proposal");
    assert_eq!(of_proposal.map(|total| total["visits"].clone()), Some(json!(2)));

    let note = client.post("/api/v1/records/note", json!({"fields": {"body": "x"}})).expect(201);
    for missing in [
        format!("/api/v1/records/note/{}/stages", note.text("/id")),
        "/api/v1/records/deal/01890000-0000-7000-8000-000000000000/stages".to_owned(),
        format!("/api/v1/records/contact/{}/stages", made.text("/id")),
    ] {
        assert_eq!(client.get(&missing).expect(404).problem(), "not_found", "{missing}");
    }
}
