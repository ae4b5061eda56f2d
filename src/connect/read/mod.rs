//! From bytes to rows of text. Streaming: memory is bounded whatever the file is. Knows no objects and no fields.

mod csv;
mod error;
mod jsonl;
mod sniff;
mod text;
mod vcard;
mod xlsx;

use std::borrow::Cow;
use std::io::{Read, Seek};
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

pub use aplomb_model::import::Format;
pub use error::ReadError;
pub use sniff::sniff;
#[cfg(test)]
pub(crate) use xlsx::tests::book;

/// Largest file, in bytes.
pub const MAX_FILE: u64 = 1 << 30;
/// Most columns of a table.
pub const MAX_COLUMNS: usize = 2_000;
/// Longest cell, in bytes of UTF-8.
pub const MAX_CELL: usize = 1 << 20;
/// Longest row, in bytes of UTF-8.
pub const MAX_ROW: usize = 2 << 20;

/// What can be read from: an upload that is opened once for every pass.
pub trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// One row of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// counted from 1 over all rows of the file
    pub number: u64,
    pub cells: Vec<String>,
    /// why the row cannot be taken although it could be found
    pub problem: Option<RowProblem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblem {
    /// index of the cell; `None`: the row as a whole
    pub cell: Option<usize>,
    /// stable
    pub code: Cow<'static, str>,
    pub detail: String,
}

impl RowProblem {
    fn row(detail: impl Into<String>) -> Option<RowProblem> {
        Some(RowProblem { cell: None, code: "unreadable_row".into(), detail: detail.into() })
    }

    fn wide() -> Option<RowProblem> {
        let detail = format!("the row has more than {MAX_COLUMNS} cells");
        Some(RowProblem { cell: None, code: "too_many_cells".into(), detail })
    }

    /// What is wrong with the first cell that cannot be taken.
    pub fn of_cells<'c>(cells: impl IntoIterator<Item = &'c String>) -> Option<RowProblem> {
        cells.into_iter().enumerate().find_map(|(at, cell)| RowProblem::of_cell(at, cell))
    }

    fn of_cell(at: usize, cell: &str) -> Option<RowProblem> {
        let (code, detail) = match () {
            _ if cell.len() > MAX_CELL => ("cell_too_large", format!("is larger than {} MiB", MAX_CELL >> 20)),
            _ if cell.contains('\0') => ("nul", "contains NUL characters".to_owned()),
            _ => return None,
        };
        Some(RowProblem { cell: Some(at), code: code.into(), detail })
    }
}

/// How the rows of a file were found; stored, so that every later pass sees the same rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Layout {
    /// label of the text encoding (WHATWG)
    pub encoding: Option<String>,
    pub delimiter: Option<char>,
    /// names of the columns where rows carry none themselves (vCard, JSON Lines): the row's cells follow this order
    pub keys: Vec<String>,
    /// worksheet
    pub sheet: Option<String>,
}

/// Looks at a file and says how it is to be read.
pub fn layout(format: Format, source: &mut dyn Source) -> Result<Layout, ReadError> {
    match format {
        Format::Csv => csv::layout(source),
        Format::Xlsx => xlsx::layout(source),
        Format::Vcard => vcard::layout(source),
        Format::Jsonl => jsonl::layout(source),
    }
}

/// Gives every row to `take`, in order, until it breaks. Tables of vCard and JSON Lines start with a row of names.
pub fn rows(
    format: Format,
    layout: &Layout,
    source: &mut dyn Source,
    take: &mut dyn FnMut(Row) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    match format {
        Format::Csv => csv::rows(layout, source, take),
        Format::Xlsx => xlsx::rows(layout, source, take),
        Format::Vcard => vcard::rows(layout, source, take),
        Format::Jsonl => jsonl::rows(layout, source, take),
    }
}

/// Every row of a small file, for the tests of the formats.
#[cfg(test)]
fn all(format: Format, bytes: &[u8]) -> Result<Vec<Row>, ReadError> {
    let mut source = std::io::Cursor::new(bytes);
    let layout = layout(format, &mut source)?;
    let mut out = Vec::new();
    rows(format, &layout, &mut source, &mut |row| {
        out.push(row);
        ControlFlow::Continue(())
    })?;
    Ok(out)
}
