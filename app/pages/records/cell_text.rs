//! Cells as the text of a spreadsheet, and back: copying and pasting of ranges.

use aplomb_model::{Field, FieldType, fold};
use leptos::{ev, prelude::*, task::spawn_local};
use serde_json::{Map, Value as Json, json};
use wasm_bindgen::JsCast;

use super::cell_edit::write_many;
use super::grid::{Grid, Place, held};
use crate::api::{self, Abort};
use crate::kit::{field, show};
use crate::state::{Signed, format};
use crate::text::{t, tf, tn};

/// Rows that one paste may write.
const MOST_ROWS: usize = 1_000;

/// A value as spreadsheets read it: numbers without groups, dates as ISO writes them.
fn to_text(signed: &Signed, field: &Field, value: &Json) -> String {
    let text = match field.kind {
        FieldType::Money => {
            let amount = value.get("amount").map(format::plain_amount).unwrap_or_default();
            let currency = value.get("currency").and_then(Json::as_str).unwrap_or_default();
            let own = signed.currency().to_string();
            let amount = format::to_type(&amount);
            if currency.is_empty() || currency == own { amount } else { format!("{amount} {currency}") }
        }
        FieldType::Number | FieldType::Rating => {
            value.as_f64().map(|n| format::to_type(&n.to_string())).unwrap_or_default()
        }
        FieldType::Date => format::plain(value),
        FieldType::DateTime => value.as_str().and_then(format::wall).unwrap_or_default().replacen('T', " ", 1),
        FieldType::Duration => value.as_f64().map(|s| format!("{}", (s / 60.0).round())).unwrap_or_default(),
        FieldType::References => {
            let names = value.as_array().into_iter().flatten().map(format::plain);
            names.collect::<Vec<_>>().join("; ")
        }
        _ => show::text(field, value),
    };
    text.replace(['\t', '\n', '\r'], " ")
}

/// The marked cells, tab and line separated.
fn copied(grid: &Grid, place: Place) -> Option<String> {
    let (rows, columns) = untrack(|| place.block())?;
    let line = |row: usize| {
        let record = grid.record(row)?;
        let cells =
            columns.clone().filter_map(|c| grid.field(c)).map(|f| to_text(&grid.signed, &f, &held(&record, &f)));
        Some(cells.collect::<Vec<_>>().join("\t"))
    };
    Some(rows.filter_map(line).collect::<Vec<_>>().join("\n"))
}

pub fn copy(grid: &Grid, place: Place, event: &ev::Event) {
    if untrack(|| place.editing.get().is_some()) {
        return;
    }
    let data = event.dyn_ref::<web_sys::ClipboardEvent>().and_then(web_sys::ClipboardEvent::clipboard_data);
    if let (Some(text), Some(data)) = (copied(grid, place), data) {
        event.prevent_default();
        let _ = data.set_data("text/plain", &text);
        let rows = text.lines().count() as u64;
        grid.toasts.say(tn("cell.copied", rows));
    }
}

/// Cells of what a spreadsheet put on the clipboard; a cell in quotes may hold tabs and line ends.
fn parse(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    let mut chars = text.trim_end_matches(['\n', '\r']).chars().peekable();
    while let Some(c) = chars.next() {
        let Some(row) = rows.last_mut() else { break };
        let Some(cell) = row.last_mut() else { break };
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                cell.push('"');
                chars.next();
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            '\t' if !quoted => row.push(String::new()),
            '\n' if !quoted => rows.push(vec![String::new()]),
            '\r' if !quoted => {}
            c => cell.push(c),
        }
    }
    rows
}

