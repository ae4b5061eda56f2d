//! Where the table lies in the file: its header, its rows, and the lines around them that are no records.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::stats::{Stats, shorten};
use super::{date, words};
use crate::read::{self, Format, Layout, MAX_COLUMNS, ReadError, Row, Source};
use crate::view::LeftOut;

/// Rows looked at to find the header.
const HEAD_ROWS: usize = 25;
/// Rows at the end that may turn out to be a report's last lines.
const TAIL_ROWS: usize = 40;
/// Left-out rows that are listed.
const MAX_LEFT_OUT: usize = 50;

/// Stored with the import, so that every pass sees the same rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Shape {
    /// unique names
    pub headers: Vec<String>,
    /// the header row as it stands in the file; empty when there is none
    pub header_cells: Vec<String>,
    /// numbers of the first and the last row of data
    pub first: u64,
    pub last: u64,
    pub rows: u64,
}

#[derive(Debug, Default)]
pub struct Table {
    pub shape: Shape,
    pub stats: Vec<Stats>,
    pub left_out: Vec<LeftOut>,
}

/// Reads the whole file once.
pub fn analyse(format: Format, layout: &Layout, source: &mut dyn Source) -> Result<Table, ReadError> {
    let mut reader = Analyser::default();
    let mut error = None;
    let named = matches!(format, Format::Vcard | Format::Jsonl);
    read::rows(format, layout, source, &mut |row| match reader.see(row, named) {
        Ok(()) => ControlFlow::Continue(()),
        Err(e) => {
            error = Some(e);
            ControlFlow::Break(())
        }
    })?;
    match error {
        Some(e) => Err(e),
        None => reader.finish(named),
    }
}

/// Gives every row of data to `take`, without blank rows and repeated headers.
pub fn data(
    format: Format,
    layout: &Layout,
    shape: &Shape,
    source: &mut dyn Source,
    take: &mut dyn FnMut(Row) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    read::rows(format, layout, source, &mut |row| {
        if row.number < shape.first || is_blank(&row) || (row.problem.is_none() && row.cells == shape.header_cells) {
            return ControlFlow::Continue(());
        }
        if row.number > shape.last {
            return ControlFlow::Break(());
        }
        take(row)
    })
}

pub fn is_blank(row: &Row) -> bool {
    row.problem.is_none() && row.cells.iter().all(|c| c.trim().is_empty())
}

fn filled(row: &Row) -> usize {
    row.cells.iter().filter(|c| !c.trim().is_empty()).count()
}

#[derive(Default)]
struct Analyser {
    table: Table,
    /// rows before the header is found
    head: Vec<Row>,
    found: bool,
    /// rows that may be no data, each with whether a blank row came before it
    tail: Vec<(Row, bool)>,
    blank_before: bool,
}

impl Analyser {
    fn see(&mut self, row: Row, named: bool) -> Result<(), ReadError> {
        if self.found {
            self.row(row);
            return Ok(());
        }
        self.head.push(row);
        if named || self.head.len() >= HEAD_ROWS { self.find_header(named) } else { Ok(()) }
    }

    fn find_header(&mut self, named: bool) -> Result<(), ReadError> {
        self.found = true;
        let head = std::mem::take(&mut self.head);
        let widest = head.iter().filter(|r| r.problem.is_none()).map(filled).max().unwrap_or(0);
        let at =
            head.iter().position(|r| named || (filled(r) > 0 && filled(r) * 2 > widest)).ok_or(ReadError::Empty)?;
        let has_header = named || is_header(&head[at]);
        let row = &head[at];
        if row.cells.len() > MAX_COLUMNS {
            return Err(ReadError::Columns);
        }
        let shape = &mut self.table.shape;
        shape.first = row.number + u64::from(has_header);
        shape.headers = if has_header { unique(&row.cells) } else { unique(&vec![String::new(); row.cells.len()]) };
        if has_header {
            shape.header_cells = row.cells.clone();
        }
        self.table.stats = vec![Stats::default(); shape.headers.len()];
        for (i, row) in head.into_iter().enumerate() {
            match i {
                _ if i < at => self.leave_out(&row, "before the header"),
                _ if i == at && has_header => {}
                _ => self.row(row),
            }
        }
        Ok(())
    }

    fn row(&mut self, row: Row) {
        if is_blank(&row) {
            self.blank_before = true;
            return;
        }
        let blank_before = std::mem::take(&mut self.blank_before);
        if row.problem.is_none() && row.cells == self.table.shape.header_cells {
            self.leave_out(&row, "the header again");
            return;
        }
        if self.is_tail(&row) {
            self.tail.push((row, blank_before));
            if self.tail.len() > TAIL_ROWS {
                let (first, _) = self.tail.remove(0);
                self.data(&first);
            }
            return;
        }
        for (held, _) in std::mem::take(&mut self.tail) {
            self.data(&held);
        }
        self.data(&row);
    }

    /// One cell in a table of several columns, a line of totals, or a reporting tool's own words.
    fn is_tail(&self, row: &Row) -> bool {
        let width = self.table.shape.headers.len();
        let first = row.cells.iter().find(|c| !c.trim().is_empty());
        width >= 3
            && row.problem.is_none()
            && filled(row) < width
            && (filled(row) == 1 || first.is_some_and(|c| words::is_total(c) || words::is_report_line(c)))
    }

