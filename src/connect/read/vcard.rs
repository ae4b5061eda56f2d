//! vCard 2.1, 3.0 and 4.0 as Outlook, Google and phones write them. One card is one row of fixed columns.
//!
//! Own small reader: 2.1 with its quoted-printable soft line breaks and charsets per property is what other parsers
//! get wrong, and only a dozen properties matter here.

use std::io::SeekFrom;
use std::ops::ControlFlow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::text::{self, Lines, Utf8};
use super::{Layout, MAX_CELL, ReadError, Row, RowProblem, Source};

/// The columns of every vCard table, in this order.
const COLUMNS: [&str; 29] = [
    "UID",
    "Full name",
    "First name",
    "Last name",
    "Nickname",
    "Company",
    "Department",
    "Job title",
    "Role",
    "E-mail",
    "Work phone",
    "Mobile phone",
    "Home phone",
    "Other phone",
    "Fax",
    "Work street",
    "Work city",
    "Work region",
    "Work postal code",
    "Work country",
    "Home street",
    "Home city",
    "Home region",
    "Home postal code",
    "Home country",
    "Website",
    "Birthday",
    "Notes",
    "Categories",
];
const WORK_STREET: usize = 15;
const HOME_STREET: usize = 20;
/// Longest property that is kept; pictures are longer and not wanted.
const MAX_PROPERTY: usize = 256 * 1024;

pub fn layout(source: &mut dyn Source) -> Result<Layout, ReadError> {
    source.seek(SeekFrom::Start(0))?;
    let head = text::head(source)?;
    let encoding = text::guess(&head).ok_or(ReadError::Binary)?;
    let layout = Layout {
        encoding: Some(encoding.name().to_owned()),
        keys: COLUMNS.map(str::to_owned).to_vec(),
        ..Layout::default()
    };
    let mut any = 0;
    rows(&layout, source, &mut |_| {
        any += 1;
        if any > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if any > 1 { Ok(layout) } else { Err(ReadError::NoCard) }
}

pub fn rows(
    layout: &Layout,
    source: &mut dyn Source,
    take: &mut dyn FnMut(Row) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    source.seek(SeekFrom::Start(0))?;
    if take(Row { number: 0, cells: layout.keys.clone(), problem: None }).is_break() {
        return Ok(());
    }
    let label = layout.encoding.as_deref().unwrap_or("utf-8");
    let encoding = Encoding::for_label(label.as_bytes()).unwrap_or(UTF_8);
    let mut reader = Properties { lines: Lines::new(Utf8::new(source, encoding), MAX_PROPERTY), ahead: None };
    let mut card: Option<Card> = None;
    let mut number = 0;
    while let Some(line) = reader.next()? {
        let Some(property) = Property::parse(&line) else { continue };
        match property.name.as_str() {
            "BEGIN" if property.value.trim().eq_ignore_ascii_case("VCARD") => {
                // a card inside a card (AGENT) is not one of the list; a card never closed ends here
                if let Some(open) = card.replace(Card::default())
                    && !open.is_empty()
                {
                    number += 1;
                    let problem = RowProblem::row("the card is not closed");
                    if take(Row { problem, ..open.row(number) }).is_break() {
                        return Ok(());
                    }
                }
            }
            "END" => {
                if let Some(open) = card.take() {
                    number += 1;
                    if take(open.row(number)).is_break() {
                        return Ok(());
                    }
                }
            }
            _ => {
                if let Some(card) = &mut card {
                    card.add(property);
                }
            }
        }
    }
    if let Some(open) = card.filter(|c| !c.is_empty()) {
        let problem = RowProblem::row("the card is not closed");
        let _ = take(Row { problem, ..open.row(number + 1) });
    }
    Ok(())
}

/// Unfolds lines into properties.
struct Properties<'a, R: ?Sized> {
    lines: Lines<'a, R>,
    ahead: Option<String>,
}

impl<R: std::io::Read + ?Sized> Properties<'_, R> {
    fn line(&mut self) -> Result<Option<String>, ReadError> {
        if let Some(line) = self.ahead.take() {
            return Ok(Some(line));
        }
        Ok(self.lines.next()?.map(|line| String::from_utf8_lossy(line.bytes).into_owned()))
    }

    fn next(&mut self) -> Result<Option<String>, ReadError> {
        let Some(mut property) = self.line()? else { return Ok(None) };
        let quoted =
            (property.split_once(':')).is_some_and(|(head, _)| head.to_ascii_uppercase().contains("QUOTED-PRINTABLE"));
        while let Some(next) = self.line()? {
            let soft_break = quoted && property.ends_with('=');
            let folded = next.starts_with([' ', '\t']);
            if !soft_break && !folded {
                self.ahead = Some(next);
                break;
            }
            if soft_break {
                property.pop();
            }
            if property.len() < MAX_PROPERTY {
                property.push_str(if folded { &next[1..] } else { &next });
            }
        }
        Ok(Some(property))
    }
}

