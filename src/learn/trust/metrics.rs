//! How good predictions are: order, distance and honesty of the chances.

use serde::{Deserialize, Serialize};

/// Bins of equal count in which calibration is looked at.
const BINS: usize = 10;

/// Figures of a set of predictions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    pub rows: usize,
    pub yes: usize,
    /// Area under the ROC curve; `None` with outcomes of one kind only.
    pub auc: Option<f64>,
    /// Half the width of its 95 % interval.
    pub auc_margin: Option<f64>,
    pub brier: f64,
    /// Mean, in nats.
    pub log_loss: f64,
    /// Expected calibration error, 0 to 1.
    pub calibration_error: f64,
    /// The calibration error that chance alone gives this many rows when every chance is true.
    pub calibration_noise: f64,
}

impl Metrics {
    /// Of chances (0 to 1) and what came of them; equally long.
    pub fn of(chances: &[f64], outcome: &[bool]) -> Self {
        let yes = outcome.iter().filter(|yes| **yes).count();
        let auc = area_under_curve(chances, outcome);
        Self {
            rows: outcome.len(),
            yes,
            auc,
            auc_margin: auc.map(|auc| 1.96 * auc_deviation(auc, yes as f64, (outcome.len() - yes) as f64)),
            brier: brier(chances, outcome),
            log_loss: log_loss(chances, outcome),
            calibration_error: calibration_error(chances, outcome),
            calibration_noise: calibration_noise(chances),
        }
    }
}

/// The chance that a random yes has a higher score than a random no, ties counting half (Hanley and McNeil, Radiology
/// 1982). `None` when either is missing.
pub fn area_under_curve(scores: &[f64], outcome: &[bool]) -> Option<f64> {
    let mut order: Vec<usize> = (0..scores.len().min(outcome.len())).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let (mut rank_sum, mut below) = (0.0, 0);
    for tied in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let rank = below as f64 + (tied.len() as f64 + 1.0) / 2.0;
        rank_sum += rank * tied.iter().filter(|at| outcome[**at]).count() as f64;
        below += tied.len();
    }
    let yes = order.iter().filter(|at| outcome[**at]).count() as f64;
    let no = order.len() as f64 - yes;
    (yes > 0.0 && no > 0.0).then(|| (rank_sum - yes * (yes + 1.0) / 2.0) / (yes * no))
}

/// Standard deviation of an area under the curve (Hanley and McNeil, Radiology 1982, equation 1).
fn auc_deviation(auc: f64, yes: f64, no: f64) -> f64 {
    let (q1, q2) = (auc / (2.0 - auc), 2.0 * auc * auc / (1.0 + auc));
    let square = auc * auc;
    let variance = (auc * (1.0 - auc) + (yes - 1.0) * (q1 - square) + (no - 1.0) * (q2 - square)) / (yes * no);
    variance.max(0.0).sqrt()
}

/// Mean squared distance of chance and outcome (Brier, Monthly Weather Review 1950); 0 for no rows.
pub fn brier(chances: &[f64], outcome: &[bool]) -> f64 {
    mean(chances, outcome, |chance, yes| (chance - f64::from(u8::from(yes))).powi(2))
}

/// Mean -ln of the chance given to what happened (the logarithmic score: Good, JRSS B 1952), in nats; chances are held 1e-9 from certainty.
pub fn log_loss(chances: &[f64], outcome: &[bool]) -> f64 {
    mean(chances, outcome, |chance, yes| -(if yes { chance } else { 1.0 - chance }).clamp(1e-9, 1.0).ln())
}

/// Mean distance of promised and actual share of yes over ten bins of equal count (Naeini, Cooper and Hauskrecht,
/// AAAI 2015, with quantile bins), 0 to 1.
pub fn calibration_error(chances: &[f64], outcome: &[bool]) -> f64 {
    over_bins(chances, |part| part.iter().map(|at| chances[*at] - f64::from(u8::from(outcome[*at]))).sum::<f64>().abs())
}

/// What [`calibration_error`] is on average when each outcome is drawn with its chance: the mean distance of a bin's
/// nearly normal sum from 0, `sqrt(2 / pi)` of its standard deviation.
pub fn calibration_noise(chances: &[f64]) -> f64 {
    let spread = |part: &[usize]| part.iter().map(|at| chances[*at] * (1.0 - chances[*at])).sum::<f64>();
    over_bins(chances, |part| (std::f64::consts::FRAC_2_PI * spread(part)).sqrt())
}

/// The sum of `of` over ten bins of rows of similar chance, divided by the number of rows.
fn over_bins(chances: &[f64], of: impl Fn(&[usize]) -> f64) -> f64 {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|a, b| chances[*a].total_cmp(&chances[*b]));
    let rows = order.len();
    let bins = (0..BINS).map(|bin| of(&order[bin * rows / BINS..(bin + 1) * rows / BINS]));
    bins.sum::<f64>() / rows.max(1) as f64
}

fn mean(chances: &[f64], outcome: &[bool], of: impl Fn(f64, bool) -> f64) -> f64 {
    chances.iter().zip(outcome).map(|(chance, yes)| of(*chance, *yes)).sum::<f64>() / outcome.len().max(1) as f64
}
