//! The heads of a table's columns: what the list is sorted by, how wide a column is, and the box that selects everything.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

use super::chosen::Chosen;
use super::columns::{self, Column, is_number, is_sortable};
use super::grid::Grid;
use super::list_url::ListUrl;
use crate::kit::Icon;
use crate::text::{t, tf, tn};

/// Pixels by which a key makes a column wider.
const STEP: f64 = 16.0;

/// A head; a button when the column can be sorted by. With Shift it is added to what the list is sorted by, Alt with an
/// arrow key makes the column wider or narrower.
#[component]
pub fn Head(grid: Grid, at: usize, column: Column) -> impl IntoView {
    let (url, go, field, width) = (grid.url, grid.go, column.field, column.width);
    let class = if is_number(&field) { "number" } else { "" };
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
    let sortable = is_sortable(&field);
    let own = field.name.clone();
    let sort = move |event: ev::MouseEvent| go.run(url.get_untracked().sorted_by(&own, event.shift_key()));
    let resize = {
        let (object, name) = (grid.object.clone(), field.name.clone());
        move |to: f64| {
            go.run(ListUrl {
                columns: columns::resized(&object, &url.get_untracked().columns, &name, to),
                ..url.get_untracked()
            })
        }
    };
    let by_key = {
        let resize = resize.clone();
        move |event: ev::KeyboardEvent| {
            let step = match event.key().as_str() {
                "ArrowRight" if event.alt_key() => STEP,
                "ArrowLeft" if event.alt_key() => -STEP,
                _ => return,
            };
            event.prevent_default();
            resize(width + step);
        }
    };
    let label = view! { <span class="ellipsis">{field.label.clone()}</span> };
    let body = if sortable {
        view! { <button type="button" class="sort" title=tf("list.sortHint", &[("field", &field.label)]) on:click=sort>{label}{mark}</button> }.into_any()
    } else {
        label.into_any()
    };
    // The title takes what the others leave, so it has no width of its own to drag.
    let handle = (at > 0).then(|| view! { <Handle width resize=Callback::new(resize)/> });
    view! { <th scope="col" class=class title=field.label aria-sort=sortable.then_some(aria) on:keydown=by_key>{body}{handle}</th> }
}

/// The right edge of a head: dragging it makes the column wider.
#[component]
fn Handle(width: f64, resize: Callback<f64>) -> impl IntoView {
    let start = StoredValue::new(None::<f64>);
    let target = |event: &ev::PointerEvent| event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
    let down = move |event: ev::PointerEvent| {
        event.prevent_default();
        start.set_value(Some(f64::from(event.client_x())));
        if let Some(handle) = target(&event) {
            let _ = handle.set_pointer_capture(event.pointer_id());
        }
    };
    let up = move |event: ev::PointerEvent| {
        if let Some(from) = start.get_value() {
            start.set_value(None);
            let moved = f64::from(event.client_x()) - from;
            if moved.abs() > 2.0 {
                resize.run(width + moved);
            }
        }
    };
    view! { <span class="resize" aria-hidden="true" title=t("columns.resize") on:pointerdown=down on:pointerup=up on:click=|e| e.stop_propagation()></span> }
}

/// Selects every record that the list gives, however many, or none.
#[component]
pub fn SelectAll(grid: Grid) -> impl IntoView {
    let (chosen, rows) = (grid.chosen, grid.rows.rows);
    let len = move || rows.with(|rows| rows.len) as u64;
    let own = grid.clone();
    let all = Memo::new(move |_| len() > 0 && chosen.with(|c| c.count_in(&own.scope(), len()) == len()));
    let click = move |_| {
        if all.get_untracked() {
            return chosen.set(Chosen::default());
        }
        chosen.set(Chosen::everything(untrack(|| grid.scope()), rows));
    };
    let label = move || tn("list.selectAll", len());
    view! { <input type="checkbox" aria-label=label title=label prop:checked=move || all.get() on:click=click/> }
}
