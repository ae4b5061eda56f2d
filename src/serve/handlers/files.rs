//! Files that records refer to.

use std::io::{self, Write};

use aplomb_crm::{INLINE, MEDIA_TYPES, OpenedFile};
use aplomb_model::{Error, Id, Result};
use aplomb_vault::SealedFile;

use crate::call::Call;
use crate::download::Download;
use crate::http::answer::Answer;
use crate::http::range::Part;
use crate::upload::{self, Form};

/// Bytes read at a time: a chunk of a sealed file.
const STEP: u64 = 64 << 10;
/// Whatever a browser makes of a file, it may not act for this origin.
const SANDBOX: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// The answer is what a record's field takes.
pub fn upload(call: &Call, mut form: Form) -> Result<Answer> {
    let mut file = call.open.crm.file_begin(&call.ctx)?;
    let copied = io::copy(&mut form.file, &mut file);
    let fields = form.finish()?;
    copied.map_err(upload::failed)?;
    let (about, _) = call.open.crm.file_keep(&call.ctx, file, &fields.file_name)?;
    Ok(Answer::json(&about)?.status(201).header("location", format!("/api/v1/files/{}", about.id)))
}

pub fn download(call: &Call) -> Result<Download> {
    let record = call.query.get("record").map(record).transpose()?;
    let shown = match call.query.get("inline") {
        None | Some("0" | "false") => false,
        Some("1" | "true") => true,
        Some(_) => return Err(Error::field("inline", "value", "must be 1 or 0")),
    };
    let record = record.as_ref().map(|(object, id)| (object.as_str(), *id));
    let OpenedFile { about, content } = call.open.crm.file_open(&call.ctx, call.id()?, record)?;
    let tag = format!("\"{}\"", about.id);
    let same = call.head.if_range.as_ref().is_none_or(|held| *held == tag);
    let part = Part::asked(call.head.range.as_deref().filter(|_| same), content.len());
    let known = MEDIA_TYPES.into_iter().find(|known| *known == about.media_type).unwrap_or("application/octet-stream");
    let bytes = part.bytes.clone();
    Ok(Download {
        inline: shown && INLINE.contains(&known),
        compress: false,
        part: Some(part),
        tag: Some(tag),
        policy: Some(SANDBOX),
        ..Download::new(served(known), about.name, move |out| copy(&content, bytes.start, bytes.end, out))
    })
}

/// `contact/01a1...`
fn record(text: &str) -> Result<(String, Id)> {
    let parts = text.split_once('/').and_then(|(object, id)| Some((object.to_owned(), id.parse().ok()?)));
    parts.ok_or_else(|| Error::field("record", "value", "must be the record's object and id: contact/01a1..."))
}

/// What is known to be text is UTF-8.
fn served(media_type: &'static str) -> &'static str {
    match media_type {
        "text/plain" => "text/plain; charset=utf-8",
        "text/csv" => "text/csv; charset=utf-8",
        "text/markdown" => "text/markdown; charset=utf-8",
        other => other,
    }
}

pub(super) fn copy(file: &SealedFile, start: u64, end: u64, out: &mut dyn Write) -> Result<()> {
    let mut at = start;
    while at < end {
        let next = end.min((at / STEP + 1) * STEP);
        let bytes = file.read(at..next).map_err(|error| Error::internal(format!("a file cannot be read: {error}")))?;
        out.write_all(&bytes).map_err(|error| Error::internal(error.to_string()))?;
        at = next;
    }
    Ok(())
}
