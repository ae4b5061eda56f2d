//! What happened to what concerns one: notices, and which of them are read.

use serde::Deserialize;
use serde_json::json;

use super::{Abort, Call, Person, Result};

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct NamedField {
    pub field: String,
    #[serde(deserialize_with = "super::or_empty")]
    pub label: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Told {
    pub id: String,
    pub at: String,
    /// `assigned`, `changed`, `deleted`, `jobDone`, `jobFailed` or `importDone`
    pub kind: String,
    #[serde(deserialize_with = "super::or_empty")]
    pub object: String,
    pub record: Option<Person>,
    pub import: Option<String>,
    pub actor: Option<Person>,
    pub fields: Vec<NamedField>,
    /// how many records it is about
    pub count: u64,
    pub read: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Notices {
    pub notices: Vec<Told>,
    pub unread: u64,
    pub next: Option<String>,
}

pub async fn notices(limit: u32, cursor: &str, abort: &Abort) -> Result<Notices> {
    let call = Call::get("/notices").query("limit", limit.to_string()).query("cursor", cursor);
    call.abort(abort).quiet().json().await
}

/// Marks as read, all of them when `ids` is empty; gives how many are left.
pub async fn read_notices(ids: &[String]) -> Result<u64> {
    let body = if ids.is_empty() { json!({ "all": true }) } else { json!({ "ids": ids }) };
    let answer = Call::tell("/notices/read", body).send().await?;
    Ok(answer.json.get("unread").and_then(serde_json::Value::as_u64).unwrap_or_default())
}
