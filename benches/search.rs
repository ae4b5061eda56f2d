//! What lists, full text and figures cost on the index alone, with records of 50 fields (10 of them custom), and what
//! the index takes of memory and disk.
//!
//! `cargo bench -p aplomb-search --bench search -- [--rows 1000000] [--dir DIR] [--rounds 60] [--only NAME]`
//! With `--dir` an index that is there already is used again.
#![allow(clippy::disallowed_methods, reason = "a benchmark measures wall time")]

use std::ops::Bound;
use std::path::{Path as File, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aplomb_model::query::{AggregateOp, Check, Kind, Path, Pred, Scalar, SortKey, Test};
use aplomb_model::schema::{FieldType, Object, system};
use aplomb_model::value::Link;
use aplomb_model::{Address, Currency, Date, FieldCode, Id, Money, ObjectCode, PersonName, Record, Schema};
use aplomb_model::{Timestamp, Value};
use aplomb_search::{AggregateQuery, Doc, DocContext, Index, ListQuery, Opened, Options, TextQuery};
use serde_json::json;

const CONTACT: ObjectCode = ObjectCode(1);
const FIRM: ObjectCode = ObjectCode(2);
const FIRMS: u64 = 20_000;
const OWNERS: u64 = 50;
/// Per commit, as the follower does while a file is imported.
const BATCH: u64 = 8_000;

/// Codes of fields that queries name.
const NAME: u16 = 1;
const EMAIL: u16 = 2;
const PHONE: u16 = 3;
const COMPANY: u16 = 4;
const AMOUNT: u16 = 5;
const OWNER: u16 = 6;
const ADDRESS: u16 = 7;
const NOTES: u16 = 8;
const STAGE: u16 = 12;
const DUE: u16 = 13;
/// Custom fields begin here, by the same turn of types.
const CUSTOM: u16 = 41;
const FIELDS: u16 = 50;
const FIRM_NAME: u16 = 1;
const INDUSTRY: u16 = 2;

const FIRST: [&str; 24] = [
    "Anna",
    "Ann",
    "Annika",
    "James",
    "Mary",
    "Robert",
    "José",
    "Lucía",
    "Jürgen",
    "Zoë",
    "Wojciech",
    "Agnieszka",
    "Søren",
    "Michael",
    "Michelle",
    "Olivia",
    "Noah",
    "Fernanda",
    "Iñaki",
    "Björn",
    "Thomas",
    "Sarah",
    "伟",
    "さくら",
];
const LAST: [&str; 20] = [
    "Wiśniewski",
    "Kowalska",
    "Kowalski",
    "Müller",
    "Mueller",
    "Schmidt",
    "Featherstone",
    "Nguyễn",
    "O'Neill",
    "García",
    "Fernández",
    "Christophersen",
    "Jørgensen",
    "Smith",
    "Johnson",
    "Williams",
    "Kovács",
    "王",
    "李",
    "田中",
];

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

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len() as u64) as usize]
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

    /// A third of the names are of the lists above, the others of a long tail.
    fn name(&mut self, list: &[&str], vocabulary: u64) -> String {
        if self.below(3) == 0 { self.of(list).to_owned() } else { self.word(vocabulary) }
    }
}

