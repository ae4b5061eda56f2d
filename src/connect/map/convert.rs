//! One row of text into typed values, each cell with its own reason when it cannot be read.

use std::collections::HashMap;

use aplomb_model::json::{self, Reader};
use aplomb_model::query::Part;
use aplomb_model::record::Fields;
use aplomb_model::value::{Address, Money, PersonName};
use aplomb_model::{Currency, Field, FieldCode, FieldError, FieldType, Id, Object, Schema, Value};
use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};

use super::stats::{salesforce_id_18, shorten};
use super::target::{Key, Place, Target};
use super::{cell, date, words};
use crate::export::unguard;
use crate::read::Row;
use crate::view::{DateOrder, OnMatch, UnknownChoice};

/// How the cells of one column are read.
#[derive(Debug, Clone)]
pub struct Column {
    pub target: Option<Target>,
    pub order: DateOrder,
    pub decimal: char,
}

/// What reading cells needs beside the cells.
pub struct Converter<'a> {
    pub schema: &'a Schema,
    pub object: &'a Object,
    pub columns: &'a [Column],
    pub currency: Currency,
    pub zone: TimeZone,
    /// a choice nobody offers yet
    pub unknown: UnknownChoice,
    choices: HashMap<(FieldCode, String), Result<Choice, FieldError>>,
}

/// What a word among choices is.
#[derive(Debug, Clone)]
enum Choice {
    Known(String),
    /// by the key it will have
    New(String),
    Unknown,
}

/// A row, read. References and owner are still words.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub number: u64,
    pub fields: Fields,
    pub references: Vec<Reference>,
    pub owner: Option<Reference>,
    /// who made it in the old system
    pub creator: Option<String>,
    /// the row's id in the old system
    pub external: Option<String>,
    pub id: Option<Id>,
    pub problems: Vec<CellProblem>,
    /// choices to be added: field and label
    pub new_choices: Vec<(FieldCode, String)>,
    /// choices that nobody offers, left out
    pub unknown_choices: Vec<(FieldCode, String)>,
    /// the name was made from something else in the row
    pub name_made: bool,
    /// what somebody decided for this row
    pub decision: Option<OnMatch>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub field: FieldCode,
    pub column: usize,
    pub object: String,
    pub by: Key,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellProblem {
    /// `None`: the row as a whole
    pub column: Option<usize>,
    pub field: Option<String>,
    pub value: Option<String>,
    pub code: String,
    pub detail: String,
}

/// Parts that become one value when the whole row is read.
#[derive(Default)]
struct Parts {
    names: HashMap<FieldCode, PersonName>,
    middle: HashMap<FieldCode, String>,
    addresses: HashMap<FieldCode, Address>,
    currency: HashMap<FieldCode, Currency>,
    amounts: Vec<(FieldCode, usize, String)>,
}

