//! A disk that is full, and one that cannot be written: writes are refused with a clear problem, reads go on, and what
//! was acknowledged is there when there is room again.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::client::{Answer, Client};
use crate::harness::{ADMIN, Home, PASSWORD};
use crate::namespace;

const CONTACTS: &str = "/api/v1/records/contact";
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `test` where it may mount; says so when it may not.
fn with_mounts(name: &str, test: fn()) {
    if namespace::inside() {
        test();
    } else if !namespace::run_in(&["--mount"], "mount -t tmpfs tmpfs /mnt && umount /mnt", name) {
        eprintln!("SKIPPED {name}: neither root nor a user namespace may mount a tmpfs here");
    }
}

/// A small disk of its own; gone with the namespace.
struct Disk {
    at: tempfile::TempDir,
}

impl Disk {
    fn new(mib: usize) -> Disk {
        let at = tempfile::tempdir().expect("a mount point");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"]).arg(at.path()));
        Disk { at }
    }

    fn data(&self) -> PathBuf {
        self.at.path().join("data")
    }

    fn remount(&self, how: &str) {
        run(Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(self.at.path()));
    }

    fn ballast(&self) -> PathBuf {
        self.at.path().join("ballast")
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let mut file = File::create(self.ballast()).expect("ballast");
        let block = vec![7; 1 << 16];
        while file.write_all(&block).is_ok() {}
        while file.write_all(&[7]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.ballast()).expect("ballast");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.at.path()).status();
    }
}

#[track_caller]
fn run(command: &mut Command) {
    assert!(command.status().is_ok_and(|status| status.success()), "{command:?}");
}

fn contact(n: usize) -> Json {
    json!({"fields": {"name": {"last": format!("Disk{n}")}, "description": "x".repeat(2_000)}})
}

/// What works without writing.
#[track_caller]
fn reads_go_on(client: &Client, id: &str) {
    client.get(&format!("{CONTACTS}/{id}")).expect(200);
    let list = client.get(CONTACTS).expect(200).body;
    assert!(list["records"].as_array().is_some_and(|records| !records.is_empty()), "{list}");
    client.post(&format!("{CONTACTS}/query"), json!({"aggregates": [{"op": "count"}]})).expect(200);
    client.get(&format!("{CONTACTS}/{id}/history")).expect(200);
    let found = client.get("/api/v1/search?q=Disk0").expect(200).body;
    assert!(found["results"].as_array().is_some_and(|results| !results.is_empty()), "{found}");
    let exported = client.get("/api/v1/export/contact?format=csv").expect(200);
    assert!(exported.body.as_str().is_some_and(|csv| csv.contains("Disk0")));
    client.get("/healthz").expect(200);
}

/// Every way to write, refused as `code`.
#[track_caller]
fn writes_are_refused(client: &Client, id: &str, code: &str) {
    let refused = |answer: Answer, what: &str| {
        let (status, problem) = (answer.status, answer.problem().to_owned());
        assert_eq!(problem, code, "{what}: {status} {}", answer.body);
        assert!(matches!(status, 503 | 507), "{what}: {status}");
        assert!(answer.text("/detail").len() > 10, "{what}: {}", answer.body);
    };
    refused(client.post(CONTACTS, contact(1)), "create");
    refused(client.patch(&format!("{CONTACTS}/{id}"), json!({"fields": {"title": "x"}})), "update");
    refused(client.delete(&format!("{CONTACTS}/{id}")), "delete");
    let operation = json!({"op": "create", "object": "contact", "fields": contact(1)["fields"]});
    refused(client.post("/api/v1/records/batch", json!({"operations": [operation]})), "batch");
    refused(client.patch("/api/v1/settings", json!({"organisation": {"name": "Acme 2"}})), "settings");
    refused(client.post("/api/v1/tokens", json!({"name": "another"})), "token");
    let people = ("a.csv", "Name,Email\nA,a@x.example\n");
    refused(client.form("/api/v1/imports", &[], &[("object", "contact")], people), "upload");
    refused(client.form("/api/v1/files", &[], &[], people), "file");
}

fn writable(client: &Client) -> Json {
    client.get("/readyz").expect(200).body["writable"].clone()
}

#[test]
fn a_full_disk_refuses_writes_and_recovers() {
    with_mounts("faults::disk::a_full_disk_refuses_writes_and_recovers", || {
        let disk = Disk::new(40);
        let home = Home::set_up_at(disk.data());
        let key = home.token();
        let server = home.serve(true).ready();
        let client = Client::with_key(&server, &key);
        let first = client.post(CONTACTS, contact(0)).expect(201);
        let (id, seq) = (first.text("/id"), first.header("x-aplomb-seq"));
        client.get(&format!("{CONTACTS}?after={seq}")).expect(200);
        assert_eq!(writable(&client), true);

        disk.fill();
        writes_are_refused(&client, id, "disk_full");
        reads_go_on(&client, id);
        assert_eq!(writable(&client), false);
        let session = json!({"email": ADMIN, "password": PASSWORD});
        Client::new(&server).post("/api/v1/session", session).expect(200);

        disk.make_room();
        assert_eq!(writable(&client), true);
        let second = client.post(CONTACTS, contact(2)).expect(201);
        let seq = second.header("x-aplomb-seq");
        let list = client.get(&format!("{CONTACTS}?after={seq}")).expect(200).body;
        assert_eq!(list["records"].as_array().map(Vec::len), Some(2), "{list}");
        server.stop();
        let (fine, said) = home.verify();
        assert!(fine, "{said}");
    });
}

