//! One or several out of the declared choices.

use aplomb_model::Choice;
use leptos::prelude::*;
use serde_json::{Value as Json, json};

use super::{Edit, text_of};
use crate::kit::Icon;
use crate::text::t;

/// What is offered: choices in use, and what the record holds already.
fn offered(edit: &Edit) -> Vec<Choice> {
    let held = edit.value.get_untracked();
    let holds = |key: &str| match &held {
        Json::Array(items) => items.iter().any(|i| i.as_str() == Some(key)),
        other => other.as_str() == Some(key),
    };
    edit.field.choices.iter().filter(|c| !c.retired || holds(&c.key)).cloned().collect()
}

pub fn one(edit: Edit) -> AnyView {
    let value = edit.value;
    if edit.field.open {
        return open_one(edit);
    }
    let option = move |choice: Choice| {
        let key = choice.key.clone();
        view! { <option value=choice.key selected=move || value.with(|v| v.as_str() == Some(key.as_str()))>{choice.label}</option> }
    };
    let options = offered(&edit).into_iter().map(option).collect_view();
    view! {
        <select id=edit.id.clone() class="input" required=edit.field.required aria-invalid=edit.invalid() aria-describedby=edit.note()
            on:change=move |event| value.set(json!(event_target_value(&event)))>
            <option value="">{t("field.none")}</option>
            {options}
        </select>
    }
    .into_any()
}

fn open_one(edit: Edit) -> AnyView {
    let value = edit.value;
    let list = format!("{}-choices", edit.id);
    let options = offered(&edit).into_iter().map(|c| view! { <option value=c.label></option> }).collect_view();
    view! {
        <input id=edit.id.clone() class="input" type="text" autocomplete="off" list=list.clone() aria-invalid=edit.invalid()
            aria-describedby=edit.note() prop:value=move || value.with(text_of)
            on:input=move |event| value.set(json!(event_target_value(&event)))/>
        <datalist id=list>{options}</datalist>
    }
    .into_any()
}

pub fn several(edit: Edit) -> AnyView {
    let value = edit.value;
    let keys = move || value.with(|v| v.as_array().into_iter().flatten().map(text_of).collect::<Vec<_>>());
    let toggle = move |key: &str, on: bool| {
        let mut list: Vec<String> = value.with_untracked(|v| v.as_array().into_iter().flatten().map(text_of).collect());
        list.retain(|k| k != key);
        if on {
            list.push(key.to_owned());
        }
        value.set(json!(list));
    };
    let known = offered(&edit);
    let labels: Vec<(String, String)> = known.iter().map(|c| (c.key.clone(), c.label.clone())).collect();
    let extra = move || {
        let other = |key: &String| !labels.iter().any(|(k, _)| k == key);
        keys().into_iter().filter(other).collect::<Vec<_>>()
    };
    let chip = move |key: String| {
        let own = key.clone();
        view! {
            <span class="tag">{key}
                <button type="button" class="button icon-only" aria-label=t("remove") on:click=move |_| toggle(&own, false)><Icon name="x"/></button>
            </span>
        }
    };
    let check = move |choice: Choice| {
        let (key, own) = (choice.key.clone(), choice.key);
        view! {
            <label class="check">
                <input type="checkbox" prop:checked=move || keys().contains(&key)
                    on:change=move |event| toggle(&own, event_target_checked(&event))/>
                {choice.label}
            </label>
        }
    };
    let typed = RwSignal::new(String::new());
    let add = move || {
        let text = typed.get_untracked().trim().to_owned();
        if !text.is_empty() {
            toggle(&text, true);
            typed.set(String::new());
        }
    };
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        if event.key() == "Enter" && !typed.get_untracked().trim().is_empty() {
            event.prevent_default();
            event.stop_propagation();
            add();
        }
    };
    let more = edit.field.open.then(|| {
        view! {
            <input id=edit.id.clone() class="input" type="text" autocomplete="off" placeholder=t("field.tag") aria-invalid=edit.invalid()
                aria-describedby=edit.note() prop:value=move || typed.get() on:keydown=on_key on:blur=move |_| add()
                on:input=move |event| typed.set(event_target_value(&event))/>
        }
    });
    view! {
        <div class="stack" role="group" aria-labelledby=format!("{}-label", edit.id)>
            <div class="badges">{move || extra().into_iter().map(chip).collect_view()}</div>
            <div class="checks">{known.into_iter().map(check).collect_view()}</div>
            {more}
        </div>
    }
    .into_any()
}
