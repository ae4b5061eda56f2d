//! The keys of a table: the cursor goes from cell to cell, Shift marks a range, Enter writes or opens, `x` selects rows.

use leptos::ev;
use leptos::prelude::*;
use serde_json::Value as Json;
use wasm_bindgen::JsCast;

use super::cell_edit;
use super::chosen::Chosen;
use super::grid::{Cell, Grid, Place};
use crate::kit::Scroller;
use crate::state::{Router, nav, router};

/// Whether the key was pressed inside something that takes keys itself.
fn is_elsewhere(event: &ev::KeyboardEvent) -> bool {
    let element = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
    element.is_some_and(|e| e.closest(".cell-editor, input, select, textarea, thead").ok().flatten().is_some())
}

pub fn keys(grid: Grid, scroller: Scroller, place: Place) -> impl Fn(ev::KeyboardEvent) + 'static {
    let router = router();
    move |event| {
        if is_elsewhere(&event) || event.alt_key() {
            return;
        }
        let held = event.ctrl_key() || event.meta_key();
        let Some(last) = grid.len().checked_sub(1) else { return };
        let width = grid.columns.with_untracked(Vec::len).max(1) - 1;
        let at = place.at.get_untracked();
        let from = at.unwrap_or(Cell { row: 0, column: 0 });
        let page = scroller.in_sight().len().saturating_sub(2).max(1);
        let row = |row: usize| Cell { row, ..from };
        let column = |column: usize| Cell { column, ..from };
        let to = match (event.key().as_str(), held) {
            ("ArrowDown" | "j", false) => row(at.map_or(0, |at| at.row + 1).min(last)),
            ("ArrowUp" | "k", false) => row(from.row.saturating_sub(1)),
            ("ArrowRight", false) => column(at.map_or(0, |at| at.column + 1).min(width)),
            ("ArrowLeft", false) => column(from.column.saturating_sub(1)),
            ("ArrowDown" | "End", true) => row(last),
            ("ArrowUp" | "Home", true) => row(0),
            ("PageDown", false) => row((from.row + page).min(last)),
            ("PageUp", false) => row(from.row.saturating_sub(page)),
            ("Home", false) => row(0),
            ("End", false) => row(last),
            (key, held) => {
                if let Some(at) = at
                    && act(&grid, place, at, key, held, event.shift_key(), router)
                {
                    event.prevent_default();
                    // The same press must not open something else as well.
                    event.stop_propagation();
                }
                return;
            }
        };
        event.prevent_default();
        place.go(&grid, scroller, to, event.shift_key());
    }
}

/// What a key does with the cell or the row it is pressed on; whether it did something.
fn act(grid: &Grid, place: Place, at: Cell, key: &str, held: bool, shift: bool, router: Router) -> bool {
    match key {
        "Enter" if held || at.column == 0 || grid.writable(at.column).is_none() => {
            if let Some(record) = grid.record(at.row) {
                router.go(&nav::record_url(&grid.object.name, &record.id));
            }
        }
        "Enter" | "F2" if !held && grid.writable(at.column).is_some() => place.editing.set(Some(at)),
        "Delete" | "Backspace" if !held && grid.editable => clear(grid, place),
        " " | "x" if grid.selectable && !held => match place.block() {
            Some((rows, _)) if rows.start() < rows.end() => grid.choose_rows(rows),
            _ => grid.choose(place, at.row, shift),
        },
        "Escape" => {
            if place.from.get_untracked().is_some() {
                place.from.set(None);
            } else {
                grid.chosen.set(Chosen::default());
            }
        }
        _ => return false,
    }
    true
}

/// Empties the marked cells.
fn clear(grid: &Grid, place: Place) {
    let Some((rows, columns)) = place.block() else { return };
    let mut changes = Vec::new();
    for row in rows {
        let Some(record) = grid.record(row) else { continue };
        let emptied = columns.clone().filter_map(|column| grid.writable(column)).filter(|f| !f.required);
        let fields = emptied
            .map(|f| (f.name, Json::Null))
            .filter(|(name, _)| record.fields.get(name).is_some_and(|v| !v.is_null()));
        changes.push((record.clone(), fields.collect()));
    }
    cell_edit::write_many(grid, changes);
}
