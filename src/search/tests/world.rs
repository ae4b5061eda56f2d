//! Two objects with a field of every type, random records of them, and what a query means on them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use aplomb_model::query::{Check, Kind, Part, Path, Pred, Scalar, SortKey, Test};
use aplomb_model::schema::{FieldType, Object, system};
use aplomb_model::value::Link;
use aplomb_model::{
    Address, Currency, Date, FieldCode, Id, Money, ObjectCode, PersonName, Record, Schema, Timestamp, Value,
};
use proptest::prelude::*;
use serde_json::json;

use crate::*;

pub const PERSON: ObjectCode = ObjectCode(1);
pub const FIRM: ObjectCode = ObjectCode(2);
pub const FIRM_REF: FieldCode = FieldCode(9);

pub fn schema() -> Schema {
    let field = |code: u16, name: &str, kind: &str, search: u8| {
        json!({"code": code, "name": name, "label": name, "type": kind, "search": search,
            "target": if name == "firm" { vec!["firm"] } else { vec![] }})
    };
    let fields = json!([
        field(1, "name", "personName", 3),
        field(2, "email", "email", 2),
        field(3, "notes", "longText", 1),
        field(4, "score", "number", 0),
        field(5, "amount", "money", 0),
        field(6, "due", "date", 0),
        field(7, "seen", "dateTime", 0),
        field(8, "stage", "choice", 0),
        field(9, "firm", "reference", 0),
        field(10, "tags", "multiChoice", 0),
        field(11, "active", "yesNo", 0),
        field(12, "home", "address", 1),
        field(13, "phones", "phone", 1),
    ]);
    let firm =
        json!([field(1, "name", "text", 3), field(8, "industry", "choice", 0), field(9, "parent", "references", 0)]);
    let object = |code: u16, name: &str, fields: serde_json::Value| -> Object {
        serde_json::from_value(
            json!({"code": code, "name": name, "label": name, "plural": name, "title": "name", "fields": fields}),
        )
        .unwrap()
    };
    Schema::new(1, [object(1, "person", fields), object(2, "firm", firm)])
}

pub fn open(dir: &std::path::Path) -> (Index, Opened) {
    let key = aplomb_vault::DataKey::from_bytes(&[7; 32]).subkey("search");
    let options = Options { dir: dir.to_owned(), key, cache_bytes: 16 << 20, writer_bytes: 15_000_000, threads: 1 };
    Index::open(options, schema()).unwrap()
}

pub fn path(field: u16, part: Option<Part>, kind: Kind, field_type: FieldType) -> Path {
    Path { steps: vec![], field: FieldCode(field), part, kind, field_type: Some(field_type) }
}

/// Every path of a person that can be compared.
pub fn paths() -> Vec<Path> {
    use FieldType::*;
    let mut all = vec![
        path(1, None, Kind::Text, PersonName),
        path(1, Some(Part::Last), Kind::Text, PersonName),
        path(2, None, Kind::Text, Email),
        path(3, None, Kind::Text, LongText),
        path(4, None, Kind::Number, Number),
        path(5, None, Kind::Int, Money),
        path(5, Some(Part::Currency), Kind::Key, Money),
        path(6, None, Kind::Int, Date),
        path(7, None, Kind::Int, DateTime),
        path(8, None, Kind::Key, Choice),
        path(9, None, Kind::Id, Reference),
        path(10, None, Kind::Key, MultiChoice),
        path(11, None, Kind::Bool, YesNo),
        path(12, Some(Part::City), Kind::Text, Address),
        path(13, None, Kind::Text, Phone),
    ];
    for (code, kind) in [
        (system::ID, Kind::Id),
        (system::CREATED_AT, Kind::Int),
        (system::UPDATED_AT, Kind::Int),
        (system::CREATED_BY, Kind::Id),
        (system::VERSION, Kind::Int),
    ] {
        all.push(Path { steps: vec![], field: code, part: None, kind, field_type: None });
    }
    all
}

pub fn over_firm(field: u16, kind: Kind, steps: usize) -> Path {
    let step = (FIRM_REF, FIRM);
    Path { steps: vec![step; steps], field: FieldCode(field), part: None, kind, field_type: Some(FieldType::Choice) }
}

