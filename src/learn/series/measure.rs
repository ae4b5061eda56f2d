//! What the ensemble is worth on a series whose end is known.

use serde::Serialize;

use super::{Ensemble, Forecaster, SeasonalNaive, scaled_error};
use crate::LearnError;

/// How often the truth should lie in the intervals.
const COVER: f64 = 0.8;

/// What came out of the rolling origins of one series.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeriesMeasured {
    /// Mean over the origins of the mean absolute scaled error.
    pub mase: f64,
    pub naive_mase: f64,
    /// Share of the values inside the 80 % intervals.
    pub coverage: f64,
    /// Values forecast, all origins together.
    pub values: usize,
}

/// Forecasts one season ahead from `origins` points, each a season before the next, learning from what lies before.
/// Errors: a history too short for that, or a gap.
pub fn measure_series(values: &[f64], season: usize, origins: usize) -> Result<SeriesMeasured, LearnError> {
    let least = season.saturating_mul(origins + 2);
    super::check(values, least)?;
    let mut sum = SeriesMeasured { mase: 0.0, naive_mase: 0.0, coverage: 0.0, values: 0 };
    for origin in 1..=origins {
        let (learn, rest) = values.split_at(values.len() - season * origin);
        let actual = &rest[..season];
        let ensemble = Ensemble::fit(learn, &[season], season)?;
        let naive = SeasonalNaive::fit(learn, season)?.forecast(season);
        let error = |told: &[f64]| scaled_error(told, actual, learn, season).unwrap_or(0.0) / origins as f64;
        sum.mase += error(&ensemble.forecast(season));
        sum.naive_mase += error(&naive);
        let intervals = ensemble.intervals(season, COVER).unwrap_or_default();
        let held = intervals.iter().zip(actual).filter(|(interval, is)| interval.low <= **is && **is <= interval.high);
        sum.coverage += held.count() as f64;
        sum.values += season;
    }
    sum.coverage /= sum.values as f64;
    Ok(sum)
}
