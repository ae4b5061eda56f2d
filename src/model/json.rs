//! Values as the API and forms carry them: JSON in, checked against the field; JSON out.

use serde_json::{Value as Json, json};

use crate::schema::{Field, FieldType, Schema};
use crate::value::Link;
use crate::{Address, Currency, Date, FieldError, FileRef, Geo, Id, Money, ObjectCode, Timestamp, Value};

/// Longest text of a `text` field, in characters.
pub const MAX_TEXT: usize = 1_000;
/// Longest text of a `longText` field, in characters.
pub const MAX_LONG_TEXT: usize = 200_000;
/// Most entries of a list value.
pub const MAX_LIST: usize = 1_000;

/// What reading a value needs beside the field.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub schema: &'a Schema,
    /// the organisation's currency, taken for a plain number
    pub currency: Currency,
}

/// JSON for an answer. A reference is its id as text; `crm` adds names.
pub fn write(value: &Value) -> Json {
    match value {
        Value::Text(s) => json!(s),
        Value::Number(n) if n.fract() == 0.0 && n.abs() < 9e15 => json!(*n as i64),
        Value::Number(n) => json!(n),
        Value::Bool(b) => json!(b),
        Value::Money(m) => json!({"amount": m.amount(), "currency": m.currency}),
        Value::Date(d) => json!(d),
        Value::Time(t) => json!(t),
        Value::Texts(list) => json!(list),
        Value::Ref(link) => json!(link.id),
        Value::Refs(links) => links.iter().map(|l| json!(l.id)).collect(),
        Value::Name(n) => json!(n),
        Value::Address(a) => json!(a),
        Value::Geo(g) => json!(g),
        Value::Files(files) => json!(files),
    }
}