const WORDS: [&str; 9] = ["", "Anna", "anna", "Müller", "mull", "Zoë Ada", "東京", "a b", "ß"];
const KEYS: [&str; 4] = ["open", "won", "Lost", "opening"];

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(&WORDS[..]).prop_map(str::to_owned)
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(&KEYS[..]).prop_map(str::to_owned)
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![(-3i32..4).prop_map(f64::from), Just(-0.0), Just(0.5), Just(1e300), Just(-1e300)]
}

fn id(object: u128) -> impl Strategy<Value = Id> {
    (0..6u128).prop_map(move |n| Id::from_u128(object << 100 | n << 64 | n))
}

fn firms() -> impl Strategy<Value = Vec<Link>> {
    prop::collection::vec(id(2).prop_map(|id| Link { object: FIRM, id }), 1..3)
}

fn value(code: u16) -> BoxedStrategy<Value> {
    match code {
        1 => (word(), word()).prop_map(|(first, last)| Value::Name(PersonName { first, last })).boxed(),
        4 => number().prop_map(Value::Number).boxed(),
        5 => (-3i64..4, prop::bool::ANY)
            .prop_map(|(n, e)| Value::Money(Money::new(n, if e { Currency::EUR } else { Currency::USD })))
            .boxed(),
        6 => (-3i32..4).prop_map(|d| Value::Date(Date::from_days(d).unwrap())).boxed(),
        7 => (-3i64..4).prop_map(|d| Value::Time(Timestamp::from_micros(d))).boxed(),
        8 => key().prop_map(Value::Text).boxed(),
        9 => id(2).prop_map(|id| Value::Ref(Link { object: FIRM, id })).boxed(),
        10 => prop::collection::vec(key(), 1..4).prop_map(Value::Texts).boxed(),
        11 => prop::bool::ANY.prop_map(Value::Bool).boxed(),
        12 => (word(), word())
            .prop_map(|(city, street)| Value::Address(Address { city, street, ..Address::default() }))
            .boxed(),
        13 => prop::collection::vec(word(), 1..3).prop_map(Value::Texts).boxed(),
        _ => word().prop_map(Value::Text).boxed(),
    }
}

fn record(object: ObjectCode, codes: &'static [u16]) -> impl Strategy<Value = Record> {
    let one = |code: &u16| {
        let value = if object == FIRM && *code == 9 { firms().prop_map(Value::Refs).boxed() } else { value(*code) };
        prop::option::weighted(
            0.7,
            value.prop_map({
                let code = FieldCode(*code);
                move |v| (code, v)
            }),
        )
    };
    let fields: Vec<_> = codes.iter().map(one).collect();
    (fields, 0i64..5, 1u32..4, id(3)).prop_map(move |(fields, at, version, by)| Record {
        object,
        id: Id::NIL,
        version,
        created_at: Timestamp::from_micros(at),
        created_by: by,
        updated_at: Timestamp::from_micros(at * 7 % 5),
        updated_by: by,
        trashed_at: None,
        fields: fields.into_iter().flatten().collect(),
    })
}

pub fn people(count: usize) -> impl Strategy<Value = Vec<Record>> {
    let codes: &[u16] = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
    prop::collection::vec(record(PERSON, codes), 1..count).prop_map(|list| numbered(list, 1))
}

pub fn all_firms() -> impl Strategy<Value = Vec<Record>> {
    prop::collection::vec(record(FIRM, &[1, 8, 9]), 1..6).prop_map(|list| numbered(list, 2))
}

fn numbered(mut list: Vec<Record>, object: u128) -> Vec<Record> {
    for (n, record) in list.iter_mut().enumerate() {
        let n = n as u128;
        record.id = Id::from_u128(object << 100 | n << 64 | n);
    }
    list
}

fn scalar(path: Path) -> BoxedStrategy<Scalar> {
    match path.kind {
        Kind::Bool => prop::bool::ANY.prop_map(Scalar::Bool).boxed(),
        Kind::Int => (-4i64..6).prop_map(Scalar::Int).boxed(),
        Kind::Number => number().prop_map(Scalar::Number).boxed(),
        Kind::Text => word().prop_map(|w| Scalar::Text(aplomb_model::fold(&w))).boxed(),
        Kind::Key if path.part.is_some() => Just(Scalar::Key("EUR".into())).boxed(),
        Kind::Key => key().prop_map(Scalar::Key).boxed(),
        Kind::Id => prop_oneof![id(1), id(2), id(3)].prop_map(Scalar::Id).boxed(),
        Kind::Opaque => unreachable!(),
    }
}

