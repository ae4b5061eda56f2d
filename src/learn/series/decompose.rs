//! Trend, seasons and the rest of a series, for several seasons at once (days of the week within the year).

use super::{Ets, Forecaster, SeasonalNaive, check, grows_with_level};
use crate::LearnError;
use crate::numeric::median;

/// Passes over the seasons, and over season and trend within each.
const ROUNDS: usize = 2;
const INNER: usize = 5;
/// Cycles that the shape of the first season is smoothed over; four more for each further one.
const CYCLES: usize = 11;
/// Passes and least window of [`lowess`].
const PASSES: usize = 3;
const LEAST_WINDOW: f64 = 21.0;

/// Parts that sum to the series, each as long as it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decomposition {
    pub trend: Vec<f64>,
    /// One for each season, in the order given.
    pub seasons: Vec<Vec<f64>>,
    pub rest: Vec<f64>,
}

/// STL (Cleveland et al., Journal of Official Statistics 1990, section 2) for one season, MSTL (Bandara, Hyndman and
/// Bergmeir, arXiv 2107.13462) for several. Seasons of which the series holds less than two are left out as all zero.
///
/// Errors: fewer than 4 values or a gap.
pub fn decompose(values: &[f64], seasons: &[usize]) -> Result<Decomposition, LearnError> {
    check(values, 4)?;
    let mut parts = vec![vec![0.0; values.len()]; seasons.len()];
    let usable = |season: usize| season >= 2 && season <= values.len().saturating_sub(1) / 2;
    let mut trend = None;
    for _ in 0..if seasons.len() > 1 { ROUNDS } else { 1 } {
        for (place, season) in seasons.iter().enumerate().filter(|(_, season)| usable(**season)) {
            let others = |at: usize| -> f64 { (0..parts.len()).filter(|o| *o != place).map(|o| parts[o][at]).sum() };
            let left: Vec<f64> = values.iter().enumerate().map(|(at, value)| value - others(at)).collect();
            let (shape, level) = stl(&left, *season, CYCLES + 4 * place);
            parts[place] = shape;
            trend = Some(level);
        }
    }
    let trend = trend.unwrap_or_else(|| {
        let window = odd((values.len() as f64 / 3.0).max(7.0));
        loess(values, &vec![1.0; values.len()], window)
    });
    let rest =
        (0..values.len()).map(|at| values[at] - trend[at] - parts.iter().map(|part| part[at]).sum::<f64>()).collect();
    Ok(Decomposition { trend, seasons: parts, rest })
}

/// The season and the trend of one period.
fn stl(values: &[f64], period: usize, cycles: usize) -> (Vec<f64>, Vec<f64>) {
    let count = values.len();
    let trend_window = odd(1.5 * period as f64 / (1.0 - 1.5 / cycles as f64));
    let mut trend = vec![0.0; count];
    let mut season = vec![0.0; count];
    for _ in 0..INNER {
        let detrended: Vec<f64> = values.iter().zip(&trend).map(|(value, trend)| value - trend).collect();
        let smooth = cycle_smooth(&detrended, period, cycles);
        let low = moving_mean(&moving_mean(&moving_mean(&smooth, period), period), 3);
        let low = loess(&low, &vec![1.0; low.len()], odd(period as f64));
        season = (0..count).map(|at| smooth[at + period] - low[at]).collect();
        let adjusted: Vec<f64> = values.iter().zip(&season).map(|(value, season)| value - season).collect();
        trend = loess(&adjusted, &vec![1.0; count], trend_window);
    }
    (season, trend)
}

/// Each place of the season smoothed over the cycles, one cycle more on both sides (count + 2 periods).
fn cycle_smooth(values: &[f64], period: usize, window: usize) -> Vec<f64> {
    let mut smooth = vec![0.0; values.len() + 2 * period];
    for place in 0..period {
        let cycle: Vec<f64> = values.iter().copied().skip(place).step_by(period).collect();
        let alike = vec![1.0; cycle.len()];
        for turn in 0..cycle.len() + 2 {
            smooth[turn * period + place] = loess_at(&cycle, &alike, window, turn as f64 - 1.0);
        }
    }
    smooth
}

/// Without the ends: as many values fewer as the window is wide, but one.
fn moving_mean(values: &[f64], window: usize) -> Vec<f64> {
    values.windows(window).map(|part| part.iter().sum::<f64>() / window as f64).collect()
}

/// The level along two thirds of `values` around each of them, which odd ones do not bend (lowess: Cleveland, JASA
/// 1979).
pub(crate) fn lowess(values: &[f64]) -> Vec<f64> {
    let window = odd((values.len() as f64 / 1.5).max(LEAST_WINDOW));
    let mut level = loess(values, &vec![1.0; values.len()], window);
    for _ in 0..PASSES {
        let off: Vec<f64> = values.iter().zip(&level).map(|(value, level)| (value - level).abs()).collect();
        let bound = 6.0 * median(off.clone());
        let trust =
            |off: &f64| if *off < bound { (1.0 - (off / bound).powi(2)).powi(2) } else { f64::from(*off <= 0.0) };
        level = loess(values, &off.iter().map(trust).collect::<Vec<_>>(), window);
    }
    level
}