impl<'a> Converter<'a> {
    pub fn new(
        schema: &'a Schema,
        object: &'a Object,
        columns: &'a [Column],
        currency: Currency,
        zone: TimeZone,
        unknown: UnknownChoice,
    ) -> Converter<'a> {
        Converter { schema, object, columns, currency, zone, unknown, choices: HashMap::new() }
    }

    pub fn row(&mut self, row: &Row) -> Draft {
        let mut draft = Draft { number: row.number, ..Draft::default() };
        if let Some(problem) = &row.problem {
            draft
                .problems
                .push(CellProblem { column: problem.cell, ..CellProblem::row(&problem.code, &problem.detail) });
            return draft;
        }
        if row.cells.iter().skip(self.columns.len()).any(|c| !c.trim().is_empty()) {
            let detail = format!("the row has {} cells, the header {}", row.cells.len(), self.columns.len());
            draft.problems.push(CellProblem::row("too_many_cells", &detail));
            return draft;
        }
        let mut parts = Parts::default();
        let columns = self.columns;
        for (at, (column, text)) in columns.iter().zip(&row.cells).enumerate() {
            let text = unguard(text.trim());
            if let (Some(target), false) = (&column.target, text.is_empty()) {
                self.cell(at, column, target, text, &mut parts, &mut draft);
            }
        }
        self.join(parts, &mut draft);
        self.stand_in(&mut draft);
        draft
    }

    fn cell(&mut self, at: usize, column: &Column, target: &Target, text: &str, parts: &mut Parts, draft: &mut Draft) {
        match &target.place {
            Place::ExternalId => draft.external = Some(external_id(text)),
            Place::Id => match text.parse() {
                Ok(id) => draft.id = Some(id),
                Err(_) => draft.problem(at, target, text, "id", "is not an id of Aplomb"),
            },
            Place::Owner(field) if !words::is_nothing(text) => {
                let object = "user".to_owned();
                draft.owner =
                    Some(Reference { field: *field, column: at, object, by: Key::Any, text: text.to_owned() });
            }
            Place::Reference { field, object, by } if !words::is_nothing(text) => {
                let many = self.object.by_code(*field).is_some_and(|f| f.kind == FieldType::References);
                let split: &[char] = if many && *by != Key::Name { &[';', ',', '\n'] } else { &[';', '\n'] };
                let texts: Vec<&str> = match (many, by) {
                    (true, _) | (_, Key::External) => text.split(split).collect(),
                    _ => vec![text],
                };
                let found = texts.into_iter().map(str::trim).filter(|t| !t.is_empty());
                // a list of ids for a single reference (HubSpot's associated companies): the first is the primary one
                for text in found.take(if many { 100 } else { 1 }) {
                    let text = if *by == Key::External { external_id(text) } else { text.to_owned() };
                    draft.references.push(Reference {
                        field: *field,
                        column: at,
                        object: object.clone(),
                        by: *by,
                        text,
                    });
                }
            }
            Place::Creator if !words::is_nothing(text) => draft.creator = Some(text.to_owned()),
            Place::Owner(_) | Place::Reference { .. } | Place::Creator => {}
            Place::Moment(_) if words::is_nothing(text) => {}
            Place::Moment(code) => match date::parse(text, column.order).and_then(|w| w.moment(&self.zone)) {
                Some(at) => drop(draft.fields.set(*code, Some(Value::Time(at)))),
                None => draft.problem(at, target, text, "date", "is not a date between year 1 and 9999"),
            },
            Place::Currency(field) => match text.parse::<Currency>().ok().or_else(|| cell::currency(text)) {
                Some(currency) => drop(parts.currency.insert(*field, currency)),
                None => draft.problem(at, target, text, "currency", "is not an ISO 4217 code such as EUR"),
            },
            Place::Middle(field) => drop(parts.middle.insert(*field, text.to_owned())),
            Place::Part(field, part) => parts.put(*field, *part, text),
            Place::Field(code) => {
                let object = self.object;
                let Some(field) = object.by_code(*code) else { return };
                if let Err(e) = self.value(at, column, field, text, parts, draft) {
                    draft.problems.push(CellProblem {
                        column: Some(at),
                        field: Some(target.path.clone()),
                        value: Some(shorten(text)),
                        code: e.code,
                        detail: e.detail,
                    });
                }
            }
        }
    }

    fn value(
        &mut self,
        at: usize,
        column: &Column,
        field: &'a Field,
        text: &str,
        parts: &mut Parts,
        draft: &mut Draft,
    ) -> Result<(), FieldError> {
        use FieldType::*;
        let wordy = matches!(field.kind, Text | LongText | PersonName | Address | Choice | MultiChoice);
        if !wordy && words::is_nothing(text) && !(field.kind == YesNo && text == "-") {
            return Ok(());
        }
        let json = match field.kind {
            PersonName => {
                let whole = aplomb_model::PersonName::parse(text);
                let name = parts.names.entry(field.code).or_default();
                if name.is_empty() {
                    *name = whole;
                }
                return Ok(());
            }
            Address => {
                parts.put(field.code, Part::Street, text);
                return Ok(());
            }
            Money => {
                parts.amounts.push((field.code, at, text.to_owned()));
                return Ok(());
            }
            Choice | MultiChoice => return self.choices(field, text, draft),
            Email => json!(cell::emails(text)),
            Phone => json!(cell::phones(text)),
            Url => json!(cell::items(text)),
            Number | Rating => cell::number(field, text, column.decimal)?,
            Duration => json!(cell::duration(text).ok_or_else(|| wrong(field, "a duration such as 1:30 or 90 min"))?),
            YesNo => json!(words::yes_no(text).ok_or_else(|| wrong(field, "yes or no"))?),
            Date => {
                let value = cell::date(field, text, column.order)?;
                draft.set(field, value);
                return Ok(());
            }
            DateTime => {
                let value = cell::time(field, text, column.order, &self.zone)?;
                draft.set(field, value);
                return Ok(());
            }
            GeoPoint => cell::geo(text).ok_or_else(|| wrong(field, "latitude,longitude"))?,
            Text if field.name == "domain" => json!(cell::domain(text)),
            Text => json!(text.replace(['\r', '\n'], " ")),
            LongText => json!(text),
            Reference | References | File | Formula | RollUp => return Ok(()),
        };
        if let Some(value) = self.read(field, &json)? {
            draft.set(field, value);
        }
        Ok(())
    }

    /// A single value where the field holds one: further ones of the same cell are dropped only if they are repeats.
    fn read(&self, field: &Field, json: &Json) -> Result<Option<Value>, FieldError> {
        let one;
        let json = match json {
            Json::Array(items) if !field.many => {
                one = items.first().cloned().unwrap_or(Json::Null);
                &one
            }
            other => other,
        };
        match (Reader { schema: self.schema, currency: self.currency }).read(field, json) {
            Err(e) if e.code == "required" => Ok(None),
            other => other,
        }
    }

    fn choices(&mut self, field: &Field, text: &str, draft: &mut Draft) -> Result<(), FieldError> {
        if field.kind == FieldType::Choice {
            if let Some(key) = self.choice(field, text, draft)? {
                draft.set(field, Value::Text(key));
            }
            return Ok(());
        }
        let mut keys: Vec<String> = Vec::new();
        for item in cell::tags(text) {
            let key = self.choice(field, &item, draft)?;
            keys.extend(key.filter(|k| !keys.contains(k)));
        }
        if !keys.is_empty() {
            draft.set(field, Value::Texts(keys));
        }
        Ok(())
    }

    /// The key; `None` for one that is left out.
    fn choice(&mut self, field: &Field, text: &str, draft: &mut Draft) -> Result<Option<String>, FieldError> {
        let cached = (field.code, text.to_owned());
        if !self.choices.contains_key(&cached) {
            if self.choices.len() > 20_000 {
                self.choices.clear();
            }
            let found = find_choice(field, text, self.unknown);
            self.choices.insert(cached.clone(), found);
        }
        match self.choices.get(&cached).cloned().unwrap_or(Ok(Choice::Unknown))? {
            Choice::Known(key) => Ok(Some(key)),
            Choice::New(key) => {
                draft.new_choices.push((field.code, text.to_owned()));
                Ok(Some(key))
            }
            Choice::Unknown => {
                draft.unknown_choices.push((field.code, shorten(text)));
                Ok(None)
            }
        }
    }

    fn join(&self, parts: Parts, draft: &mut Draft) {
        for (code, mut name) in parts.names {
            if let Some(middle) = parts.middle.get(&code) {
                name.first = format!("{} {middle}", name.first).trim().to_owned();
            }
            self.put_json(draft, code, &json!(name));
        }
        for (code, address) in parts.addresses {
            self.put_json(draft, code, &json!(address));
        }
        for (code, at, text) in parts.amounts {
            let Some(field) = self.object.by_code(code) else { continue };
            let currency = parts.currency.get(&code).copied().unwrap_or(self.currency);
            let decimal = self.columns.get(at).map_or('.', |c| c.decimal);
            match cell::money(field, &text, decimal, currency) {
                Ok(money) => draft.set(field, Value::Money(money)),
                Err(e) => draft.problems.push(CellProblem {
                    column: Some(at),
                    field: Some(field.name.clone()),
                    value: Some(shorten(&text)),
                    code: e.code,
                    detail: e.detail,
                }),
            }
        }
    }

    fn put_json(&self, draft: &mut Draft, code: FieldCode, json: &Json) {
        let Some(field) = self.object.by_code(code) else { return };
        match self.read(field, json) {
            Ok(Some(value)) => draft.set(field, value),
            Ok(None) => {}
            Err(e) => {
                let column = self.columns.iter().position(|c| c.target.as_ref().is_some_and(|t| fills(&t.place, code)));
                let field = Some(field.name.clone());
                draft.problems.push(CellProblem { column, field, value: None, code: e.code, detail: e.detail });
            }
        }
    }

    /// A company without a domain gets that of its web site; a record without a name is called by its address.
    fn stand_in(&self, draft: &mut Draft) {
        let get = |draft: &Draft, name: &str| self.object.field(name).and_then(|f| draft.fields.get(f.code)).cloned();
        if let Some(field) = self.object.field("domain").filter(|f| draft.fields.get(f.code).is_none())
            && let Some(Value::Text(url)) = get(draft, "website")
        {
            draft.set(field, Value::Text(cell::domain(&url)));
        }
        let Some(title) = self.object.field(&self.object.title).filter(|f| draft.fields.get(f.code).is_none()) else {
            return;
        };
        let email = match get(draft, "email") {
            Some(Value::Texts(list)) => list.into_iter().next(),
            Some(Value::Text(one)) => Some(one),
            _ => None,
        };
        let Some(text) = email.or_else(|| get(draft, "domain").map(|d| d.text())) else { return };
        draft.name_made = true;
        draft.set(
            title,
            match title.kind {
                FieldType::PersonName => Value::Name(PersonName { first: String::new(), last: text }),
                _ => Value::Text(text),
            },
        );
    }
}

