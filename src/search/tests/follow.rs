use std::collections::BTreeMap;
use std::time::Duration;

use aplomb_model::query::{Pred, SortKey};
use aplomb_model::{FieldCode, Timestamp, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::world::*;
use crate::*;

fn some_people(count: usize) -> Vec<aplomb_model::Record> {
    people(count).new_tree(&mut TestRunner::deterministic()).unwrap().current()
}

fn all(index: &Index) -> Vec<aplomb_model::Id> {
    index.list(&list(&Pred::Const(true), &[], 1000, None)).unwrap().ids
}

#[test]
fn an_index_opens_at_its_last_commit() {
    let dir = tempfile::tempdir().unwrap();
    let people = some_people(40);
    {
        let (index, opened) = open(dir.path());
        assert_eq!(opened, Opened::Rebuild);
        fill(&index, &people[..10], 1);
        let uncommitted: Vec<Doc> = people[10..].iter().map(put).collect();
        index.apply(&uncommitted, 99, false).unwrap();
        assert_eq!(all(&index).len(), 10);
    }
    let (index, opened) = open(dir.path());
    assert_eq!(opened, Opened::Ready { seq: 1 });
    assert_eq!(all(&index).len(), 10);
    assert!(index.verify().unwrap() > 0);
    let again: Vec<Doc> = people.iter().map(put).collect();
    index.apply(&again, 2, true).unwrap();
    assert_eq!(all(&index).len(), people.len());
    assert!(index.wait_for(2, Duration::ZERO));
    assert!(!index.wait_for(3, Duration::from_millis(5)));
}

#[test]
fn damaged_or_missing_files_mean_a_rebuild() {
    for damage in ["remove", "alter", "state"] {
        let dir = tempfile::tempdir().unwrap();
        fill(&open(dir.path()).0, &some_people(20), 1);
        let files: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|f| f.unwrap().path()).collect();
        let of = |end: &str| files.iter().find(|f| f.to_string_lossy().ends_with(end)).unwrap().clone();
        match damage {
            "remove" => std::fs::remove_file(of(".fast")).unwrap(),
            "alter" => {
                let meta = of("meta.json");
                let mut bytes = std::fs::read(&meta).unwrap();
                let at = bytes.len() - 3;
                bytes[at] ^= 1;
                std::fs::write(&meta, bytes).unwrap();
            }
            _ => std::fs::remove_file(of("state")).unwrap(),
        }
        let (index, opened) = open(dir.path());
        assert_eq!(opened, Opened::Rebuild, "{damage}");
        assert_eq!(index.seq(), 0);
        assert!(all(&index).is_empty());
        fill(&index, &some_people(20), 1);
        assert_eq!(all(&index).len(), some_people(20).len(), "{damage}");
    }
}

