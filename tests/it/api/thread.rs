//! The thread through all layers: first run, session, records, list, search, import, restart, log-out.

use serde_json::json;

use super::live::Stream;
use crate::client::Client;
use crate::harness::{ADMIN, Home, PASSWORD, Server};

fn wizard(code: &str) -> serde_json::Value {
    json!({
        "code": code,
        "organisation": {"name": "Acme", "currency": "EUR", "timeZone": "Europe/Berlin", "language": "en"},
        "admin": {"name": "Ada Admin", "email": ADMIN, "password": PASSWORD},
        "unseal": {},
        "start": "empty",
    })
}

#[test]
fn from_the_first_run_to_the_log_out() {
    let home = Home::new();
    let server = home.serve(false);
    let mut client = Client::new(&server);

    let state = client.get("/api/v1/setup").expect(200);
    assert_eq!((&state.body["required"], &state.body["sealed"]), (&json!(true), &json!(false)));
    assert_eq!(client.get("/api/v1/records/contact").expect(503).problem(), "setup_required");
    let wrong = client.post("/api/v1/setup", wizard("wrong-code")).expect(422);
    assert_eq!(wrong.text("/errors/0/field"), "code");

    let done = client.post("/api/v1/setup", wizard(&server.setup_code())).expect(201);
    assert!(done.text("/recoveryKit/identity").starts_with("AGE-SECRET-KEY-1"));
    assert!(done.text("/recoveryKit/text").contains(done.text("/recoveryKit/identity")));
    let passphrase = done.text("/unsealPassphrase").to_owned();
    client.take_session(&done);
    assert_eq!(client.post("/api/v1/setup", wizard(&server.setup_code())).expect(404).problem(), "not_found");

    let me = client.get("/api/v1/session").expect(200);
    assert_eq!(me.text("/user/email"), ADMIN);
    assert_eq!(me.text("/organisation/name"), "Acme");

    let made = client
        .post("/api/v1/records/contact", json!({"fields": {"name": "Grace Hopper", "email": ["grace@navy.example"]}}))
        .expect(201);
    let seq: u64 = made.header("x-aplomb-seq").parse().expect("a sequence number");
    let path = format!("/api/v1/records/contact/{}", made.text("/id"));
    assert_eq!(made.header("location"), path);
    let list =
        client.get(&format!("/api/v1/records/contact?after={seq}&sort=-createdAt&fields=name,email")).expect(200);
    assert_eq!(list.body["records"][0]["id"], made.body["id"]);
    let query = format!("/api/v1/records/contact/query?after={seq}");
    let filter = json!({"field": "name.last", "op": "eq", "value": "hopper"});
    let found = client.post(&query, json!({"filter": filter})).expect(200);
    assert_eq!(found.body["records"].as_array().map(Vec::len), Some(1));
    let counted = client.post(&query, json!({"filter": filter, "aggregates": [{"op": "count"}]})).expect(200);
    assert_eq!(counted.body["groups"][0]["values"]["count"], 1);
    let hits = client.get(&format!("/api/v1/search?q=hoper&after={seq}")).expect(200);
    assert_eq!(hits.body["results"][0]["id"], made.body["id"]);

    import(&client);
    assert_eq!(client.delete("/api/v1/session").expect(204).header("set-cookie").split(';').next(), Some("aplomb="));
    assert_eq!(client.get("/api/v1/session").expect(401).problem(), "unauthenticated");
    server.kill();
    unseal(&home.serve(false), &passphrase, &path);
}

fn import(client: &Client) {
    let csv = "First name;Last name;E-mail\nAlan;Turing;alan@bletchley.example\nEdsger;Dijkstra;edsger@thue.example\n";
    let path = client.upload("contact", "people.csv", csv);
    let checked = client.post(&format!("{path}/check"), json!({})).expect(200);
    assert_eq!(checked.body["preview"]["create"], 2, "{}", checked.body);
    client.send("POST", &format!("{path}/commit"), &[], None).expect(202);
    let done = client.import_until(&path, &["done"]);
    assert_eq!(done["progress"]["created"], 2, "{done}");
    let exported = client.get("/api/v1/export/contact?format=csv").expect(200);
    assert!(exported.body.as_str().is_some_and(|csv| csv.contains("alan@bletchley.example")), "{}", exported.body);
}

fn unseal(server: &Server, passphrase: &str, path: &str) {
    let client = Client::new(server);
    assert_eq!(client.get("/api/v1/setup").expect(200).body["sealed"], true);
    assert_eq!(client.get(path).expect(503).problem(), "sealed");
    assert_eq!(client.get("/healthz").expect(200).body, json!("ok\n"));
    assert_eq!(client.get("/readyz").expect(503).problem(), "sealed");
    let wrong = client.post("/api/v1/unseal", json!({"secret": "not this one"})).expect(401);
    assert_eq!(wrong.problem(), "bad_credentials");
    client.post("/api/v1/unseal", json!({"secret": passphrase})).expect(200);
    let admin = Client::log_in(server, ADMIN, PASSWORD);
    assert_eq!(admin.get(path).expect(200).text("/fields/name/last"), "Hopper");
}

#[test]
fn the_live_feed_names_what_changed() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let client = Client::with_key(&server, key.clone());
    let mut stream = Stream::open(&server, &key, "/api/v1/live", "");
    assert!(stream.next().is_some_and(|(name, ..)| name == "hello"));
    let made = client.post("/api/v1/records/company", json!({"fields": {"name": "Initech"}})).expect(201);
    assert!(std::iter::from_fn(|| stream.next()).any(|(_, _, data)| data.to_string().contains(made.text("/id"))));
}
