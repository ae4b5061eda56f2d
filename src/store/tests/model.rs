//! Any sequence of writes, against a model that keeps every state of everything in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use aplomb_model::query::{Scalar, scalars};
use aplomb_model::{FieldCode, Value};
use aplomb_testkit::{CONTACT, RecordBuilder};
use proptest::prelude::*;

use super::*;
use crate::layout::Layout;

#[derive(Debug, Clone)]
enum Act {
    /// creates, or changes the live record of this number
    Write(u8, Vec<(u16, u8)>),
    Trash(u8),
    Restore(u8),
    Purge(u8),
}

fn act() -> impl Strategy<Value = Act> {
    let fields = prop::collection::vec((1u16..=8, 0u8..4), 0..4);
    prop_oneof![
        5 => (0u8..8, fields).prop_map(|(n, fields)| Act::Write(n, fields)),
        2 => (0u8..8).prop_map(Act::Trash),
        2 => (0u8..8).prop_map(Act::Restore),
        1 => (0u8..8).prop_map(Act::Purge),
    ]
}

/// Batches of acts on different records.
fn script() -> impl Strategy<Value = Vec<Vec<Act>>> {
    prop::collection::vec(prop::collection::vec(act(), 1..4), 1..14)
}

/// 0 clears; others are values of the field's type.
fn value(code: u16, n: u8) -> Option<Value> {
    if n == 0 {
        return None;
    }
    let build = RecordBuilder::new(CONTACT, id(0), at(0));
    let record = match code {
        1 => build.name(1, "Ann", &format!("L{n}")),
        2 => build.texts(2, &[&format!("e{n}@x.org")]),
        3 | 6 => build.link(code, aplomb_testkit::COMPANY, id(500 + u128::from(n))),
        5 => build.number(5, f64::from(n) - 2.0),
        8 => build.set(8, Value::Date(aplomb_model::Date::from_days(i32::from(n)).unwrap())),
        code => build.text(code, &format!("t{n}")),
    };
    record.build().get(FieldCode(code)).cloned()
}

#[derive(Default)]
struct Model {
    records: BTreeMap<Id, Record>,
    /// (when, states of all that were live)
    past: Vec<(i64, Vec<Record>)>,
    versions: BTreeMap<(Id, u32), Record>,
}

impl Model {
    fn ops(&self, acts: &[Act], seconds: i64, object: &Arc<Object>) -> Vec<Op> {
        let mut touched = std::collections::BTreeSet::new();
        let mut ops = vec![];
        for act in acts {
            let (Act::Write(n, _) | Act::Trash(n) | Act::Restore(n) | Act::Purge(n)) = act;
            let record_id = id(u128::from(*n) + 1);
            if !touched.insert(record_id) {
                continue;
            }
            let before = self.records.get(&record_id);
            let next = match (act, before) {
                (Act::Write(_, fields), before) if before.is_none_or(|b| b.trashed_at.is_none()) => {
                    let start = match before {
                        Some(b) => RecordBuilder::from(b, at(seconds)),
                        None => RecordBuilder::new(CONTACT, record_id, at(seconds)),
                    };
                    fields.iter().fold(start, |record, (code, n)| match value(*code, *n) {
                        Some(v) => record.set(*code, v),
                        None => record.clear(*code),
                    })
                }
                (Act::Trash(_), Some(b)) if b.trashed_at.is_none() => {
                    RecordBuilder::from(b, at(seconds)).trashed(Some(at(seconds)))
                }
                (Act::Restore(_), Some(b)) if b.trashed_at.is_some() => {
                    RecordBuilder::from(b, at(seconds)).trashed(None)
                }
                (Act::Purge(_), Some(b)) => {
                    ops.push(Op::Purge { record: Arc::new(b.clone()), object: Arc::clone(object) });
                    continue;
                }
                _ => continue,
            };
            ops.push(put(next.build(), before, object));
        }
        ops
    }

    /// Applies what was committed; tells whether it may be.
    fn accepts(&self, ops: &[Op]) -> bool {
        let mut records = self.records.clone();
        ops.iter().for_each(|op| apply(&mut records, op));
        let mut emails = std::collections::BTreeSet::new();
        let live = records.values().filter(|r| r.trashed_at.is_none());
        live.filter_map(|r| r.get(FieldCode(2))).all(|email| emails.insert(email.text()))
    }

