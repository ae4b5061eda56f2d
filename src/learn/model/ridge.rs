//! Regularised linear regression: an amount rather than a yes or no, from a small history, and easy to explain.

use serde::{Deserialize, Serialize};

use super::encode::Encoder;
use super::newton::Design;
use super::{Contributions, Model, amounts, linear};
use crate::LearnError;
use crate::numeric::{Cholesky, solve_positive};
use crate::table::{Feature, Table};

/// Penalties that [`RidgeConfig::chosen`] looks at.
const PENALTIES: [f64; 6] = [0.1, 1.0, 3.0, 10.0, 30.0, 100.0];

/// How to fit a [`Ridge`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RidgeConfig {
    /// Penalty on the square of each weight (per standard deviation of a number, or per yes of a flag), in units of the
    /// residual variance: as many rows of evidence against any effect.
    pub ridge: f64,
}

impl RidgeConfig {
    /// The penalty with the smallest squared error when each row is left out in turn, without fitting anew (Allen's
    /// PRESS; Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 7.10 and 3.4.1). Errors: as the
    /// fit's.
    pub fn chosen(table: &Table, rows: &[u32]) -> Result<Self, LearnError> {
        let problem = Problem::of(table, rows)?;
        let mut best: Option<(f64, f64)> = None;
        for ridge in PENALTIES {
            let error = problem.left_out_error(ridge)?;
            if best.is_none_or(|(least, _)| error < least) {
                best = Some((error, ridge));
            }
        }
        best.map(|(_, ridge)| Self { ridge }).ok_or(LearnError::NotFinite)
    }
}

/// Linear regression on scaled numbers and category flags with a ridge penalty (Hoerl and Kennard, Technometrics 1970),
/// of the amounts of a table ([`Table::amounts`]). Scores and contributions are in the amounts' unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ridge {
    encoder: Encoder,
    /// The constant, then one for each slot of the encoder.
    weights: Vec<f64>,
    /// Mean of each slot over the rows learned from: what contributions are measured against.
    means: Vec<f64>,
}

impl Ridge {
    /// Rows that a fit needs.
    pub const LEAST_ROWS: usize = 3;
}

/// The normal equations of a fit.
struct Problem {
    encoder: Encoder,
    design: Design,
    /// Amounts in parts of `unit`, so that extreme ones do not overflow.
    amounts: Vec<f64>,
    unit: f64,
}

impl Problem {
    fn of(table: &Table, rows: &[u32]) -> Result<Self, LearnError> {
        let mut amounts = amounts(table, rows)?;
        if rows.len() < Ridge::LEAST_ROWS {
            return Err(LearnError::FewRows { have: rows.len(), least: Ridge::LEAST_ROWS });
        }
        let unit = amounts.iter().fold(0.0_f64, |most, amount| most.max(amount.abs()));
        let unit = if unit > 0.0 { unit } else { 1.0 };
        let encoder = Encoder::linear(table, rows);
        let bound = encoder.bind(table, rows)?;
        let design = Design::new(rows, encoder.width(), |row, put| bound.read_sparse(row, put));
        drop(bound);
        amounts.iter_mut().for_each(|amount| *amount /= unit);
        Ok(Self { encoder, design, amounts, unit })
    }

    /// `X'X` with the penalty on all but the constant.
    fn curvature(&self, ridge: f64) -> Vec<f64> {
        let width = self.design.width();
        let mut curvature = vec![0.0; width * width];
        for at in 0..self.amounts.len() {
            let row = self.design.row(at);
            for (place, (slot, value)) in row.iter().enumerate() {
                for (other, other_value) in &row[..=place] {
                    curvature[*slot as usize * width + *other as usize] += f64::from(*value) * f64::from(*other_value);
                }
            }
        }
        (1..width).for_each(|slot| curvature[slot * width + slot] += ridge.max(1e-9));
        curvature
    }

    fn moment(&self) -> Vec<f64> {
        let mut moment = vec![0.0; self.design.width()];
        for (at, amount) in self.amounts.iter().enumerate() {
            self.design.row(at).iter().for_each(|(slot, value)| moment[*slot as usize] += f64::from(*value) * amount);
        }
        moment
    }

    fn weights(&self, ridge: f64) -> Result<Vec<f64>, LearnError> {
        solve_positive(self.curvature(ridge), self.moment()).ok_or(LearnError::NotFinite)
    }

    /// Mean squared error of each row by the fit without it: its residual over one minus its leverage.
    fn left_out_error(&self, ridge: f64) -> Result<f64, LearnError> {
        let width = self.design.width();
        let factor = Cholesky::of(self.curvature(ridge), width).ok_or(LearnError::NotFinite)?;
        let mut weights = self.moment();
        factor.solve(&mut weights);
        let mut sum = 0.0;
        for (at, amount) in self.amounts.iter().enumerate() {
            let mut row = vec![0.0; width];
            self.design.row(at).iter().for_each(|(slot, value)| row[*slot as usize] = f64::from(*value));
            factor.forward(&mut row);
            let leverage: f64 = row.iter().map(|part| part * part).sum();
            sum += ((amount - self.design.score(at, &weights)) / (1.0 - leverage).max(1e-6)).powi(2);
        }
        Ok(sum / self.amounts.len() as f64)
    }
}

#[cfg(test)]
impl Ridge {
    /// The numbers of a row.
    pub fn slots(&self, table: &Table, row: u32, out: &mut [f64]) {
        self.encoder.bind(table, &[row]).expect("its own table").read(row, out);
    }
}

impl Model for Ridge {
    type Config = RidgeConfig;
    const KIND: &'static str = "ridge";

    /// Errors: no amounts, fewer than three rows, or numbers that do not settle.
    fn fit(config: &RidgeConfig, table: &Table, rows: &[u32]) -> Result<Self, LearnError> {
        let problem = Problem::of(table, rows)?;
        let weights: Vec<f64> = problem.weights(config.ridge)?.into_iter().map(|one| one * problem.unit).collect();
        let mut means = vec![0.0; problem.encoder.width()];
        for at in 0..rows.len() {
            let slots = problem.design.row(at).iter().filter(|(slot, _)| *slot > 0);
            slots.for_each(|(slot, value)| means[*slot as usize - 1] += f64::from(*value) / rows.len() as f64);
        }
        if weights.iter().any(|weight| !weight.is_finite()) {
            return Err(LearnError::NotFinite);
        }
        Ok(Self { encoder: problem.encoder, weights, means })
    }

    fn features(&self) -> &[Feature] {
        &self.encoder.features
    }

    fn predict(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
        linear::weighed(&self.encoder, &self.weights, table, rows)
    }

    /// As those of logistic regression, in the amounts' unit.
    fn contributions(&self, table: &Table, row: u32) -> Result<Contributions, LearnError> {
        linear::explained(&self.encoder, &self.weights, &self.means, table, row)
    }

    fn check(&self) -> Result<(), LearnError> {
        linear::fits(&self.encoder, &self.weights, &self.means)
    }
}
