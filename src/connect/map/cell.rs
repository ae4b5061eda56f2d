//! The text of one cell into a value of one type.

use aplomb_model::json::{is_email, is_phone};
use aplomb_model::value::Money;
use aplomb_model::{Currency, Field, FieldError, Value};
use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};

use super::convert::{amount, wrong};
use super::{date, number};
use crate::view::DateOrder;

/// Splits where programs put several values into one cell (`;`, Google's ` ::: `, line breaks).
pub fn items(text: &str) -> Vec<String> {
    let text = text.replace(":::", ";");
    text.split([';', '\n', '\r']).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect()
}

/// `Ada <ada@engine.example>, b@c.example`
pub fn emails(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for item in items(text) {
        let bare = |t: &str| {
            let t = t.trim();
            let t = t.rsplit_once('<').and_then(|(_, r)| r.strip_suffix('>')).unwrap_or(t);
            t.trim().trim_start_matches("mailto:").to_owned()
        };
        let parts: Vec<String> = item.split(',').map(bare).filter(|t| !t.is_empty()).collect();
        if parts.len() > 1 && parts.iter().all(|p| is_email(p)) {
            out.extend(parts);
        } else {
            out.push(bare(&item));
        }
    }
    out
}

/// Telephone numbers stay as they are written; only remarks beside them are taken off (`030 123 (Zentrale)`).
pub fn phones(text: &str) -> Vec<String> {
    let number = |item: String| {
        if is_phone(&item) {
            return item;
        }
        let mut depth = 0;
        let plain: String = item
            .chars()
            .filter(|c| {
                depth += i32::from(*c == '(') - i32::from(*c == ')');
                depth == 0 && *c != ')' && !c.is_alphabetic()
            })
            .collect();
        let plain = plain.trim().trim_matches([':', '-', ',']).trim().to_owned();
        if is_phone(&plain) { plain } else { item }
    };
    items(text).into_iter().map(number).collect()
}

/// Tags are separated by semicolons or, without any, by commas.
pub fn tags(text: &str) -> Vec<String> {
    let found = items(text);
    let found = match found.as_slice() {
        [one] if one.contains(',') => one.split(',').map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect(),
        _ => found,
    };
    // Google's system groups
    found.into_iter().filter(|t| !t.starts_with("* ")).collect()
}

/// `https://www.Engine.example/about` is of `engine.example`.
pub fn domain(text: &str) -> String {
    let text = text.trim().to_lowercase();
    let text = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
    let text = text.split(['/', '?', '#']).next().unwrap_or_default();
    let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
    text.trim_start_matches("www.").trim_end_matches('.').to_owned()
}

pub fn number(field: &Field, text: &str, decimal: char) -> Result<Json, FieldError> {
    let found = number::parse(text, decimal).or_else(|| number::parse(range_start(text)?, decimal));
    let digits = found.ok_or_else(|| wrong(field, "a number"))?.digits;
    let n: f64 = digits.parse().map_err(|_| wrong(field, "a number"))?;
    Ok(json!(n))
}

/// Sizes are often given as `51-200` or `1000+`: the least is what is known.
fn range_start(text: &str) -> Option<&str> {
    if let Some(start) = text.trim().strip_suffix('+') {
        return Some(start);
    }
    let (start, end) = text.split_once(['-', '–'])?;
    (number::mark(start).is_some() && number::mark(end).is_some()).then_some(start)
}

pub fn money(field: &Field, text: &str, decimal: char, currency: Currency) -> Result<Money, FieldError> {
    let expect = "an amount such as 1250.00";
    let found = number::parse(text, decimal).ok_or_else(|| wrong(field, expect))?;
    let currency = found.currency.unwrap_or(currency);
    let fail = |detail: String| FieldError::new(&field.name, "money", format!("{detail}; give {expect}"));
    match amount(&found.digits, currency) {
        Ok(money) => Ok(money),
        Err(first) if number::mark(text) == Some(number::Mark::Either) => {
            // `1.234` with two-decimal currencies can only mean thousands
            let other = if decimal == '.' { ',' } else { '.' };
            let again = number::parse(text, other).ok_or_else(|| fail(first))?;
            amount(&again.digits, currency).map_err(fail)
        }
        Err(_) if found.digits.contains('.') => amount(&rounded(&found.digits, currency), currency).map_err(fail),
        Err(e) => Err(fail(e)),
    }
}

