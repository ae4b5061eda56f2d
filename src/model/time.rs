//! Moments and calendar days.

use std::fmt;
use std::str::FromStr;

use jiff_core::civil;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC, in microseconds since 1970. Years 0001 to 9999.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A calendar day, in days since 1970-01-01. Years 0001 to 9999.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a time or date between year 1 and 9999")]
pub struct TimeError;

const MIN_DAY: i32 = -719_162;
const MAX_DAY: i32 = 2_932_896;

impl Timestamp {
    pub const DAY: i64 = 86_400_000_000;

    pub const fn from_micros(micros: i64) -> Timestamp {
        Timestamp(micros)
    }

    pub const fn from_millis(millis: i64) -> Timestamp {
        Timestamp(millis * 1000)
    }

    pub const fn from_seconds(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    pub fn plus_seconds(self, seconds: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    pub fn plus_days(self, days: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(days.saturating_mul(Self::DAY)))
    }

    /// The day in UTC.
    pub fn date(self) -> Date {
        Date(self.0.div_euclid(Self::DAY) as i32)
    }
}

impl Date {
    /// `None` for a day that the calendar does not have or a year outside 1 to 9999.
    pub fn new(year: i16, month: i8, day: i8) -> Option<Date> {
        let date = civil::Date::new(year, month, day).ok()?;
        Date::from_days(date.to_unix_epoch_day().day())
    }

    pub fn from_days(days: i32) -> Option<Date> {
        (MIN_DAY..=MAX_DAY).contains(&days).then_some(Date(days))
    }

    pub const fn days(self) -> i32 {
        self.0
    }

    pub fn plus_days(self, days: i32) -> Date {
        Date(self.0.saturating_add(days).clamp(MIN_DAY, MAX_DAY))
    }

    /// The same day of another month, or that month's last.
    pub fn plus_months(self, months: i32) -> Date {
        let (year, month, day) = self.ymd();
        let month = (i32::from(year) * 12 + i32::from(month) - 1).saturating_add(months);
        let (year, month) = (month.div_euclid(12), month.rem_euclid(12) as i8 + 1);
        let year = i16::try_from(year).ok().filter(|year| (1..=9999).contains(year));
        let Some(first) = year.and_then(|year| Date::new(year, month, 1)) else {
            return Date(if months < 0 { MIN_DAY } else { MAX_DAY });
        };
        first.plus_days(i32::from(day.min(first.civil().days_in_month())) - 1)
    }

    /// (year, month, day)
    pub fn ymd(self) -> (i16, i8, i8) {
        let d = self.civil();
        (d.year(), d.month(), d.day())
    }

