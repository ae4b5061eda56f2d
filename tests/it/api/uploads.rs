//! An upload that is sent again under the same key is not kept again; another one under that key is refused.

use serde_json::json;

use crate::client::Client;
use crate::harness::Home;

#[test]
fn a_repeated_upload_gives_the_same_answer() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let client = Client::with_key(&server, key);
    let people = "Last name,E-mail\nHopper,grace@navy.example\n";
    let named = [("object", "contact")];
    for (path, texts) in [("/api/v1/imports", &named[..]), ("/api/v1/files", &[])] {
        let key = [("idempotency-key", path)];
        let first = client.form(path, &key, texts, ("people.csv", people)).expect(201);
        let again = client.form(path, &key, texts, ("people.csv", people)).expect(201);
        assert_eq!((&again.body, again.header("idempotency-replayed")), (&first.body, "true"), "{path}");
        assert_eq!(again.header("location"), first.header("location"));
        assert!(!first.header("x-aplomb-seq").is_empty() && first.header("idempotency-replayed").is_empty());
        let same_length = people.replace("Hopper", "Turing");
        for (what, file) in [("content", ("people.csv", same_length.as_str())), ("name", ("folk.csv", people))] {
            let other = client.form(path, &key, texts, file).expect(409);
            assert_eq!(other.problem(), "idempotency_mismatch", "another {what} at {path}");
        }
        let without = client.form(path, &[], texts, ("people.csv", people)).expect(201);
        assert_ne!(without.body["id"], first.body["id"]);
    }
    let imports = client.get("/api/v1/imports").expect(200).body;
    assert_eq!(imports["imports"].as_array().map(Vec::len), Some(2), "{imports}");
    let other = client.form("/api/v1/imports", &[("idempotency-key", "text")], &named, ("a.csv", people)).expect(201);
    assert_eq!(other.body["object"], json!("contact"));
    let texts = [("object", "company")];
    let changed = client.form("/api/v1/imports", &[("idempotency-key", "text")], &texts, ("a.csv", people)).expect(409);
    assert_eq!(changed.problem(), "idempotency_mismatch");
}