impl Reader<'_> {
    /// Reads and checks one value; `null`, an empty text and an empty list mean: no value.
    pub fn read(&self, field: &Field, json: &Json) -> Result<Option<Value>, FieldError> {
        let value = self.parse(field, json)?;
        let empty = match &value {
            None => true,
            Some(Value::Text(s)) => s.is_empty(),
            Some(Value::Texts(l)) => l.is_empty(),
            Some(Value::Refs(l)) => l.is_empty(),
            Some(Value::Files(l)) => l.is_empty(),
            Some(Value::Name(n)) => n.is_empty(),
            Some(Value::Address(a)) => a.is_empty(),
            Some(_) => false,
        };
        if empty {
            return if field.required { Err(required(field)) } else { Ok(None) };
        }
        Ok(value)
    }

    fn parse(&self, field: &Field, json: &Json) -> Result<Option<Value>, FieldError> {
        use FieldType::*;
        if json.is_null() {
            return Ok(None);
        }
        let value = match field.kind {
            Text | LongText => Value::Text(self.text(field, json)?),
            Email | Phone | Url if field.many => {
                Value::Texts(self.list(field, json, |j| self.contact_point(field, j))?)
            }
            Email | Phone | Url => Value::Text(self.contact_point(field, first(json))?),
            Number | Duration | Rating => Value::Number(number(field, json)?),
            YesNo => Value::Bool(json.as_bool().ok_or_else(|| wrong(field, "true or false"))?),
            Money => match self.money(field, json)? {
                Some(money) => Value::Money(money),
                None => return Ok(None),
            },
            FieldType::Date => match text_of(json).ok_or_else(|| wrong(field, "a date such as 2026-03-31"))? {
                "" => return Ok(None),
                text => {
                    Value::Date(text.parse::<crate::Date>().map_err(|_| wrong(field, "a date such as 2026-03-31"))?)
                }
            },
            DateTime => match text_of(json).ok_or_else(|| wrong(field, "a time such as 2026-03-31T09:00:00Z"))? {
                "" => return Ok(None),
                text => {
                    Value::Time(parse_time(text).ok_or_else(|| wrong(field, "a time such as 2026-03-31T09:00:00Z"))?)
                }
            },
            Choice => {
                let text = text_of(json).ok_or_else(|| wrong(field, "one of the choices"))?;
                Value::Text(if text.is_empty() { String::new() } else { choice(field, text)? })
            }
            MultiChoice => {
                Value::Texts(self.list(field, json, |j| {
                    choice(field, text_of(j).ok_or_else(|| wrong(field, "a list of choices"))?)
                })?)
            }
            FieldType::Address => Value::Address(
                serde_json::from_value::<crate::Address>(json.clone())
                    .map_err(|_| wrong(field, "an object {street, city, region, postalCode, country}"))
                    .and_then(|a| check_address(field, a))?,
            ),
            FieldType::PersonName => Value::Name(match json {
                Json::String(full) => crate::PersonName::parse(full),
                Json::Object(_) => {
                    serde_json::from_value(json.clone()).map_err(|_| wrong(field, "an object {first, last}"))?
                }
                _ => return Err(wrong(field, "an object {first, last}")),
            })
            .checked(field)?,
            Reference => match text_of(json) {
                Some("") => return Ok(None),
                _ => Value::Ref(self.link(field, json)?),
            },
            References => {
                let mut links: Vec<Link> = Vec::new();
                for item in items(field, json)? {
                    let link = self.link(field, item)?;
                    if !links.contains(&link) {
                        links.push(link);
                    }
                }
                Value::Refs(links)
            }
            File => Value::Files(items(field, json)?.iter().map(|item| file(field, item)).collect::<Result<_, _>>()?),
            GeoPoint => {
                let geo: Geo =
                    serde_json::from_value(json.clone()).map_err(|_| wrong(field, "an object {lat, lon}"))?;
                if !(-90.0..=90.0).contains(&geo.lat) || !(-180.0..=180.0).contains(&geo.lon) {
                    return Err(range(field, "latitude -90 to 90, longitude -180 to 180"));
                }
                Value::Geo(geo)
            }
            Formula | RollUp => return Err(FieldError::new(&field.name, "read_only", "is computed and cannot be set")),
        };
        Ok(Some(value))
    }

    fn text(&self, field: &Field, json: &Json) -> Result<String, FieldError> {
        let text = match json {
            Json::String(s) => s.trim().to_owned(),
            Json::Number(n) => n.to_string(),
            _ => return Err(wrong(field, "text")),
        };
        check_text(field, &text)?;
        Ok(text)
    }

    fn contact_point(&self, field: &Field, json: &Json) -> Result<String, FieldError> {
        let text = text_of(json).ok_or_else(|| wrong(field, "text"))?.trim();
        if text.is_empty() {
            return Ok(String::new());
        }
        check_text(field, text)?;
        match field.kind {
            FieldType::Email if !is_email(text) => {
                Err(FieldError::new(&field.name, "email", "is not an e-mail address"))
            }
            FieldType::Email => Ok(text.to_owned()),
            FieldType::Phone if !is_phone(text) => {
                Err(FieldError::new(&field.name, "phone", "is not a telephone number"))
            }
            FieldType::Url => url(field, text),
            _ => Ok(text.to_owned()),
        }
    }

    fn list(
        &self,
        field: &Field,
        json: &Json,
        read: impl Fn(&Json) -> Result<String, FieldError>,
    ) -> Result<Vec<String>, FieldError> {
        let mut out: Vec<String> = Vec::new();
        for item in items(field, json)? {
            let text = read(item)?;
            if !text.is_empty() && !out.contains(&text) {
                out.push(text);
            }
        }
        Ok(out)
    }

    fn money(&self, field: &Field, json: &Json) -> Result<Option<Money>, FieldError> {
        let expect = "an object {amount: \"1250.00\", currency: \"EUR\"} or a number";
        let (amount, currency) = match json {
            Json::Object(o) => {
                let currency = match o.get("currency") {
                    None | Some(Json::Null) => self.currency,
                    Some(c) => text_of(c)
                        .and_then(|c| c.parse().ok())
                        .ok_or_else(|| FieldError::new(&field.name, "currency", "is not an ISO 4217 code"))?,
                };
                (o.get("amount").unwrap_or(&Json::Null), currency)
            }
            other => (other, self.currency),
        };
        let amount = match amount {
            Json::Null => return Ok(None),
            Json::String(s) if s.trim().is_empty() => return Ok(None),
            Json::String(s) => s.clone(),
            Json::Number(n) => n.to_string(),
            _ => return Err(wrong(field, expect)),
        };
        let money = Money::parse(&amount, currency)
            .map_err(|e| FieldError::new(&field.name, "money", format!("{e}; give {expect}")))?;
        check_range(field, money.minor as f64 / 10f64.powi(currency.decimals() as i32))?;
        Ok(Some(money))
    }

    fn link(&self, field: &Field, json: &Json) -> Result<Link, FieldError> {
        let expect = "the id of a record";
        let (id, object) = match json {
            Json::Object(o) => (o.get("id").and_then(text_of), o.get("object").and_then(text_of)),
            other => (text_of(other), None),
        };
        let id: Id = id.and_then(|t| t.trim().parse().ok()).ok_or_else(|| wrong(field, expect))?;
        let name = match (object, field.target.as_slice()) {
            (Some(name), targets) if targets.is_empty() || targets.iter().any(|t| t == name) => name,
            (Some(_), targets) => {
                return Err(FieldError::new(&field.name, "target", format!("must be one of: {}", targets.join(", "))));
            }
            (None, [only]) => only,
            (None, _) => return Ok(Link { object: ObjectCode(0), id }),
        };
        let object = self.schema.by_name(name).ok_or_else(|| wrong(field, expect))?;
        Ok(Link { object: object.code, id })
    }
}

