//! Writing in a table: an editor over the cell. The list shows the new value at once; what the server refuses comes back
//! into the editor with the reason, and what could not be sent stays marked until it is.

use aplomb_model::{Field, FieldType};
use leptos::{ev, html, prelude::*, task::spawn_local};
use serde_json::{Map, Value as Json};
use wasm_bindgen::JsCast;

use super::grid::{Cell, Grid, Place, Unsaved, held};
use super::title_of;
use crate::api::{self, Abort, Record, Write};
use crate::kit::{FieldInput, Scroller, field, show};
use crate::state::format;
use crate::text::{t, tf, tn};

/// The editor itself, inside its cell.
#[component]
pub fn CellEditor(
    grid: Grid,
    cell: Cell,
    record: Record,
    field: Field,
    place: Place,
    scroller: Scroller,
) -> impl IntoView {
    let signed = grid.signed.clone();
    let kept = place.unsaved.with_untracked(|all| all.get(&(record.id.clone(), field.name.clone())).cloned());
    let began = held(&record, &field);
    let draft = RwSignal::new(kept.as_ref().map_or_else(|| began.clone(), |kept| kept.draft.clone()));
    let error = RwSignal::new(kept.map(|kept| kept.reason));
    let root = NodeRef::<html::Div>::new();
    let done = StoredValue::new(false);
    let id = format!("{}edit", grid.prefix);
    {
        let id = id.clone();
        request_animation_frame(move || {
            let input = document().get_element_by_id(&id);
            if let Some(input) = input.as_ref().and_then(|i| i.dyn_ref::<web_sys::HtmlElement>()) {
                let _ = input.focus();
            }
            if let Some(input) = input.and_then(|i| i.dyn_into::<web_sys::HtmlInputElement>().ok()) {
                input.select();
            }
        });
    }
    let close = {
        let grid = grid.clone();
        move |to: Option<Cell>, focus: bool| {
            done.set_value(true);
            place.editing.set(None);
            if let Some(to) = to {
                place.go(&grid, scroller, to, false);
            }
            if focus {
                grid.focus();
            }
        }
    };
    // What is typed, checked and sent; whether it was good enough to leave the cell.
    let send = {
        let (grid, field, record) = (grid.clone(), field.clone(), record.clone());
        move || {
            let typed = draft.get_untracked();
            if typed == began && place.kept(&record.id, &field.name).is_none() {
                return true;
            }
            match field::prepare(&signed.schema, signed.currency(), &field, &typed) {
                Ok(value) => {
                    save(&grid, place, record.clone(), &field, typed, value);
                    true
                }
                Err(e) => {
                    error.set(Some(tf("form.wrong", &[("field", &field.label), ("detail", &e.detail)])));
                    false
                }
            }
        }
    };
    let long = field.kind == FieldType::LongText;
    let on_key = {
        let (grid, send, close, record, name) =
            (grid.clone(), send.clone(), close.clone(), record.clone(), field.name.clone());
        move |event: ev::KeyboardEvent| {
            let last = (grid.len().max(1) - 1, grid.columns.with_untracked(Vec::len).max(1) - 1);
            let to = match event.key().as_str() {
                "Enter" if !long || event.ctrl_key() || event.meta_key() => {
                    Cell { row: (cell.row + 1).min(last.0), ..cell }
                }
                "Tab" if event.shift_key() => Cell { column: cell.column.saturating_sub(1), ..cell },
                "Tab" => Cell { column: (cell.column + 1).min(last.1), ..cell },
                "Escape" => {
                    event.stop_propagation();
                    place.forget(&record.id, &name);
                    return close(None, true);
                }
                _ => return,
            };
            event.prevent_default();
            event.stop_propagation();
            if send() {
                let tabbed = event.key() == "Tab";
                close(Some(to), true);
                if tabbed && grid.writable(to.column).is_some() && to != cell {
                    place.editing.set(Some(to));
                }
            }
        }
    };
    // Going elsewhere on the page saves, as in a spreadsheet; a log-in over the page is not elsewhere.
    let on_leave = move |event: ev::FocusEvent| {
        let Some(to) = event.related_target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()) else { return };
        let inside = root.get_untracked().is_some_and(|root| root.contains(Some(&to)));
        let over = to.closest("dialog").ok().flatten().is_some();
        if !inside && !over && !done.get_value() && send() {
            close(None, false);
        }
    };
    let note = format!("{id}-note");
    view! {
        <div class="cell-editor" data-testid="cell-editor" node_ref=root on:keydown=on_key on:focusout=on_leave on:mousedown=|e| e.stop_propagation()>
            <span class="sr" id=format!("{id}-label")>{field.label.clone()}</span>
            <label class="sr" for=id.clone()>{field.label.clone()}</label>
            <FieldInput field value=draft id error/>
            <p id=note class="hint error" role="alert">{move || error.get()}</p>
        </div>
    }
}

