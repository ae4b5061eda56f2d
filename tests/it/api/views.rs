//! Saved views: one's own are nobody else's, shared ones are seen by whoever may read the object, and changed by few.

use serde_json::{Value as Json, json};

use crate::client::{Answer, Client};
use crate::harness::{ADMIN, Home, PASSWORD, Server};

const VIEWS: &str = "/api/v1/views";

fn user(server: &Server, name: &str, role: &str) -> Client {
    let email = format!("{name}@acme.example");
    let user = json!({"name": name, "email": email, "password": PASSWORD, "roles": [role]});
    Client::log_in(server, ADMIN, PASSWORD).post("/api/v1/users", user).expect(201);
    Client::log_in(server, &email, PASSWORD)
}

/// Name, whether it is the caller's, whether it opens by default.
fn listed(client: &Client, query: &str) -> Vec<(String, bool, bool)> {
    let views = client.get(&format!("{VIEWS}{query}")).expect(200).body;
    let views = views["views"].as_array().expect("views").iter();
    let flag = |view: &Json, name: &str| view[name].as_bool().expect("a flag");
    views
        .map(|view| (view["name"].as_str().expect("a name").to_owned(), flag(view, "mine"), flag(view, "isDefault")))
        .collect()
}

#[test]
fn who_sees_and_who_changes_a_view() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let (rep, other) = (user(&server, "rita", "salesRep"), user(&server, "otto", "salesRep"));
    let (support, admin) = (user(&server, "sue", "support"), Client::log_in(&server, ADMIN, PASSWORD));
    let make = |client: &Client, body: Json| -> Answer { client.post(VIEWS, body) };
    let own =
        make(&rep, json!({"object": "lead", "name": " Hot ", "query": "?sort=-score", "isDefault": true})).expect(201);
    assert_eq!((own.text("/name"), own.text("/query"), own.text("/owner/name")), ("Hot", "sort=-score", "rita"));
    let shared = make(&rep, json!({"object": "lead", "name": "Shared", "shared": true})).expect(201);
    let path = |view: &Answer| format!("{VIEWS}/{}", view.text("/id"));
    let named = |name: &str, mine, default| (name.to_owned(), mine, default);

    assert_eq!(listed(&rep, ""), [named("Hot", true, true), named("Shared", true, false)]);
    for client in [&other, &admin] {
        assert_eq!(listed(client, "?object=lead"), [named("Shared", false, false)]);
        client.patch(&path(&own), json!({"name": "x"})).expect(404);
        client.delete(&path(&own)).expect(404);
    }
    assert_eq!((listed(&support, ""), listed(&rep, "?object=deal")), (vec![], vec![]), "support reads no leads");
    for (client, method, status) in [
        (&other, "PATCH", 403),
        (&other, "DELETE", 403),
        (&support, "PATCH", 404),
        (&admin, "PATCH", 200),
        (&rep, "PATCH", 200),
        (&Client::new(&server), "PATCH", 401),
    ] {
        let body = (method == "PATCH").then(|| json!({"pinned": true}).to_string());
        assert_eq!(client.send(method, &path(&shared), &[], body).status, status, "{method}");
    }
    for (client, body, status, field) in [
        (&support, json!({"object": "lead", "name": "x"}), 404, ""),
        (&rep, json!({"object": "nothing", "name": "x"}), 404, ""),
        (&rep, json!({"object": "lead", "name": "  "}), 422, "name"),
        (&rep, json!({"object": "lead", "name": "x".repeat(81)}), 422, "name"),
        (&rep, json!({"object": "lead", "name": "x", "query": "x".repeat(8_193)}), 422, "query"),
        (&rep, json!({"object": "lead"}), 422, "name"),
        (&rep, json!({"object": "lead", "name": "x", "nonsense": 1}), 422, "nonsense"),
    ] {
        let refused = make(client, body.clone()).expect(status);
        let found = refused.body["errors"][0]["field"].as_str().unwrap_or_default();
        assert_eq!(found, field, "{body}");
        refused.problem();
    }

    make(&rep, json!({"object": "lead", "name": "Newer", "isDefault": true})).expect(201);
    let defaults: Vec<_> = listed(&rep, "?object=lead").into_iter().filter(|(.., default)| *default).collect();
    assert_eq!(defaults, [named("Newer", true, true)], "one opens by default");
    let reader = Client::with_key(&server, key)
        .post("/api/v1/tokens", json!({"name": "reader", "scopes": ["read"]}))
        .expect(201)
        .text("/key")
        .to_owned();
    let reader = Client::with_key(&server, reader);
    assert_eq!(listed(&reader, "").len(), 1);
    make(&reader, json!({"object": "lead", "name": "x"})).expect(403);
    rep.delete(&path(&shared)).expect(204);
    assert_eq!(listed(&other, ""), []);
}
