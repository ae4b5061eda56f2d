//! What an administrator looks at: the state of the server, and what hangs on a field.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::client::Client;
use crate::harness::{ADMIN, Home, PASSWORD};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn the_state_of_the_server() {
    let home = Home::set_up();
    let server = home.serve(true).ready();
    let admin = Client::log_in(&server, ADMIN, PASSWORD);
    let rep = json!({"name": "Rita", "email": "rita@acme.example", "password": PASSWORD, "roles": ["salesRep"]});
    admin.post("/api/v1/users", rep).expect(201);
    let rep = Client::log_in(&server, "rita@acme.example", PASSWORD);
    assert_eq!(rep.get("/api/v1/system").expect(403).problem(), "forbidden");
    Client::new(&server).get("/api/v1/system").expect(401);
    let made = admin.post("/api/v1/records/contact", json!({"fields": {"name": "A"}})).expect(201);
    admin.get(&format!("/api/v1/records/contact?sort=name&after={}", made.header("x-aplomb-seq"))).expect(200);
    let state = admin.get("/api/v1/system").expect(200).body;
    assert_eq!((&state["records"]["contact"], &state["records"]["deal"]), (&json!(1), &json!(0)));
    assert!(state["records"].get("user").is_none());
    assert_eq!(
        (&state["index"]["rebuilding"], &state["sessions"], &state["tls"]),
        (&json!(false), &json!(2), &json!("off"))
    );
    for number in [
        "/uptimeSeconds",
        "/seq",
        "/index/behind",
        "/store/bytes",
        "/store/freeBytes",
        "/memory/bytes",
        "/jobs/waiting",
        "/streams",
    ] {
        assert!(state.pointer(number).is_some_and(Json::is_u64), "{number} in {state}");
    }
    assert!(state["store"]["bytes"].as_u64() > Some(10_000) && state["memory"]["bytes"].as_u64() > Some(1_000_000));
    assert_eq!(state["backup"], json!({"lastAt": null, "lastBytes": 0, "by": null}));
    assert!(!state.to_string().contains(&home.data().display().to_string()), "where the data lie is nobody's business");
    let to = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    rep.get(&format!("/api/v1/backup?recipient={to}")).expect(403);
    let sent = admin.bytes(&format!("/api/v1/backup?recipient={to}"));
    let after = admin.get("/api/v1/system").expect(200).body;
    assert_eq!(after["backup"]["lastBytes"].as_u64(), Some(sent as u64), "{}", after["backup"]);
    assert!(after["backup"]["by"]["name"].is_string() && after["backup"]["lastAt"].is_string());
}

#[test]
fn what_hangs_on_a_field() {
    let home = Home::set_up();
    let server = home.serve(true).ready();
    let admin = Client::log_in(&server, ADMIN, PASSWORD);
    let fields = "/api/v1/objects/contact/fields";
    admin.post(fields, json!({"name": "shoeSize", "label": "Shoe size", "type": "number"})).expect(201);
    let uses = |field: &str| admin.get(&format!("{fields}/{field}/uses")).expect(200).body;
    let none = uses("shoeSize");
    assert_eq!((&none["records"], &none["views"], &none["removable"]), (&json!(0), &json!([]), &json!(true)), "{none}");
    for (name, size) in [("A", json!(44)), ("B", Json::Null), ("C", json!(40))] {
        admin.post("/api/v1/records/contact", json!({"fields": {"name": name, "shoeSize": size}})).expect(201);
    }
    let query = "?filter=%7B%22field%22%3A%22shoeSize%22%2C%22op%22%3A%22gt%22%2C%22value%22%3A41%7D";
    let view = json!({"object": "contact", "name": "Big feet", "query": query, "shared": true});
    let view = admin.post("/api/v1/views", view).expect(201);
    admin.post("/api/v1/views", json!({"object": "contact", "name": "Other", "query": "?sort=-name"})).expect(201);
    let import = admin.upload("contact", "a.csv", "Last name,Shoe size\nD,38\n");
    admin.patch(&import, json!({"mapping": [{"column": 1, "field": "shoeSize"}]})).expect(200);
    let started = Instant::now();
    let some = loop {
        // the index follows
        let some = uses("shoeSize");
        if some["exact"] == true && some["records"] == 2 || started.elapsed() > PATIENCE {
            break some;
        }
    };
    assert_eq!((&some["records"], &some["exact"], &some["imports"]), (&json!(2), &json!(true), &json!(1)), "{some}");
    let named = json!([{"id": view.text("/id"), "name": "Big feet", "object": "contact", "shared": true}]);
    assert_eq!((&some["views"], &some["otherViews"]), (&named, &json!(0)));
    let title = uses("name");
    assert_eq!((&title["layout"]["title"], &title["removable"]), (&json!(true), &json!(false)), "{title}");
    assert_eq!(title["reasons"].as_array().map(Vec::len), Some(2));
    assert_eq!(uses("company")["references"], json!([{"object": "company", "field": "company"}]));
    admin.get(&format!("{fields}/nonsense/uses")).expect(404);
    let manager = json!({"name": "Mia", "email": "mia@acme.example", "password": PASSWORD, "roles": ["salesManager"]});
    admin.post("/api/v1/users", manager).expect(201);
    let manager = Client::log_in(&server, "mia@acme.example", PASSWORD);
    assert_eq!(manager.get(&format!("{fields}/name/uses")).expect(403).problem(), "forbidden");
}
