//! Figures, not assertions: `cargo test -p aplomb-store --release -- --ignored --nocapture speed::speed`.
//! `APLOMB_SPEED_RECORDS` says of how many records.

#![expect(clippy::disallowed_methods, reason = "it measures")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Instant;

use aplomb_model::{Field, FieldType};
use aplomb_testkit::{CONTACT, RecordBuilder, field};

use super::*;
use crate::Options;

/// 50 fields: 6 indexed, one of them unique, 2 references.
fn wide() -> Object {
    let mut object = aplomb_testkit::contact();
    object.fields.extend((9..=50).map(|n| Field { indexed: n < 11, ..field(n, &format!("f{n}"), FieldType::Text) }));
    object
}

fn wide_record(n: u128) -> Record {
    let millis = 1_772_366_400_000u128 + n / 3;
    let record_id = millis << 80 | 7 << 76 | (n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c) & ((1 << 74) - 1));
    let mut record = RecordBuilder::new(CONTACT, id(record_id), at(n as i64 / 1000))
        .name(1, "Margaret", &format!("Lastname{n}"))
        .texts(2, &[&format!("margaret.lastname{n}@example{}.com", n % 5000)])
        .link(3, aplomb_testkit::COMPANY, id(n % 20_000 + 1))
        .text(4, "Head of Procurement")
        .number(5, (n % 100) as f64)
        .link(6, aplomb_testkit::COMPANY, id(n % 10 + 1))
        .text(7, "web");
    for code in 9..=50 {
        record = record.text(code, &format!("value {code} {}", n % 1000));
    }
    record.build()
}

fn on_disk(dir: &Path) -> Options {
    Options { path: dir.join("store.redb"), key: key(), cache_bytes: 128 << 20 }
}

#[test]
#[ignore = "prints figures"]
fn speed() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(on_disk(dir.path())).unwrap();
    let object = Arc::new(wide());
    let total = std::env::var("APLOMB_SPEED_RECORDS").map_or(100_000, |n| n.parse().unwrap());
    let start = Instant::now();
    for from in (0..total).step_by(1000) {
        let ops = (from..from + 1000).map(|n| put(wide_record(n), None, &object)).collect();
        store.write(0, ops).unwrap();
    }
    let seconds = start.elapsed().as_secs_f64();
    let written = store.stats().bytes;
    println!("after import: {} bytes a record", written / total as u64);
    println!("import: {:.0} records/s", total as f64 / seconds);
    println!("encoded: {} bytes", crate::codec::encode_record(&wide_record(5)).unwrap().len());
    singles(&store, &object, total);
    submitters(&store, &object, total + 1000);
    reads(&store, total);
    store.close();
    let file = std::fs::metadata(dir.path().join("store.redb")).unwrap();
    use std::os::unix::fs::MetadataExt;
    println!("file: {} bytes a record", file.blocks() * 512 / total as u64);
    let open = Instant::now();
    let store = Store::open(on_disk(dir.path())).unwrap();
    println!("open: {:?}", open.elapsed());
    store.close();
    killed(dir.path());
    let open = Instant::now();
    let store = Store::open(on_disk(dir.path())).unwrap();
    println!("open after a crash: {:?}", open.elapsed());
    let verify = Instant::now();
    let path = dir.path().join("store.redb");
    println!("verify: {:?} in {:?}", store.verify(&|_| {}).unwrap(), verify.elapsed());
    store.close();
    let device = PageDevice::open(&path, &key().page_keys()).unwrap();
    for (name, rows, stored, pages) in RedbEngine::open(Box::new(device), super::options()).unwrap().tables() {
        println!(
            "table {name}: {rows} rows, {} stored, {} on pages a record",
            stored / total as u64,
            pages / total as u64
        );
    }
}

/// Another process writes to the store and is killed at it.
fn killed(dir: &Path) {
    let writer = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "tests::speed::writes_until_it_is_killed"])
        .env("APLOMB_SPEED_DIR", dir)
        .output();
    assert!(writer.unwrap().status.code().is_none());
}

#[test]
#[ignore = "run by `speed`"]
fn writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os("APLOMB_SPEED_DIR") else { return };
    let store = Store::open(on_disk(Path::new(&dir))).unwrap();
    let object = Arc::new(wide());
    for n in 0..100 {
        store.write(0, vec![put(wide_record(1 << 40 | n), None, &object)]).unwrap();
    }
    std::process::abort();
}

fn singles(store: &Store, object: &Arc<Object>, from: u128) {
    let mut times: Vec<_> = (from..from + 300)
        .map(|n| {
            let start = Instant::now();
            store.write(0, vec![put(wide_record(n), None, object)]).unwrap();
            start.elapsed()
        })
        .collect();
    times.sort();
    println!("single commit: p50 {:?}, p99 {:?}", times[150], times[297]);
}

fn submitters(store: &Store, object: &Arc<Object>, from: u128) {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..64 {
            scope.spawn(move || {
                for n in 0..100 {
                    store.write(0, vec![put(wide_record(from + thread * 100 + n), None, object)]).unwrap();
                }
            });
        }
    });
    println!("64 threads: {:.0} creates/s", 6400.0 / start.elapsed().as_secs_f64());
    let (sender, receiver) = channel();
    let start = Instant::now();
    for n in 0..6400 {
        let sender = sender.clone();
        let ops = vec![put(wide_record(from + 10_000 + n), None, object)];
        store.submit(batch(0, ops), move |done| sender.send(done).unwrap());
    }
    receiver.iter().take(6400).for_each(|done| assert!(done.is_ok()));
    println!("submitted: {:.0} creates/s", 6400.0 / start.elapsed().as_secs_f64());
}

fn reads(store: &Store, total: u128) {
    let start = Instant::now();
    for n in 0..10_000 {
        let record = store.snapshot().unwrap().get(CONTACT, wide_record(n * 7919 % total).id).unwrap();
        assert!(record.is_some());
    }
    println!("get: {:?} (with making the id)", start.elapsed() / 10_000);
    let view = store.snapshot().unwrap();
    let start = Instant::now();
    for _ in 0..100 {
        assert_eq!(view.scan(CONTACT, None, true, 50).unwrap().len(), 50);
    }
    println!("scan of 50: {:?}", start.elapsed() / 100);
}
