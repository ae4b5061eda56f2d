//! Writes that must not be lost or done twice: ETag and If-Match, idempotency keys, batches.

use serde_json::json;

use crate::client::Client;
use crate::harness::{ADMIN, Home, PASSWORD};

#[test]
fn etags_keys_and_batches() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let client = Client::with_key(&server, key);
    versions(&client);
    repeated(&client);
    batches(&client);
    trash(&client);
    sessions_need_their_token(&server);
}

fn versions(client: &Client) {
    let made = client.post("/api/v1/records/company", json!({"fields": {"name": "Globex"}})).expect(201);
    let path = format!("/api/v1/records/company/{}", made.text("/id"));
    assert_eq!(made.header("etag"), "\"1\"");
    let same = client.send("GET", &path, &[("if-none-match", "\"1\"")], None).expect(304);
    assert_eq!(same.body, json!(""));
    let change = |industry: &str| Some(json!({"fields": {"industry": industry}}).to_string());
    let changed = client.send("PATCH", &path, &[("if-match", "\"1\"")], change("software")).expect(200);
    assert_eq!(changed.header("etag"), "\"2\"");
    let late = client.send("PATCH", &path, &[("if-match", "\"1\"")], change("banking")).expect(412);
    assert_eq!(late.problem(), "version_mismatch");
    let nonsense = client.send("PATCH", &path, &[("if-match", "\"x\"")], change("banking")).expect(412);
    assert_eq!(nonsense.problem(), "version_mismatch");
    let either = client.send("PATCH", &path, &[("if-match", "\"1\", \"2\"")], change("software")).expect(200);
    assert_eq!(either.header("etag"), "\"2\"", "one of several tags is enough, and nothing has changed");
    client.send("DELETE", &path, &[("if-match", "\"1\"")], None).expect(412);
    client.send("GET", &path, &[("if-match", "\"2\"")], None).expect(200);
    client.send("GET", &path, &[("if-match", "\"1\"")], None).expect(412);
    let body = |json: serde_json::Value| Some(json.to_string());
    for (method, path, sent) in [
        ("GET", "/api/v1/records/company", None),
        ("POST", "/api/v1/records/company", body(json!({"fields": {"name": "Initech"}}))),
        ("POST", "/api/v1/records/batch", body(json!({"operations": []}))),
        ("PATCH", "/api/v1/settings", body(json!({}))),
        ("GET", "/api/v1/users", None),
        ("POST", "/api/v1/session", body(json!({"email": "a@b.example", "password": "x"}))),
    ] {
        let refused = client.send(method, path, &[("if-match", "\"1\"")], sent.clone()).expect(412);
        assert_eq!(refused.problem(), "version_mismatch", "{method} {path}");
        assert!(refused.text("/detail").contains("nothing here has versions"), "{}", refused.body);
        let any = client.send(method, path, &[("if-match", "*")], sent);
        assert_ne!(any.status, 412, "{method} {path}");
    }
    assert_eq!(client.get(&path).expect(200).body["version"], 2);
    let history = client.get(&format!("{path}/history")).expect(200);
    assert_eq!(history.body["entries"].as_array().map(Vec::len), Some(2), "{}", history.body);
    let (undo, stale) = (format!("{path}/undo"), [("if-match", "\"1\"")]);
    let late = client.send("POST", &undo, &stale, Some(json!({"version": 1}).to_string())).expect(412);
    assert_eq!(late.problem(), "version_mismatch");
    let undone = client.post(&undo, json!({"version": 1})).expect(200);
    assert_eq!((&undone.body["version"], undone.body["fields"].get("industry")), (&json!(3), None), "{}", undone.body);
}

fn repeated(client: &Client) {
    let body = |name: &str| Some(json!({"fields": {"name": name}}).to_string());
    let key = [("idempotency-key", "order-66")];
    let first = client.send("POST", "/api/v1/records/company", &key, body("Umbrella")).expect(201);
    let again = client.send("POST", "/api/v1/records/company", &key, body("Umbrella")).expect(201);
    assert_eq!(first.body, again.body);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!((again.header("etag"), again.header("location")), (first.header("etag"), first.header("location")));
    let other = client.send("POST", "/api/v1/records/company", &key, body("Wayne")).expect(409);
    assert_eq!(other.problem(), "idempotency_mismatch");
    let seq = first.header("x-aplomb-seq");
    let filter = "%7B%22field%22%3A%22name%22%2C%22op%22%3A%22eq%22%2C%22value%22%3A%22Umbrella%22%7D";
    let list = client.get(&format!("/api/v1/records/company?after={seq}&filter={filter}")).expect(200);
    assert_eq!(list.body["records"].as_array().map(Vec::len), Some(1), "{}", list.body);
}

fn batches(client: &Client) {
    let create = |name: &str| json!({"op": "create", "object": "company", "fields": {"name": name}});
    let done = client.post("/api/v1/records/batch", json!({"operations": [create("A1"), create("A2")]})).expect(200);
    assert_eq!(done.body["results"].as_array().map(Vec::len), Some(2));
    let bad = json!({"op": "create", "object": "company", "fields": {"nonsense": 1}});
    let refused = client.post("/api/v1/records/batch", json!({"operations": [create("A3"), bad]})).expect(422);
    assert!(refused.text("/errors/0/field").starts_with("operations[1]"), "{}", refused.body);
    let hits = client.get("/api/v1/search?q=A3&object=company").expect(200);
    assert_eq!(hits.body["results"], json!([]), "nothing of a refused batch is written");
    let many: Vec<_> = (0..1_001).map(|n| create(&n.to_string())).collect();
    client.post("/api/v1/records/batch", json!({"operations": many})).expect(422);
}

fn trash(client: &Client) {
    let made = client.post("/api/v1/records/company", json!({"fields": {"name": "Enron"}})).expect(201);
    let path = format!("/api/v1/records/company/{}", made.text("/id"));
    client.delete(&path).expect(204);
    let list = client.get("/api/v1/records/company/trash").expect(200);
    assert!(list.body["records"].as_array().is_some_and(|list| list.iter().any(|r| r["id"] == made.body["id"])));
    let restore = |tag: &str| client.send("POST", &format!("{path}/restore"), &[("if-match", tag)], None);
    assert_eq!(restore("\"1\"").expect(412).problem(), "version_mismatch");
    restore("\"2\"").expect(200);
    assert_eq!(client.get(&path).expect(200).text("/fields/name"), "Enron");
}

fn sessions_need_their_token(server: &crate::harness::Server) {
    let mut client = Client::log_in(server, ADMIN, PASSWORD);
    let company = json!({"fields": {"name": "Forged"}});
    let token = client.csrf.take();
    assert_eq!(client.post("/api/v1/records/company", company.clone()).expect(403).problem(), "csrf_missing");
    client.csrf = Some("wrong".to_owned());
    assert_eq!(client.post("/api/v1/records/company", company.clone()).expect(403).problem(), "csrf_missing");
    client.csrf = token;
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let forged = client.send("POST", "/api/v1/records/company", &[(name, value)], Some(company.to_string()));
        assert_eq!(forged.expect(403).problem(), "csrf_missing", "{name}");
    }
    client.post("/api/v1/records/company", company).expect(201);
}