fn kind(code: u16) -> (&'static str, u8) {
    match code {
        NAME => ("personName", 3),
        EMAIL => ("email", 2),
        PHONE => ("phone", 1),
        COMPANY | OWNER => ("reference", 0),
        AMOUNT => ("money", 0),
        ADDRESS => ("address", 1),
        NOTES => ("longText", 1),
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

fn schema() -> Schema {
    let field = |code: u16| {
        let (kind, search) = kind(code);
        let name = match code {
            NAME => "name".to_owned(),
            n if n >= CUSTOM => format!("custom{n}"),
            n => format!("f{n}"),
        };
        json!({"code": code, "name": name, "label": name, "type": kind, "search": search})
    };
    let object = |code: ObjectCode, name: &str, fields: Vec<serde_json::Value>| -> Object {
        let object =
            json!({"code": code.0, "name": name, "label": name, "plural": name, "title": "name", "fields": fields});
        serde_json::from_value(object).expect("an object")
    };
    let firm = vec![
        json!({"code": FIRM_NAME, "name": "name", "label": "n", "type": "text", "search": 3}),
        json!({"code": INDUSTRY, "name": "industry", "label": "i", "type": "choice"}),
    ];
    Schema::new(1, [object(CONTACT, "contact", (1..=FIELDS).map(field).collect()), object(FIRM, "company", firm)])
}

fn firm_id(n: u64) -> Id {
    Id::from_u128(u128::from(n) << 64 | 5)
}

fn record(object: ObjectCode, id: Id, at: Timestamp, fields: Vec<(FieldCode, Value)>) -> Record {
    Record {
        object,
        id,
        version: 1,
        created_at: at,
        created_by: Id::from_u128(1),
        updated_at: at,
        updated_by: Id::from_u128(1),
        trashed_at: None,
        fields: fields.into_iter().collect(),
    }
}

fn contact(n: u64, r: &mut Random) -> Record {
    let at = Timestamp::from_millis(1_700_000_000_000 + n as i64 * 50);
    let mut random = [0; 10];
    random[..8].copy_from_slice(&r.next().to_le_bytes());
    let name = PersonName { first: r.name(&FIRST, 3_000), last: r.name(&LAST, 60_000) };
    let mut list: Vec<(FieldCode, Value)> = Vec::new();
    for code in 1..=FIELDS {
        // real records have gaps
        if code > NOTES && r.below(10) < 3 {
            continue;
        }
        list.push((FieldCode(code), value(code, n, &name, r)));
    }
    record(CONTACT, Id::new(at, random), at, list)
}

fn value(code: u16, n: u64, name: &PersonName, r: &mut Random) -> Value {
    let folded = |s: &str| aplomb_model::fold(s).replace('\'', "");
    match code {
        NAME => Value::Name(name.clone()),
        EMAIL => {
            Value::Text(format!("{}.{}{}@{}.example", folded(&name.first), folded(&name.last), n % 1000, r.word(FIRMS)))
        }
        PHONE => Value::Texts(vec![format!("+49 {} {}", 30 + r.below(900), 1_000_000 + r.below(9_000_000))]),
        COMPANY => Value::Ref(Link { object: FIRM, id: firm_id(r.below(FIRMS)) }),
        OWNER => Value::Ref(Link { object: ObjectCode(3), id: Id::from_u128(u128::from(r.below(OWNERS))) }),
        AMOUNT => Value::Money(Money::new(r.below(10_000_000) as i64, Currency::EUR)),
        ADDRESS => Value::Address(Address {
            street: format!("{} {}", r.word(5000), r.below(99)),
            city: r.word(2000),
            country: "DE".into(),
            postal_code: r.below(99_999).to_string(),
            region: String::new(),
        }),
        NOTES => Value::Text((0..12).map(|_| r.word(20_000)).collect::<Vec<_>>().join(" ")),
        9 => Value::Text(format!("{} GmbH", r.word(20_000))),
        code => match kind(code).0 {
            "choice" => Value::Text(format!("choice{}", r.below(8))),
            "date" => Value::Date(Date::from_days(19_000 + r.below(2000) as i32).expect("a day")),
            "number" => Value::Number(r.below(1000) as f64),
            "text" => Value::Text(format!("{} {}", r.word(3000), r.word(200))),
            "yesNo" => Value::Bool(r.below(2) == 0),
            _ => Value::Time(Timestamp::from_seconds(1_700_000_000 + r.below(30_000_000) as i64)),
        },
    }
}

struct Arguments {
    rows: u64,
    rounds: u64,
    dir: Option<PathBuf>,
    only: String,
}

fn arguments() -> Arguments {
    let mut a = Arguments { rows: 1_000_000, rounds: 60, dir: None, only: String::new() };
    let mut list = std::env::args().skip(1).filter(|a| a != "--bench");
    while let Some(name) = list.next() {
        let value = list.next().unwrap_or_default();
        match name.as_str() {
            "--rows" => a.rows = value.parse().expect("--rows takes a number"),
            "--rounds" => a.rounds = value.parse().expect("--rounds takes a number"),
            "--dir" => a.dir = Some(value.into()),
            "--only" => a.only = value,
            other => panic!("unknown option {other}"),
        }
    }
    a
}

fn open(dir: &File) -> (Index, Opened) {
    let key = aplomb_vault::DataKey::from_bytes(&[7; 32]).subkey("search");
    let options = Options { dir: dir.into(), key, cache_bytes: 256 << 20, writer_bytes: 64 << 20, threads: 2 };
    Index::open(options, schema()).expect("an index")
}

/// Megabytes of a line of /proc/self/status.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with(line)).unwrap_or("0").to_owned();
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0u64) / 1024
}

