//! Records as files, page by page, with the caller's rights.

use std::io::Write;

use aplomb_crm::{Crm, Ctx};
use aplomb_model::json::is_phone;
use aplomb_model::{Code, Error, FieldType, Object, Query, Result};
use serde_json::Value as Json;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    Csv,
    Jsonl,
}

impl std::str::FromStr for ExportFormat {
    type Err = Error;

    fn from_str(s: &str) -> Result<ExportFormat> {
        match s {
            "csv" => Ok(ExportFormat::Csv),
            "jsonl" => Ok(ExportFormat::Jsonl),
            _ => Err(Error::field("format", "invalid", "must be csv or jsonl")),
        }
    }
}

/// [`export`] by the name of its format, for the jobs of `crm`: an `Exporter`.
pub fn export_as(
    crm: &Crm,
    ctx: &Ctx,
    object: &str,
    query: &Query,
    format: &str,
    out: &mut dyn Write,
    told: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<u64> {
    write(crm, ctx, object, query, format.parse()?, out, told)
}

/// Writes every record that the query selects and the caller may export; returns how many. An error in the middle
/// leaves what was written.
pub fn export(
    crm: &Crm,
    ctx: &Ctx,
    object: &str,
    query: &Query,
    format: ExportFormat,
    out: &mut dyn Write,
) -> Result<u64> {
    write(crm, ctx, object, query, format, out, &mut |_| Ok(()))
}

fn write(
    crm: &Crm,
    ctx: &Ctx,
    object: &str,
    query: &Query,
    format: ExportFormat,
    out: &mut dyn Write,
    told: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<u64> {
    let mut so_far = 0;
    let declared = crm.object(ctx, object)?;
    match format {
        ExportFormat::Jsonl => crm.export(ctx, object, query, &mut |records| {
            so_far += records.len() as u64;
            for record in records {
                let mut line = serde_json::to_vec(&flat(record)).map_err(|_| broken())?;
                line.push(b'\n');
                out.write_all(&line).map_err(written)?;
            }
            told(so_far)
        }),
        ExportFormat::Csv => {
            let columns = columns(&declared, &query.fields);
            // Excel takes UTF-8 for what it is only behind this mark
            out.write_all("\u{feff}".as_bytes()).map_err(written)?;
            let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
            writer.write_record(columns.iter().map(|c| c.path.as_str())).map_err(csv_error)?;
            let count = crm.export(ctx, object, query, &mut |records| {
                for record in &records {
                    writer.write_record(columns.iter().map(|c| guard(&c.cell(record)))).map_err(csv_error)?;
                }
                so_far += records.len() as u64;
                told(so_far)
            })?;
            writer.flush().map_err(written)?;
            Ok(count)
        }
    }
}

/// `{id, version, createdAt, updatedAt, ...fields}`: what an import of the same file reads back.
fn flat(record: Json) -> Json {
    let Json::Object(mut record) = record else { return record };
    let fields = record.remove("fields");
    // other members, such as the title, could be taken for fields of the same name
    record.retain(|name, _| matches!(name.as_str(), "id" | "version" | "createdAt" | "updatedAt"));
    if let Some(Json::Object(fields)) = fields {
        record.extend(fields);
    }
    Json::Object(record)
}

struct Column {
    /// as the mapping of an import takes it
    path: String,
    field: String,
    part: Option<&'static str>,
    system: bool,
}

fn columns(object: &Object, wanted: &[String]) -> Vec<Column> {
    let mut out = vec![column("id", None, true)];
    for field in object.live().filter(|f| wanted.is_empty() || wanted.contains(&f.name)) {
        let parts: &[&'static str] = match field.kind {
            FieldType::PersonName => &["first", "last"],
            FieldType::Address => &["street", "city", "region", "postalCode", "country"],
            FieldType::Money => &["amount", "currency"],
            FieldType::Reference => &["id", "name"],
            _ => &[],
        };
        if parts.is_empty() {
            out.push(column(&field.name, None, false));
        }
        out.extend(parts.iter().map(|p| column(&field.name, Some(p), false)));
    }
    out.extend(["createdAt", "updatedAt"].map(|name| column(name, None, true)));
    out
}

fn column(field: &str, part: Option<&'static str>, system: bool) -> Column {
    let path = part.map_or_else(|| field.to_owned(), |p| format!("{field}.{p}"));
    Column { path, field: field.to_owned(), part, system }
}

impl Column {
    fn cell(&self, record: &Json) -> String {
        let holder = if self.system { Some(record) } else { record.get("fields") };
        let value = holder.and_then(|h| h.get(&self.field));
        match (value, self.part) {
            (Some(v), Some(part)) => v.get(part).map(text).unwrap_or_default(),
            (Some(v), None) => text(v),
            (None, _) => String::new(),
        }
    }
}

fn text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(s) => s.clone(),
        Json::Array(items) => items.iter().map(text).collect::<Vec<_>>().join("; "),
        Json::Object(o) => match o.get("id") {
            Some(id) => text(id),
            None => value.to_string(),
        },
        other => other.to_string(),
    }
}

/// Spreadsheets run cells that begin with `=`, `+`, `-`, `@`, a tab or a return as formulas; such cells get an
/// apostrophe. Plain numbers and telephone numbers are no formulas.
pub fn guard(cell: &str) -> String {
    let risky = cell
        .trim_start_matches([' ', '\u{a0}', '\u{feff}'])
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    if !risky || cell.parse::<f64>().is_ok() || cell.split("; ").all(is_plain_phone) {
        return cell.to_owned();
    }
    format!("'{cell}")
}

/// The cell without the apostrophe that `guard` put before it.
pub fn unguard(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if guard(rest).len() > rest.len() => rest,
        _ => cell,
    }
}

fn is_plain_phone(cell: &str) -> bool {
    let usual = |c: char| c.is_ascii_digit() || " -()./\u{a0}".contains(c);
    is_phone(cell)
        && cell
            .strip_prefix('+')
            .is_some_and(|rest| rest.chars().all(usual) && rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn broken() -> Error {
    Error::internal("a record cannot be written")
}

fn written(e: std::io::Error) -> Error {
    match e.kind() {
        std::io::ErrorKind::StorageFull => Error::new(Code::DiskFull, "the disk is full"),
        std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset => {
            Error::internal("nobody reads any more")
        }
        _ => Error::internal("the file cannot be written"),
    }
}

fn csv_error(e: csv::Error) -> Error {
    match e.into_kind() {
        csv::ErrorKind::Io(e) => written(e),
        _ => broken(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_disarmed() {
        for (cell, expect) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
            ("+1-1", "'+1-1"),
            ("\t=1", "'\t=1"),
            (" =1", "' =1"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("-12.50", "-12.50"),
            ("+49 30 123456", "+49 30 123456"),
            ("+1 (212) 555-0101", "+1 (212) 555-0101"),
            ("+49 30 123456; +49 170 555", "+49 30 123456; +49 170 555"),
            ("+49 30 123456; =1", "'+49 30 123456; =1"),
            ("Ada", "Ada"),
            ("", ""),
        ] {
            assert_eq!(guard(cell), expect, "{cell}");
            assert_eq!(unguard(expect), cell);
        }
    }
}
