//! Days, weeks, months, quarters and years that dates and times fall into.

use std::cell::RefCell;
use std::collections::HashMap;

use aplomb_model::Date;
use aplomb_model::query::Bucket;

use crate::columns::{number_of, rank_of};

/// From a value of a date or date-time column to the beginning of its bucket.
pub(crate) struct Buckets {
    bucket: Bucket,
    /// microseconds east of UTC; `None` for columns of days
    offset: Option<i64>,
    day: i64,
    known: RefCell<HashMap<i64, u64>>,
}

impl Buckets {
    pub fn new(bucket: Bucket, offset: Option<i64>, day: i64) -> Buckets {
        Buckets { bucket, offset, day, known: RefCell::default() }
    }

    pub fn start(&self, value: u64) -> u64 {
        let n = number_of(value);
        let day = self.offset.map_or(n, |offset| n.saturating_add(offset).div_euclid(self.day));
        *self.known.borrow_mut().entry(day).or_insert_with(|| {
            let first = first_day(self.bucket, day);
            rank_of(self.offset.map_or(first, |offset| first.saturating_mul(self.day).saturating_sub(offset)))
        })
    }
}

fn first_day(bucket: Bucket, day: i64) -> i64 {
    let Some(date) = i32::try_from(day).ok().and_then(Date::from_days) else { return day };
    let (year, month, _) = date.ymd();
    let first = match bucket {
        Bucket::Day => Some(date),
        // 1970-01-01 was a Thursday; weeks begin on Monday (ISO 8601).
        Bucket::Week => return day - (day + 3).rem_euclid(7),
        Bucket::Month => Date::new(year, month, 1),
        Bucket::Quarter => Date::new(year, (month - 1) / 3 * 3 + 1, 1),
        Bucket::Year => Date::new(year, 1, 1),
    };
    i64::from(first.unwrap_or(date).days())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_begin() {
        let days = |text: &str| i64::from(text.parse::<Date>().unwrap().days());
        for (bucket, day, first) in [
            (Bucket::Day, "2026-02-28", "2026-02-28"),
            (Bucket::Week, "2026-03-01", "2026-02-23"),
            (Bucket::Week, "2026-03-02", "2026-03-02"),
            (Bucket::Week, "1969-12-31", "1969-12-29"),
            (Bucket::Month, "2026-02-28", "2026-02-01"),
            (Bucket::Quarter, "2026-06-30", "2026-04-01"),
            (Bucket::Quarter, "2026-12-01", "2026-10-01"),
            (Bucket::Year, "0001-06-30", "0001-01-01"),
        ] {
            assert_eq!(first_day(bucket, days(day)), days(first), "{day}");
        }
        let hour = 3_600_000_000;
        let zone = Buckets::new(Bucket::Day, Some(2 * hour), 24 * hour);
        assert_eq!(number_of(zone.start(rank_of(23 * hour))), 22 * hour);
        assert_eq!(number_of(zone.start(rank_of(21 * hour))), -2 * hour);
    }
}
