//! Who else is at a record: known to those who may read it, and to nobody else.

use serde_json::{Value as Json, json};

use super::live::Stream;
use super::people::{Person, house};

fn stay(person: &Person, lead: &str, field: Option<&str>) -> Json {
    let id = lead.rsplit('/').next().expect("an id");
    let body = json!({"object": "lead", "id": id, "field": field});
    person.client.post("/api/v1/presence", body).expect(200).body["others"].take_array()
}

trait Take {
    fn take_array(&self) -> Json;
}

impl Take for Json {
    /// Names and fields of the others.
    fn take_array(&self) -> Json {
        let others = self.as_array().expect("others").iter();
        others.map(|other| json!([other["name"], other["field"]])).collect()
    }
}

/// The others that the next event of that kind names.
fn heard(stream: &mut Stream, lead: &str) -> Json {
    loop {
        let (name, _, data) = stream.next().expect("an event");
        if name == "presence" {
            assert_eq!(
                (data["object"].as_str(), lead.ends_with(data["id"].as_str().expect("an id"))),
                (Some("lead"), true)
            );
            return data["others"].take_array();
        }
    }
}

#[test]
fn those_at_a_record_know_of_each_other() {
    let (_home, server, [admin, rita, otto]) = house();
    let lead = admin.lead("Hot", &rita);
    let mut admins = Stream::open(&server, &admin.key, "/api/v1/live", "");
    let mut ottos = Stream::open(&server, &otto.key, "/api/v1/live", "");
    assert!(admins.next().is_some() && ottos.next().is_some(), "both have said hello");

    assert_eq!(stay(&admin, &lead, None), json!([]));
    assert_eq!(heard(&mut admins, &lead), json!([]));
    assert_eq!(stay(&rita, &lead, Some("title")), json!([["Admin", null]]));
    assert_eq!(heard(&mut admins, &lead), json!([["Rita", "title"]]));
    assert_eq!(stay(&rita, &lead, Some("title")), json!([["Admin", null]]), "a sign of life, and no event");
    stay(&rita, &lead, None);
    assert_eq!(heard(&mut admins, &lead), json!([["Rita", null]]));
    let id = lead.rsplit('/').next().expect("an id");
    let answer = rita.client.post("/api/v1/presence", json!({"object": "lead", "id": id, "leave": true})).expect(200);
    assert_eq!(answer.body, json!({"others": []}));
    assert_eq!(heard(&mut admins, &lead), json!([]));

    // somebody who may not read it neither learns nor is learnt of
    for (person, body, status, field) in [
        (&otto, json!({"object": "lead", "id": id}), 404, ""),
        (&otto, json!({"object": "nothing", "id": id}), 404, ""),
        (&rita, json!({"object": "lead", "id": id, "field": "nonsense"}), 422, "field"),
        (&rita, json!({"object": "lead"}), 422, "id"),
        (&rita, json!({"object": "lead", "id": "x"}), 422, "id"),
        (&rita, json!({"object": "lead", "id": id, "more": 1}), 422, "more"),
    ] {
        let refused = person.client.post("/api/v1/presence", body.clone()).expect(status);
        assert_eq!(refused.body["errors"][0]["field"].as_str().unwrap_or_default(), field, "{body}");
        refused.problem();
    }
    stay(&rita, &lead, None);
    assert_eq!(heard(&mut admins, &lead), json!([["Rita", null]]));
    admin.client.patch(&lead, json!({"fields": {"owner": otto.id}})).expect(200);
    assert_eq!(stay(&admin, &lead, None), json!([]), "who may not read it any more is not there");
    assert_eq!(stay(&otto, &lead, None), json!([["Admin", null]]));
    assert_eq!(heard(&mut ottos, &lead), json!([["Admin", null]]));
    assert_eq!(heard(&mut admins, &lead), json!([["Otto", null]]));
}
