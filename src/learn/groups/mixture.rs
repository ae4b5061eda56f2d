//! Segments that overlap: each row belongs to each with a chance.

use serde::{Deserialize, Serialize};

use super::{KMeans, Points, parse};
use crate::LearnError;
use crate::numeric::Cholesky;

const ROUNDS: usize = 200;
/// Starts of each number of segments where the number is chosen.
const STARTS: u64 = 5;
/// Rows per coordinate that each segment needs where the number of segments is chosen.
const ROWS_PER_COORDINATE: f64 = 2.0;
/// Gain of the mean ln likelihood below which the fit has settled.
const SETTLED: f64 = 1e-5;
/// Added to each variance, in parts of the mean variance of the coordinates.
const FLOOR: f64 = 1e-6;

/// A mixture of normal distributions with covariances of their own, by expectation and maximisation (Dempster, Laird
/// and Rubin, JRSS B 1977; Bishop, Pattern Recognition, 9.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    /// 0 to 1, together 1.
    pub shares: Vec<f64>,
    pub means: Vec<Vec<f64>>,
    /// Row-major, width x width.
    pub covariances: Vec<Vec<f64>>,
    /// ln of the likelihood of the rows learned from.
    pub log_likelihood: f64,
}

impl Mixture {
    /// Errors: fewer than `count` + 1 rows, or rows that all lie in one place.
    pub fn fit(points: &Points, count: usize, seed: u64) -> Result<Self, LearnError> {
        points.at_least(count + 1)?;
        Self::from_segments(points, count, &KMeans::fit(points, count, seed)?.segments(points))
    }

    fn from_segments(points: &Points, count: usize, segments: &[usize]) -> Result<Self, LearnError> {
        let floor = floor(points)?;
        let mut chances = vec![0.0; points.len() * count];
        segments.iter().enumerate().for_each(|(row, segment)| chances[row * count + segment] = 1.0);
        let mut model = Self::from_chances(points, &chances, count, floor);
        let mut before = f64::NEG_INFINITY;
        for _ in 0..ROUNDS {
            let (log_likelihood, chances) = model.expect(points).ok_or(LearnError::NotFinite)?;
            let gain = (log_likelihood - before) / points.len() as f64;
            before = log_likelihood;
            model.log_likelihood = log_likelihood;
            if gain.abs() < SETTLED {
                break;
            }
            model = Self { log_likelihood, ..Self::from_chances(points, &chances, count, floor) };
        }
        Ok(model)
    }

    /// From 1 to `most` segments, as many as give the smallest BIC (Schwarz, Annals of Statistics 1978), each number from
    /// several starts (McLachlan and Peel, Finite Mixture Models, 2000, 2.12). Errors: fewer than 2 rows, or rows that
    /// all lie in one place.
    pub fn fit_best(points: &Points, most: usize, seed: u64) -> Result<Self, LearnError> {
        points.at_least(2)?;
        let fits = (1..=most.clamp(1, points.len() - 1)).flat_map(|count| {
            let rough = move |start: u64| {
                let near = KMeans::rough(points, count, seed.wrapping_add(start))?;
                Self::from_segments(points, count, &near.segments(points))
            };
            std::iter::once(Self::fit(points, count, seed)).chain((1..STARTS).map(rough))
        });
        floor(points)?;
        let mut best: Option<Self> = None;
        for fitted in fits {
            let Ok(fitted) = fitted else { continue };
            // with hardly more rows than coordinates a covariance is made up, and its likelihood without bound
            // (McLachlan and Peel, 3.10)
            let least = fitted.shares.iter().copied().fold(1.0, f64::min) * points.len() as f64;
            if least < ROWS_PER_COORDINATE * points.width as f64 && fitted.shares.len() > 1 {
                continue;
            }
            if best.as_ref().is_none_or(|have| fitted.bic(points.len()) < have.bic(points.len())) {
                best = Some(fitted);
            }
        }
        best.ok_or(LearnError::NotFinite)
    }

    /// From JSON. Errors: it is none, or does not hold together.
    pub fn load(bytes: &[u8]) -> Result<Self, LearnError> {
        let loaded: Self = parse(bytes)?;
        let (count, width) = (loaded.shares.len(), loaded.means.first().map_or(0, Vec::len));
        let even = loaded.means.iter().all(|mean| mean.len() == width)
            && loaded.covariances.iter().all(|matrix| matrix.len() == width * width);
        if width > 0 && loaded.means.len() == count && loaded.covariances.len() == count && even {
            return Ok(loaded);
        }
        Err(LearnError::Malformed("shares, means and covariances differ in number".into()))
    }