/// Whatever happens to a file, answers are right or an error that says the files are damaged; `verify` tells, and an
/// index that is built anew is right again.
#[test]
fn no_damage_gives_a_wrong_answer() {
    let people = some_people(60);
    let made = tempfile::tempdir().unwrap();
    fill(&open(made.path()).0, &people, 2);
    let names: Vec<_> = std::fs::read_dir(made.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    let kinds: std::collections::BTreeSet<String> =
        names.iter().map(|n| n.to_string_lossy().rsplit('.').next().unwrap().to_owned()).collect();
    assert!(kinds.len() >= 5, "{kinds:?}");
    let expect = World::new(&[&people]).expect(&Pred::Const(true), &[]);
    for kind in &kinds {
        for damage in ["remove", "truncate", "first", "middle", "last"] {
            let dir = tempfile::tempdir().unwrap();
            for name in &names {
                std::fs::copy(made.path().join(name), dir.path().join(name)).unwrap();
            }
            let file = names.iter().find(|n| n.to_string_lossy().ends_with(kind.as_str())).unwrap();
            let file = dir.path().join(file);
            let mut bytes = std::fs::read(&file).unwrap();
            let (last, middle) = (bytes.len() - 1, bytes.len() / 2);
            match damage {
                "remove" => std::fs::remove_file(&file).unwrap(),
                "truncate" => std::fs::write(&file, &bytes[..middle]).unwrap(),
                at => {
                    bytes[match at {
                        "first" => 0,
                        "middle" => middle,
                        _ => last,
                    }] ^= 1;
                    std::fs::write(&file, bytes).unwrap();
                }
            }
            let (index, opened) = open(dir.path());
            let context = format!("{kind} {damage} {opened:?}");
            if opened != Opened::Rebuild {
                assert!(index.verify().is_err(), "{context}");
                match index.list(&list(&Pred::Const(true), &[], 1000, None)) {
                    Ok(page) => assert_eq!(page.ids, expect, "{context}"),
                    Err(e) => assert!(e.is_damage(), "{context}: {e}"),
                }
                index.clear().unwrap();
            }
            fill(&index, &people, 1);
            assert_eq!(all(&index), expect, "{context}");
            assert!(index.verify().is_ok(), "{context}");
        }
    }
}

#[test]
fn a_changed_field_means_a_rebuild_a_new_one_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let (index, _) = open(dir.path());
    fill(&index, &some_people(20), 1);
    let with = |change: &dyn Fn(&mut aplomb_model::Object)| {
        let objects = schema().objects().map(|o| aplomb_model::Object::clone(o)).collect::<Vec<_>>();
        aplomb_model::Schema::new(
            2,
            objects.into_iter().map(|mut o| {
                change(&mut o);
                o
            }),
        )
    };
    let added = with(&|o| {
        let mut field = o.fields[0].clone();
        field.code = FieldCode(1000);
        o.fields.push(field);
    });
    assert!(!index.set_schema(added));
    assert!(index.set_schema(with(&|o| o.fields[0].search = 1)));
}

/// Puts, replacements, trash and removals in any order leave exactly the records that are left.
#[test]
fn changes_leave_what_is_left() {
    let mut runner = TestRunner::deterministic();
    let steps = prop::collection::vec((0usize..25, 0u8..5, prop::bool::ANY), 200);
    let (people, steps) = (people(40), steps).new_tree(&mut runner).unwrap().current();
    let dir = tempfile::tempdir().unwrap();
    let (index, _) = open(dir.path());
    let mut left = BTreeMap::new();
    for (n, (at, what, commit)) in steps.into_iter().enumerate() {
        let Some(record) = people.get(at) else { continue };
        let mut record = record.clone();
        let doc = match what {
            0 => {
                left.remove(&record.id);
                Doc::Remove(record.id, PERSON)
            }
            1 => {
                left.remove(&record.id);
                record.trashed_at = Some(Timestamp::from_micros(1));
                put(&record)
            }
            _ => {
                record.fields.set(FieldCode(2), Some(Value::Text(format!("n{n}"))));
                left.insert(record.id, record.clone());
                put(&record)
            }
        };
        index.apply(&[doc], n as u64 + 1, commit).unwrap();
        if commit {
            let world = World(left.clone());
            assert_eq!(all(&index), world.expect(&Pred::Const(true), &[]));
            for path in paths() {
                let sort = [SortKey { path, descending: n % 2 == 0 }];
                let page = index.list(&list(&Pred::Const(true), &sort, 1000, None)).unwrap();
                assert_eq!(page.ids, world.expect(&Pred::Const(true), &sort), "step {n}, {sort:?}");
            }
        }
    }
    assert_eq!(index.stats().documents, all(&index).len() as u64);
    index.clear().unwrap();
    assert!(all(&index).is_empty());
}

#[test]
fn merged_segments_are_shown_while_nothing_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (index, _) = open(dir.path());
    let people = some_people(60);
    fill(&index, &people, 5);
    let expect = all(&index);
    for _ in 0..200 {
        index.refresh().unwrap();
        if index.stats().segments == 1 {
            assert_eq!(all(&index), expect);
            return;
        }
        assert!(!index.wait_for(u64::MAX, Duration::from_millis(10)));
    }
    panic!("{} segments are still shown", index.stats().segments);
}
