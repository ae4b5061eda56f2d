//! Writing and reading, refusals, documents, jobs.

use std::sync::Arc;
use std::time::Duration;

use aplomb_model::query::Scalar;
use aplomb_model::schema::system;
use aplomb_model::{FieldCode, Money, Record, Value};
use aplomb_testkit::{COMPANY, CONTACT, RecordBuilder};

use super::*;
use crate::{Assert, ChangeKind, IndexRange, Job};

const NAME: FieldCode = FieldCode(1);
const EMAIL: FieldCode = FieldCode(2);

fn text(s: &str) -> Scalar {
    Scalar::Text(s.into())
}

#[test]
fn a_record_is_created_changed_trashed_restored_and_purged() {
    let store = store();
    let object = Arc::new(aplomb_testkit::contact());
    let company = id(77);
    let first = contact(1, 0).name(1, "Ada", "Lovelace").texts(2, &["Ada@x.org"]).link(3, COMPANY, company).build();
    assert_eq!(store.write(0, vec![put(first.clone(), None, &object)]).unwrap().seq, 1);

    let view = store.snapshot().unwrap();
    assert_eq!(view.get(CONTACT, first.id).unwrap(), Some(first.clone()));
    assert_eq!(view.find(CONTACT, EMAIL, &text("ada@x.org"), 9).unwrap(), [first.id]);
    assert_eq!(view.find(CONTACT, NAME, &text("ada lovelace"), 9).unwrap(), [first.id]);
    assert_eq!(view.referrers(company, 9, None).unwrap(), [(CONTACT, FieldCode(3), first.id)]);
    assert_eq!((view.count(CONTACT).unwrap(), view.seq()), (1, 1));

    let old_view = view;
    let second = RecordBuilder::from(&first, at(5)).texts(2, &["countess@x.org"]).clear(3).text(4, "Countess").build();
    store.write(5, vec![put(second.clone(), Some(&first), &object)]).unwrap();
    let found = old_view.find(CONTACT, EMAIL, &text("countess@x.org"), 9).unwrap();
    assert_eq!(found, [], "a view does not move");
    drop(old_view);
    let mut view = store.snapshot().unwrap();
    assert_eq!(view.find(CONTACT, EMAIL, &text("ada@x.org"), 9).unwrap(), []);
    assert_eq!(view.find(CONTACT, EMAIL, &text("countess@x.org"), 9).unwrap(), [first.id]);
    assert_eq!(view.referrers(company, 9, None).unwrap(), []);

    let third = RecordBuilder::from(&second, at(9)).trashed(Some(at(9))).build();
    store.write(9, vec![put(third.clone(), Some(&second), &object)]).unwrap();
    view = store.snapshot().unwrap();
    assert_eq!(view.get(CONTACT, first.id).unwrap(), Some(third.clone()));
    assert_eq!(view.trash(CONTACT, None, 9).unwrap(), std::slice::from_ref(&third));
    assert_eq!(view.scan(CONTACT, None, false, 9).unwrap(), []);
    assert_eq!(view.find(CONTACT, EMAIL, &text("countess@x.org"), 9).unwrap(), []);
    assert_eq!(view.count(CONTACT).unwrap(), 0);

    let fourth = RecordBuilder::from(&third, at(12)).trashed(None).build();
    store.write(12, vec![put(fourth.clone(), Some(&third), &object)]).unwrap();
    view = store.snapshot().unwrap();
    assert_eq!(view.scan(CONTACT, None, false, 9).unwrap(), std::slice::from_ref(&fourth));
    assert_eq!(view.find(CONTACT, EMAIL, &text("countess@x.org"), 9).unwrap(), [first.id]);
    assert_eq!((view.count(CONTACT).unwrap(), view.trash(CONTACT, None, 9).unwrap()), (1, vec![]));

    store.write(20, vec![Op::Purge { record: Arc::new(fourth), object: Arc::clone(&object) }]).unwrap();
    view = store.snapshot().unwrap();
    assert_eq!(view.get(CONTACT, first.id).unwrap(), None);
    assert_eq!(view.find(CONTACT, EMAIL, &text("countess@x.org"), 9).unwrap(), []);
    assert_eq!(view.count(CONTACT).unwrap(), 0);
    for (items, batches) in [(0, 1), (1, 1), (2, 2), (99, 5)] {
        assert_eq!(view.changes_within(0, 99, items).unwrap().len(), batches, "{items}");
    }
    let kinds: Vec<_> = view.changes(0, 99).unwrap().iter().map(|c| c.items[0].kind).collect();
    use ChangeKind::*;
    assert_eq!(kinds, [Created, Updated, Trashed, Restored, Purged]);
    drop(view);
    assert_sound(&store);
}

