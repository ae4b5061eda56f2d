//! Records: one at a time, lists, batches, and what became of them.

use aplomb_crm::{BatchOp, Change, ConvertLead, Map, QueryPage, RecordView, SearchRequest, TimelineRequest};
use aplomb_model::query::Count;
use aplomb_model::{Code, Error, FieldError, Filter, Query, Result, Sort, Timestamp};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::call::{Call, Door, parse};
use crate::change::Wanted;
use crate::http::answer::Answer;

const ROWS: usize = 50;
const MOST_ROWS: usize = 500;
const MOST_HITS: usize = 100;
const MOST_OPERATIONS: usize = 1_000;

/// What `POST` and `PATCH` carry. The other members of a record are taken as well, so that what was read can be sent
/// back; of them only `version` counts.
struct Sent {
    fields: Map,
    version: Option<u32>,
}

/// Members of a record beside its fields.
const HEAD: [&str; 9] =
    ["id", "object", "version", "title", "trashedAt", "createdAt", "updatedAt", "createdBy", "updatedBy"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Undo {
    version: u32,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Batch {
    List(Vec<serde_json::Value>),
    Named { operations: Vec<serde_json::Value> },
}

/// Errors: `invalid` saying where fields belong, the commonest mistake.
fn sent(call: &Call) -> Result<Sent> {
    let mut given = call.map()?;
    let strange = |name: &&String| *name != "fields" && !HEAD.contains(&name.as_str());
    let mut wrong = Vec::new();
    let mut detail = None;
    if !given.contains_key("fields") {
        detail = Some("put a record's fields under `fields`: {\"fields\": {\"name\": ...}}");
        wrong.extend(detail.map(|detail| FieldError::new("fields", "required", detail)));
    }
    let why = "is no member of a record; a field belongs under `fields`";
    wrong.extend(given.keys().filter(strange).map(|name| FieldError::new(name.clone(), "unknown_field", why)));
    let fields = match given.get_mut("fields").map(Json::take) {
        Some(Json::Object(fields)) => fields,
        Some(_) => {
            wrong.push(FieldError::new("fields", "type", "must be an object: {\"name\": ...}"));
            Map::new()
        }
        None => Map::new(),
    };
    let version = match given.get("version") {
        None | Some(Json::Null) => None,
        Some(version) => {
            let version = version.as_u64().and_then(|version| u32::try_from(version).ok());
            if version.is_none() {
                wrong.push(FieldError::new("version", "type", "must be the whole number that was read"));
            }
            version
        }
    };
    if wrong.is_empty() {
        return Ok(Sent { fields, version });
    }
    let error = Error::invalid(wrong);
    Err(Error { detail: detail.map_or(error.detail.clone(), str::to_owned), ..error })
}

fn record(view: &RecordView) -> Result<Answer> {
    Ok(Answer::json(&view.record)?.version(u64::from(view.version)))
}

fn page(page: &QueryPage) -> Result<Answer> {
    Answer::json(page)
}

/// The query that the address carries.
pub fn query_of(door: &Door) -> Result<Query> {
    let params = &door.query;
    let filter = params.get("filter").map(serde_json::from_str::<Filter>).transpose();
    let count = match params.get("count") {
        None => None,
        Some("exact") => Some(Count::Exact),
        Some("none") => Some(Count::None),
        Some(_) => return Err(Error::field("count", "value", "must be exact or none")),
    };
    Ok(Query {
        filter: filter.map_err(|e| Error::field("filter", "value", format!("not a filter: {e}")))?,
        sort: params.list("sort").iter().map(|text| Sort::parse(text)).collect(),
        fields: params.list("fields"),
        limit: u32::try_from(params.limit(ROWS, MOST_ROWS)?).ok(),
        cursor: params.get("cursor").map(str::to_owned),
        offset: params.parsed("offset", "a number from 0 to 10000000")?,
        as_of: as_of(door)?,
        q: params.get("q").map(str::to_owned),
        after: door.seq("after")?,
        count,
        ..Query::default()
    })
}

fn as_of(door: &Door) -> Result<Option<Timestamp>> {
    door.query.parsed("asOf", "a time such as 2026-03-31T09:00:00Z")
}

pub fn list(call: &Call) -> Result<Answer> {
    page(&call.open.crm.query(&call.ctx, &call.object()?, &query_of(call)?)?)
}

/// Members of a query that are lists, and may be given as a single value.
const LISTS: [&str; 4] = ["sort", "fields", "groupBy", "aggregates"];

pub fn query(call: &Call) -> Result<Answer> {
    let mut given = if call.body.is_empty() { Map::new() } else { call.map()? };
    for name in LISTS {
        if let Some(value) = given.get_mut(name).filter(|value| value.is_string() || value.is_object()) {
            *value = json!([value.take()]);
        }
    }
    let mut query: Query = parse(Json::Object(given))?;
    let limit = query.limit.unwrap_or(ROWS as u32);
    let least = if query.aggregates.is_empty() { 1 } else { 0 };
    if !(least..=MOST_ROWS as u32).contains(&limit) {
        return Err(Error::field("limit", "range", format!("must be a number from 1 to {MOST_ROWS}")));
    }
    query.limit = Some(limit);
    query.after = call.seq("after")?.or(query.after);
    page(&call.open.crm.query(&call.ctx, &call.object()?, &query)?)
}

pub fn create(call: &Call) -> Result<Wanted> {
    let change = Change::Create { object: call.object()?, fields: sent(call)?.fields };
    Ok(Wanted { change, answer: created })
}

fn created(view: &RecordView) -> Result<Answer> {
    let object = view.record.get("object").and_then(Json::as_str).unwrap_or_default();
    let location = format!("/api/v1/records/{object}/{}", view.id);
    Ok(record(view)?.status(201).header("location", location))
}

pub fn show(call: &Call) -> Result<Answer> {
    let (object, id) = (call.object()?, call.id()?);
    let view = match as_of(call)? {
        Some(at) => call.open.crm.get_as_of(&call.ctx, &object, id, &call.query.list("fields"), at)?,
        None => call.open.crm.get(&call.ctx, &object, id, &call.query.list("fields"))?,
    };
    if let Some(expected) = call.head.expected_version()?.filter(|expected| *expected != view.version) {
        let detail = format!("the record is at version {}, not {expected}", view.version);
        return Err(Error::new(Code::VersionMismatch, detail).with("currentVersion", json!(view.version)));
    }
    if call.head.none_match(u64::from(view.version)) {
        return Ok(Answer::empty().status(304).version(u64::from(view.version)));
    }
    record(&view)
}

pub fn update(call: &Call) -> Result<Wanted> {
    let sent = sent(call)?;
    let if_version = call.head.expected_version()?.or(sent.version);
    let change = Change::Update { object: call.object()?, id: call.id()?, if_version, fields: sent.fields };
    Ok(Wanted { change, answer: record })
}

pub fn trash(call: &Call) -> Result<Wanted> {
    let if_version = call.head.expected_version()?;
    let change = Change::Trash { object: call.object()?, id: call.id()?, if_version };
    Ok(Wanted { change, answer: |view| Ok(Answer::empty().version(u64::from(view.version))) })
}

pub fn restore(call: &Call) -> Result<Wanted> {
    let if_version = call.head.expected_version()?;
    Ok(Wanted { change: Change::Restore { object: call.object()?, id: call.id()?, if_version }, answer: record })
}

pub fn undo(call: &Call) -> Result<Wanted> {
    let undo: Undo = call.json()?;
    let if_version = call.head.expected_version()?;
    let change = Change::Undo { object: call.object()?, id: call.id()?, if_version, version: undo.version };
    Ok(Wanted { change, answer: record })
}

pub fn batch(call: &Call) -> Result<Answer> {
    let (Batch::List(list) | Batch::Named { operations: list }) = call.json()?;
    if list.len() > MOST_OPERATIONS {
        return Err(Error::field("operations", "range", format!("at most {MOST_OPERATIONS} at once")));
    }
    let operation = |(at, json)| {
        parse::<BatchOp>(json).map_err(|e| {
            let fields = e.fields.into_iter().map(|field| field.under(&format!("operations[{at}]"))).collect();
            Error::invalid(fields)
        })
    };
    let operations = list.into_iter().enumerate().map(operation).collect::<Result<Vec<_>>>()?;
    let done = call.open.crm.batch(&call.ctx, operations)?;
    Ok(Answer::json(&json!({"results": done.results, "seq": done.seq}))?.seq(done.seq))
}

pub fn convert(call: &Call) -> Result<Answer> {
    let mut options: ConvertLead = call.json_or_default()?;
    options.version = call.head.expected_version()?.or(options.version);
    let converted = call.open.crm.convert_lead(&call.ctx, call.id()?, options)?;
    Ok(Answer::json(&converted.answer)?.seq(converted.seq))
}

pub fn trash_list(call: &Call) -> Result<Answer> {
    let limit = call.query.limit(ROWS, MOST_ROWS)?;
    page(&call.open.crm.trash_list(&call.ctx, &call.object()?, call.query.get("cursor"), limit)?)
}

pub fn history(call: &Call) -> Result<Answer> {
    let limit = call.query.limit(ROWS, MOST_ROWS)?;
    Answer::json(&call.open.crm.history(&call.ctx, &call.object()?, call.id()?, call.query.get("cursor"), limit)?)
}

pub fn stages(call: &Call) -> Result<Answer> {
    Answer::json(&call.open.crm.stages(&call.ctx, &call.object()?, call.id()?)?)
}

pub fn timeline(call: &Call) -> Result<Answer> {
    let request = TimelineRequest {
        kinds: call.query.list("kinds"),
        cursor: call.query.get("cursor").map(str::to_owned),
        limit: call.query.limit(ROWS, MOST_ROWS)?,
        after: call.seq("after")?,
    };
    Answer::json(&call.open.crm.timeline(&call.ctx, &call.object()?, call.id()?, &request)?)
}

pub fn search(call: &Call) -> Result<Answer> {
    if let Some(mode) = call.query.get("mode").filter(|mode| *mode != "text") {
        let detail = format!("{mode} search is not available yet; text is");
        return Err(Error::field("mode", "value", detail));
    }
    let request = SearchRequest {
        q: call.query.get("q").unwrap_or_default().to_owned(),
        objects: call.query.list("object"),
        limit: call.query.limit(20, MOST_HITS)?,
        cursor: call.query.get("cursor").map(str::to_owned),
        after: call.seq("after")?,
    };
    Answer::json(&call.open.crm.search(&call.ctx, &request)?)
}
