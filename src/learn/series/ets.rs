//! Exponential smoothing in all its forms, the form chosen by the data.

use super::{Forecaster, LONG_SEASON, check};
use crate::LearnError;
use crate::numeric::{logit, minimise, sigmoid};

/// Values of the likelihood looked at for one form, for each number that is fitted.
const LOOKS: usize = 220;
/// Looks in all for one form.
const MOST_LOOKS: usize = 3_500;

/// How the level moves from step to step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    None,
    Additive,
    Damped,
}

/// How the season comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Season {
    None,
    Additive,
    Multiplicative,
}

/// Which form of exponential smoothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EtsForm {
    /// Errors grow with the level.
    pub relative_error: bool,
    pub trend: Trend,
    pub season: Season,
}

impl EtsForm {
    /// The forms whose forecasts are stable (Hyndman et al., Forecasting with Exponential Smoothing, 2008, 7.3).
    fn candidates(seasonal: bool, positive: bool) -> Vec<Self> {
        let mut forms = Vec::new();
        for trend in [Trend::None, Trend::Additive, Trend::Damped] {
            for season in [Season::None, Season::Additive, Season::Multiplicative] {
                for relative_error in [false, true] {
                    let stable = relative_error || season != Season::Multiplicative;
                    let possible = (seasonal || season == Season::None) && (positive || !relative_error);
                    if stable && possible {
                        forms.push(Self { relative_error, trend, season });
                    }
                }
            }
        }
        forms
    }

    /// Smoothing parameters and free initial states.
    fn numbers(self, length: usize) -> usize {
        let trend = match self.trend {
            Trend::None => 0,
            Trend::Additive => 2,
            Trend::Damped => 3,
        };
        2 + trend + if self.season == Season::None { 0 } else { length }
    }
}

/// How fast level, slope and season follow the values, and how fast the slope fades.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Smoothing {
    level: f64,
    slope: f64,
    season: f64,
    damping: f64,
}

/// Level, slope per step, and the season's places beginning with that of the next value.
#[derive(Clone, Debug, PartialEq)]
struct State {
    level: f64,
    slope: f64,
    season: Vec<f64>,
    next: usize,
}

/// Exponential smoothing (Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing, 2008): a state
/// space model of error, trend and season, fitted by maximum likelihood; the form with the smallest corrected AIC
/// (section 7.2) among the stable ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Ets {
    form: EtsForm,
    smoothing: Smoothing,
    start: State,
    now: State,
    /// What values are divided by.
    unit: f64,
    score: f64,
}

impl Ets {
    /// The best form. Seasons longer than 24 are not looked at. Errors: fewer than 4 values, a gap, or values beyond
    /// what can be computed with.
    pub fn fit(values: &[f64], season: usize) -> Result<Self, LearnError> {
        check(values, 4)?;
        let seasonal = (2..=LONG_SEASON).contains(&season) && values.len() >= 2 * season + 2;
        let positive = values.iter().all(|value| *value > 0.0);
        let forms = EtsForm::candidates(seasonal, positive);
        let fits = forms.into_iter().filter_map(|form| Self::fit_form(values, season, form).ok());
        fits.min_by(|a, b| a.score.total_cmp(&b.score)).ok_or(LearnError::NotFinite)
    }

    /// One form. Errors: too few values for its parameters, a gap, a form that needs values above 0.
    pub fn fit_form(values: &[f64], season: usize, form: EtsForm) -> Result<Self, LearnError> {
        let length = if form.season == Season::None { 1 } else { season };
        check(values, if length > 1 { length.saturating_mul(2) } else { 1 })?;
        let numbers = form.numbers(length);
        check(values, numbers + 3)?;
        let unit = values.iter().map(|value| value.abs()).sum::<f64>() / values.len() as f64;
        let unit = if unit > 0.0 { unit } else { 1.0 };
        let scaled: Vec<f64> = values.iter().map(|value| value / unit).collect();
        let guess = State::guess(&scaled, length, form);
        let cost = |point: &[f64]| {
            let (smoothing, mut state) = unpack(point, length, form);
            state.likelihood(&scaled, form, &smoothing)
        };
        let (start, steps) = starting_point(&guess, length, form, cost);
        let limit = (LOOKS * start.len()).min(MOST_LOOKS);
        let (best, value) = minimise(&start, &steps, limit, cost);
        if !value.is_finite() {
            return Err(LearnError::NotFinite);
        }
        let (smoothing, start) = unpack(&best, length, form);
        let (count, numbers) = (values.len() as f64, numbers as f64);
        let score = value + 2.0 * numbers + 2.0 * numbers * (numbers + 1.0) / (count - numbers - 1.0);
        let now = start.after(&scaled, form, &smoothing);
        Ok(Self { form, smoothing, now, start, unit, score })
    }

