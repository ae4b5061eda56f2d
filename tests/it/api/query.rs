//! Groups and figures with the records themselves beside them.

use serde_json::{Value as Json, json};

use crate::client::Client;
use crate::harness::Home;

#[test]
fn a_page_from_an_offset_is_the_one_that_walking_comes_to() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let client = Client::with_key(&server, key);
    let one =
        |n: usize| json!({"op": "create", "object": "contact", "fields": {"name": format!("N{:02}", n * 7 % 40)}});
    let operations: Vec<Json> = (0..40).map(one).collect();
    let made = client.post("/api/v1/records/batch", json!({"operations": operations})).expect(200);
    let seq = made.body["seq"].as_u64().expect("a number");
    let ids = |page: &Json| -> Vec<String> {
        page["records"].as_array().expect("records").iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect()
    };
    for sort in ["", "-createdAt", "updatedAt", "id", "name.last", "-name.last"] {
        let all: Vec<String> = client
            .all("contact", &json!({"sort": sort.split_terminator(',').collect::<Vec<_>>(), "after": seq}))
            .iter()
            .map(|r| r["id"].as_str().unwrap().to_owned())
            .collect();
        for offset in [0, 1, 17, 36, 39, 40, 10_000_000] {
            let page = client.get(&format!("/api/v1/records/contact?sort={sort}&offset={offset}&limit=5&after={seq}"));
            let page = page.expect(200).body;
            let rest = &all[offset.min(40)..];
            assert_eq!(ids(&page), rest[..rest.len().min(5)], "{sort} from {offset}");
            assert_eq!(page["total"]["count"], 40);
            if let Some(next) = page["next"].as_str() {
                let next =
                    client.get(&format!("/api/v1/records/contact?sort={sort}&limit=5&cursor={next}")).expect(200);
                assert_eq!(ids(&next.body), rest[5..rest.len().min(10)], "{sort} after {offset}");
            }
        }
    }
    let found = client.get("/api/v1/records/contact?q=N0&offset=8&limit=5").expect(200).body;
    assert_eq!((ids(&found).len(), &found["next"]), (2, &Json::Null), "{found}");
    for (query, field) in
        [("offset=1&cursor=s.i1.00.00", "offset"), ("offset=10000001", "offset"), ("offset=-1", "offset")]
    {
        let refused = client.get(&format!("/api/v1/records/contact?{query}")).expect(422);
        assert_eq!(refused.text("/errors/0/field"), field, "{query}");
    }
    let body = json!({"offset": 38, "limit": 5, "sort": ["name.last"]});
    assert_eq!(ids(&client.post("/api/v1/records/contact/query", body).expect(200).body).len(), 2);
    let past = json!({"offset": 20_001, "asOf": "2030-01-01T00:00:00Z"});
    client.post("/api/v1/records/contact/query", past).expect(422);
}

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