fn check(path: Path) -> BoxedStrategy<Check> {
    let bound = |p: &Path| {
        let one = scalar(p.clone());
        prop_oneof![Just(Bound::Unbounded), one.clone().prop_map(Bound::Included), one.prop_map(Bound::Excluded)]
    };
    let part = word().prop_map(|w| aplomb_model::fold(&w)).boxed();
    let any = prop_oneof![
        Just(Check::Empty),
        scalar(path.clone()).prop_map(Check::Eq),
        prop::collection::vec(scalar(path.clone()), 0..9).prop_map(Check::In),
        (bound(&path), bound(&path)).prop_map(|(a, b)| Check::Range(a, b)),
    ];
    match path.kind {
        Kind::Text | Kind::Key => {
            prop_oneof![3 => any, 1 => part.clone().prop_map(Check::Contains), 1 => part.prop_map(Check::StartsWith)]
                .boxed()
        }
        _ => any.boxed(),
    }
}

pub fn pred() -> impl Strategy<Value = Pred> {
    let mut all = paths();
    all.extend([over_firm(8, Kind::Key, 1), over_firm(1, Kind::Text, 1), over_firm(8, Kind::Key, 2)]);
    let leaf = prop::sample::select(all).prop_flat_map(|path| {
        check(path.clone()).prop_map(move |check| Pred::Test(Test { path: path.clone(), check }))
    });
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Pred::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Pred::Or),
            inner.prop_map(|p| Pred::Not(Box::new(p))),
        ]
    })
}

pub fn sort() -> impl Strategy<Value = Vec<SortKey>> {
    let key =
        (prop::sample::select(paths()), prop::bool::ANY).prop_map(|(path, descending)| SortKey { path, descending });
    prop::collection::vec(key, 0..3)
}

/// The records by id.
#[derive(Debug, Clone, Default)]
pub struct World(pub BTreeMap<Id, Record>);

impl World {
    pub fn new(lists: &[&[Record]]) -> World {
        World(lists.iter().flat_map(|l| l.iter()).map(|r| (r.id, r.clone())).collect())
    }

    /// Ids of the people that match, in order.
    pub fn expect(&self, pred: &Pred, sort: &[SortKey]) -> Vec<Id> {
        let look_up = |link: Link| self.0.get(&link.id).cloned();
        let mut found: Vec<&Record> =
            self.0.values().filter(|r| r.object == PERSON && pred.matches(r, &look_up)).collect();
        found.sort_by(|a, b| order(a, b, sort));
        found.into_iter().map(|r| r.id).collect()
    }
}

pub fn order(a: &Record, b: &Record, sort: &[SortKey]) -> Ordering {
    for key in sort {
        let first = |r: &Record| key.path.own_scalars(r).into_iter().next();
        let order = match (first(a), first(b)) {
            (None, None) => Ordering::Equal,
            (None, _) => Ordering::Greater,
            (_, None) => Ordering::Less,
            (Some(a), Some(b)) if key.descending => b.order(&a),
            (Some(a), Some(b)) => a.order(&b),
        };
        if order.is_ne() {
            return order;
        }
    }
    match sort.last().is_none_or(|k| k.descending) {
        true => b.id.cmp(&a.id),
        false => a.id.cmp(&b.id),
    }
}

pub fn put(record: &Record) -> Doc {
    let schema = schema();
    let title = schema.by_code(record.object).unwrap().title_of(record);
    Doc::Put(Arc::new(record.clone()), DocContext { title, ..DocContext::default() })
}

/// Writes in several commits, so that there are several segments.
pub fn fill(index: &Index, records: &[Record], commits: usize) {
    let size = records.len().div_ceil(commits).max(1);
    for (n, chunk) in records.chunks(size).enumerate() {
        let docs: Vec<Doc> = chunk.iter().map(put).collect();
        index.apply(&docs, index.seq() + 1 + n as u64, true).unwrap();
    }
}

pub fn list(pred: &Pred, sort: &[SortKey], limit: usize, cursor: Option<String>) -> ListQuery {
    ListQuery {
        object: PERSON,
        pred: pred.clone(),
        rights: Pred::Const(true),
        text: None,
        sort: sort.to_vec(),
        limit,
        cursor,
        offset: 0,
        count_up_to: 10_000,
    }
}
