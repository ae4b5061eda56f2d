//! The rows of a list as a grid: only those in sight are drawn. Arrow keys move, Enter opens, Space selects. On a phone
//! each row is a card, by the style sheet.

use std::collections::BTreeSet;
use std::sync::Arc;

use aplomb_model::{Field, FieldType, Object};
use leptos::{ev, prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;

use super::columns::{Column, is_number, is_sortable};
use super::list_url::ListUrl;
use super::{title_of, value_of};
use crate::api::{Record, pause};
use crate::kit::{Icon, Paged, Scroller, ShownInCell, screen};
use crate::state::{nav, trail};
use crate::text::{t, tf};

const HEAD: f64 = 40.0;
const CHECK: f64 = 44.0;
/// Milliseconds that a row shows that somebody else has just changed it.
const FRESH: i32 = 2_500;

/// What a table is given.
#[derive(Clone)]
pub struct Grid {
    pub object: Arc<Object>,
    pub rows: Paged<Record>,
    pub columns: Memo<Vec<Column>>,
    pub url: Memo<ListUrl>,
    pub go: Callback<ListUrl>,
    pub chosen: RwSignal<BTreeSet<String>>,
    /// whether rows can be selected at all
    pub selectable: bool,
}

/// The row that the keyboard is on, and where a range began.
#[derive(Clone, Copy)]
struct Place {
    at: RwSignal<Option<usize>>,
    anchor: StoredValue<usize>,
}

#[component]
pub fn Table(grid: Grid) -> impl IntoView {
    let rows = grid.rows;
    let len = Signal::derive(move || rows.rows.with(|rows| rows.len));
    let phone = screen().phone;
    let scroller = Scroller::new(len, screen().row_height(), HEAD);
    let place = Place { at: RwSignal::new(None), anchor: StoredValue::new(0) };
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
            place.at.set(None);
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
            let cell = |column: Column| view! { <Head field=column.field url=grid.url go=grid.go/> };
            columns.get().into_iter().map(cell).collect_view()
        }
    };
    let spanned = move || (columns.with(Vec::len) + usize::from(check > 0.0)).to_string();
    let gap = move |height: Signal<f64>| view! { <tr class="gap" aria-hidden="true"><td colspan=spanned style:height=move || format!("{}px", height.get())></td></tr> };
    let above = gap(Signal::derive(move || gaps.get().0));
    let below = gap(Signal::derive(move || gaps.get().1));
    let row = {
        let grid = grid.clone();
        move |index: usize| view! { <Row grid=grid.clone() index place/> }
    };
    let on_key = keys(grid.clone(), scroller, place);
    let active = move || place.at.get().map(|at| format!("row-{at}"));
    view! {
        <div class="vscroll" node_ref=scroller.node on:scroll=move |_| scroller.scrolled()>
            <table class="table grid" role="grid" data-testid="records" tabindex="0" aria-label=grid.object.plural.clone()
                aria-rowcount=move || (len.get() + 1).to_string() aria-multiselectable=grid.selectable.then_some("true")
                aria-activedescendant=active on:keydown=on_key
                style:min-width=move || if phone.get() { "0".to_owned() } else { format!("{}px", width()) }>
                <colgroup>{(check > 0.0).then(|| view! { <col style:width=format!("{check}px")/> })}{widths}</colgroup>
                <thead><tr aria-rowindex="1">
                    {(check > 0.0).then(|| view! { <th class="check-cell" scope="col"><span class="sr">{t("list.selected.column")}</span></th> })}
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

fn keys(grid: Grid, scroller: Scroller, place: Place) -> impl Fn(ev::KeyboardEvent) + 'static {
    let navigator = nav::navigator();
    let rows = grid.rows.rows;
    move |event| {
        let inside = event.target().and_then(|t| t.dyn_into::<web_sys::HtmlInputElement>().ok()).is_some();
        if inside || event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let len = rows.with_untracked(|rows| rows.len);
        let Some(last) = len.checked_sub(1) else { return };
        let at = place.at.get_untracked();
        let page = scroller.in_sight().len().saturating_sub(2).max(1);
        let from = at.unwrap_or(0);
        let to = match event.key().as_str() {
            "ArrowDown" | "j" => at.map_or(0, |at| at + 1).min(last),
            "ArrowUp" | "k" => from.saturating_sub(1),
            "PageDown" => (from + page).min(last),
            "PageUp" => from.saturating_sub(page),
            "Home" => 0,
            "End" => last,
            "Enter" => {
                let on_link = event.target().and_then(|t| t.dyn_into::<web_sys::HtmlTableElement>().ok()).is_none();
                let id =
                    at.filter(|_| !on_link).and_then(|at| rows.with_untracked(|r| r.get(at).map(|r| r.id.clone())));
                if let Some(id) = id {
                    event.prevent_default();
                    navigator.go(&nav::record_url(&grid.object.name, &id));
                }
                return;
            }
            " " | "x" if grid.selectable => {
                if let Some(at) = at {
                    event.prevent_default();
                    choose(&grid, place, at, event.shift_key());
                }
                return;
            }
            "Escape" => {
                grid.chosen.set(BTreeSet::new());
                return;
            }
            _ => return,
        };
        event.prevent_default();
        place.at.set(Some(to));
        scroller.show(to);
        if event.shift_key() && grid.selectable {
            choose_range(&grid, place.anchor.get_value(), to);
        } else {
            place.anchor.set_value(to);
        }
    }
}