    fn commit(&mut self, ops: &[Op], seconds: i64) {
        ops.iter().for_each(|op| apply(&mut self.records, op));
        for op in ops {
            match op {
                Op::Put { record, .. } => {
                    self.versions.insert((record.id, record.version), record.clone());
                }
                Op::Purge { record, .. } => {
                    self.versions.retain(|(id, _), _| *id != record.id);
                    self.past.iter_mut().for_each(|(_, live)| live.retain(|r| r.id != record.id));
                }
                _ => {}
            }
        }
        self.past.push((seconds, self.live()));
    }

    fn live(&self) -> Vec<Record> {
        self.records.values().filter(|r| r.trashed_at.is_none()).cloned().collect()
    }

    fn compare(&self, store: &Store, object: &Object) -> Result<(), TestCaseError> {
        let view = store.snapshot().unwrap();
        let live = self.live();
        prop_assert_eq!(&view.scan(CONTACT, None, false, 99).unwrap(), &live);
        prop_assert_eq!(view.count(CONTACT).unwrap(), live.len() as u64);
        let mut binned: Vec<_> = self.records.values().filter(|r| r.trashed_at.is_some()).cloned().collect();
        binned.sort_by_key(|r| (r.trashed_at, r.id));
        prop_assert_eq!(view.trash(CONTACT, None, 99).unwrap(), binned);
        for (code, indexed) in &Layout::of(object).fields {
            let mut expected: Vec<(Scalar, Id)> = vec![];
            for record in &live {
                let values = record.get(*code).map(|v| scalars(v, None, indexed.kind)).unwrap_or_default();
                expected.extend(values.into_iter().map(|s| (s, record.id)));
            }
            expected.sort_by(|(a, x), (b, y)| a.order(b).then(x.cmp(y)));
            let found = view.scan_index(CONTACT, *code, crate::IndexRange::all(), false, None, 99).unwrap();
            let ids: Vec<_> = found.iter().map(|(_, id)| *id).collect();
            prop_assert_eq!(ids, expected.iter().map(|(_, id)| *id).collect::<Vec<_>>());
        }
        for target in (501..504).map(id) {
            let refers = |r: &Record, code: u16| r.get(FieldCode(code)).is_some_and(|v| v.links()[0].id == target);
            let expected = [3, 6].into_iter().flat_map(|code| {
                live.iter().filter(move |r| refers(r, code)).map(move |r| (CONTACT, FieldCode(code), r.id))
            });
            prop_assert_eq!(view.referrers(target, 99, None).unwrap(), expected.collect::<Vec<_>>());
        }
        for ((id, version), record) in &self.versions {
            prop_assert_eq!(&view.at_version(CONTACT, *id, *version).unwrap().unwrap(), record);
        }
        for (seconds, live) in &self.past {
            prop_assert_eq!(&view.as_of_scan(CONTACT, at(*seconds), None, 99).unwrap(), live);
        }
        drop(view);
        prop_assert_eq!(store.verify(&|_| {}).unwrap().problems, Vec::<String>::new());
        Ok(())
    }
}

fn apply(records: &mut BTreeMap<Id, Record>, op: &Op) {
    match op {
        Op::Put { record, .. } => {
            records.insert(record.id, record.clone());
        }
        Op::Purge { record, .. } => {
            records.remove(&record.id);
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_store_does_what_the_model_does(script in script()) {
        let store = store();
        let object = Arc::new(aplomb_testkit::contact());
        let mut model = Model::default();
        // A purged id is never used again, and here numbers are ids.
        for (n, acts) in script.iter().enumerate() {
            let seconds = n as i64 * 10;
            let ops = model.ops(acts, seconds, &object);
            if ops.is_empty() {
                continue;
            }
            let committed = store.write(seconds, ops.clone());
            prop_assert_eq!(committed.is_ok(), model.accepts(&ops), "{:?}", committed);
            if committed.is_ok() {
                model.commit(&ops, seconds);
            }
        }
        model.compare(&store, &object)?;
    }
}
