//! What a board adds up: count, amount and weighted amount of each stage, of each swim-lane, and of each place where the two
//! meet; and the filters that pick the records of such a place.

use std::collections::HashMap;

use aplomb_model::{Field, Object};
use serde_json::{Value as Json, json};

use crate::api::{self, Abort};
use crate::kit::show;
use crate::text::t;

/// Swim-lanes with a row of their own; what is beyond them shares one.
const MOST_SWIMS: usize = 40;
/// Groups that the server is asked for.
const MOST_GROUPS: u32 = 500;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sums {
    pub count: u64,
    /// digits and currency
    pub amount: Option<(String, String)>,
    pub weighted: Option<(String, String)>,
}

/// A row of the board: all records with one value of a field.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Swim {
    /// tells it from the others; empty on a board without swim-lanes
    pub key: String,
    /// what its records hold: null for nothing
    pub value: Json,
    pub label: String,
    pub sums: Sums,
    /// the keys of all others, when it is for what is beyond them
    rest: Option<Vec<Json>>,
}

impl Swim {
    /// Whether a record can be brought here.
    pub fn takes(&self) -> bool {
        self.rest.is_none()
    }
}

/// What a value is called among swim-lanes.
pub fn swim_key(value: &Json) -> String {
    match value.get("id").unwrap_or(value) {
        Json::Null => "-".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    pub stages: HashMap<String, Sums>,
    /// records whose stage is none that is offered
    pub other: u64,
    pub swims: Vec<Swim>,
    /// by swim-lane and stage; what is not named has none
    pub cells: HashMap<(String, String), u64>,
    /// there were more groups than were asked for
    pub cut: bool,
}

/// What is asked for: the list's filter and text, the field of the stages and that of the swim-lanes.
#[derive(Clone, PartialEq)]
pub struct Question {
    pub filter: String,
    pub q: String,
    pub stage: Field,
    pub swim: Option<Field>,
}

pub async fn figures(object: &Object, asked: &Question, abort: &Abort) -> api::Result<Figures> {
    let by_stage = groups(object, asked, &[&asked.stage.name], abort).await?;
    let stage = |group: &Json| group["key"][&asked.stage.name].as_str().unwrap_or_default().to_owned();
    let stages: HashMap<String, Sums> = by_stage.iter().map(|g| (stage(g), sums(g))).collect();
    let offered = |key: &String| asked.stage.choices.iter().any(|c| !c.retired && c.key == *key);
    let other = stages.iter().filter(|(key, _)| !offered(key)).map(|(_, sums)| sums.count).sum();
    let mut figures = Figures { stages, other, ..Figures::default() };
    let Some(field) = &asked.swim else { return Ok(figures) };
    let rows = groups(object, asked, &[&field.name], abort).await?;
    let cells = groups(object, asked, &[&field.name, &asked.stage.name], abort).await?;
    figures.cut = cells.len() >= MOST_GROUPS as usize;
    let cell = |g: &Json| {
        let stage = stage(g);
        let stage = if offered(&stage) { stage } else { String::new() };
        ((swim_key(&g["key"][&field.name]), stage), count(g))
    };
    for (place, count) in cells.iter().map(cell) {
        *figures.cells.entry(place).or_default() += count;
    }
    figures.swims = swims(field, rows);
    Ok(figures)
}

/// The swim-lanes in the order of the choices, else the fullest first; what has no value comes last. A choice that nothing
/// has yet is there as well, so that something can be brought there.
fn swims(field: &Field, mut groups: Vec<Json>) -> Vec<Swim> {
    let value = |g: &Json| g["key"][&field.name].clone();
    let missing = field.choices.iter().filter(|c| !c.retired && !groups.iter().any(|g| value(g) == c.key));
    let missing: Vec<Json> = missing.map(|c| json!({ "key": { &field.name: c.key } })).collect();
    groups.extend(missing);
    let place = |g: &Json| {
        let value = value(g);
        let choice = field.choices.iter().position(|c| value == c.key);
        (value.is_null(), choice.unwrap_or(usize::MAX), std::cmp::Reverse(count(g)))
    };
    groups.sort_by_key(place);
    let beyond = groups.split_off(groups.len().min(MOST_SWIMS));
    let label = |value: &Json| match value {
        Json::Null => t("groups.none").to_owned(),
        value => show::text(field, value),
    };
    let one = |g: &Json| {
        let value = value(g);
        Swim { key: swim_key(&value), label: label(&value), value, sums: sums(g), rest: None }
    };
    let mut swims: Vec<Swim> = groups.iter().map(one).collect();
    if !beyond.is_empty() {
        let shown = groups.iter().map(value).filter(|v| !v.is_null());
        let shown = shown.map(|v| v.get("id").cloned().unwrap_or(v)).collect();
        let count = beyond.iter().map(count).sum();
        let sums = Sums { count, ..Sums::default() };
        let label = t("board.beyond").to_owned();
        swims.push(Swim { key: "*".to_owned(), label, sums, rest: Some(shown), ..Swim::default() });
    }
    swims
}

fn count(group: &Json) -> u64 {
    group.pointer("/values/count").and_then(Json::as_u64).unwrap_or_default()
}

fn sums(group: &Json) -> Sums {
    let money = |name: &str| {
        let amount = group["values"].get(name)?;
        let currency = amount.get("currency")?.as_str()?.to_owned();
        Some((crate::state::format::plain_amount(amount.get("amount")?), currency))
    };
    Sums { count: count(group), amount: money("amount"), weighted: money("weighted") }
}

async fn groups(object: &Object, asked: &Question, by: &[&str], abort: &Abort) -> api::Result<Vec<Json>> {
    let mut aggregates = vec![json!({ "op": "count", "as": "count" })];
    if by.len() == 1 {
        for (name, source) in [("amount", "amount"), ("weighted", "weightedAmount")] {
            if object.field(source).is_some() {
                aggregates.push(json!({ "op": "sum", "field": source, "as": name }));
            }
        }
    }
    let mut query = json!({ "groupBy": by, "aggregates": aggregates, "limit": MOST_GROUPS });
    if let Ok(filter) = serde_json::from_str::<Json>(&asked.filter) {
        query["filter"] = filter;
    }
    if !asked.q.is_empty() {
        query["q"] = json!(asked.q);
    }
    api::groups(&object.name, query, abort).await
}

/// The list's filter, and that a record is in this stage (none of those offered, when it is empty) and swim-lane.
pub fn narrowed(asked: &Question, stage: &str, swim: &Swim) -> String {
    let mut all: Vec<Json> = serde_json::from_str(&asked.filter).into_iter().collect();
    let name = &asked.stage.name;
    all.push(if stage.is_empty() {
        let offered: Vec<&str> = asked.stage.choices.iter().filter(|c| !c.retired).map(|c| c.key.as_str()).collect();
        json!({ "field": name, "op": "notIn", "value": offered })
    } else {
        json!({ "field": name, "op": "eq", "value": stage })
    });
    if let Some(field) = &asked.swim {
        match (&swim.rest, &swim.value) {
            (Some(shown), _) => {
                all.push(json!({ "field": field.name, "op": "notIn", "value": shown }));
                all.push(json!({ "field": field.name, "op": "isEmpty", "value": false }));
            }
            (None, Json::Null) => all.push(json!({ "field": field.name, "op": "isEmpty", "value": true })),
            (None, value) => {
                let value = value.get("id").unwrap_or(value);
                all.push(json!({ "field": field.name, "op": "eq", "value": value }));
            }
        }
    }
    json!({ "and": all }).to_string()
}
