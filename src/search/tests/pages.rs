use std::collections::BTreeSet;

use aplomb_model::query::{Kind, Pred, SortKey};
use aplomb_model::schema::FieldType;
use aplomb_model::{FieldCode, Id, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use super::world::*;
use crate::*;

/// While rows are added, changed and removed between the pages, every row that stayed as it was is seen exactly
/// once, and in order.
#[test]
fn pages_stay_stable_while_documents_change() {
    let mut runner = TestRunner::new(Config { cases: 5, max_shrink_iters: 50, ..Config::default() });
    let case =
        (people(40), prop::collection::vec(sort(), 4), prop::collection::vec((0usize..40, 0u8..3), 0..12), 1usize..7);
    let result = runner.run(&case, |(people, sorts, changes, limit)| {
        for sort in &sorts {
            let dir = tempfile::tempdir().unwrap();
            let (index, _) = open(dir.path());
            fill(&index, &people, 2);
            let changed: BTreeSet<Id> = changes.iter().filter_map(|(at, _)| people.get(*at)).map(|r| r.id).collect();
            let (mut seen, mut cursor, mut changes) = (vec![], None, changes.iter());
            loop {
                let page = index.list(&list(&Pred::Const(true), sort, limit, cursor)).unwrap();
                seen.extend(page.ids);
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
                prop_assert!(seen.len() < 500, "pages never end: {:?}", sort);
                if let Some((at, what)) = changes.next()
                    && let Some(record) = people.get(*at)
                {
                    let mut record = record.clone();
                    record.fields.set(FieldCode(2), Some(Value::Text("changed".into())));
                    record.fields.set(FieldCode(4), None);
                    let doc = if *what == 0 { Doc::Remove(record.id, PERSON) } else { put(&record) };
                    index.apply(&[doc], index.seq() + 1, true).unwrap();
                }
            }
            let stayed: Vec<Id> = seen.into_iter().filter(|id| !changed.contains(id)).collect();
            let expect = World::new(&[&people]).expect(&Pred::Const(true), sort);
            let expect: Vec<Id> = expect.into_iter().filter(|id| !changed.contains(id)).collect();
            prop_assert_eq!(stayed, expect, "{:?}", sort);
        }
        Ok(())
    });
    if let Err(e) = result {
        panic!("{e}");
    }
}

#[test]
fn cursors_belong_to_their_query() {
    let dir = tempfile::tempdir().unwrap();
    let (index, _) = open(dir.path());
    let people = people(40).new_tree(&mut TestRunner::deterministic()).unwrap().current();
    fill(&index, &people, 1);
    let by_stage = vec![SortKey { path: path(8, None, Kind::Key, FieldType::Choice), descending: false }];
    let page = index.list(&list(&Pred::Const(true), &by_stage, 1, None)).unwrap();
    let cursor = page.next.unwrap();
    assert!(index.list(&list(&Pred::Const(true), &by_stage, 7, Some(cursor.clone()))).is_ok());
    for query in [
        list(&Pred::Const(true), &[], 1, Some(cursor.clone())),
        list(&Pred::Const(false), &by_stage, 1, Some(cursor.clone())),
        list(&Pred::Const(true), &by_stage, 1, Some(format!("{cursor}A"))),
        list(&Pred::Const(true), &by_stage, 1, Some("nonsense".into())),
    ] {
        assert!(matches!(index.list(&query), Err(SearchError::BadCursor)));
    }
}
