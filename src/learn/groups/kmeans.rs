//! Segments around centres.

use serde::{Deserialize, Serialize};

use super::{Points, parse, squared};
use crate::LearnError;
use crate::numeric::Chance;

const STARTS: usize = 10;
const ROUNDS: usize = 300;
/// Rows whose silhouette is looked at to choose the number of centres.
const JUDGED: usize = 800;

/// k-means (Lloyd, IEEE Transactions on Information Theory 1982) from the best of ten k-means++ starts (Arthur and
/// Vassilvitskii, SODA 2007, section 2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KMeans {
    /// The largest segment first.
    pub centres: Vec<Vec<f64>>,
    /// Sum of squared distances of the rows learned from to their centres.
    pub spread: f64,
}

impl KMeans {
    /// Errors: fewer rows than `count`, or no centre asked for.
    pub fn fit(points: &Points, count: usize, seed: u64) -> Result<Self, LearnError> {
        points.at_least(count.max(1))?;
        let mut chance = Chance::new(seed);
        let starts = (0..STARTS).map(|_| Self::from(points, start(points, count.max(1), &mut chance)));
        let best = starts.min_by(|a, b| a.spread.total_cmp(&b.spread));
        best.map(|best| best.by_size(points)).ok_or(LearnError::NotFinite)
    }

    /// From JSON. Errors: it is none, or does not hold together.
    pub fn load(bytes: &[u8]) -> Result<Self, LearnError> {
        let loaded: Self = parse(bytes)?;
        let width = loaded.centres.first().map_or(0, Vec::len);
        if width > 0 && loaded.centres.iter().all(|centre| centre.len() == width) {
            return Ok(loaded);
        }
        Err(LearnError::Malformed("the centres differ in width".into()))
    }

    /// From one start only: quick, and another place for each seed. Errors: as [`KMeans::fit`].
    pub(super) fn rough(points: &Points, count: usize, seed: u64) -> Result<Self, LearnError> {
        points.at_least(count.max(1))?;
        Ok(Self::from(points, start(points, count.max(1), &mut Chance::new(seed))))
    }

    /// From 2 to `most` centres, as many as give the highest silhouette (Rousseeuw, Journal of Computational and
    /// Applied Mathematics 1987). Errors: fewer than 3 rows.
    pub fn fit_best(points: &Points, most: usize, seed: u64) -> Result<Self, LearnError> {
        points.at_least(3)?;
        let mut best: Option<(f64, Self)> = None;
        for count in 2..=most.clamp(2, points.len() - 1) {
            let fitted = Self::fit(points, count, seed)?;
            let score = silhouette(points, &fitted.segments(points), JUDGED, seed).unwrap_or(-1.0);
            if best.as_ref().is_none_or(|(highest, _)| score > *highest) {
                best = Some((score, fitted));
            }
        }
        best.map(|(_, best)| best).ok_or(LearnError::NotFinite)
    }

    /// The nearest centre of each row.
    pub fn segments(&self, points: &Points) -> Vec<usize> {
        points.rows().map(|row| nearest(&self.centres, row).0).collect()
    }

    fn from(points: &Points, mut centres: Vec<Vec<f64>>) -> Self {
        let mut spread = f64::INFINITY;
        for _ in 0..ROUNDS {
            let mut sums = vec![vec![0.0; points.width]; centres.len()];
            let mut counts = vec![0.0; centres.len()];
            let mut now = 0.0;
            for row in points.rows() {
                let (at, far) = nearest(&centres, row);
                now += far;
                counts[at] += 1.0;
                sums[at].iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
            for ((centre, sum), count) in centres.iter_mut().zip(sums).zip(counts) {
                if count > 0.0 {
                    *centre = sum.into_iter().map(|sum| sum / count).collect();
                }
            }
            let settled = now >= spread * (1.0 - 1e-10);
            spread = now;
            if settled {
                break;
            }
        }
        Self { centres, spread }
    }

    fn by_size(mut self, points: &Points) -> Self {
        let mut counts = vec![0_usize; self.centres.len()];
        self.segments(points).into_iter().for_each(|at| counts[at] += 1);
        let mut order: Vec<usize> = (0..counts.len()).collect();
        order.sort_by_key(|at| (std::cmp::Reverse(counts[*at]), *at));
        self.centres = order.into_iter().map(|at| self.centres[at].clone()).collect();
        self
    }
}

fn nearest(centres: &[Vec<f64>], row: &[f64]) -> (usize, f64) {
    let distances = centres.iter().map(|centre| squared(centre, row)).enumerate();
    distances.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, f64::INFINITY))
}

