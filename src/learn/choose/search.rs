//! How a model is chosen: the settings, what came of the contest, and the whole way in one call.

use serde::{Deserialize, Serialize};

use super::train::Training;
use crate::LearnError;
use crate::model::{Recipe, RuleConfig};
use crate::table::Table;
use crate::trust::{Calibration, Metrics};

/// How to choose.
#[derive(Clone, Debug)]
pub struct Settings {
    pub seed: u64,
    /// Threads to use; the result does not depend on it.
    pub threads: usize,
    /// Inner folds.
    pub folds: usize,
    /// The first champion, where there are beliefs to start from.
    pub rules: Option<RuleConfig>,
    /// Whether naive Bayes takes part, once there are 30 outcomes of the rarer kind.
    pub naive_bayes: bool,
    /// Standard errors by which what is learned must beat the rules, and naive Bayes anything.
    pub margin: f64,
    /// Rows on which models are compared: an even sample of so many where there are more. The winner learns from all.
    pub compared_rows: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 1, threads: 1, folds: 4, rules: None, naive_bayes: true, margin: 1.0, compared_rows: 50_000 }
    }
}

/// Called with steps done and steps in all, after each step and now and then during one; `false` cancels.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) -> bool + Sync);

/// One model in the contest.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    pub recipe: Recipe,
    /// On rows that it did not learn from, after calibration.
    pub metrics: Metrics,
    /// What was decided and why.
    pub decision: String,
}

/// The winner and how it won.
#[derive(Clone, Debug)]
pub struct Choice {
    pub recipe: Recipe,
    /// The winner's log-odds for rows that its models did not learn from, and what came of them.
    pub scores: Vec<f64>,
    pub outcome: Vec<bool>,
    pub candidates: Vec<Candidate>,
    /// What makes chances of the winner's log-odds.
    pub calibration: Calibration,
}

/// Chooses a model for `rows`. With fewer than 30 outcomes of the rarer kind, rules, where there are some, and simple
/// models are weighed together. From then on, rules are the first champion; a challenger takes their place when its log
/// loss on later (or held-out) rows is lower by more than `margin` standard errors of the difference, and so must naive
/// Bayes take any place. Among the other models the lower loss wins. The same input and seed give the same choice.
///
/// Errors: no outcomes, cancelled. Too few outcomes to test on are no error: the first champion stays untested.
pub fn choose(table: &Table, rows: &[u32], settings: &Settings, progress: Progress) -> Result<Choice, LearnError> {
    let mut training = Training::start(table, rows, settings)?;
    training.compare(progress)?;
    training.choice()
}