/// Shows the value at once and sends it; puts the old one back when it is refused, and keeps what was typed.
fn save(grid: &Grid, place: Place, record: Record, field: &Field, typed: Json, value: Json) {
    let (grid, field) = (grid.clone(), field.clone());
    let before = held(&record, &field);
    let shown = if matches!(field.kind, FieldType::Reference | FieldType::References) { &typed } else { &value };
    grid.show(&record.id, &field.name, shown);
    place.forget(&record.id, &field.name);
    spawn_local(async move {
        let fields = Map::from_iter([(field.name.clone(), value.clone())]);
        match api::set_fields(&record, &fields).await {
            Ok(now) => {
                let title = title_of(&grid.object, &now);
                grid.amend(&now);
                offer_undo(
                    &grid,
                    tf("cell.saved", &[("field", &field.label), ("title", &title)]),
                    vec![(now.id, now.version)],
                );
            }
            Err(failure) => {
                let reason = if failure.status == 412 {
                    let Some(reason) = meet(&grid, &record, &field, &value).await else { return };
                    reason
                } else {
                    grid.show(&record.id, &field.name, &before);
                    failure.of_any_field(&field.name)
                };
                place.keep(&record.id, &field.name, Unsaved { draft: typed, reason });
                reopen(&grid, place, &record.id, &field);
                grid.toasts.warn(tf("cell.kept", &[("field", &field.label)]));
            }
        }
    });
}

/// Somebody else has changed the record meanwhile: shows what is there now, and says so. `None` when it is the same.
async fn meet(grid: &Grid, record: &Record, field: &Field, value: &Json) -> Option<String> {
    match api::record(&record.object, &record.id, &Abort::new()).await {
        Ok(now) => {
            grid.amend(&now);
            let there = held(&now, field);
            let id = |json: &Json| json.get("id").cloned();
            if there == *value || id(&there).is_some_and(|id| id == *value) {
                return None;
            }
            let who = format::plain(&now.updated_by);
            Some(tf("cell.conflict", &[("who", &who), ("value", &show::text(field, &there))]))
        }
        Err(failure) => Some(failure.message()),
    }
}

/// Opens the editor of a kept value again, unless another cell is being written.
fn reopen(grid: &Grid, place: Place, id: &str, field: &Field) {
    if place.editing.try_get_untracked() != Some(None) {
        return;
    }
    let row = grid.rows.rows.with_untracked(|rows| rows.iter().find(|(_, r)| r.id == id).map(|(at, _)| at));
    let column = grid.columns.with_untracked(|all| all.iter().position(|c| c.field.name == field.name));
    if let (Some(row), Some(column)) = (row, column) {
        place.editing.set(Some(Cell { row, column }));
    }
}

/// Writes several records in one batch, all or none, with a way back.
pub fn write_many(grid: &Grid, changes: Vec<(Record, Map<String, Json>)>) {
    let changes: Vec<(Record, Map<String, Json>)> =
        changes.into_iter().filter(|(_, fields)| !fields.is_empty()).collect();
    if changes.is_empty() {
        return;
    }
    let grid = grid.clone();
    spawn_local(async move {
        let cells: usize = changes.iter().map(|(_, fields)| fields.len()).sum();
        let wanted: Vec<Write> =
            changes.into_iter().map(|(r, fields)| Write { id: r.id, version: Some(r.version), fields }).collect();
        match api::change_all(&grid.object.name, &wanted).await {
            Ok(versions) => {
                grid.rows.refresh();
                offer_undo(&grid, tn("cell.written", cells as u64), versions);
            }
            Err(failure) => grid.toasts.refuse(&failure),
        }
    });
}

/// Says what was written, and takes it back on wish: each record to the version before.
fn offer_undo(grid: &Grid, text: String, versions: Vec<(String, u32)>) {
    let (toasts, grid) = (grid.toasts, grid.clone());
    toasts.offer(text, t("undo"), move || {
        let (grid, versions) = (grid.clone(), versions.clone());
        spawn_local(async move {
            for (id, version) in versions {
                if let Err(failure) = api::undo(&grid.object.name, &id, version.saturating_sub(1).max(1)).await {
                    return toasts.refuse(&failure);
                }
            }
            grid.rows.refresh();
        });
    });
}
