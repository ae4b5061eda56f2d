//! Backups of the running server: whole and incremental, while writes go on, put together again into the same records.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value as Json, json};

use crate::client::Client;
use crate::harness::{ADMIN, Home, Server, program};

struct World {
    home: Home,
    /// public key of the recovery kit
    recipient: String,
    key: String,
}

impl World {
    fn new() -> World {
        let home = Home::new();
        let made = home
            .command("init")
            .args(["--company", "Acme", "--json", "--admin", ADMIN, "--password-file"])
            .arg(home.path().join("password"))
            .output()
            .unwrap();
        let made: Json = serde_json::from_slice(&made.stdout).unwrap();
        let text = |pointer: &str| made.pointer(pointer).and_then(Json::as_str).unwrap().to_owned();
        fs::write(home.path().join("kit"), text("/recoveryKit/identity")).unwrap();
        let key = home.token();
        fs::write(home.path().join("key"), &key).unwrap();
        World { recipient: text("/recoveryKit/recipient"), key, home }
    }

    /// `aplomb backup` of the running server; the batch it goes up to.
    fn back_up(&self, server: &Server, file: &Path, since: Option<u64>) -> u64 {
        let mut command = self.home.command("backup");
        command.args(["--json", "--server", &server.url(""), "--recipient", &self.recipient, "--token-file"]);
        command.arg(self.home.path().join("key")).arg("-o").arg(file);
        if let Some(since) = since {
            command.args(["--since", &since.to_string()]);
        }
        let made: Json = serde_json::from_slice(&good(command.output().unwrap()).stdout).unwrap();
        made["seq"].as_u64().unwrap()
    }

    fn restore(&self, files: &[&Path], to: &Path) -> Output {
        let mut command = std::process::Command::new(program());
        command.arg("restore").args(files).arg("--data").arg(to).arg("--identity").arg(self.home.path().join("kit"));
        command.output().unwrap()
    }

    fn run(&self, name: &str, data: &Path, arguments: &[&str]) -> Output {
        let mut command = std::process::Command::new(program());
        command.arg(name).arg("--data").arg(data).arg("--unseal-file").arg(self.home.path().join("unseal"));
        good(command.args(arguments).output().unwrap())
    }

    fn contacts(&self, data: &Path) -> String {
        let listed = self.run("export", data, &["--object", "contact", "--format", "jsonl", "-o", "-"]);
        String::from_utf8(listed.stdout).unwrap()
    }
}

#[track_caller]
fn good(output: Output) -> Output {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Puts a file into a record; its name in the directory.
fn attach(client: &Client, contact: &str, content: &str) -> String {
    let file = client.form("/api/v1/files", &[], &[], ("note.txt", content)).expect(201);
    let path = format!("/api/v1/records/contact/{contact}");
    let mut files = client.get(&path).expect(200).body["fields"]["files"].as_array().cloned().unwrap_or_default();
    files.push(file.body.clone());
    client.patch(&path, json!({"fields": {"files": files}})).expect(200);
    file.text("/id").to_owned()
}

fn create(client: &Client, n: usize) -> String {
    let body = json!({"fields": {"name": {"first": "Ada", "last": format!("No. {n}")}, "title": "Engineer"}});
    client.post("/api/v1/records/contact", body).expect(201).text("/id").to_owned()
}

#[test]
fn full_and_incremental_backups_of_a_busy_server_restore_to_the_same() {
    let world = World::new();
    let server = world.home.serve(true).ready();
    let client = Client::with_key(&server, &world.key);
    let ids: Vec<_> = (0..20).map(|n| create(&client, n)).collect();
    let at = |name: &str| world.home.path().join(name);
    let mut files = vec![attach(&client, &ids[2], &"of the full backup ".repeat(9_000))];
    let first = std::thread::scope(|scope| {
        scope.spawn(|| (100..140).for_each(|n| drop(create(&client, n))));
        world.back_up(&server, &at("full.age"), None)
    });
    client.patch(&format!("/api/v1/records/contact/{}", ids[0]), json!({"fields": {"title": "Director"}})).expect(200);
    client.delete(&format!("/api/v1/records/contact/{}", ids[1])).expect(204);
    files.push(attach(&client, &ids[2], "of the first increment"));
    let second = world.back_up(&server, &at("one.age"), Some(first));
    client.post(&format!("/api/v1/records/contact/{}/restore", ids[1]), json!({})).expect(200);
    create(&client, 500);
    let third = world.back_up(&server, &at("two.age"), Some(second));
    assert!(first < second && second < third);
    drop(server);

    let (full, one, two) = (at("full.age"), at("one.age"), at("two.age"));
    let refused = world.restore(&[&full, &two], &at("gap"));
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("gap"), "{refused:?}");
    assert!(!at("gap").exists());
    let alone = world.restore(&[&one], &at("alone"));
    assert!(String::from_utf8_lossy(&alone.stderr).contains("cannot stand alone"), "{alone:?}");

    good(world.restore(&[&full, &one, &two], &at("new")));
    world.run("verify", &at("new"), &[]);
    assert_eq!(world.contacts(&at("new")), world.contacts(&world.home.data()));
    assert!(world.contacts(&at("new")).contains("No. 500"));
    for file in &files {
        let content = |data: &Path| fs::read(data.join("files").join(file)).unwrap();
        assert!(content(&at("new")) == content(&world.home.data()), "{file}");
    }

    // The full one is of one moment: as many batches as it says, and sound.
    good(world.restore(&[&full], &at("early")));
    let checked = world.run("verify", &at("early"), &["--json"]);
    let checked: Json = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!((&checked["ok"], &checked["report"]["batches"]), (&json!(true), &json!(first)), "{checked}");
}

