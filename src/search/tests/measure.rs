//! Figures, not checks: `cargo test -p aplomb-search --config profile.dev.package.aplomb-search.opt-level=3
//! measure -- --ignored --nocapture`, with `ROWS=1000000` for more rows.

#![expect(clippy::disallowed_methods, reason = "figures are taken with a clock")]

use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aplomb_model::query::{AggregateOp, Check, Kind, Path, Pred, Scalar, SortKey, Test};
use aplomb_model::schema::{FieldType, Object, system};
use aplomb_model::value::Link;
use aplomb_model::{Currency, Date, FieldCode, Id, Money, ObjectCode, PersonName, Record, Schema, Timestamp, Value};
use serde_json::json;

use crate::*;

const CONTACT: ObjectCode = ObjectCode(1);
const FIELDS: u16 = 50;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn word(&mut self, vocabulary: u64) -> String {
        let mut n = self.below(vocabulary) * 7919 + 104_729;
        let mut out = String::new();
        while n > 0 {
            out.push(b"bcdfglmnprstvz"[(n % 14) as usize] as char);
            out.push(b"aeiou"[(n / 14 % 5) as usize] as char);
            n /= 70;
        }
        out
    }
}

fn kind(code: u16) -> (&'static str, u8) {
    match code {
        1 => ("personName", 3),
        2 => ("email", 2),
        3 => ("phone", 1),
        4 => ("reference", 0),
        5 => ("money", 0),
        6 => ("reference", 0),
        7 => ("address", 1),
        8 => ("longText", 1),
        n => match n % 6 {
            0 => ("choice", 0),
            1 => ("date", 0),
            2 => ("number", 0),
            3 => ("text", 1),
            4 => ("yesNo", 0),
            _ => ("dateTime", 0),
        },
    }
}

fn schema(fields: u16) -> Schema {
    let field = |code: u16| {
        let (kind, search) = kind(code);
        let name = if code == 1 { "name".to_owned() } else { format!("f{code}") };
        json!({"code": code, "name": name, "label": name, "type": kind, "search": search})
    };
    let fields: Vec<_> = (1..=fields).map(field).collect();
    let object: Object = serde_json::from_value(
        json!({"code": 1, "name": "contact", "label": "c", "plural": "c", "title": "name", "fields": fields}),
    )
    .unwrap();
    Schema::new(1, [object])
}

fn record(n: u64, fields: u16, r: &mut Random) -> Record {
    let at = Timestamp::from_millis(1_700_000_000_000 + n as i64 * 50);
    let mut random = [0; 10];
    random[..8].copy_from_slice(&r.next().to_le_bytes());
    let firm =
        |r: &mut Random| Link { object: ObjectCode(2), id: Id::from_u128(u128::from(r.below(20_000)) << 64 | 5) };
    let mut list: Vec<(FieldCode, Value)> = Vec::new();
    let name = PersonName { first: r.word(3000), last: r.word(60_000) };
    for code in 1..=fields {
        if code > 8 && r.below(10) < 3 {
            continue;
        }
        let value = match kind(code).0 {
            "personName" => Value::Name(name.clone()),
            "email" => Value::Text(format!("{}.{}{}@{}.com", name.first, name.last, n % 1000, r.word(20_000))),
            "phone" => Value::Texts(vec![format!("+49 {} {}", r.below(900), r.below(10_000_000))]),
            "reference" => Value::Ref(if code == 6 {
                Link { object: ObjectCode(3), id: Id::from_u128(u128::from(r.below(50))) }
            } else {
                firm(r)
            }),
            "money" => Value::Money(Money::new(r.below(10_000_000) as i64, Currency::EUR)),
            "address" => Value::Address(aplomb_model::Address {
                street: format!("{} {}", r.word(5000), r.below(99)),
                city: r.word(2000),
                country: "DE".into(),
                postal_code: r.below(99_999).to_string(),
                region: String::new(),
            }),
            "longText" => Value::Text((0..12).map(|_| r.word(20_000)).collect::<Vec<_>>().join(" ")),
            "choice" => Value::Text(format!("choice{}", r.below(8))),
            "date" => Value::Date(Date::from_days(19_000 + r.below(2000) as i32).unwrap()),
            "number" => Value::Number(r.below(1000) as f64),
            "text" => Value::Text(format!("{} {}", r.word(3000), r.word(200))),
            "yesNo" => Value::Bool(r.below(2) == 0),
            _ => Value::Time(Timestamp::from_seconds(1_700_000_000 + r.below(30_000_000) as i64)),
        };
        list.push((FieldCode(code), value));
    }
    Record {
        object: CONTACT,
        id: Id::new(at, random),
        version: 1,
        created_at: at,
        created_by: Id::from_u128(1),
        updated_at: at,
        updated_by: Id::from_u128(1),
        trashed_at: None,
        fields: list.into_iter().collect(),
    }
}

