//! JSON Lines: one object a line. Nested objects become columns named by their path (`address.city`).

use std::io::SeekFrom;
use std::ops::ControlFlow;

use encoding_rs::Encoding;
use serde_json::Value as Json;

use super::text::{self, Utf8};
use super::{Layout, MAX_COLUMNS, MAX_ROW, ReadError, Row, RowProblem, Source};

/// Deepest nesting that is taken apart; deeper objects stay JSON text.
const MAX_DEPTH: usize = 4;

pub fn layout(source: &mut dyn Source) -> Result<Layout, ReadError> {
    source.seek(SeekFrom::Start(0))?;
    let head = text::head(source)?;
    let encoding = text::guess(&head).ok_or(ReadError::Binary)?;
    let mut layout = Layout { encoding: Some(encoding.name().to_owned()), ..Layout::default() };
    let mut index = std::collections::HashMap::new();
    let (mut good, mut bad, mut first_error) = (0u64, 0u64, String::new());
    let mut too_many = false;
    lines(&layout, source, &mut |line, _| {
        match parse(line) {
            Ok(cells) => {
                good += 1;
                for (key, _) in cells {
                    if !index.contains_key(&key) {
                        too_many |= index.len() >= MAX_COLUMNS;
                        index.insert(key, index.len());
                    }
                }
            }
            Err(e) => {
                bad += 1;
                if first_error.is_empty() {
                    first_error = e;
                }
            }
        }
        if too_many || (good == 0 && bad >= 20) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if too_many {
        return Err(ReadError::Columns);
    }
    if good == 0 {
        return Err(if bad == 0 { ReadError::Empty } else { ReadError::Json(first_error) });
    }
    let mut keys: Vec<(usize, String)> = index.into_iter().map(|(key, at)| (at, key)).collect();
    keys.sort();
    layout.keys = keys.into_iter().map(|(_, key)| key).collect();
    Ok(layout)
}

pub fn rows(
    layout: &Layout,
    source: &mut dyn Source,
    take: &mut dyn FnMut(Row) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    if take(Row { number: 0, cells: layout.keys.clone(), problem: None }).is_break() {
        return Ok(());
    }
    let index: std::collections::HashMap<&str, usize> =
        layout.keys.iter().enumerate().map(|(at, key)| (key.as_str(), at)).collect();
    lines(layout, source, &mut |line, number| {
        let mut row = Row { number, cells: vec![String::new(); layout.keys.len()], problem: None };
        match parse(line) {
            Ok(cells) => {
                for (key, value) in cells {
                    if let Some(at) = index.get(key.as_str()) {
                        row.problem = row.problem.or(RowProblem::of_cell(*at, &value));
                        row.cells[*at] = value;
                    }
                }
            }
            Err(e) => row.problem = RowProblem::row(e),
        }
        take(row)
    })
}

/// Every line that is not blank, with its number; one that is too long comes as an empty text.
fn lines(
    layout: &Layout,
    source: &mut dyn Source,
    take: &mut dyn FnMut(&[u8], u64) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    source.seek(SeekFrom::Start(0))?;
    let label = layout.encoding.as_deref().unwrap_or("utf-8");
    let encoding = Encoding::for_label(label.as_bytes()).unwrap_or(encoding_rs::UTF_8);
    let mut lines = text::Lines::new(Utf8::new(source, encoding), MAX_ROW);
    let mut number = 0;
    while let Some(line) = lines.next()? {
        number += 1;
        if !line.cut && line.bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let bytes = if line.cut { &b""[..] } else { line.bytes };
        if take(bytes, number).is_break() {
            break;
        }
    }
    Ok(())
}

fn parse(line: &[u8]) -> Result<Vec<(String, String)>, String> {
    if line.is_empty() {
        return Err(format!("the line is larger than {} MiB", MAX_ROW >> 20));
    }
    let json: Json = serde_json::from_slice(line).map_err(|e| format!("not JSON: {e}"))?;
    let Json::Object(object) = json else { return Err("the line is no JSON object".to_owned()) };
    let mut cells = Vec::new();
    flatten("", &object, MAX_DEPTH, &mut cells);
    Ok(cells)
}

fn flatten(prefix: &str, object: &serde_json::Map<String, Json>, depth: usize, cells: &mut Vec<(String, String)>) {
    for (key, value) in object {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Json::Object(inner) if depth > 1 => flatten(&path, inner, depth - 1, cells),
            other => cells.push((path, text_of(other))),
        }
    }
}

fn text_of(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(s) => s.clone(),
        Json::Array(items) if items.iter().all(|i| !i.is_object() && !i.is_array()) => {
            items.iter().map(text_of).filter(|s| !s.is_empty()).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::read::{Format, all};

    fn read(bytes: &[u8]) -> Result<Vec<Row>, ReadError> {
        all(Format::Jsonl, bytes)
    }

    #[test]
    fn objects_become_rows() {
        let rows =
            read(b"{\"name\":{\"first\":\"A\"},\"tags\":[\"x\",\"y\"]}\n\nnonsense\n{\"n\":1.5,\"tags\":null}\n")
                .expect("rows");
        assert_eq!(rows[0].cells, ["name.first", "tags", "n"]);
        assert_eq!((rows[1].number, &rows[1].cells[..]), (1, &["A".to_owned(), "x; y".into(), "".into()][..]));
        assert!(rows[2].problem.is_some());
        assert_eq!((rows[3].number, rows[3].cells[2].as_str()), (4, "1.5"));
        assert!(matches!(read(b"nonsense\n"), Err(ReadError::Json(_))));
        let wide: String = (0..3000).map(|i| format!("\"k{i}\":1,")).collect();
        assert!(matches!(read(format!("{{{}\"z\":1}}\n", wide).as_bytes()), Err(ReadError::Columns)));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[{}\\[\\]\":,a1\n]{0,200}") {
            let _ = read(text.as_bytes());
        }
    }
}
