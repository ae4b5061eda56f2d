//! Separated text as programs really write it: any delimiter and line end, quoted newlines, quotes never closed.
//!
//! Own parser, because a row must be bounded: one unclosed quote makes others read the rest of the file into memory.

use std::io::{Read, SeekFrom};
use std::ops::ControlFlow;

use encoding_rs::Encoding;

use super::text::{self, Utf8};
use super::{Layout, MAX_COLUMNS, MAX_ROW, ReadError, Row, RowProblem, Source};

const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
/// Rows looked at to guess the delimiter.
const GUESS_ROWS: usize = 60;
/// Unclosed quotes after which the file is given up: each costs a scan of [`MAX_ROW`] bytes.
const MAX_OPEN_QUOTES: u32 = 100;
/// Cells kept of a row that has too many; enough to see that it has.
const KEEP_CELLS: usize = MAX_COLUMNS + 1;

pub fn layout(source: &mut dyn Source) -> Result<Layout, ReadError> {
    source.seek(SeekFrom::Start(0))?;
    let head = text::head(source)?;
    if head.is_empty() {
        return Err(ReadError::Empty);
    }
    let encoding = text::guess(&head).ok_or(ReadError::Binary)?;
    let (decoded, _, _) = encoding.decode(&head);
    Ok(Layout {
        encoding: Some(encoding.name().to_owned()),
        delimiter: Some(guess_delimiter(&decoded)),
        ..Layout::default()
    })
}

pub fn rows(
    layout: &Layout,
    source: &mut dyn Source,
    take: &mut dyn FnMut(Row) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    source.seek(SeekFrom::Start(0))?;
    let label = layout.encoding.as_deref().unwrap_or("utf-8");
    let encoding = Encoding::for_label(label.as_bytes()).unwrap_or(encoding_rs::UTF_8);
    let mut parser = Parser::new(Utf8::new(source, encoding), layout.delimiter.unwrap_or(','));
    while let Some(row) = parser.next()? {
        if take(row).is_break() {
            break;
        }
    }
    Ok(())
}

/// The delimiter that gives the most cells in rows of equal width; `sep=;` in the first line decides (Excel).
fn guess_delimiter(head: &str) -> char {
    if let Some(given) = head.lines().next().and_then(separator_line) {
        return given;
    }
    let score = |delimiter: char| {
        let mut bytes = head.as_bytes();
        let mut parser = Parser::new(Utf8::new(&mut bytes, encoding_rs::UTF_8), delimiter);
        let mut widths = std::collections::HashMap::new();
        for _ in 0..GUESS_ROWS {
            match parser.next() {
                Ok(Some(row)) if row.cells.len() > 1 && !row.cells.iter().any(|c| c.ends_with('"')) => {
                    *widths.entry(row.cells.len()).or_insert(0usize) += 1
                }
                Ok(Some(_)) => {}
                _ => break,
            }
        }
        let best = widths.into_iter().max_by_key(|(width, count)| (*count, *width));
        best.map_or((0, 0), |(width, count)| (count, width))
    };
    let mut best = (',', (0, 0));
    for delimiter in DELIMITERS {
        let found = score(delimiter);
        // a comma inside German text gives rows of unequal width; so rows of equal width count first, width second
        let better = found.0 * 4 > best.1.0 * 5 || (found.0 * 5 >= best.1.0 * 4 && found.1 > best.1.1);
        if better {
            best = (delimiter, found);
        }
    }
    best.0
}

/// `sep=;`
pub fn separator_line(line: &str) -> Option<char> {
    let rest = line.trim_start_matches('\u{feff}').trim_end().trim_matches('"');
    let rest = rest.get(..4).filter(|s| s.eq_ignore_ascii_case("sep=")).and(rest.get(4..))?;
    let mut chars = rest.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if DELIMITERS.contains(&c) => Some(c),
        _ => None,
    }
}

