//! How good estimates of an amount are, beside what one would say without a model.

use serde::{Deserialize, Serialize};

use crate::numeric::median;

/// What a set of amounts is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub least: f64,
    pub median: f64,
    pub mean: f64,
    pub most: f64,
}

impl Spread {
    /// All 0 for no amounts.
    pub fn of(amounts: &[f64]) -> Self {
        let count = amounts.len() as f64;
        let ends = amounts.iter().copied().map(|amount| (amount, amount));
        let (least, most) = ends.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1))).unwrap_or_default();
        Self { least, median: middle(amounts), mean: amounts.iter().map(|amount| amount / count).sum(), most }
    }
}

/// Figures of a set of estimates, in the amounts' unit but for shares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AmountMetrics {
    pub rows: usize,
    /// Mean absolute error.
    pub mae: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// 1 less the squared error in parts of that about the rows' own mean; below 0 the mean would have been nearer.
    /// `None` where all amounts are alike.
    pub r_squared: Option<f64>,
    /// The same after the mean error was taken away: the share of the variance that the estimates follow.
    pub explained_variance: Option<f64>,
    /// Mean of estimate less amount.
    pub bias: f64,
    /// Two standard errors of that mean.
    pub bias_margin: f64,
    /// Mean absolute error of saying the median of the amounts learned from, for every row.
    pub naive_mae: f64,
    /// Root of the mean squared error of saying their mean.
    pub naive_rmse: f64,
    /// Whether the squared error is lower than that of their mean by two standard errors of the difference.
    pub beats_mean: bool,
    /// What the intervals promise to hold, 0 to 1.
    pub cover: f64,
    /// The share of the amounts that they held; `None` where there was no interval.
    pub held: Option<f64>,
    /// Mean width of the intervals.
    pub width: Option<f64>,
}

impl AmountMetrics {
    /// Of estimates with their intervals, which promise `cover`, and what came of them, equally long; `past` are the
    /// amounts learned from. R squared as in Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 3.2.
    pub fn of(told: &[f64], between: &[Option<(f64, f64)>], came: &[f64], past: &[f64], cover: f64) -> Self {
        // in parts of the largest, so that squares do not overflow
        let unit = came.iter().chain(past).chain(told).fold(0.0_f64, |most, amount| most.max(amount.abs()));
        let unit = if unit > 0.0 { unit } else { 1.0 };
        let errors: Vec<f64> = told.iter().zip(came).map(|(told, came)| told / unit - came / unit).collect();
        let (usual, typical) = (mean(past.iter().map(|amount| amount / unit)), middle(past) / unit);
        let own = mean(came.iter().map(|amount| amount / unit));
        let about = |centre: f64| came.iter().map(move |amount| (amount / unit - centre).powi(2));
        let (bias, squared) = (mean(errors.iter().copied()), errors.iter().map(|error| error * error));
        let spread: f64 = about(own).sum();
        let share = |left: f64| (spread > 0.0).then(|| 1.0 - left / spread);
        let gains: Vec<f64> = about(usual).zip(squared.clone()).map(|(naive, ours)| naive - ours).collect();
        let intervals: Vec<(f64, f64, f64)> = between
            .iter()
            .zip(came)
            .filter_map(|(between, came)| between.map(|(low, high)| (low, high, *came)))
            .collect();
        let some = !intervals.is_empty();
        let holds = |(low, high, came): &(f64, f64, f64)| f64::from(u8::from(low <= came && came <= high));
        Self {
            rows: came.len(),
            mae: unit * mean(errors.iter().map(|error| error.abs())),
            rmse: unit * mean(squared.clone()).sqrt(),
            r_squared: share(squared.sum()),
            explained_variance: share(errors.iter().map(|error| (error - bias).powi(2)).sum()),
            bias: unit * bias,
            bias_margin: unit * 2.0 * standard_error(&errors),
            naive_mae: unit * mean(came.iter().map(|amount| (amount / unit - typical).abs())),
            naive_rmse: unit * mean(about(usual)).sqrt(),
            beats_mean: mean(gains.iter().copied()) > 2.0 * standard_error(&gains),
            cover,
            held: some.then(|| mean(intervals.iter().map(holds))),
            width: some.then(|| unit * mean(intervals.iter().map(|(low, high, _)| high / unit - low / unit))),
        }
    }
}

/// 0 for nothing.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Of the mean of `values`; infinite for fewer than two.
fn standard_error(values: &[f64]) -> f64 {
    let (count, middle) = (values.len() as f64, mean(values.iter().copied()));
    let squares: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
    if count > 1.0 { (squares / (count - 1.0) / count).sqrt() } else { f64::INFINITY }
}

/// 0 for nothing.
fn middle(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { median(values.to_vec()) }
}
