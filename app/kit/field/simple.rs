//! Editors with one input: text, number, date, time, yes or no.

use aplomb_model::FieldType;
use aplomb_model::json::{MAX_LONG_TEXT, MAX_TEXT};
use leptos::prelude::*;
use serde_json::{Value as Json, json};

use super::{Edit, text_of};
use crate::state::format::{self, to_type};
use crate::text::t;

pub fn line(edit: Edit) -> AnyView {
    let value = edit.value;
    let kind = match edit.field.kind {
        FieldType::Email => "email",
        FieldType::Phone => "tel",
        FieldType::Url => "url",
        _ => "text",
    };
    let most = edit.field.max_length.map_or(MAX_TEXT, |n| n as usize);
    view! {
        <input id=edit.id.clone() class="input" type="text" inputmode=kind autocomplete="off" maxlength=most.to_string()
            required=edit.field.required aria-invalid=edit.invalid() aria-describedby=edit.note()
            prop:value=move || value.with(text_of) on:input=move |event| value.set(json!(event_target_value(&event)))/>
    }
    .into_any()
}

pub fn area(edit: Edit) -> AnyView {
    let value = edit.value;
    let most = edit.field.max_length.map_or(MAX_LONG_TEXT, |n| n as usize);
    view! {
        <textarea id=edit.id.clone() class="input" rows="5" maxlength=most.to_string() required=edit.field.required
            aria-invalid=edit.invalid() aria-describedby=edit.note()
            prop:value=move || value.with(text_of) on:input=move |event| value.set(json!(event_target_value(&event)))>
        </textarea>
    }
    .into_any()
}

pub fn number(edit: Edit) -> AnyView {
    let value = edit.value;
    let held = value.with_untracked(|v| v.is_number().then(|| to_type(&text_of(v))));
    if let Some(text) = held {
        value.set(json!(text));
    }
    view! {
        <input id=edit.id.clone() class="input short" type="text" inputmode="decimal" autocomplete="off"
            required=edit.field.required aria-invalid=edit.invalid() aria-describedby=edit.note()
            prop:value=move || value.with(text_of) on:input=move |event| value.set(json!(event_target_value(&event)))/>
    }
    .into_any()
}

/// A duration is seconds in the API and minutes here.
pub fn minutes(edit: Edit) -> AnyView {
    let value = edit.value;
    let minutes = move || value.with(|v| v.as_f64().map(|s| (s / 60.0).to_string()).unwrap_or_default());
    let set = move |text: String| {
        let seconds = text.trim().replace(',', ".").parse::<f64>().ok().map(|m| m * 60.0);
        value.set(seconds.map_or(Json::Null, |s| json!(s)));
    };
    view! {
        <span class="with-unit">
            <input id=edit.id.clone() class="input short" type="number" min="0" step="any" aria-invalid=edit.invalid()
                aria-describedby=edit.note() prop:value=minutes on:change=move |event| set(event_target_value(&event))/>
            <span class="faint">{t("field.minutes")}</span>
        </span>
    }
    .into_any()
}

pub fn date(edit: Edit) -> AnyView {
    let value = edit.value;
    view! {
        <input id=edit.id.clone() class="input short" type="date" min="0001-01-01" max="9999-12-31" required=edit.field.required
            aria-invalid=edit.invalid() aria-describedby=edit.note()
            prop:value=move || value.with(text_of) on:input=move |event| value.set(json!(event_target_value(&event)))/>
    }
    .into_any()
}

/// A moment, edited in the organisation's time zone.
pub fn date_time(edit: Edit) -> AnyView {
    let value = edit.value;
    let set = move |text: String| value.set(format::from_wall(&text).map_or(Json::Null, Json::String));
    view! {
        <input id=edit.id.clone() class="input short" type="datetime-local" required=edit.field.required
            aria-invalid=edit.invalid() aria-describedby=edit.note()
            prop:value=move || value.with(|v| format::wall(&text_of(v))).unwrap_or_default() on:change=move |event| set(event_target_value(&event))/>
    }
    .into_any()
}

pub fn yes_no(edit: Edit) -> AnyView {
    let value = edit.value;
    view! {
        <input id=edit.id.clone() class="switch" type="checkbox" role="switch" aria-describedby=edit.note()
            prop:checked=move || value.with(|v| v.as_bool().unwrap_or(false))
            on:change=move |event| value.set(json!(event_target_checked(&event)))/>
    }
    .into_any()
}
