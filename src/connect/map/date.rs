//! Dates and times as programs and people write them, in ISO, US, European order and with month names.

use aplomb_model::{Date, Timestamp};
use jiff::tz::TimeZone;

use crate::view::DateOrder;

/// A calendar day and, when there was one, a time of day with its offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    pub date: Date,
    pub time: Option<Clock>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    pub hour: i8,
    pub minute: i8,
    pub second: i8,
    /// seconds east of UTC, when given
    pub offset: Option<i32>,
}

/// What one written date says about the order of day and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// ISO, month names, 13 or more: no question
    Clear,
    Is(DateOrder),
    Either,
}

enum Parts {
    Known(i16, i8, i8),
    /// two numbers that are day and month in some order, year
    Open(i8, i8, i16, char),
}

/// Whether the text is a date, and what it says about the order.
pub fn order(text: &str) -> Option<Order> {
    let (parts, _) = split(text)?;
    match parts {
        Parts::Known(y, m, d) => Date::new(y, m, d).map(|_| Order::Clear),
        Parts::Open(a, b, year, mark) => {
            Date::new(year, 1, 1)?;
            match (a, b) {
                (1..=12, 1..=12) if mark == '.' => Some(Order::Is(DateOrder::Dmy)),
                (1..=12, 1..=12) if a == b => Some(Order::Clear),
                (1..=12, 1..=12) => Some(Order::Either),
                (13..=31, 1..=12) => Some(Order::Is(DateOrder::Dmy)),
                (1..=12, 13..=31) => Some(Order::Is(DateOrder::Mdy)),
                _ => None,
            }
        }
    }
}

/// Reads a date; `order` decides where the text itself leaves it open.
pub fn parse(text: &str, order: DateOrder) -> Option<When> {
    let (parts, time) = split(text)?;
    let date = match parts {
        Parts::Known(y, m, d) => Date::new(y, m, d)?,
        Parts::Open(a, b, year, mark) => {
            let (month, day) = match () {
                _ if a > 12 => (b, a),
                _ if b > 12 => (a, b),
                _ if mark == '.' => (b, a),
                _ if order == DateOrder::Mdy => (a, b),
                _ => (b, a),
            };
            Date::new(year, month, day)?
        }
    };
    Some(When { date, time })
}

impl When {
    /// The moment, midnight without a time; in `zone` without an offset. `None` beyond year 9999.
    pub fn moment(self, zone: &TimeZone) -> Option<Timestamp> {
        let clock = self.time.unwrap_or(Clock { hour: 0, minute: 0, second: 0, offset: None });
        let (year, month, day) = self.date.ymd();
        let civil = jiff::civil::date(year, month, day).at(clock.hour, clock.minute, clock.second, 0);
        let zone = match clock.offset {
            Some(seconds) => TimeZone::fixed(jiff::tz::Offset::from_seconds(seconds).ok()?),
            None => zone.clone(),
        };
        let moment = civil.to_zoned(zone).ok()?.timestamp();
        moment.to_string().parse().ok()
    }
}

fn split(text: &str) -> Option<(Parts, Option<Clock>)> {
    let text = text.trim();
    if text.len() < 6 || text.len() > 64 || !text.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    if let Some(found) = epoch(text) {
        return Some(found);
    }
    let (day, time) = split_time(text);
    let time = match time.trim() {
        "" => None,
        t => Some(clock(t)?),
    };
    Some((day_parts(day)?, time))
}

/// Milliseconds since 1970, as programs export them.
fn epoch(text: &str) -> Option<(Parts, Option<Clock>)> {
    if text.len() != 13 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let at = Timestamp::from_millis(text.parse().ok()?);
    let (y, m, d) = at.date().ymd();
    let seconds = at.seconds().rem_euclid(86_400);
    let clock = Clock {
        hour: (seconds / 3600) as i8,
        minute: (seconds / 60 % 60) as i8,
        second: (seconds % 60) as i8,
        offset: Some(0),
    };
    Some((Parts::Known(y, m, d), Some(clock)))
}

/// The time begins at the first number with a colon behind it.
fn split_time(text: &str) -> (&str, &str) {
    let Some(colon) = text.find(':') else {
        // `9 AM`, `2025-12-31T00Z` are not dates with times that anybody exports
        return (text, "");
    };
    let start = text[..colon]
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    let blanks = [' ', ',', '\u{a0}', '\u{202f}'];
    let day = text[..start].trim_end_matches(blanks);
    let word = day.strip_suffix(" at").or_else(|| day.strip_suffix(" um"));
    let t = day.strip_suffix(['T', 't']).filter(|d| d.ends_with(|c: char| c.is_ascii_digit()));
    (word.or(t).unwrap_or(day).trim_end_matches(blanks), &text[start..])
}

