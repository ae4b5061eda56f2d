//! The program is killed again and again while it imports a file, and while it takes the import back.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Recovery, kills};
use crate::client::Client;
use crate::harness::{Home, Server};

/// Kills in one import, and as many in its revert.
const PER_IMPORT: usize = 10;
const ROWS: usize = 6_000;
const ROWS_PER_COMPANY: usize = 40;

#[test]
fn an_import_goes_on_and_loses_or_doubles_no_row() {
    let (mut recovery, mut done) = (Recovery::default(), 0);
    while done < kills() {
        let home = Home::set_up();
        let key = home.token();
        let here = (kills() - done).min(2 * PER_IMPORT);
        let mut killing = Killing { home: &home, key: &key, recovery: &mut recovery, done };
        import_and_revert(&mut killing, here.div_ceil(2), here / 2);
        done = killing.done;
    }
    recovery.report(&format!("{done} kills while importing {ROWS} rows or taking them back"));
}

struct Killing<'a> {
    home: &'a Home,
    key: &'a str,
    recovery: &'a mut Recovery,
    /// kills so far: each comes at another moment
    done: usize,
}

fn import_and_revert(killing: &mut Killing, in_import: usize, in_revert: usize) {
    let (server, client) = killing.recovery.start(killing.home, killing.key);
    let kept = client.post("/api/v1/records/contact", json!({"fields": {"name": {"last": "Kept"}}})).expect(201);
    let path = client.upload("contact", "people.csv", &file());
    client.post(&format!("{path}/check"), json!({})).expect(200);
    client.send("POST", &format!("{path}/commit"), &[], None).expect(202);
    let server = killing.again_and_again(server, &path, in_import, &["queued", "running"]);
    let client = Client::with_key(&server, killing.key);
    let view = client.import_until(&path, &["done"]);
    all_rows_are_there(&client, &view);

    client.send("POST", &format!("{path}/revert"), &[], None).expect(202);
    let server = killing.again_and_again(server, &path, in_revert, &["reverting"]);
    let client = Client::with_key(&server, killing.key);
    let view = client.import_until(&path, &["reverted"]);
    let report = &view["revert"];
    let companies = ROWS / ROWS_PER_COMPANY;
    assert_eq!((&report["removed"], &report["kept"]), (&json!(ROWS + companies), &json!(0)), "{report}");
    let left = client.all("contact", &json!({}));
    assert_eq!(left.iter().map(|record| &record["id"]).collect::<Vec<_>>(), [&kept.body["id"]]);
    assert!(client.all("company", &json!({})).is_empty());
    server.kill();
    let (fine, said) = killing.home.verify();
    assert!(fine, "{said}");
}

impl Killing<'_> {
    /// Kills and starts so often, or until the job is over; gives the server that is left.
    fn again_and_again(&mut self, mut server: Server, path: &str, kills: usize, states: &[&str]) -> Server {
        for _ in 0..kills {
            let kill = self.done;
            self.wait(&server, path, kill);
            server.strike();
            server.kill();
            self.done += 1;
            let (fine, said) = self.home.verify();
            assert!(fine, "kill {kill}: {said}");
            if kill.is_multiple_of(10) {
                let counted = |said: &str| said.lines().next().map(str::to_owned);
                assert_eq!(counted(&self.home.verify().1), counted(&said), "who checks changes nothing");
            }
            let (started, client) = self.recovery.start(self.home, self.key);
            server = started;
            let view = client.get(path).expect(200).body;
            if !states.iter().any(|state| view["status"] == *state) {
                break;
            }
        }
        server
    }

    /// Every second kill comes when something was written since the start, the others at once or soon.
    fn wait(&self, server: &Server, path: &str, kill: usize) {
        let client = Client::with_key(server, self.key);
        let before = client.get(path).expect(200).body;
        let busy = |view: &Json| {
            view["status"] == "queued" || (view["status"] == "running" && view["progress"] == before["progress"])
        };
        while kill % 2 == 1 && busy(&client.get(path).expect(200).body) {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(kill as u64 * 29 % 90));
    }
}

/// People of some hundred companies, which the import makes.
fn file() -> String {
    let mut file = String::from("id,first_name,last_name,email,company\n");
    for n in 0..ROWS {
        file.push_str(&format!("{n},First{n},Last{n},p{n}@c{}.example,Company {}\n", n % 997, n / ROWS_PER_COMPANY));
    }
    file
}

fn all_rows_are_there(client: &Client, view: &Json) {
    let companies = ROWS / ROWS_PER_COMPANY;
    let progress = &view["progress"];
    for (member, expected) in
        [("done", ROWS), ("created", ROWS), ("updated", 0), ("refused", 0), ("companiesCreated", companies)]
    {
        assert_eq!(progress[member], expected, "{member} of {progress}");
    }
    let after = view["seq"].as_u64().expect("a position in the log");
    let contacts = client.all("contact", &json!({"fields": ["name", "email", "company"], "after": after}));
    let mails: Vec<&str> = contacts.iter().filter_map(|record| record["fields"]["email"][0].as_str()).collect();
    let expected: BTreeSet<String> = (0..ROWS).map(|n| format!("p{n}@c{}.example", n % 997)).collect();
    assert_eq!(mails.len(), ROWS, "rows lost or doubled");
    assert_eq!(mails.into_iter().collect::<BTreeSet<_>>(), expected.iter().map(String::as_str).collect());
    for record in contacts.iter().filter(|record| record["fields"]["email"][0].is_string()) {
        let number = record["fields"]["name"]["last"].as_str().and_then(|last| last.strip_prefix("Last"));
        let number: usize = number.and_then(|n| n.parse().ok()).expect("a number");
        assert_eq!(record["fields"]["company"]["name"], format!("Company {}", number / ROWS_PER_COMPANY), "{record}");
    }
    assert_eq!(client.all("company", &json!({"after": after})).len(), companies, "companies");
}
