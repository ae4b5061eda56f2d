//! As of a time, at a version, history, erased personal data.

use std::sync::Arc;

use aplomb_model::{FieldCode, Value};
use aplomb_testkit::{CONTACT, RecordBuilder};

use super::*;
use crate::ChangeKind;

/// Created at 0, changed at 10 and 20, trashed at 30, restored at 40.
fn lived_through(store: &Store, object: &Arc<Object>) -> Vec<Record> {
    let one = contact(1, 0).name(1, "Ada", "Byron").text(4, "Miss").number(5, 1.0).build();
    let two = RecordBuilder::from(&one, at(10)).name(1, "Ada", "Lovelace").text(4, "Countess").build();
    let three = RecordBuilder::from(&two, at(20)).clear(4).texts(2, &["ada@x.org"]).build();
    let four = RecordBuilder::from(&three, at(30)).trashed(Some(at(30))).build();
    let five = RecordBuilder::from(&four, at(40)).trashed(None).build();
    let states = vec![one, two, three, four, five];
    for (n, state) in states.iter().enumerate() {
        let before = n.checked_sub(1).map(|b| &states[b]);
        store.write(n as i64 * 10, vec![put(state.clone(), before, object)]).unwrap();
    }
    states
}

#[test]
fn a_record_is_read_as_it_was() {
    let store = store();
    let object = Arc::new(aplomb_testkit::contact());
    let states = lived_through(&store, &object);
    let view = store.snapshot().unwrap();
    for (version, state) in (1..).zip(&states) {
        assert_eq!(view.at_version(CONTACT, id(1), version).unwrap().as_ref(), Some(state));
    }
    assert_eq!(view.at_version(CONTACT, id(1), 0).unwrap(), None);
    assert_eq!(view.at_version(CONTACT, id(1), 6).unwrap(), None);
    for (seconds, expect) in
        [(-1, None), (0, Some(0)), (9, Some(0)), (10, Some(1)), (29, Some(2)), (35, Some(3)), (99, Some(4))]
    {
        let found = view.as_of(CONTACT, id(1), at(seconds)).unwrap();
        assert_eq!(found.as_ref(), expect.map(|n: usize| &states[n]), "{seconds}");
    }
}

#[test]
fn a_list_is_read_as_it_was() {
    let store = store();
    let object = Arc::new(aplomb_testkit::contact());
    lived_through(&store, &object);
    let others: Vec<_> = (2..=200u128).map(|n| put(contact(n, 15).build(), None, &object)).collect();
    store.write(15, others).unwrap();
    let view = store.snapshot().unwrap();
    for (seconds, count) in [(-5, 0), (0, 1), (12, 1), (15, 200), (35, 199), (50, 200)] {
        let mut after = None;
        let mut found = 0;
        loop {
            let page = view.as_of_scan(CONTACT, at(seconds), after, 70).unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            found += page.len();
        }
        assert_eq!(found, count, "{seconds}");
    }
}

#[test]
fn history_tells_before_and_after_and_pages() {
    let store = store();
    let object = Arc::new(aplomb_testkit::contact());
    let states = lived_through(&store, &object);
    let view = store.snapshot().unwrap();
    let history = view.history(CONTACT, id(1), None, 99).unwrap();
    use ChangeKind::*;
    let kinds: Vec<_> = history.iter().map(|h| (h.version, h.kind)).collect();
    assert_eq!(kinds, [(5, Restored), (4, Trashed), (3, Updated), (2, Updated), (1, Created)]);
    let text = |s: &str| Some(Value::Text(s.into()));
    assert_eq!(history[3].changes[1], (FieldCode(4), text("Miss"), text("Countess")));
    assert_eq!(history[3].changes[0].1.as_ref(), states[0].get(FieldCode(1)), "a personal value is opened");
    assert_eq!(history[2].changes[1], (FieldCode(4), text("Countess"), None));
    assert_eq!(history[4].changes.len(), 3, "a creation tells all fields");
    assert!(history.iter().all(|h| !h.erased && h.actor == id(900) && h.reason.kind == "test"));
    let first = view.history(CONTACT, id(1), None, 2).unwrap();
    let rest = view.history(CONTACT, id(1), Some(first[1].seq), 99).unwrap();
    assert_eq!([first, rest].concat(), history);
    let fields: Vec<_> = view.changes(1, 1).unwrap()[0].items[0].fields.iter().map(|f| f.0).collect();
    assert_eq!(fields, [1, 4]);
}

#[test]
fn personal_values_are_sealed_in_the_log_and_erased_by_purging() {
    let disk = Disk::new();
    // In the clear, so that the bytes can be looked at.
    let engine = RedbEngine::open(Box::new(disk.clone()), options()).unwrap();
    let store = Store::open_on(Arc::new(engine), &key()).unwrap();
    let object = Arc::new(aplomb_testkit::contact());
    let one = contact(1, 0).name(1, "Canary", "One").text(4, "plainvalue").build();
    let two = RecordBuilder::from(&one, at(1)).name(1, "Parrot", "Two").text(4, "othervalue").build();
    store.write(0, vec![put(one.clone(), None, &object)]).unwrap();
    store.write(1, vec![put(two.clone(), Some(&one), &object)]).unwrap();
    let log = |seq| {
        let engine = RedbEngine::open(Box::new(Disk::of_image(disk.image())), options()).unwrap();
        crate::Engine::snapshot(&engine).unwrap().get(&crate::key::log(seq)).unwrap().unwrap()
    };
    let has = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
    let row = log(2);
    assert!(has(&row, "plainvalue") && has(&row, "othervalue"));
    assert!(!has(&row, "Canary") && !has(&row, "Parrot"));

    store.write(2, vec![Op::Purge { record: Arc::new(two), object: Arc::clone(&object) }]).unwrap();
    let view = store.snapshot().unwrap();
    let history = view.history(CONTACT, id(1), None, 9).unwrap();
    assert_eq!(
        history.iter().map(|h| h.kind).collect::<Vec<_>>(),
        [ChangeKind::Purged, ChangeKind::Updated, ChangeKind::Created]
    );
    assert!(history.iter().all(|h| h.erased));
    assert_eq!(history[1].changes.len(), 1, "what is not personal stays");
    assert_eq!(view.as_of(CONTACT, id(1), at(1)).unwrap(), None);
    assert_eq!(view.at_version(CONTACT, id(1), 1).unwrap(), None);
    drop(view);
    assert_sound(&store);
}
