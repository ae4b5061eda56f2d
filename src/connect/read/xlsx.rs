//! Excel workbooks. A workbook is an archive, so it is weighed (unpacked into nothing, counting) before it is opened.

use std::io::{self, Read, SeekFrom};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, ExcelDateTime, Reader, SheetVisible, Xlsx};

use super::{Layout, MAX_COLUMNS, ReadError, Row, RowProblem, Source};

/// Most bytes all parts of a workbook may unpack to.
const MAX_UNPACKED: u64 = 200 << 20;
/// Most bytes a part other than a sheet may unpack to: these are held in memory while reading.
const MAX_PART: u64 = 64 << 20;
/// An archive that shrinks more than this, and is not small, was made to blow up.
const MAX_RATIO: u64 = 250;
const SMALL: u64 = 16 << 20;
const MAX_PARTS: usize = 5_000;

pub fn layout(source: &mut dyn Source) -> Result<Layout, ReadError> {
    weigh(source)?;
    guarded(|| {
        let mut book = open(source)?;
        let visible: Vec<String> = (book.sheets_metadata().iter())
            .filter(|s| s.visible == SheetVisible::Visible)
            .map(|s| s.name.clone())
            .collect();
        for name in &visible {
            let filled = book.worksheet_cells_reader(name).ok().is_some_and(|mut cells| {
                std::iter::from_fn(|| cells.next_cell().ok().flatten()).any(|c| *c.get_value() != DataRef::Empty)
            });
            if filled {
                return Ok(Layout { sheet: Some(name.clone()), ..Layout::default() });
            }
        }
        Err(ReadError::Empty)
    })
}

pub fn rows(
    layout: &Layout,
    source: &mut dyn Source,
    take: &mut dyn FnMut(Row) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    weigh(source)?;
    guarded(|| {
        let mut book = open(source)?;
        let sheet = layout.sheet.clone().unwrap_or_default();
        let mut cells = book.worksheet_cells_reader(&sheet).map_err(unreadable)?;
        let mut row = Row { number: 1, ..Row::default() };
        while let Some(cell) = cells.next_cell().map_err(unreadable)? {
            let (at, column) = cell.get_position();
            let number = u64::from(at) + 1;
            if number != row.number {
                let done = std::mem::replace(&mut row, Row { number, ..Row::default() });
                if !done.cells.is_empty() && take(done).is_break() {
                    return Ok(());
                }
            }
            put(&mut row, column as usize, cell.get_value());
        }
        if !row.cells.is_empty() {
            let _ = take(row);
        }
        Ok(())
    })
}

fn put(row: &mut Row, column: usize, value: &DataRef<'_>) {
    let text = text(value);
    if text.is_empty() {
        return;
    }
    if column >= MAX_COLUMNS {
        row.problem = RowProblem::wide();
        return;
    }
    row.problem = row.problem.take().or(RowProblem::of_cell(column, &text));
    if row.cells.len() <= column {
        row.cells.resize(column + 1, String::new());
    }
    row.cells[column] = text;
}

/// The cell as text that reads back without loss: ISO dates, plain numbers with a point.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(n) => n.to_string(),
        DataRef::Float(n) => number(*n),
        DataRef::String(s) => s.trim().to_owned(),
        DataRef::SharedString(s) => s.trim().to_owned(),
        DataRef::Bool(b) => b.to_string(),
        DataRef::DateTime(t) => moment(t),
        DataRef::DateTimeIso(s) | DataRef::DurationIso(s) => s.clone(),
        DataRef::Error(e) => e.to_string(),
        DataRef::Empty => String::new(),
    }
}

/// Fifteen significant digits, which is what Excel keeps.
fn number(n: f64) -> String {
    let rounded: f64 = format!("{n:.14e}").parse().unwrap_or(n);
    rounded.to_string()
}

