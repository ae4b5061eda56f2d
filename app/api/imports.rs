//! Importing a file: upload, mapping, check, writing, taking back.

use serde_json::{Map, Value as Json, json};
use web_sys::{File, FormData};

pub use aplomb_model::import::{
    CellEdit, ColumnView as Column, Duplicate, DuplicateOf, Format, ImportRow, ImportView as Import, OnMatch, Preview,
    RevertReport as Reverted, RowDecision, RowsPage, Status, TargetView as Target,
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

/// What is to be read differently, and what becomes of single rows; gives these rows as they would be taken now.
pub async fn mend(id: &str, edits: &[CellEdit], decisions: &[RowDecision]) -> Result<Vec<ImportRow>> {
    let body = json!({ "edits": edits, "decisions": decisions });
    list_of(Call::patch(format!("/imports/{id}"), body).patient().send().await?.json, "changedRows")
}

/// Sets what becomes of every row that is known already, whatever was decided before.
pub async fn decide_all(id: &str, action: OnMatch) -> Result<Import> {
    let (mut undecided, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = import_rows(id, "edited", &cursor).await?;
        let decided = page.rows.iter().filter(|row| row.decision.is_some());
        undecided.extend(decided.map(|row| json!({ "row": row.row, "action": null })));
        let Some(next) = page.next else { break };
        cursor = next;
    }
    let body = json!({ "options": { "onMatch": action }, "decisions": undecided });
    Call::patch(format!("/imports/{id}"), body).done().await?;
    check(id).await
}

/// Rows that the check noted: `kind` is `refused`, `duplicate`, `warning` or `edited`.
pub async fn import_rows(id: &str, kind: &str, cursor: &str) -> Result<RowsPage> {
    Call::get(format!("/imports/{id}/rows"))
        .query("kind", kind)
        .query("cursor", cursor)
        .query("limit", "100")
        .json()
        .await
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
