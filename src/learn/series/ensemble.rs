//! Several methods together, each weighing as it would have done, and how far to trust them.

use serde::Serialize;

use super::{Drift, Ets, Forecaster, LONG_SEASON, Mstl, SeasonalNaive, Theta, check, grows_with_level};
use crate::LearnError;
use crate::numeric::quantile;

/// Past moments from which a forecast is made for trial.
const ORIGINS: usize = 16;
/// A method whose error is this many times the best one's is left out.
const HOPELESS: f64 = 1.6;

/// A method's part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Weight {
    pub method: &'static str,
    /// 0 to 1; all together 1.
    pub share: f64,
    /// Mean absolute error of its trial forecasts, in the unit of the values; `None` where there was no room for one.
    pub error: Option<f64>,
}

/// A forecast value with what it lies between.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    pub low: f64,
    pub mean: f64,
    pub high: f64,
}

/// Seasonal naive, drift, Theta, exponential smoothing and decomposition, weighted by the squared inverse of their
/// rolling-origin errors (Bates and Granger, Operational Research Quarterly 1969). Parameters are learned from what
/// lies before the first origin, so each trial forecast is one that could have been made.
pub struct Ensemble {
    methods: Vec<(f64, Box<dyn Forecaster>)>,
    weights: Vec<Weight>,
    /// Expected absolute error at each step ahead, and sorted trial errors in parts of it.
    spread: Vec<f64>,
    scores: Vec<f64>,
    /// How many independent errors those are worth: two for each stretch of the past that was forecast.
    worth: f64,
    /// Errors are shares of the forecast.
    relative: bool,
}

impl Ensemble {
    /// Learns to forecast `steps` ahead of `values`. `seasons` are numbers of steps, the shortest first; none for no
    /// season. Errors: fewer than 4 values or a gap.
    pub fn fit(values: &[f64], seasons: &[usize], steps: usize) -> Result<Self, LearnError> {
        check(values, 4)?;
        let season = seasons.first().copied().unwrap_or(1).max(1);
        let relative = grows_with_level(values, season);
        let origins = origins(values.len(), season, steps.max(1));
        let trial = match origins.first() {
            Some(first) => Trial::run(values, seasons, &origins, *first, steps.max(1)),
            None => Trial::default(),
        };
        let mut methods = Vec::new();
        let mut weights = Vec::new();
        for (at, method) in fit_all(values, seasons).into_iter().enumerate() {
            let Some(method) = method else { continue };
            let error = trial.errors.get(at).copied().flatten();
            weights.push(Weight { method: method.name(), share: 0.0, error });
            methods.push((0.0, method));
        }
        share_out(&mut weights);
        methods.iter_mut().zip(&weights).for_each(|(method, weight)| method.0 = weight.share);
        methods.retain(|(share, _)| *share > 0.0);
        let (spread, scores) = trial.scores(&weights, relative, steps);
        let tried = values.len() - origins.first().copied().unwrap_or(values.len());
        let worth = 2.0 * tried as f64 / steps.max(1) as f64;
        Ok(Self { methods, weights, spread, scores, worth, relative })
    }

    /// All methods looked at, those left out with a share of 0.
    pub fn weights(&self) -> &[Weight] {
        &self.weights
    }

    /// The next values, without intervals.
    pub fn forecast(&self, steps: usize) -> Vec<f64> {
        let mut sum = vec![0.0; steps];
        for (share, method) in &self.methods {
            sum.iter_mut().zip(method.forecast(steps)).for_each(|(sum, told)| *sum += share * told);
        }
        sum
    }

    /// The next values with intervals that hold the truth with probability `cover` (0 to 1), as far as the future errs
    /// as the past did (split conformal: Lei et al., JASA 2018, section 2, with errors in parts of those usual so far
    /// ahead; errors of one stretch of time are alike, so the correction for few of them counts stretches). `None`
    /// where the history has no room for a trial forecast.
    pub fn intervals(&self, steps: usize, cover: f64) -> Option<Vec<Interval>> {
        let last = *self.spread.last()?;
        let reach = quantile(&self.scores, ((self.worth + 1.0) * cover / self.worth).min(1.0));
        let told = self.forecast(steps).into_iter().enumerate();
        let interval = |(step, mean): (usize, f64)| {
            // beyond what was tried, errors grow as those of a random walk
            let grown = ((step + 1) as f64 / self.spread.len() as f64).max(1.0).sqrt();
            let usual = self.spread.get(step).copied().unwrap_or(last) * grown;
            let half = reach * usual * if self.relative { mean.abs() } else { 1.0 };
            Interval { low: mean - half, mean, high: mean + half }
        };
        Some(told.map(interval).collect())
    }
}

/// One for each method, in the same order; `None` for those that cannot be fitted.
fn fit_all(values: &[f64], seasons: &[usize]) -> Vec<Option<Box<dyn Forecaster>>> {
    fn boxed<F: Forecaster + 'static>(fitted: Result<F, LearnError>) -> Option<Box<dyn Forecaster>> {
        fitted.ok().map(|method| Box::new(method) as Box<dyn Forecaster>)
    }
    let season = seasons.first().copied().unwrap_or(1).max(1);
    let short = if season <= LONG_SEASON { season } else { 1 };
    let decomposed = if season > 1 { boxed(Mstl::fit(values, seasons)) } else { None };
    vec![
        boxed(SeasonalNaive::fit(values, season)),
        boxed(Drift::fit(values, season)),
        boxed(Theta::fit(values, season)),
        if short == season { boxed(Ets::fit(values, season)) } else { None },
        decomposed,
    ]
}