fn path(code: u16) -> Path {
    let kind: FieldType = serde_json::from_value(json!(kind(code).0)).unwrap();
    Path { steps: vec![], field: FieldCode(code), part: None, kind: Kind::of(kind), field_type: Some(kind) }
}

fn test(code: u16, check: Check) -> Pred {
    Pred::Test(Test { path: path(code), check })
}

fn timed(name: &str, mut run: impl FnMut(u64) -> usize) {
    if std::env::var("ONLY").is_ok_and(|only| !name.contains(&only)) {
        return;
    }
    run(0);
    let mut times: Vec<Duration> = Vec::new();
    let mut found = 0;
    let rounds = std::env::var("ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(30);
    for n in 0..rounds {
        let start = Instant::now();
        found = run(n);
        times.push(start.elapsed());
    }
    times.sort();
    println!("{name:45} p50 {:>9.3?} p95 {:>9.3?}  ({found})", times[times.len() / 2], times[times.len() * 19 / 20]);
}

fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap_or("0").to_owned();
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0u64) / 1024
}

fn build(dir: &std::path::Path, rows: u64, fields: u16, threads: usize) -> Index {
    let key = aplomb_vault::DataKey::from_bytes(&[7; 32]).subkey("search");
    let options = Options { dir: dir.into(), key, cache_bytes: 256 << 20, writer_bytes: 64 << 20, threads };
    let (index, _) = Index::open(options, schema(fields)).unwrap();
    let mut r = Random(42);
    let mut spent = Duration::ZERO;
    let mut n = 0;
    while n < rows {
        let docs: Vec<Doc> = (n..rows.min(n + 5000))
            .map(|n| {
                let record = record(n, fields, &mut r);
                let title = record.get(FieldCode(1)).unwrap().text();
                Doc::Put(Arc::new(record), DocContext { title, ..DocContext::default() })
            })
            .collect();
        n += docs.len() as u64;
        let start = Instant::now();
        index.apply(&docs, n, n.is_multiple_of(50_000) || n == rows).unwrap();
        spent += start.elapsed();
    }
    let stats = index.stats();
    println!(
        "{rows} rows x {fields} fields, {threads} threads: {spent:.1?}, {} segments, {} bytes a row, {} MB",
        stats.segments,
        stats.bytes / rows,
        memory()
    );
    index
}

