//! A copy and increments after it give the store as it was, row for row, whatever was written between.

use std::collections::BTreeMap;
use std::sync::Arc;

use aplomb_testkit::CONTACT;
use proptest::prelude::*;

use super::*;
use crate::archive::{copy, parts};
use crate::engine::{Engine, Snapshot, scan_prefix};
use crate::increment::{IncrementError, apply, write};
use crate::{Applied, Job};

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// All rows, but not the head of a log that has none yet, which may be written or not.
fn rows(snapshot: &dyn Snapshot) -> Rows {
    let none = (crate::key::meta("head"), crate::codec::Head::default().encode().unwrap());
    let mut rows = vec![];
    for part in parts(snapshot).unwrap() {
        scan_prefix(snapshot, &part, false, &mut |k, v| {
            rows.push((k.to_vec(), v.to_vec()));
            Ok(true)
        })
        .unwrap();
    }
    rows.retain(|row| *row != none);
    rows
}

fn engine() -> RedbEngine {
    let device = PageDevice::over(Disk::new(), &key().page_keys());
    RedbEngine::open(Box::new(device), options()).unwrap()
}

fn snapshot(store: &Store) -> Arc<dyn Snapshot> {
    store.shared().engine.snapshot().unwrap()
}

fn full(store: &Store) -> RedbEngine {
    let target = engine();
    copy(&*snapshot(store), &target).unwrap();
    target
}

fn since(store: &Store, seq: u64) -> Vec<u8> {
    let mut out = vec![];
    write(&*snapshot(store), seq, &mut out).unwrap();
    out
}

#[derive(Debug, Clone)]
enum Act {
    Write(u8, u8),
    Trash(u8),
    Restore(u8),
    Purge(u8),
    Doc(u8, Option<u8>, bool),
    Job(u8, u8),
    JobDone(u8),
    /// another field is indexed from now on
    Declare(u8),
    /// an increment is made here and begins this many increments earlier
    Increment(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0u8..6, 1u8..5).prop_map(|(n, v)| Act::Write(n, v)),
        2 => (0u8..6).prop_map(Act::Trash),
        1 => (0u8..6).prop_map(Act::Restore),
        1 => (0u8..6).prop_map(Act::Purge),
        2 => (0u8..3, prop::option::of(0u8..4), any::<bool>()).prop_map(|(n, v, logged)| Act::Doc(n, v, logged)),
        1 => (0u8..3, 0u8..4).prop_map(|(n, due)| Act::Job(n, due)),
        1 => (0u8..3).prop_map(Act::JobDone),
        1 => (0u8..2).prop_map(Act::Declare),
        3 => (0u8..3).prop_map(Act::Increment),
    ]
}

struct World {
    store: Store,
    object: Arc<Object>,
    records: BTreeMap<Id, Record>,
}

impl World {
    fn new() -> World {
        World { store: store(), object: Arc::new(aplomb_testkit::contact()), records: BTreeMap::new() }
    }

    fn act(&mut self, act: &Act, seconds: i64) {
        let record = |n: u8| id(u128::from(n) + 1);
        let op = match act {
            Act::Write(n, v) => {
                let before = self.records.get(&record(*n)).filter(|r| r.trashed_at.is_none());
                if before.is_none() && self.records.contains_key(&record(*n)) {
                    return;
                }
                let start = match before {
                    Some(b) => RecordBuilder::from(b, at(seconds)),
                    None => RecordBuilder::new(CONTACT, record(*n), at(seconds)),
                };
                let next = start.name(1, "Ann", &format!("L{v}")).number(5, f64::from(*v)).text(4, &format!("t{v}"));
                let next = next.link(3, aplomb_testkit::COMPANY, id(500 + u128::from(*v))).build();
                put(next, before, &self.object)
            }
            Act::Trash(n) => match self.records.get(&record(*n)).filter(|r| r.trashed_at.is_none()) {
                Some(b) => {
                    put(RecordBuilder::from(b, at(seconds)).trashed(Some(at(seconds))).build(), Some(b), &self.object)
                }
                None => return,
            },
            Act::Restore(n) => match self.records.get(&record(*n)).filter(|r| r.trashed_at.is_some()) {
                Some(b) => put(RecordBuilder::from(b, at(seconds)).trashed(None).build(), Some(b), &self.object),
                None => return,
            },
            Act::Purge(n) => match self.records.remove(&record(*n)) {
                Some(b) => Op::Purge { record: Arc::new(b), object: Arc::clone(&self.object) },
                None => return,
            },
            Act::Doc(n, v, logged) => {
                Op::Doc { kind: "setting", key: vec![*n], value: v.map(|v| vec![v; 3]), logged: *logged }
            }
            Act::Job(n, due) => Op::Job { job: job(u128::from(*n), i64::from(*due)) },
            Act::JobDone(n) => Op::JobDone { id: id(u128::from(*n)) },
            Act::Declare(which) => {
                let mut object = Object::clone(&self.object);
                object.fields.iter_mut().filter(|f| f.code.0 == 4).for_each(|f| f.indexed = *which == 1);
                self.object = Arc::new(object);
                return self.store.declare(&aplomb_model::Schema::new(1, [Object::clone(&self.object)])).unwrap();
            }
            Act::Increment(_) => return,
        };
        self.store.write(seconds, vec![op.clone()]).unwrap();
        let view = self.store.snapshot().unwrap();
        if let Op::Put { record, .. } = op {
            self.records.insert(record.id, view.get(CONTACT, record.id).unwrap().unwrap());
        }
    }
}

