//! Power cuts, failing calls, a full disk, damaged bytes, at every call to the disk that a workload makes.

use std::io::ErrorKind;
use std::sync::Arc;

use aplomb_model::query::Scalar;
use aplomb_model::{FieldCode, Value};
use aplomb_testkit::{CONTACT, Fault, RecordBuilder, Survives};

use super::*;

/// What a contact holds after the nth write to it; the note is long enough to need pages of its own.
fn written(n: u128, version: u32) -> Record {
    let first = contact(n, 0).texts(2, &[&format!("c{n}@x.org")]).number(5, 1.0).text(4, &"x".repeat(600 * n as usize));
    (2..=version).fold(first.build(), |before, version| {
        let next = RecordBuilder::from(&before, at(i64::from(version))).number(5, f64::from(version));
        next.text(4, &format!("v{version}")).build()
    })
}

/// The batches of the workload: two records each, every record created, changed and finally trashed.
fn script(object: &Arc<Object>) -> Vec<Vec<Op>> {
    let mut batches = vec![];
    for pair in [[1, 2], [3, 4], [5, 6]] {
        batches.push(pair.map(|n| put(written(n, 1), None, object)).into());
        batches.push(pair.map(|n| put(written(n, 2), Some(&written(n, 1)), object)).into());
    }
    let trashed = |n| RecordBuilder::from(&written(n, 2), at(50)).trashed(Some(at(50))).build();
    batches.push([1, 4].map(|n| put(trashed(n), Some(&written(n, 2)), object)).into());
    let doc = Op::Doc { kind: "setting", key: vec![1], value: Some(vec![9; 5000]), logged: true };
    batches.push(vec![doc, put(written(9, 1), None, object)]);
    batches
}

/// All records as they are after so many batches.
fn expected(batches: &[Vec<Op>]) -> Vec<Record> {
    let mut records = std::collections::BTreeMap::new();
    for op in batches.iter().flatten() {
        if let Op::Put { record, .. } = op {
            records.insert(record.id, record.clone());
        }
    }
    records.into_values().collect()
}

fn found(store: &Store) -> Vec<Record> {
    let view = store.snapshot().unwrap();
    let ids: Vec<_> = (1..=9).map(id).collect();
    view.get_many(CONTACT, &ids).unwrap().into_iter().flatten().collect()
}

/// Runs the workload until a write is refused; how many were acknowledged.
fn run(store: &Store, batches: &[Vec<Op>]) -> usize {
    batches.iter().take_while(|ops| store.write(0, (*ops).clone()).is_ok()).count()
}

/// Calls to the disk of opening and the whole workload.
fn calls(batches: &[Vec<Op>]) -> u64 {
    let disk = Disk::new();
    let store = open(&disk).unwrap();
    assert_eq!(run(&store, batches), batches.len());
    assert_eq!(found(&store), expected(batches));
    store.close();
    disk.calls()
}

#[track_caller]
fn assert_whole(disk: &Disk, opening: bool, acknowledged: usize, batches: &[Vec<Op>], when: &str) {
    let store = match open(disk) {
        Ok(store) => store,
        // `Store::open` makes a new store under another name and renames it when it is whole.
        Err(StoreError::Corrupt { .. }) if opening => return,
        Err(e) => panic!("{when}: {e}"),
    };
    let seq = store.seq() as usize;
    // The batch in flight may have made it; it was only not acknowledged.
    assert!((acknowledged..=acknowledged + 1).contains(&seq), "{when}: {seq} of {acknowledged} acknowledged");
    assert_eq!(found(&store), expected(&batches[..seq]), "{when}");
    let problems = store.verify(&|_| {}).unwrap().problems;
    assert_eq!(problems, Vec::<String>::new(), "{when}");
    assert_eq!(run(&store, &batches[seq..]), batches.len() - seq, "{when}: it goes on");
}

#[test]
fn a_power_cut_at_any_call_loses_nothing_acknowledged() {
    let object = Arc::new(aplomb_testkit::contact());
    let batches = script(&object);
    for cut in 0..calls(&batches) {
        let disk = Disk::new();
        disk.plan(cut, Fault::Crash);
        let (opening, acknowledged) = match open(&disk) {
            Ok(store) => (false, run(&store, &batches)),
            Err(_) => (true, 0),
        };
        let torn = [Survives::SomeTorn(cut)];
        for survives in [Survives::Nothing, Survives::Everything].into_iter().chain(torn) {
            assert_whole(
                &disk.after_crash(survives),
                opening,
                acknowledged,
                &batches,
                &format!("call {cut}, {survives:?}"),
            );
        }
    }
}

