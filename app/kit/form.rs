//! Rows of a form: a label, an input, what is wrong with it.

use aplomb_model::Field;
use leptos::prelude::*;
use serde_json::Value as Json;

use super::FieldInput;
use crate::text::t;

/// A labelled editor for a declared field.
#[component]
pub fn FieldRow(
    field: Field,
    value: RwSignal<Json>,
    #[prop(into)] error: Signal<Option<String>>,
    #[prop(into)] id: String,
) -> impl IntoView {
    let note = format!("{id}-note");
    let help = field.help.clone();
    let label = field.label.clone();
    let required = field.required;
    let name = field.name.clone();
    view! {
        <div class="row" data-field=name>
            <label for=id.clone() id=format!("{id}-label")>
                {label}
                {required.then(|| view! { <span class="required" title=t("required") aria-hidden="true">" *"</span> })}
            </label>
            <FieldInput field value error id/>
            <p id=note class=move || if error.get().is_some() { "hint error" } else { "hint" }>
                {move || error.get().unwrap_or_else(|| help.clone())}
            </p>
        </div>
    }
}

/// A labelled line of text that is no declared field.
#[component]
pub fn Plain(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    value: RwSignal<String>,
    #[prop(default = "text")] kind: &'static str,
    #[prop(default = "off")] autocomplete: &'static str,
    #[prop(into, optional)] hint: String,
    #[prop(into, optional)] error: Signal<Option<String>>,
    #[prop(default = true)] required: bool,
    #[prop(optional)] list: Option<&'static str>,
    #[prop(default = false)] autofocus: bool,
) -> impl IntoView {
    let note = format!("{id}-note");
    view! {
        <div class="row">
            <label for=id.clone()>{label}</label>
            <input id=id.clone() name=id class="input" type=kind autocomplete=autocomplete required=required list=list
                autofocus=autofocus aria-describedby=note.clone() aria-invalid=move || error.get().is_some().to_string()
                prop:value=move || value.get() on:input=move |event| value.set(event_target_value(&event))/>
            <p id=note class=move || if error.get().is_some() { "hint error" } else { "hint" }>
                {move || error.get().unwrap_or_else(|| hint.clone())}
            </p>
        </div>
    }
}

/// A labelled choice out of keys and labels.
#[component]
pub fn PlainSelect(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    value: RwSignal<String>,
    #[prop(into)] options: Signal<Vec<(String, String)>>,
) -> impl IntoView {
    let option = move |(key, text): (String, String)| {
        let own = key.clone();
        view! { <option value=key selected=move || value.get() == own>{text}</option> }
    };
    view! {
        <div class="row">
            <label for=id.clone()>{label}</label>
            <select id=id.clone() name=id class="input" prop:value=move || value.get()
                on:change=move |event| value.set(event_target_value(&event))>
                {move || options.get().into_iter().map(option).collect_view()}
            </select>
        </div>
    }
}
