//! Moments and calendar days.

use std::fmt;
use std::str::FromStr;

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

    fn jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl Date {
    /// `None` for a day that the calendar does not have or a year outside 1 to 9999.
    pub fn new(year: i16, month: i8, day: i8) -> Option<Date> {
        let date = jiff::civil::Date::new(year, month, day).ok()?;
        Date::from_jiff(date)
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

    /// (year, month, day)
    pub fn ymd(self) -> (i16, i8, i8) {
        let d = self.jiff();
        (d.year(), d.month(), d.day())
    }

    /// Midnight UTC.
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.0) * Timestamp::DAY)
    }

    pub fn from_jiff(date: jiff::civil::Date) -> Option<Date> {
        let epoch = jiff::civil::date(1970, 1, 1);
        let days = date.since((jiff::Unit::Day, epoch)).ok()?.get_days();
        Date::from_days(days)
    }

    pub fn jiff(self) -> jiff::civil::Date {
        use jiff::ToSpan;
        let epoch = jiff::civil::date(1970, 1, 1);
        epoch.checked_add(self.0.days()).unwrap_or(epoch)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with as many decimals as needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.jiff().fmt(f)
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

    /// RFC 3339 with an offset or `Z`.
    fn from_str(s: &str) -> Result<Timestamp, TimeError> {
        let t: jiff::Timestamp = s.parse().map_err(|_| TimeError)?;
        let stamp = Timestamp(t.as_microsecond());
        (MIN_DAY..=MAX_DAY).contains(&(stamp.0.div_euclid(Self::DAY) as i32)).then_some(stamp).ok_or(TimeError)
    }
}

impl FromStr for Date {
    type Err = TimeError;

    /// `YYYY-MM-DD`.
    fn from_str(s: &str) -> Result<Date, TimeError> {
        if s.len() != 10 {
            return Err(TimeError);
        }
        let date: jiff::civil::Date = s.parse().map_err(|_| TimeError)?;
        Date::from_jiff(date).ok_or(TimeError)
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

    #[test]
    fn bad_times_are_refused() {
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
