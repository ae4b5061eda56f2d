//! Editors with several inputs: money, person name, address, geographic point.

use leptos::prelude::*;

use super::{Edit, text_of};
use crate::state::format::to_type;
use crate::text::t;

/// Currencies offered while typing; any ISO 4217 code is taken.
pub const CURRENCIES: [&str; 24] = [
    "EUR", "USD", "GBP", "CHF", "JPY", "CNY", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON",
    "TRY", "INR", "SGD", "HKD", "KRW", "BRL", "MXN", "ZAR",
];

pub fn money(edit: Edit) -> AnyView {
    let value = edit.value;
    let held = value.with_untracked(|v| v.get("amount").map_or_else(|| text_of(v), text_of));
    if !held.is_empty() {
        (edit.part("amount").1)(to_type(&held));
    }
    let (_, set_amount) = edit.part("amount");
    let (currency, set_currency) = edit.part("currency");
    let amount = move || value.with(|v| v.get("amount").map_or_else(|| text_of(v), text_of));
    let list = format!("{}-currencies", edit.id);
    view! {
        <span class="with-unit">
            <input id=edit.id.clone() class="input short" type="text" inputmode="decimal" autocomplete="off" required=edit.field.required
                aria-invalid=edit.invalid() aria-describedby=edit.note()
                prop:value=amount on:input=move |event| set_amount(event_target_value(&event))/>
            <input class="input code" type="text" maxlength="3" autocomplete="off" list=list.clone() aria-label=t("field.currency")
                placeholder=move || crate::state::signed().currency().to_string()
                prop:value=currency on:input=move |event| set_currency(event_target_value(&event).to_uppercase())/>
            <datalist id=list>{CURRENCIES.into_iter().map(|code| view! { <option value=code></option> }).collect_view()}</datalist>
        </span>
    }
    .into_any()
}

/// One part with its own small label.
fn part(edit: &Edit, key: &'static str, label: &'static str, id: String, class: &'static str) -> AnyView {
    let (get, set) = edit.part(key);
    view! {
        <label class=class>
            <span class="small faint">{label}</span>
            <input id=id class="input" type="text" autocomplete="off" aria-invalid=edit.invalid() aria-describedby=edit.note()
                prop:value=get on:input=move |event| set(event_target_value(&event))/>
        </label>
    }
    .into_any()
}

pub fn person(edit: Edit) -> AnyView {
    let rest = |key: &str| format!("{}-{key}", edit.id);
    view! {
        <div class="parts" role="group" aria-labelledby=rest("label")>
            {part(&edit, "first", t("field.first"), edit.id.clone(), "half")}
            {part(&edit, "last", t("field.last"), rest("last"), "half")}
        </div>
    }
    .into_any()
}

pub fn address(edit: Edit) -> AnyView {
    let rest = |key: &str| format!("{}-{key}", edit.id);
    view! {
        <div class="parts" role="group" aria-labelledby=rest("label")>
            {part(&edit, "street", t("field.street"), edit.id.clone(), "whole")}
            {part(&edit, "postalCode", t("field.postalCode"), rest("postalCode"), "half")}
            {part(&edit, "city", t("field.city"), rest("city"), "half")}
            {part(&edit, "region", t("field.region"), rest("region"), "half")}
            {part(&edit, "country", t("field.country"), rest("country"), "half")}
        </div>
    }
    .into_any()
}

pub fn geo(edit: Edit) -> AnyView {
    let rest = |key: &str| format!("{}-{key}", edit.id);
    view! {
        <div class="parts" role="group" aria-labelledby=rest("label")>
            {part(&edit, "lat", t("field.lat"), edit.id.clone(), "half")}
            {part(&edit, "lon", t("field.lon"), rest("lon"), "half")}
        </div>
    }
    .into_any()
}
