//! The set-up code: what the wizard's first step asks, and how guesses are held off.

use serde_json::json;

use crate::client::Client;
use crate::harness::Home;

const CHECK: &str = "/api/v1/setup/check";

#[test]
fn the_set_up_code_is_checked_and_cannot_be_guessed() {
    let home = Home::new();
    let server = home.serve(false);
    let (client, code) = (Client::new(&server), server.setup_code());
    for body in ["", "{", "[]", "{\"code\": 7}", "{}"] {
        let refused = client.send("POST", CHECK, &[], Some(body.to_owned()));
        assert!([400, 422].contains(&refused.status), "{body}: {}", refused.body);
        refused.problem();
    }
    for right in [code.clone(), code.to_uppercase(), code.replace('-', " ")] {
        client.post(CHECK, json!({"code": right})).expect(204);
    }
    for wrong in ["", "x", &code[1..], &format!("{code}0"), "00000-00000"] {
        let refused = client.post(CHECK, json!({"code": wrong})).expect(422);
        assert_eq!((refused.text("/errors/0/field"), refused.text("/errors/0/code")), ("code", "wrong"), "{wrong}");
    }
    let locked = client.post(CHECK, json!({"code": code})).expect(429);
    assert_eq!(locked.problem(), "too_many_requests");
    assert!(locked.header("retry-after").parse::<u32>().is_ok_and(|seconds| (1..=60).contains(&seconds)));
}

#[test]
fn it_is_gone_once_used() {
    let home = Home::set_up();
    for unsealed in [false, true] {
        let server = home.serve(unsealed);
        let client = Client::new(&server);
        assert_eq!(client.post(CHECK, json!({"code": "x"})).expect(404).problem(), "not_found");
        assert_eq!(client.post("/api/v1/setup", json!({"code": "x"})).expect(404).problem(), "not_found");
        let state = client.get("/api/v1/setup").expect(200).body;
        assert_eq!((&state["required"], &state["sealed"]), (&json!(false), &json!(!unsealed)), "{state}");
    }
}
