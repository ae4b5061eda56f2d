//! Moments unlike what trend and season make of them.

use serde::Serialize;

use crate::LearnError;
use crate::numeric::median;
use crate::series::{decompose, lowess};

/// The median of absolute distances that a normal distribution of deviation 1 has.
const NORMAL: f64 = 0.674_489_750_196_081_7;
/// Robust deviations beyond which a value does not bend trend and season.
const CALM: f64 = 2.5;
/// Part of the usual distance that distances around a moment count for at least: calm stretches make nothing odd.
const LEAST_SPREAD: f64 = 0.3;

/// One value that stands out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Outlier {
    /// Place in the series.
    pub at: usize,
    pub value: f64,
    /// What trend and season told.
    pub expected: f64,
    /// Distance in robust standard deviations; below 0 is too low.
    pub deviations: f64,
}

/// The values whose distance from trend and season exceeds `bound` robust standard deviations (the median absolute
/// deviation: Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993, who take 3.5). `seasons` in steps. Errors:
/// fewer than 4 values or a gap.
pub fn outliers(values: &[f64], seasons: &[usize], bound: f64) -> Result<Vec<Outlier>, LearnError> {
    let mut found = unusual(values, seasons)?;
    found.retain(|moment| moment.deviations.abs() > bound);
    Ok(found)
}

/// All values with their distance from trend and season, which odd values do not bend. The distance is measured by what
/// is usual around that time, for it often grows with the level. Errors: as [`outliers`].
pub fn unusual(values: &[f64], seasons: &[usize]) -> Result<Vec<Outlier>, LearnError> {
    // twice: the second time without what stood out
    let mut calm = values.to_vec();
    for moment in look(values, &calm, seasons)?.iter().filter(|moment| moment.deviations.abs() > CALM) {
        calm[moment.at] = moment.expected;
    }
    look(values, &calm, seasons)
}

fn look(values: &[f64], calm: &[f64], seasons: &[usize]) -> Result<Vec<Outlier>, LearnError> {
    let parts = decompose(calm, seasons)?;
    let expected = |at: usize| parts.trend[at] + parts.seasons.iter().map(|season| season[at]).sum::<f64>();
    let off: Vec<f64> = values.iter().enumerate().map(|(at, value)| value - expected(at)).collect();
    let middle = median(off.clone());
    let far: Vec<f64> = off.iter().map(|off| (off - middle).abs()).collect();
    // more than half of the values fit exactly: anything else stands out, measured by the size of the values
    let size = values.iter().map(|value| value.abs()).fold(0.0, f64::max);
    let least = (1e-9 * size).max(f64::MIN_POSITIVE);
    let floor = (LEAST_SPREAD * median(far.clone())).max(least);
    let spread: Vec<f64> = lowess(&far).into_iter().map(|usual| usual.max(floor)).collect();
    let deviation = median(far.iter().zip(&spread).map(|(far, spread)| far / spread).collect()) / NORMAL;
    let moments = off.iter().zip(&spread).enumerate().map(|(at, (off, spread))| {
        let deviations = (off - middle) / (spread * deviation).max(least);
        Outlier { at, value: values[at], expected: values[at] - off, deviations }
    });
    Ok(moments.collect())
}