struct Parser<'a, R: Read + ?Sized> {
    text: Utf8<'a, R>,
    /// decoded text; what lies before `at` is used up
    buffer: Vec<u8>,
    at: usize,
    ended: bool,
    delimiter: u8,
    number: u64,
    open_quotes: u32,
    first_open: u64,
}

/// What a look at the buffer found.
enum Found {
    /// row ends before this offset (the line end is used up)
    Row(usize),
    /// more text is needed
    Short,
    /// a quote is open at the end of the text, or for more than a row may hold
    Open,
    /// no line end within the longest row
    Long,
}

impl<'a, R: Read + ?Sized> Parser<'a, R> {
    fn new(text: Utf8<'a, R>, delimiter: char) -> Parser<'a, R> {
        let delimiter = u8::try_from(delimiter).unwrap_or(b',');
        Parser { text, buffer: Vec::new(), at: 0, ended: false, delimiter, number: 0, open_quotes: 0, first_open: 0 }
    }

    fn next(&mut self) -> Result<Option<Row>, ReadError> {
        loop {
            let mut cells = Vec::new();
            match self.parse(&mut cells, true) {
                Found::Row(end) => {
                    self.at = end;
                    return Ok(Some(self.row(cells)));
                }
                Found::Short if self.more()? => {}
                Found::Short => return Ok(None),
                Found::Open => return self.open_quote().map(Some),
                Found::Long => return self.long_row().map(Some),
            }
        }
    }

    fn row(&mut self, cells: Vec<String>) -> Row {
        self.number += 1;
        let problem = if cells.len() > MAX_COLUMNS { RowProblem::wide() } else { RowProblem::of_cells(&cells) };
        Row { number: self.number, cells, problem }
    }

    fn more(&mut self) -> Result<bool, ReadError> {
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        self.ended = !self.text.fill(&mut self.buffer)?;
        Ok(!self.ended || !self.buffer.is_empty())
    }

    /// Reads one row at `at`. With `quotes` off, a quote is a character like others.
    fn parse(&self, cells: &mut Vec<String>, quotes: bool) -> Found {
        let text = &self.buffer[self.at..];
        if text.is_empty() {
            return Found::Short;
        }
        let mut cell: Vec<u8> = Vec::new();
        let mut i = 0;
        let (mut quoted, mut at_start) = (false, true);
        let end = loop {
            if i > MAX_ROW {
                return if quoted { Found::Open } else { Found::Long };
            }
            let Some(&byte) = text.get(i) else {
                match (self.ended, quoted) {
                    (false, _) => return Found::Short,
                    (true, true) => return Found::Open,
                    (true, false) => break i,
                }
            };
            i += 1;
            if quoted {
                match byte {
                    b'"' if text.get(i) == Some(&b'"') => {
                        cell.push(b'"');
                        i += 1;
                    }
                    b'"' if i == text.len() && !self.ended => return Found::Short,
                    b'"' => quoted = false,
                    _ => {
                        let run = text[i..].iter().position(|b| *b == b'"').unwrap_or(text.len() - i);
                        let run = run.min(MAX_ROW);
                        cell.extend_from_slice(&text[i - 1..i + run]);
                        i += run;
                    }
                }
                continue;
            }
            match byte {
                b'"' if quotes && at_start => (quoted, at_start) = (true, false),
                b if b == self.delimiter => {
                    push(cells, &mut cell);
                    at_start = true;
                }
                b'\n' => break i,
                b'\r' => match text.get(i) {
                    Some(b'\n') => break i + 1,
                    None if !self.ended => return Found::Short,
                    _ => break i,
                },
                b' ' if at_start && quotes && opens_after_blanks(&text[i..]) => {}
                _ => {
                    at_start = false;
                    let stop = |b: &u8| *b == self.delimiter || *b == b'\n' || *b == b'\r';
                    let run = text[i..].iter().position(stop).unwrap_or(text.len() - i);
                    cell.extend_from_slice(&text[i - 1..i + run]);
                    i += run;
                }
            }
        };
        push(cells, &mut cell);
        Found::Row(self.at + end)
    }

    /// The line where a quote was opened becomes a refused row; reading goes on with the line after it.
    fn open_quote(&mut self) -> Result<Row, ReadError> {
        self.open_quotes += 1;
        if self.open_quotes == 1 {
            self.first_open = self.number + 1;
        }
        if self.open_quotes > MAX_OPEN_QUOTES {
            return Err(ReadError::Quotes(MAX_OPEN_QUOTES, self.first_open));
        }
        let mut cells = Vec::new();
        match self.parse(&mut cells, false) {
            Found::Row(end) => {
                self.at = end;
                let row = self.row(cells);
                Ok(Row { problem: RowProblem::row("a quote is opened and never closed"), ..row })
            }
            _ => self.long_row(),
        }
    }

    /// Skips to the next line end.
    fn long_row(&mut self) -> Result<Row, ReadError> {
        let keep = &self.buffer[self.at..self.buffer.len().min(self.at + 1000)];
        let start = String::from_utf8_lossy(keep).into_owned();
        loop {
            let text = &self.buffer[self.at..];
            if let Some(end) = text.iter().position(|b| *b == b'\n') {
                self.at += end + 1;
                break;
            }
            self.at = self.buffer.len();
            if !self.more()? {
                break;
            }
        }
        let row = self.row(vec![start]);
        Ok(Row { problem: RowProblem::row(format!("the row is larger than {} MiB", MAX_ROW >> 20)), ..row })
    }
}

/// Spaces between the delimiter and an opening quote are no part of the cell.
fn opens_after_blanks(rest: &[u8]) -> bool {
    let blanks = rest.iter().take_while(|b| **b == b' ').count();
    blanks < 8 && rest.get(blanks) == Some(&b'"')
}

fn push(cells: &mut Vec<String>, cell: &mut Vec<u8>) {
    let bytes = std::mem::take(cell);
    if cells.len() < KEEP_CELLS {
        cells.push(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::read::{Format, MAX_CELL, all};

    fn read(bytes: &[u8]) -> Result<Vec<Row>, ReadError> {
        all(Format::Csv, bytes)
    }

    fn cells(text: &str) -> Vec<Vec<String>> {
        read(text.as_bytes()).expect("readable").into_iter().map(|r| r.cells).collect()
    }

    #[test]
    fn rows_are_split() {
        for (text, expect) in [
            ("a,b\n1,2\n", vec![vec!["a", "b"], vec!["1", "2"]]),
            ("a;b\r\n1;2", vec![vec!["a", "b"], vec!["1", "2"]]),
            ("a\tb\r1\t2\r", vec![vec!["a", "b"], vec!["1", "2"]]),
            ("a|b\n1|\n", vec![vec!["a", "b"], vec!["1", ""]]),
            ("a,b\n\"x, \"\"y\"\"\nz\",2\n", vec![vec!["a", "b"], vec!["x, \"y\"\nz", "2"]]),
            ("a,b\n1, \"x,y\"\n", vec![vec!["a", "b"], vec!["1", "x,y"]]),
            ("a,b\n5\" pipe,2\n", vec![vec!["a", "b"], vec!["5\" pipe", "2"]]),
            ("a,b\n\"x\"y,2\n", vec![vec!["a", "b"], vec!["xy", "2"]]),
            ("\u{feff}a,b\n1,2\n", vec![vec!["a", "b"], vec!["1", "2"]]),
            (
                "Name;Betrag\nA, B;1,5\nC, D;2,5\n",
                vec![vec!["Name", "Betrag"], vec!["A, B", "1,5"], vec!["C, D", "2,5"]],
            ),
            ("one\ntwo\n", vec![vec!["one"], vec!["two"]]),
        ] {
            assert_eq!(cells(text), expect, "{text:?}");
        }
    }

    #[test]
    fn an_unclosed_quote_costs_one_row() {
        let rows = read(b"a,b\n1,2\n\"3,4\n5,6\n").expect("readable");
        let problems: Vec<_> = rows.iter().map(|r| r.problem.is_some()).collect();
        assert_eq!(problems, [false, false, true, false]);
        assert_eq!(rows[3].cells, ["5", "6"]);
        assert!(matches!(read("a,b\"\n\"".repeat(400).as_bytes()), Ok(_) | Err(ReadError::Quotes(..))));
    }

    #[test]
    fn limits_are_kept() {
        let wide = format!("a,b\n{}\n1,2\n", "x,".repeat(10_000));
        let rows = read(wide.as_bytes()).expect("readable");
        assert!(rows[1].problem.is_some() && rows[1].cells.len() <= KEEP_CELLS && rows[2].problem.is_none());
        let big = format!(
            "a,b\n{},1\n\"{}\",1\n{},2\n1,2\n",
            "y".repeat(MAX_CELL + 1),
            "z".repeat(MAX_CELL + 2),
            "q".repeat(9 << 20)
        );
        let rows = read(big.as_bytes()).expect("readable");
        assert_eq!(rows.iter().map(|r| r.problem.is_some()).collect::<Vec<_>>(), [false, true, true, true, false]);
        let rows = read(b"a,b\n1\0,2\n3,4\n").expect("readable");
        assert!(rows[1].problem.is_some() && rows[2].problem.is_none());
        assert!(matches!(read(b""), Err(ReadError::Empty)));
    }

    /// So many bytes of a pattern again and again.
    struct Endless {
        pattern: &'static [u8],
        left: usize,
    }

    impl Read for Endless {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let n = out.len().min(self.left);
            let from = self.left;
            out[..n].iter_mut().enumerate().for_each(|(i, b)| *b = self.pattern[(from - i) % self.pattern.len()]);
            self.left -= n;
            Ok(n)
        }
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        for pattern in ["x", "x,", "\"", "\"x", "\n", "\n,\"", "a,b\n", "\0"] {
            let mut source = Endless { pattern: pattern.as_bytes(), left: 3 * MAX_ROW };
            let mut parser = Parser::new(Utf8::new(&mut source, encoding_rs::UTF_8), ',');
            loop {
                let row = parser.next();
                assert!(parser.buffer.capacity() <= 4 * MAX_ROW, "{pattern:?} holds {}", parser.buffer.capacity());
                match row {
                    Ok(Some(row)) => {
                        let size: usize = row.cells.iter().map(String::len).sum();
                        assert!(size <= 2 * MAX_ROW && row.cells.len() <= KEEP_CELLS, "{pattern:?}");
                    }
                    Ok(None) | Err(ReadError::Quotes(..)) => break,
                    Err(e) => panic!("{pattern:?}: {e}"),
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 1..2000)) {
            let _ = read(&bytes);
        }

        #[test]
        fn no_text_panics(text in "[a,;\"\n\r\t |x0ü]{0,300}") {
            let _ = read(text.as_bytes());
        }

        #[test]
        fn written_rows_are_read_back(table in proptest::collection::vec(proptest::collection::vec("[a-z,;\"\n ü]{0,8}x", 3), 2..20)) {
            let quote = |c: &String| format!("\"{}\"", c.replace('"', "\"\""));
            let text: String = table.iter().map(|r| r.iter().map(quote).collect::<Vec<_>>().join(",") + "\r\n").collect();
            let mut source = Cursor::new(text.as_bytes());
            let mut found: Vec<Vec<String>> = Vec::new();
            let layout = Layout { delimiter: Some(','), ..Layout::default() };
            rows(&layout, &mut source, &mut |row| {
                found.push(row.cells);
                ControlFlow::Continue(())
            }).expect("readable");
            prop_assert_eq!(found, table);
        }
    }
}