struct Property {
    name: String,
    /// upper case; values of TYPE and the bare types of 2.1 (`WORK`), `PREF`
    types: Vec<String>,
    value: String,
}

impl Property {
    fn parse(line: &str) -> Option<Property> {
        let (head, value) = split_head(line)?;
        let mut parts = head.split(';');
        let name = parts.next()?;
        // `item1.EMAIL`
        let name = name.rsplit_once('.').map_or(name, |(_, n)| n).trim().to_ascii_uppercase();
        let (mut types, mut charset, mut quoted) = (Vec::new(), None, false);
        for part in parts {
            let (key, text) = part.split_once('=').unwrap_or(("TYPE", part));
            match key.trim().to_ascii_uppercase().as_str() {
                "TYPE" if text.eq_ignore_ascii_case("QUOTED-PRINTABLE") => quoted = true,
                "TYPE" => types.extend(text.trim_matches('"').split(',').map(|t| t.trim().to_ascii_uppercase())),
                "ENCODING" => quoted |= text.eq_ignore_ascii_case("QUOTED-PRINTABLE"),
                "CHARSET" => charset = Encoding::for_label(text.trim_matches('"').as_bytes()),
                "PREF" => types.push("PREF".to_owned()),
                _ => {}
            }
        }
        let value = if quoted { quoted_printable(value, charset) } else { value.to_owned() };
        Some(Property { name, types, value })
    }

    fn is(&self, kind: &str) -> bool {
        self.types.iter().any(|t| t == kind)
    }
}

/// Splits at the first colon outside quotes.
fn split_head(line: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = line.bytes().position(|b| {
        quoted ^= b == b'"';
        b == b':' && !quoted
    })?;
    Some((&line[..at], &line[at + 1..]))
}

fn quoted_printable(text: &str, charset: Option<&'static Encoding>) -> String {
    let bytes = text.as_bytes();
    let hex = |at: usize| bytes.get(at).and_then(|b| (*b as char).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'=', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    let encoding = charset.unwrap_or(if std::str::from_utf8(&out).is_ok() { UTF_8 } else { WINDOWS_1252 });
    encoding.decode(&out).0.into_owned()
}

/// The parts of a structured value (`N`, `ADR`, `ORG`), unescaped.
fn parts(value: &str, separator: char) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        let Some(last) = out.last_mut() else { break };
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => last.push('\n'),
                Some(other) => last.push(other),
                None => {}
            },
            c if c == separator => out.push(String::new()),
            c => last.push(c),
        }
    }
    out.iter_mut().for_each(|p| *p = p.trim().to_owned());
    out
}

fn plain(value: &str) -> String {
    parts(value, '\0').pop().unwrap_or_default()
}

struct Card {
    cells: Vec<String>,
    /// a property was too large to be kept
    too_long: bool,
}

impl Default for Card {
    fn default() -> Card {
        Card { cells: vec![String::new(); COLUMNS.len()], too_long: false }
    }
}