fn build(index: &Index, rows: u64) {
    let mut r = Random(42);
    let firms: Vec<Doc> = (0..FIRMS)
        .map(|n| {
            let name = format!("{} {}", r.word(20_000), r.of(&["GmbH", "Ltd", "Inc", "AG"]));
            let industry = Value::Text(format!("industry{}", r.below(20)));
            let fields = vec![(FieldCode(FIRM_NAME), Value::Text(name.clone())), (FieldCode(INDUSTRY), industry)];
            let record = record(FIRM, firm_id(n), Timestamp::from_millis(1_700_000_000_000), fields);
            Doc::Put(Arc::new(record), DocContext { title: name, ..DocContext::default() })
        })
        .collect();
    index.apply(&firms, 1, true).expect("written");
    let (mut spent, mut n, mut peak) = (Duration::ZERO, 0, 0);
    while n < rows {
        let docs: Vec<Doc> = (n..rows.min(n + BATCH))
            .map(|n| {
                let record = contact(n, &mut r);
                let title = record.get(FieldCode(NAME)).map(Value::text).unwrap_or_default();
                Doc::Put(Arc::new(record), DocContext { title, ..DocContext::default() })
            })
            .collect();
        n += docs.len() as u64;
        let start = Instant::now();
        index.apply(&docs, n + 1, true).expect("written");
        spent += start.elapsed();
        peak = peak.max(memory("VmRSS"));
    }
    println!("wrote {rows} rows x {FIELDS} fields in {spent:.1?}, peak {peak} MB");
}

struct Bench {
    index: Index,
    rounds: u64,
    only: String,
}

impl Bench {
    fn timed(&self, name: &str, mut run: impl FnMut(u64) -> u64) {
        if !name.contains(&self.only) {
            return;
        }
        run(0);
        let (mut times, mut found) = (Vec::new(), 0);
        for n in 0..self.rounds {
            let start = Instant::now();
            found = run(n);
            times.push(start.elapsed());
        }
        times.sort();
        let at = |part: usize| times[times.len() * part / 100];
        println!("{name:42} p50 {:>9.2?} p95 {:>9.2?}  ({found})", at(50), at(95));
    }

    fn list(&self, pred: Pred, sort: Vec<SortKey>) -> u64 {
        self.list_from(pred, sort, 0)
    }

    fn list_from(&self, pred: Pred, sort: Vec<SortKey>, offset: u64) -> u64 {
        let q = ListQuery {
            object: CONTACT,
            pred,
            rights: Pred::Const(true),
            text: None,
            sort,
            limit: 50,
            cursor: None,
            offset,
            count_up_to: 10_000,
        };
        self.index.list(&q).expect("a page").total.count
    }

    fn search(&self, name: &str, texts: &[&str]) {
        self.timed(name, |n| {
            let q = TextQuery {
                text: texts[n as usize % texts.len()].to_owned(),
                objects: vec![(CONTACT, Pred::Const(true)), (FIRM, Pred::Const(true))],
                limit: 20,
                cursor: None,
                count_up_to: 10_000,
            };
            self.index.text(&q).expect("hits").total.count
        });
    }

