//! Moments unlike what trend and season make of them.

use serde::Serialize;

use crate::LearnError;
use crate::numeric::median;
use crate::series::decompose;

/// The median of absolute distances that a normal distribution of deviation 1 has.
const NORMAL: f64 = 0.674_489_750_196_081_7;

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
    let mut found = unusual(values, seasons, bound)?;
    found.retain(|moment| moment.deviations.abs() > bound);
    Ok(found)
}

/// All values with their distance from trend and season, to which those beyond `bound` do not count. Errors: as
/// [`outliers`].
pub fn unusual(values: &[f64], seasons: &[usize], bound: f64) -> Result<Vec<Outlier>, LearnError> {
    // twice: the second time without what stood out, so that it does not bend trend and season
    let mut calm = values.to_vec();
    for moment in look(values, &calm, seasons)?.iter().filter(|moment| moment.deviations.abs() > bound) {
        calm[moment.at] = moment.expected;
    }
    look(values, &calm, seasons)
}

fn look(values: &[f64], calm: &[f64], seasons: &[usize]) -> Result<Vec<Outlier>, LearnError> {
    let parts = decompose(calm, seasons)?;
    let expected = |at: usize| parts.trend[at] + parts.seasons.iter().map(|season| season[at]).sum::<f64>();
    let off: Vec<f64> = values.iter().enumerate().map(|(at, value)| value - expected(at)).collect();
    let middle = median(off.clone());
    let deviation = median(off.iter().map(|off| (off - middle).abs()).collect()) / NORMAL;
    // more than half of the values fit exactly: anything else stands out, measured by the size of the values
    let size = values.iter().map(|value| value.abs()).fold(0.0, f64::max);
    let deviation = deviation.max(1e-9 * size).max(f64::MIN_POSITIVE);
    let moments = off.iter().enumerate().map(|(at, off)| {
        let deviations = (off - middle) / deviation;
        Outlier { at, value: values[at], expected: values[at] - off, deviations }
    });
    Ok(moments.collect())
}
