use std::collections::BTreeSet;

use aplomb_model::query::{Kind, Pred, SortKey};
use aplomb_model::schema::FieldType;
use aplomb_model::value::Link;
use aplomb_model::{FieldCode, Id, Record, Timestamp, Value};
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

/// A page from an offset is the one that walking there by cursors comes to, and goes on as that one does.
#[test]
fn jumping_comes_to_the_same_pages_as_walking() {
    let mut runner =
        TestRunner::new(Config { cases: 12, max_shrink_iters: 100, failure_persistence: None, ..Config::default() });
    let seen_by = || prop_oneof![2 => Just(Pred::Const(true)), 1 => pred()];
    let words = prop::sample::select(vec![None, None, Some("anna".to_owned()), Some("mull a".to_owned())]);
    let removed = prop::collection::vec(0usize..60, 0..8);
    let case =
        (people(60), all_firms(), prop::collection::vec(sort(), 4), seen_by(), seen_by(), words, removed, 1usize..9);
    let result = runner.run(&case, |(people, firms, mut sorts, pred, rights, text, removed, limit)| {
        let dir = tempfile::tempdir().unwrap();
        let (index, _) = open(dir.path());
        fill(&index, &people, 3);
        fill(&index, &firms, 2);
        let gone =
            removed.iter().filter_map(|at| people.get(*at)).map(|r| Doc::Remove(r.id, PERSON)).collect::<Vec<_>>();
        index.apply(&gone, index.seq() + 1, true).unwrap();
        for descending in [false, true] {
            sorts.push(vec![SortKey { path: over_firm(1, Kind::Text, 1), descending }]);
        }
        for sort in &sorts {
            let page = |offset, limit, cursor| {
                let q = ListQuery {
                    rights: rights.clone(),
                    text: text.clone(),
                    offset,
                    ..list(&pred, sort, limit, cursor)
                };
                index.list(&q).unwrap()
            };
            let (mut walked, mut cursor) = (vec![], None);
            loop {
                let page = page(0, limit, cursor);
                walked.extend(page.ids);
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            for at in 0..walked.len() + 2 {
                let jumped = page(at as u64, limit, None);
                let rest = &walked[at.min(walked.len())..];
                prop_assert_eq!(&jumped.ids[..], &rest[..limit.min(rest.len())], "{:?} from {}", sort, at);
                prop_assert_eq!(jumped.next.is_some(), rest.len() > limit);
                if let Some(next) = jumped.next {
                    let rest = &rest[limit..];
                    prop_assert_eq!(&page(0, limit, Some(next)).ids[..], &rest[..limit.min(rest.len())]);
                }
            }
        }
        Ok(())
    });
    if let Err(e) = result {
        panic!("{e}");
    }
}

/// What is kept of a path does not outlive the records it leads to.
#[test]
fn an_order_over_references_follows_what_they_lead_to() {
    let dir = tempfile::tempdir().unwrap();
    let (index, _) = open(dir.path());
    let id = |object: u128, n: u128| Id::from_u128(object << 100 | n << 64 | n);
    let record = |object, n: u128, code: u16, value: Value| Record {
        object,
        id: id(u128::from(object.0), n),
        version: 1,
        created_at: Timestamp::from_micros(0),
        created_by: Id::NIL,
        updated_at: Timestamp::from_micros(0),
        updated_by: Id::NIL,
        trashed_at: None,
        fields: [(FieldCode(code), value)].into_iter().collect(),
    };
    let firm = |n, name: &str| record(FIRM, n, 1, Value::Text(name.into()));
    let person = |n| record(PERSON, n, FIRM_REF.0, Value::Ref(Link { object: FIRM, id: id(2, n) }));
    let order = vec![SortKey { path: over_firm(1, Kind::Text, 1), descending: false }];
    let first = |offset| {
        let q = ListQuery { offset, ..list(&Pred::Const(true), &order, 1, None) };
        index.list(&q).unwrap().ids[0]
    };
    fill(&index, &[firm(1, "alpha"), firm(2, "beta"), person(1), person(2)], 1);
    assert_eq!((first(0), first(1)), (id(1, 1), id(1, 2)));
    index.apply(&[put(&firm(1, "gamma"))], index.seq() + 1, true).unwrap();
    assert_eq!((first(0), first(1)), (id(1, 2), id(1, 1)));
    index.apply(&[Doc::Remove(id(2, 2), FIRM)], index.seq() + 1, true).unwrap();
    assert_eq!((first(0), first(1)), (id(1, 1), id(1, 2)));
}
