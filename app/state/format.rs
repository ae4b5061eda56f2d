//! Values in words for people: dates, amounts and counts in the organisation's language, formats and time zone.

use std::cell::RefCell;
use std::collections::HashMap;

use js_sys::{Array, Date, Function, Intl, Object, Reflect};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use wasm_bindgen::{JsCast, JsValue};

use crate::text::{t, tf};

/// How the organisation writes numbers and times: `formats` of its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Formats {
    /// an example: `1,234.56`, `1.234,56`, `1 234,56` or `1'234.56`
    pub number: String,
    /// a pattern out of `yyyy`, `MM`, `dd`
    pub date: String,
    /// `24h` or `12h`
    pub time: String,
    pub week_start: String,
}

impl Default for Formats {
    fn default() -> Formats {
        let text = str::to_owned;
        Formats { number: text("1,234.56"), date: text("yyyy-MM-dd"), time: text("24h"), week_start: text("monday") }
    }
}

impl Formats {
    pub const NUMBERS: [&str; 4] = ["1,234.56", "1.234,56", "1 234,56", "1'234.56"];
    pub const DATES: [&str; 4] = ["yyyy-MM-dd", "dd.MM.yyyy", "dd/MM/yyyy", "MM/dd/yyyy"];
    pub const TIMES: [&str; 2] = ["24h", "12h"];
    pub const WEEK_STARTS: [&str; 3] = ["monday", "sunday", "saturday"];

    /// What people of this browser's language and region are used to.
    pub fn of_browser() -> Formats {
        let tag = web_sys::window().and_then(|w| w.navigator().language()).unwrap_or_default();
        let (language, region) = tag.split_once('-').unwrap_or((&tag, ""));
        let american = region == "US" || tag == "en";
        let number = match (language, region) {
            (_, "CH" | "LI") => "1'234.56",
            ("de" | "es" | "it" | "nl" | "da" | "id" | "tr" | "el" | "pt" | "ro" | "hr" | "sl", _) => "1.234,56",
            ("fr" | "sv" | "nb" | "no" | "fi" | "pl" | "cs" | "sk" | "hu" | "ru" | "uk" | "bg", _) => "1 234,56",
            _ => "1,234.56",
        };
        let date = match language {
            "en" if american => "MM/dd/yyyy",
            "en" | "fr" | "es" | "it" | "pt" | "el" => "dd/MM/yyyy",
            "de" | "da" | "nb" | "no" | "fi" | "pl" | "cs" | "sk" | "ru" | "uk" | "tr" | "ro" | "hr" | "sl" | "bg" => {
                "dd.MM.yyyy"
            }
            _ => "yyyy-MM-dd",
        };
        let time = if american { "12h" } else { "24h" };
        let week_start = if american { "sunday" } else { "monday" };
        let text = str::to_owned;
        Formats { number: text(number), date: text(date), time: text(time), week_start: text(week_start) }
    }
}

/// The organisation's ways, and the browser's formatters made for them: making one takes longer than using it.
#[derive(Default)]
struct Ways {
    language: String,
    zone: String,
    formats: Formats,
    made: HashMap<String, Function>,
}

thread_local! {
    static WAYS: RefCell<Ways> = RefCell::new(Ways { language: "en".to_owned(), ..Ways::default() });
}

/// Set at log-in, and when the settings change.
pub fn use_ways(language: &str, zone: &str, formats: Formats) {
    let language = if language.is_empty() { "en" } else { language }.to_owned();
    WAYS.set(Ways { language, zone: zone.to_owned(), formats, made: HashMap::new() });
}

/// The browser's own time zone.
pub fn browser_zone() -> String {
    let options = Intl::DateTimeFormat::new(&Array::new(), &Object::new()).resolved_options();
    Reflect::get(&options, &"timeZone".into()).ok().and_then(|z| z.as_string()).unwrap_or_else(|| "UTC".to_owned())
}

/// Every zone that this browser knows, or none where it cannot tell.
pub fn zones() -> Vec<String> {
    let known = || {
        let intl = Reflect::get(&js_sys::global(), &"Intl".into()).ok()?;
        let list = Reflect::get(&intl, &"supportedValuesOf".into()).ok()?.dyn_into::<Function>().ok()?;
        let zones = list.call1(&intl, &"timeZone".into()).ok()?.dyn_into::<Array>().ok()?;
        Some(zones.iter().filter_map(|z| z.as_string()).collect())
    };
    known().unwrap_or_default()
}

fn options(pairs: &[(&str, JsValue)]) -> Object {
    let options = Object::new();
    for (name, value) in pairs {
        let _ = Reflect::set(&options, &JsValue::from_str(name), value);
    }
    options
}

/// The formatter kept under `key`, made at its first use.
fn made(key: &str, make: impl FnOnce(&Ways) -> Function) -> Function {
    WAYS.with_borrow_mut(|ways| {
        if let Some(known) = ways.made.get(key) {
            return known.clone();
        }
        let new = make(ways);
        ways.made.insert(key.to_owned(), new.clone());
        new
    })
}