/// Selects a row or takes it out; with `range` everything since the last one.
fn choose(grid: &Grid, place: Place, at: usize, range: bool) {
    if range {
        return choose_range(grid, place.anchor.get_value(), at);
    }
    place.anchor.set_value(at);
    let Some(id) = grid.rows.rows.with_untracked(|rows| rows.get(at).map(|r| r.id.clone())) else { return };
    grid.chosen.update(|chosen| {
        if !chosen.remove(&id) {
            chosen.insert(id);
        }
    });
}

fn choose_range(grid: &Grid, from: usize, to: usize) {
    let (low, high) = (from.min(to), from.max(to));
    let ids: Vec<String> = grid
        .rows
        .rows
        .with_untracked(|rows| (low..=high).filter_map(|at| rows.get(at).map(|r| r.id.clone())).collect());
    grid.chosen.update(|chosen| chosen.extend(ids));
}

/// A header; a button when the column can be sorted by. With Shift it is added to what the list is sorted by.
#[component]
fn Head(field: Field, url: Memo<ListUrl>, go: Callback<ListUrl>) -> impl IntoView {
    let class = if is_number(&field) { "number" } else { "" };
    if !is_sortable(&field) {
        return view! { <th scope="col" class=class title=field.label.clone()><span class="ellipsis">{field.label.clone()}</span></th> }.into_any();
    }
    let name = field.name.clone();
    let order = Memo::new(move |_| url.with(|url| url.order(&name).map(|(at, down)| (at, down, url.sort_count() > 1))));
    let aria = move || match order.get() {
        None => "none",
        Some((_, false, _)) => "ascending",
        Some((_, true, _)) => "descending",
    };
    let mark = move || match order.get() {
        None => view! { <span class="sort-idle"><Icon name="arrow-up-down"/></span> }.into_any(),
        Some((at, down, several)) => {
            let icon = if down { "arrow-down" } else { "arrow-up" };
            view! { <Icon name=icon/>{several.then(|| view! { <span class="sort-place">{at}</span> })} }.into_any()
        }
    };
    let sort = move |event: ev::MouseEvent| go.run(url.get_untracked().sorted_by(&field.name, event.shift_key()));
    view! {
        <th scope="col" class=class aria-sort=aria>
            <button type="button" class="sort" title=tf("list.sortHint", &[("field", &field.label)]) on:click=sort><span class="ellipsis">{field.label.clone()}</span>{mark}</button>
        </th>
    }
    .into_any()
}

#[component]
fn Row(grid: Grid, index: usize, place: Place) -> impl IntoView {
    let rows = grid.rows.rows;
    let record = Memo::new(move |_| rows.with(|rows| rows.get(index).cloned()));
    let fresh = RwSignal::new(false);
    Effect::new(move |before: Option<Option<(String, u32)>>| {
        let now = record.with(|r| r.as_ref().map(|r| (r.id.clone(), r.version)));
        if let (Some(Some((old, then))), Some((id, version))) = (&before, &now)
            && old == id
            && then < version
        {
            fresh.set(true);
            spawn_local(async move {
                pause(FRESH).await;
                fresh.try_set(false);
            });
        }
        now
    });
    let chosen = grid.chosen;
    let is_chosen = move || record.with(|r| r.as_ref().is_some_and(|r| chosen.with(|c| c.contains(&r.id))));
    let cells = {
        let grid = grid.clone();
        move || match record.get() {
            Some(record) => cells(&grid, index, record, place),
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
        <tr id=format!("row-{index}") aria-rowindex=(index + 2).to_string() class:odd=index % 2 == 1 class:fresh=move || fresh.get()
            class:active=move || place.at.get() == Some(index) aria-selected=move || is_chosen().to_string()
            data-id=move || record.with(|r| r.as_ref().map(|r| r.id.clone()))>{cells}</tr>
    }
}

fn cells(grid: &Grid, index: usize, record: Record, place: Place) -> AnyView {
    let href = nav::record_url(&grid.object.name, &record.id);
    let title = title_of(&grid.object, &record);
    let check = grid.selectable.then(|| {
        let (own, id, chosen) = (grid.clone(), record.id.clone(), grid.chosen);
        let click = move |event: ev::MouseEvent| {
            place.at.set(Some(index));
            choose(&own, place, index, event.shift_key());
        };
        view! {
            <td class="check-cell"><input type="checkbox" tabindex="-1" aria-label=tf("list.select", &[("title", &title)])
                prop:checked=move || chosen.with(|c| c.contains(&id)) on:click=click/></td>
        }
    });
    let cells = grid.columns.get().into_iter().enumerate().map(|(at, column)| {
        if at == 0 {
            let (href, title, shown) = (href.clone(), title.clone(), title.clone());
            return view! { <td class="title"><a class="ellipsis" dir="auto" href=href title=title>{shown}</a></td> }
                .into_any();
        }
        let value = value_of(&record, &column.field.name);
        let class = match (is_number(&column.field), value.is_null()) {
            (_, true) => "none",
            (true, _) if column.field.kind == FieldType::Money => "number",
            // A bare number says nothing without its column's name, so a phone leaves it out.
            (true, _) => "number bare",
            _ => "",
        };
        let label = column.field.label.clone();
        view! { <td class=class dir="auto" data-label=label><ShownInCell field=column.field value/></td> }.into_any()
    });
    let cells = cells.collect_view();
    view! { {check}{cells} }.into_any()
}
