//! Forecasts of equally spaced numbers: pipeline, revenue, tickets. A forecast is a combination of methods weighted by
//! how well each would have done in the past, with intervals as wide as those forecasts were wrong.

mod decompose;
mod ensemble;
mod ets;
mod measure;
mod reconcile;
mod simple;
#[cfg(test)]
mod tests;
mod theta;

pub(crate) use decompose::lowess;
pub use decompose::{Decomposition, Mstl, decompose};
pub use ensemble::{Ensemble, Interval, Weight};
pub use ets::{Ets, EtsForm, Season, Trend};
pub use measure::{SeriesMeasured, measure_series};
pub use reconcile::{Hierarchy, Weighting};
pub use simple::{Drift, SeasonalNaive};
pub use theta::Theta;

use crate::LearnError;

/// Longest season that is learned value by value; longer ones are decomposed.
const LONG_SEASON: usize = 24;

/// One way to forecast, fitted to a history. Values are in the history's unit; a season is a number of steps, 1 where
/// there is none.
pub trait Forecaster {
    /// What a person calls it.
    fn name(&self) -> &'static str;

    /// The next `steps` values.
    fn forecast(&self, steps: usize) -> Vec<f64>;

    /// The same parameters after another (usually longer) history. Errors: as those of fitting.
    fn follow(&self, values: &[f64]) -> Result<Box<dyn Forecaster>, LearnError>;
}

/// Errors: fewer than `least` values, or one that is no number.
fn check(values: &[f64], least: usize) -> Result<(), LearnError> {
    if values.len() < least {
        return Err(LearnError::ShortSeries { have: values.len(), least });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(LearnError::GapInSeries { at }),
        None => Ok(()),
    }
}

/// Mean absolute error over the mean absolute error of the seasonal naive forecast within `learned` (MASE: Hyndman and
/// Koehler, International Journal of Forecasting 2006; Hyndman and Athanasopoulos, Forecasting, 5.8). `None` when
/// `learned` is shorter than two seasons or repeats exactly.
pub fn scaled_error(forecast: &[f64], actual: &[f64], learned: &[f64], season: usize) -> Option<f64> {
    let season = season.max(1);
    let steps = learned.iter().zip(learned.get(season..)?).map(|(before, now)| (now - before).abs());
    let scale = steps.sum::<f64>() / learned.len().saturating_sub(season).max(1) as f64;
    let error = forecast.iter().zip(actual).map(|(told, is)| (told - is).abs()).sum::<f64>();
    (scale > 0.0 && !actual.is_empty()).then(|| error / actual.len() as f64 / scale)
}

/// Whether the ups and downs grow with the level: the power (0 for logarithms, 1 for none) under which the spread of a
/// season's values varies less from season to season (Guerrero, Journal of Forecasting 1993). Never with values of 0
/// or below.
fn grows_with_level(values: &[f64], season: usize) -> bool {
    let block = season.max(4);
    if values.iter().any(|value| *value <= 0.0) || values.len() / 2 < block {
        return false;
    }
    let variation = |power: f64| {
        let ratios: Vec<f64> = values
            .chunks_exact(block)
            .map(|part| {
                let mean = part.iter().sum::<f64>() / block as f64;
                let variance = part.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (block - 1) as f64;
                variance.sqrt() / mean.powf(1.0 - power)
            })
            .collect();
        let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
        let spread = ratios.iter().map(|ratio| (ratio - mean).powi(2)).sum::<f64>() / ratios.len() as f64;
        if mean > 0.0 { spread.sqrt() / mean } else { f64::INFINITY }
    };
    variation(0.0) < variation(1.0)
}
