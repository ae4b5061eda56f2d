//! Administration of what there is to fill in and who may do what: objects, fields, roles; the log and the server's health.

use std::collections::BTreeMap;

use aplomb_model::Role;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Abort, Call, Person, Result, list_of};

pub async fn roles_in_full() -> Result<Vec<Role>> {
    list_of(Call::get("/roles").send().await?.json, "roles")
}

pub async fn create_role(role: &Role) -> Result<()> {
    let body = json!({
        "key": role.key, "label": role.label, "description": role.description, "objects": role.objects, "capabilities": role.capabilities,
    });
    Call::post("/roles", body).done().await
}

pub async fn change_role(role: &Role) -> Result<()> {
    let body = json!({
        "label": role.label, "description": role.description, "objects": role.objects, "capabilities": role.capabilities,
    });
    Call::patch(format!("/roles/{}", role.key), body).done().await
}

pub async fn delete_role(key: &str) -> Result<()> {
    Call::delete(format!("/roles/{key}")).done().await
}

/// `field` is a declaration as the API takes it.
pub async fn add_field(object: &str, field: Json) -> Result<()> {
    Call::post(format!("/objects/{object}/fields"), field).done().await
}

pub async fn change_field(object: &str, name: &str, change: Json) -> Result<()> {
    Call::patch(format!("/objects/{object}/fields/{name}"), change).done().await
}

pub async fn retire_field(object: &str, name: &str) -> Result<()> {
    Call::delete(format!("/objects/{object}/fields/{name}")).done().await
}

pub async fn add_object(object: Json) -> Result<()> {
    Call::post("/objects", object).done().await
}

/// One batch of the change log.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Logged {
    pub seq: u64,
    pub at: String,
    pub actor: Option<Person>,
    pub reason: Json,
    pub count: u64,
    pub items: Vec<LoggedItem>,
    pub documents: Vec<Json>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct LoggedItem {
    pub object: String,
    pub id: String,
    pub version: u32,
    pub kind: String,
    pub fields: Vec<String>,
}

/// At most `limit` batches after `since`, oldest first.
pub async fn audit(since: u64, limit: u64) -> Result<Vec<Logged>> {
    let call = Call::get("/audit").query("since", since.to_string()).query("limit", limit.to_string());
    list_of(call.send().await?.json, "entries")
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Readiness {
    pub ready: bool,
    pub seq: u64,
    pub search_seq: u64,
    pub rebuilding: bool,
    pub writable: bool,
}

pub async fn readiness() -> Result<Readiness> {
    Call::get("/readyz").outside().quiet().json().await
}

/// What depends on a field.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Uses {
    /// live records with a value
    pub records: u64,
    pub exact: bool,
    pub views: Vec<UsingView>,
    /// views that only others may see
    pub other_views: u64,
    /// parts of the object's layout, each with whether the field stands in it
    pub layout: BTreeMap<String, bool>,
    pub references: Vec<Json>,
    pub unique: bool,
    pub imports: u64,
    pub removable: bool,
    pub reasons: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct UsingView {
    pub id: String,
    pub name: String,
    pub shared: bool,
}

pub async fn uses(object: &str, field: &str, abort: &Abort) -> Result<Uses> {
    Call::get(format!("/objects/{object}/fields/{field}/uses")).abort(abort).json().await
}

/// How the server is doing, as far as it says.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct System {
    pub version: String,
    pub started_at: String,
    pub uptime_seconds: f64,
    pub seq: u64,
    pub index: IndexState,
    pub store: Room,
    pub memory: Room,
    pub records: BTreeMap<String, u64>,
    pub jobs: JobState,
    pub backup: BackupState,
    pub sessions: u64,
    pub streams: u64,
    pub tls: Json,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct IndexState {
    pub behind: u64,
    pub rebuilding: bool,
    pub documents: u64,
}

/// Bytes in use and, where it is known, left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Room {
    pub bytes: f64,
    pub free_bytes: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobState {
    pub waiting: u64,
    pub failed: u64,
    pub oldest_due: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BackupState {
    pub last_at: Option<String>,
    pub last_bytes: Option<f64>,
    pub by: Json,
}

pub async fn system() -> Result<System> {
    Call::get("/system").json().await
}
