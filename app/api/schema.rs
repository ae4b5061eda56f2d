//! Administration of what there is to fill in and who may do what: objects, fields, roles; the log and the server's health.

use aplomb_model::Role;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Call, Person, Result, list_of};

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
