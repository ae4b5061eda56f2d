//! Regularised logistic regression: what a small history supports, and easy to explain.

use serde::{Deserialize, Serialize};

use super::encode::Encoder;
use super::newton::{self, Design, Prior};
use super::{Contributions, Model, malformed, outcomes};
use crate::LearnError;
use crate::table::{Feature, Table};

/// How to fit a [`Logistic`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogisticConfig {
    /// Precision of the normal prior around 0 on each weight (per standard deviation of a number, or per yes of a
    /// flag): 1 trusts the data, 100 hardly.
    pub ridge: f64,
}

/// Logistic regression on scaled numbers and category flags, with a normal prior on the weights.
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
        let outcome = outcomes(table, rows, 1)?;
        let encoder = Encoder::linear(table, rows);
        let width = encoder.width();
        let bound = encoder.bind(table, rows)?;
        let design = Design::new(rows, width, |row, put| bound.read_sparse(row, put));
        let mut precision = vec![config.ridge; width + 1];
        precision[0] = 0.0;
        let weights = newton::fit(&design, &outcome, &Prior { mean: vec![0.0; width + 1], precision })?;
        let mut means = vec![0.0; width];
        rows.iter().for_each(|row| bound.read_sparse(*row, |slot, value| means[slot] += value / rows.len() as f64));
        Ok(Self { weights, means, encoder })
    }

    fn features(&self) -> &[Feature] {
        &self.encoder.features
    }

    fn predict(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
        let bound = self.encoder.bind(table, rows)?;
        let score = |row: &u32| {
            let mut score = self.weights[0];
            bound.read_sparse(*row, |slot, value| score += self.weights[slot + 1] * value);
            score
        };
        Ok(rows.iter().map(score).collect())
    }

    /// A weight times the distance from the mean: the Shapley value of a linear model with independent features
    /// (Strumbelj and Kononenko, Knowledge and Information Systems 2014, section 3).
    fn contributions(&self, table: &Table, row: u32) -> Result<Contributions, LearnError> {
        let bound = self.encoder.bind(table, &[row])?;
        let mut values = vec![0.0; self.encoder.width()];
        bound.read(row, &mut values);
        let weights = &self.weights[1..];
        let base = self.weights[0] + weights.iter().zip(&self.means).map(|(weight, mean)| weight * mean).sum::<f64>();
        let parts: Vec<f64> = weights
            .iter()
            .zip(&values)
            .zip(&self.means)
            .map(|((weight, value), mean)| weight * (value - mean))
            .collect();
        Ok(Contributions { base, parts: self.encoder.per_feature(&parts) })
    }

    fn check(&self) -> Result<(), LearnError> {
        self.encoder.check()?;
        let width = self.encoder.width();
        if self.weights.len() == width + 1 && self.means.len() == width {
            return Ok(());
        }
        Err(malformed("weights and slots differ in number"))
    }
}