/// `14:30`, `2:30:05 PM`, `14:30:05.123Z`, `14:30 +02:00`, `09:41 UTC`, `10:00 Uhr`
fn clock(text: &str) -> Option<Clock> {
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(text.len());
    let (digits, rest) = text.split_at(split);
    let mut parts = digits.trim_end_matches('.').split(':');
    let hour: i8 = parts.next()?.parse().ok()?;
    let minute: i8 = parts.next()?.parse().ok()?;
    let second: i8 = match parts.next() {
        Some(s) => s.split('.').next()?.parse().ok()?,
        None => 0,
    };
    if parts.next().is_some() {
        return None;
    }
    let rest = rest.trim().to_ascii_uppercase().replace(['\u{a0}', '\u{202f}'], " ");
    let (rest, hour) = match rest.get(..2) {
        Some("AM") if (1..=12).contains(&hour) => (&rest[2..], hour % 12),
        Some("PM") if (1..=12).contains(&hour) => (&rest[2..], hour % 12 + 12),
        _ => (rest.as_str(), hour),
    };
    let offset = match rest.trim() {
        "" | "UHR" => None,
        "Z" | "UTC" | "GMT" => Some(0),
        other => Some(offset(other.trim_start_matches("UTC").trim_start_matches("GMT"))?),
    };
    ((0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second)).then_some(Clock {
        hour,
        minute,
        second,
        offset,
    })
}

/// `+02:00`, `-0500`, `+2`
fn offset(text: &str) -> Option<i32> {
    let (sign, digits) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let digits = digits.replace(':', "");
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.parse::<i32>().ok()?, 0),
        4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
        _ => return None,
    };
    (hours <= 15 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn day_parts(text: &str) -> Option<Parts> {
    if let Some(found) = with_month_name(text) {
        return Some(found);
    }
    let mark = text.chars().find(|c| !c.is_ascii_digit())?;
    if !matches!(mark, '-' | '/' | '.') {
        return None;
    }
    let parts: Vec<&str> = text.split(mark).map(str::trim).filter(|p| !p.is_empty()).collect();
    let [a, b, c] = parts.as_slice() else { return None };
    if parts.iter().any(|p| p.len() > 4 || !p.bytes().all(|d| d.is_ascii_digit())) {
        return None;
    }
    if a.len() == 4 {
        return Some(Parts::Known(a.parse().ok()?, small(b)?, small(c)?));
    }
    Some(Parts::Open(small(a)?, small(b)?, year(c)?, mark))
}

fn small(text: &str) -> Option<i8> {
    (text.len() <= 2).then(|| text.parse().ok())?
}

/// Two digits mean 1970 to 2069 (as POSIX has it).
fn year(text: &str) -> Option<i16> {
    let n: i16 = text.parse().ok()?;
    match text.len() {
        4 => Some(n),
        2 if n < 70 => Some(2000 + n),
        2 => Some(1900 + n),
        _ => None,
    }
}

/// `31 Dec 2025`, `Dec 31, 2025`, `31. Dezember 2025`, `31-Dec-25`, `Wednesday, December 31, 2025`
fn with_month_name(text: &str) -> Option<Parts> {
    if !text.chars().any(char::is_alphabetic) {
        return None;
    }
    let folded = aplomb_model::fold(text);
    let (mut month, mut numbers) = (None, Vec::new());
    for word in folded.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        let digits = word.trim_end_matches(|c: char| c.is_alphabetic());
        match () {
            _ if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                let suffix = &word[digits.len()..];
                if !matches!(suffix, "" | "st" | "nd" | "rd" | "th") {
                    return None;
                }
                numbers.push(digits);
            }
            _ if month_of(word).is_some() && month.is_none() => month = month_of(word),
            _ if is_weekday(word) || matches!(word, "de" | "of") => {}
            _ => return None,
        }
    }
    let [a, b] = numbers.as_slice() else { return None };
    let (day, year_text) = if a.len() == 4 { (b, a) } else { (a, b) };
    Some(Parts::Known(year(year_text)?, month?, small(day)?))
}

fn month_of(word: &str) -> Option<i8> {
    const NAMES: [&[&str]; 12] = [
        &["january", "januar", "janner", "janvier", "enero", "jan", "janv", "ene"],
        &["february", "februar", "fevrier", "febrero", "feb", "fev", "febr"],
        &["march", "marz", "maerz", "mars", "marzo", "mar", "mrz"],
        &["april", "avril", "abril", "apr", "avr", "abr"],
        &["may", "mai", "mayo"],
        &["june", "juni", "juin", "junio", "jun"],
        &["july", "juli", "juillet", "julio", "jul", "juil"],
        &["august", "aout", "agosto", "aug", "ago"],
        &["september", "septembre", "septiembre", "sep", "sept"],
        &["october", "oktober", "octobre", "octubre", "oct", "okt"],
        &["november", "novembre", "noviembre", "nov"],
        &["december", "dezember", "decembre", "diciembre", "dec", "dez", "dic"],
    ];
    NAMES.iter().position(|names| names.contains(&word)).map(|at| at as i8 + 1)
}