    /// The form that was chosen.
    pub fn form(&self) -> EtsForm {
        self.form
    }

    /// The same parameters after a longer history, which must begin as the one learned from. Errors: a gap, or numbers
    /// that do not settle.
    pub(super) fn following(&self, values: &[f64]) -> Result<Self, LearnError> {
        check(values, 1)?;
        let scaled: Vec<f64> = values.iter().map(|value| value / self.unit).collect();
        let now = self.start.after(&scaled, self.form, &self.smoothing);
        if !now.level.is_finite() {
            return Err(LearnError::NotFinite);
        }
        Ok(Self { now, ..self.clone() })
    }

    /// Corrected AIC of the values divided by their mean size: to compare forms on the same values.
    pub fn score(&self) -> f64 {
        self.score
    }
}

impl Forecaster for Ets {
    fn name(&self) -> &'static str {
        "exponential smoothing"
    }

    fn forecast(&self, steps: usize) -> Vec<f64> {
        let mut state = self.now.clone();
        (0..steps)
            .map(|_| {
                let (trended, told) = state.expect(self.form, &self.smoothing);
                (state.slope, state.level) = (self.smoothing.damping * state.slope, trended);
                state.next = (state.next + 1) % state.season.len();
                told * self.unit
            })
            .collect()
    }

    /// `values` must begin as the history that was learned from.
    fn follow(&self, values: &[f64]) -> Result<Box<dyn Forecaster>, LearnError> {
        Ok(Box::new(self.following(values)?))
    }
}

impl State {
    /// Season by classical decomposition; level and slope by the line through the first values without it (Hyndman et
    /// al., 2.6.1).
    fn guess(values: &[f64], length: usize, form: EtsForm) -> Self {
        let factors = form.season == Season::Multiplicative;
        let season = if length > 1 {
            super::theta::indices(values, length, factors)
        } else {
            vec![if factors { 1.0 } else { 0.0 }]
        };
        let without = |at: usize, value: f64| match form.season {
            Season::None => value,
            Season::Additive => value - season[at % length],
            Season::Multiplicative => value / season[at % length],
        };
        let first: Vec<f64> =
            values.iter().enumerate().take((2 * length).max(10)).map(|(at, value)| without(at, *value)).collect();
        let (middle, count) = ((first.len() - 1) as f64 / 2.0, first.len() as f64);
        let mean = first.iter().sum::<f64>() / count;
        let along: f64 = (0..first.len()).map(|at| (at as f64 - middle).powi(2)).sum();
        let across: f64 = first.iter().enumerate().map(|(at, value)| (at as f64 - middle) * value).sum();
        let slope = if form.trend == Trend::None || along == 0.0 { 0.0 } else { across / along };
        Self { level: mean - slope * (middle + 1.0), slope, season, next: 0 }
    }

    /// Level with trend, and the value that is expected.
    #[inline]
    fn expect(&self, form: EtsForm, smoothing: &Smoothing) -> (f64, f64) {
        let trended = self.level + smoothing.damping * self.slope;
        let told = match form.season {
            Season::None => trended,
            Season::Additive => trended + self.season[self.next],
            Season::Multiplicative => trended * self.season[self.next],
        };
        (trended, told)
    }

    #[inline]
    fn step(&mut self, value: f64, trended: f64, form: EtsForm, smoothing: &Smoothing) {
        let place = self.season[self.next];
        let (plain, shown) = match form.season {
            Season::None => (value, 0.0),
            Season::Additive => (value - place, value - trended),
            Season::Multiplicative => (value / place, value / trended),
        };
        let before = self.level;
        self.level = trended + smoothing.level * (plain - trended);
        if form.trend != Trend::None {
            let faded = smoothing.damping * self.slope;
            self.slope = faded + smoothing.slope / smoothing.level * (self.level - before - faded);
        }
        if form.season != Season::None {
            self.season[self.next] = place + smoothing.season * (shown - place);
        }
        self.next += 1;
        if self.next == self.season.len() {
            self.next = 0;
        }
    }