fn job(n: u128, due: i64) -> Job {
    Job { id: id(n), kind: "k".into(), due: at(due), payload: vec![], attempts: 0, created_at: at(0), last_error: None }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_copy_with_its_increments_is_the_store(
        before in prop::collection::vec(act(), 0..20),
        after in prop::collection::vec(act(), 1..30),
    ) {
        let mut world = World::new();
        for (n, act) in before.iter().enumerate() {
            world.act(act, n as i64 * 10);
        }
        let target = full(&world.store);
        prop_assert_eq!(rows(&*target.snapshot().unwrap()), rows(&*snapshot(&world.store)));
        let mut ends = vec![world.store.seq()];
        for (n, act) in after.iter().chain([&Act::Increment(0)]).enumerate() {
            world.act(act, 1_000 + n as i64 * 10);
            if let Act::Increment(back) = act {
                // One that overlaps with what is restored already fits as well.
                let from = ends[ends.len() - 1 - usize::from(*back).min(ends.len() - 1)];
                let applied = apply(&target, &mut &since(&world.store, from)[..]).unwrap();
                prop_assert_eq!(applied, Applied { since: from, until: world.store.seq() });
                prop_assert_eq!(rows(&*target.snapshot().unwrap()), rows(&*snapshot(&world.store)));
                ends.push(world.store.seq());
            }
        }
        let restored = Store::open_on(Arc::new(target), &key()).unwrap();
        assert_sound(&restored);
        // It goes on as the source would.
        restored.write(9_000, vec![put(contact(77, 9_000).text(4, "new").build(), None, &world.object)]).unwrap();
        assert_sound(&restored);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut world = World::new();
    world.act(&Act::Write(1, 1), 0);
    let early = full(&world.store);
    let also_early = full(&world.store);
    world.act(&Act::Write(2, 2), 10);
    let first = since(&world.store, 1);
    world.act(&Act::Write(1, 3), 20);
    let second = since(&world.store, 2);
    let error = apply(&early, &mut &second[..]).unwrap_err();
    assert!(matches!(error, IncrementError::Gap { restored: 1, since: 2 }), "{error}");
    apply(&early, &mut &first[..]).unwrap();
    apply(&early, &mut &second[..]).unwrap();
    let error = apply(&early, &mut &first[..]).unwrap_err();
    assert!(matches!(error, IncrementError::Older { restored: 3, until: 2 }), "{error}");
    assert!(matches!(
        write(&*snapshot(&world.store), 9, &mut vec![]),
        Err(IncrementError::NotYet { since: 9, last: 3 })
    ));
    let mut other = World::new();
    other.act(&Act::Write(5, 1), 0);
    other.act(&Act::Write(5, 2), 10);
    let error = apply(&also_early, &mut &since(&other.store, 1)[..]).unwrap_err();
    assert!(matches!(error, IncrementError::OtherHistory), "{error}");
    for cut in [0, 1, 20, first.len() / 2, first.len() - 1] {
        assert!(apply(&full(&World::new().store), &mut &first[..cut]).is_err(), "cut to {cut}");
    }
}

#[test]
fn a_copy_is_of_one_moment_while_writes_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = store();
    let object = Arc::new(aplomb_testkit::contact());
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 1..400u128 {
                store.write(n as i64, vec![put(contact(n, n as i64).text(4, "x").build(), None, &object)]).unwrap();
            }
        });
        let mut last = 0;
        while !writer.is_finished() {
            let path = dir.path().join(format!("copy-{last}"));
            let options = crate::Options { path: path.clone(), key: key(), cache_bytes: 1 << 20 };
            let Ok(seq) = store.copy_to(&options) else { continue };
            assert!(store.copy_to(&options).is_err(), "an existing file is left alone");
            let copied = Store::open(options).unwrap();
            assert_eq!((copied.seq(), copied.snapshot().unwrap().count(CONTACT).unwrap()), (seq, seq));
            assert_sound(&copied);
            last += 1;
        }
        assert!(last > 0);
    });
}