    /// Smaller is better, on the same `rows`.
    pub fn bic(&self, rows: usize) -> f64 {
        let (count, width) = (self.shares.len() as f64, self.means[0].len() as f64);
        let numbers = count * (width + width * (width + 1.0) / 2.0) + count - 1.0;
        numbers * (rows as f64).ln() - 2.0 * self.log_likelihood
    }

    /// For each row the chances of the segments, together 1, row after row. `None` for a covariance that is none, or
    /// points of another width.
    pub fn chances(&self, points: &Points) -> Option<Vec<f64>> {
        self.expect(points).map(|(_, chances)| chances)
    }

    /// The likeliest segment of each row.
    pub fn segments(&self, points: &Points) -> Option<Vec<usize>> {
        let chances = self.chances(points)?;
        let likeliest = |row: &[f64]| (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0);
        Some(chances.chunks_exact(self.shares.len()).map(likeliest).collect())
    }

    fn expect(&self, points: &Points) -> Option<(f64, Vec<f64>)> {
        let (count, width) = (self.shares.len(), points.width);
        if self.means.iter().any(|mean| mean.len() != width) {
            return None;
        }
        let factors: Vec<Cholesky> =
            self.covariances.iter().map(|matrix| Cholesky::of(matrix.clone(), width)).collect::<Option<_>>()?;
        let constant = width as f64 * (2.0 * std::f64::consts::PI).ln();
        let starts: Vec<f64> = factors
            .iter()
            .zip(&self.shares)
            .map(|(factor, share)| share.max(f64::MIN_POSITIVE).ln() - (constant + factor.ln_determinant()) / 2.0)
            .collect();
        let mut chances = vec![0.0; points.len() * count];
        let mut off = vec![0.0; width];
        let mut total = 0.0;
        for (row, out) in points.rows().zip(chances.chunks_exact_mut(count)) {
            for segment in 0..count {
                off.iter_mut().zip(row).zip(&self.means[segment]).for_each(|((off, value), mean)| *off = value - mean);
                factors[segment].forward(&mut off);
                out[segment] = starts[segment] - off.iter().map(|part| part * part).sum::<f64>() / 2.0;
            }
            let most = out.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = out.iter().map(|log| (log - most).exp()).sum();
            total += most + sum.ln();
            out.iter_mut().for_each(|log| *log = (*log - most).exp() / sum);
        }
        total.is_finite().then_some((total, chances))
    }

    fn from_chances(points: &Points, chances: &[f64], count: usize, floor: f64) -> Self {
        let width = points.width;
        let mut model =
            Self { shares: Vec::new(), means: Vec::new(), covariances: Vec::new(), log_likelihood: f64::NEG_INFINITY };
        for segment in 0..count {
            let weight = |row: usize| chances[row * count + segment];
            let all: f64 = (0..points.len()).map(weight).sum::<f64>().max(1e-10);
            let mut mean = vec![0.0; width];
            for (at, row) in points.rows().enumerate() {
                mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += weight(at) * value / all);
            }
            let mut covariance = vec![0.0; width * width];
            for (at, row) in points.rows().enumerate() {
                for a in 0..width {
                    let part = weight(at) * (row[a] - mean[a]) / all;
                    for b in 0..=a {
                        covariance[a * width + b] += part * (row[b] - mean[b]);
                    }
                }
            }
            for a in 0..width {
                covariance[a * width + a] += floor;
                (0..a).for_each(|b| covariance[b * width + a] = covariance[a * width + b]);
            }
            model.shares.push(all / points.len() as f64);
            model.means.push(mean);
            model.covariances.push(covariance);
        }
        model
    }
}

/// The least variance. Errors: all rows in one place.
fn floor(points: &Points) -> Result<f64, LearnError> {
    let count = points.len() as f64;
    let mut mean = vec![0.0; points.width];
    points.rows().for_each(|row| mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / count));
    let variance = points.rows().map(|row| squared_mean(row, &mean)).sum::<f64>() / count;
    let size = points.rows().map(|row| squared_mean(row, &vec![0.0; points.width])).sum::<f64>() / count;
    if !variance.is_finite() || !size.is_finite() {
        return Err(LearnError::NotFinite);
    }
    // what is left of equal numbers is error of rounding
    if variance > 1e-20 * size { Ok(FLOOR * variance) } else { Err(LearnError::AllAlike) }
}

fn squared_mean(row: &[f64], mean: &[f64]) -> f64 {
    super::squared(row, mean) / row.len() as f64
}