fn is_weekday(word: &str) -> bool {
    const DAYS: [&str; 28] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
        "sat",
        "sun",
        "montag",
        "dienstag",
        "mittwoch",
        "donnerstag",
        "freitag",
        "samstag",
        "sonntag",
        "mo",
        "di",
        "mi",
        "do",
        "fr",
        "sa",
        "so",
    ];
    DAYS.contains(&word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_read() {
        for (text, order, expect) in [
            ("2025-12-31", DateOrder::Mdy, "2025-12-31"),
            ("2025/1/2", DateOrder::Mdy, "2025-01-02"),
            ("31.12.2025", DateOrder::Mdy, "2025-12-31"),
            ("1.2.2025", DateOrder::Mdy, "2025-02-01"),
            ("03/04/2025", DateOrder::Mdy, "2025-03-04"),
            ("03/04/2025", DateOrder::Dmy, "2025-04-03"),
            ("13/04/2025", DateOrder::Mdy, "2025-04-13"),
            ("4/13/25", DateOrder::Dmy, "2025-04-13"),
            ("01.02.75", DateOrder::Dmy, "1975-02-01"),
            ("31 Dec 2025", DateOrder::Dmy, "2025-12-31"),
            ("Dec 31, 2025", DateOrder::Dmy, "2025-12-31"),
            ("31. Dezember 2025", DateOrder::Dmy, "2025-12-31"),
            ("3. März 2025", DateOrder::Dmy, "2025-03-03"),
            ("31-Dec-25", DateOrder::Dmy, "2025-12-31"),
            ("Wednesday, December 31st, 2025", DateOrder::Dmy, "2025-12-31"),
            ("9999-12-31", DateOrder::Dmy, "9999-12-31"),
        ] {
            assert_eq!(parse(text, order).map(|w| w.date.to_string()).as_deref(), Some(expect), "{text}");
        }
        for text in [
            "0000-01-01",
            "2025-02-30",
            "32.01.2025",
            "13/13/2025",
            "12345",
            "hello 2025",
            "1-2-3-4",
            "99999-01-01",
            "1/2/10000",
        ] {
            assert_eq!(parse(text, DateOrder::Dmy), None, "{text}");
        }
    }

    #[test]
    fn times_are_read() {
        let zone = TimeZone::get("Europe/Berlin").expect("bundled");
        for (text, expect) in [
            ("2025-12-31T23:30:00Z", "2025-12-31T23:30:00Z"),
            ("2025-07-01 14:30", "2025-07-01T12:30:00Z"),
            ("2025-12-31 14:30:05.123 +0100", "2025-12-31T13:30:05Z"),
            ("11/21/2025 9:41 AM", "2025-11-21T08:41:00Z"),
            ("11/21/2025, 12:05 PM", "2025-11-21T11:05:00Z"),
            ("31.12.2025 14:30 Uhr", "2025-12-31T13:30:00Z"),
            ("Nov 21, 2025 at 9:41 AM UTC", "2025-11-21T09:41:00Z"),
            ("31.12.2025", "2025-12-30T23:00:00Z"),
            ("1763717460000", "2025-11-21T09:31:00Z"),
        ] {
            let found = parse(text, DateOrder::Mdy).and_then(|w| w.moment(&zone));
            assert_eq!(found.map(|t| t.to_string()).as_deref(), Some(expect), "{text}");
        }
        let last = parse("9999-12-31T23:59:59Z", DateOrder::Dmy).expect("a date");
        assert!(last.moment(&zone).is_none());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,30}", odd in "[0-9:./ TZ+apmAPM-]{0,25}", words in "(Dec|31|, |2025|\\.|th|ü| |9){0,8}") {
            for t in [&text, &odd, &words] {
                let _ = order(t);
                if let Some(w) = parse(t, DateOrder::Dmy) {
                    let _ = w.moment(&TimeZone::UTC);
                }
            }
        }

        #[test]
        fn every_day_comes_back(days in -719_162i32..2_932_896) {
            let date = Date::from_days(days).expect("in range");
            let (y, m, d) = date.ymd();
            prop_assert_eq!(parse(&format!("{d:02}/{m:02}/{y:04}"), DateOrder::Dmy).map(|w| w.date), Some(date));
            prop_assert_eq!(parse(&format!("{m:02}/{d:02}/{y:04}"), DateOrder::Mdy).map(|w| w.date), Some(date));
        }
    }
}