trait Checked: Sized {
    fn checked(self, field: &Field) -> Result<Self, FieldError>;
}

impl Checked for Value {
    fn checked(self, field: &Field) -> Result<Value, FieldError> {
        if let Value::Name(name) = &self {
            check_text(field, &name.first)?;
            check_text(field, &name.last)?;
        }
        Ok(self)
    }
}

fn check_address(field: &Field, a: Address) -> Result<Address, FieldError> {
    for part in [&a.street, &a.city, &a.region, &a.postal_code, &a.country] {
        check_text(field, part)?;
    }
    Ok(a)
}

fn check_text(field: &Field, text: &str) -> Result<(), FieldError> {
    let default = if field.kind == FieldType::LongText { MAX_LONG_TEXT } else { MAX_TEXT };
    let limit = field.max_length.map_or(default, |m| m as usize);
    if text.len() > limit && text.chars().count() > limit {
        return Err(FieldError::new(&field.name, "too_long", format!("is longer than {limit} characters")));
    }
    if text.contains('\0') {
        return Err(FieldError::new(&field.name, "control_character", "contains a NUL character"));
    }
    Ok(())
}

fn number(field: &Field, json: &Json) -> Result<f64, FieldError> {
    let n = match json {
        Json::Number(n) => n.as_f64(),
        Json::String(s) => s.trim().parse().ok(),
        _ => None,
    };
    let n = n.filter(|n| n.is_finite()).ok_or_else(|| wrong(field, "a number"))?;
    check_range(field, n)?;
    Ok(n)
}

fn check_range(field: &Field, n: f64) -> Result<(), FieldError> {
    if field.min.is_some_and(|min| n < min) {
        return Err(range(field, &format!("must be at least {}", field.min.unwrap_or_default())));
    }
    if field.max.is_some_and(|max| n > max) {
        return Err(range(field, &format!("must be at most {}", field.max.unwrap_or_default())));
    }
    Ok(())
}

/// By key, else by label without regard to case.
pub fn choice(field: &Field, text: &str) -> Result<String, FieldError> {
    let text = text.trim();
    if let Some(c) = field.choices.iter().find(|c| c.key == text) {
        return Ok(c.key.clone());
    }
    let folded = crate::fold(text);
    if let Some(c) = field.choices.iter().find(|c| crate::fold(&c.label) == folded || crate::fold(&c.key) == folded) {
        return Ok(c.key.clone());
    }
    if field.open {
        check_text(field, text)?;
        return Ok(text.to_owned());
    }
    let offered: Vec<_> = field.choices.iter().filter(|c| !c.retired).map(|c| c.key.as_str()).take(20).collect();
    Err(FieldError::new(&field.name, "unknown_choice", format!("must be one of: {}", offered.join(", "))))
}

