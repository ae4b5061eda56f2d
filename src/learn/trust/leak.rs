//! Features that must not be learned from: they name the row, know the outcome, or come from after the prediction
//! (Kaufman et al., Leakage in Data Mining, ACM TKDD 2012).

use serde::{Deserialize, Serialize};

use super::area_under_curve;
use crate::LearnError;
use crate::model::{BayesConfig, Model, NaiveBayes};
use crate::table::{Column, Feature, Kind, Table};

/// Rows that the looking takes, spread evenly over the table.
const SAMPLE: usize = 50_000;
/// Rows below which nothing is suspected.
const LEAST_ROWS: usize = 50;
/// Share of different values from which a category names the row.
const NAMING: f64 = 0.9;
/// Area under the curve of a single feature from which it knows the outcome.
const KNOWING: f64 = 0.985;
/// Rank correlation of a single feature with the amounts from which it knows them.
const KNOWING_AMOUNT: f64 = 0.99;
/// Share of dates after the prediction from which a feature is late.
const LATE: f64 = 0.01;

/// Why a feature is suspected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Suspicion {
    /// Nearly each row has a value of its own.
    NamesTheRow,
    /// Alone it orders the outcomes this well (area under the curve).
    KnowsTheOutcome { auc: f64 },
    /// Alone it orders the amounts this well (rank correlation, from -1 to 1).
    KnowsTheAmount { correlation: f64 },
    /// This share of its dates lies after the prediction.
    FromAfterwards { share: f64 },
}

/// A feature that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leak {
    pub feature: String,
    /// Its place in the table.
    pub place: usize,
    pub suspicion: Suspicion,
}

impl Leak {
    /// One sentence for a person.
    pub fn sentence(&self) -> String {
        let name = &self.feature;
        match &self.suspicion {
            Suspicion::NamesTheRow => format!("\"{name}\" is different in nearly every row: it names the row"),
            Suspicion::KnowsTheOutcome { auc } => {
                format!("\"{name}\" alone tells the outcome (AUC {auc:.3}): it is probably known only afterwards")
            }
            Suspicion::KnowsTheAmount { correlation } => format!(
                "\"{name}\" alone tells the amount (rank correlation {correlation:.3}): it is probably the same figure, or \
                 known only afterwards"
            ),
            Suspicion::FromAfterwards { share } => {
                format!("\"{name}\" lies after the prediction in {:.0} % of its rows", share * 100.0)
            }
        }
    }
}

/// The features to leave out, in the order of the table. Errors: the table has no outcomes.
pub fn leaks(table: &Table) -> Result<Vec<Leak>, LearnError> {
    let outcome = table.outcome()?;
    suspected(table, |place, rows| {
        let auc = single_feature_auc(table, place, rows, outcome)?;
        Ok(auc.filter(|auc| *auc >= KNOWING).map(|auc| Suspicion::KnowsTheOutcome { auc }))
    })
}

/// The same for a table of amounts. Errors: it has none.
pub fn amount_leaks(table: &Table) -> Result<Vec<Leak>, LearnError> {
    let amounts = table.amounts()?;
    suspected(table, |place, rows| {
        let known = rank_correlation(table.column(place), rows, amounts).filter(|one| one.abs() >= KNOWING_AMOUNT);
        Ok(known.map(|correlation| Suspicion::KnowsTheAmount { correlation }))
    })
}

/// `knows` says whether the feature at a place knows what is to be learned of these rows.
fn suspected(
    table: &Table,
    knows: impl Fn(usize, &[u32]) -> Result<Option<Suspicion>, LearnError>,
) -> Result<Vec<Leak>, LearnError> {
    if table.rows() < LEAST_ROWS {
        return Ok(Vec::new());
    }
    let step = table.rows().div_ceil(SAMPLE);
    let rows: Vec<u32> = (0..table.rows() as u32).step_by(step).collect();
    let mut found = Vec::new();
    for (place, feature) in table.features().iter().enumerate() {
        let column = table.column(place);
        let suspicion = if names_the_row(feature, column, &rows) {
            Some(Suspicion::NamesTheRow)
        } else if let Some(share) = late_share(table, feature, column, &rows) {
            Some(Suspicion::FromAfterwards { share })
        } else {
            knows(place, &rows)?
        };
        found.extend(suspicion.map(|suspicion| Leak { feature: feature.name.clone(), place, suspicion }));
    }
    Ok(found)
}

