use std::collections::BTreeMap;

use aplomb_model::query::{AggregateOp, Bucket, Kind, Part, Pred, Scalar};
use aplomb_model::schema::FieldType;
use aplomb_model::{Currency, Date, FieldCode, Id, Money, Record, Timestamp, Value};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::world::*;
use crate::*;

fn query(
    group_by: Vec<(aplomb_model::query::Path, Option<Bucket>)>,
    aggregates: Vec<(AggregateOp, Option<aplomb_model::query::Path>, Vec<f64>)>,
) -> AggregateQuery {
    AggregateQuery {
        object: PERSON,
        pred: Pred::Const(true),
        rights: Pred::Const(true),
        text: None,
        group_by,
        aggregates,
        limit: 1000,
        zone_offset: 0,
    }
}

#[test]
fn sums_per_group_are_those_of_the_records() {
    let mut runner = TestRunner::new(Config { cases: 15, max_shrink_iters: 100, ..Config::default() });
    let result = runner.run(&(people(40), pred(), all_firms()), |(people, pred, firms)| {
        let dir = tempfile::tempdir().unwrap();
        let (index, _) = open(dir.path());
        fill(&index, &people, 3);
        fill(&index, &firms, 1);
        let world = World::new(&[&people, &firms]);
        let amount = path(5, None, Kind::Int, FieldType::Money);
        for stage in [path(8, None, Kind::Key, FieldType::Choice), path(10, None, Kind::Key, FieldType::MultiChoice)] {
            let email = path(2, None, Kind::Text, FieldType::Email);
            let mut q = query(
                vec![(stage.clone(), None)],
                vec![
                    (AggregateOp::Sum, Some(amount.clone()), vec![]),
                    (AggregateOp::Max, Some(amount.clone()), vec![]),
                    (AggregateOp::Distinct, Some(email.clone()), vec![]),
                    (AggregateOp::Min, Some(email.clone()), vec![]),
                ],
            );
            q.pred = pred.clone();
            let mut expect: BTreeMap<Option<String>, Vec<&Record>> = BTreeMap::new();
            for id in world.expect(&pred, &[]) {
                let record = &world.0[&id];
                let mut keys: Vec<Option<String>> = stage.own_scalars(record).iter().map(layout_text).collect();
                keys.sort();
                keys.dedup();
                if keys.is_empty() {
                    keys.push(None);
                }
                keys.into_iter().for_each(|k| expect.entry(k).or_default().push(record));
            }
            let groups = index.aggregate(&q).unwrap();
            prop_assert_eq!(groups.len(), expect.len());
            for group in &groups {
                let records = &expect[&group.key[0].as_ref().and_then(layout_text)];
                let amounts: Vec<i64> = records
                    .iter()
                    .filter_map(|r| match r.get(FieldCode(5)) {
                        Some(Value::Money(m)) => Some(m.minor),
                        _ => None,
                    })
                    .collect();
                let mut emails: Vec<String> = records
                    .iter()
                    .flat_map(|r| email.own_scalars(r))
                    .filter_map(|s| match s {
                        Scalar::Text(t) => Some(t),
                        _ => None,
                    })
                    .collect();
                emails.sort();
                emails.dedup();
                let some = |n: Option<i64>| n.map_or(AggValue::None, AggValue::Int);
                prop_assert_eq!(group.count, records.len() as u64);
                prop_assert_eq!(&group.values[0], &some((!amounts.is_empty()).then(|| amounts.iter().sum())));
                prop_assert_eq!(&group.values[1], &some(amounts.iter().max().copied()));
                prop_assert_eq!(&group.values[2], &AggValue::Int(emails.len() as i64));
                let least = emails.first().map_or(AggValue::None, |e| AggValue::Scalar(Scalar::Text(e.clone())));
                prop_assert_eq!(&group.values[3], &least);
            }
        }
        Ok(())
    });
    if let Err(e) = result {
        panic!("{e}");
    }
}

/// The values at the end of a path, as reading the records gives them.
fn reached(world: &World, record: &Record, path: &aplomb_model::query::Path) -> Vec<Scalar> {
    let mut records = vec![record];
    for (field, _) in &path.steps {
        let links = records.iter().filter_map(|r| r.get(*field)).flat_map(|v| v.links());
        records = links.filter_map(|link| world.0.get(&link.id)).collect();
    }
    records.into_iter().flat_map(|r| path.own_scalars(r)).collect()
}

