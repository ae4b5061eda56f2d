//! Which outcomes cannot be ruled out, with a promise of how often that is right.

use serde::{Deserialize, Serialize};

/// Split-conformal prediction sets (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 4.2;
/// Angelopoulos and Bates, arXiv 2107.07511, section 1). The promise holds on average over rows like those it was
/// fitted to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conformal {
    /// Ascending: 1 minus the chance that was given to what happened.
    surprise: Vec<f64>,
}

/// The outcomes that remain possible; neither means that the row is unlike all before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Possible {
    pub yes: bool,
    pub no: bool,
}

impl Conformal {
    /// From chances for rows that the model did not learn from, and what came of them.
    pub fn fit(chances: &[f64], outcome: &[bool]) -> Self {
        let given = |(chance, yes): (&f64, &bool)| if *yes { 1.0 - chance } else { *chance };
        let mut surprise: Vec<f64> = chances.iter().zip(outcome).map(given).collect();
        surprise.sort_by(f64::total_cmp);
        Self { surprise }
    }

    /// The outcomes that hold the truth in at least `cover` (0 to 1) of cases; both while there are too few rows to
    /// promise more.
    pub fn possible(&self, chance: f64, cover: f64) -> Possible {
        let needed = (cover.clamp(0.0, 1.0) * (self.surprise.len() as f64 + 1.0)).ceil() as usize;
        let bound = match needed.checked_sub(1) {
            Some(place) => self.surprise.get(place).copied().unwrap_or(1.0),
            None => 0.0,
        };
        Possible { yes: 1.0 - chance <= bound, no: chance <= bound }
    }
}