    /// -2 ln of the likelihood but for a constant; the state ends after the values.
    fn likelihood(&mut self, values: &[f64], form: EtsForm, smoothing: &Smoothing) -> f64 {
        let (mut squares, mut logs) = (0.0, 0.0);
        for value in values {
            let (trended, told) = self.expect(form, smoothing);
            let mut off = value - told;
            if form.relative_error {
                if told <= 0.0 {
                    return f64::INFINITY;
                }
                off /= told;
                logs += told.ln();
            }
            if form.season == Season::Multiplicative && (trended <= 0.0 || self.season[self.next] <= 0.0) {
                return f64::INFINITY;
            }
            squares += off * off;
            self.step(*value, trended, form, smoothing);
        }
        values.len() as f64 * squares.max(1e-300).ln() + 2.0 * logs
    }

    fn after(&self, values: &[f64], form: EtsForm, smoothing: &Smoothing) -> Self {
        let mut state = self.clone();
        for value in values {
            let (trended, _) = state.expect(form, smoothing);
            state.step(*value, trended, form, smoothing);
        }
        state
    }
}

/// The smoothing parameters within their usual bounds (Hyndman et al., 2.5) and the initial state, from free numbers.
fn unpack(point: &[f64], length: usize, form: EtsForm) -> (Smoothing, State) {
    let mut numbers = point.iter().copied();
    let mut next = || numbers.next().unwrap_or(0.0);
    let level = 1e-4 + 0.9998 * sigmoid(next());
    let slope = if form.trend == Trend::None { 0.0 } else { level * sigmoid(next()) };
    let damping = if form.trend == Trend::Damped { 0.8 + 0.18 * sigmoid(next()) } else { 1.0 };
    let season = if form.season == Season::None { 0.0 } else { (1.0 - level) * sigmoid(next()) };
    let smoothing = Smoothing { level, slope, season, damping };
    let level = next();
    let slope = if form.trend == Trend::None { 0.0 } else { next() };
    let whole = if form.season == Season::Multiplicative { length as f64 } else { 0.0 };
    let mut places: Vec<f64> = (1..length).map(|_| next()).collect();
    places.push(whole - places.iter().sum::<f64>());
    (smoothing, State { level, slope, season: places, next: 0 })
}

/// Free numbers for the guessed state and the best of a few smoothing parameters, with the sizes of first moves.
fn starting_point(guess: &State, length: usize, form: EtsForm, cost: impl Fn(&[f64]) -> f64) -> (Vec<f64>, Vec<f64>) {
    let mut states = vec![guess.level];
    if form.trend != Trend::None {
        states.push(guess.slope);
    }
    states.extend_from_slice(&guess.season[..length - 1]);
    let slopes: &[f64] = if form.trend == Trend::None { &[0.0] } else { &[0.02, 0.2] };
    let seasons: &[f64] = if form.season == Season::None { &[0.0] } else { &[0.05, 0.3] };
    let mut best: Option<(f64, Vec<f64>)> = None;
    for level in [0.05, 0.2, 0.5, 0.85] {
        for slope in slopes {
            for season in seasons {
                let mut point = vec![logit(level)];
                point.extend((form.trend != Trend::None).then(|| logit(*slope)));
                point.extend((form.trend == Trend::Damped).then_some(2.0));
                point.extend((form.season != Season::None).then(|| logit(*season)));
                point.extend_from_slice(&states);
                let cost = cost(&point);
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, point));
                }
            }
        }
    }
    let point = best.map(|(_, point)| point).unwrap_or_default();
    let smoothing = point.len() - states.len();
    let steps = (0..point.len()).map(|at| {
        let is_slope = form.trend != Trend::None && at == smoothing + 1;
        if at < smoothing {
            1.0
        } else if is_slope {
            0.01
        } else {
            0.05
        }
    });
    let steps = steps.collect();
    (point, steps)
}
