//! Values in words for people: dates, amounts and counts in the user's language and time zone.

use std::cell::RefCell;

use js_sys::{Array, Date, Intl, Object, Reflect};
use serde_json::Value as Json;
use wasm_bindgen::JsValue;

use crate::text::{t, tf};

thread_local! {
    static LANGUAGE: RefCell<String> = RefCell::new("en".to_owned());
    static ZONE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Set at log-in from the organisation.
pub fn use_locale(language: &str, zone: &str) {
    if !language.is_empty() {
        LANGUAGE.with_borrow_mut(|held| language.clone_into(held));
    }
    ZONE.with_borrow_mut(|held| zone.clone_into(held));
}

/// The browser's own time zone.
pub fn browser_zone() -> String {
    let options = Intl::DateTimeFormat::new(&Array::new(), &Object::new()).resolved_options();
    Reflect::get(&options, &"timeZone".into()).ok().and_then(|z| z.as_string()).unwrap_or_else(|| "UTC".to_owned())
}

fn locales() -> Array {
    LANGUAGE.with_borrow(|language| Array::of1(&JsValue::from_str(language)))
}

fn options(pairs: &[(&str, JsValue)]) -> Object {
    let options = Object::new();
    for (name, value) in pairs {
        let _ = Reflect::set(&options, &JsValue::from_str(name), value);
    }
    options
}

fn call1(format: &js_sys::Function, value: &JsValue) -> Option<String> {
    format.call1(&JsValue::UNDEFINED, value).ok()?.as_string()
}

fn format_date(text: &str, pairs: &[(&str, JsValue)], zone: &str) -> String {
    let date = Date::new(&JsValue::from_str(text));
    if date.get_time().is_nan() {
        return text.to_owned();
    }
    let options = options(pairs);
    if !zone.is_empty() {
        let _ = Reflect::set(&options, &"timeZone".into(), &zone.into());
    }
    call1(&Intl::DateTimeFormat::new(&locales(), &options).format(), &date).unwrap_or_else(|| text.to_owned())
}

/// `2026-03-31` as the user's language writes a day.
pub fn date(text: &str) -> String {
    format_date(text, &[("dateStyle", "medium".into())], "UTC")
}

/// The day of an RFC 3339 time in the organisation's zone.
pub fn day(text: &str) -> String {
    let zone = ZONE.with_borrow(Clone::clone);
    format_date(text, &[("dateStyle", "medium".into())], &zone)
}

/// An RFC 3339 time in the organisation's zone.
pub fn time(text: &str) -> String {
    let zone = ZONE.with_borrow(Clone::clone);
    format_date(text, &[("dateStyle", "medium".into()), ("timeStyle", "short".into())], &zone)
}

/// How long ago, for the last week; else the day.
pub fn ago(text: &str) -> String {
    let then = Date::new(&JsValue::from_str(text)).get_time();
    let seconds = (Date::now() - then) / 1000.0;
    let whole = |n: f64| format!("{}", n.floor() as i64);
    if seconds.is_nan() {
        text.to_owned()
    } else if !(-5.0..7.0 * 86_400.0).contains(&seconds) {
        day(text)
    } else if seconds < 60.0 {
        t("ago.now").to_owned()
    } else if seconds < 3_600.0 {
        tf("ago.minutes", &[("n", &whole(seconds / 60.0))])
    } else if seconds < 86_400.0 {
        tf("ago.hours", &[("n", &whole(seconds / 3_600.0))])
    } else {
        tf("ago.days", &[("n", &whole(seconds / 86_400.0))])
    }
}

/// A whole number with the language's grouping.
pub fn count(n: u64) -> String {
    number(n as f64)
}

pub fn number(n: f64) -> String {
    let options = options(&[("maximumFractionDigits", 10.into())]);
    call1(&Intl::NumberFormat::new(&locales(), &options).format(), &n.into()).unwrap_or_else(|| n.to_string())
}

/// An amount; digits beyond what a double holds are kept by showing the text itself.
pub fn money(amount: &str, currency: &str) -> String {
    let parsed = amount.parse::<f64>().ok().filter(|n| n.abs() < 9e13);
    let options = options(&[("style", "currency".into()), ("currency", currency.into())]);
    let formatted = parsed
        .filter(|_| currency.len() == 3)
        .and_then(|n| call1(&Intl::NumberFormat::new(&locales(), &options).format(), &n.into()));
    formatted.unwrap_or_else(|| format!("{amount} {currency}"))
}

/// Seconds as hours and minutes.
pub fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as i64;
    match (minutes / 60, minutes % 60) {
        (0, m) => tf("duration.minutes", &[("m", &m.to_string())]),
        (h, 0) => tf("duration.hours", &[("h", &h.to_string())]),
        (h, m) => tf("duration.both", &[("h", &h.to_string()), ("m", &m.to_string())]),
    }
}

/// A value of the API in one line, whatever it is.
pub fn plain(json: &Json) -> String {
    match json {
        Json::Null => String::new(),
        Json::String(s) => s.clone(),
        Json::Bool(true) => t("yes").to_owned(),
        Json::Bool(false) => t("no").to_owned(),
        Json::Number(n) => n.as_f64().map(number).unwrap_or_default(),
        Json::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        Json::Object(map) => {
            let text = |key: &str| map.get(key).and_then(Json::as_str).unwrap_or_default();
            if map.contains_key("amount") {
                return money(&map.get("amount").map(plain_amount).unwrap_or_default(), text("currency"));
            }
            if map.contains_key("first") || map.contains_key("last") {
                return format!("{} {}", text("first"), text("last")).trim().to_owned();
            }
            if map.contains_key("name") || map.contains_key("id") {
                return if text("name").is_empty() { text("id") } else { text("name") }.to_owned();
            }
            let parts: Vec<String> = map.values().map(plain).filter(|s| !s.is_empty()).collect();
            parts.join(", ")
        }
    }
}

/// The amount as the API writes it: text, or a number from a program that does not know better.
pub fn plain_amount(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}
