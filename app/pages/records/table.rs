//! The rows of a list as a grid of cells: only those in sight are drawn. On a phone each row is a card, by the style
//! sheet.

use aplomb_model::FieldType;
use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

use super::cell_edit::CellEditor;
use super::cell_text;
use super::columns::{Column, is_number};
use super::fresh::freshness;
use super::grid::{Cell, Grid, Place};
use super::head::{Head, SelectAll};
use super::table_keys::keys;
use super::{title_of, value_of};
use crate::api::Record;
use crate::kit::{Scroller, ShownInCell, screen};
use crate::state::{nav, trail};
use crate::text::tf;

const HEAD: f64 = 40.0;
const CHECK: f64 = 44.0;

#[component]
pub fn Table(grid: Grid) -> impl IntoView {
    let rows = grid.rows;
    let len = Signal::derive(move || rows.rows.with(|rows| rows.len));
    let phone = screen().phone;
    let scroller = Scroller::new(len, screen().row_height(), HEAD);
    let place = Place::new();
    let drawn = scroller.drawn();
    let gaps = scroller.gaps(drawn);
    Effect::new(move |_| {
        let (start, end) = drawn.get();
        rows.look_at(start..end);
    });
    keep_place(&grid, scroller);
    // Another order or filter starts at its top.
    let (url, first) = (grid.url, StoredValue::new(true));
    Effect::new(move |_| {
        url.track();
        if !first.get_value() {
            scroller.go_to(0.0);
            place.clear();
        }
        first.set_value(false);
    });
    let columns = grid.columns;
    let check = if grid.selectable { CHECK } else { 0.0 };
    let width = move || columns.with(|c| c.iter().map(|c| c.width).sum::<f64>()) + check;
    let widths = move || {
        // The title takes what the others leave.
        let width = |(at, c): (usize, Column)| if at == 0 { String::new() } else { format!("{}px", c.width) };
        let cols = columns.get().into_iter().enumerate().map(width).map(|width| view! { <col style:width=width/> });
        cols.collect_view()
    };
    let head = {
        let grid = grid.clone();
        move || {
            let own = grid.clone();
            let cell = move |(at, column): (usize, Column)| view! { <Head grid=own.clone() at column/> };
            columns.get().into_iter().enumerate().map(cell).collect_view()
        }
    };
    let spanned = move || (columns.with(Vec::len) + usize::from(check > 0.0)).to_string();
    let gap = move |height: Signal<f64>| view! { <tr class="gap" aria-hidden="true"><td colspan=spanned style:height=move || format!("{}px", height.get())></td></tr> };
    let above = gap(Signal::derive(move || gaps.get().0));
    let below = gap(Signal::derive(move || gaps.get().1));
    let row = {
        let grid = grid.clone();
        move |index: usize| view! { <Row grid=grid.clone() index place scroller/> }
    };
    let on_key = keys(grid.clone(), scroller, place);
    let active = {
        let grid = grid.clone();
        move || place.at.get().map(|at| grid.cell_id(at))
    };
    let (copied, pasted) = (grid.clone(), grid.clone());
    let on_copy = move |event: ev::Event| cell_text::copy(&copied, place, &event);
    let on_paste = move |event: ev::Event| cell_text::paste(&pasted, place, &event);
    let all = grid.clone();
    view! {
        <div class="vscroll" node_ref=scroller.node on:scroll=move |_| scroller.scrolled()>
            <table class="table grid" role="grid" id=format!("{}records", grid.prefix) data-testid="records" tabindex="0" aria-label=grid.object.plural.clone()
                aria-rowcount=move || (len.get() + 1).to_string() aria-colcount=move || columns.with(Vec::len).to_string() aria-multiselectable=grid.selectable.then_some("true")
                aria-activedescendant=active on:keydown=on_key on:copy=move |e| on_copy(e.unchecked_into()) on:paste=move |e| on_paste(e.unchecked_into())
                style:min-width=move || if phone.get() { "0".to_owned() } else { format!("{}px", width()) }>
                <colgroup>{(check > 0.0).then(|| view! { <col style:width=format!("{check}px")/> })}{widths}</colgroup>
                <thead><tr aria-rowindex="1">
                    {(check > 0.0).then(|| view! { <th class="check-cell" scope="col"><SelectAll grid=all/></th> })}
                    {head}
                </tr></thead>
                <tbody>
                    {above}
                    <For each=move || { let (start, end) = drawn.get(); start..end } key=|index| *index children=row/>
                    {below}
                </tbody>
            </table>
        </div>
    }
}

/// Finds the list where it was left, and remembers where that is.
fn keep_place(grid: &Grid, scroller: Scroller) {
    if !grid.prefix.is_empty() {
        return;
    }
    let (trail, rows, url, name) = (trail(), grid.rows, grid.url, grid.object.name.clone());
    let address = StoredValue::new(String::new());
    {
        let name = name.clone();
        Effect::new(move |_| address.set_value(url.with(|url| url.write(&name))));
    }
    let start = trail.top_of(&url.with_untracked(|url| url.write(&name)));
    Effect::new(move |done: Option<bool>| {
        if done == Some(true) || !rows.there.get() {
            return done == Some(true);
        }
        request_animation_frame(move || scroller.go_to(start));
        true
    });
    on_cleanup(move || {
        let top = scroller.top_now();
        let ids = rows.rows.try_with_untracked(|rows| {
            let mut found: Vec<(usize, String)> = rows.iter().map(|(at, r)| (at, r.id.clone())).collect();
            found.sort_by_key(|(at, _)| *at);
            found.into_iter().map(|(_, id)| id).collect::<Vec<_>>()
        });
        if let (Some(address), Some(ids)) = (address.try_get_value(), ids) {
            trail.leave(&address, &name, top, ids);
        }
    });
}

