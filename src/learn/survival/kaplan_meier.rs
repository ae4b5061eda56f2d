//! Survival without features: the share that is left after each time.

use serde::{Deserialize, Serialize};

use super::Spells;
use crate::LearnError;

/// One time at which it happened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    pub time: f64,
    /// Rows still watched just before, and those of them that had it then.
    pub at_risk: usize,
    pub happened: usize,
    /// Share left after it.
    pub left: f64,
    /// Greenwood's sum, the variance of `ln left` (Kalbfleisch and Prentice, The Statistical Analysis of Failure Time
    /// Data, 2002, 1.4).
    variance: f64,
}

/// The product-limit estimate (Kaplan and Meier, JASA 1958; Kalbfleisch and Prentice, The Statistical Analysis of
/// Failure Time Data, 2002, 1.4).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KaplanMeier {
    steps: Vec<Step>,
}

impl KaplanMeier {
    /// Errors: see [`Spells::check`]. No rows give a curve that stays at 1.
    pub fn fit(spells: Spells) -> Result<Self, LearnError> {
        spells.check()?;
        let mut order: Vec<usize> = (0..spells.durations.len()).collect();
        order.sort_by(|a, b| spells.durations[*a].total_cmp(&spells.durations[*b]));
        let (mut at_risk, mut left, mut variance) = (order.len(), 1.0, 0.0);
        let mut steps = Vec::new();
        for tied in order.chunk_by(|a, b| spells.durations[*a] == spells.durations[*b]) {
            let happened = tied.iter().filter(|row| spells.happened[**row]).count();
            if happened > 0 {
                let (had, watched) = (happened as f64, at_risk as f64);
                left *= 1.0 - had / watched;
                // nobody is left after the last one, and nothing is uncertain about that
                variance += if at_risk > happened { had / (watched * (watched - had)) } else { 0.0 };
                steps.push(Step { time: spells.durations[tied[0]], at_risk, happened, left, variance });
            }
            at_risk -= tied.len();
        }
        Ok(Self { steps })
    }

    /// In the order of their times, which are in the unit of the durations.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Share left after `time` (in the unit of the durations), 0 to 1.
    pub fn at(&self, time: f64) -> f64 {
        self.before_place(self.steps.partition_point(|step| step.time <= time))
    }

    /// Share left just before `time`.
    pub fn before(&self, time: f64) -> f64 {
        self.before_place(self.steps.partition_point(|step| step.time < time))
    }

    fn before_place(&self, place: usize) -> f64 {
        place.checked_sub(1).map_or(1.0, |at| self.steps[at].left)
    }

    /// The first time after which at most `share` is left; `None` where more stays.
    pub fn time_of(&self, share: f64) -> Option<f64> {
        self.steps.iter().find(|step| step.left <= share).map(|step| step.time)
    }

    /// What the share left after `time` lies between with `deviations` standard errors (1.96 for 95 %), on the scale
    /// `ln -ln` (Kalbfleisch and Prentice, 1.4).
    pub fn interval(&self, time: f64, deviations: f64) -> (f64, f64) {
        let place = self.steps.partition_point(|step| step.time <= time);
        let Some(step) = place.checked_sub(1).map(|at| self.steps[at]) else { return (1.0, 1.0) };
        if step.left <= 0.0 {
            return (0.0, 0.0);
        }
        let log = step.left.ln();
        let half = deviations * step.variance.sqrt() / log.abs();
        (step.left.powf(half.exp()), step.left.powf((-half).exp()))
    }
}