#[test]
fn unique_values_belong_to_one_live_record() {
    let store = store();
    let object = Arc::new(aplomb_testkit::contact());
    let one = contact(1, 0).texts(2, &["a@x.org", "b@x.org"]).build();
    store.write(0, vec![put(one.clone(), None, &object)]).unwrap();
    let taken = Err(StoreError::NotUnique { object: CONTACT, field: EMAIL, existing: id(1) });

    let two = contact(2, 1).texts(2, &["B@X.ORG"]).build();
    assert_eq!(store.write(1, vec![put(two.clone(), None, &object)]), taken, "compared folded");
    let twins = [contact(3, 1), contact(4, 1)].map(|c| put(c.texts(2, &["c@x.org"]).build(), None, &object));
    let refused = store.write(1, twins.into());
    assert_eq!(refused, Err(StoreError::NotUnique { object: CONTACT, field: EMAIL, existing: id(3) }), "in one batch");

    let given_up = RecordBuilder::from(&one, at(2)).texts(2, &["a@x.org"]).build();
    store.write(2, vec![put(two.clone(), None, &object), put(given_up.clone(), Some(&one), &object)]).unwrap();
    let back = RecordBuilder::from(&given_up, at(3)).texts(2, &["b@x.org"]).build();
    let refused = store.write(3, vec![put(back, Some(&given_up), &object)]);
    assert_eq!(refused, Err(StoreError::NotUnique { object: CONTACT, field: EMAIL, existing: id(2) }));

    let binned = RecordBuilder::from(&given_up, at(4)).trashed(Some(at(4))).build();
    store.write(4, vec![put(binned.clone(), Some(&given_up), &object)]).unwrap();
    store.write(5, vec![put(contact(5, 5).texts(2, &["a@x.org"]).build(), None, &object)]).unwrap();
    let restored = RecordBuilder::from(&binned, at(6)).trashed(None).build();
    let refused = store.write(6, vec![put(restored, Some(&binned), &object)]);
    assert_eq!(refused, Err(StoreError::NotUnique { object: CONTACT, field: EMAIL, existing: id(5) }), "restored");
    assert_eq!(store.seq(), 4);
    assert_sound(&store);
}

#[test]
fn a_stale_version_is_refused() {
    let store = store();
    let object = Arc::new(aplomb_testkit::contact());
    let one = contact(1, 0).text(4, "a").build();
    store.write(0, vec![put(one.clone(), None, &object)]).unwrap();
    let two = RecordBuilder::from(&one, at(1)).text(4, "b").build();
    store.write(1, vec![put(two.clone(), Some(&one), &object)]).unwrap();
    let stale = |current| Err(StoreError::VersionMismatch { object: CONTACT, id: id(1), current });
    assert_eq!(store.write(2, vec![put(two.clone(), Some(&one), &object)]), stale(2));
    assert_eq!(store.write(2, vec![put(one.clone(), None, &object)]), stale(2));
    let missing = contact(9, 0).build();
    let refused = store.write(2, vec![put(missing.clone(), Some(&missing), &object)]);
    assert_eq!(refused, Err(StoreError::VersionMismatch { object: CONTACT, id: id(9), current: 0 }));
    for (version, ok) in [(2, true), (1, false), (0, false)] {
        let asserts = vec![Assert::Version { object: CONTACT, id: id(1), version }];
        let doc = Op::Doc { kind: "k", key: vec![], value: None, logged: false };
        assert_eq!(store.commit(Batch { asserts, ..batch(3, vec![doc]) }).is_ok(), ok, "{version}");
    }
    assert_eq!(store.seq(), 2, "a refused batch leaves nothing");
}

