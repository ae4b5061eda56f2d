//! Where one is logged in: seen by oneself and by administrators, and ended from afar.

use serde_json::{Value as Json, json};

use super::live::Stream;
use crate::client::Client;
use crate::harness::{ADMIN, Home, PASSWORD, Server};

const REP: &str = "rep@acme.example";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";
const EDGE: &str = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0";

fn log_in(server: &Server, email: &str, agent: &str) -> Client {
    let mut client = Client::new(server);
    let body = json!({"email": email, "password": PASSWORD}).to_string();
    let answer = client.send("POST", "/api/v1/session", &[("user-agent", agent)], Some(body)).expect(200);
    client.take_session(&answer);
    client
}

fn listed(client: &Client, path: &str) -> Vec<Json> {
    client.get(path).expect(200).body["sessions"].as_array().expect("sessions").clone()
}

fn devices(sessions: &[Json]) -> Vec<(&str, bool)> {
    let mut all: Vec<_> = sessions
        .iter()
        .map(|s| (s["device"].as_str().expect("a device"), s["current"].as_bool().expect("a flag")))
        .collect();
    all.sort_unstable();
    all
}

#[test]
fn sessions_are_seen_and_ended() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let admin = log_in(&server, ADMIN, FIREFOX);
    let user = json!({"name": "Rita Rep", "email": REP, "password": PASSWORD, "roles": ["salesRep"]});
    let rita = admin.post("/api/v1/users", user).expect(201).text("/id").to_owned();
    let (rep, elsewhere) = (log_in(&server, REP, FIREFOX), log_in(&server, REP, EDGE));

    let own = listed(&rep, "/api/v1/sessions");
    assert_eq!(devices(&own), [("Edge on Windows", false), ("Firefox on Linux", true)]);
    assert!(own.iter().all(|s| s["address"] == "127.0.0.1" && s["usedAt"].is_string() && s["expiresAt"].is_string()));
    let of = |user: &str| format!("/api/v1/users/{user}/sessions");
    assert_eq!(devices(&listed(&admin, &of(&rita))), [("Edge on Windows", false), ("Firefox on Linux", false)]);
    assert_eq!(listed(&Client::with_key(&server, &key), "/api/v1/sessions").len(), 1, "a key of full scope may look");

    let admins = listed(&admin, "/api/v1/sessions")[0]["id"].as_str().expect("an id").to_owned();
    let me = admin.get("/api/v1/session").expect(200).text("/user/id").to_owned();
    let reader = Client::with_key(&server, &key).post("/api/v1/tokens", json!({"name": "r", "scopes": ["write"]}));
    let reader = Client::with_key(&server, reader.expect(201).text("/key"));
    for (client, method, path, status) in [
        (&rep, "GET", of(&me), 403),
        (&rep, "DELETE", of(&me), 403),
        (&rep, "DELETE", format!("/api/v1/sessions/{admins}"), 404),
        (&rep, "DELETE", format!("/api/v1/sessions/{rita}"), 404),
        (&rep, "DELETE", "/api/v1/sessions/nonsense".to_owned(), 404),
        (&rep, "DELETE", "/api/v1/sessions?current=perhaps".to_owned(), 422),
        (&admin, "GET", of(&admins), 404),
        (&reader, "GET", "/api/v1/sessions".to_owned(), 403),
        (&reader, "DELETE", "/api/v1/sessions".to_owned(), 403),
        (&Client::new(&server), "GET", "/api/v1/sessions".to_owned(), 401),
    ] {
        client.send(method, &path, &[], None).expect(status).problem();
    }

    server.stop();
    let server = home.serve(true).ready();
    let again = |client: &Client| {
        let mut fresh = Client::new(&server);
        (fresh.cookie, fresh.csrf) = (client.cookie.clone(), client.csrf.clone());
        fresh
    };
    let (admin, rep, elsewhere) = (again(&admin), again(&rep), again(&elsewhere));
    let own = listed(&rep, "/api/v1/sessions");
    assert_eq!(devices(&own), [("Edge on Windows", false), ("Firefox on Linux", true)]);
    let other =
        own.iter().find(|s| s["current"] == false).and_then(|s| s["id"].as_str()).expect("the other").to_owned();
    let cookie = format!("cookie: {}\r\n", elsewhere.cookie.as_deref().expect("a session"));
    let mut stream = Stream::open(&server, "", "/api/v1/live", &cookie);
    assert!(stream.next().is_some_and(|(name, ..)| name == "hello"));
    rep.delete(&format!("/api/v1/sessions/{other}")).expect(204);
    assert_eq!(stream.next(), None, "its stream has ended with it");
    elsewhere.get("/api/v1/session").expect(401);
    rep.delete(&format!("/api/v1/sessions/{other}")).expect(404);

    let third = log_in(&server, REP, EDGE);
    third.delete("/api/v1/sessions").expect(204);
    rep.get("/api/v1/session").expect(401);
    assert_eq!(devices(&listed(&third, "/api/v1/sessions")), [("Edge on Windows", true)]);
    admin.delete(&of(&rita)).expect(204);
    third.get("/api/v1/session").expect(401);
    assert!(listed(&admin, &of(&rita)).is_empty());
    admin.delete("/api/v1/sessions?current=true").expect(204);
    admin.get("/api/v1/session").expect(401);
}
