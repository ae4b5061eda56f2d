//! How long a record was in each stage, read from its history.

use std::collections::BTreeMap;

use aplomb_model::{Action, Error, Field, FieldType, Id, Object, Result, Timestamp, Value};
use aplomb_store::{HistoryEntry, View};
use serde_json::{Value as Json, json};

use super::Render;
use crate::Ctx;
use crate::crm::Crm;
use crate::errors::OrStore;

const PAGE: usize = 200;
/// Most entries of the history that are read.
const MOST: usize = 5_000;

/// A time in a stage.
struct Visit {
    stage: Option<String>,
    /// `None` when the history read does not go back so far
    entered: Option<Timestamp>,
    actor: Option<Id>,
    left: Option<Timestamp>,
}

impl Crm {
    /// Of an object with a `stage` or else a `status`:
    /// `{field, current: {stage, label, outcome, since, seconds}, visits: [{stage, label, entered, left, seconds, actor}],
    /// totals: [{stage, label, visits, seconds}]}`; visits oldest first, the present one with `left` null.
    ///
    /// Errors: `NotFound` also for an object without stages.
    pub fn stages(&self, ctx: &Ctx, object: &str, id: Id) -> Result<Json> {
        let access = self.inner.authorise(ctx, object, Action::Read)?;
        let view = self.inner.view()?;
        access.load(&view, id)?.ok_or_else(|| Error::not_found("record"))?;
        let field = stage_field(&access.object).ok_or_else(|| Error::not_found("field `stage` of this object"))?;
        let visits = visits(&view, &access.object, field, id)?;
        let schema = self.schema();
        let render = Render::new(&self.inner, &schema, &ctx.actor, &view)?;
        let shown: Vec<Json> = visits.iter().map(|v| show(&render, field, v, ctx.now)).collect();
        Ok(json!({
            "field": field.name, "current": current(field, visits.last(), ctx.now), "visits": shown,
            "totals": totals(field, &visits, ctx.now),
        }))
    }
}

fn stage_field(object: &Object) -> Option<&Field> {
    let choice = |name| object.live().find(|f| f.name == name && f.kind == FieldType::Choice);
    choice("stage").or_else(|| choice("status"))
}

fn visits(view: &View, object: &Object, field: &Field, id: Id) -> Result<Vec<Visit>> {
    let mut moves = Vec::new();
    let (mut before, mut read) = (None, 0);
    while read < MOST {
        let page = view.history(object.code, id, before, PAGE).or_store()?;
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        read += page.len();
        moves.extend(page.iter().filter_map(|entry| moved(field, entry)));
    }
    let mut visits: Vec<Visit> = Vec::with_capacity(moves.len() + 1);
    for (from, to) in moves.into_iter().rev() {
        match visits.last_mut() {
            Some(last) => last.left = to.entered,
            None if from.is_some() => {
                visits.push(Visit { stage: from, entered: None, actor: None, left: to.entered });
            }
            None => {}
        }
        visits.push(to);
    }
    Ok(visits)
}

/// The stage that the record left, and the one it came to.
fn moved(field: &Field, entry: &HistoryEntry) -> Option<(Option<String>, Visit)> {
    let (_, from, to) = entry.changes.iter().find(|(code, ..)| *code == field.code)?;
    let key = |value: &Option<Value>| match value {
        Some(Value::Text(key)) => Some(key.clone()),
        _ => None,
    };
    Some((key(from), Visit { stage: key(to), entered: Some(entry.at), actor: Some(entry.actor), left: None }))
}

fn seconds(visit: &Visit, now: Timestamp) -> Option<i64> {
    let left = visit.left.unwrap_or(now);
    visit.entered.map(|entered| (left.seconds() - entered.seconds()).max(0))
}

fn label<'f>(field: &'f Field, stage: &Option<String>) -> Option<&'f str> {
    let choice = field.choices.iter().find(|c| Some(&c.key) == stage.as_ref());
    choice.map(|c| c.label.as_str())
}

fn show(render: &Render<'_>, field: &Field, visit: &Visit, now: Timestamp) -> Json {
    json!({
        "stage": visit.stage, "label": label(field, &visit.stage), "entered": visit.entered, "left": visit.left,
        "seconds": seconds(visit, now), "actor": visit.actor.map(|id| render.user(id)),
    })
}

fn current(field: &Field, visit: Option<&Visit>, now: Timestamp) -> Option<Json> {
    let visit = visit?;
    let choice = field.choices.iter().find(|c| Some(&c.key) == visit.stage.as_ref());
    let outcome = choice.and_then(|c| c.outcome.as_deref()).unwrap_or("open");
    Some(json!({
        "stage": visit.stage, "label": label(field, &visit.stage), "outcome": outcome, "since": visit.entered,
        "seconds": seconds(visit, now),
    }))
}

/// In the order of the declaration; stages that the record never was in are missing.
fn totals(field: &Field, visits: &[Visit], now: Timestamp) -> Vec<Json> {
    let mut sums: BTreeMap<&str, (u32, i64)> = BTreeMap::new();
    for visit in visits {
        let sum = sums.entry(visit.stage.as_deref().unwrap_or_default()).or_default();
        *sum = (sum.0 + 1, sum.1 + seconds(visit, now).unwrap_or(0));
    }
    let total = |choice: &aplomb_model::Choice| {
        let (count, seconds) = sums.get(choice.key.as_str())?;
        Some(json!({"stage": choice.key, "label": choice.label, "visits": count, "seconds": seconds}))
    };
    field.choices.iter().filter_map(total).collect()
}