fn run(format: &Function, value: &JsValue) -> Option<String> {
    format.call1(&JsValue::UNDEFINED, value).ok()?.as_string()
}

fn locale(tag: &str) -> Array {
    Array::of1(&JsValue::from_str(tag))
}

/// The language whose way of grouping digits is the organisation's.
fn number_locale(ways: &Ways) -> Array {
    locale(match ways.formats.number.as_str() {
        "1.234,56" => "de-DE",
        "1 234,56" => "fr-FR",
        "1'234.56" => "de-CH",
        _ if ways.language.starts_with("en") => &ways.language,
        _ => "en-US",
    })
}

/// The mark between whole and part: `.` or `,`.
pub fn decimal_mark() -> char {
    WAYS.with_borrow(|ways| if ways.formats.number.ends_with(",56") { ',' } else { '.' })
}

/// An amount as the API writes it, in the way people here type one: without groups.
pub fn to_type(text: &str) -> String {
    if decimal_mark() == ',' { text.replace('.', ",") } else { text.to_owned() }
}

/// What somebody typed as the API takes it: groups, spaces and apostrophes go, the decimal mark becomes a point. A mark
/// that can only be one of the two (`1.5` where points group, `1,5` where commas do) is taken for what it must be.
pub fn from_typed(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '’')).collect();
    let decimal = match (text.rfind('.'), text.rfind(',')) {
        (Some(dot), Some(comma)) => Some(if comma > dot { ',' } else { '.' }),
        (None, None) => None,
        (dot, _) => {
            let mark = if dot.is_some() { '.' } else { ',' };
            let groups = text.split(mark).skip(1).all(|part| part.len() == 3) && !text.starts_with(['0', mark]);
            let once = text.matches(mark).count() == 1;
            (once && (mark == decimal_mark() || !groups)).then_some(mark)
        }
    };
    match decimal {
        Some('.') => text.replace(',', ""),
        Some(mark) => text.replace('.', "").replace(mark, "."),
        None => text.replace(['.', ','], ""),
    }
}

/// Year, month and day of a moment in a zone, as `2026-03-31`.
fn iso_day(date: &Date, zone: &str) -> Option<String> {
    let format = made(&format!("day {zone}"), |_| {
        let pairs = [("timeZone", zone.into()), ("year", "numeric".into()), ("month", "2-digit".into())];
        let options = options(&pairs);
        let _ = Reflect::set(&options, &"day".into(), &"2-digit".into());
        Intl::DateTimeFormat::new(&locale("sv-SE"), &options).format()
    });
    run(&format, date)
}

fn hour(date: &Date, zone: &str) -> Option<String> {
    let format = made(&format!("hour {zone}"), |ways| {
        let options = options(&[("timeZone", zone.into()), ("timeStyle", "short".into())]);
        let tag = if ways.formats.time == "12h" { "en-US" } else { "en-GB" };
        Intl::DateTimeFormat::new(&locale(tag), &options).format()
    });
    run(&format, date)
}

/// `2026-03-31` by the organisation's pattern.
fn written(iso: &str) -> String {
    let mut parts = iso.splitn(3, '-');
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else {
        return iso.to_owned();
    };
    let pattern = WAYS.with_borrow(|ways| ways.formats.date.clone());
    pattern.replace("yyyy", year).replace("MM", month).replace("dd", day)
}

fn moment(text: &str) -> Option<Date> {
    let date = Date::new(&JsValue::from_str(text));
    (!date.get_time().is_nan()).then_some(date)
}

/// The organisation's zone, UTC when it has none.
fn zone() -> String {
    WAYS.with_borrow(|ways| if ways.zone.is_empty() { "UTC".to_owned() } else { ways.zone.clone() })
}

/// `2026-03-31` as people here write a day.
pub fn date(text: &str) -> String {
    written(text)
}

/// The day of an RFC 3339 time in the organisation's zone.
pub fn day(text: &str) -> String {
    let iso = moment(text).and_then(|date| iso_day(&date, &zone()));
    iso.map_or_else(|| text.to_owned(), |iso| written(&iso))
}

/// The day of an RFC 3339 time in the organisation's zone, as `2026-03-31`.
pub fn iso_of(text: &str) -> String {
    moment(text).and_then(|date| iso_day(&date, &zone())).unwrap_or_default()
}

/// An RFC 3339 time in the organisation's zone.
pub fn time(text: &str) -> String {
    let Some(date) = moment(text) else { return text.to_owned() };
    let zone = zone();
    let day = iso_day(&date, &zone).map(|iso| written(&iso)).unwrap_or_default();
    format!("{day}, {}", hour(&date, &zone).unwrap_or_default())
}

