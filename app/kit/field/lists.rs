//! Several e-mails, phones or web addresses: one input each, one more at the end.

use leptos::prelude::*;
use serde_json::{Value as Json, json};

use super::{Edit, text_of};
use crate::kit::Icon;
use crate::text::t;

pub fn texts(edit: Edit) -> AnyView {
    let value = edit.value;
    let items = move || {
        value.with(|v| match v {
            Json::Array(items) => items.iter().map(text_of).collect(),
            Json::Null => vec![String::new()],
            one => vec![text_of(one)],
        })
    };
    let set = move |at: usize, text: Option<String>| {
        let mut list: Vec<String> = value.with_untracked(|v| match v {
            Json::Array(items) => items.iter().map(text_of).collect(),
            Json::Null => Vec::new(),
            one => vec![text_of(one)],
        });
        match text {
            Some(text) if at < list.len() => list[at] = text,
            Some(text) => list.push(text),
            None if at < list.len() => drop(list.remove(at)),
            None => {}
        }
        value.set(json!(list));
    };
    let count = Memo::new(move |_| value.with(|v| v.as_array().map_or(1, Vec::len)).max(1));
    let at = move |i: usize| {
        let items: Vec<String> = items();
        items.get(i).cloned().unwrap_or_default()
    };
    let shared = edit.clone();
    let row = move |i: usize| {
        let id = if i == 0 { shared.id.clone() } else { format!("{}-{i}", shared.id) };
        let label = format!("{} {}", shared.field.label, i + 1);
        view! {
            <div class="with-button">
                <input id=id class="input" type="text" autocomplete="off" aria-label=label aria-invalid=shared.invalid()
                    aria-describedby=shared.note() prop:value=move || at(i)
                    on:input=move |event| set(i, Some(event_target_value(&event)))/>
                <button type="button" class="button icon-only" aria-label=t("remove") on:click=move |_| set(i, None)>
                    <Icon name="x"/>
                </button>
            </div>
        }
    };
    let add = move |_| set(usize::MAX, Some(String::new()));
    view! {
        <div class="stack">
            <For each=move || 0..count.get() key=|i| *i children=row/>
            <button type="button" class="button link self-start" on:click=add><Icon name="plus"/>{t("field.more")}</button>
        </div>
    }
    .into_any()
}
