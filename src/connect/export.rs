//! Records as files, page by page, with the caller's rights.

use std::io::Write;

use aplomb_crm::{Crm, Ctx};
use aplomb_model::{Query, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    Csv,
    Jsonl,
}

/// Writes every record that the query selects and the caller may export; returns how many. An error of the store in
/// the middle leaves what was written.
pub fn export(
    crm: &Crm,
    ctx: &Ctx,
    object: &str,
    query: &Query,
    format: ExportFormat,
    out: &mut dyn Write,
) -> Result<u64> {
    let _ = (crm, ctx, object, query, format, out);
    todo!()
}