#[test]
fn a_failing_call_is_told_and_the_store_goes_on() {
    let object = Arc::new(aplomb_testkit::contact());
    let batches = script(&object);
    for call in 0..calls(&batches) {
        let kind = [ErrorKind::StorageFull, ErrorKind::Other][call as usize % 2];
        {
            let disk = Disk::new();
            disk.plan(call, Fault::Error(kind));
            let Ok(store) = open(&disk) else { continue };
            for ops in &batches {
                let before = store.seq();
                if let Err(e) = store.write(0, ops.clone()) {
                    assert!(e.is_passing(), "call {call}: {e}");
                    assert_eq!(found(&store), expected(&batches[..before as usize]), "call {call}: reads go on");
                    store.write(0, ops.clone()).unwrap_or_else(|e| panic!("call {call}, again: {e}"));
                }
            }
            assert_eq!(found(&store), expected(&batches), "call {call}");
            // Else the failure is still to come, in closing.
            if disk.calls() > call {
                assert_sound(&store);
            }
        }
    }
}

#[test]
fn a_full_disk_refuses_writes_reads_go_on_and_it_recovers() {
    let object = Arc::new(aplomb_testkit::contact());
    let disk = Disk::new();
    let store = open(&disk).unwrap();
    store.write(0, vec![put(written(1, 1), None, &object)]).unwrap();
    disk.set_room(Some(disk.len()));
    let large = |n: u128| put(contact(n, 0).text(4, &"y".repeat(40_000)).build(), None, &object);
    let mut full = None;
    for n in 100..200 {
        if let Err(e) = store.write(0, vec![large(n)]) {
            full = Some((n, e));
            break;
        }
    }
    let (refused, error) = full.unwrap();
    assert_eq!(error, StoreError::DiskFull);
    for _ in 0..3 {
        assert_eq!(store.write(0, vec![large(refused)]), Err(StoreError::DiskFull));
        let view = store.snapshot().unwrap();
        assert_eq!(view.get(CONTACT, id(1)).unwrap(), Some(written(1, 1)));
        assert_eq!(view.count(CONTACT).unwrap() as u128, refused - 100 + 1);
        let email = Scalar::Text("c1@x.org".into());
        assert_eq!(view.find(CONTACT, FieldCode(2), &email, 9).unwrap(), [id(1)]);
    }
    disk.set_room(None);
    store.write(0, vec![large(refused)]).unwrap();
    assert!(store.stats().writable);
    assert_sound(&store);
    assert_whole_count(&disk, refused - 100 + 2);
}

fn assert_whole_count(disk: &Disk, count: u128) {
    let store = open(&disk.after_crash(Survives::Nothing)).unwrap();
    assert_eq!(store.snapshot().unwrap().count(CONTACT).unwrap() as u128, count);
}

#[test]
fn too_little_free_space_is_refused_before_anything_is_touched() {
    let free = Arc::new(std::sync::atomic::AtomicU64::new(1 << 30));
    let asked = Arc::clone(&free);
    let disk = Disk::new();
    let known = move || Some(asked.load(std::sync::atomic::Ordering::Relaxed));
    let options = RedbOptions { free: Some(Box::new(known)), ..options() };
    let store = Store::open_on(Arc::new(RedbEngine::open(Box::new(disk.clone()), options).unwrap()), &key()).unwrap();
    let object = Arc::new(aplomb_testkit::contact());
    store.write(0, vec![put(written(1, 1), None, &object)]).unwrap();
    free.store(1000, std::sync::atomic::Ordering::Relaxed);
    let calls = disk.calls();
    assert_eq!(store.write(0, vec![put(written(2, 1), None, &object)]), Err(StoreError::DiskFull));
    assert_eq!(disk.calls(), calls);
    assert_eq!(found(&store).len(), 1);
    free.store(1 << 30, std::sync::atomic::Ordering::Relaxed);
    store.write(0, vec![put(written(2, 1), None, &object)]).unwrap();
}

#[test]
fn damage_to_any_page_in_use_is_noticed() {
    let object = Arc::new(aplomb_testkit::contact());
    let disk = Disk::new();
    let store = open(&disk).unwrap();
    run(&store, &script(&object));
    store.close();
    let whole = disk.image();
    let step = 4096;
    let mut noticed = 0;
    let mut harmless = 0;
    let used = (0..whole.len()).step_by(step).filter(|at| whole[*at..at + step].iter().any(|b| *b != 0));
    for at in used.step_by(2) {
        let disk = Disk::of_image(whole.clone());
        disk.damage(at as u64 + 40);
        let problems = match open(&disk) {
            Ok(store) => store.verify(&|_| {}).map(|r| r.problems).unwrap_or_else(|e| vec![e.to_string()]),
            Err(e) => vec![e.to_string()],
        };
        if problems.is_empty() {
            // A page that nothing uses: everything must read as before.
            let store = open(&disk).unwrap();
            assert_eq!(found(&store), expected(&script(&object)), "page {}", at / step);
            harmless += 1;
        } else {
            noticed += 1;
        }
    }
    assert!(noticed > 10, "{noticed} noticed, {harmless} harmless");
}