    fn data(&mut self, row: &Row) {
        let shape = &mut self.table.shape;
        shape.rows += 1;
        shape.last = shape.last.max(row.number);
        if row.problem.is_none() {
            for (stats, cell) in self.table.stats.iter_mut().zip(&row.cells) {
                stats.see(cell);
            }
        }
    }

    fn leave_out(&mut self, row: &Row, reason: &str) {
        if self.table.left_out.len() < MAX_LEFT_OUT && !is_blank(row) {
            let text = row.cells.iter().map(|c| c.trim()).filter(|c| !c.is_empty()).collect::<Vec<_>>().join(" | ");
            self.table.left_out.push(LeftOut { row: row.number, text: shorten(&text), reason: reason.to_owned() });
        }
    }

    fn finish(mut self, named: bool) -> Result<Table, ReadError> {
        if !self.found {
            self.find_header(named)?;
        }
        let tail = std::mem::take(&mut self.tail);
        let marker = |row: &Row| row.cells.iter().any(|c| words::is_report_line(c) || words::is_total(c));
        let is_report = !named && tail.iter().any(|(row, _)| marker(row));
        let mut cut = false;
        for (row, blank_before) in &tail {
            cut |= is_report && (marker(row) || *blank_before);
            if cut {
                self.leave_out(row, "last lines of a report");
            } else {
                self.data(row);
            }
        }
        Ok(self.table)
    }
}

/// A header names things: no addresses, numbers or dates, and hardly a name twice.
fn is_header(row: &Row) -> bool {
    let cells: Vec<&str> = row.cells.iter().map(|c| c.trim()).filter(|c| !c.is_empty()).collect();
    let is_value = |c: &&&str| {
        aplomb_model::json::is_email(c)
            || date::order(c).is_some()
            || super::number::mark(c).is_some()
            || c.starts_with("http")
            || aplomb_model::json::is_phone(c)
            || c.len() > 200
    };
    row.problem.is_none() && cells.iter().filter(is_value).count() * 5 <= cells.len()
}

fn unique(cells: &[String]) -> Vec<String> {
    let mut seen = std::collections::HashMap::new();
    let mut name = |(at, cell): (usize, &String)| {
        let base = match cell.trim().trim_start_matches('\u{feff}') {
            "" => format!("Column {}", at + 1),
            text => shorten(text),
        };
        let n = seen.entry(base.clone()).or_insert(0u32);
        *n += 1;
        if *n == 1 { base } else { format!("{base} ({n})") }
    };
    cells.iter().enumerate().map(&mut name).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn table(text: &str) -> Result<Table, ReadError> {
        let mut source = Cursor::new(text.as_bytes());
        let layout = read::layout(Format::Csv, &mut source)?;
        let table = analyse(Format::Csv, &layout, &mut source)?;
        let mut rows = 0;
        data(Format::Csv, &layout, &table.shape, &mut source, &mut |_| {
            rows += 1;
            ControlFlow::Continue(())
        })?;
        assert_eq!(rows, table.shape.rows, "both passes see the same rows");
        Ok(table)
    }

    #[test]
    fn the_table_is_found() {
        for (text, headers, rows, left_out) in [
            ("Name,Email,Ort\nA,a@b.example,X\n", vec!["Name", "Email", "Ort"], 1, 0),
            ("Bericht Kontakte\n\nName,Email,Ort\nA,a@b.example,X\n", vec!["Name", "Email", "Ort"], 1, 1),
            ("sep=;\nName;Email;Ort\nA;a@b.example;X\n", vec!["Name", "Email", "Ort"], 1, 1),
            ("A,a@b.example,X\nB,b@b.example,Y\n", vec!["Column 1", "Column 2", "Column 3"], 2, 0),
            ("Name,Name,\nA,B,C\n", vec!["Name", "Name (2)", "Column 3"], 1, 0),
            (
                "Name,Email,Ort\nA,a@b.example,X\nName,Email,Ort\nB,,\n\nC,c@b.example,\n",
                vec!["Name", "Email", "Ort"],
                3,
                1,
            ),
            ("Name,Email,Ort\nA,a@b.example,X\nB,,\n", vec!["Name", "Email", "Ort"], 2, 0),
            ("Name,Email,Betrag\nA,a@b.example,5\nSumme,,5\n", vec!["Name", "Email", "Betrag"], 1, 1),
            (
                "N,E,O\nA,a@b.example,X\nB,,\n\nMy Report\nCopyright (c) 2000-2026 salesforce.com, inc.\nGenerated By: X\nCo\n",
                vec!["N", "E", "O"],
                2,
                4,
            ),
            ("Name\nA\nB\n", vec!["Name"], 2, 0),
        ] {
            let t = table(text).expect("a table");
            assert_eq!(
                (t.shape.headers.clone(), t.shape.rows, t.left_out.len()),
                (headers.iter().map(|h| (*h).to_owned()).collect(), rows, left_out),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_both_passes_agree(text in "[ab,;\n\"@.1]{1,120}") {
            let _ = table(&text);
        }
    }
}
