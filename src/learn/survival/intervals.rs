//! Time in intervals: where they end, and how the risk of all lies within them.

use serde::{Deserialize, Serialize};

use super::{KaplanMeier, Spells};
use crate::LearnError;
use crate::numeric::quantile;

/// Events that an interval should hold.
const INTERVAL_EVENTS: usize = 12;

/// Intervals that follow each other from 0, each with a share of the events, and the cumulative risk of all (Nelson and
/// Aalen: Kalbfleisch and Prentice, 1.4) at the times of events: within an interval the risk of a row lies as that of
/// all does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// Upper bounds, rising.
    bounds: Vec<f64>,
    /// Times of events with the cumulative risk after them, both rising.
    clock: Vec<(f64, f64)>,
}

impl Intervals {
    /// Of `rows`, at most `most` (at least 2) of them; fewer where few had it. Errors: it happened to none after 0.
    pub fn fit(spells: Spells, rows: &[u32], most: usize) -> Result<Self, LearnError> {
        let (durations, happened) = spells.pick(rows);
        let curve = KaplanMeier::fit(Spells { durations: &durations, happened: &happened })?;
        let mut times: Vec<f64> = durations
            .iter()
            .zip(&happened)
            .filter(|(time, had)| **had && **time > 0.0)
            .map(|(time, _)| *time)
            .collect();
        if times.is_empty() {
            return Err(LearnError::TooFew { what: "rows to which it happened after time 0", have: 0, least: 1 });
        }
        times.sort_by(f64::total_cmp);
        let parts = (times.len() / INTERVAL_EVENTS).clamp(2, most.max(2));
        let mut bounds: Vec<f64> = (1..=parts).map(|part| quantile(&times, part as f64 / parts as f64)).collect();
        bounds.dedup();
        let mut sum = 0.0;
        let clock = curve.steps().iter().map(|step| {
            let (had, watched) = (step.happened as f64, step.at_risk as f64);
            // where all had it, half a row is taken to have stayed
            sum -= (1.0 - had / watched).max(0.5 / watched).ln();
            (step.time, sum)
        });
        Ok(Self { clock: clock.collect(), bounds })
    }

    /// Upper bounds of the intervals, rising, in the unit of the durations.
    pub fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    /// Intervals in all.
    pub fn count(&self) -> usize {
        self.bounds.len()
    }

    /// Where the interval at `place` begins.
    pub fn lower(&self, place: usize) -> f64 {
        place.checked_sub(1).map_or(0.0, |before| self.bounds[before])
    }

    /// The interval in which `time` lies; the last one for all later times.
    pub fn place(&self, time: f64) -> usize {
        self.bounds.partition_point(|upper| *upper < time).min(self.bounds.len() - 1)
    }

    /// Cumulative risk of all by `time`.
    fn risk(&self, time: f64) -> f64 {
        let place = self.clock.partition_point(|(at, _)| *at <= time);
        place.checked_sub(1).map_or(0.0, |before| self.clock[before].1)
    }

    /// ln of the risk of all in each interval.
    pub fn log_risks(&self) -> Vec<f64> {
        (0..self.count()).map(|place| self.risk_in(place).max(f64::MIN_POSITIVE).ln()).collect()
    }

    fn risk_in(&self, place: usize) -> f64 {
        let before = if place == 0 { 0.0 } else { self.risk(self.bounds[place - 1]) };
        self.risk(self.bounds[place]) - before
    }

    /// How much of each interval's risk has passed by each of `times`: (interval, share of it), all before it wholly.
    /// After the last bound the share grows beyond 1, as if the last risk stayed.
    pub fn passed(&self, times: &[f64]) -> Vec<(usize, f64)> {
        let share = |time: &f64| {
            let place = self.place(*time);
            let (from, to) = (self.lower(place), self.bounds[place]);
            if *time > to {
                return (place, 1.0 + (time - to) / (to - from));
            }
            let (within, before) = (self.risk_in(place), if place == 0 { 0.0 } else { self.risk(from) });
            let share = if within > 0.0 { (self.risk(*time) - before) / within } else { (time - from) / (to - from) };
            (place, share.clamp(0.0, 1.0))
        };
        times.iter().map(share).collect()
    }

    /// Errors: what was loaded does not hold together.
    pub fn check(&self) -> Result<(), LearnError> {
        let rising = self.bounds.windows(2).all(|pair| pair[0] < pair[1]);
        let from_zero = self.bounds.first().is_some_and(|first| *first > 0.0);
        let clock = self.clock.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        if rising && from_zero && clock {
            return Ok(());
        }
        Err(LearnError::Malformed("the intervals do not follow each other".into()))
    }
}
