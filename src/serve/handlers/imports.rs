//! Files in and out.

use std::io::{self, Write};

use aplomb_connect::{CellEdit, ExportFormat, ImportChange, MapTo, RowDecision, RowKind};
use aplomb_crm::Map;
use aplomb_model::{Code, Error, Result};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::records::query_of;
use crate::call::Call;
use crate::download::Download;
use crate::http::answer::Answer;
use crate::upload::{self, Form};

const CSV: &str = "text/csv; charset=utf-8";
const JSONL: &str = "application/jsonl";

const ROWS: usize = 50;
const MOST_ROWS: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    #[serde(default)]
    mapping: Vec<MapTo>,
    #[serde(default)]
    options: Map,
    #[serde(default)]
    edits: Vec<CellEdit>,
    #[serde(default)]
    decisions: Vec<RowDecision>,
}

pub fn list(call: &Call) -> Result<Answer> {
    let imports = call.open.imports.list(&call.ctx)?;
    Answer::json(&json!({"imports": imports}))
}

/// The object is named by a part `object` of the form or by `?object=`.
pub fn upload(call: &Call, mut form: Form) -> Result<Answer> {
    let imports = &call.open.imports;
    let mut upload = imports.upload(&call.ctx)?;
    let copied = io::copy(&mut form.file, &mut upload);
    let fields = form.finish()?;
    copied.map_err(upload::failed)?;
    let object = fields.texts.get("object").map(String::as_str).or(call.query.get("object"));
    let object = object.ok_or_else(|| Error::field("object", "required", "name the object the rows are to become"))?;
    let view = imports.start_upload(&call.ctx, object, &fields.file_name, upload)?;
    Ok(Answer::json(&view)?.status(201).header("location", format!("/api/v1/imports/{}", view.id)))
}

pub fn show(call: &Call) -> Result<Answer> {
    Answer::json(&call.open.imports.get(&call.ctx, call.id()?)?)
}

pub fn update(call: &Call) -> Result<Answer> {
    let Change { mapping, options, edits, decisions } = call.json()?;
    let by_row = !edits.is_empty() || !decisions.is_empty();
    let change = ImportChange { mapping, options, edits, decisions };
    let (view, rows) = call.open.imports.update(&call.ctx, call.id()?, change)?;
    let mut answer = json!(view);
    if let (Json::Object(members), true) = (&mut answer, by_row) {
        members.insert("changedRows".to_owned(), json!(rows));
    }
    Answer::json(&answer)
}

pub fn rows(call: &Call) -> Result<Answer> {
    let kind = match call.query.get("kind") {
        Some("refused") => RowKind::Refused,
        Some("duplicate") => RowKind::Duplicate,
        Some("warning") => RowKind::Warning,
        Some("edited") => RowKind::Edited,
        _ => return Err(Error::field("kind", "value", "must be refused, duplicate, warning or edited")),
    };
    let after = match call.query.get("cursor") {
        None => 0,
        Some(row) => row.parse().map_err(|_| Error::new(Code::BadCursor, "the cursor belongs to another query"))?,
    };
    let limit = call.query.limit(ROWS, MOST_ROWS)?;
    Answer::json(&call.open.imports.rows(&call.ctx, call.id()?, kind, after, limit)?)
}

pub fn check(call: &Call) -> Result<Answer> {
    Answer::json(&call.open.imports.check(&call.ctx, call.id()?)?)
}

pub fn commit(call: &Call) -> Result<Answer> {
    Ok(Answer::json(&call.open.imports.commit(&call.ctx, call.id()?)?)?.status(202))
}

pub fn revert(call: &Call) -> Result<Answer> {
    Ok(Answer::json(&call.open.imports.revert(&call.ctx, call.id()?)?)?.status(202))
}

pub fn errors(call: &Call) -> Result<Download> {
    let (imports, ctx, id) = (call.open.imports.clone(), call.ctx.clone(), call.id()?);
    let name = format!("import-errors-{id}.csv");
    Ok(Download::new(CSV, name, move |out| imports.errors_csv(&ctx, id, out)))
}

pub fn export(call: &Call) -> Result<Download> {
    let (format, media_type, ending) = match call.query.get("format").unwrap_or("csv") {
        "csv" => (ExportFormat::Csv, CSV, "csv"),
        "jsonl" => (ExportFormat::Jsonl, JSONL, "jsonl"),
        _ => return Err(Error::field("format", "value", "must be csv or jsonl")),
    };
    let (crm, ctx, query) = (call.open.crm.clone(), call.ctx.clone(), query_of(call)?);
    // The declaration's own name, so that nothing from the address gets into a header.
    let object = crm.object(&ctx, &call.object()?)?.name.clone();
    let name = format!("{object}-{}.{ending}", call.now.date());
    let write = move |out: &mut dyn Write| aplomb_connect::export(&crm, &ctx, &object, &query, format, out).map(drop);
    Ok(Download::new(media_type, name, write))
}