#[component]
fn Row(grid: Grid, index: usize, place: Place, scroller: Scroller) -> impl IntoView {
    let rows = grid.rows.rows;
    let record = Memo::new(move |_| rows.with(|rows| rows.get(index).cloned()));
    let fresh = freshness(record);
    let own = grid.clone();
    let is_chosen = Memo::new(move |_| record.with(|r| r.as_ref().is_some_and(|r| own.has_chosen(&r.id))));
    let cells = {
        let grid = grid.clone();
        move || match record.get() {
            Some(record) => cells(&grid, index, record, place, scroller, is_chosen),
            None => {
                let bar = view! { <td><div class="bar"></div></td> };
                let check = grid.selectable.then(|| view! { <td class="check-cell"></td> });
                let rest = grid.columns.with(Vec::len).saturating_sub(1);
                view! { {check}{bar}{(0..rest).map(|_| view! { <td><div class="bar"></div></td> }).collect_view()} }
                    .into_any()
            }
        }
    };
    view! {
        <tr aria-rowindex=(index + 2).to_string() class:odd=index % 2 == 1 class:fresh=move || fresh.get()
            class:active=move || place.at.get().is_some_and(|at| at.row == index) aria-selected=move || is_chosen.get().to_string()
            data-id=move || record.with(|r| r.as_ref().map(|r| r.id.clone()))>{cells}</tr>
    }
}

fn cells(
    grid: &Grid,
    index: usize,
    record: Record,
    place: Place,
    scroller: Scroller,
    is_chosen: Memo<bool>,
) -> AnyView {
    let href = nav::record_url(&grid.object.name, &record.id);
    let title = title_of(&grid.object, &record);
    let check = grid.selectable.then(|| {
        let own = grid.clone();
        let click = move |event: ev::MouseEvent| own.choose(place, index, event.shift_key());
        view! {
            <td class="check-cell"><input type="checkbox" tabindex="-1" aria-label=tf("list.select", &[("title", &title)])
                prop:checked=move || is_chosen.get() on:click=click/></td>
        }
    });
    let marked = Memo::new(move |_| place.in_row(index));
    let cell = |(at, column): (usize, Column)| {
        let here = Cell { row: index, column: at };
        let field = column.field.clone();
        let value = value_of(&record, &field.name);
        let class = match (at, is_number(&field), value.is_null()) {
            (0, ..) => "title",
            (_, _, true) => "none",
            (_, true, _) if field.kind == FieldType::Money => "number",
            // A bare number says nothing without its column's name, so a phone leaves it out.
            (_, true, _) => "number bare",
            _ => "",
        };
        let editing = Memo::new(move |_| place.editing.get() == Some(here));
        let body = {
            let (grid, record, href, title) = (grid.clone(), record.clone(), href.clone(), title.clone());
            move || {
                if editing.get() {
                    let (grid, record, field) = (grid.clone(), record.clone(), field.clone());
                    return view! { <CellEditor grid cell=here record field place scroller/> }.into_any();
                }
                if at == 0 {
                    let (href, title, shown) = (href.clone(), title.clone(), title.clone());
                    return view! { <a class="ellipsis" dir="auto" tabindex="-1" href=href title=title>{shown}</a> }
                        .into_any();
                }
                view! { <ShownInCell field=field.clone() value=value.clone()/> }.into_any()
            }
        };
        let (id, name, label) = (record.id.clone(), column.field.name.clone(), column.field.label.clone());
        let unsaved = Memo::new(move |_| place.kept(&id, &name));
        let is_marked = move || marked.with(|m| m.is_some_and(|(low, high, _)| (low..=high).contains(&at)));
        let is_cursor = move || marked.with(|m| m.is_some_and(|(.., cursor)| cursor == Some(at)));
        let (clicked, opened) = (grid.clone(), grid.clone());
        let click = move |event: ev::MouseEvent| {
            if !is_control(&event) {
                place.go(&clicked, scroller, here, event.shift_key());
            }
        };
        let open = move |event: ev::MouseEvent| {
            if !is_control(&event) && opened.writable(at).is_some() {
                place.editing.set(Some(here));
            }
        };
        view! {
            <td role="gridcell" id=grid.cell_id(here) class=class dir="auto" data-label=label aria-colindex=(at + 1).to_string()
                class:cursor=is_cursor class:marked=is_marked class:editing=move || editing.get() class:unsaved=move || unsaved.get().is_some()
                title=move || unsaved.get().map(|u| u.reason) on:click=click on:dblclick=open>{body}</td>
        }
    };
    let cells = grid.columns.get().into_iter().enumerate().map(cell).collect_view();
    view! { {check}{cells} }.into_any()
}

/// Whether something that has an answer to clicks of its own was clicked.
fn is_control(event: &ev::MouseEvent) -> bool {
    let element = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
    element.is_some_and(|e| e.closest("a, button, input, .cell-editor").ok().flatten().is_some())
}