/// A moment as the clock on the organisation's wall shows it: `2026-03-31T09:00`.
pub fn wall(text: &str) -> Option<String> {
    let format = made("wall", |ways| {
        let zone = if ways.zone.is_empty() { "UTC" } else { &ways.zone };
        let options =
            options(&[("timeZone", zone.into()), ("dateStyle", "short".into()), ("timeStyle", "short".into())]);
        Intl::DateTimeFormat::new(&locale("sv-SE"), &options).format()
    });
    run(&format, moment(text)?.as_ref()).map(|shown| shown.replacen(' ', "T", 1))
}

/// The moment when the organisation's wall shows `2026-03-31T09:00`. In the hour that a change of clocks leaves out,
/// the moment as long after the change.
pub fn from_wall(shown: &str) -> Option<String> {
    let wanted = moment(&format!("{shown}Z"))?.get_time();
    let mut guess = wanted;
    for _ in 0..2 {
        let iso = Date::new(&guess.into()).to_iso_string().as_string()?;
        let there = moment(&format!("{}Z", wall(&iso)?))?.get_time();
        guess += wanted - there;
    }
    Date::new(&guess.into()).to_iso_string().as_string()
}

/// A day as people here write it, or as ISO does, as `2026-03-31`.
pub fn read_date(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    let [a, b, c] = parts[..] else { return None };
    let pattern = WAYS.with_borrow(|ways| ways.formats.date.clone());
    let (year, month, day) = match (a.len(), pattern.starts_with('M')) {
        (4, _) => (a, b, c),
        (_, true) => (c, a, b),
        (_, false) => (c, b, a),
    };
    let year = if year.len() == 2 { format!("20{year}") } else { year.to_owned() };
    let (month, day): (u32, u32) = (month.parse().ok()?, day.parse().ok()?);
    let fits = year.len() == 4 && (1..=12).contains(&month) && (1..=31).contains(&day);
    fits.then(|| format!("{year}-{month:02}-{day:02}"))
}

/// A day and perhaps a time of day in the organisation's zone, as an RFC 3339 time.
pub fn read_time(text: &str) -> Option<String> {
    if text.contains('T') && text.ends_with('Z') {
        return moment(text).map(|_| text.to_owned());
    }
    let (day, hour) = text.split_once([' ', 'T']).unwrap_or((text, "00:00"));
    let hour = hour.trim().get(..5).unwrap_or(hour.trim());
    from_wall(&format!("{}T{hour}", read_date(day.trim_end_matches(','))?))
}

/// Today in the organisation's zone, as `2026-03-31`.
pub fn today() -> String {
    iso_day(&Date::new_0(), &zone()).unwrap_or_default()
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
    let format = made("number", |ways| {
        Intl::NumberFormat::new(&number_locale(ways), &options(&[("maximumFractionDigits", 10.into())])).format()
    });
    run(&format, &n.into()).unwrap_or_else(|| n.to_string())
}

/// An amount; digits beyond what a double holds are kept by showing the text itself.
pub fn money(amount: &str, currency: &str) -> String {
    amount_in(amount, currency, "money").unwrap_or_else(|| format!("{amount} {currency}"))
}

/// An amount without its cents, for sums and cards.
pub fn round_money(amount: &str, currency: &str) -> String {
    amount_in(amount, currency, "round").unwrap_or_else(|| format!("{amount} {currency}"))
}

fn amount_in(amount: &str, currency: &str, style: &str) -> Option<String> {
    let n = amount.parse::<f64>().ok().filter(|n| n.abs() < 9e13 && currency.len() == 3)?;
    let format = made(&format!("{style} {currency}"), |ways| {
        let options = options(&[("style", "currency".into()), ("currency", currency.into())]);
        if style == "round" {
            let _ = Reflect::set(&options, &"maximumFractionDigits".into(), &0.into());
        }
        Intl::NumberFormat::new(&number_locale(ways), &options).format()
    });
    run(&format, &n.into())
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

/// A number of bytes in its largest unit.
pub fn bytes(n: f64) -> String {
    const UNITS: [&str; 4] = ["B", "KB", "MB", "GB"];
    let at = (0..3).find(|at| n < 1000f64.powi(at + 1)).unwrap_or(3);
    let n = n / 1000f64.powi(at);
    format!("{} {}", number(if n < 10.0 { (n * 10.0).round() / 10.0 } else { n.round() }), UNITS[at as usize])
}

/// A time in its largest unit: days, else hours, else minutes.
pub fn span(seconds: f64) -> String {
    match seconds {
        s if s >= 86_400.0 => tf("span.days", &[("n", &((s / 86_400.0).floor() as i64).to_string())]),
        s if s >= 3_600.0 => tf("span.hours", &[("n", &((s / 3_600.0).floor() as i64).to_string())]),
        s => tf("span.minutes", &[("n", &((s / 60.0).floor() as i64).to_string())]),
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