/// The disk fills up while clients write, three times: whatever was acknowledged is there.
#[test]
fn a_disk_that_fills_under_load_loses_nothing() {
    with_mounts("faults::disk::a_disk_that_fills_under_load_loses_nothing", || {
        let disk = Disk::new(96);
        let home = Home::set_up_at(disk.data());
        let key = home.token();
        let server = home.serve(true).ready();
        let client = Client::with_key(&server, &key);
        let mut told: Vec<String> = Vec::new();
        for round in 0..3 {
            let stop = AtomicBool::new(false);
            let (made, refused) = std::thread::scope(|scope| {
                let writers: Vec<_> = (0..8).map(|_| scope.spawn(|| write_until(&client.clone(), &stop))).collect();
                std::thread::sleep(Duration::from_millis(150));
                disk.fill();
                std::thread::sleep(Duration::from_millis(300));
                disk.make_room();
                std::thread::sleep(Duration::from_millis(150));
                stop.store(true, Ordering::Relaxed);
                writers.into_iter().map(|writer| writer.join().expect("a writer")).fold(
                    (vec![], 0),
                    |mut all, (ids, no)| {
                        all.0.extend(ids);
                        (all.0, all.1 + no)
                    },
                )
            });
            assert!(refused > 0, "round {round}: the disk was never full");
            told.extend(made);
            let after = client.post(CONTACTS, contact(round)).expect(201);
            told.push(after.text("/id").to_owned());
        }
        for id in &told {
            client.get(&format!("{CONTACTS}/{id}")).expect(200);
        }
        server.stop();
        let (fine, said) = home.verify();
        assert!(fine, "{said}");
    });
}

/// Ids of what was acknowledged, and how many writes were refused.
fn write_until(client: &Client, stop: &AtomicBool) -> (Vec<String>, usize) {
    let (mut ids, mut refused) = (Vec::new(), 0);
    while !stop.load(Ordering::Relaxed) {
        let answer = client.post(CONTACTS, contact(0));
        match answer.status {
            201 => ids.push(answer.text("/id").to_owned()),
            _ => {
                assert_eq!(answer.problem(), "disk_full", "{}", answer.body);
                refused += 1;
            }
        }
    }
    (ids, refused)
}

/// An import that meets a full disk waits and goes on.
#[test]
fn an_import_outlasts_a_full_disk() {
    with_mounts("faults::disk::an_import_outlasts_a_full_disk", || {
        let disk = Disk::new(96);
        let home = Home::set_up_at(disk.data());
        let key = home.token();
        let server = home.serve(true).ready();
        let client = Client::with_key(&server, &key);
        let rows: Vec<String> = (0..5_000).map(|n| format!("{n},First{n},Last{n},p{n}@x.example")).collect();
        let file = format!("id,first_name,last_name,email\n{}\n", rows.join("\n"));
        let path = client.upload("contact", "people.csv", &file);
        client.send("POST", &format!("{path}/commit"), &[], None).expect(202);
        let started = Instant::now();
        while client.get(&path).expect(200).body["progress"]["done"] == 0 {
            assert!(started.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(2));
        }
        disk.fill();
        std::thread::sleep(Duration::from_millis(700));
        let view = client.get(&path).expect(200).body;
        assert_eq!(view["status"], "running", "{view}");
        disk.make_room();
        let view = client.import_until(&path, &["done"]);
        assert_eq!((&view["progress"]["created"], &view["progress"]["refused"]), (&json!(5_000), &json!(0)), "{view}");
        let count = json!({"count": "exact", "limit": 1, "after": view["seq"]});
        let page = client.post(&format!("{CONTACTS}/query"), count).expect(200).body;
        assert_eq!(page["total"]["count"], 5_000, "{page}");
    });
}

#[test]
fn a_directory_that_cannot_be_written_is_served_for_reading() {
    with_mounts("faults::disk::a_directory_that_cannot_be_written_is_served_for_reading", || {
        let disk = Disk::new(40);
        let home = Home::set_up_at(disk.data());
        let key = home.token();
        let server = home.serve(true).ready();
        let client = Client::with_key(&server, &key);
        let made = client.post(CONTACTS, contact(0)).expect(201);
        let (id, seq) = (made.text("/id").to_owned(), made.header("x-aplomb-seq"));
        client.get(&format!("{CONTACTS}?after={seq}")).expect(200);
        server.stop();

        disk.remount("ro");
        let server = home.serve(true).ready();
        let client = Client::with_key(&server, &key);
        reads_go_on(&client, &id);
        writes_are_refused(&client, &id, "read_only");
        assert_eq!(writable(&client), false);
        server.stop();

        disk.remount("rw");
        let server = home.serve(true).ready();
        let client = Client::with_key(&server, &key);
        client.post(CONTACTS, contact(3)).expect(201);
        server.stop();
        let (fine, said) = home.verify();
        assert!(fine, "{said}");
        assert!(Path::new(&disk.data()).exists());
    });
}
