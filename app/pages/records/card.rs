//! A record as a card of the board: its name, whom it is with, what it is worth, and what is wrong with it.

use std::sync::Arc;

use aplomb_model::{FieldType, Object};
use js_sys::Date;
use leptos::prelude::*;
use serde_json::Value as Json;
use wasm_bindgen::JsValue;

use super::title_of;
use crate::api::Record;
use crate::kit::{Avatar, Icon};
use crate::state::{format, nav};
use crate::text::{t, tf};

/// Days in a stage after which a card looks old, and very old.
const OLD: i64 = 30;
const ROTTEN: i64 = 60;

/// Whole days since the stage was entered.
pub fn days_in_stage(record: &Record) -> Option<i64> {
    let since = record.fields.get("stageChangedAt")?.as_str()?;
    let since = Date::new(&JsValue::from_str(since)).get_time();
    (!since.is_nan()).then(|| ((Date::now() - since) / 86_400_000.0).floor() as i64)
}

#[component]
pub fn Card(object: Arc<Object>, record: Record, days: Option<i64>) -> impl IntoView {
    let title = title_of(&object, &record);
    let value = |name: &str| record.fields.get(name).filter(|v| !v.is_null());
    let company = value("company").map(format::plain);
    let amount = value("amount").map(|m| match (m.get("amount"), m.get("currency").and_then(Json::as_str)) {
        (Some(amount), Some(currency)) => format::round_money(&format::plain_amount(amount), currency),
        _ => format::plain(m),
    });
    let due =
        ["closeDate", "dueAt"].into_iter().find_map(|name| Some((object.field(name)?.kind, value(name)?.as_str()?)));
    let due = due.map(|(kind, at)| {
        let (shown, day) = if kind == FieldType::Date { (format::date(at), at) } else { (format::day(at), at.get(..10).unwrap_or(at)) };
        let late = days.is_some() && day < format::today().as_str();
        view! { <span class=if late { "card-fact late" } else { "card-fact" } title=if late { t("card.late") } else { "" }><Icon name="calendar"/>{shown}</span> }
    });
    let age = days.map(|days| {
        let class = match days {
            ROTTEN.. => "card-fact rotten",
            OLD.. => "card-fact old",
            _ => "card-fact",
        };
        view! { <span class=class title=tf("card.age", &[("n", &days.to_string())])><Icon name="clock"/>{tf("card.days", &[("n", &days.to_string())])}</span> }
    });
    let stepless = days.is_some()
        && object.field("nextStep").is_some()
        && value("nextStep").is_none()
        && value("nextTouchAt").is_none();
    let step = stepless.then(|| view! { <span class="card-fact old" title=t("card.noStep")><Icon name="triangle-alert"/><span class="sr">{t("card.noStep")}</span></span> });
    let owner = value("owner").map(format::plain).filter(|n| !n.is_empty());
    view! {
        <a class="card-title ellipsis" dir="auto" draggable="false" href=nav::record_url(&object.name, &record.id)>{title}</a>
        <p class="small faint ellipsis" dir="auto">{company}</p>
        <p class="card-amount">{amount}</p>
        <div class="card-facts">{due}{age}{step}{owner.map(|name| view! { <span class="push" title=name.clone()><Avatar name=name.clone()/></span> })}</div>
    }
}
