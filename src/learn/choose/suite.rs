//! Measuring the whole way (choice, fit, calibration) on rows that none of it has seen.

use serde::Serialize;

use super::scorer::Scorer;
use super::search::{Progress, Settings};
use crate::LearnError;
use crate::table::Table;
use crate::trust::{Metrics, area_under_curve};

/// What came out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    /// Of all folds' held-out rows together, but `auc` is the mean of the folds'.
    pub ours: Metrics,
    /// Predicting the share of yes among the rows learned from for every row.
    pub naive: Metrics,
    /// The model chosen on each fold.
    pub champions: Vec<String>,
}

/// Learns from all folds but one and predicts that one, for each fold; the choice is made within what is learned from
/// (nested cross-validation: Varma and Simon, BMC Bioinformatics 2006). `fold_of` gives each row its fold; a row without
/// one is always learned from.
/// Errors: as [`Scorer::fit`]; no outcomes.
pub fn measure(
    table: &Table,
    fold_of: &[Option<usize>],
    settings: &Settings,
    progress: Progress,
) -> Result<Measured, LearnError> {
    let all = table.outcome()?;
    let (mut chances, mut naive, mut outcome) = (Vec::new(), Vec::new(), Vec::new());
    let (mut aucs, mut champions) = (Vec::new(), Vec::new());
    let count = fold_of.iter().flatten().max().map_or(0, |last| last + 1);
    for fold in 0..count {
        let rows = 0..table.rows().min(fold_of.len()) as u32;
        let (test, learn): (Vec<u32>, Vec<u32>) = rows.partition(|row| fold_of[*row as usize] == Some(fold));
        let scorer = Scorer::fit(table, &learn, settings, progress)?;
        let predicted = scorer.chances(table, &test)?;
        let actual: Vec<bool> = test.iter().map(|row| all[*row as usize]).collect();
        aucs.extend(area_under_curve(&predicted, &actual));
        champions.push(scorer.recipe().name().to_owned());
        let yes = learn.iter().filter(|row| all[**row as usize]).count();
        naive.extend(std::iter::repeat_n(yes as f64 / learn.len().max(1) as f64, test.len()));
        chances.extend(predicted);
        outcome.extend(actual);
    }
    let mut ours = Metrics::of(&chances, &outcome);
    ours.auc = (!aucs.is_empty()).then(|| aucs.iter().sum::<f64>() / aucs.len() as f64);
    let mut naive = Metrics::of(&naive, &outcome);
    (naive.auc, naive.auc_margin) = (Some(0.5), None);
    Ok(Measured { ours, naive, champions })
}