impl Card {
    fn is_empty(&self) -> bool {
        self.cells.iter().all(String::is_empty)
    }

    fn row(self, number: u64) -> Row {
        let problem = if self.too_long { RowProblem::row("a property is larger than 256 KiB") } else { None };
        Row { number, cells: self.cells, problem }
    }

    fn add(&mut self, p: Property) {
        if p.value.len() >= MAX_CELL.min(MAX_PROPERTY) {
            self.too_long |= !matches!(p.name.as_str(), "PHOTO" | "LOGO" | "SOUND" | "KEY");
            return;
        }
        match p.name.as_str() {
            "UID" => self.set(0, plain(&p.value).trim_start_matches("urn:uuid:").to_owned()),
            "FN" => self.set(1, plain(&p.value)),
            "N" => self.name(&p.value),
            "NICKNAME" => self.set(4, plain(&p.value)),
            "ORG" => {
                let mut units = parts(&p.value, ';').into_iter();
                self.set(5, units.next().unwrap_or_default());
                self.set(6, units.filter(|u| !u.is_empty()).collect::<Vec<_>>().join(", "));
            }
            "TITLE" => self.set(7, plain(&p.value)),
            "ROLE" => self.set(8, plain(&p.value)),
            "EMAIL" => self.append(9, plain(&p.value).trim_start_matches("mailto:"), p.is("PREF")),
            "TEL" => self.phone(&p),
            "ADR" => self.address(&p),
            "URL" => self.append(25, &plain(&p.value), p.is("PREF")),
            // a day without its year is no date; it is kept as a remark
            "BDAY" if p.value.starts_with("--") => self.append_text(27, &format!("Birthday: {}", p.value)),
            "BDAY" => self.set(26, birthday(&plain(&p.value))),
            "NOTE" => self.append_text(27, &plain(&p.value)),
            "CATEGORIES" => parts(&p.value, ',').iter().for_each(|c| self.append(28, c, false)),
            _ => {}
        }
    }

    fn set(&mut self, at: usize, value: String) {
        if self.cells[at].is_empty() {
            self.cells[at] = value;
        }
    }

    /// Adds to a list, the preferred one first.
    fn append(&mut self, at: usize, value: &str, preferred: bool) {
        let cell = &mut self.cells[at];
        if value.is_empty() || cell.split("; ").any(|v| v == value) || cell.len() + value.len() > MAX_CELL {
            return;
        }
        *cell = match (cell.is_empty(), preferred) {
            (true, _) => value.to_owned(),
            (false, true) => format!("{value}; {cell}"),
            (false, false) => format!("{cell}; {value}"),
        };
    }

    fn append_text(&mut self, at: usize, value: &str) {
        let cell = &mut self.cells[at];
        if !cell.is_empty() {
            cell.push('\n');
        }
        cell.push_str(value);
    }

    /// family; given; additional; prefixes; suffixes
    fn name(&mut self, value: &str) {
        let mut parts = parts(value, ';').into_iter();
        self.set(3, parts.next().unwrap_or_default());
        let given = parts.next().unwrap_or_default();
        let additional = parts.next().unwrap_or_default();
        self.set(2, format!("{given} {additional}").trim().to_owned());
    }

    fn phone(&mut self, p: &Property) {
        let number = plain(&p.value);
        let number = number.trim_start_matches("tel:").replace(";ext=", " x");
        let at = match () {
            _ if p.is("FAX") => 14,
            _ if p.is("CELL") => 11,
            _ if p.is("WORK") => 10,
            _ if p.is("HOME") => 12,
            _ => 13,
        };
        self.append(at, number.trim(), p.is("PREF"));
    }