    fn sums(&self, name: &str, group: Path) {
        self.timed(name, |_| {
            let aggregates = vec![(AggregateOp::Count, None, vec![]), (AggregateOp::Sum, Some(path(AMOUNT)), vec![])];
            let q = AggregateQuery {
                object: CONTACT,
                pred: Pred::Const(true),
                rights: Pred::Const(true),
                text: None,
                group_by: vec![(group.clone(), None)],
                aggregates,
                limit: 100,
                zone_offset: 0,
            };
            self.index.aggregate(&q).expect("groups").len() as u64
        });
    }
}

fn path(code: u16) -> Path {
    let kind: FieldType = serde_json::from_value(json!(kind(code).0)).expect("a type");
    Path { steps: vec![], field: FieldCode(code), part: None, kind: Kind::of(kind), field_type: Some(kind) }
}

fn over_firm(code: u16, kind: FieldType) -> Path {
    let steps = vec![(FieldCode(COMPANY), FIRM)];
    Path { steps, field: FieldCode(code), part: None, kind: Kind::of(kind), field_type: Some(kind) }
}

fn test(path: Path, check: Check) -> Pred {
    Pred::Test(Test { path, check })
}

fn by(path: Path, descending: bool) -> Vec<SortKey> {
    vec![SortKey { path, descending }]
}

fn lists(b: &Bench) {
    let all = || Pred::Const(true);
    b.timed("list newest first", |_| b.list(all(), vec![]));
    let updated = Path { field: system::UPDATED_AT, kind: Kind::Int, ..path(DUE) };
    b.timed("list by updatedAt", |_| b.list(all(), by(updated.clone(), true)));
    b.timed("list by name", |_| b.list(all(), by(path(NAME), false)));
    b.timed("list by company.name", |_| b.list(all(), by(over_firm(FIRM_NAME, FieldType::Text), false)));
    let key = |text: String| Check::Eq(Scalar::Key(text));
    let two = |n: u64, stage: u16| {
        let most = Check::Range(Bound::Included(Scalar::Int(2_000_000 + n as i64)), Bound::Unbounded);
        test(path(stage), key(format!("choice{}", n % 8))).and(test(path(AMOUNT), most))
    };
    b.timed("list two filters, by date", |n| b.list(two(n, STAGE), by(path(DUE), true)));
    b.timed("list two filters, by name", |n| b.list(two(n, STAGE), by(path(NAME), false)));
    // 42: choice, 43: date, 44: number, all custom
    b.timed("list custom filters, by custom date", |n| b.list(two(n, 42), by(path(43), true)));
    b.timed("list custom filters, by custom text", |n| b.list(two(n, 42), by(path(45), false)));
    let owners = |n: u64| Check::In((0..5).map(|i| Scalar::Id(Id::from_u128(u128::from((n + i) % 50)))).collect());
    b.timed("list one of 5 owners, by name", |n| b.list(test(path(OWNER), owners(n)), by(path(NAME), false)));
    let industry = |n: u64| test(over_firm(INDUSTRY, FieldType::Choice), key(format!("industry{}", n % 20)));
    b.timed("list company.industry is", |n| b.list(industry(n), by(path(NAME), false)));
    b.timed("list e-mail contains", |n| b.list(test(path(EMAIL), Check::Contains(format!("ba{}", n % 10))), vec![]));
}

/// Pages from anywhere in a list, as a thumb that is dragged asks for them: beginning, middle and end in turn.
fn jumps(b: &Bench, rows: u64) {
    let at = |n: u64| 1 + n * 7_919 % 97 * (rows / 97);
    let updated = Path { field: system::UPDATED_AT, kind: Kind::Int, ..path(DUE) };
    let orders = [
        ("newest first", vec![]),
        ("updatedAt", by(updated, true)),
        ("number", by(path(44), false)),
        ("money, descending", by(path(AMOUNT), true)),
        ("date", by(path(DUE), false)),
        ("name", by(path(NAME), false)),
        ("e-mail, descending", by(path(EMAIL), true)),
        ("custom text", by(path(45), false)),
        ("company.name", by(over_firm(FIRM_NAME, FieldType::Text), false)),
        ("yes/no, choice, name", [by(path(46), false), by(path(STAGE), true), by(path(NAME), false)].concat()),
    ];
    for (name, sort) in orders {
        b.timed(&format!("jump by {name}"), |n| b.list_from(Pred::Const(true), sort.clone(), at(n)));
    }
    let open = test(path(STAGE), Check::In((0..4).map(|n| Scalar::Key(format!("choice{n}"))).collect()));
    b.timed("jump in a filtered list by name", |n| b.list_from(open.clone(), by(path(NAME), false), at(n) / 4));
}