/// Lengths of the histories to forecast from, the shortest first.
fn origins(count: usize, season: usize, steps: usize) -> Vec<usize> {
    let least = season.saturating_mul(2).saturating_add(3).max(8).max(count / 3);
    let stride = (steps / 2).max(1);
    let mut origins: Vec<usize> = (0..ORIGINS)
        .filter_map(|turn| count.checked_sub(stride.saturating_mul(turn).saturating_add(steps)))
        .take_while(|origin| *origin >= least)
        .collect();
    origins.reverse();
    origins
}

/// What was forecast from the past and what came.
#[derive(Default)]
struct Trial {
    /// For each method, origin and step; `None` for methods that could not be fitted.
    told: Vec<Option<Vec<Vec<f64>>>>,
    actual: Vec<Vec<f64>>,
    /// Mean absolute, for each method.
    errors: Vec<Option<f64>>,
}

impl Trial {
    fn run(values: &[f64], seasons: &[usize], origins: &[usize], first: usize, steps: usize) -> Self {
        let actual: Vec<Vec<f64>> = origins.iter().map(|origin| values[*origin..*origin + steps].to_vec()).collect();
        let told: Vec<Option<Vec<Vec<f64>>>> = fit_all(&values[..first], seasons)
            .into_iter()
            .map(|method| {
                let method = method?;
                let from = |origin: &usize| Some(method.follow(&values[..*origin]).ok()?.forecast(steps));
                origins.iter().map(from).collect()
            })
            .collect();
        let error = |told: &Vec<Vec<f64>>| {
            let off = told.iter().flatten().zip(actual.iter().flatten()).map(|(told, is)| (told - is).abs());
            let mean = off.sum::<f64>() / (origins.len() * steps) as f64;
            mean.is_finite().then_some(mean)
        };
        let errors = told.iter().map(|told| told.as_ref().and_then(error)).collect();
        Self { told, actual, errors }
    }

    /// The usual absolute error at each step, never less than at the step before, and all errors in parts of it.
    fn scores(&self, weights: &[Weight], relative: bool, steps: usize) -> (Vec<f64>, Vec<f64>) {
        let known = self.told.iter().zip(&self.errors).filter(|(told, _)| told.is_some());
        let rows: Vec<&Vec<Vec<f64>>> = known.filter_map(|(told, _)| told.as_ref()).collect();
        if rows.len() != weights.len() || self.actual.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let error = |origin: usize, step: usize| {
            let told: f64 = rows
                .iter()
                .zip(weights)
                .filter(|(_, weight)| weight.share > 0.0)
                .map(|(row, weight)| weight.share * row[origin][step])
                .sum();
            let off = (self.actual[origin][step] - told).abs();
            if relative && told != 0.0 { off / told.abs() } else { off }
        };
        let errors: Vec<Vec<f64>> =
            (0..self.actual.len()).map(|origin| (0..steps.max(1)).map(|step| error(origin, step)).collect()).collect();
        let means = (0..steps.max(1)).map(|step| errors.iter().map(|row| row[step]).sum::<f64>() / errors.len() as f64);
        let spread = rising(means.collect());
        let mut scores: Vec<f64> = errors
            .iter()
            .flat_map(|row| {
                row.iter().zip(&spread).map(|(error, usual)| if *usual > 0.0 { error / usual } else { 0.0 })
            })
            .collect();
        scores.sort_by(f64::total_cmp);
        (spread, scores)
    }
}

/// The nearest numbers that never fall (pool adjacent violators).
fn rising(values: Vec<f64>) -> Vec<f64> {
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for value in values {
        pools.push((value, 1));
        while let [.., (before, many), (last, few)] = *pools.as_slice() {
            if before <= last {
                break;
            }
            let count = many + few;
            pools.truncate(pools.len() - 2);
            pools.push(((before * many as f64 + last * few as f64) / count as f64, count));
        }
    }
    pools.into_iter().flat_map(|(value, count)| std::iter::repeat_n(value, count)).collect()
}

/// Shares by the squared inverse error; equal shares where nothing was tried.
fn share_out(weights: &mut [Weight]) {
    let best = weights.iter().filter_map(|weight| weight.error).fold(f64::INFINITY, f64::min);
    let force = |weight: &Weight| match weight.error {
        Some(error) if best == 0.0 => f64::from(u8::from(error == 0.0)),
        Some(error) if error <= HOPELESS * best => (best / error).powi(2),
        None if best.is_infinite() => 1.0,
        _ => 0.0,
    };
    let forces: Vec<f64> = weights.iter().map(force).collect();
    let whole: f64 = forces.iter().sum();
    weights.iter_mut().zip(forces).for_each(|(weight, force)| weight.share = force / whole);
}
