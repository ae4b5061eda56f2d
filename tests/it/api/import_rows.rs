//! Rows of an import over HTTP: looked at, mended, decided; by their importer and nobody else; across a restart.

use serde_json::{Value as Json, json};

use super::people::{Person, house};

const FILE: &str =
    "first_name,last_name,email\nAda,Lovelace,ada@x.example\nGrace,Hopper,grace\nAda,Lovelace,ada@x.example\n";

fn numbers(answer: &Json) -> Vec<u64> {
    answer["rows"].as_array().expect("rows").iter().map(|row| row["row"].as_u64().expect("a number")).collect()
}

#[test]
fn rows_are_mended_before_they_are_imported() {
    let (home, server, [admin, rita, _]) = house();
    let import = admin.client.upload("contact", "c.csv", FILE);
    let rows = |kind: &str| format!("{import}/rows?kind={kind}");
    assert_eq!(admin.client.get(&rows("refused")).expect(409).problem(), "conflict");
    let checked = admin.client.post(&format!("{import}/check"), json!({})).expect(200).body;
    assert_eq!(checked["noted"], json!({"refused": 1, "duplicate": 1, "warning": 0}));

    let refused = admin.client.get(&rows("refused")).expect(200).body;
    assert_eq!((numbers(&refused), &refused["total"], &refused["next"]), (vec![3], &json!(1), &Json::Null));
    let row = &refused["rows"][0];
    assert_eq!(row["cells"], json!(["Grace", "Hopper", "grace"]));
    assert_eq!((&row["problems"][0]["column"], &row["problems"][0]["field"]), (&json!(2), &json!("email")));
    let same = admin.client.get(&rows("duplicate")).expect(200).body;
    let duplicate = &same["rows"][0]["duplicate"];
    assert_eq!(
        (&duplicate["of"], &duplicate["row"], &duplicate["action"]),
        (&json!("row"), &json!(2), &json!("update"))
    );
    assert_eq!(duplicate["matchedBy"], "email");

    let change = json!({"edits": [{"row": 3, "column": 2, "value": "grace@x.example"}], "decisions": [{"row": 4, "action": "create"}]});
    for (person, path, body, status, field) in [
        (&rita, &import, &change, 404, ""),
        (&admin, &import, &json!({"edits": [{"row": 9, "column": 0, "value": "x"}]}), 422, "edits[0].row"),
        (&admin, &import, &json!({"edits": [{"row": 3, "column": 9, "value": "x"}]}), 422, "edits[0].column"),
        (&admin, &import, &json!({"edits": [{"row": 3, "column": 0}], "x": 1}), 422, "x"),
        (&admin, &import, &json!({"decisions": [{"row": 3, "action": "burn"}]}), 422, "decisions[0].action"),
    ] {
        let refused = person.client.patch(path, body.clone()).expect(status);
        assert_eq!(refused.body["errors"][0]["field"].as_str().unwrap_or_default(), field, "{body}");
    }
    for (path, status) in [
        (format!("{import}/rows"), 422),
        (rows("odd"), 422),
        (rows("refused&limit=501"), 422),
        (rows("refused&cursor=x"), 400),
        (format!("{}/rows?kind=refused", import.replace("/imports/", "/imports/x")), 404),
    ] {
        admin.client.get(&path).expect(status);
    }
    assert_eq!(rita.client.get(&rows("refused")).expect(404).problem(), "not_found", "another's import");
    let viewer = Person::new(&server, "Vera", "support");
    assert_eq!(viewer.client.get(&rows("refused")).expect(403).problem(), "forbidden", "who may not import at all");

    let changed = admin.client.patch(&import, change).expect(200).body;
    assert_eq!((&changed["outdated"], &changed["edits"], &changed["decisions"]), (&json!(true), &json!(1), &json!(1)));
    assert_eq!((&changed["rows"], &changed["status"]), (&json!(3), &json!("mapping")));
    assert_eq!(changed["changedRows"][0]["problems"], json!([]));
    assert_eq!(changed["changedRows"][1]["duplicate"]["action"], "create");
    server.kill();
    let server = home.serve(true).ready();
    let admin = admin.at(&server);
    assert_eq!(numbers(&admin.client.get(&rows("edited&limit=1")).expect(200).body), [3]);
    assert_eq!(numbers(&admin.client.get(&rows("edited&cursor=3")).expect(200).body), [4]);
    admin.client.post(&format!("{import}/commit"), json!({})).expect(202);
    let done = admin.client.import_until(&import, &["done"]);
    assert_eq!((&done["progress"]["created"], &done["progress"]["refused"]), (&json!(3), &json!(0)));
    admin.client.get(&rows("duplicate")).expect(409);
    assert_eq!(admin.client.get(&rows("refused")).expect(200).body["total"], 0);
    drop(server);
    assert!(home.verify().0);
}
