//! What the first days are like: how good the choice is when only a few outcomes are known.

use serde::Serialize;

use super::scorer::Scorer;
use super::search::{Progress, Settings};
use crate::LearnError;
use crate::model::{BayesConfig, LogisticConfig, Model, Recipe, Rules, Trained};
use crate::numeric::Chance;
use crate::table::Table;
use crate::trust::{area_under_curve, calibration_error};

/// Rows on which each draw is judged.
const JUDGED: usize = 2_000;
/// Calibration error that no draw should be above.
const MISLEADING: f64 = 0.1;

/// Which draws to look at. What is reported must come from a seed that nothing was tuned on.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    pub count: usize,
    pub seed: u64,
}

impl Draws {
    /// Those that the beliefs of the vote were tuned on.
    pub const TUNING: Self = Self { count: 20, seed: 5 };
    /// Those that are reported.
    pub const MEASURED: Self = Self { count: 20, seed: 20_261_122 };
}

/// Means over the draws, but for what is named otherwise.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColdStart {
    /// Rows learned from.
    pub outcomes: usize,
    pub draws: usize,
    /// Draws that held one kind of outcome only: a model that needs both says 0.5 there.
    pub one_sided: usize,
    pub auc: f64,
    pub worst_auc: f64,
    pub calibration_error: f64,
    pub worst_calibration_error: f64,
    /// Share of draws with a calibration error above 0.1.
    pub misleading: f64,
    /// AUC of what it is compared with, each alone, on the same draws: the rules as declared and as the outcomes
    /// changed them (none where no rules were given), naive Bayes, logistic regression.
    pub declared_rules_auc: Option<f64>,
    pub rules_auc: Option<f64>,
    pub naive_bayes_auc: f64,
    pub logistic_auc: f64,
}

impl ColdStart {
    /// The best AUC among those it is compared with.
    pub fn best_alone(&self) -> f64 {
        let rules = [self.declared_rules_auc, self.rules_auc].into_iter().flatten();
        rules.fold(self.naive_bayes_auc.max(self.logistic_auc), f64::max)
    }
}

/// Learns from `outcomes` rows drawn at random, as often as `draws` says, and judges each on 2,000 of the others. Draws
/// whose other rows are of one kind are left out. Errors: no outcomes, cancelled.
pub fn cold_start(
    table: &Table,
    outcomes: usize,
    draws: Draws,
    settings: &Settings,
    progress: Progress,
) -> Result<ColdStart, LearnError> {
    let mut sum = ColdStart { outcomes, worst_auc: 1.0, ..ColdStart::default() };
    for draw in 0..draws.count {
        let mut rows: Vec<u32> = (0..table.rows() as u32).collect();
        Chance::new(draws.seed.wrapping_add(draw as u64 * 7919)).shuffle(&mut rows);
        let (learn, rest) = rows.split_at(outcomes.min(rows.len()));
        add_draw(&mut sum, table, (learn, &rest[..rest.len().min(JUDGED)]), settings, progress)?;
    }
    let count = sum.draws.max(1) as f64;
    let means = [
        Some(&mut sum.auc),
        Some(&mut sum.calibration_error),
        Some(&mut sum.misleading),
        sum.declared_rules_auc.as_mut(),
        sum.rules_auc.as_mut(),
        Some(&mut sum.naive_bayes_auc),
        Some(&mut sum.logistic_auc),
    ];
    means.into_iter().flatten().for_each(|sum| *sum /= count);
    Ok(sum)
}

fn add_draw(
    sum: &mut ColdStart,
    table: &Table,
    (learn, test): (&[u32], &[u32]),
    settings: &Settings,
    progress: Progress,
) -> Result<(), LearnError> {
    let known = table.outcome()?;
    let actual: Vec<bool> = test.iter().map(|row| known[*row as usize]).collect();
    let chances = Scorer::fit(table, learn, settings, progress)?.chances(table, test)?;
    let Some(auc) = area_under_curve(&chances, &actual) else { return Ok(()) };
    let alone = |model: Result<Trained, LearnError>| match model {
        Ok(model) => Ok(area_under_curve(&model.predict(table, test)?, &actual).unwrap_or(0.5)),
        Err(LearnError::TooFewOutcomes { .. }) => Ok(0.5),
        Err(error) => Err(error),
    };
    let fitted = |recipe| alone(Trained::fit(&recipe, table, learn));
    let error = calibration_error(&chances, &actual);
    let yes = learn.iter().filter(|row| known[**row as usize]).count();
    sum.draws += 1;
    sum.one_sided += usize::from(yes == 0 || yes == learn.len());
    sum.auc += auc;
    sum.worst_auc = sum.worst_auc.min(auc);
    sum.calibration_error += error;
    sum.worst_calibration_error = sum.worst_calibration_error.max(error);
    sum.misleading += f64::from(u8::from(error > MISLEADING));
    sum.naive_bayes_auc += fitted(Recipe::NaiveBayes(BayesConfig { strength: 4.0 }))?;
    sum.logistic_auc += fitted(Recipe::Logistic(LogisticConfig { ridge: 5.0 }))?;
    if let Some(rules) = &settings.rules {
        *sum.declared_rules_auc.get_or_insert(0.0) += alone(Rules::declared(rules).map(Trained::Rules))?;
        *sum.rules_auc.get_or_insert(0.0) += fitted(Recipe::Rules(rules.clone()))?;
    }
    Ok(())
}
