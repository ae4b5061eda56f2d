//! Records and lists as they were.

use serde_json::{Value as Json, json};

use crate::client::Client;
use crate::harness::Home;

#[test]
fn a_record_and_a_list_as_of_a_time() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let client = Client::with_key(&server, key);
    let list = "/api/v1/records/company";
    let before = client.post(list, json!({"fields": {"name": "Earlier"}})).expect(201).text("/createdAt").to_owned();
    let made = client.post(list, json!({"fields": {"name": "Globex", "industry": "software"}})).expect(201);
    let path = format!("{list}/{}", made.text("/id"));
    let changed = client.patch(&path, json!({"fields": {"name": "Globex AG"}})).expect(200);
    let (first, second) = (made.text("/updatedAt"), changed.text("/updatedAt"));

    for (at, fields, expect) in [
        (first, "", json!({"name": "Globex", "industry": "software"})),
        (second, "", json!({"name": "Globex AG", "industry": "software"})),
        (first, "&fields=name", json!({"name": "Globex"})),
    ] {
        let seen = client.get(&format!("{path}?asOf={at}{fields}")).expect(200);
        assert_eq!(seen.header("etag"), if at == first { "\"1\"" } else { "\"2\"" });
        let mut found = seen.body["fields"].clone();
        if fields.is_empty() {
            found.as_object_mut().expect("fields").retain(|name, _| name == "name" || name == "industry");
        }
        assert_eq!(found, expect, "{at}{fields}");
    }
    client.get(&format!("{path}?asOf={before}")).expect(404);

    let names = |page: Json| -> Vec<String> {
        let records = page["records"].as_array().expect("records");
        records.iter().map(|record| record["fields"]["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    for (at, expect) in [
        (before.as_str(), vec!["Earlier"]),
        (first, vec!["Earlier", "Globex"]),
        (second, vec!["Earlier", "Globex AG"]),
        ("2999-01-01T00:00:00Z", vec!["Earlier", "Globex AG"]),
    ] {
        let listed = client.get(&format!("{list}?asOf={at}&sort=name&fields=name")).expect(200).body;
        assert_eq!(names(listed), expect, "{at}");
        let asked =
            json!({"asOf": at, "sort": ["name"], "fields": ["name"], "aggregates": [{"op": "count", "as": "n"}]});
        let asked = client.post(&format!("{list}/query"), asked).expect(200).body;
        assert_eq!(asked["groups"][0]["values"]["n"], expect.len(), "{at}");
        assert_eq!(names(asked), expect, "{at}");
    }
    for bad in ["yesterday", "2026-13-01T00:00:00Z", "x"] {
        let refused = client.get(&format!("{list}?asOf={bad}")).expect(422);
        assert_eq!(refused.text("/errors/0/field"), "asOf", "{bad}");
    }
}