fn moment(t: &ExcelDateTime) -> String {
    if t.is_duration() {
        let seconds = (t.as_f64() * 86_400.0).round() as i64;
        return format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = t.to_ymd_hms_milli();
    match (hour, minute, second) {
        (0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"),
    }
}

fn open(source: &mut dyn Source) -> Result<Xlsx<&mut dyn Source>, ReadError> {
    source.seek(SeekFrom::Start(0))?;
    Xlsx::new(source).map_err(unreadable)
}

fn unreadable(e: calamine::XlsxError) -> ReadError {
    ReadError::Workbook(match e {
        calamine::XlsxError::Password => "it is protected by a password".to_owned(),
        _ => "it is damaged or not an .xlsx workbook".to_owned(),
    })
}

/// Unpacks every part into nothing. The sizes an archive declares may lie, so they are not asked.
fn weigh(source: &mut dyn Source) -> Result<(), ReadError> {
    let damaged = |_| ReadError::Workbook("it is damaged or not an .xlsx workbook".to_owned());
    let packed = source.seek(SeekFrom::End(0))?;
    source.seek(SeekFrom::Start(0))?;
    let mut archive = zip::ZipArchive::new(source).map_err(damaged)?;
    if archive.len() > MAX_PARTS {
        return Err(ReadError::Workbook(format!("it has more than {MAX_PARTS} parts")));
    }
    let mut total = 0;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(damaged)?;
        let sheet = part.name().is_ok_and(|name| name.contains("worksheets/"));
        let limit = if sheet { MAX_UNPACKED } else { MAX_PART };
        let unpacked = io::copy(&mut part.take(limit + 1), &mut io::sink())
            .map_err(|_| ReadError::Workbook("it is damaged".to_owned()))?;
        total += unpacked;
        if unpacked > limit || total > MAX_UNPACKED {
            return Err(ReadError::Bomb(limit >> 20));
        }
        if total > SMALL && total / packed.max(1) > MAX_RATIO {
            return Err(ReadError::Bomb(SMALL >> 20));
        }
    }
    Ok(())
}

/// A damaged workbook must never take the server's thread with it.
fn guarded<T>(read: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(ReadError::Workbook("it is damaged".to_owned())))
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::{Cursor, Write};

    use proptest::prelude::*;

    use super::*;
    use crate::read::{Format, all};

    pub fn book(sheet: &str) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        for (name, body) in [
            ("[Content_Types].xml", r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#),
            (
                "_rels/.rels",
                r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
            ),
            (
                "xl/workbook.xml",
                r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Contacts" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
            ),
            (
                "xl/_rels/workbook.xml.rels",
                r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#,
            ),
            (
                "xl/styles.xml",
                r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#,
            ),
            ("xl/worksheets/sheet1.xml", sheet),
        ] {
            zip.start_file(name, options).expect("memory");
            zip.write_all(body.as_bytes()).expect("memory");
        }
        zip.finish().expect("memory").into_inner()
    }

    fn read(bytes: &[u8]) -> Result<Vec<Row>, ReadError> {
        all(Format::Xlsx, bytes)
    }

    const SHEET: &str = r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
        <row r="1"><c r="A1" t="inlineStr"><is><t>Name</t></is></c><c r="C1" t="inlineStr"><is><t>Seit</t></is></c></row>
        <row r="3"><c r="A3" t="inlineStr"><is><t>Jürgen</t></is></c><c r="B3"><v>0.30000000000000004</v></c><c r="C3" s="1"><v>46022</v></c></row>
        </sheetData></worksheet>"#;

    #[test]
    fn cells_become_text() {
        let rows = read(&book(SHEET)).expect("a workbook");
        let table: Vec<_> =
            rows.iter().map(|r| (r.number, r.cells.iter().map(String::as_str).collect::<Vec<_>>())).collect();
        assert_eq!(table, [(1, vec!["Name", "", "Seit"]), (3, vec!["Jürgen", "0.3", "2025-12-31"])]);
    }

    #[test]
    fn bombs_and_damage_are_refused() {
        let bomb = book(&format!("{SHEET}{}", " ".repeat(32 << 20)));
        assert!(bomb.len() < 100_000);
        assert!(matches!(read(&bomb), Err(ReadError::Bomb(_))));
        let good = book(SHEET);
        for cut in [4, 50, good.len() / 2, good.len() - 1] {
            assert!(read(&good[..cut]).is_err());
        }
        assert!(matches!(read(&book("<worksheet><sheetData/></worksheet>")), Err(ReadError::Empty)));
    }

    proptest! {
        #[test]
        fn altered_workbooks_do_not_panic(at in 0usize..3000, byte in any::<u8>()) {
            let mut bytes = book(SHEET);
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = read(&bytes);
        }
    }
}
