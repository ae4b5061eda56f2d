//! Importing a file: upload, mapping, check, writing, taking back.

use serde_json::{Map, Value as Json, json};
use web_sys::{File, FormData};

pub use aplomb_model::import::{
    Alike, ColumnView as Column, Format, ImportView as Import, Preview, Problem, RevertReport as Reverted, Status,
    TargetView as Target,
};

use super::{Abort, Call, Failure, Result, list_of};

pub fn format_name(format: Format) -> &'static str {
    match format {
        Format::Csv => "CSV",
        Format::Xlsx => "Excel",
        Format::Vcard => "vCard",
        Format::Jsonl => "JSON Lines",
    }
}

/// As the catalogue of texts names it.
pub fn status_name(status: Status) -> &'static str {
    match status {
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
