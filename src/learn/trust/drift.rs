//! Whether the world is still the one that was learned from.

use serde::{Deserialize, Serialize};

use super::metrics::{brier, calibration_error, calibration_noise};
use crate::LearnError;
use crate::numeric::quantile;
use crate::table::{Column, Feature, Table, level_counts};

/// Parts of equal count into which the numbers learned from fall.
const PARTS: usize = 10;
/// Levels of a category told apart, the most frequent first.
const LEVELS: usize = 20;
/// The usual bounds of the index (Siddiqi, Credit Risk Scorecards, 2006, chapter 9).
const SLIGHT: f64 = 0.1;
const STRONG: f64 = 0.25;

/// How much a distribution has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Shift {
    None,
    Slight,
    Strong,
}

/// How far one feature has moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    pub feature: String,
    /// Population stability index in nats, beyond what chance alone gives so many rows; 0 for none.
    pub index: f64,
    pub shift: Shift,
    /// Share of missing cells before and now.
    pub missing: (f64, f64),
}

/// Where the cells of each feature lay among the rows learned from; kept with a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Landscape {
    features: Vec<Feature>,
    places: Vec<Places>,
    /// Rows in each part, the last one for missing cells.
    counts: Vec<Vec<f64>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Places {
    Cuts(Vec<f64>),
    Levels(Vec<String>),
}

impl Places {
    fn of(column: &Column, rows: &[u32]) -> Self {
        if let Column::Categories { levels, codes } = column {
            let counts = level_counts(levels.len(), codes, rows);
            let mut order: Vec<usize> = (0..levels.len()).filter(|level| counts[*level] > 0).collect();
            order.sort_by_key(|level| (std::cmp::Reverse(counts[*level]), *level));
            return Self::Levels(order.into_iter().take(LEVELS).map(|level| levels[level].clone()).collect());
        }
        let mut values: Vec<f64> =
            rows.iter().map(|row| column.number(*row as usize)).filter(|value| !value.is_nan()).collect();
        values.sort_by(f64::total_cmp);
        let mut cuts: Vec<f64> =
            (1..PARTS).map(|part| quantile(&values, part as f64 / PARTS as f64)).filter(|cut| !cut.is_nan()).collect();
        cuts.dedup();
        Self::Cuts(cuts)
    }

    /// Rows in each part; numbers have one part more than cuts, levels one for all others, and the last is for missing.
    fn count(&self, column: &Column, rows: &[u32]) -> Vec<f64> {
        match (self, column) {
            (Self::Cuts(cuts), column) => {
                let mut counts = vec![0.0; cuts.len() + 2];
                for row in rows {
                    let value = column.number(*row as usize);
                    let part = if value.is_nan() { cuts.len() + 1 } else { cuts.partition_point(|cut| *cut < value) };
                    counts[part] += 1.0;
                }
                counts
            }
            (Self::Levels(names), Column::Categories { levels, codes }) => {
                let place = |level: &String| names.iter().position(|name| name == level).unwrap_or(names.len());
                let by_code: Vec<usize> = levels.iter().map(place).collect();
                let mut counts = vec![0.0; names.len() + 2];
                for row in rows {
                    counts[by_code.get(codes[*row as usize] as usize).copied().unwrap_or(names.len() + 1)] += 1.0;
                }
                counts
            }
            (Self::Levels(names), _) => vec![0.0; names.len() + 2],
        }
    }
}

impl Landscape {
    /// Of `rows`, all of which the table must have.
    pub fn of(table: &Table, rows: &[u32]) -> Self {
        let columns = (0..table.features().len()).map(|place| table.column(place));
        let places: Vec<Places> = columns.clone().map(|column| Places::of(column, rows)).collect();
        let counts = places.iter().zip(columns).map(|(places, column)| places.count(column, rows)).collect();
        Self { features: table.features().to_vec(), places, counts }
    }

    /// How far each feature has moved in `rows` of `table`, the farthest first. Errors: the table lacks a feature.
    pub fn drift(&self, table: &Table, rows: &[u32]) -> Result<Vec<Drift>, LearnError> {
        let mut all = Vec::new();
        for ((feature, places), before) in self.features.iter().zip(&self.places).zip(&self.counts) {
            let now = places.count(table.find(feature)?, rows);
            let index = stability_index(before, &now);
            let share = |counts: &[f64]| counts.last().copied().unwrap_or(0.0) / counts.iter().sum::<f64>().max(1.0);
            let shift = if index >= STRONG {
                Shift::Strong
            } else if index >= SLIGHT {
                Shift::Slight
            } else {
                Shift::None
            };
            all.push(Drift { feature: feature.name.clone(), index, shift, missing: (share(before), share(&now)) });
        }
        all.sort_by(|a, b| b.index.total_cmp(&a.index));
        Ok(all)
    }
}

/// Population stability index of two counts over the same parts, in nats: the sum of `(p - q) ln(p / q)`, each part
/// with half a row more so that none is empty, less what it is on average by chance, `(parts - 1) (1 / n + 1 / m)`
/// (Yurdakul, Statistical Properties of the PSI, 2018); not below 0.
pub fn stability_index(before: &[f64], now: &[f64]) -> f64 {
    let (first, second) = (before.iter().sum::<f64>(), now.iter().sum::<f64>());
    if first == 0.0 || second == 0.0 {
        return 0.0;
    }
    let used: Vec<(f64, f64)> = before.iter().copied().zip(now.iter().copied()).filter(|(a, b)| a + b > 0.0).collect();
    let parts = used.len() as f64;
    let share = |count: f64, all: f64| (count + 0.5) / (all + parts / 2.0);
    let index: f64 = used
        .iter()
        .map(|(a, b)| {
            let (p, q) = (share(*a, first), share(*b, second));
            (p - q) * (p / q).ln()
        })
        .sum();
    (index - (parts - 1.0) * (1.0 / first + 1.0 / second)).max(0.0)
}

/// Whether chances came true in one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    pub rows: usize,
    /// Mean chance told and share of yes, 0 to 1.
    pub told: f64,
    pub came: f64,
    pub brier: f64,
    pub calibration_error: f64,
    /// What the calibration error would be by chance.
    pub calibration_noise: f64,
}

/// Calibration over time: predictions in the order of their time, in `periods` stretches of equal count.
pub fn calibration_over_time(times: &[f64], chances: &[f64], outcome: &[bool], periods: usize) -> Vec<Period> {
    let rows = times.len().min(chances.len()).min(outcome.len());
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by(|a, b| times[*a].total_cmp(&times[*b]));
    let bounds = (0..periods).map(|part| part * rows / periods..(part + 1) * rows / periods);
    bounds
        .filter(|part| !part.is_empty())
        .map(|part| {
            let told: Vec<f64> = order[part.clone()].iter().map(|at| chances[*at]).collect();
            let came: Vec<bool> = order[part].iter().map(|at| outcome[*at]).collect();
            Period {
                rows: told.len(),
                told: told.iter().sum::<f64>() / told.len() as f64,
                came: came.iter().filter(|yes| **yes).count() as f64 / came.len() as f64,
                brier: brier(&told, &came),
                calibration_error: calibration_error(&told, &came),
                calibration_noise: calibration_noise(&told),
            }
        })
        .collect()
}
