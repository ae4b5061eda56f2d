//! Intervals around predicted numbers that hold the truth as often as they say.

use serde::{Deserialize, Serialize};

/// Split conformal prediction (Lei et al., JASA 2018, section 2.2): the errors on rows that the model did not learn
/// from say how wide an interval must be, whatever the model and however the errors are distributed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorBand {
    /// Absolute errors in parts of the expected error of their row, rising.
    scores: Vec<f64>,
}

impl ErrorBand {
    /// `difficulty` is the error expected of each row (all 1 where none is known); rows where a number is not finite or
    /// the difficulty not above 0 are left out.
    pub fn fit(predicted: &[f64], actual: &[f64], difficulty: &[f64]) -> Self {
        let rows = predicted.iter().zip(actual).zip(difficulty);
        let usable = rows.filter(|(_, difficulty)| **difficulty > 0.0);
        let mut scores: Vec<f64> = usable.map(|((told, is), difficulty)| (told - is).abs() / difficulty).collect();
        scores.retain(|score| score.is_finite());
        scores.sort_by(f64::total_cmp);
        Self { scores }
    }

    /// Half the width of an interval that holds the truth with probability `cover` (0 to 1) or more; `None` when there
    /// were too few rows to promise that.
    pub fn half_width(&self, cover: f64, difficulty: f64) -> Option<f64> {
        let place = ((self.scores.len() + 1) as f64 * cover.clamp(0.0, 1.0)).ceil() as usize;
        Some(self.scores.get(place.saturating_sub(1))? * difficulty)
    }
}