#[test]
fn figures_and_orders_over_references_are_those_of_the_records() {
    let mut runner = TestRunner::new(Config { cases: 15, max_shrink_iters: 100, ..Config::default() });
    let result = runner.run(&(people(40), all_firms()), |(people, firms)| {
        let dir = tempfile::tempdir().unwrap();
        let (index, _) = open(dir.path());
        fill(&index, &people, 3);
        fill(&index, &firms, 2);
        let world = World::new(&[&people, &firms]);
        for path in [over_firm(8, Kind::Key, 1), over_firm(8, Kind::Key, 2), over_firm(1, Kind::Text, 1)] {
            let measured = vec![(AggregateOp::Count, Some(path.clone()), vec![])];
            let groups = index.aggregate(&query(vec![(path.clone(), None)], measured)).unwrap();
            let mut expect: BTreeMap<Option<String>, (u64, i64)> = BTreeMap::new();
            for person in &people {
                let found = reached(&world, person, &path);
                let mut keys: Vec<Option<String>> = found.iter().map(any_text).collect();
                keys.sort();
                keys.dedup();
                if keys.is_empty() {
                    keys.push(None);
                }
                for key in keys {
                    let entry = expect.entry(key).or_default();
                    *entry = (entry.0 + 1, entry.1 + found.len() as i64);
                }
            }
            let got: BTreeMap<_, _> = groups
                .iter()
                .map(|g| {
                    let AggValue::Int(values) = g.values[0] else { panic!("{:?}", g.values) };
                    (g.key[0].as_ref().and_then(any_text), (g.count, values))
                })
                .collect();
            prop_assert_eq!(got, expect, "{:?}", path);
            for descending in [false, true] {
                let sort = [aplomb_model::query::SortKey { path: path.clone(), descending }];
                let first = |r: &Record| reached(&world, r, &path).first().and_then(any_text);
                let mut rows: Vec<&Record> = people.iter().collect();
                rows.sort_by(|a, b| {
                    let (x, y) = (first(a), first(b));
                    let missing = x.is_none().cmp(&y.is_none());
                    let value = if descending { y.cmp(&x) } else { x.cmp(&y) };
                    let id = if descending { b.id.cmp(&a.id) } else { a.id.cmp(&b.id) };
                    missing.then(value).then(id)
                });
                let expect: Vec<Id> = rows.into_iter().map(|r| r.id).collect();
                let (mut seen, mut cursor) = (vec![], None);
                loop {
                    let page = index.list(&list(&Pred::Const(true), &sort, 3, cursor)).unwrap();
                    seen.extend(page.ids);
                    cursor = page.next;
                    if cursor.is_none() {
                        break;
                    }
                }
                prop_assert_eq!(seen, expect, "{:?}", sort);
            }
        }
        Ok(())
    });
    if let Err(e) = result {
        panic!("{e}");
    }
}

fn any_text(scalar: &Scalar) -> Option<String> {
    match scalar {
        Scalar::Key(text) | Scalar::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn layout_text(scalar: &Scalar) -> Option<String> {
    match scalar {
        Scalar::Key(k) => Some(k.clone()),
        _ => None,
    }
}

fn person(n: u128, fields: Vec<(u16, Value)>) -> Record {
    Record {
        object: PERSON,
        id: Id::from_u128(n << 64 | n),
        version: 1,
        created_at: Timestamp::from_micros(0),
        created_by: Id::NIL,
        updated_at: Timestamp::from_micros(0),
        updated_by: Id::NIL,
        trashed_at: None,
        fields: fields.into_iter().map(|(c, v)| (FieldCode(c), v)).collect(),
    }
}

#[test]
fn large_sums_are_exact_and_buckets_follow_the_zone() {
    let dir = tempfile::tempdir().unwrap();
    let (index, _) = open(dir.path());
    let money = |minor| Value::Money(Money::new(minor, Currency::EUR));
    let hour = 3_600_000_000;
    let time = |h: i64| Value::Time(Timestamp::from_micros(h * hour));
    let people = [
        person(1, vec![(5, money(9_007_199_254_740_993)), (7, time(1)), (4, Value::Number(1.0))]),
        person(2, vec![(5, money(2)), (7, time(22)), (4, Value::Number(2.0))]),
        person(3, vec![(5, money(-1)), (7, time(23)), (4, Value::Number(4.0))]),
        person(4, vec![(6, Value::Date(Date::new(2026, 2, 28).unwrap()))]),
    ];
    fill(&index, &people, 2);
    let amount = path(5, None, Kind::Int, FieldType::Money);
    let score = path(4, None, Kind::Number, FieldType::Number);
    let groups = index
        .aggregate(&query(
            vec![],
            vec![
                (AggregateOp::Count, None, vec![]),
                (AggregateOp::Sum, Some(amount), vec![]),
                (AggregateOp::Percentiles, Some(score.clone()), vec![50.0, 75.0, 100.0]),
                (AggregateOp::Avg, Some(score), vec![]),
            ],
        ))
        .unwrap();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].count, 4);
    assert_eq!(
        groups[0].values,
        [
            AggValue::Int(4),
            AggValue::Int(9_007_199_254_740_994),
            AggValue::List(vec![(50.0, 2.0), (75.0, 3.0), (100.0, 4.0)]),
            AggValue::Number(7.0 / 3.0),
        ]
    );
    let seen = path(7, None, Kind::Int, FieldType::DateTime);
    let by_day = AggregateQuery { zone_offset: 7200, ..query(vec![(seen, Some(Bucket::Day))], vec![]) };
    let days: Vec<_> = index.aggregate(&by_day).unwrap().into_iter().map(|g| (g.key[0].clone(), g.count)).collect();
    assert_eq!(days, [(Some(Scalar::Int(-2 * hour)), 1), (Some(Scalar::Int(22 * hour)), 2), (None, 1)]);
    let currency = path(5, Some(Part::Currency), Kind::Key, FieldType::Money);
    let both = query(vec![(currency, None), (path(6, None, Kind::Int, FieldType::Date), Some(Bucket::Month))], vec![]);
    let groups: Vec<_> = index.aggregate(&both).unwrap().into_iter().map(|g| (g.key, g.count)).collect();
    let february = i64::from(Date::new(2026, 2, 1).unwrap().days());
    assert_eq!(
        groups,
        [(vec![Some(Scalar::Key("EUR".into())), None], 3), (vec![None, Some(Scalar::Int(february))], 1)]
    );
    let empty = AggregateQuery { pred: Pred::Const(false), ..query(vec![], vec![(AggregateOp::Count, None, vec![])]) };
    assert_eq!(index.aggregate(&empty).unwrap()[0].values, [AggValue::Int(0)]);
}
