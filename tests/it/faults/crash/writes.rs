//! 64 clients write, each one record and one batch in turn, until the program is killed under them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Recovery, kills};
use crate::client::Client;
use crate::harness::{Home, Server};

const CLIENTS: usize = 64;
/// Creates in a batch; it also changes the client's own anchor record.
const BATCH: usize = 3;
/// Kills after which a new directory is begun, so that looking at everything stays quick.
const PER_HOME: usize = 20;
const RECORDS: &str = "/api/v1/records/contact";

/// What one client was told.
#[derive(Default)]
struct Told {
    anchor: String,
    /// batches that were acknowledged; one more may have been under way
    batches: usize,
    /// ids by the tag of their record
    records: BTreeMap<String, String>,
}

#[test]
fn no_acknowledged_write_is_lost_and_none_is_half_there() {
    let (mut recovery, mut acknowledged) = (Recovery::default(), 0);
    let rounds: Vec<usize> = (0..kills()).collect();
    for part in rounds.chunks(PER_HOME) {
        let home = Home::set_up();
        let key = home.token();
        let mut held = 0;
        for round in part {
            let (server, client) = recovery.start(&home, &key);
            let told = write_until_killed(&server, &client, *round);
            server.kill();
            acknowledged += told.iter().map(|told| told.records.len()).sum::<usize>();
            let (fine, said) = home.verify();
            assert!(fine, "round {round}: {said}");
            let (server, client) = recovery.start(&home, &key);
            held += look(&client, *round, &told);
            counts_agree(&client, held);
            server.kill();
        }
    }
    recovery.report(&format!("{} kills under {CLIENTS} clients, {acknowledged} acknowledged records", kills()));
}

/// The kill comes after so many acknowledgements and a little, other in every round.
fn write_until_killed(server: &Server, client: &Client, round: usize) -> Vec<Told> {
    let (acknowledged, enough) = (AtomicUsize::new(0), 2 * CLIENTS + round * 53 % 600);
    let (acknowledged, client) = (&acknowledged, &client);
    std::thread::scope(|scope| {
        let write = |n: usize| scope.spawn(move || write(&(*client).clone(), &format!("R{round}-C{n}"), acknowledged));
        let writers: Vec<_> = (0..CLIENTS).map(write).collect();
        while acknowledged.load(Ordering::Relaxed) < enough && !writers.iter().any(|writer| writer.is_finished()) {
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_micros((round as u64 * 1_237) % 20_000));
        server.strike();
        writers.into_iter().map(|writer| writer.join().expect("a writer")).collect()
    })
}

/// Writes until no answer comes.
fn write(client: &Client, name: &str, acknowledged: &AtomicUsize) -> Told {
    let mut told = Told::default();
    let send = |path: &str, body: Json| {
        let answer = client.try_send("POST", path, &[], Some(body.to_string())).ok()?;
        assert!((200..300).contains(&answer.status), "{} {}", answer.status, answer.body);
        acknowledged.fetch_add(1, Ordering::Relaxed);
        Some(answer.body)
    };
    let text = |json: &Json| json["id"].as_str().expect("an id").to_owned();
    let record = |tag: &str| json!({"name": {"last": name}, "department": tag});
    let Some(made) = send(RECORDS, json!({"fields": record(&format!("{name}-anchor"))})) else { return told };
    told.anchor = text(&made);
    told.records.insert(format!("{name}-anchor"), told.anchor.clone());
    loop {
        let n = told.batches + 1;
        let single = format!("{name}-S{n}");
        let Some(made) = send(RECORDS, json!({"fields": record(&single)})) else { return told };
        told.records.insert(single, text(&made));
        let tags: Vec<String> = (0..BATCH).map(|k| format!("{name}-B{n}-{k}")).collect();
        let create = |tag: &String| json!({"op": "create", "object": "contact", "fields": record(tag)});
        let mut operations: Vec<Json> = tags.iter().map(create).collect();
        let change =
            json!({"op": "update", "object": "contact", "id": told.anchor, "fields": {"title": n.to_string()}});
        operations.insert(n % (BATCH + 1), change);
        let Some(done) = send("/api/v1/records/batch", json!({"operations": operations})) else { return told };
        let made = done["results"].as_array().expect("results").iter().map(text).filter(|id| *id != told.anchor);
        told.records.extend(tags.into_iter().zip(made));
        told.batches = n;
    }
}

/// Compares a round's records, by list and by record, with what was told; gives how many there are.
fn look(client: &Client, round: usize, told: &[Told]) -> usize {
    let filter = json!({"field": "department", "op": "startsWith", "value": format!("R{round}-")});
    let list = client.all("contact", &json!({"filter": filter, "sort": ["department"]}));
    let tag = |record: &Json| record["fields"]["department"].as_str().expect("a tag").to_owned();
    let mut found: BTreeMap<String, &Json> = BTreeMap::new();
    for record in &list {
        let twice = found.insert(tag(record), record);
        assert_eq!(twice, None, "round {round}: listed twice, {record}");
    }
    for (tag, id) in told.iter().flat_map(|told| &told.records) {
        let record = found.get(tag).unwrap_or_else(|| panic!("{tag} ({id}) was acknowledged and is not listed"));
        assert_eq!(record["id"], **id, "{tag}");
    }
    std::thread::scope(|scope| {
        for part in list.chunks(list.len().div_ceil(8).max(1)) {
            let client = client.clone();
            scope.spawn(move || part.iter().for_each(|listed| same_as_stored(&client, listed)));
        }
    });
    for told in told.iter().filter(|told| !told.anchor.is_empty()) {
        whole_batches(&found, told);
    }
    list.len()
}

fn same_as_stored(client: &Client, listed: &Json) {
    let stored = client.get(&format!("{RECORDS}/{}", listed["id"].as_str().expect("an id"))).expect(200).body;
    for member in ["id", "version", "updatedAt", "fields"] {
        assert_eq!(listed[member], stored[member], "{member} of {listed} in the list, {stored} in the store");
    }
}

/// Of a client's batches those up to some number are there, whole, and none after it.
fn whole_batches(found: &BTreeMap<String, &Json>, told: &Told) {
    let anchor = found.values().find(|record| record["id"] == *told.anchor).expect("the anchor");
    let name = anchor["fields"]["name"]["last"].as_str().expect("a name");
    let last: usize = anchor["fields"]["title"].as_str().map_or(0, |title| title.parse().expect("a number"));
    assert!(last == told.batches || last == told.batches + 1, "{name}: {last} written, {} acknowledged", told.batches);
    let prefix = format!("{name}-B");
    let there: BTreeSet<&str> = found.keys().filter_map(|tag| tag.strip_prefix(&prefix)).collect();
    let expected: Vec<String> = (1..=last).flat_map(|n| (0..BATCH).map(move |k| format!("{n}-{k}"))).collect();
    assert_eq!(there, expected.iter().map(String::as_str).collect(), "{name}: half a batch");
}

/// What the store counts and what the index counts.
fn counts_agree(client: &Client, held: usize) {
    let query = |query: Json| client.post(&format!("{RECORDS}/query"), query).expect(200).body;
    let page = query(json!({"count": "exact", "limit": 1}));
    assert_eq!(page["total"], json!({"count": held, "exact": true}), "{page}");
    let page = query(json!({"aggregates": [{"op": "count", "as": "n"}]}));
    assert_eq!(page["groups"][0]["values"]["n"], held, "{page}");
}