fn fills(place: &Place, code: FieldCode) -> bool {
    matches!(place, Place::Field(c) | Place::Part(c, _) if *c == code)
}

/// Ids as other systems write them; Salesforce's short form becomes the long one, so that both mean the same.
pub fn external_id(text: &str) -> String {
    let text = text.trim();
    // Excel turns 123 into 123.0
    let text = text.strip_suffix(".0").filter(|t| t.bytes().all(|b| b.is_ascii_digit())).unwrap_or(text);
    salesforce_id_18(text).unwrap_or_else(|| text.chars().take(200).collect())
}

fn find_choice(field: &Field, text: &str, unknown: UnknownChoice) -> Result<Choice, FieldError> {
    let word = words::key(text);
    let known = |key: &str| field.choices.iter().any(|c| c.key == key);
    if let Some(c) = field.choices.iter().find(|c| words::key(&c.label) == word || words::key(&c.key) == word) {
        return Ok(Choice::Known(c.key.clone()));
    }
    if let Some(ours) = words::choice(&field.name, text).filter(|k| known(k)) {
        return Ok(Choice::Known(ours.to_owned()));
    }
    match (json::choice(field, text), unknown) {
        (Ok(key), _) => Ok(Choice::Known(key)),
        (Err(_), UnknownChoice::Add) => Ok(Choice::New(words::choice_key(text))),
        (Err(_), UnknownChoice::Empty) => Ok(Choice::Unknown),
        (Err(e), UnknownChoice::Refuse) => Err(FieldError { code: "unknown_choice".to_owned(), ..e }),
    }
}

