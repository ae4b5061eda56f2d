//! What the first days are like: how good the choice is when only a few outcomes are known.

use serde::Serialize;

use super::scorer::Scorer;
use super::search::{Progress, Settings};
use crate::LearnError;
use crate::model::{BayesConfig, LogisticConfig, Model, Recipe, Trained};
use crate::numeric::Chance;
use crate::table::Table;
use crate::trust::{area_under_curve, calibration_error};

/// Rows on which each draw is judged.
const JUDGED: usize = 2_000;

/// Means over the draws.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColdStart {
    /// Rows learned from.
    pub outcomes: usize,
    /// Draws that held both kinds of outcome.
    pub draws: usize,
    pub auc: f64,
    pub calibration_error: f64,
    /// AUC of naive Bayes and of logistic regression alone, on the same draws.
    pub naive_bayes_auc: f64,
    pub logistic_auc: f64,
}

/// Learns from `outcomes` rows drawn at random, `draws` times, and judges each on 2,000 of the others. Draws without an
/// outcome of either kind are left out. Errors: no outcomes, cancelled.
pub fn cold_start(
    table: &Table,
    outcomes: usize,
    draws: usize,
    settings: &Settings,
    progress: Progress,
) -> Result<ColdStart, LearnError> {
    let known = table.outcome()?;
    let mut mean =
        ColdStart { outcomes, draws: 0, auc: 0.0, calibration_error: 0.0, naive_bayes_auc: 0.0, logistic_auc: 0.0 };
    for draw in 0..draws {
        let mut rows: Vec<u32> = (0..table.rows() as u32).collect();
        Chance::new(settings.seed.wrapping_add(draw as u64 * 7919)).shuffle(&mut rows);
        let (learn, rest) = rows.split_at(outcomes.min(rows.len()));
        let test = &rest[..rest.len().min(JUDGED)];
        let yes = learn.iter().filter(|row| known[**row as usize]).count();
        let actual: Vec<bool> = test.iter().map(|row| known[*row as usize]).collect();
        if yes == 0 || yes == learn.len() || test.is_empty() {
            continue;
        }
        let auc = |scores: &[f64]| area_under_curve(scores, &actual).unwrap_or(0.5);
        let alone = |recipe| Ok::<f64, LearnError>(auc(&Trained::fit(&recipe, table, learn)?.predict(table, test)?));
        let chances = Scorer::fit(table, learn, settings, progress)?.chances(table, test)?;
        mean.draws += 1;
        mean.auc += auc(&chances);
        mean.calibration_error += calibration_error(&chances, &actual);
        mean.naive_bayes_auc += alone(Recipe::NaiveBayes(BayesConfig { strength: 4.0 }))?;
        mean.logistic_auc += alone(Recipe::Logistic(LogisticConfig { ridge: 5.0 }))?;
    }
    let count = mean.draws.max(1) as f64;
    for sum in [&mut mean.auc, &mut mean.calibration_error, &mut mean.naive_bayes_auc, &mut mean.logistic_auc] {
        *sum /= count;
    }
    Ok(mean)
}
