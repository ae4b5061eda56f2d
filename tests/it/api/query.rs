//! Groups and figures with the records themselves beside them.

use serde_json::{Value as Json, json};

use crate::client::Client;
use crate::harness::Home;

#[test]
fn groups_come_with_as_many_records_as_are_asked_for() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let client = Client::with_key(&server, key);
    let mut seq = String::new();
    for (name, stage, amount) in [("A", "proposal", "100.50"), ("B", "negotiation", "7.00"), ("C", "proposal", "0.25")]
    {
        let fields = json!({"name": name, "stage": stage, "amount": {"amount": amount, "currency": "EUR"}});
        let made = client.post("/api/v1/records/deal", json!({"fields": fields})).expect(201);
        seq = made.header("x-aplomb-seq").to_owned();
    }
    let ask = |more: Json| {
        let mut body = json!({
            "groupBy": ["stage"], "aggregates": [{"op": "count"}, {"op": "sum", "field": "amount"}],
            "sort": ["name"], "fields": ["name"],
        });
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        client.post(&format!("/api/v1/records/deal/query?after={seq}"), body).expect(200).body
    };
    let names = |page: &Json| -> Vec<String> {
        let records = page["records"].as_array().expect("records");
        records.iter().map(|record| record["fields"]["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let groups = |page: &Json| -> Vec<(String, u64, String)> {
        let groups = page["groups"].as_array().expect("groups").iter();
        let mut groups: Vec<_> = groups
            .map(|group| {
                let sum = group["values"]["sum_amount"]["amount"].as_str().unwrap_or_default().to_owned();
                let stage = group["key"]["stage"].as_str().unwrap_or_default().to_owned();
                (stage, group["values"]["count"].as_u64().unwrap_or_default(), sum)
            })
            .collect();
        groups.sort();
        groups
    };
    let all = [("negotiation".to_owned(), 1, "7.00".to_owned()), ("proposal".to_owned(), 2, "100.75".to_owned())];
    for (more, expect) in [
        (json!({"limit": 2}), vec!["A", "B"]),
        (json!({"limit": 50}), vec!["A", "B", "C"]),
        (json!({"limit": 0}), vec![]),
        (json!({"limit": 1, "sort": ["-amount"]}), vec!["A"]),
    ] {
        let page = ask(more.clone());
        assert_eq!(names(&page), expect, "{more}");
        assert_eq!(groups(&page), all, "groups are of everything: {more}");
    }
    let filtered = ask(json!({"limit": 5, "filter": {"field": "stage", "op": "eq", "value": "proposal"}}));
    assert_eq!((names(&filtered), groups(&filtered)), (vec!["A".to_owned(), "C".to_owned()], all[1..].to_vec()));
    let first = ask(json!({"limit": 2}));
    let second = ask(json!({"limit": 2, "cursor": first["next"]}));
    assert_eq!(names(&second), ["C"]);
}
