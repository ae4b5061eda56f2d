//! What a table works on, and where the keyboard stands in it: on a cell, perhaps at the end of a range of cells.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use aplomb_model::{Field, Object};
use leptos::prelude::*;
use serde_json::Value as Json;
use wasm_bindgen::JsCast;

use super::chosen::{Chosen, Scope};
use super::columns::Column;
use super::list_url::ListUrl;
use super::value_of;
use crate::api::Record;
use crate::kit::{Paged, Scroller, Toasts, field, reveal};
use crate::state::Signed;

/// What a table is given.
#[derive(Clone)]
pub struct Grid {
    pub object: Arc<Object>,
    pub rows: Paged<Record>,
    pub columns: Memo<Vec<Column>>,
    pub url: Memo<ListUrl>,
    pub go: Callback<ListUrl>,
    pub chosen: RwSignal<Chosen>,
    /// whether rows can be selected at all
    pub selectable: bool,
    /// whether cells can be written
    pub editable: bool,
    /// begins the ids of its elements; empty for the one table of a page
    pub prefix: String,
    pub signed: Signed,
    pub toasts: Toasts,
}

impl Grid {
    pub fn record(&self, row: usize) -> Option<Record> {
        self.rows.rows.with_untracked(|rows| rows.get(row).cloned())
    }

    pub fn len(&self) -> usize {
        self.rows.rows.with_untracked(|rows| rows.len)
    }

    pub fn field(&self, column: usize) -> Option<Field> {
        self.columns.with_untracked(|columns| columns.get(column).map(|c| c.field.clone()))
    }

    /// The field of a column, when this person may write it.
    pub fn writable(&self, column: usize) -> Option<Field> {
        self.field(column).filter(|f| self.editable && field::is_editable(f))
    }

    pub fn cell_id(&self, cell: Cell) -> String {
        format!("{}cell-{}-{}", self.prefix, cell.row, cell.column)
    }

    /// Gives the keyboard back to the table.
    pub fn focus(&self) {
        let table = document().get_element_by_id(&format!("{}records", self.prefix));
        if let Some(table) = table.and_then(|t| t.dyn_into::<web_sys::HtmlElement>().ok()) {
            let options = web_sys::FocusOptions::new();
            options.set_prevent_scroll(true);
            let _ = table.focus_with_options(&options);
        }
    }

    /// Shows a record as it is now, wherever in the list it stands. Fields that the answer leaves out stay.
    pub fn amend(&self, now: &Record) {
        self.rows.amend(
            |held| held.id == now.id,
            |held| {
                held.version = held.version.max(now.version);
                held.updated_at.clone_from(&now.updated_at);
                held.updated_by.clone_from(&now.updated_by);
                held.fields.extend(now.fields.clone());
                held.fields.retain(|name, _| now.fields.is_empty() || now.fields.contains_key(name));
            },
        );
    }

    /// Shows one value before the server has agreed, or again after it has not.
    pub fn show(&self, id: &str, name: &str, value: &Json) {
        self.rows.amend(|held| held.id == id, |held| drop(held.fields.insert(name.to_owned(), value.clone())));
    }

    /// Selects a row or takes it out; with `range` everything since the last one.
    pub fn choose(&self, place: Place, row: usize, range: bool) {
        if range {
            return self.choose_rows(place.anchor.get_value().min(row)..=place.anchor.get_value().max(row));
        }
        place.anchor.set_value(row);
        let Some(id) = self.record(row).map(|r| r.id) else { return };
        self.chosen.update(|chosen| chosen.toggle(&untrack(|| self.scope()), id));
    }

    pub fn has_chosen(&self, id: &str) -> bool {
        let scope = self.scope();
        self.chosen.with(|chosen| chosen.has(&scope, id))
    }

    /// What all its rows have in common.
    pub fn scope(&self) -> Scope {
        self.url.with(|url| Scope { filter: url.filter.clone(), q: url.q.clone() })
    }

    pub fn choose_rows(&self, rows: RangeInclusive<usize>) {
        let ids: Vec<String> = rows.filter_map(|row| self.record(row).map(|r| r.id)).collect();
        let scope = untrack(|| self.scope());
        self.chosen.update(|chosen| ids.into_iter().for_each(|id| chosen.add(&scope, id)));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub row: usize,
    pub column: usize,
}

/// A value that the server did not take: what was typed, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsaved {
    pub draft: Json,
    pub reason: String,
}

/// Rows and columns, both ends included.
pub type Block = (RangeInclusive<usize>, RangeInclusive<usize>);

#[derive(Clone, Copy)]
pub struct Place {
    pub at: RwSignal<Option<Cell>>,
    /// where a range of cells began that ends at `at`
    pub from: RwSignal<Option<Cell>>,
    /// the row where a selection of rows began
    pub anchor: StoredValue<usize>,
    pub editing: RwSignal<Option<Cell>>,
    /// by record and field
    pub unsaved: RwSignal<HashMap<(String, String), Unsaved>>,
}

impl Place {
    pub fn new() -> Place {
        Place {
            at: RwSignal::new(None),
            from: RwSignal::new(None),
            anchor: StoredValue::new(0),
            editing: RwSignal::new(None),
            unsaved: RwSignal::new(HashMap::new()),
        }
    }

    /// The cells that are marked: the range, or the one cell.
    pub fn block(self) -> Option<Block> {
        let at = self.at.get()?;
        let from = self.from.get().unwrap_or(at);
        let span = |a: usize, b: usize| a.min(b)..=a.max(b);
        Some((span(from.row, at.row), span(from.column, at.column)))
    }

    /// The marked columns in a row, and the column of the cursor when it is in this row.
    pub fn in_row(self, row: usize) -> Option<(usize, usize, Option<usize>)> {
        let (rows, columns) = self.block()?;
        let cursor = self.at.get().filter(|at| at.row == row).map(|at| at.column);
        rows.contains(&row).then_some((*columns.start(), *columns.end(), cursor))
    }

    /// Moves the cursor; with `range` the range grows.
    pub fn go(self, grid: &Grid, scroller: Scroller, to: Cell, range: bool) {
        let before = self.at.get_untracked();
        self.from.set(if range { self.from.get_untracked().or(before) } else { None });
        self.at.set(Some(to));
        if !range {
            self.anchor.set_value(to.row);
        }
        scroller.show(to.row);
        reveal(format!("[id='{}']", grid.cell_id(to)));
    }

    /// Forgets the cursor, as another list begins.
    pub fn clear(self) {
        self.at.set(None);
        self.from.set(None);
        self.editing.set(None);
    }

    pub fn keep(self, id: &str, field: &str, unsaved: Unsaved) {
        self.unsaved.try_update(|all| drop(all.insert((id.to_owned(), field.to_owned()), unsaved)));
    }

    pub fn kept(self, id: &str, field: &str) -> Option<Unsaved> {
        self.unsaved.with(|all| all.get(&(id.to_owned(), field.to_owned())).cloned())
    }

    pub fn forget(self, id: &str, field: &str) {
        self.unsaved.try_update(|all| drop(all.remove(&(id.to_owned(), field.to_owned()))));
    }
}

/// What a cell holds.
pub fn held(record: &Record, field: &Field) -> Json {
    value_of(record, &field.name)
}
