//! References to other records, chosen by name.

use aplomb_model::json::required;
use aplomb_model::{Field, FieldError, FieldType};
use leptos::prelude::*;
use serde_json::{Value as Json, json};

use super::Edit;
use crate::kit::{Found, Icon, Picker};
use crate::state::format;
use crate::text::t;

fn as_json(found: &Found) -> Json {
    json!({ "id": found.id, "object": found.object, "name": found.name })
}

fn refused(edit: &Edit) -> Signal<bool> {
    let error = edit.error;
    Signal::derive(move || error.get().is_some())
}

pub fn one(edit: Edit) -> AnyView {
    let value = edit.value;
    let invalid = refused(&edit);
    let chosen = move || {
        (!value.with(|v| v.is_null() || v.as_str() == Some(""))).then(|| {
            view! {
                <span class="tag">{value.with(format::plain)}
                    <button type="button" class="button icon-only" aria-label=t("remove") on:click=move |_| value.set(Json::Null)>
                        <Icon name="x"/>
                    </button>
                </span>
            }
        })
    };
    let on_pick = Callback::new(move |found: Found| value.set(as_json(&found)));
    view! {
        <div class="stack">
            {chosen}
            <Picker id=edit.id.clone() targets=edit.field.target.clone() label=edit.field.label.clone() on_pick invalid/>
        </div>
    }
    .into_any()
}

pub fn several(edit: Edit) -> AnyView {
    let value = edit.value;
    let items = move || value.with(|v| v.as_array().cloned().unwrap_or_default());
    let remove = move |at: usize| {
        value.update(|v| {
            if let Some(list) = v.as_array_mut().filter(|list| at < list.len()) {
                list.remove(at);
            }
        });
    };
    let chip = move |(at, item): (usize, Json)| {
        view! {
            <span class="tag">{format::plain(&item)}
                <button type="button" class="button icon-only" aria-label=t("remove") on:click=move |_| remove(at)><Icon name="x"/></button>
            </span>
        }
    };
    let on_pick = Callback::new(move |found: Found| {
        value.update(|v| match v.as_array_mut() {
            Some(list) => list.push(as_json(&found)),
            None => *v = json!([as_json(&found)]),
        });
    });
    view! {
        <div class="stack">
            <div class="badges">{move || items().into_iter().enumerate().map(chip).collect_view()}</div>
            <Picker id=edit.id.clone() targets=edit.field.target.clone() label=edit.field.label.clone() on_pick invalid=refused(&edit)/>
        </div>
    }
    .into_any()
}

/// `{id, object}` of each: the name was for people. Whether the record exists, the server knows.
pub fn prepare(field: &Field, value: &Json) -> Result<Json, FieldError> {
    let bare = |item: &Json| match item.get("object").and_then(Json::as_str) {
        Some(object) if !object.is_empty() => json!({ "id": item["id"], "object": object }),
        _ => item.get("id").cloned().unwrap_or_else(|| item.clone()),
    };
    let written = match (field.kind, value) {
        (FieldType::References, Json::Array(items)) => Json::Array(items.iter().map(bare).collect()),
        (_, Json::String(s)) if s.is_empty() => Json::Null,
        (_, Json::Null) => Json::Null,
        (_, one) => bare(one),
    };
    let none = written.is_null() || written.as_array().is_some_and(Vec::is_empty);
    if none && field.required { Err(required(field)) } else { Ok(written) }
}
