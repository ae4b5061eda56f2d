//! Past cases like this one, and how a score treats different groups.

use serde::Serialize;

use super::{Metrics, Usual};
use crate::LearnError;
use crate::table::{Column, Table};

/// A past row and how far it is: 0 is the same, 1 differs in everything.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Neighbour {
    pub row: u32,
    pub distance: f64,
}

/// The `count` nearest of `past` to `row`, nearest first (Gower's distance, Biometrics 1971, over `weights`, one for
/// each feature: how much a model makes of it). Numbers differ by their distance in parts of three quartile ranges, at
/// most 1. Errors: the table lacks the row; another number of weights.
pub fn similar(
    table: &Table,
    row: u32,
    past: &[u32],
    weights: &[f64],
    count: usize,
) -> Result<Vec<Neighbour>, LearnError> {
    let (left_len, right_len) = (table.features().len(), weights.len());
    if left_len != right_len {
        return Err(LearnError::UnequalLengths { left: "features", left_len, right: "weights", right_len });
    }
    let beyond = std::iter::once(&row).chain(past).find(|row| **row as usize >= table.rows());
    if let Some(row) = beyond {
        return Err(LearnError::NoRow { row: *row as usize, rows: table.rows() });
    }
    let mut distances = vec![0.0; past.len()];
    let whole: f64 = weights.iter().sum();
    for ((place, usual), weight) in Usual::of(table, past).iter().enumerate().zip(weights) {
        let column = table.column(place);
        let range = if let Usual::Number { low, high, .. } = usual { 3.0 * (high - low) } else { 1.0 };
        for (distance, other) in distances.iter_mut().zip(past) {
            *distance += weight / whole.max(f64::MIN_POSITIVE) * apart(column, row as usize, *other as usize, range);
        }
    }
    let mut near: Vec<Neighbour> =
        past.iter().zip(distances).map(|(row, distance)| Neighbour { row: *row, distance }).collect();
    near.retain(|neighbour| neighbour.row != row);
    near.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.row.cmp(&b.row)));
    near.truncate(count);
    Ok(near)
}

fn apart(column: &Column, row: usize, other: usize, range: f64) -> f64 {
    let different = |same: bool| f64::from(u8::from(!same));
    match column {
        _ if column.is_missing(row) || column.is_missing(other) => {
            different(column.is_missing(row) == column.is_missing(other))
        }
        Column::Numbers(values) if range > 0.0 => ((values[row] - values[other]).abs() / range).min(1.0),
        Column::Numbers(values) => different(values[row] == values[other]),
        Column::YesNo(values) => different(values[row] == values[other]),
        Column::Categories { codes, .. } => different(codes[row] == codes[other]),
    }
}

/// What a score is worth in one group.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupFigures {
    pub group: String,
    /// Share of the group that is told `bar` or more.
    pub chosen: f64,
    /// Of those with the outcome, the share that is told `bar` or more (equal opportunity: Hardt, Price and Srebro,
    /// NIPS 2016); `None` without any.
    pub found: Option<f64>,
    pub metrics: Metrics,
}

/// The figures of each level of an attribute, in the order of the levels; missing cells are left out. `attribute` is a
/// category or yes/no column over the rows of `chances` and `outcome`; `bar` is the chance from which one acts.
pub fn fairness(attribute: &Column, chances: &[f64], outcome: &[bool], bar: f64) -> Vec<GroupFigures> {
    let mut groups: Vec<(String, Vec<f64>, Vec<bool>)> = Vec::new();
    for (row, (chance, yes)) in chances.iter().zip(outcome).enumerate() {
        let Some(name) = attribute.text(row) else { continue };
        let place = groups.iter().position(|group| group.0 == name).unwrap_or_else(|| {
            groups.push((name, Vec::new(), Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(*chance);
        groups[place].2.push(*yes);
    }
    groups.sort_by(|a, b| a.0.cmp(&b.0));
    let figures = |(group, chances, outcome): (String, Vec<f64>, Vec<bool>)| {
        let above = |chance: &&f64| **chance >= bar;
        let with: Vec<f64> = chances.iter().zip(&outcome).filter(|(_, yes)| **yes).map(|(chance, _)| *chance).collect();
        GroupFigures {
            group,
            chosen: chances.iter().filter(above).count() as f64 / chances.len() as f64,
            found: (!with.is_empty()).then(|| with.iter().filter(above).count() as f64 / with.len() as f64),
            metrics: Metrics::of(&chances, &outcome),
        }
    };
    groups.into_iter().map(figures).collect()
}
