//! Work that goes on after the request: many records changed and taken back, exports, whose they are, and a crash in the
//! middle.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::client::{Answer, Client};
use crate::harness::{ADMIN, Home, PASSWORD, Server};

const PATIENCE: Duration = Duration::from_secs(120);

fn user(server: &Server, name: &str, role: &str) -> Client {
    let email = format!("{name}@acme.example");
    let user = json!({"name": name, "email": email, "password": PASSWORD, "roles": [role]});
    Client::log_in(server, ADMIN, PASSWORD).post("/api/v1/users", user).expect(201);
    Client::log_in(server, &email, PASSWORD)
}

fn path(job: &Json) -> String {
    format!("/api/v1/jobs/{}", job["id"].as_str().expect("an id"))
}

/// Asks until the job has ended.
#[track_caller]
fn ended(client: &Client, job: &Json) -> Json {
    let started = Instant::now();
    loop {
        let now = client.get(&path(job)).expect(200).body;
        if !["waiting", "running"].contains(&now["status"].as_str().expect("a status")) {
            return now;
        }
        assert!(started.elapsed() < PATIENCE, "{now}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
fn bulk(client: &Client, body: Json) -> Json {
    let made = client.post("/api/v1/records/contact/bulk", body).expect(202);
    assert_eq!(made.header("location"), path(&made.body));
    made.body
}

fn counts(job: &Json) -> [u64; 3] {
    ["changed", "unchanged", "refused"].map(|name| job["counts"][name].as_u64().expect("a number"))
}

fn contact(client: &Client, name: &str) -> String {
    let made = client.post("/api/v1/records/contact", json!({"fields": {"name": name, "title": "old"}})).expect(201);
    made.text("/id").to_owned()
}

fn titles(client: &Client) -> Vec<Json> {
    let list = client.get("/api/v1/records/contact?sort=id").expect(200).body;
    list["records"].as_array().expect("records").iter().map(|r| r["fields"]["title"].clone()).collect()
}

#[test]
fn many_records_are_changed_deleted_and_brought_back() {
    let home = Home::set_up();
    let server = home.serve(true).ready();
    let admin = Client::log_in(&server, ADMIN, PASSWORD);
    let ids = ["A", "B", "C"].map(|name| contact(&admin, name));
    let job = ended(&admin, &bulk(&admin, json!({"except": [ids[2]], "set": {"title": "new"}})));
    assert_eq!((&job["kind"], &job["object"], &job["canUndo"]), (&json!("bulk"), &json!("contact"), &json!(true)));
    assert_eq!((&job["status"], counts(&job)), (&json!("done"), [2, 0, 0]), "{job}");
    let record = format!("/api/v1/records/contact/{}", ids[0]);
    let shown = admin.get(&record).expect(200).body;
    assert_eq!(shown["fields"]["title"], "new");
    let reason = format!("bulk:{}", job["id"].as_str().unwrap());
    assert_eq!(admin.get(&format!("{record}/history")).expect(200).body["entries"][0]["reason"], reason);
    admin.patch(&record, json!({"fields": {"title": "mine"}})).expect(200);
    let undo = admin.post(&format!("{}/undo", path(&job)), json!({})).expect(202).body;
    assert_eq!((&undo["kind"], &undo["undoes"]), (&json!("undo"), &job["id"]));
    let undo = ended(&admin, &undo);
    assert_eq!(counts(&undo), [1, 0, 1], "{undo}");
    assert_eq!((&undo["refused"][0]["id"], &undo["refused"][0]["name"]), (&json!(ids[0]), &json!("A")));
    assert_eq!(undo["refused"][0]["errors"][0]["code"], "changed_since");
    assert_eq!(admin.get(&path(&job)).expect(200).body["status"], "undone");
    assert_eq!(admin.post(&format!("{}/undo", path(&job)), json!({})).expect(409).problem(), "conflict");

    let everyone = json!({"filter": {"field": "title", "op": "eq", "value": "old"}, "delete": true});
    let gone = ended(&admin, &bulk(&admin, everyone));
    assert_eq!(counts(&gone), [2, 0, 0], "{gone}");
    assert_eq!(titles(&admin), ["mine"]);
    let undo = ended(&admin, &admin.post(&format!("{}/undo", path(&gone)), json!({})).expect(202).body);
    assert_eq!(counts(&undo), [2, 0, 0], "{undo}");
    assert_eq!(titles(&admin).len(), 3);
    let listed = admin.get("/api/v1/jobs?limit=2").expect(200).body;
    assert_eq!((&listed["jobs"][0]["id"], listed["jobs"][1]["id"] == gone["id"]), (&undo["id"], true), "{listed}");
    let rest = admin.get(&format!("/api/v1/jobs?cursor={}", listed["next"].as_str().unwrap())).expect(200).body;
    assert_eq!(rest["jobs"].as_array().map(Vec::len), Some(2));
    assert!(rest.get("system").is_none());
}

#[test]
fn bad_orders_name_their_field() {
    let home = Home::set_up();
    let server = home.serve(true).ready();
    let admin = Client::log_in(&server, ADMIN, PASSWORD);
    let id = contact(&admin, "A");
    let many = vec!["01a1fe92-b174-7ef2-80b4-3fee9682d7ab"; 1];
    let nonsense = json!({"field": "nonsense", "op": "eq", "value": 1});
    let mut lots: Vec<String> = Vec::new();
    for n in 0..10_001 {
        lots.push(format!("01a1fe92-b174-7ef2-80b4-{n:012x}"));
    }
    for (body, field) in [
        (json!({}), "set"),
        (json!({"set": {}}), "set"),
        (json!({"set": {"title": "x"}, "delete": true}), "delete"),
        (json!({"set": {"nonsense": 1}}), "set.nonsense"),
        (json!({"set": {"createdAt": "2026-01-01T00:00:00Z"}}), "set.createdAt"),
        (json!({"set": {"birthday": "never"}}), "set.birthday"),
        (json!({"ids": [], "delete": true}), "ids"),
        (json!({"ids": ["x"], "delete": true}), "ids[0]"),
        (json!({"ids": many, "q": "x", "delete": true}), "ids"),
        (json!({"ids": lots, "delete": true}), "ids"),
        (json!({"filter": nonsense, "delete": true}), "nonsense"),
        (json!({"delete": true, "all": true}), "all"),
    ] {
        let refused = admin.post("/api/v1/records/contact/bulk", body.clone()).expect(422);
        assert_eq!(refused.text("/errors/0/field"), field, "{} {body:.100}", refused.body);
    }
    for (body, field) in [
        (json!({"format": "csv"}), "object"),
        (json!({"object": "contact"}), "format"),
        (json!({"object": "contact", "format": "xlsx"}), "format"),
        (json!({"object": "contact", "format": "csv", "fields": ["nonsense"]}), "nonsense"),
        (json!({"object": "contact", "format": "csv", "sort": "nonsense"}), "nonsense"),
        (json!({"object": "contact", "format": "csv", "ids": []}), "ids"),
    ] {
        let refused = admin.post("/api/v1/exports", body.clone()).expect(422);
        assert_eq!(refused.text("/errors/0/field"), field, "{} {body}", refused.body);
    }
    admin.get("/api/v1/jobs?all=1").expect(422);
    admin.get("/api/v1/jobs?cursor=x").expect(400);
    admin.post("/api/v1/records/nonsense/bulk", json!({"delete": true})).expect(404);
    assert_eq!(admin.get("/api/v1/jobs").expect(200).body["jobs"], json!([]), "nothing was begun");
    assert_eq!(admin.get(&format!("/api/v1/records/contact/{id}")).expect(200).body["version"], 1);
}

#[test]
fn jobs_and_files_are_their_owners() {
    let home = Home::set_up();
    let server = home.serve(true).ready();
    let admin = Client::log_in(&server, ADMIN, PASSWORD);
    let (rep, manager) = (user(&server, "rita", "salesRep"), user(&server, "mia", "salesManager"));
    contact(&admin, "Ada");
    contact(&rep, "=Rita");
    let export = |client: &Client, body: Json| -> Answer { client.post("/api/v1/exports", body) };
    assert_eq!(export(&rep, json!({"object": "contact", "format": "csv"})).expect(403).problem(), "forbidden");
    rep.post("/api/v1/records/company/bulk", json!({"delete": true})).expect(403);
    rep.post("/api/v1/records/user/bulk", json!({"delete": true})).expect(404);
    Client::new(&server).post("/api/v1/records/contact/bulk", json!({"delete": true})).expect(401);
    // what she may not delete is refused by itself
    let gone = ended(&rep, &bulk(&rep, json!({"delete": true})));
    assert_eq!((counts(&gone), &gone["refused"][0]["name"]), ([1, 0, 1], &json!("Ada")), "{gone}");
    ended(&rep, &rep.post(&format!("{}/undo", path(&gone)), json!({})).expect(202).body);

    let body = json!({"object": "contact", "format": "csv", "sort": "name.last", "fields": ["name"]});
    let job = ended(&manager, &export(&manager, body).expect(202).body);
    assert_eq!((&job["status"], &job["progress"]["done"]), (&json!("done"), &json!(2)), "{job}");
    let file = format!("{}/file", path(&job));
    let sent = manager.get(&file).expect(200);
    assert_eq!(sent.header("content-type"), "text/csv; charset=utf-8");
    let name = job["file"]["name"].as_str().unwrap();
    assert_eq!(sent.header("content-disposition"), format!("attachment; filename=\"{name}\""));
    let text = sent.body.as_str().expect("text").to_owned();
    assert_eq!(text.len() as u64, job["file"]["size"].as_u64().unwrap());
    let rows: Vec<&str> = text.lines().map(|line| line.split_once(',').unwrap().1).collect();
    assert!(rows[0].starts_with("name.first,name.last,"), "{text}");
    assert!(rows[1].starts_with(",'=Rita,") && rows[2].starts_with(",Ada,") || rows[1].starts_with(",Ada,"), "{text}");
    let part = manager.send("GET", &file, &[("range", "bytes=0-9")], None).expect(206);
    assert_eq!(part.body.as_str().expect("text"), &text[..10], "a mark of three bytes and seven more");
    for client in [&admin, &rep] {
        assert_eq!(client.get(&file).expect(404).problem(), "not_found");
    }
    rep.get(&path(&job)).expect(404);
    rep.post(&format!("{}/cancel", path(&job)), json!({})).expect(404);
    rep.post(&format!("{}/undo", path(&job)), json!({})).expect(404);
    admin.get(&path(&job)).expect(200);
    manager.get(&format!("{}/file", path(&gone))).expect(404);
    assert_eq!(rep.get("/api/v1/jobs?all=true").expect(403).problem(), "forbidden");
    let all = admin.get("/api/v1/jobs?all=true").expect(200).body;
    assert_eq!(all["jobs"].as_array().map(Vec::len), Some(3), "{all}");
    assert!(all["system"].is_array());
    let lines =
        json!({"object": "contact", "format": "jsonl", "filter": {"field": "name.last", "op": "eq", "value": "Ada"}});
    let lines = ended(&manager, &export(&manager, lines).expect(202).body);
    let sent = manager.get(&format!("{}/file", path(&lines))).expect(200);
    assert_eq!(sent.header("content-type"), "application/jsonl");
    assert_eq!(sent.body["name"], json!({"first": "", "last": "Ada"}), "{}", sent.body);
    // nothing readable lies on disk
    let folder = home.data().join("exports");
    for file in std::fs::read_dir(folder).expect("exports") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("bytes");
        assert!(!bytes.windows(4).any(|w| w == b"Rita" || w == b"name"));
    }
}

#[test]
fn a_change_of_many_goes_on_after_a_crash_and_does_nothing_twice() {
    const COUNT: usize = 6_000;
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let client = Client::with_key(&server, key.clone());
    for part in 0..COUNT / 1_000 {
        let one = |n: usize| json!({"op": "create", "object": "contact", "fields": {"name": format!("N{}", part * 1_000 + n)}});
        let operations: Vec<Json> = (0..1_000).map(one).collect();
        client.post("/api/v1/records/batch", json!({"operations": operations})).expect(200);
    }
    let started = Instant::now();
    let progress =
        |client: &Client, job: &Json| client.get(&path(job)).expect(200).body["progress"]["done"].as_u64().unwrap();
    // the crash has to come in the middle, however quick the job is
    let mut times = 0;
    let (job, before) = loop {
        times += 1;
        let job = bulk(&client, json!({"set": {"title": format!("new {times}")}}));
        let mut done = 0;
        while done == 0 {
            assert!(started.elapsed() < PATIENCE, "{done} is never the middle");
            done = progress(&client, &job);
        }
        if done < COUNT as u64 {
            break (job, done);
        }
    };
    server.kill();
    let server = home.serve(true).ready();
    let client = Client::with_key(&server, key);
    assert!(progress(&client, &job) >= before);
    let done = ended(&client, &job);
    assert_eq!((&done["status"], counts(&done)), (&json!("done"), [COUNT as u64, 0, 0]), "{done}");
    let seq = client.get("/readyz").expect(200).body["seq"].as_u64().unwrap();
    let all = client.all("contact", &json!({"after": seq}));
    assert_eq!(all.len(), COUNT);
    let title = format!("new {times}");
    assert!(all.iter().all(|r| r["version"] == 1 + times && r["fields"]["title"] == title));
    let undo = ended(&client, &client.post(&format!("{}/undo", path(&job)), json!({})).expect(202).body);
    assert_eq!(counts(&undo), [COUNT as u64, 0, 0], "{undo}");
    drop(server);
    let (well, said) = home.verify();
    assert!(well, "{said}");
}
