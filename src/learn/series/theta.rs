//! The Theta method: half of the trend, on top of what is known of the level.

use super::{Forecaster, check};
use crate::LearnError;
use crate::numeric::minimise;

/// Exponential smoothing with half the slope of the straight line through the history (Assimakopoulos and
/// Nikolopoulos, International Journal of Forecasting 2000; in the form of Hyndman and Billah, the same journal 2003), on values from
/// which the season was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Theta {
    season: Seasonal,
    smoothing: f64,
    level: f64,
    slope: f64,
    /// Values that it saw, which set the place in the season.
    seen: usize,
}

impl Theta {
    /// Errors: fewer than 4 values, or a gap.
    pub fn fit(values: &[f64], season: usize) -> Result<Self, LearnError> {
        check(values, 4)?;
        let seasonal = Seasonal::of(values, season);
        let adjusted = seasonal.remove(values);
        let share = |x: f64| crate::numeric::sigmoid(x).clamp(0.01, 0.99);
        let (best, _) = minimise(&[-0.5], &[1.0], 60, |x| smooth(&adjusted, share(x[0])).1);
        Ok(Self::with(values, seasonal, share(best[0])))
    }

    fn with(values: &[f64], season: Seasonal, smoothing: f64) -> Self {
        let adjusted = season.remove(values);
        let slope = slope(&adjusted);
        let (level, _) = smooth(&adjusted, smoothing);
        Self { season, smoothing, level, slope, seen: values.len() }
    }
}

impl Forecaster for Theta {
    fn name(&self) -> &'static str {
        "Theta"
    }

    fn forecast(&self, steps: usize) -> Vec<f64> {
        let lag = (1.0 - (1.0 - self.smoothing).powf(self.seen as f64)) / self.smoothing;
        let value = |step: usize| self.level + self.slope / 2.0 * (step as f64 + lag);
        (0..steps).map(|step| self.season.put(value(step), self.seen + step)).collect()
    }

    fn follow(&self, values: &[f64]) -> Result<Box<dyn Forecaster>, LearnError> {
        check(values, 4)?;
        let season = Seasonal::of(values, self.season.length());
        Ok(Box::new(Self::with(values, season, self.smoothing)))
    }
}

/// The level after all values, and the mean squared one-step error.
fn smooth(values: &[f64], share: f64) -> (f64, f64) {
    let mut level = values[0];
    let mut squares = 0.0;
    for value in &values[1..] {
        let off = value - level;
        squares += off * off;
        level += share * off;
    }
    (level, squares / values.len() as f64)
}

/// Of the least squares line, per step.
fn slope(values: &[f64]) -> f64 {
    let middle = (values.len() - 1) as f64 / 2.0;
    let (mut along, mut across) = (0.0, 0.0);
    for (at, value) in values.iter().enumerate() {
        let off = at as f64 - middle;
        across += off * value;
        along += off * off;
    }
    if along > 0.0 { across / along } else { 0.0 }
}

/// Classical seasonal indices (Hyndman and Athanasopoulos, Forecasting, 3.4): factors where all values are above 0,
/// differences otherwise, none where the season does not show.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Seasonal {
    None { length: usize },
    Factors(Vec<f64>),
    Differences(Vec<f64>),
}

impl Seasonal {
    /// Of a history as long as two seasons or more; none is found in a shorter one.
    pub fn of(values: &[f64], season: usize) -> Self {
        if season < 2 || values.len() / 2 < season || !shows(values, season) {
            return Self::None { length: season };
        }
        if values.iter().all(|value| *value > 0.0) {
            Self::Factors(indices(values, season, true))
        } else {
            Self::Differences(indices(values, season, false))
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::None { length } => *length,
            Self::Factors(indices) | Self::Differences(indices) => indices.len(),
        }
    }

    fn remove(&self, values: &[f64]) -> Vec<f64> {
        let each = values.iter().enumerate();
        each.map(|(at, value)| match self {
            Self::None { .. } => *value,
            Self::Factors(indices) => value / indices[at % indices.len()],
            Self::Differences(indices) => value - indices[at % indices.len()],
        })
        .collect()
    }

    fn put(&self, value: f64, at: usize) -> f64 {
        match self {
            Self::None { .. } => value,
            Self::Factors(indices) => value * indices[at % indices.len()],
            Self::Differences(indices) => value + indices[at % indices.len()],
        }
    }
}

/// Whether the autocorrelation at the season is beyond chance at 90 % (the M competitions' test).
fn shows(values: &[f64], season: usize) -> bool {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let product = |lag: usize| -> f64 {
        values.iter().zip(&values[lag..]).map(|(before, now)| (before - mean) * (now - mean)).sum()
    };
    let whole = product(0);
    if whole <= 0.0 {
        return false;
    }
    let squares: f64 = (1..season).map(|lag| (product(lag) / whole).powi(2)).sum();
    let margin = 1.645 * ((1.0 + 2.0 * squares) / values.len() as f64).sqrt();
    product(season) / whole > margin
}

/// The mean distance from a centred moving average at each place in the season, together nothing.
pub(super) fn indices(values: &[f64], season: usize, factors: bool) -> Vec<f64> {
    let half = season / 2;
    let trend = |at: usize| -> f64 {
        let whole: f64 = values[at - half..=at + half].iter().sum();
        let ends = if season.is_multiple_of(2) { (values[at - half] + values[at + half]) / 2.0 } else { 0.0 };
        (whole - ends) / season as f64
    };
    let (mut sums, mut counts) = (vec![0.0; season], vec![0.0; season]);
    for at in half..values.len() - half {
        let off = if factors { values[at] / trend(at) } else { values[at] - trend(at) };
        sums[at % season] += off;
        counts[at % season] += 1.0;
    }
    let neutral = if factors { 1.0 } else { 0.0 };
    let mean = |(sum, count): (&f64, &f64)| if *count > 0.0 { sum / count } else { neutral };
    let means: Vec<f64> = sums.iter().zip(&counts).map(mean).collect();
    let middle = means.iter().sum::<f64>() / season as f64;
    means.into_iter().map(|index| if factors { (index / middle).max(1e-6) } else { index - middle }).collect()
}