/// A category with a value for each row, or whole numbers that are all different and leave hardly a gap.
fn names_the_row(feature: &Feature, column: &Column, rows: &[u32]) -> bool {
    match column {
        Column::Categories { codes, .. } => {
            let mut seen: Vec<u32> = rows.iter().map(|row| codes[*row as usize]).collect();
            seen.sort_unstable();
            seen.dedup();
            seen.len() as f64 > NAMING * rows.len() as f64
        }
        Column::Numbers(values) if feature.kind == Kind::Number => {
            let mut seen: Vec<f64> = rows.iter().map(|row| values[*row as usize]).collect();
            seen.sort_by(f64::total_cmp);
            let whole = seen.iter().all(|value| value.fract() == 0.0);
            let different = seen.windows(2).all(|pair| pair[0] < pair[1]);
            let even = seen.windows(2).filter(|pair| pair[1] - pair[0] == seen[1] - seen[0]).count();
            whole && different && even as f64 > NAMING * (seen.len() - 1) as f64
        }
        _ => false,
    }
}

fn late_share(table: &Table, feature: &Feature, column: &Column, rows: &[u32]) -> Option<f64> {
    let times = table.time().filter(|_| feature.kind == Kind::Date)?;
    let known = rows.iter().map(|row| *row as usize);
    let known: Vec<usize> = known.filter(|row| !column.is_missing(*row) && !times[*row].is_nan()).collect();
    // a time of day is often unknown, so only what is a whole day later counts
    let late = known.iter().filter(|row| column.number(**row) > times[**row] + 1.0).count();
    let share = late as f64 / known.len().max(1) as f64;
    (share >= LATE).then_some(share)
}

/// How well one feature alone, through naive Bayes on one half, orders the other half, and the other way round.
fn single_feature_auc(table: &Table, place: usize, rows: &[u32], outcome: &[bool]) -> Result<Option<f64>, LearnError> {
    let (mut halves, mut best): ([Vec<u32>; 2], Vec<f64>) = ([Vec::new(), Vec::new()], Vec::new());
    for yes in [false, true] {
        let side = rows.iter().filter(|row| outcome[**row as usize] == yes);
        side.enumerate().for_each(|(at, row)| halves[at % 2].push(*row));
    }
    for (learn, test) in [(0, 1), (1, 0)] {
        let (learn, test) = (&halves[learn], &halves[test]);
        let config = BayesConfig { strength: 1.0 };
        let model = NaiveBayes::fit_one(&config, table, place, learn)?;
        let actual: Vec<bool> = test.iter().map(|row| outcome[*row as usize]).collect();
        let Some(by_bins) = area_under_curve(&model.predict(table, test)?, &actual) else { return Ok(None) };
        let numbers: Vec<f64> = test.iter().map(|row| table.column(place).number(*row as usize)).collect();
        let whole = numbers.iter().all(|value| !value.is_nan());
        let by_order = area_under_curve(&numbers, &actual).filter(|_| whole).map_or(0.0, |auc| auc.max(1.0 - auc));
        best.push(by_bins.max(by_order));
    }
    Ok(best.into_iter().reduce(f64::min))
}

/// Of a feature's numbers with the amounts (Spearman, American Journal of Psychology 1904), over the rows that have the
/// number; `None` with too few of them, or where either is always the same. Categories are in no order.
fn rank_correlation(column: &Column, rows: &[u32], amounts: &[f64]) -> Option<f64> {
    let known: Vec<usize> = rows.iter().map(|row| *row as usize).filter(|row| !column.number(*row).is_nan()).collect();
    if known.len() < LEAST_ROWS || known.len() * 2 < rows.len() {
        return None;
    }
    let numbers = ranks(&known.iter().map(|row| column.number(*row)).collect::<Vec<_>>());
    let amounts = ranks(&known.iter().map(|row| amounts[*row]).collect::<Vec<_>>());
    let middle = (known.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - middle) * (b - middle)).sum::<f64>();
    let spread = (product(&numbers, &numbers) * product(&amounts, &amounts)).sqrt();
    (spread > 0.0).then(|| product(&numbers, &amounts) / spread)
}

/// From 0, ties sharing the middle of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let (mut ranks, mut below) = (vec![0.0; values.len()], 0);
    for tied in order.chunk_by(|a, b| values[*a] == values[*b]) {
        tied.iter().for_each(|at| ranks[*at] = below as f64 + (tied.len() as f64 - 1.0) / 2.0);
        below += tied.len();
    }
    ranks
}