/// Rows far from each other, drawn in proportion to the squared distance from those before; of a few draws the one that
/// leaves the least distance (greedy k-means++: Arthur and Vassilvitskii, section 5).
fn start(points: &Points, count: usize, chance: &mut Chance) -> Vec<Vec<f64>> {
    let draws = 2 + (count as f64).ln() as usize;
    let first = (chance.unit() * points.len() as f64) as usize;
    let mut centres = vec![points.row(first).to_vec()];
    let mut far: Vec<f64> = points.rows().map(|row| squared(row, &centres[0])).collect();
    while centres.len() < count {
        let all: f64 = far.iter().sum();
        let tries = (0..draws).map(|_| {
            let mut left = chance.unit() * all;
            let drawn = far.iter().position(|distance| {
                left -= distance;
                left < 0.0
            });
            let centre = points.row(drawn.unwrap_or(points.len() - 1));
            let then: Vec<f64> =
                far.iter().zip(points.rows()).map(|(far, row)| far.min(squared(row, centre))).collect();
            (then.iter().sum::<f64>(), centre.to_vec(), then)
        });
        let Some((_, centre, then)) = tries.min_by(|a, b| a.0.total_cmp(&b.0)) else { break };
        centres.push(centre);
        far = then;
    }
    centres
}

/// Mean over at most `judged` rows of how much nearer a row is to its own segment than to the next one, -1 to 1
/// (Rousseeuw, Journal of Computational and Applied Mathematics 1987). `None` for fewer than two segments.
pub fn silhouette(points: &Points, segments: &[usize], judged: usize, seed: u64) -> Option<f64> {
    let count = segments.iter().max()? + 1;
    let mut rows: Vec<usize> = (0..points.len().min(segments.len())).collect();
    Chance::new(seed).shuffle(&mut rows);
    rows.truncate(judged);
    let mut scores = Vec::new();
    for row in &rows {
        let (mut sums, mut counts) = (vec![0.0; count], vec![0.0; count]);
        for other in rows.iter().filter(|other| *other != row) {
            sums[segments[*other]] += squared(points.row(*row), points.row(*other)).sqrt();
            counts[segments[*other]] += 1.0;
        }
        let own = segments[*row];
        let mean = |segment: usize| sums[segment] / counts[segment];
        let next = (0..count).filter(|other| *other != own && counts[*other] > 0.0).map(mean).min_by(f64::total_cmp)?;
        let here = mean(own);
        scores.push(if counts[own] > 0.0 && here.max(next) > 0.0 { (next - here) / here.max(next) } else { 0.0 });
    }
    Some(scores.iter().sum::<f64>() / scores.len() as f64)
}

/// How far two ways to divide the same rows agree: 1 wholly, 0 as by chance (Hubert and Arabie, Journal of
/// Classification 1985).
pub fn adjusted_rand(a: &[usize], b: &[usize]) -> f64 {
    let pairs = |count: f64| count * (count - 1.0) / 2.0;
    let mut cells: std::collections::BTreeMap<(usize, usize), f64> = std::collections::BTreeMap::new();
    a.iter().zip(b).for_each(|(a, b)| *cells.entry((*a, *b)).or_default() += 1.0);
    let side = |of: fn(&(usize, usize)) -> usize| {
        let mut sums: std::collections::BTreeMap<usize, f64> = std::collections::BTreeMap::new();
        cells.iter().for_each(|(cell, count)| *sums.entry(of(cell)).or_default() += count);
        sums.into_values().map(pairs).sum::<f64>()
    };
    let both: f64 = cells.values().map(|count| pairs(*count)).sum();
    let (first, second) = (side(|cell| cell.0), side(|cell| cell.1));
    let by_chance = first * second / pairs(a.len().min(b.len()) as f64).max(1.0);
    let most = (first + second) / 2.0;
    if most == by_chance { 1.0 } else { (both - by_chance) / (most - by_chance) }
}