fn loess(values: &[f64], trust: &[f64], window: usize) -> Vec<f64> {
    (0..values.len()).map(|at| loess_at(values, trust, window, at as f64)).collect()
}

/// The locally weighted line through the nearest `window` values, each also weighted by `trust` (Cleveland, JASA 1979),
/// at a place that may lie outside; bandwidths beyond the series grow as in STL.
fn loess_at(values: &[f64], trust: &[f64], window: usize, at: f64) -> f64 {
    let count = values.len();
    let near = window.min(count);
    let first = (at - (near - 1) as f64 / 2.0).round().clamp(0.0, (count - near) as f64) as usize;
    let last = first + near - 1;
    let mut reach = (at - first as f64).max(last as f64 - at);
    if window > count {
        reach += ((window - count) / 2) as f64;
    }
    let (mut weights, mut level, mut middle) = (0.0, 0.0, 0.0);
    let weight = |place: usize| {
        let far = (place as f64 - at).abs();
        if far <= 0.001 * reach {
            trust[place]
        } else if far >= 0.999 * reach {
            0.0
        } else {
            trust[place] * (1.0 - (far / reach).powi(3)).powi(3)
        }
    };
    for (place, value) in values.iter().enumerate().take(last + 1).skip(first) {
        let weight = weight(place);
        weights += weight;
        level += weight * value;
        middle += weight * place as f64;
    }
    if weights <= 0.0 {
        return values[first..=last].iter().sum::<f64>() / near as f64;
    }
    (level, middle) = (level / weights, middle / weights);
    let (mut across, mut along) = (0.0, 0.0);
    for (place, value) in values.iter().enumerate().take(last + 1).skip(first) {
        let (weight, off) = (weight(place), place as f64 - middle);
        across += weight * off * value;
        along += weight * off * off;
    }
    let range = (count - 1) as f64;
    if (along / weights).sqrt() > 0.001 * range { level + across / along * (at - middle) } else { level }
}

fn odd(least: f64) -> usize {
    let whole = least.ceil().max(3.0) as usize;
    whole + usize::from(whole.is_multiple_of(2))
}

/// The decomposed series: exponential smoothing of what is left without the seasons, plus their last cycles; on
/// logarithms where ups and downs grow with the level.
#[derive(Clone, Debug, PartialEq)]
pub struct Mstl {
    seasons: Vec<usize>,
    logarithm: bool,
    rest: Ets,
    cycles: Vec<SeasonalNaive>,
}

impl Mstl {
    /// Errors: fewer than 4 values or two of the shortest season, a gap.
    pub fn fit(values: &[f64], seasons: &[usize]) -> Result<Self, LearnError> {
        let shortest = seasons.iter().copied().filter(|season| *season > 1).min().unwrap_or(1);
        check(values, shortest.saturating_mul(2).saturating_add(1).max(4))?;
        let logarithm = grows_with_level(values, shortest);
        let (adjusted, cycles) = without_seasons(values, seasons, logarithm)?;
        Ok(Self { seasons: seasons.to_vec(), logarithm, rest: Ets::fit(&adjusted, 1)?, cycles })
    }
}

fn without_seasons(
    values: &[f64],
    seasons: &[usize],
    logarithm: bool,
) -> Result<(Vec<f64>, Vec<SeasonalNaive>), LearnError> {
    let logs = |value: &f64| if logarithm { value.max(f64::MIN_POSITIVE).ln() } else { *value };
    let mut adjusted: Vec<f64> = values.iter().map(logs).collect();
    let parts = decompose(&adjusted, seasons)?;
    for part in &parts.seasons {
        adjusted.iter_mut().zip(part).for_each(|(value, season)| *value -= season);
    }
    let cycles = parts.seasons.iter().zip(seasons).map(|(part, season)| SeasonalNaive::fit(part, *season));
    Ok((adjusted, cycles.collect::<Result<_, _>>()?))
}

impl Forecaster for Mstl {
    fn name(&self) -> &'static str {
        "seasonal decomposition"
    }

    fn forecast(&self, steps: usize) -> Vec<f64> {
        let mut told = self.rest.forecast(steps);
        for cycle in &self.cycles {
            told.iter_mut().zip(cycle.forecast(steps)).for_each(|(value, season)| *value += season);
        }
        if self.logarithm {
            told.iter_mut().for_each(|value| *value = value.exp());
        }
        told
    }

    fn follow(&self, values: &[f64]) -> Result<Box<dyn Forecaster>, LearnError> {
        let (adjusted, cycles) = without_seasons(values, &self.seasons, self.logarithm)?;
        let rest = self.rest.following(&adjusted)?;
        Ok(Box::new(Self { rest, cycles, ..self.clone() }))
    }
}