#[test]
fn what_redb_does_not_check_the_log_does() {
    let object = Arc::new(aplomb_testkit::contact());
    let row = |id| crate::key::of_record(crate::key::Space::Record, CONTACT, id);
    type Tamper = fn(&mut dyn crate::engine::Transaction) -> Result<(), StoreError>;
    let tampers: [(&str, Tamper); 5] = [
        ("a record", |txn| {
            let key = crate::key::of_record(crate::key::Space::Record, CONTACT, id(2));
            let changed = Record { ..written(2, 2) };
            let forged = RecordBuilder::from(&changed, at(1)).set(5, Value::Number(9.0)).build();
            txn.put(&key, &crate::codec::encode_record(&Record { version: 2, ..forged })?)
        }),
        ("an index entry", |txn| {
            let mut key =
                crate::key::index_value(CONTACT, FieldCode(2), &crate::key::encode_scalar(&Scalar::Text("z".into())));
            key.extend_from_slice(id(2).as_bytes());
            txn.put(&key, &[])
        }),
        ("a log row", |txn| {
            let mut bytes = txn.reader().get(&crate::key::log(3))?.unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            txn.put(&crate::key::log(3), &bytes)
        }),
        ("a missing log row", |txn| txn.delete(&crate::key::log(3))),
        ("a counter", |txn| txn.put(&crate::key::count(CONTACT), &crate::codec::encode_count(99))),
    ];
    for (what, tamper) in tampers {
        let engine = Arc::new(RedbEngine::open(Box::new(Disk::new()), options()).unwrap());
        let store = Store::open_on(Arc::clone(&engine) as Arc<dyn crate::Engine>, &key()).unwrap();
        run(&store, &script(&object));
        assert!(crate::Engine::snapshot(&*engine).unwrap().get(&row(id(2))).unwrap().is_some());
        assert_sound(&store);
        crate::Engine::write(&*engine, &mut |txn| tamper(txn)).unwrap();
        assert!(!store.verify(&|_| {}).unwrap().problems.is_empty(), "{what}");
    }
}

#[test]
fn reads_work_again_when_the_disk_does() {
    let disk = Disk::new();
    let store = open(&disk).unwrap();
    let object = Arc::new(aplomb_testkit::contact());
    run(&store, &script(&object));
    store.close();
    let device = PageDevice::over(disk.clone(), &key().page_keys());
    let engine = RedbEngine::open(Box::new(device), RedbOptions { cache_bytes: 0, ..options() }).unwrap();
    let store = Store::open_on(Arc::new(engine), &key()).unwrap();
    disk.set_readable(false);
    let failed = store.snapshot().and_then(|view| view.scan(CONTACT, None, false, 9));
    assert!(matches!(failed, Err(StoreError::Io(_))), "{failed:?}");
    disk.set_readable(true);
    assert_eq!(found(&store), expected(&script(&object)));
}

#[test]
fn a_read_only_disk_is_read() {
    let disk = Disk::new();
    let store = open(&disk).unwrap();
    let object = Arc::new(aplomb_testkit::contact());
    store.write(0, vec![put(written(1, 1), None, &object)]).unwrap();
    for call in 0..400 {
        disk.plan(call, Fault::Error(ErrorKind::ReadOnlyFilesystem));
    }
    for _ in 0..3 {
        let refused = store.write(0, vec![put(written(2, 1), None, &object)]);
        assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
        assert!(!store.stats().writable);
        assert_eq!(found(&store), [written(1, 1)]);
    }
    while store.write(0, vec![put(written(2, 1), None, &object)]).is_err() {}
    assert!(store.stats().writable);
    assert_eq!(found(&store), [written(1, 1), written(2, 1)]);
    assert_sound(&store);
}

#[test]
fn the_start_after_a_power_cut_does_not_take_longer_for_more_records() {
    let object = Arc::new(aplomb_testkit::contact());
    let calls_to_open = |count: u128| {
        let disk = Disk::new();
        let store = open(&disk).unwrap();
        let records = (1..=count).map(|n| put(contact(n, 0).text(4, &"z".repeat(2000)).build(), None, &object));
        store.write(0, records.collect()).unwrap();
        store.write(1, vec![put(written(count + 1, 1), None, &object)]).unwrap();
        let disk = disk.after_crash(Survives::Nothing);
        let store = open(&disk).unwrap();
        assert_eq!(store.snapshot().unwrap().count(CONTACT).unwrap(), count as u64 + 1);
        disk.calls()
    };
    assert!(calls_to_open(600) <= calls_to_open(30) + 4);
}