#[test]
fn a_directory_at_rest_is_backed_up_the_same_way() {
    let world = World::new();
    let at = |name: &str| world.home.path().join(name);
    let made = world.run("backup", &world.home.data(), &["--json", "-o", at("full.age").to_str().unwrap()]);
    let made: Json = serde_json::from_slice(&made.stdout).unwrap();
    let seq = made["seq"].as_u64().unwrap();
    let server = world.home.serve(true).ready();
    create(&Client::with_key(&server, &world.key), 1);
    drop(server);
    let since = seq.to_string();
    world.run("backup", &world.home.data(), &["--since", &since, "-o", at("inc.age").to_str().unwrap()]);
    let archives = [at("full.age"), at("inc.age")];
    let names: Vec<_> = archives.iter().map(|path| path.to_str().unwrap()).collect();
    world.run("verify", &at("unused"), &names);
    world.run("restore", &at("new"), &names);
    assert_eq!(world.contacts(&at("new")), world.contacts(&world.home.data()));
}

#[test]
fn backups_have_a_right_of_their_own() {
    let world = World::new();
    let server = world.home.serve(true).ready();
    let admin = Client::with_key(&server, &world.key);
    let path = |rest: &str| format!("/api/v1/backup?recipient={}{rest}", world.recipient);
    for (bad, status) in [
        ("/api/v1/backup".to_owned(), 422),
        ("/api/v1/backup?recipient=age1nonsense".to_owned(), 422),
        (path("&since=99999"), 422),
        (path("&since=x"), 422),
    ] {
        let answer = admin.get(&bad).expect(status);
        assert_eq!(answer.problem(), "invalid", "{bad}");
        assert!(!answer.body["errors"].as_array().unwrap().is_empty(), "{bad}: {}", answer.body);
    }
    for (scopes, backup, read) in [(json!(["read"]), 403, 200), (json!(["backup"]), 200, 404)] {
        let key = admin.post("/api/v1/tokens", json!({"name": "k", "scopes": scopes})).expect(201);
        let client = Client::with_key(&server, key.text("/key"));
        client.get("/api/v1/records/contact").expect(read);
        let status = client.send("HEAD", &path("&since=0"), &[], None).status;
        assert_eq!(status, backup, "{scopes}");
    }
    assert!(!world.home.data().join("backup.tmp").exists(), "the stage is gone");
}

#[test]
fn exports_stay_behind() {
    let world = World::new();
    let server = world.home.serve(true).ready();
    let client = Client::with_key(&server, world.key.clone());
    client.post("/api/v1/records/contact", json!({"fields": {"name": "Ada"}})).expect(201);
    let job = client.post("/api/v1/exports", json!({"object": "contact", "format": "jsonl"})).expect(202);
    let path = format!("/api/v1/jobs/{}", job.text("/id"));
    let started = std::time::Instant::now();
    while client.get(&path).expect(200).body["file"].is_null() {
        assert!(started.elapsed().as_secs() < 60, "the export never ends");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(fs::read_dir(world.home.data().join("exports")).unwrap().count(), 1);
    let (file, copy) = (world.home.path().join("full.age"), world.home.path().join("copy"));
    world.back_up(&server, &file, None);
    good(world.restore(&[&file], &copy));
    assert!(!copy.join("exports").exists());
    world.run("verify", &copy, &[]);
    assert!(world.contacts(&copy).contains("Ada"));
    let state = client.get("/api/v1/system").expect(200).body;
    assert_eq!(state["backup"]["lastBytes"].as_u64(), Some(fs::metadata(&file).unwrap().len()), "{state}");
}