    /// Midnight UTC.
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.0) * Timestamp::DAY)
    }

    fn civil(self) -> civil::Date {
        civil::UnixEpochDay::new(self.0).map_or(civil::date(1970, 1, 1), civil::UnixEpochDay::to_date)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with as many decimals as needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.rem_euclid(Self::DAY);
        let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{}T{hour:02}:{minute:02}:{second:02}", self.date())?;
        if rest > 0 {
            let decimals = format!("{rest:06}");
            write!(f, ".{}", decimals.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (y, m, d) = self.ymd();
        write!(f, "{y:04}-{m:02}-{d:02}")
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    /// RFC 3339 with an offset or `Z`; decimals beyond microseconds are dropped, a leap second is the one before.
    fn from_str(s: &str) -> Result<Timestamp, TimeError> {
        let (date, rest) = s.split_at_checked(10).ok_or(TimeError)?;
        let rest = rest.strip_prefix(['T', 't', ' ']).ok_or(TimeError)?;
        let (clock, zone) = rest.split_at(rest.find(['Z', 'z', '+', '-']).ok_or(TimeError)?);
        let date: Date = date.parse()?;
        let micros = clock_micros(clock).and_then(|clock| Some(clock - offset_minutes(zone)? * 60_000_000));
        let stamp = Timestamp(date.start().0 + micros.ok_or(TimeError)?);
        (MIN_DAY..=MAX_DAY).contains(&stamp.date().0).then_some(stamp).ok_or(TimeError)
    }
}

/// Two digits, at most `most`.
fn whole(text: &str, most: i64) -> Option<i64> {
    let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| digits && *n <= most)
}

/// `HH:MM` with `:SS` and decimals, or without.
fn clock_micros(text: &str) -> Option<i64> {
    let (text, decimals) = text.split_once(['.', ',']).map_or((text, None), |(text, rest)| (text, Some(rest)));
    let mut parts = text.split(':');
    let (hour, minute) = (whole(parts.next()?, 23)?, whole(parts.next()?, 59)?);
    let second = parts.next().map_or(decimals.is_none().then_some(0), |part| whole(part, 60))?.min(59);
    let micros = match decimals {
        None => 0,
        Some(d) if (1..=9).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{d:0<6}").get(..6)?.parse().ok()?
        }
        Some(_) => return None,
    };
    parts.next().is_none().then_some(((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

/// `Z`, `+HH:MM`, `+HHMM` or `+HH`.
fn offset_minutes(zone: &str) -> Option<i64> {
    let sign = match zone.split_at_checked(1)? {
        ("Z" | "z", rest) => return rest.is_empty().then_some(0),
        ("-", _) => -1,
        _ => 1,
    };
    let (hours, minutes) = zone.get(1..)?.split_at_checked(2)?;
    let minutes = match minutes.strip_prefix(':').unwrap_or(minutes) {
        "" if minutes.is_empty() => 0,
        minutes => whole(minutes, 59)?,
    };
    Some(sign * (whole(hours, 23)? * 60 + minutes))
}

impl FromStr for Date {
    type Err = TimeError;

    /// `YYYY-MM-DD`.
    fn from_str(s: &str) -> Result<Date, TimeError> {
        let parts = || {
            let (year, rest) = s.split_at_checked(4)?;
            let (month, day) = rest.strip_prefix('-')?.split_once('-')?;
            let year: i16 = year.bytes().all(|b| b.is_ascii_digit()).then(|| year.parse().ok())??;
            Date::new(year, whole(month, 12)? as i8, whole(day, 31)? as i8)
        };
        parts().ok_or(TimeError)
    }
}

macro_rules! serde_by_text_or_number {
    ($type:ident, $number:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() { s.collect_str(self) } else { self.0.serialize(s) }
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<$type, D::Error> {
                if d.is_human_readable() {
                    let text = String::deserialize(d)?;
                    text.parse().map_err(serde::de::Error::custom)
                } else {
                    <$number>::deserialize(d).map($type)
                }
            }
        }
    };
}
serde_by_text_or_number!(Timestamp, i64);
serde_by_text_or_number!(Date, i32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_round_trip_over_the_whole_range() {
        for days in (MIN_DAY..=MAX_DAY).step_by(997).chain([MIN_DAY, MAX_DAY, -1, 0, 1]) {
            let date = Date::from_days(days).unwrap();
            assert_eq!(date.to_string().parse::<Date>(), Ok(date));
            assert_eq!(date.start().date(), date);
        }
    }

    /// Against jiff, whose parser knows the standards well.
    #[test]
    fn times_are_read_and_written_as_jiff_does() {
        proptest::proptest!(proptest::test_runner::Config { failure_persistence: None, ..Default::default() },
            |(micros in (i64::from(MIN_DAY) + 2) * Timestamp::DAY..(i64::from(MAX_DAY) - 2) * Timestamp::DAY,
              minutes in -1439i32..1440, separator in "[Tt ]", colon in "|:", months in -3000i32..3000)| {
            let (ours, theirs) = (Timestamp(micros), jiff::Timestamp::from_microsecond(micros).unwrap());
            proptest::prop_assert_eq!(ours.to_string(), theirs.to_string());
            let there = theirs.to_zoned(jiff::tz::Offset::from_seconds(minutes * 60).unwrap().to_time_zone());
            let sign = if minutes < 0 { '-' } else { '+' };
            let (hour, minute) = (minutes.abs() / 60, minutes.abs() % 60);
            let text = format!("{}{sign}{hour:02}{colon}{minute:02}", there.datetime()).replace('T', &separator);
            proptest::prop_assert_eq!(text.parse(), Ok(ours), "{}", text);
            let moved = ours.date().plus_months(months).to_string();
            let span = jiff::Span::new().months(months);
            if let Ok(day) = jiff::civil::Date::from(theirs.to_zoned(jiff::tz::TimeZone::UTC)).checked_add(span) && day.year() > 0 {
                proptest::prop_assert_eq!(moved, day.to_string());
            }
        });
    }

    #[test]
    fn times_that_people_write_are_read() {
        for (text, expect) in [
            ("2026-03-01T12:00Z", "2026-03-01T12:00:00Z"),
            ("2026-03-01T12:00:00,5+02", "2026-03-01T10:00:00.5Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
            ("2026-03-01T12:00:00.123456789Z", "2026-03-01T12:00:00.123456Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().map(|t| t.to_string()).as_deref(), Ok(expect), "{text}");
        }
    }

    #[test]
    fn bad_times_are_refused() {
        for text in [
            "2025-02-03T24:00:00Z",
            "2025-02-03T12:00:00",
            "2025-02-03T12:00:00+2:00",
            "2025-02-03T12:00:00.Z",
            "2025-02-03T1:00:00Z",
            "2025-02-03T12:00:00Zx",
            "2025-02-03T12:60:00Z",
            "2025-02-03T12.5Z",
            "2025-02-03T12:00:00+02:",
            "+025-02-03",
            "0001-01-01T00:00:00+01:00",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        for text in ["", "2025-02-30", "0000-01-01", "10000-01-01", "yesterday", "2025-1-1"] {
            assert!(text.parse::<Date>().is_err(), "{text}");
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn timestamps_print_as_rfc_3339() {
        let t: Timestamp = "2026-03-01T12:00:00.25+02:00".parse().unwrap();
        assert_eq!(t.to_string(), "2026-03-01T10:00:00.25Z");
    }
}