#[test]
#[ignore = "prints figures"]
fn measure() {
    let rows: u64 = std::env::var("ROWS").ok().and_then(|r| r.parse().ok()).unwrap_or(100_000);
    if std::env::var("ONLY").is_err() {
        let dir = tempfile::tempdir().unwrap();
        build(dir.path(), 100_000, 20, 1);
    }
    let dir = tempfile::tempdir().unwrap();
    let index = build(dir.path(), rows, FIELDS, 2);
    let list = |pred: Pred, sort: Vec<SortKey>| {
        let q = ListQuery {
            object: CONTACT,
            pred,
            rights: Pred::Const(true),
            text: None,
            sort,
            limit: 50,
            cursor: None,
            count_up_to: 10_000,
        };
        index.list(&q).unwrap().total.count as usize
    };
    let by = |code: u16, descending| vec![SortKey { path: path(code), descending }];
    timed("newest first", |_| list(Pred::Const(true), vec![]));
    let updated = Path {
        steps: vec![],
        field: system::UPDATED_AT,
        part: None,
        kind: Kind::Int,
        field_type: Some(FieldType::DateTime),
    };
    timed("by updatedAt descending", |_| {
        list(Pred::Const(true), vec![SortKey { path: updated.clone(), descending: true }])
    });
    timed("by name", |_| list(Pred::Const(true), by(1, false)));
    timed("by choice", |_| list(Pred::Const(true), by(12, false)));
    let two = |n: u64| {
        let choice = test(12, Check::Eq(Scalar::Key(format!("choice{}", n % 8))));
        choice.and(test(5, Check::Range(Bound::Included(Scalar::Int(2_000_000 + n as i64)), Bound::Unbounded)))
    };
    timed("two filters, by date", |n| list(two(n), by(13, true)));
    timed("two filters, by name", |n| list(two(n), by(1, false)));
    let owner =
        |n: u64| test(6, Check::In((0..5).map(|i| Scalar::Id(Id::from_u128(u128::from((n + i) % 50)))).collect()));
    timed("one of 5 owners, by name", |n| list(owner(n), by(1, false)));
    timed("e-mail contains", |n| list(test(2, Check::Contains(format!("ba{}", n % 10))), vec![]));
    timed("e-mail contains, again", |_| list(test(2, Check::Contains("ba1".into())), vec![]));
    timed("name starts with", |n| {
        list(test(1, Check::StartsWith(["ba", "le", "ni"][n as usize % 3].into())), by(1, false))
    });
    let text = |text: String| {
        let q = TextQuery {
            text,
            objects: vec![(CONTACT, Pred::Const(true))],
            limit: 20,
            cursor: None,
            count_up_to: 10_000,
        };
        index.text(&q).unwrap().total.count as usize
    };
    let mut r = Random(99);
    let names: Vec<(String, String)> = (0..31).map(|_| (r.word(3000), r.word(60_000))).collect();
    timed("search for a last name", |n| text(names[n as usize % 31].1.clone()));
    timed("search for a name", |n| text(format!("{} {}", names[n as usize % 31].0, names[n as usize % 31].1)));
    timed("search for a beginning", |n| text(names[n as usize % 31].1[..3].to_owned()));
    timed("search for a common word", |_| text("com".into()));
    timed("search with a typo", |n| {
        let mut name = names[n as usize % 31].1.clone();
        name.replace_range(2..3, "x");
        text(name)
    });
    timed("search with two typos", |n| {
        let mut name = names[n as usize % 31].1.clone();
        name.replace_range(2..3, "x");
        name.push('q');
        text(name)
    });
    let sums = |group: u16| {
        let aggregates = vec![(AggregateOp::Count, None, vec![]), (AggregateOp::Sum, Some(path(5)), vec![])];
        let q = AggregateQuery {
            object: CONTACT,
            pred: Pred::Const(true),
            rights: Pred::Const(true),
            text: None,
            group_by: vec![(path(group), None)],
            aggregates,
            limit: 100,
            zone_offset: 0,
        };
        index.aggregate(&q).unwrap().len()
    };
    timed("sums per choice", |_| sums(12));
    timed("sums per owner", |_| sums(6));
    let mut n = rows;
    timed("commit of one new record", |_| {
        n += 1;
        let record = record(n, FIELDS, &mut r);
        index.apply(&[Doc::Put(Arc::new(record), DocContext::default())], n, true).unwrap();
        1
    });
    println!("{:?}, {} MB", index.stats(), memory());
}
