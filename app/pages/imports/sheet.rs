//! Rows of the file as a sheet in which one mends what would be refused. The keyboard goes from cell to cell, Enter or a
//! letter writes, `n` leads to the next fault; after each change the row says whether it can be taken now.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

use super::check::row_name;
use super::rows::{More, Rows};
use crate::api::{Column, ImportRow};
use crate::kit::{Icon, reveal};
use crate::text::{t, tf};

const TABLE: &str = "import-sheet";
const INPUT: &str = "import-cell";

/// Row in the list, and place among the columns that are shown.
type At = (usize, usize);
/// Where the cursor is in a row, and whether something is written there.
type Writing = Option<(usize, bool)>;

#[derive(Clone, Copy)]
struct Cursor {
    rows: Rows,
    columns: StoredValue<Vec<Column>>,
    at: RwSignal<At>,
    /// the text of the cell that is written
    writing: RwSignal<Option<String>>,
    outdated: RwSignal<bool>,
}

/// Whether the row is still refused.
fn is_refused(row: &ImportRow) -> bool {
    row.problems.iter().any(|p| !p.warning)
}

fn fault(row: &ImportRow, column: usize) -> Option<String> {
    let found: Vec<String> =
        row.problems.iter().filter(|p| p.column == Some(column)).map(|p| p.detail.clone()).collect();
    (!found.is_empty()).then(|| found.join("; "))
}

impl Cursor {
    fn column(self, at: At) -> Option<usize> {
        self.columns.with_value(|columns| columns.get(at.1).map(|c| c.index))
    }

    /// The cell of the next fault after this one, from the start when there is none.
    fn next_fault(self, from: At) -> Option<At> {
        self.rows.list.with_untracked(|list| {
            let places = self.columns.with_value(|columns| {
                let of_row = |(r, row): (usize, &ImportRow)| {
                    let cells = columns.iter().enumerate().filter(|(_, c)| fault(row, c.index).is_some());
                    cells.map(|(at, _)| (r, at)).collect::<Vec<_>>()
                };
                list.iter().enumerate().flat_map(of_row).collect::<Vec<At>>()
            });
            places.iter().find(|place| **place > from).or(places.first()).copied()
        })
    }

    fn go(self, to: At) {
        self.at.set(to);
        reveal(format!("#{}", cell_id(to)));
    }

    fn write(self, text: Option<String>) {
        let (at, Some(column)) = (self.at.get_untracked(), self.column(self.at.get_untracked())) else { return };
        let held = self.rows.list.with_untracked(|list| list.get(at.0)?.cells.get(column).cloned());
        self.writing.set(Some(text.unwrap_or_else(|| held.unwrap_or_default())));
        request_animation_frame(|| focus(INPUT));
    }

    fn save(self, text: String) {
        let at = self.at.get_untracked();
        self.writing.set(None);
        let (Some(column), Some(row)) = (self.column(at), self.rows.list.with_untracked(|l| l.get(at.0).cloned()))
        else {
            return;
        };
        if row.cells.get(column).map_or("", String::as_str) == text {
            return;
        }
        let said = self.rows.said;
        self.outdated.set(true);
        self.rows.edit(row.row, column, text, move |now| {
            let name = row_name(now.row);
            let text = match now.problems.iter().find(|p| !p.warning) {
                Some(problem) => format!("{name}: {}", problem.detail),
                None => tf("import.mended", &[("row", &name)]),
            };
            said.try_set(text);
        });
    }
}

fn cell_id((row, column): At) -> String {
    format!("sheet-{row}-{column}")
}

fn focus(id: &str) {
    let found = document().get_element_by_id(id).and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(element) = found {
        let _ = element.focus();
    }
}