/// A pragmatic check: one `@`, no spaces, a dot in the domain, lengths of RFC 5321.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let clean =
        |s: &str| !s.is_empty() && !s.chars().any(|c| c.is_whitespace() || c.is_control() || "<>()[],;\"@".contains(c));
    text.len() <= 254
        && local.len() <= 64
        && clean(local)
        && clean(domain)
        && !domain.starts_with(['.', '-'])
        && !domain.ends_with(['.', '-'])
        && !domain.contains("..")
        && domain.contains('.')
}

/// 3 to 20 digits with the usual separators, an optional extension.
pub fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let usual = |c: char| c.is_ascii_digit() || " +-()./#*,;:xXetEnT\u{a0}".contains(c);
    (3..=20).contains(&digits) && text.chars().all(usual)
}

fn url(field: &Field, text: &str) -> Result<String, FieldError> {
    let error = || FieldError::new(&field.name, "url", "is not a web address such as https://example.com");
    let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
    if !["http", "https", "ftp", "sip", "tel"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return Err(error());
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || rest.contains(char::is_whitespace) || rest.contains(['<', '>', '"']) {
        return Err(error());
    }
    Ok(if text.contains("://") { text.to_owned() } else { format!("https://{text}") })
}

/// RFC 3339, a bare date (midnight UTC) or a date and time without offset (UTC).
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(t) = text.parse::<Timestamp>() {
        return Some(t);
    }
    if let Ok(d) = text.parse::<Date>() {
        return Some(d.start());
    }
    format!("{}Z", text.replacen(' ', "T", 1)).parse().ok()
}

fn text_of(json: &Json) -> Option<&str> {
    json.as_str()
}

/// `{id, ...}` as the upload gave it, or its id alone.
fn file(field: &Field, json: &Json) -> Result<FileRef, FieldError> {
    let given = match text_of(json) {
        Some(id) => serde_json::from_value(json!({"id": id})),
        None => serde_json::from_value(json.clone()),
    };
    given.map_err(|_| wrong(field, "a list of uploaded files, each {\"id\": ...}"))
}

fn first(json: &Json) -> &Json {
    json.as_array().and_then(|a| a.first()).unwrap_or(json)
}

fn items<'j>(field: &Field, json: &'j Json) -> Result<&'j [Json], FieldError> {
    let items = match json {
        Json::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    if items.len() > MAX_LIST {
        return Err(range(field, &format!("has more than {MAX_LIST} entries")));
    }
    Ok(items)
}

pub fn required(field: &Field) -> FieldError {
    FieldError::new(&field.name, "required", "is required")
}

fn wrong(field: &Field, expect: &str) -> FieldError {
    FieldError::new(&field.name, "type", format!("must be {expect}"))
}

