//! Importing a file: upload, mapping, check, writing, taking back. The shapes are those of `aplomb-connect`.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use web_sys::{File, FormData};

use super::{Abort, Call, Failure, Result, list_of};

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Import {
    pub id: String,
    pub object: String,
    pub file_name: String,
    pub format: String,
    pub vendor: Option<String>,
    pub encoding: Option<String>,
    pub status: Status,
    pub columns: Vec<Column>,
    pub options: Map<String, Json>,
    pub rows: u64,
    pub progress: Progress,
    pub warnings: Vec<String>,
    pub error: Option<String>,
    pub preview: Option<Preview>,
    pub revert: Option<Reverted>,
    pub created_at: String,
    pub targets: Vec<Target>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    #[default]
    Mapping,
    Checked,
    Queued,
    Running,
    Done,
    Failed,
    Reverting,
    Reverted,
}

impl Status {
    /// The server is at work on it.
    pub fn is_busy(self) -> bool {
        matches!(self, Status::Queued | Status::Running | Status::Reverting)
    }

    pub fn name(self) -> &'static str {
        match self {
            Status::Mapping => "mapping",
            Status::Checked => "checked",
            Status::Queued => "queued",
            Status::Running => "running",
            Status::Done => "done",
            Status::Failed => "failed",
            Status::Reverting => "reverting",
            Status::Reverted => "reverted",
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Column {
    pub index: usize,
    pub header: String,
    pub samples: Vec<String>,
    pub field: Option<String>,
    /// 0 to 1
    pub confidence: f64,
    pub reason: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Target {
    pub field: String,
    pub label: String,
    pub required: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
    pub created: u64,
    pub updated: u64,
    pub skipped: u64,
    pub refused: u64,
    pub companies_created: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Preview {
    pub rows: u64,
    pub create: u64,
    pub update: u64,
    pub skip: u64,
    pub refused: u64,
    pub companies_to_create: u64,
    pub errors: Vec<RowError>,
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct RowError {
    pub row: u64,
    pub header: Option<String>,
    pub value: Option<String>,
    pub detail: String,
}

/// What taking an import back did.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Reverted {
    pub removed: u64,
    pub restored: u64,
    /// changed by somebody since, and left as they are
    pub kept: u64,
    pub edited: Vec<EditedRecord>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct EditedRecord {
    pub object: String,
    pub id: String,
    pub title: String,
    pub detail: String,
}

pub async fn upload(object: &str, file: &File) -> Result<Import> {
    let lost = |_| Failure::network();
    let form = FormData::new().map_err(lost)?;
    form.append_with_str("object", object).map_err(lost)?;
    form.append_with_blob_and_filename("file", file, &file.name()).map_err(lost)?;
    Call::upload("/imports", form).json().await
}

pub async fn imports(abort: &Abort) -> Result<Vec<Import>> {
    list_of(Call::get("/imports").abort(abort).send().await?.json, "imports")
}

pub async fn import(id: &str, abort: &Abort) -> Result<Import> {
    Call::get(format!("/imports/{id}")).abort(abort).json().await
}

/// `mapping`: the index of a column and the path of a field, `None` for a column that is left out.
pub async fn set_mapping(id: &str, mapping: &[(usize, Option<String>)], options: &Map<String, Json>) -> Result<Import> {
    let mapping: Vec<Json> =
        mapping.iter().map(|(column, field)| json!({ "column": column, "field": field })).collect();
    Call::patch(format!("/imports/{id}"), json!({ "mapping": mapping, "options": options })).json().await
}

pub async fn check(id: &str) -> Result<Import> {
    Call::post(format!("/imports/{id}/check"), json!({})).json().await
}

pub async fn commit(id: &str) -> Result<()> {
    Call::post(format!("/imports/{id}/commit"), json!({})).done().await
}

pub async fn revert(id: &str) -> Result<()> {
    Call::post(format!("/imports/{id}/revert"), json!({})).done().await
}

/// Where the browser finds the refused rows.
pub fn errors_csv(id: &str) -> String {
    format!("/api/v1/imports/{id}/errors.csv")
}