fn texts(b: &Bench) {
    b.search("text one word", &["wisniewski", "Müller", "featherstone", "kowalska", "García"]);
    b.search("text two words", &["anna wiśniewski", "james smith", "lucia garcia", "olivia kovacs"]);
    b.search("text three words", &["anna wisniewski gmbh", "james smith gmbh", "noah williams de"]);
    b.search("text one typo", &["wisnewski", "schmitd", "feathrstone", "kowlaska", "jonhson"]);
    b.search("text two typos", &["featherstoen", "christofersn", "wiśneiwsky"]);
    b.search("text two words, one typo", &["anna wisnewski", "jmaes smith", "lucia gacria"]);
    b.search("text two words, both wrong", &["ana wisnewski", "jmaes smiht", "lucai gacria"]);
    b.search("text one word finds nothing", &["qqqqqqq", "xylophonequartet", "qwxyz"]);
    b.search("text two words find nothing", &["qqqqqqq wwwwwww", "xylophonequartet zzzyyyxxx"]);
    b.search("text one of two finds nothing", &["anna qqqqqqq", "xylophonequartet smith"]);
    b.search("text one of three finds nothing", &["anna qqqqqqq gmbh", "xylophonequartet smith anna"]);
    b.search("text while typing", &["w", "wi", "wis", "wisn", "wisni", "wisniew", "a", "an", "ann"]);
    b.search("text while typing two words", &["ann k", "ann ko", "ann kow", "ann kowa", "james s", "james sm"]);
    b.search("text CJK", &["王", "伟 李", "田中", "さくら", "さくら 田中"]);
    b.search("text very common word", &["gmbh", "example", "de"]);
    b.search("text common words", &["gmbh example", "anna gmbh", "anna example"]);
    b.search("text e-mail", &["anna.wisniewski", "james.smith1@", "anna.wisniewski500@bada.example"]);
    b.search("text phone", &["+49 30 1234567", "030/1234567", "4930123", "(0049) 100 200300", "1234"]);
}

fn main() {
    let a = arguments();
    let made = a.dir.is_none().then(|| tempfile::tempdir().expect("a directory"));
    let dir = a.dir.clone().or_else(|| made.as_ref().map(|d| d.path().to_owned())).unwrap_or_default();
    let start = Instant::now();
    let (index, opened) = open(&dir);
    println!("opened in {:.1?}, {} MB", start.elapsed(), memory("VmRSS"));
    if opened == Opened::Rebuild {
        build(&index, a.rows);
    }
    let stats = index.stats();
    let (each, segments) = (stats.bytes / stats.documents.max(1), stats.segments);
    println!("{} documents, {segments} segments, {each} bytes each, {} MB", stats.documents, memory("VmRSS"));
    let b = Bench { index, rounds: a.rounds, only: a.only };
    lists(&b);
    jumps(&b, a.rows);
    texts(&b);
    b.sums("sums per stage", path(STAGE));
    b.sums("sums per owner", path(OWNER));
    b.sums("sums per company.industry", over_firm(INDUSTRY, FieldType::Choice));
    let (mut r, mut n) = (Random(99), a.rows);
    b.timed("commit of one new record", |_| {
        n += 1;
        let doc = Doc::Put(Arc::new(contact(n, &mut r)), DocContext::default());
        b.index.apply(&[doc], n + 1, true).expect("written");
        1
    });
    println!("afterwards {} MB, peak {} MB", memory("VmRSS"), memory("VmHWM"));
}
