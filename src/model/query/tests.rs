//! What a filter means, on one record.

use serde_json::{Value as Json, json};

use super::*;
use crate::schema::{Object, Schema};
use crate::value::Link;
use crate::*;

const NOW: i64 = 1_772_539_200; // 2026-03-03T12:00:00Z

fn schema() -> Schema {
    let contact = json!({"code": 1, "name": "contact", "label": "Contact", "plural": "Contacts", "title": "name", "fields": [
        {"code": 1, "name": "name", "label": "Name", "type": "personName"},
        {"code": 2, "name": "tags", "label": "Tags", "type": "multiChoice", "open": true},
        {"code": 3, "name": "company", "label": "Company", "type": "reference", "target": ["company"]},
        {"code": 4, "name": "amount", "label": "Amount", "type": "money"},
        {"code": 5, "name": "born", "label": "Born", "type": "date"},
        {"code": 6, "name": "seen", "label": "Seen", "type": "dateTime"},
        {"code": 7, "name": "score", "label": "Score", "type": "number"},
        {"code": 8, "name": "vip", "label": "VIP", "type": "yesNo"},
        {"code": 9, "name": "place", "label": "Place", "type": "geoPoint"}]});
    let company = json!({"code": 2, "name": "company", "label": "Company", "plural": "Companies", "title": "name", "fields": [
        {"code": 1, "name": "industry", "label": "Industry", "type": "choice", "choices": []}]});
    let objects: Vec<Object> = [contact, company].map(|o| serde_json::from_value(o).unwrap()).into();
    Schema::new(1, objects)
}

fn record(object: u16, fields: Vec<(u16, Value)>) -> Record {
    Record {
        object: ObjectCode(object),
        id: Id::from_u128(u128::from(object)),
        version: 3,
        created_at: Timestamp::from_seconds(NOW - 86_400 * 10),
        created_by: Id::NIL,
        updated_at: Timestamp::from_seconds(NOW - 60),
        updated_by: Id::NIL,
        trashed_at: None,
        fields: fields.into_iter().map(|(c, v)| (FieldCode(c), v)).collect(),
    }
}

fn check(filter: Json) -> std::result::Result<bool, String> {
    let schema = schema();
    let now = Timestamp::from_seconds(NOW);
    let clock = Clock { now, today: now.date(), offset: 3600 };
    let compiler = Compiler { schema: &schema, clock, currency: Currency::EUR, me: Id::from_u128(2) };
    let filter: Filter = serde_json::from_value(filter).map_err(|_| "malformed".to_owned())?;
    let pred = compiler
        .filter(schema.by_name("contact").unwrap(), &filter)
        .map_err(|e| e.fields.first().map(|f| f.code.clone()).unwrap_or_default())?;
    let company = record(2, vec![(1, Value::Text("software".into()))]);
    let contact = record(
        1,
        vec![
            (1, Value::Name(PersonName { first: "Jürgen".into(), last: "Groß".into() })),
            (2, Value::Texts(vec!["vip".into(), "beta".into()])),
            (3, Value::Ref(Link { object: ObjectCode(2), id: company.id })),
            (4, Value::Money(Money::new(125_000, Currency::EUR))),
            (5, Value::Date("1980-05-05".parse().unwrap())),
            (6, Value::Time(Timestamp::from_seconds(NOW - 3600))),
            (7, Value::Number(7.5)),
        ],
    );
    Ok(pred.matches(&contact, &|link| (link.id == company.id).then(|| company.clone())))
}

#[test]
fn conditions() {
    for (field, op, value, expect) in [
        ("name", "eq", json!("jurgen gross"), Ok(true)),
        ("name.last", "eq", json!("GROSS"), Ok(true)),
        ("name.last", "startsWith", json!("gro"), Ok(true)),
        ("name", "contains", json!("rgen g"), Ok(true)),
        ("name", "contains", json!(5), Err("value")),
        ("tags", "eq", json!("beta"), Ok(true)),
        ("tags", "ne", json!("beta"), Ok(false)),
        ("tags", "in", json!(["x", "vip"]), Ok(true)),
        ("tags", "notIn", json!(["x"]), Ok(true)),
        ("company", "eq", json!("me"), Ok(true)),
        ("company.industry", "eq", json!("software"), Ok(true)),
        ("company.industry", "isEmpty", json!(true), Ok(false)),
        ("company.nothing", "eq", json!("x"), Err("unknown_field")),
        ("amount", "gte", json!(1250), Ok(true)),
        ("amount", "gt", json!("1250.00"), Ok(false)),
        ("amount", "between", json!([1000, 2000]), Ok(true)),
        ("amount.currency", "eq", json!("EUR"), Ok(true)),
        ("born", "lt", json!("1980-05-06"), Ok(true)),
        ("born", "eq", json!("1980-02-30"), Err("value")),
        ("seen", "eq", json!("2026-03-03"), Ok(true)),
        ("seen", "eq", json!("today"), Ok(true)),
        ("seen", "withinLast", json!("2h"), Ok(true)),
        ("seen", "withinLast", json!("30min"), Ok(false)),
        ("seen", "withinNext", json!({"days": 3}), Ok(false)),
        ("seen", "gte", json!("-1d"), Ok(true)),
        ("createdAt", "withinLast", json!({"weeks": 1}), Ok(false)),
        ("createdAt", "withinLast", json!("3mo"), Ok(true)),
        ("score", "lte", json!(7.5), Ok(true)),
        ("score", "eq", json!("x"), Err("value")),
        ("vip", "isEmpty", json!(null), Ok(true)),
        ("vip", "eq", json!(null), Ok(true)),
        ("vip", "ne", json!(null), Ok(false)),
        ("place", "isEmpty", json!(false), Ok(false)),
        ("place", "eq", json!("x"), Err("operator")),
        ("version", "eq", json!(3), Ok(true)),
    ] {
        let result = check(json!({"field": field, "op": op, "value": value}));
        assert_eq!(result, expect.map_err(str::to_owned), "{field} {op} {value}");
    }
}

#[test]
fn combinations_and_limits() {
    let yes = json!({"field": "score", "op": "gt", "value": 1});
    let no = json!({"field": "score", "op": "lt", "value": 1});
    assert_eq!(check(json!({"and": [yes, {"or": [no, yes]}]})), Ok(true));
    assert_eq!(check(json!({"and": [yes, {"not": yes}]})), Ok(false));
    assert_eq!(check(json!({"and": []})), Ok(true));
    assert_eq!(check(json!({"or": []})), Ok(false));
    let deep = (0..20).fold(yes.clone(), |f, _| json!({"not": f}));
    assert_eq!(check(deep), Err("too_deep".into()));
    assert_eq!(check(json!({"and": vec![yes; 501]})), Err("too_many".into()));
}
