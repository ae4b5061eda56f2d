//! How long until it happens: churn, renewal, closing. Who has not had it yet is known to have waited so long, and that
//! counts.

mod cox;
mod discrete;
mod hazards;
mod incidence;
mod intervals;
mod kaplan_meier;
mod measure;
mod score;
#[cfg(test)]
mod tests;

pub use hazards::{Hazards, Shares, SurvivalSettings};
pub use incidence::Incidence;
pub use kaplan_meier::{KaplanMeier, Step};
pub use measure::{SurvivalFigures, SurvivalMeasured, measure_survival, read_spells};
pub use score::{concordance, integrated_brier};

use intervals::Intervals;
use measure::judged_times;

use crate::LearnError;

/// How long each row was watched (in any one unit, 0 or more) and whether it happened then; otherwise the watch ended.
#[derive(Clone, Copy, Debug)]
pub struct Spells<'a> {
    pub durations: &'a [f64],
    pub happened: &'a [bool],
}

impl Spells<'_> {
    /// Errors: unequal numbers, or a duration that is negative or no number.
    pub fn check(&self) -> Result<(), LearnError> {
        let (left_len, right_len) = (self.durations.len(), self.happened.len());
        if left_len != right_len {
            return Err(LearnError::UnequalLengths { left: "durations", left_len, right: "happened", right_len });
        }
        let wrong = self.durations.iter().position(|duration| !(duration.is_finite() && *duration >= 0.0));
        wrong.map_or(Ok(()), |at| {
            let (value, must) = (self.durations[at], "0 or more");
            Err(LearnError::OutOfRange { what: "duration", at, value, must })
        })
    }

    /// These rows only.
    fn pick(&self, rows: &[u32]) -> (Vec<f64>, Vec<bool>) {
        rows.iter().map(|row| (self.durations[*row as usize], self.happened[*row as usize])).unzip()
    }
}
