//! What clusters and odd rows are worth on sets whose labels are known.

use serde::{Deserialize, Serialize};

use super::{IsolationForest, KMeans, Mixture, Points, adjusted_rand, unusual};
use crate::LearnError;

/// Starting points that the figures are means over.
const CLUSTER_SEEDS: u64 = 40;
const FOREST_SEEDS: u64 = 400;
/// Most segments where their number is chosen.
const MOST: usize = 10;

/// A labelled set. Points lie row after row.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum GroupsSet {
    /// Rows with the segment of each, `count` of them.
    Clusters { width: usize, count: usize, values: Vec<f64>, labels: Vec<usize> },
    /// Rows of which those with label 1 are odd.
    Anomalies { width: usize, values: Vec<f64>, labels: Vec<usize> },
    /// A series with odd moments, drawn several times.
    Moments { season: usize, draws: Vec<Draw> },
}

/// A series of which the moments with label 1 are odd.
#[derive(Clone, Debug, Deserialize)]
pub struct Draw {
    pub values: Vec<f64>,
    pub labels: Vec<usize>,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", untagged)]
pub enum GroupsMeasured {
    /// Adjusted Rand with the true number of segments (the mean over seeds), and with as many as were chosen.
    #[serde(rename_all = "camelCase")]
    Clusters {
        k_means: f64,
        mixture: f64,
        k_means_chosen: f64,
        k_means_count: usize,
        mixture_chosen: f64,
        mixture_count: usize,
    },
    /// Average precision, the mean and that of each seed of a forest or draw of a series, and the share of odd ones,
    /// which chance gives.
    #[serde(rename_all = "camelCase")]
    Odd { precision: f64, each: Vec<f64>, naive: f64 },
}

/// Errors: a set that does not hold together, or too few rows.
pub fn measure_groups(set: &GroupsSet) -> Result<GroupsMeasured, LearnError> {
    match set {
        GroupsSet::Clusters { width, count, values, labels } => {
            let points = labelled(values, *width, labels)?;
            clusters(&points, *count, labels)
        }
        GroupsSet::Anomalies { width, values, labels } => {
            let points = labelled(values, *width, labels)?;
            let odd = flags(labels);
            let precision = |seed: u64| {
                let scores = IsolationForest::fit(&points, seed)?.scores(&points)?;
                Ok(average_precision(&scores, &odd).unwrap_or(0.0))
            };
            let each = (0..FOREST_SEEDS).map(precision).collect::<Result<Vec<_>, LearnError>>()?;
            Ok(measured_odd(each, &odd))
        }
        GroupsSet::Moments { season, draws } => {
            let precision = |draw: &Draw| {
                let moments = unusual(&draw.values, &[*season])?;
                let scores: Vec<f64> = moments.iter().map(|moment| moment.deviations.abs()).collect();
                Ok(average_precision(&scores, &flags(&draw.labels)).unwrap_or(0.0))
            };
            let each = draws.iter().map(precision).collect::<Result<Vec<_>, LearnError>>()?;
            Ok(measured_odd(each, &draws.iter().flat_map(|draw| flags(&draw.labels)).collect::<Vec<_>>()))
        }
    }
}

fn flags(labels: &[usize]) -> Vec<bool> {
    labels.iter().map(|label| *label == 1).collect()
}

fn measured_odd(each: Vec<f64>, odd: &[bool]) -> GroupsMeasured {
    let precision = each.iter().sum::<f64>() / each.len().max(1) as f64;
    let naive = odd.iter().filter(|odd| **odd).count() as f64 / odd.len().max(1) as f64;
    GroupsMeasured::Odd { precision, each, naive }
}

fn labelled(values: &[f64], width: usize, labels: &[usize]) -> Result<Points, LearnError> {
    let points = Points::new(values.to_vec(), width)?;
    let (left_len, right_len) = (points.len(), labels.len());
    if left_len != right_len {
        return Err(LearnError::UnequalLengths { left: "points", left_len, right: "labels", right_len });
    }
    Ok(points)
}

fn clusters(points: &Points, count: usize, labels: &[usize]) -> Result<GroupsMeasured, LearnError> {
    let mixed = |fit: &Mixture| -> Result<f64, LearnError> {
        Ok(adjusted_rand(labels, &fit.segments(points).ok_or(LearnError::NotFinite)?))
    };
    let (mut k_means, mut mixture) = (0.0, 0.0);
    for seed in 0..CLUSTER_SEEDS {
        let share = 1.0 / CLUSTER_SEEDS as f64;
        k_means += share * adjusted_rand(labels, &KMeans::fit(points, count, seed)?.segments(points));
        mixture += share * mixed(&Mixture::fit(points, count, seed)?)?;
    }
    let near = KMeans::fit_best(points, MOST, 1)?;
    let best = Mixture::fit_best(points, MOST, 1)?;
    Ok(GroupsMeasured::Clusters {
        k_means,
        mixture,
        k_means_chosen: adjusted_rand(labels, &near.segments(points)),
        k_means_count: near.centres.len(),
        mixture_chosen: mixed(&best)?,
        mixture_count: best.shares.len(),
    })
}

/// Precision at each odd row, from the highest score down, weighted by the gain of recall (Manning, Raghavan and
/// Schütze, Introduction to Information Retrieval, 8.4); equal scores count as one step. `None` without odd rows or
/// for unequal numbers.
pub fn average_precision(scores: &[f64], odd: &[bool]) -> Option<f64> {
    let all = odd.iter().filter(|odd| **odd).count();
    if all == 0 || scores.len() != odd.len() {
        return None;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let (mut seen, mut hits, mut precision) = (0, 0, 0.0);
    for tied in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let found = tied.iter().filter(|row| odd[**row]).count();
        (seen, hits) = (seen + tied.len(), hits + found);
        precision += found as f64 / all as f64 * hits as f64 / seen as f64;
    }
    Some(precision)
}