#[test]
fn a_record_may_be_written_twice_in_a_batch() {
    let store = store();
    let object = Arc::new(aplomb_testkit::contact());
    let one = contact(1, 0).texts(2, &["a@x.org"]).build();
    let two = RecordBuilder::from(&one, at(0)).texts(2, &["b@x.org"]).build();
    store.write(0, vec![put(one.clone(), None, &object), put(two.clone(), Some(&one), &object)]).unwrap();
    let view = store.snapshot().unwrap();
    assert_eq!(view.get(CONTACT, id(1)).unwrap(), Some(two));
    assert_eq!(view.at_version(CONTACT, id(1), 1).unwrap(), Some(one));
    assert_eq!(view.history(CONTACT, id(1), None, 9).unwrap().len(), 2);
    drop(view);
    assert_sound(&store);
}

#[test]
fn indexes_scan_in_order_both_ways_and_by_pages() {
    let store = store();
    let object = Arc::new(aplomb_testkit::contact());
    let scores = [3.5, -1.0, 0.0, 10.0, 3.5, 250.0];
    let ops = scores.iter().enumerate().map(|(n, s)| {
        put(
            contact(n as u128 + 1, n as i64).number(5, *s).name(1, "Ann", ["Ab", "Abba", "Ac"][n % 3]).build(),
            None,
            &object,
        )
    });
    store.write(0, ops.collect()).unwrap();
    let view = store.snapshot().unwrap();
    let ids = |range, descending| {
        let found = view.scan_index(CONTACT, FieldCode(5), range, descending, None, 99).unwrap();
        found.into_iter().map(|(_, id)| id.as_u128()).collect::<Vec<_>>()
    };
    use std::ops::Bound::*;
    assert_eq!(ids(IndexRange::all(), false), [2, 3, 1, 5, 4, 6]);
    assert_eq!(ids(IndexRange::all(), true), [6, 4, 5, 1, 3, 2]);
    let n = Scalar::Number;
    assert_eq!(ids(IndexRange::between(Included(n(3.5)), Included(n(10.0))), false), [1, 5, 4]);
    assert_eq!(ids(IndexRange::between(Excluded(n(3.5)), Unbounded), false), [4, 6]);
    assert_eq!(ids(IndexRange::between(Unbounded, Excluded(n(3.5))), true), [3, 2]);
    assert_eq!(ids(IndexRange::exact(n(3.5)), false), [1, 5]);
    assert_eq!(ids(IndexRange::between(Included(n(5.0)), Included(n(4.0))), false), []);

    for descending in [false, true] {
        let mut paged = vec![];
        let mut after = None;
        loop {
            let page = view.scan_index(CONTACT, FieldCode(5), IndexRange::all(), descending, after, 2).unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            paged.extend(page.iter().map(|(_, id)| id.as_u128()));
        }
        assert_eq!(paged, ids(IndexRange::all(), descending));
    }
    let starts = |p: &str| view.scan_index(CONTACT, NAME, IndexRange::starts_with(p), false, None, 9).unwrap().len();
    assert_eq!([starts("ann ab"), starts("ann abb"), starts("ann"), starts("b")], [4, 2, 6, 0]);
    let newest = view.scan_index(CONTACT, system::CREATED_AT, IndexRange::all(), true, None, 1).unwrap();
    assert_eq!(newest[0].1, id(6));
    let page = |after, descending| {
        let page = view.scan(CONTACT, after, descending, 2).unwrap();
        page.iter().map(|r| r.id.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(
        (page(None, false), page(Some(id(4)), false), page(Some(id(2)), true)),
        (vec![1, 2], vec![5, 6], vec![1])
    );
}

#[test]
fn objects_are_kept_apart() {
    let store = store();
    let (contacts, companies) = (Arc::new(aplomb_testkit::contact()), Arc::new(aplomb_testkit::company()));
    let money = Value::Money(Money::new(500, "EUR".parse().unwrap()));
    let company = RecordBuilder::new(COMPANY, id(1), at(0)).text(1, "Ada").text(2, "a.org").set(3, money).build();
    store.write(0, vec![put(contact(1, 0).build(), None, &contacts), put(company.clone(), None, &companies)]).unwrap();
    let view = store.snapshot().unwrap();
    assert_eq!((view.count(CONTACT).unwrap(), view.count(COMPANY).unwrap()), (1, 1));
    assert_eq!(view.get(COMPANY, id(1)).unwrap(), Some(company));
    assert_eq!(view.find(COMPANY, FieldCode(3), &Scalar::Int(500), 9).unwrap(), [id(1)]);
    assert_eq!(view.scan(CONTACT, None, false, 9).unwrap().len(), 1);
}

#[test]
fn documents_are_set_asserted_and_logged() {
    let store = store();
    let doc = |kind, key: &[u8], value: Option<&[u8]>, logged| Op::Doc {
        kind,
        key: key.to_vec(),
        value: value.map(<[u8]>::to_vec),
        logged,
    };
    store.write(0, vec![doc("role", b"a", Some(b"1"), true), doc("role", b"b", Some(b"2"), true)]).unwrap();
    store.write(0, vec![doc("session", b"a", Some(b"s"), false), doc("rolex", b"a", Some(b"x"), false)]).unwrap();
    assert_eq!(store.seq(), 1, "what is not logged takes no place in the log");
    store.write(0, vec![doc("role", b"a", None, true)]).unwrap();
    let view = store.snapshot().unwrap();
    assert_eq!(view.doc("role", b"a").unwrap(), None);
    assert_eq!(view.docs("role", b"", None, 9).unwrap(), [(b"b".to_vec(), b"2".to_vec())]);
    assert_eq!(view.docs("session", b"a", None, 9).unwrap().len(), 1);
    let changes = view.changes(1, 9).unwrap();
    assert_eq!((changes[0].docs[0].before.as_deref(), changes[0].docs[0].after.as_deref()), (Some(&b"1"[..]), None));

    use sha2::Digest;
    let hash = sha2::Sha256::digest(b"2").to_vec();
    for (key, wanted, holds) in [
        (&b"a"[..], None, true),
        (b"b", None, false),
        (b"b", Some(b"2".to_vec()), true),
        (b"b", Some(hash), true),
        (b"b", Some(b"3".to_vec()), false),
        (b"a", Some(b"1".to_vec()), false),
    ] {
        let asserts = vec![Assert::DocIs { kind: "role", key: key.to_vec(), hash_or_value: wanted }];
        let done = store.commit(Batch { asserts, ..batch(0, vec![doc("role", b"c", Some(b"4"), false)]) });
        assert_eq!(done.is_ok(), holds, "{key:?}");
    }
    let bad = store.write(0, vec![doc("a\0b", b"", None, false)]);
    assert!(matches!(bad, Err(StoreError::Invalid(_))));
}

#[test]
fn jobs_are_due_in_order_until_done() {
    let store = store();
    let job = |n: u128, due: i64| Job {
        id: id(n),
        kind: "mail".into(),
        due: at(due),
        payload: vec![n as u8],
        attempts: 0,
        created_at: at(0),
        last_error: None,
    };
    let ops = [(1, 30), (2, 10), (3, 20), (4, 99)].map(|(n, due)| Op::Job { job: job(n, due) });
    store.write(0, ops.into()).unwrap();
    let due = |seconds| {
        let jobs = store.snapshot().unwrap().jobs_due(at(seconds), 9).unwrap();
        jobs.iter().map(|j| j.id.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!((due(9), due(10), due(30)), (vec![], vec![2], vec![2, 3, 1]));
    let later = Job { attempts: 1, last_error: Some("busy".into()), ..job(2, 40) };
    store
        .write(0, vec![Op::Job { job: later.clone() }, Op::JobDone { id: id(3) }, Op::JobDone { id: id(50) }])
        .unwrap();
    assert_eq!((due(30), due(40)), (vec![1], vec![1, 2]));
    assert_eq!(store.snapshot().unwrap().job(id(2)).unwrap(), Some(later));
    assert_eq!(store.snapshot().unwrap().jobs(9).unwrap().len(), 3);
    assert_sound(&store);
}

#[test]
fn many_writers_share_commits_and_none_is_lost() {
    let store = store();
    let object = Arc::new(aplomb_testkit::contact());
    std::thread::scope(|scope| {
        for writer in 0..16u128 {
            let (store, object) = (&store, &object);
            scope.spawn(move || {
                for n in 0..25u128 {
                    let record: Record = contact(writer * 1000 + n + 1, n as i64).text(4, "x").build();
                    store.write(0, vec![put(record, None, object)]).unwrap();
                }
            });
        }
    });
    let stats = store.stats();
    assert_eq!((stats.seq, stats.batches), (400, 400));
    assert!(stats.commits < 400, "{stats:?}");
    assert_eq!(store.snapshot().unwrap().count(CONTACT).unwrap(), 400);
    assert_sound(&store);
}

#[test]
fn followers_wait_and_closing_wakes_them() {
    let store = store();
    assert_eq!(store.wait_past(0, Duration::from_millis(1)), 0);
    let other = store.clone();
    let waiting = std::thread::spawn(move || other.wait_past(0, Duration::from_secs(20)));
    let object = Arc::new(aplomb_testkit::contact());
    store.write(0, vec![put(contact(1, 0).build(), None, &object)]).unwrap();
    assert_eq!(waiting.join().unwrap(), 1);
    let other = store.clone();
    let waiting = std::thread::spawn(move || other.wait_past(1, Duration::from_secs(20)));
    let handle = store.clone();
    store.close();
    assert_eq!(waiting.join().unwrap(), 1);
    assert_eq!(handle.write(0, vec![]).unwrap_err(), StoreError::Closed);
    assert_eq!(handle.snapshot().err(), Some(StoreError::Closed));
}

#[test]
fn an_index_is_built_when_a_field_becomes_indexed_and_dropped_when_not() {
    let store = store();
    let mut object = aplomb_testkit::contact();
    let put_all = |ops: &Arc<Object>| {
        let records = (1..=30u128).map(|n| put(contact(n, 0).text(4, &format!("T{}", n % 3)).build(), None, ops));
        store.write(0, records.collect()).unwrap();
    };
    put_all(&Arc::new(object.clone()));
    let find = || store.snapshot().unwrap().find(CONTACT, FieldCode(4), &text("t1"), 99).unwrap().len();
    assert_eq!(find(), 0);
    object.fields[3].indexed = true;
    store.declare(&aplomb_model::Schema::new(2, [object.clone()])).unwrap();
    assert_eq!(find(), 10);
    let old = store.snapshot().unwrap().get(CONTACT, id(1)).unwrap().unwrap();
    let new = RecordBuilder::from(&old, at(1)).text(4, "T2").build();
    let stale_declaration = Arc::new(aplomb_testkit::contact());
    store.write(1, vec![put(new, Some(&old), &stale_declaration)]).unwrap();
    assert_eq!(find(), 9, "indexes in force are kept whatever the writer knows");
    assert_sound(&store);
    object.fields[3].indexed = false;
    store.declare(&aplomb_model::Schema::new(3, [object])).unwrap();
    assert_eq!(find(), 0);
    assert_sound(&store);
}