/// A value of the API out of a cell's text, before the field's own check. References are looked up by name.
async fn from_text(signed: &Signed, field: &Field, text: &str) -> Result<Json, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Json::Null);
    }
    let unknown = || tf("cell.unknown", &[("text", text)]);
    let choice = |text: &str| {
        let wanted = fold(text);
        let found = field.choices.iter().find(|c| fold(&c.label) == wanted || fold(&c.key) == wanted);
        match found {
            Some(found) => Ok(json!(found.key)),
            None if field.open => Ok(json!(text)),
            None => Err(unknown()),
        }
    };
    let split = |text: &str| {
        text.split([';', ',']).map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    Ok(match field.kind {
        FieldType::Choice => choice(text)?,
        FieldType::MultiChoice => {
            let items = split(text);
            json!(items.iter().map(|item| choice(item)).collect::<Result<Vec<_>, _>>()?)
        }
        FieldType::Money => money(text),
        FieldType::Date => json!(format::read_date(text).ok_or_else(unknown)?),
        FieldType::DateTime => json!(format::read_time(text).ok_or_else(unknown)?),
        FieldType::Duration => json!(format::from_typed(text).parse::<f64>().map_err(|_| unknown())? * 60.0),
        FieldType::YesNo => {
            let yes = [fold(t("yes")), "true".into(), "1".into(), "x".into(), "y".into()].contains(&fold(text));
            let no = [fold(t("no")), "false".into(), "0".into(), "n".into()].contains(&fold(text));
            if yes == no { return Err(unknown()) } else { json!(yes) }
        }
        FieldType::Email | FieldType::Phone | FieldType::Url if field.many => json!(split(text)),
        FieldType::Reference => reference(signed, field, text).await?,
        FieldType::References => {
            let mut all = Vec::new();
            for name in text.split(';').map(str::trim).filter(|s| !s.is_empty()) {
                all.push(reference(signed, field, name).await?);
            }
            json!(all)
        }
        _ => json!(text),
    })
}

fn money(text: &str) -> Json {
    let amount: String =
        text.chars().filter(|c| c.is_ascii_digit() || ".,'’-".contains(*c) || c.is_whitespace()).collect();
    let code: String = text.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_uppercase();
    let sign =
        [('€', "EUR"), ('$', "USD"), ('£', "GBP"), ('¥', "JPY")].into_iter().find(|(sign, _)| text.contains(*sign));
    let currency = if code.len() == 3 { code } else { sign.map(|(_, code)| code.to_owned()).unwrap_or_default() };
    json!({ "amount": amount.trim(), "currency": currency })
}

/// The one record of this name.
async fn reference(signed: &Signed, field: &Field, name: &str) -> Result<Json, String> {
    let wanted = fold(name);
    for target in &field.target {
        let title = signed.object(target).map(|o| o.title.clone()).unwrap_or_default();
        let hits = api::look_up(target, &title, name, &Abort::new()).await.map_err(|f| f.message())?;
        let mut same = hits.into_iter().filter(|hit| fold(&hit.title) == wanted);
        match (same.next(), same.next()) {
            (Some(hit), None) => return Ok(json!({ "id": hit.id, "object": hit.object, "name": hit.title })),
            (Some(_), Some(_)) => return Err(tf("cell.several", &[("text", name)])),
            _ => {}
        }
    }
    Err(tf("cell.unknown", &[("text", name)]))
}

pub fn paste(grid: &Grid, place: Place, event: &ev::Event) {
    if !grid.editable || untrack(|| place.editing.get().is_some()) {
        return;
    }
    let data = event.dyn_ref::<web_sys::ClipboardEvent>().and_then(web_sys::ClipboardEvent::clipboard_data);
    let text = data.and_then(|d| d.get_data("text/plain").ok()).unwrap_or_default();
    let Some((rows, columns)) = untrack(|| place.block()).filter(|_| !text.is_empty()) else { return };
    event.prevent_default();
    let cells = parse(&text);
    let (high, wide) = (cells.len(), cells.iter().map(Vec::len).max().unwrap_or(1));
    // One value fills what is marked; a block goes where it was put, whatever is marked.
    let (down, right) = if (high, wide) == (1, 1) {
        (rows.end() - rows.start() + 1, columns.end() - columns.start() + 1)
    } else {
        (high, wide)
    };
    let (top, left) = (*rows.start(), *columns.start());
    if down > MOST_ROWS {
        return grid.toasts.warn(tn("cell.tooMany", MOST_ROWS as u64));
    }
    let (grid, signed, toasts) = (grid.clone(), grid.signed.clone(), grid.toasts);
    spawn_local(async move {
        let mut changes = Vec::new();
        for row in 0..down {
            let Some(record) = grid.record(top + row) else { continue };
            let mut fields = Map::new();
            for column in 0..right {
                let Some(field) = grid.writable(left + column) else { continue };
                let Some(text) = cells.get(row % high).and_then(|r| r.get(column % wide)) else { continue };
                let read = from_text(&signed, &field, text).await.and_then(|raw| {
                    field::prepare(&signed.schema, signed.currency(), &field, &raw).map_err(|e| e.detail)
                });
                match read {
                    Ok(value) => drop(fields.insert(field.name.clone(), value)),
                    Err(detail) => {
                        let at = (top + row + 1).to_string();
                        return toasts
                            .warn(tf("cell.refused", &[("row", &at), ("field", &field.label), ("detail", &detail)]));
                    }
                }
            }
            changes.push((record, fields));
        }
        write_many(&grid, changes);
    });
}
