//! What belongs together and what does not: segments, and rows or moments that are unlike all others.

mod forest;
mod kmeans;
mod measure;
mod mixture;
mod residuals;
#[cfg(test)]
mod tests;

pub use forest::IsolationForest;
pub use kmeans::{KMeans, adjusted_rand, silhouette};
pub use measure::{Draw, GroupsMeasured, GroupsSet, average_precision, measure_groups};
pub use mixture::Mixture;
pub use residuals::{Outlier, outliers, unusual};

use crate::LearnError;
use crate::model::Encoder;
use crate::table::Table;

/// Rows of numbers, one after the other, each as wide.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    values: Vec<f64>,
    width: usize,
}

impl Points {
    /// Errors: a width of 0, a length that is no multiple of it, or a value that is no number.
    pub fn new(values: Vec<f64>, width: usize) -> Result<Self, LearnError> {
        if width == 0 || !values.len().is_multiple_of(width) {
            let (left_len, right_len) = (values.len(), width);
            return Err(LearnError::UnequalLengths { left: "points", left_len, right: "a point", right_len });
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => {
                Err(LearnError::OutOfRange { what: "coordinate", at, value: values[at], must: "a finite number" })
            }
            None => Ok(Self { values, width }),
        }
    }

    /// The rows of a table as a linear model sees them: numbers per standard deviation, a flag for each frequent level,
    /// missing numbers at the mean. Errors: the table lacks a row, or no feature has two values.
    pub fn of(table: &Table, rows: &[u32]) -> Result<Self, LearnError> {
        if let Some(row) = rows.iter().find(|row| **row as usize >= table.rows()) {
            return Err(LearnError::NoRow { row: *row as usize, rows: table.rows() });
        }
        let encoder = Encoder::linear(table, rows);
        let bound = encoder.bind(table, rows)?;
        let mut values = vec![0.0; rows.len() * encoder.width()];
        if encoder.width() > 0 {
            values.chunks_exact_mut(encoder.width()).zip(rows).for_each(|(out, row)| bound.read(*row, out));
        }
        Self::new(values, encoder.width())
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.width
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.values.chunks_exact(self.width)
    }

    fn row(&self, at: usize) -> &[f64] {
        &self.values[at * self.width..(at + 1) * self.width]
    }

    /// Errors: fewer rows.
    fn at_least(&self, least: usize) -> Result<(), LearnError> {
        let have = self.len();
        if have < least { Err(LearnError::FewRows { have, least }) } else { Ok(()) }
    }
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, LearnError> {
    serde_json::from_slice(bytes).map_err(|error| LearnError::Malformed(error.to_string()))
}

/// Squared distance.
fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