    /// box; extended; street; city; region; postal code; country
    fn address(&mut self, p: &Property) {
        let base = if p.is("HOME") { HOME_STREET } else { WORK_STREET };
        let parts = parts(&p.value, ';');
        let part = |at: usize| parts.get(at).cloned().unwrap_or_default();
        if self.cells[base..base + 5].iter().any(|c| !c.is_empty()) {
            return;
        }
        let street: Vec<String> = [2, 1, 0].map(part).into_iter().filter(|s| !s.is_empty()).collect();
        self.cells[base] = street.join(", ").replace('\n', ", ");
        for (to, from) in [(1, 3), (2, 4), (3, 5), (4, 6)] {
            self.cells[base + to] = part(from);
        }
    }
}

/// `19850412` and `1985-04-12T00:00:00Z` become `1985-04-12`.
fn birthday(value: &str) -> String {
    let day = value.split(['T', ' ']).next().unwrap_or_default();
    if day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit()) {
        return format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]);
    }
    day.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::read::{Format, all};

    fn read(bytes: &[u8]) -> Result<Vec<Row>, ReadError> {
        Ok(all(Format::Vcard, bytes)?.split_off(1))
    }

    fn cell<'r>(row: &'r Row, name: &str) -> &'r str {
        let at = COLUMNS.iter().position(|c| *c == name).expect("a column");
        &row.cells[at]
    }

    #[test]
    fn version_2_1() {
        let card = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;LANGUAGE=de;CHARSET=Windows-1252;ENCODING=QUOTED-PRINTABLE:M=FCller;J=F6rg\r\n\
            NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Erste Zeile=0D=0A=\r\nzweite =C3=BC=\r\n\r\nTEL;WORK;VOICE:+49 30 23125 001\r\n\
            TEL;CELL:0170 555\r\nEMAIL;INTERNET:a@b.example\r\nEMAIL;PREF;INTERNET:c@b.example\r\n\
            ADR;WORK;PREF:;;Kirchweg 4;Berlin;;10115;Germany\r\nPHOTO;ENCODING=BASE64:AAAA\r\n BBBB\r\n\r\nEND:VCARD\r\n";
        let rows = read(card.as_bytes()).expect("a card");
        let row = &rows[0];
        for (name, value) in [
            ("Last name", "Müller"),
            ("First name", "Jörg"),
            ("Notes", "Erste Zeile\r\nzweite ü"),
            ("Work phone", "+49 30 23125 001"),
            ("Mobile phone", "0170 555"),
            ("E-mail", "c@b.example; a@b.example"),
            ("Work street", "Kirchweg 4"),
            ("Work postal code", "10115"),
        ] {
            assert_eq!(cell(row, name), value, "{name}");
        }
    }

    #[test]
    fn version_3_and_4() {
        let text = "BEGIN:VCARD\nVERSION:4.0\nFN:Ada Lovelace\nN:Lovelace;Ada;;;\nORG:Engine\\, Ltd;Research\n\
            item1.EMAIL;TYPE=\"work\";PREF=1:ada@engine.exam\n ple\nTEL;VALUE=uri;TYPE=\"voice,cell\":tel:+44-20-7946-0000\nBDAY:18151210\n\
            NOTE:a\\nb\\, c\nCATEGORIES:vip,math\nEND:VCARD\nBEGIN:VCARD\nFN:Open\n";
        let rows = read(text.as_bytes()).expect("cards");
        for (name, value) in [
            ("Company", "Engine, Ltd"),
            ("Department", "Research"),
            ("E-mail", "ada@engine.example"),
            ("Mobile phone", "+44-20-7946-0000"),
            ("Birthday", "1815-12-10"),
            ("Notes", "a\nb, c"),
            ("Categories", "vip; math"),
        ] {
            assert_eq!(cell(&rows[0], name), value, "{name}");
        }
        assert!(rows[1].problem.is_some());
        assert!(matches!(read(b"hello\n"), Err(ReadError::NoCard)));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(BEGIN:VCARD\n|END:VCARD\n|N:|ADR;HOME:|TEL;|NOTE;ENCODING=QUOTED-PRINTABLE:|=C3|=|;|\\\\|\n |\n|ü|a|,|\"|:){0,80}") {
            let _ = read(text.as_bytes());
        }
    }
}
