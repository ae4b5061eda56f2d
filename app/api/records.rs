//! Records: lists, one, its past, and what is written to it.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{Abort, Call, Person, Result};

/// Operations that the server takes in one batch.
const MOST_AT_ONCE: usize = 1_000;

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Record {
    pub id: String,
    pub object: String,
    #[serde(deserialize_with = "super::or_empty")]
    pub title: String,
    pub version: u32,
    pub created_at: String,
    pub updated_at: String,
    pub created_by: Json,
    pub updated_by: Json,
    pub trashed_at: Option<String>,
    pub fields: Map<String, Json>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Total {
    pub count: u64,
    pub exact: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Page {
    pub records: Vec<Record>,
    pub next: Option<String>,
    #[serde(deserialize_with = "super::or_empty")]
    pub total: Total,
}

/// What a list shows; also what its URL holds. Empty text means: not given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListQuery {
    pub object: String,
    /// JSON of an `aplomb_model::Filter`
    pub filter: String,
    pub sort: String,
    pub fields: String,
    pub q: String,
    pub cursor: String,
    /// rows to skip, where there is no cursor
    pub offset: usize,
    pub limit: u32,
    /// count every row, however many
    pub exact: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Happening {
    pub at: String,
    /// the name of an object, or `change`
    pub kind: String,
    #[serde(deserialize_with = "super::or_empty")]
    pub title: String,
    pub object: String,
    pub id: String,
    pub actor: Option<Person>,
    pub detail: Json,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Timeline {
    pub entries: Vec<Happening>,
    pub next: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Change {
    #[serde(deserialize_with = "super::or_empty")]
    pub field: String,
    #[serde(deserialize_with = "super::or_empty")]
    pub label: String,
    pub before: Json,
    pub after: Json,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Version {
    pub version: u32,
    pub at: String,
    pub actor: Option<Person>,
    pub reason: Json,
    pub kind: String,
    pub changes: Vec<Change>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct History {
    pub entries: Vec<Version>,
    pub next: Json,
}

pub async fn list(query: ListQuery, abort: &Abort) -> Result<Page> {
    let number = |n: usize| if n == 0 { String::new() } else { n.to_string() };
    let count = if query.exact { "exact" } else { "" };
    let call = Call::get(format!("/records/{}", query.object)).query("filter", query.filter).query("sort", query.sort);
    let call = call.query("fields", query.fields).query("q", query.q).query("cursor", query.cursor);
    let call = call.query("offset", number(query.offset)).query("limit", number(query.limit as usize));
    call.query("count", count).after_writes().abort(abort).json().await
}

/// Figures: the groups that a query with `groupBy` and `aggregates` gives, each `{key, values}`.
pub async fn groups(object: &str, query: Json, abort: &Abort) -> Result<Vec<Json>> {
    let call = Call::tell(format!("/records/{object}/query"), query);
    super::list_of(call.after_writes().abort(abort).send().await?.json, "groups")
}

pub async fn record(object: &str, id: &str, abort: &Abort) -> Result<Record> {
    Call::get(format!("/records/{object}/{id}")).abort(abort).json().await
}

pub async fn create(object: &str, fields: Map<String, Json>) -> Result<Record> {
    Call::post(format!("/records/{object}"), json!({ "fields": fields })).patient().json().await
}

/// Sets one field, only when the record still has this version.
pub async fn update(object: &str, id: &str, version: u32, fields: Map<String, Json>) -> Result<Record> {
    Call::patch(format!("/records/{object}/{id}"), json!({ "fields": fields }))
        .if_version(version)
        .patient()
        .json()
        .await
}

/// What one record gets, only when it still has `version`.
pub struct Write {
    pub id: String,
    pub version: Option<u32>,
    pub fields: Map<String, Json>,
}

/// Different changes of many records, all or none. Gives each id with its new version.
pub async fn change_all(object: &str, changes: &[Write]) -> Result<Vec<(String, u32)>> {
    let mut written = Vec::with_capacity(changes.len());
    for some in changes.chunks(MOST_AT_ONCE) {
        let one = |c: &Write| {
            let mut operation = json!({ "op": "update", "object": object, "id": c.id, "fields": c.fields });
            if let Some(version) = c.version {
                operation["version"] = json!(version);
            }
            operation
        };
        let operations: Vec<Json> = some.iter().map(one).collect();
        let answer = Call::post("/records/batch", json!({ "operations": operations })).patient().send().await?;
        let results: Vec<Json> = super::list_of(answer.json, "results")?;
        written.extend(some.iter().zip(&results).map(|(c, result)| (c.id.clone(), version_of(result))));
    }
    Ok(written)
}

fn version_of(result: &Json) -> u32 {
    let version = result.get("version").or_else(|| result.pointer("/record/version")).and_then(Json::as_u64);
    version.unwrap_or_default() as u32
}

pub async fn trash(object: &str, id: &str) -> Result<()> {
    Call::delete(format!("/records/{object}/{id}")).done().await
}

pub async fn restore(object: &str, id: &str) -> Result<()> {
    Call::post(format!("/records/{object}/{id}/restore"), json!({})).done().await
}

/// Back to how the record was at a version; this is itself a new version.
pub async fn undo(object: &str, id: &str, version: u32) -> Result<()> {
    Call::post(format!("/records/{object}/{id}/undo"), json!({ "version": version })).done().await
}

/// `kinds`: names of objects and `change`, comma separated; empty for all.
pub async fn timeline(object: &str, id: &str, kinds: &str, cursor: &str, abort: &Abort) -> Result<Timeline> {
    let call = Call::get(format!("/records/{object}/{id}/timeline")).query("kinds", kinds);
    let call = call.query("cursor", cursor).query("limit", "50");
    call.after_writes().abort(abort).json().await
}

pub async fn history(object: &str, id: &str, abort: &Abort) -> Result<History> {
    Call::get(format!("/records/{object}/{id}/history")).query("limit", "100").abort(abort).json().await
}

/// How long a record was in one stage, all its visits together.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct StageTotal {
    pub stage: String,
    pub seconds: f64,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Stages {
    pub visits: Vec<Json>,
    pub totals: Vec<StageTotal>,
}

pub async fn stages(object: &str, id: &str, abort: &Abort) -> Result<Stages> {
    Call::get(format!("/records/{object}/{id}/stages")).abort(abort).json().await
}

pub async fn trashed(object: &str, abort: &Abort) -> Result<Page> {
    Call::get(format!("/records/{object}/trash")).abort(abort).json().await
}

/// What becomes of a lead: JSON with `contact`, `company` and perhaps `deal`, each an id or `{id}` or a record.
pub async fn convert_lead(id: &str, options: Json) -> Result<Json> {
    Call::post(format!("/records/lead/{id}/convert"), options).json().await
}