pub(super) fn wrong(field: &Field, expect: &str) -> FieldError {
    FieldError::new(&field.name, "type", format!("must be {expect}"))
}

impl Parts {
    fn put(&mut self, field: FieldCode, part: Part, text: &str) {
        let line = || text.split(['\r', '\n']).map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(", ");
        match part {
            // a whole name is given up for its parts
            Part::First => self.names.entry(field).or_default().first = line(),
            Part::Last => self.names.entry(field).or_default().last = line(),
            Part::Street => self.addresses.entry(field).or_default().street = line(),
            Part::City => self.addresses.entry(field).or_default().city = line(),
            Part::Region => self.addresses.entry(field).or_default().region = line(),
            Part::PostalCode => self.addresses.entry(field).or_default().postal_code = line(),
            Part::Country => self.addresses.entry(field).or_default().country = line(),
            Part::Currency => {}
        }
    }
}

impl Draft {
    /// Lists grow, long texts are put under each other, of single values the first stays.
    fn set(&mut self, field: &Field, value: Value) {
        let merged = match (self.fields.get(field.code), value) {
            (Some(Value::Texts(have)), Value::Texts(more)) => {
                let mut all = have.clone();
                all.extend(more.into_iter().filter(|m| !have.contains(m)));
                Value::Texts(all)
            }
            (Some(Value::Text(have)), Value::Text(more)) if field.kind == FieldType::LongText => {
                Value::Text(format!("{have}\n\n{more}"))
            }
            (Some(_), _) => return,
            (None, value) => value,
        };
        self.fields.set(field.code, Some(merged));
    }

    fn problem(&mut self, at: usize, target: &Target, text: &str, code: &str, detail: &str) {
        self.problems.push(CellProblem {
            column: Some(at),
            field: Some(target.path.clone()),
            value: Some(shorten(text)),
            code: code.to_owned(),
            detail: detail.to_owned(),
        });
    }
}

impl CellProblem {
    pub fn row(code: &str, detail: &str) -> CellProblem {
        CellProblem { column: None, field: None, value: None, code: code.to_owned(), detail: detail.to_owned() }
    }
}

/// Money with the right number of decimals; three digits behind a single separator are thousands.
pub(super) fn amount(digits: &str, currency: Currency) -> Result<Money, String> {
    Money::parse(digits, currency).map_err(|e| e.to_string())
}
