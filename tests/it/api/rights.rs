//! What a Sales Rep sees and may do: his own, and of the rest not even that it exists.

use serde_json::json;

use crate::client::Client;
use crate::harness::{ADMIN, Home, PASSWORD, Server};

const REP: &str = "rep@acme.example";

fn rep(server: &Server) -> Client {
    let admin = Client::log_in(server, ADMIN, PASSWORD);
    let user = json!({"name": "Rita Rep", "email": REP, "password": PASSWORD, "roles": ["salesRep"]});
    admin.post("/api/v1/users", user).expect(201);
    Client::log_in(server, REP, PASSWORD)
}

#[test]
fn a_sales_rep_has_his_own_records_only() {
    let home = Home::set_up();
    let server = home.serve(true).ready();
    let (rep, admin) = (rep(&server), Client::log_in(&server, ADMIN, PASSWORD));
    let lead = |name: &str| json!({"fields": {"name": name, "email": format!("{}@x.example", name.to_lowercase())}});
    let own = rep.post("/api/v1/records/lead", lead("Mine")).expect(201);
    let foreign = admin.post("/api/v1/records/lead", lead("Theirs")).expect(201);
    let seq = foreign.header("x-aplomb-seq").to_owned();

    let path = |id: &str| format!("/api/v1/records/lead/{id}");
    rep.get(&path(own.text("/id"))).expect(200);
    for answer in [
        rep.get(&path(foreign.text("/id"))),
        rep.patch(&path(foreign.text("/id")), json!({"fields": {"title": "x"}})),
        rep.delete(&path(foreign.text("/id"))),
        rep.get(&format!("{}/history", path(foreign.text("/id")))),
        rep.get(&format!("{}/timeline", path(foreign.text("/id")))),
    ] {
        assert_eq!(answer.expect(404).problem(), "not_found");
    }
    let list = rep.get(&format!("/api/v1/records/lead?after={seq}")).expect(200);
    let ids: Vec<_> =
        list.body["records"].as_array().expect("records").iter().map(|record| record["id"].clone()).collect();
    assert_eq!(ids, [own.body["id"].clone()]);
    assert_eq!(list.body["total"]["count"], 1);
    let hits = rep.get(&format!("/api/v1/search?q=Theirs&after={seq}")).expect(200);
    assert_eq!(hits.body["results"], json!([]));
    let changes = rep.get("/api/v1/changes?since=0&limit=1000").expect(200);
    assert!(!changes.body.to_string().contains(foreign.text("/id")), "the feed is filtered as well");
}

#[test]
fn administration_is_for_administrators() {
    let home = Home::set_up();
    let server = home.serve(true).ready();
    let rep = rep(&server);
    let user = json!({"name": "X", "email": "x@acme.example", "password": PASSWORD, "roles": ["systemAdmin"]});
    for answer in [
        rep.post("/api/v1/users", user),
        rep.post("/api/v1/roles", json!({"key": "god", "label": "God", "objects": {}})),
        rep.post("/api/v1/objects", json!({"name": "pet", "label": "Pet", "plural": "Pets", "title": "name"})),
        rep.patch("/api/v1/settings", json!({"organisation": {"name": "Mine"}})),
        rep.get("/api/v1/audit"),
        rep.post("/api/v1/sample", json!({})),
    ] {
        assert!([403, 404].contains(&answer.status), "{} {}", answer.status, answer.body);
        answer.problem();
    }
    let own = rep.post("/api/v1/tokens", json!({"name": "mine", "scopes": ["read"]}));
    if own.status == 201 {
        let reader = Client::with_key(&server, own.text("/token"));
        reader.get("/api/v1/records/lead").expect(200);
        let refused = reader.post("/api/v1/records/lead", json!({"fields": {"name": "x"}}));
        assert!([403, 404].contains(&refused.status), "a key for reading does not write: {}", refused.body);
    }
}