/// Fractions of a cent come from spreadsheets' arithmetic; they are rounded half away from zero.
fn rounded(digits: &str, currency: Currency) -> String {
    let places = currency.decimals() as usize;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let kept: String = fraction.chars().take(places).collect();
    let up = fraction.as_bytes().get(places).is_some_and(|b| *b >= b'5');
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |w| ("-", w));
    match format!("{whole}{kept}").parse::<i128>() {
        Ok(n) if up => {
            let all = format!("{:0width$}", n + 1, width = places + 1);
            let (w, f) = all.split_at(all.len() - places);
            format!("{sign}{w}.{f}")
        }
        _ => format!("{sign}{whole}.{kept}"),
    }
}

pub fn currency(text: &str) -> Option<Currency> {
    number::parse(&format!("1 {text}"), '.').and_then(|a| a.currency)
}

pub fn date(field: &Field, text: &str, order: DateOrder) -> Result<Value, FieldError> {
    let when = date::parse(text, order).ok_or_else(|| no_date(field))?;
    Ok(Value::Date(when.date))
}

pub fn time(field: &Field, text: &str, order: DateOrder, zone: &TimeZone) -> Result<Value, FieldError> {
    let when = date::parse(text, order).ok_or_else(|| no_date(field))?;
    when.moment(zone).map(Value::Time).ok_or_else(|| no_date(field))
}

fn no_date(field: &Field) -> FieldError {
    FieldError::new(&field.name, "date", "is not a date between year 1 and 9999")
}

/// Seconds: `1:30` (hours and minutes), `1:30:00`, `90 min`, `1h 30m`, `45` (seconds).
pub fn duration(text: &str) -> Option<f64> {
    let text = text.trim().to_lowercase();
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0).then_some(seconds);
    }
    if text.contains(':') {
        let parts: Vec<u32> = text.split(':').map(|p| p.trim().parse().ok()).collect::<Option<_>>()?;
        return match parts.as_slice() {
            [h, m] => Some(f64::from(*h) * 3600.0 + f64::from(*m) * 60.0),
            [h, m, s] => Some(f64::from(*h) * 3600.0 + f64::from(*m) * 60.0 + f64::from(*s)),
            _ => None,
        };
    }
    let (mut total, mut number, mut any) = (0.0, String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '0'..='9' | '.' => number.push(c),
            c if c.is_alphabetic() => {
                let mut unit = c.to_string();
                while let Some(next) = chars.next_if(|n| n.is_alphabetic()) {
                    unit.push(next);
                }
                let seconds = match unit.as_str() {
                    "h" | "hr" | "hrs" | "hour" | "hours" | "std" | "stunde" | "stunden" => 3600.0,
                    "m" | "min" | "mins" | "minute" | "minutes" | "minuten" => 60.0,
                    "s" | "sec" | "secs" | "second" | "seconds" | "sek" | "sekunden" => 1.0,
                    _ => return None,
                };
                total += std::mem::take(&mut number).parse::<f64>().ok()? * seconds;
                any = true;
            }
            ' ' | ',' | '\u{a0}' => {}
            _ => return None,
        }
    }
    (any && number.is_empty() && total < 1e10).then_some(total)
}

pub fn geo(text: &str) -> Option<Json> {
    let (lat, lon) = text.split_once([',', ';'])?;
    Some(json!({"lat": lat.trim().parse::<f64>().ok()?, "lon": lon.trim().parse::<f64>().ok()?}))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_are_split() {
        assert_eq!(
            emails("Ada <ada@e.example>; b@c.example, d@e.example"),
            ["ada@e.example", "b@c.example", "d@e.example"]
        );
        assert_eq!(phones("030 123456 (Zentrale) ::: +49 170 555"), ["030 123456", "+49 170 555"]);
        assert_eq!(tags("vip, Beta"), ["vip", "Beta"]);
        assert_eq!(tags("* myContacts ::: Kunden"), ["Kunden"]);
        assert_eq!(domain("https://www.Engine.example/about"), "engine.example");
    }

    #[test]
    fn durations_and_roundings() {
        for (text, expect) in [
            ("1:30", Some(5400.0)),
            ("90 min", Some(5400.0)),
            ("1h 30m", Some(5400.0)),
            ("45", Some(45.0)),
            ("soon", None),
        ] {
            assert_eq!(duration(text), expect, "{text}");
        }
        for (digits, expect) in [("1.005", "1.01"), ("-0.999", "-1.00"), ("9.994", "9.99"), ("0.3000001", "0.30")] {
            assert_eq!(rounded(digits, Currency::EUR), expect);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,30}") {
            let _ = (emails(&text), phones(&text), tags(&text), domain(&text), duration(&text), geo(&text), currency(&text));
        }
    }
}
