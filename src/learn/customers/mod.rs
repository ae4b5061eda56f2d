//! What customers who come and go without a contract will still buy, and who they are by how they bought.

mod measure;
mod purchases;
mod rfm;
mod spending;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use measure::{CustomersMeasured, Totals, measure_customers};
pub use purchases::{Purchases, PurchasesFit};
pub use rfm::{Rfm, Segment, rfm};
pub use spending::{Spending, SpendingFit, lifetime_value};

use crate::LearnError;

/// What is known of one customer at one moment; times in one unit (days or weeks).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    /// Purchases after the first one; several in one unit of time count once.
    pub repeats: f64,
    /// From the first to the last purchase; 0 without a repeat.
    pub recency: f64,
    /// From the first purchase until now.
    pub age: f64,
    /// Mean value of the repeats; 0 without one.
    pub value: f64,
}

impl Customer {
    /// From purchases as (time, value), in any order, and the time now; later ones are not looked at. `None` without
    /// one.
    pub fn from_purchases(purchases: &[(i64, f64)], now: i64) -> Option<Self> {
        let mut known: Vec<(i64, f64)> = purchases.iter().copied().filter(|(time, _)| *time <= now).collect();
        known.sort_by_key(|(time, _)| *time);
        let days: Vec<(i64, f64)> =
            known.chunk_by(|a, b| a.0 == b.0).map(|day| (day[0].0, day.iter().map(|(_, value)| value).sum())).collect();
        let (first, last) = (days.first()?.0, days.last()?.0);
        let repeats = (days.len() - 1) as f64;
        let value = days[1..].iter().map(|(_, value)| value).sum::<f64>() / repeats.max(1.0);
        let since = |time: i64| time as f64 - first as f64;
        Some(Self { repeats, recency: since(last), age: since(now), value })
    }

    /// Errors: a number that is negative or none, or a last purchase after now.
    fn check(&self, at: usize) -> Result<(), LearnError> {
        let all = [("repeats", self.repeats), ("recency", self.recency), ("age", self.age), ("value", self.value)];
        for (what, value) in all {
            let fine = value.is_finite() && (value >= 0.0 || what == "value");
            if !fine {
                return Err(LearnError::OutOfRange { what, at, value, must: "0 or more" });
            }
        }
        if self.recency > self.age || (self.repeats > 0.0 && self.recency <= 0.0) {
            let must = "above 0 where there are repeats, and at most the age";
            return Err(LearnError::OutOfRange { what: "recency", at, value: self.recency, must });
        }
        Ok(())
    }
}