fn range(field: &Field, detail: &str) -> FieldError {
    FieldError::new(&field.name, "out_of_range", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Choice, Object};

    fn field(kind: &str, extra: Json) -> Field {
        let mut json = json!({"code": 1, "name": "f", "label": "F", "type": kind});
        for (key, value) in extra.as_object().unwrap() {
            json[key] = value.clone();
        }
        serde_json::from_value(json).unwrap()
    }

    fn schema() -> Schema {
        let company = Object {
            code: ObjectCode(2),
            name: "company".into(),
            label: "Company".into(),
            plural: "Companies".into(),
            icon: String::new(),
            title: "name".into(),
            list: vec![],
            fields: vec![],
            custom: false,
            internal: false,
        };
        Schema::new(1, [company])
    }

    fn read(field: &Field, json: Json) -> Result<Json, String> {
        let schema = schema();
        let reader = Reader { schema: &schema, currency: Currency::EUR };
        reader.read(field, &json).map(|v| v.map_or(Json::Null, |v| write(&v))).map_err(|e| e.code)
    }

    #[test]
    fn values_are_read_and_written() {
        let id = "0198c0de-0000-7000-8000-000000000001";
        let stage = json!({"choices": [{"key": "won", "label": "Closed won"}]});
        let none = json!({});
        for (kind, extra, input, expect) in [
            ("text", &none, json!("  Ada "), Ok(json!("Ada"))),
            ("text", &none, json!(12), Ok(json!("12"))),
            ("text", &none, json!([]), Err("type")),
            ("text", &none, json!("a\u{0}b"), Err("control_character")),
            ("text", &json!({"maxLength": 3}), json!("äöü"), Ok(json!("äöü"))),
            ("text", &json!({"maxLength": 3}), json!("äöüß"), Err("too_long")),
            ("text", &json!({"required": true}), json!(" "), Err("required")),
            ("number", &none, json!("12.5"), Ok(json!(12.5))),
            ("number", &none, json!("1e999"), Err("type")),
            ("rating", &json!({"min": 1.0, "max": 5.0}), json!(6), Err("out_of_range")),
            ("money", &none, json!(12.5), Ok(json!({"amount": "12.50", "currency": "EUR"}))),
            ("money", &none, json!({"amount": "5", "currency": "JPY"}), Ok(json!({"amount": "5", "currency": "JPY"}))),
            ("money", &none, json!("1e30"), Err("money")),
            ("money", &none, json!({"amount": "5", "currency": "EURO"}), Err("currency")),
            ("date", &none, json!("2026-02-28"), Ok(json!("2026-02-28"))),
            ("date", &none, json!("2026-02-29"), Err("type")),
            ("dateTime", &none, json!("2026-02-28 10:00:00"), Ok(json!("2026-02-28T10:00:00Z"))),
            ("yesNo", &none, json!(true), Ok(json!(true))),
            ("yesNo", &none, json!("yes"), Err("type")),
            ("choice", &stage, json!("closed WON"), Ok(json!("won"))),
            ("choice", &stage, json!("lost"), Err("unknown_choice")),
            ("multiChoice", &json!({"open": true}), json!(["vip", "vip", "new"]), Ok(json!(["vip", "new"]))),
            ("email", &none, json!("ada@example.com"), Ok(json!("ada@example.com"))),
            ("email", &none, json!("ada@example"), Err("email")),
            ("email", &json!({"many": true}), json!(["a@b.example", ""]), Ok(json!(["a@b.example"]))),
            ("email", &json!({"many": true}), json!("a@b.example"), Ok(json!(["a@b.example"]))),
            ("phone", &none, json!("+49 (30) 23125-012"), Ok(json!("+49 (30) 23125-012"))),
            ("phone", &none, json!("call me"), Err("phone")),
            ("url", &none, json!("example.com/a"), Ok(json!("https://example.com/a"))),
            ("url", &none, json!("javascript://x"), Err("url")),
            ("personName", &none, json!("Lovelace, Ada"), Ok(json!({"first": "Ada", "last": "Lovelace"}))),
            ("reference", &json!({"target": ["company"]}), json!(id), Ok(json!(id))),
            ("reference", &json!({"target": ["company"]}), json!({"id": id, "object": "deal"}), Err("target")),
            ("reference", &json!({"target": ["company"]}), json!("Acme"), Err("type")),
            ("geoPoint", &none, json!({"lat": 91.0, "lon": 0.0}), Err("out_of_range")),
            ("formula", &none, json!(1), Err("read_only")),
            ("text", &none, Json::Null, Ok(Json::Null)),
        ] {
            let expect = expect.map_err(str::to_owned);
            assert_eq!(read(&field(kind, extra.clone()), input.clone()), expect, "{kind} {input}");
        }
    }

    #[test]
    fn choices_keep_their_declared_key() {
        let choice: Choice = serde_json::from_value(json!({"key": "a", "label": "A", "outcome": "won"})).unwrap();
        assert_eq!(choice.outcome.as_deref(), Some("won"));
    }

    proptest::proptest! {
        #[test]
        fn no_json_panics(text in ".{0,60}", n in proptest::num::f64::ANY) {
            for kind in ["text", "number", "money", "date", "dateTime", "email", "phone", "url", "personName", "reference"] {
                let field = field(kind, json!({}));
                let _ = read(&field, json!(text));
                let _ = read(&field, json!(n));
            }
        }
    }
}
