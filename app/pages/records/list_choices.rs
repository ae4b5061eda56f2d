//! What one chooses above a list: table or board, what rows are put together by, which pipeline a board shows.

use std::sync::Arc;

use aplomb_model::query::{Condition, Op};
use aplomb_model::{FieldType, Filter, Object};
use leptos::{ev, prelude::*};
use serde_json::json;

use super::board::{field_of_board, swim_fields};
use super::filter_tree::{self, Join};
use super::groups::groupable;
use super::list_url::ListUrl;
use crate::kit::Icon;
use crate::text::t;

/// By which field rows are put together, or a board has its swim-lanes, if any.
#[component]
pub fn GroupChoice(object: Arc<Object>, url: Memo<ListUrl>, go: Callback<ListUrl>) -> impl IntoView {
    let stage = field_of_board(&object);
    let is_board = Memo::new(move |_| url.with(|url| url.view == "board"));
    let fields = groupable(&object);
    if fields.is_empty() {
        return ().into_any();
    }
    let option = move |(name, label): (String, String)| {
        let own = name.clone();
        view! { <option value=name selected=move || url.with(|url| url.group == own)>{label}</option> }
    };
    let options = move || {
        let board = is_board.get();
        let none = (String::new(), t(if board { "board.noSwims" } else { "groups.choose" }).to_owned());
        let fields = match stage.as_ref().filter(|_| board) {
            Some(stage) => swim_fields(&object, stage),
            None => fields.clone(),
        };
        std::iter::once(none).chain(fields.into_iter().map(|f| (f.name, f.label))).map(option).collect_view()
    };
    view! {
        <label class="sr" for="group-by">{move || t(if is_board.get() { "board.swimsBy" } else { "groups.by" })}</label>
        <select id="group-by" class="input auto group-choice" on:change=move |e| go.run(ListUrl { group: event_target_value(&e), ..url.get_untracked() })>
            {options}
        </select>
    }
    .into_any()
}

/// Which pipeline a board shows, or all: a condition of the filter like any other.
#[component]
pub fn PipelineChoice(object: Arc<Object>, url: Memo<ListUrl>, go: Callback<ListUrl>) -> impl IntoView {
    let field = object.field("pipeline").filter(|f| f.kind == FieldType::Choice && !f.retired).cloned();
    let Some(field) = field.filter(|f| f.choices.iter().filter(|c| !c.retired).count() > 1) else {
        return ().into_any();
    };
    let name = field.name.clone();
    // Its place in the filter, and the pipeline it asks for.
    let held = Memo::new(move |_| {
        let top = filter_tree::top(url.with(ListUrl::read_filter));
        top.iter().enumerate().find_map(|(at, node)| match node {
            Filter::Condition(Condition { field, op: Op::In, value }) if *field == name => {
                let one = value.as_array().filter(|all| all.len() == 1).and_then(|all| all[0].as_str());
                Some((at, one.unwrap_or_default().to_owned()))
            }
            _ => None,
        })
    });
    let own = field.name.clone();
    let change = move |event: ev::Event| {
        let now = url.get_untracked();
        let mut filter = now.read_filter();
        if let Some((at, _)) = held.get_untracked() {
            filter = filter_tree::remove(filter, &[at]);
        }
        let wanted = event_target_value(&event);
        if !wanted.is_empty() {
            let condition = Condition { field: own.clone(), op: Op::In, value: json!([wanted]) };
            filter = filter_tree::add(filter, &Join::All, condition);
        }
        go.run(now.with_filter(filter.as_ref()));
    };
    let change = StoredValue::new(change);
    let option = move |(key, label): (String, String)| {
        let own = key.clone();
        let is_held = move || held.with(|h| h.as_ref().is_some_and(|(_, held)| *held == own));
        view! { <option value=key selected=is_held>{label}</option> }
    };
    let label = field.label.clone();
    let all = (String::new(), t("board.allPipelines").to_owned());
    let choices = field.choices.into_iter().filter(|c| !c.retired).map(|c| (c.key, c.label));
    let options: Vec<(String, String)> = std::iter::once(all).chain(choices).collect();
    view! {
        <Show when=move || url.with(|url| url.view == "board")>
            <select id="pipeline" class="input auto group-choice" aria-label=label.clone() on:change=move |e| change.with_value(|change| change(e))>
                {options.clone().into_iter().map(option).collect_view()}
            </select>
        </Show>
    }
    .into_any()
}

/// Table or board.
#[component]
pub fn ViewChoice(url: Memo<ListUrl>, go: Callback<ListUrl>) -> impl IntoView {
    let choice = move |(key, icon, text): (&'static str, &'static str, &'static str)| {
        let is_shown = move || url.with(|url| url.view == key);
        view! {
            <button type="button" class="segment" aria-pressed=move || is_shown().to_string() title=t(text) aria-label=t(text)
                on:click=move |_| go.run(ListUrl { view: key.to_owned(), ..url.get_untracked() })><Icon name=icon/></button>
        }
    };
    let views = [("", "table", "list.table"), ("board", "layout-dashboard", "list.board")];
    view! { <span class="segments" role="group" aria-label=t("list.view")>{views.into_iter().map(choice).collect_view()}</span> }
}
