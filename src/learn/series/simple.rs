//! What every other method has to beat.

use super::{Forecaster, check};
use crate::LearnError;

/// The value of a season ago (Hyndman and Athanasopoulos, Forecasting, 5.2).
#[derive(Clone, Debug, PartialEq)]
pub struct SeasonalNaive {
    last: Vec<f64>,
}

impl SeasonalNaive {
    /// The last `season` values, or all there are, are repeated. Errors: no values, or a gap.
    pub fn fit(values: &[f64], season: usize) -> Result<Self, LearnError> {
        check(values, 1)?;
        let season = if values.len() < season { 1 } else { season.max(1) };
        Ok(Self { last: values[values.len() - season..].to_vec() })
    }
}

impl Forecaster for SeasonalNaive {
    fn name(&self) -> &'static str {
        "seasonal naive"
    }

    fn forecast(&self, steps: usize) -> Vec<f64> {
        self.last.iter().copied().cycle().take(steps).collect()
    }

    fn follow(&self, values: &[f64]) -> Result<Box<dyn Forecaster>, LearnError> {
        Ok(Box::new(Self::fit(values, self.last.len())?))
    }
}

/// The line through the first and the last value (Hyndman and Athanasopoulos, Forecasting, 5.2), on the values of the
/// same place in the season.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    naive: SeasonalNaive,
    /// Per step.
    slope: f64,
}

impl Drift {
    /// Errors: no values, or a gap.
    pub fn fit(values: &[f64], season: usize) -> Result<Self, LearnError> {
        let naive = SeasonalNaive::fit(values, season)?;
        let season = naive.last.len();
        let steps = values.len() - season;
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        let rise = mean(&naive.last) - mean(&values[..season]);
        Ok(Self { naive, slope: if steps > 0 { rise / steps as f64 } else { 0.0 } })
    }
}

impl Forecaster for Drift {
    fn name(&self) -> &'static str {
        "drift"
    }

    fn forecast(&self, steps: usize) -> Vec<f64> {
        let season = self.naive.last.len();
        let raised = |(step, value): (usize, f64)| value + self.slope * (season * (step / season + 1)) as f64;
        self.naive.forecast(steps).into_iter().enumerate().map(raised).collect()
    }

    fn follow(&self, values: &[f64]) -> Result<Box<dyn Forecaster>, LearnError> {
        Ok(Box::new(Self::fit(values, self.naive.last.len())?))
    }
}
