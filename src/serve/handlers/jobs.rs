//! Work that goes on after the request, as its user watches it.

use aplomb_crm::{ExportedFile, NewBulk, NewExport};
use aplomb_model::{Error, Result};
use serde_json::{Value as Json, json};

use super::files::copy;
use crate::call::{Call, parse};
use crate::download::Download;
use crate::http::answer::Answer;
use crate::http::range::Part;

const ROWS: usize = 50;
const MOST_ROWS: usize = 500;

pub fn list(call: &Call) -> Result<Answer> {
    let all = match call.query.get("all") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Error::field("all", "value", "must be true or false")),
    };
    let limit = call.query.limit(ROWS, MOST_ROWS)?;
    Answer::json(&call.open.crm.jobs_list(&call.ctx, all, limit, call.query.get("cursor"))?)
}

pub fn show(call: &Call) -> Result<Answer> {
    Answer::json(&call.open.crm.job_get(&call.ctx, call.id()?)?)
}

pub fn cancel(call: &Call) -> Result<Answer> {
    Answer::json(&call.open.crm.job_cancel(&call.ctx, call.id()?)?)
}

pub fn undo(call: &Call) -> Result<Answer> {
    accepted(&call.open.crm.job_undo(&call.ctx, call.id()?)?)
}

pub fn bulk(call: &Call) -> Result<Answer> {
    let new: NewBulk = call.json()?;
    accepted(&call.open.crm.bulk_start(&call.ctx, &call.object()?, new)?)
}

/// Members that are lists, and may be given as a single value.
const LISTS: [&str; 2] = ["sort", "fields"];

pub fn export(call: &Call) -> Result<Answer> {
    let mut given = call.map()?;
    for name in LISTS {
        if let Some(value) = given.get_mut(name).filter(|value| value.is_string()) {
            *value = json!([value.take()]);
        }
    }
    let new: NewExport = parse(Json::Object(given))?;
    accepted(&call.open.crm.export_start(&call.ctx, new)?)
}

fn accepted(job: &Json) -> Result<Answer> {
    let location = format!("/api/v1/jobs/{}", job.get("id").and_then(Json::as_str).unwrap_or_default());
    Ok(Answer::json(job)?.status(202).header("location", location))
}

pub fn file(call: &Call) -> Result<Download> {
    let id = call.id()?;
    let ExportedFile { name, media_type, content } = call.open.crm.job_file(&call.ctx, id)?;
    let tag = format!("\"{id}\"");
    let same = call.head.if_range.as_ref().is_none_or(|held| *held == tag);
    let part = Part::asked(call.head.range.as_deref().filter(|_| same), content.len());
    let bytes = part.bytes.clone();
    let media_type = if media_type == "text/csv" { "text/csv; charset=utf-8" } else { "application/jsonl" };
    Ok(Download {
        compress: false,
        part: Some(part),
        tag: Some(tag),
        ..Download::new(media_type, name, move |out| copy(&content, bytes.start, bytes.end, out))
    })
}
