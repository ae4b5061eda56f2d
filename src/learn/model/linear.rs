//! Regularised logistic regression: what a small history supports, and easy to explain.

use serde::{Deserialize, Serialize};

use super::encode::Encoder;
use super::newton::{self, Design, Prior};
use super::{Contributions, GoOn, Model, malformed, outcomes};
use crate::LearnError;
use crate::table::{Feature, Table};

/// How to fit a [`Logistic`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogisticConfig {
    /// Precision of the normal prior around 0 on each weight (per standard deviation of a number, or per yes of a
    /// flag): 1 trusts the data, 100 hardly.
    pub ridge: f64,
}

/// Logistic regression on scaled numbers and category flags, with a normal prior on the weights (Hastie, Tibshirani and
/// Friedman, The Elements of Statistical Learning, 4.4.1; fitted by `newton`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    encoder: Encoder,
    /// The constant, then one for each slot of the encoder; log-odds.
    weights: Vec<f64>,
    /// Mean of each slot over the rows learned from: what contributions are measured against.
    means: Vec<f64>,
}

impl Model for Logistic {
    type Config = LogisticConfig;
    const KIND: &'static str = "logistic";

    fn fit(config: &LogisticConfig, table: &Table, rows: &[u32]) -> Result<Self, LearnError> {
        Self::fit_while(config, table, rows, &|| true)
    }

    fn fit_while(config: &LogisticConfig, table: &Table, rows: &[u32], go_on: GoOn) -> Result<Self, LearnError> {
        let outcome = outcomes(table, rows, 1)?;
        let encoder = Encoder::linear(table, rows);
        let width = encoder.width();
        let bound = encoder.bind(table, rows)?;
        let design = Design::new(rows, width, |row, put| bound.read_sparse(row, put));
        let mut precision = vec![config.ridge; width + 1];
        precision[0] = 0.0;
        let weights = newton::fit_while(&design, &outcome, &Prior { mean: vec![0.0; width + 1], precision }, go_on)?;
        let mut means = vec![0.0; width];
        rows.iter().for_each(|row| bound.read_sparse(*row, |slot, value| means[slot] += value / rows.len() as f64));
        Ok(Self { weights, means, encoder })
    }

    fn features(&self) -> &[Feature] {
        &self.encoder.features
    }

    fn predict(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
        weighed(&self.encoder, &self.weights, table, rows)
    }

    fn contributions(&self, table: &Table, row: u32) -> Result<Contributions, LearnError> {
        explained(&self.encoder, &self.weights, &self.means, table, row)
    }

    fn check(&self) -> Result<(), LearnError> {
        fits(&self.encoder, &self.weights, &self.means)
    }
}

/// For each of `rows` the sum of a linear model: its constant, which comes first, and a weight for each slot.
pub(super) fn weighed(encoder: &Encoder, weights: &[f64], table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
    let bound = encoder.bind(table, rows)?;
    let sum = |row: &u32| {
        let mut sum = weights[0];
        bound.read_sparse(*row, |slot, value| sum += weights[slot + 1] * value);
        sum
    };
    Ok(rows.iter().map(sum).collect())
}

/// A weight times the distance from the mean: the Shapley value of a linear model with independent features
/// (Strumbelj and Kononenko, Knowledge and Information Systems 2014, section 3).
pub(super) fn explained(
    encoder: &Encoder,
    weights: &[f64],
    means: &[f64],
    table: &Table,
    row: u32,
) -> Result<Contributions, LearnError> {
    let bound = encoder.bind(table, &[row])?;
    let mut values = vec![0.0; encoder.width()];
    bound.read(row, &mut values);
    let slots = &weights[1..];
    let base = weights[0] + slots.iter().zip(means).map(|(weight, mean)| weight * mean).sum::<f64>();
    let distances = values.iter().zip(means).map(|(value, mean)| value - mean);
    let parts: Vec<f64> = slots.iter().zip(distances).map(|(weight, distance)| weight * distance).collect();
    Ok(Contributions { base, parts: encoder.per_feature(&parts) })
}

/// Errors: what was loaded has not a weight and a mean for each slot.
pub(super) fn fits(encoder: &Encoder, weights: &[f64], means: &[f64]) -> Result<(), LearnError> {
    encoder.check()?;
    let width = encoder.width();
    if weights.len() == width + 1 && means.len() == width {
        return Ok(());
    }
    Err(malformed("weights and slots differ in number"))
}