#[component]
pub fn Sheet(rows: Rows, columns: Vec<Column>, outdated: RwSignal<bool>) -> impl IntoView {
    let columns: Vec<Column> = columns.into_iter().filter(|c| c.field.is_some()).collect();
    let heads = columns.iter().map(|c| view! { <th scope="col">{c.header.clone()}</th> }).collect_view();
    let cursor = Cursor {
        rows,
        columns: StoredValue::new(columns),
        at: RwSignal::new((0, 0)),
        writing: RwSignal::new(None),
        outdated,
    };
    let count = Memo::new(move |_| rows.list.with(Vec::len));
    // The first fault is where one begins.
    Effect::new(move |begun: Option<bool>| {
        if begun != Some(true) && count.get() > 0 {
            cursor.at.set(cursor.next_fault((0, 0)).unwrap_or_default());
            return true;
        }
        begun.unwrap_or_default()
    });
    let on_key = move |event: ev::KeyboardEvent| {
        let held = event.ctrl_key() || event.meta_key() || event.alt_key();
        if held || cursor.writing.with_untracked(Option::is_some) {
            return;
        }
        let (row, column) = cursor.at.get_untracked();
        let last = (count.get_untracked().max(1) - 1, cursor.columns.with_value(Vec::len).max(1) - 1);
        match event.key().as_str() {
            "ArrowDown" => cursor.go(((row + 1).min(last.0), column)),
            "ArrowUp" => cursor.go((row.saturating_sub(1), column)),
            "ArrowRight" => cursor.go((row, (column + 1).min(last.1))),
            "ArrowLeft" => cursor.go((row, column.saturating_sub(1))),
            "Home" => cursor.go((0, column)),
            "End" => cursor.go((last.0, column)),
            "Enter" | "F2" => cursor.write(None),
            "Delete" | "Backspace" => cursor.save(String::new()),
            "n" => cursor.go(cursor.next_fault((row, column)).unwrap_or((row, column))),
            key if key.chars().count() == 1 && key != " " => cursor.write(Some(key.to_owned())),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let place = |event: &ev::MouseEvent| {
        let cell = event.target()?.dyn_into::<web_sys::Element>().ok()?.closest("td[data-at]").ok()??;
        let (row, column) = cell.get_attribute("data-at")?.split_once(' ').map(|(r, c)| (r.parse(), c.parse()))?;
        Some((row.ok()?, column.ok()?))
    };
    let on_click = move |event: ev::MouseEvent| {
        if let Some(at) = place(&event)
            .filter(|at| cursor.writing.with_untracked(Option::is_none) || *at != cursor.at.get_untracked())
        {
            cursor.at.set(at);
            cursor.write(None);
        }
    };
    view! {
        <div class="scroll tall-scroll">
            <table class="table sheet" id=TABLE role="grid" tabindex="0" aria-label=t("import.look") data-testid="sheet"
                aria-describedby="sheet-keys" aria-activedescendant=move || cell_id(cursor.at.get()) on:keydown=on_key on:click=on_click>
                <thead><tr><th scope="col" class="number">{t("import.row")}</th>{heads}</tr></thead>
                <tbody><For each=move || 0..count.get() key=|at| *at children=move |at| view! { <Line at cursor/> }/></tbody>
            </table>
        </div>
        <p id="sheet-keys" class="faint small wide-only">{t("import.sheetKeys")}</p>
        <More rows/>
    }
}

#[component]
fn Line(at: usize, cursor: Cursor) -> impl IntoView {
    let here = Memo::new(move |_| -> Writing {
        let (row, column) = cursor.at.get();
        (row == at).then(|| (column, cursor.writing.with(Option::is_some)))
    });
    // An answer about another cell of the row waits: it would take the input from under the hands.
    let line = Memo::new(move |held: Option<&(Option<ImportRow>, Writing)>| {
        let here = here.get();
        let row = match held {
            Some((row, _)) if here.is_some_and(|(_, writing)| writing) => row.clone(),
            _ => cursor.rows.list.with(|list| list.get(at).cloned()),
        };
        (row, here)
    });
    move || {
        let (row, here) = line.get();
        let row = row?;
        let whole: Vec<String> = row.problems.iter().filter(|p| p.column.is_none()).map(|p| p.detail.clone()).collect();
        let cell = |(place, column): (usize, Column)| {
            let text = row.cells.get(column.index).cloned().unwrap_or_default();
            let edited = row.edits.iter().position(|c| *c == column.index);
            let was = edited.and_then(|at| row.originals.get(at)).map(|text| tf("import.was", &[("text", text)]));
            let wrong = fault(&row, column.index);
            let is_here = here.filter(|(c, _)| *c == place);
            let class = match (&wrong, edited) {
                (Some(_), _) => "wrong",
                (None, Some(_)) => "edited",
                (None, None) if place == 0 => "",
                (None, None) => "fine",
            };
            let why = wrong.clone().map(|text| view! { <span class="hint error">{text}</span> });
            let body = if is_here.is_some_and(|(_, writing)| writing) {
                view! { <CellInput cursor label=column.header.clone()/> }.into_any()
            } else {
                view! { <span class="sheet-text" dir="auto">{text}</span> }.into_any()
            };
            view! {
                <td role="gridcell" id=cell_id((at, place)) class=class class:cursor=is_here.is_some() data-label=column.header data-at=format!("{at} {place}")
                    aria-invalid=wrong.is_some().then_some("true") title=was>{body}{why}</td>
            }
        };
        let cells = cursor.columns.get_value().into_iter().enumerate().map(cell).collect_view();
        let good = !is_refused(&row);
        let mark = good.then(|| view! { <span class="yes" title=t("import.taken")><Icon name="check"/><span class="sr">{t("import.taken")}</span></span> });
        let whole = (!whole.is_empty()).then(|| view! { <span class="hint error">{whole.join("; ")}</span> });
        Some(view! {
            <tr class:mended=good data-row=row.row.to_string()><th scope="row" class="number" data-label=t("import.row")>{row.row}{mark}{whole}</th>{cells}</tr>
        })
    }
}

/// The input over the cell that is written.
#[component]
fn CellInput(cursor: Cursor, label: String) -> impl IntoView {
    let done = StoredValue::new(false);
    let finish = move |text: Option<String>| {
        if done.try_get_value() == Some(false) {
            done.set_value(true);
            match text {
                Some(text) => cursor.save(text),
                None => cursor.writing.set(None),
            }
        }
    };
    let on_key = move |event: ev::KeyboardEvent| {
        event.stop_propagation();
        let from = cursor.at.get_untracked();
        match event.key().as_str() {
            "Enter" | "Tab" => finish(Some(event_target_value(&event))),
            "Escape" => finish(None),
            _ => return,
        }
        event.prevent_default();
        focus(TABLE);
        if event.key() != "Escape" {
            cursor.go(cursor.next_fault(from).unwrap_or(from));
        }
    };
    let text = cursor.writing.get_untracked().unwrap_or_default();
    view! {
        <input id=INPUT class="input" type="text" dir="auto" autocomplete="off" aria-label=label prop:value=text on:keydown=on_key
            on:blur=move |e| finish(Some(event_target_value(&e)))/>
    }
}
