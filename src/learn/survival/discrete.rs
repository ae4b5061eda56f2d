//! Survival with features: in each interval of time, the chance that it happens to who is still there.

use serde::{Deserialize, Serialize};

use super::Spells;
use crate::LearnError;
use crate::choose::{Progress, Scorer, Settings};
use crate::model::Contributions;
use crate::numeric::quantile;
use crate::table::{Column, Feature, Kind, Table};

/// The features that say how long a row has lasted.
const ELAPSED: &str = "(elapsed)";
const INTERVAL: &str = "(interval)";

/// Events that an interval should hold.
const INTERVAL_EVENTS: usize = 12;

/// How to fit [`Hazards`].
#[derive(Clone, Debug)]
pub struct SurvivalSettings {
    /// Most intervals; their bounds are quantiles of the times at which it happened.
    pub intervals: usize,
    /// How the model of the chances is chosen.
    pub choice: Settings,
}

impl Default for SurvivalSettings {
    fn default() -> Self {
        // rows of one person are not independent, so a margin in standard errors would say little; and naive Bayes
        // would count the time twice, which is both a number and a category
        let choice = Settings { folds: 3, margin: 0.0, naive_bayes: false, ..Settings::default() };
        Self { intervals: 20, choice }
    }
}

/// Discrete-time survival (Singer and Willett, Journal of Educational Statistics 1993; Tutz and Schmid, Modeling
/// Discrete Time-to-Event Data, 2016, chapter 3): each row becomes one for each interval that it was there, and a model
/// of a yes/no outcome, whichever proves best, learns in which one it happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hazards {
    /// Upper bounds of the intervals; the first one begins at 0.
    bounds: Vec<f64>,
    scorer: Scorer,
}

impl Hazards {
    /// Learns from `rows` of `table`; `spells` has one entry for each row of the table. Errors: see [`Spells::check`];
    /// it happened to none; cancelled.
    pub fn fit(
        table: &Table,
        spells: Spells,
        rows: &[u32],
        settings: &SurvivalSettings,
        progress: Progress,
    ) -> Result<Self, LearnError> {
        spells.check()?;
        let (left_len, right_len) = (table.rows(), spells.durations.len());
        if left_len != right_len {
            return Err(LearnError::UnequalLengths { left: "table", left_len, right: "durations", right_len });
        }
        let events = rows.iter().filter(|row| spells.happened[**row as usize]).count();
        let bounds = bounds(spells, rows, (events / INTERVAL_EVENTS).clamp(2, settings.intervals.max(2)));
        if bounds.is_empty() {
            return Err(LearnError::TooFewOutcomes { yes: 0, no: rows.len(), least: 1 });
        }
        let (mut persons, mut places, mut outcome) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let (lasted, happened) = (spells.durations[*row as usize], spells.happened[*row as usize]);
            for (place, upper) in bounds.iter().enumerate() {
                let lower = lower(&bounds, place);
                let here = happened && lasted <= *upper;
                // who left in the middle was there for half of the interval (the actuarial rule)
                if !here && lasted < (lower + upper) / 2.0 {
                    break;
                }
                persons.push(*row);
                places.push(place);
                outcome.push(here);
                if lasted <= *upper {
                    break;
                }
            }
        }
        let expanded = expand(table, &persons, &places, &bounds).with_outcome(outcome).with_group(persons);
        let all: Vec<u32> = (0..expanded.rows() as u32).collect();
        Ok(Self { scorer: Scorer::fit(&expanded, &all, &settings.choice, progress)?, bounds })
    }

    /// Upper bounds of the intervals, in the unit of the durations.
    pub fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    /// The model of the chances: what was chosen, and why.
    pub fn scorer(&self) -> &Scorer {
        &self.scorer
    }

    /// For each of `rows`, the chance that it has not happened by each of `times`; within an interval the risk is even,
    /// and after the last one it stays as it was. Errors: the table lacks a feature or a row.
    pub fn survival(&self, table: &Table, rows: &[u32], times: &[f64]) -> Result<Vec<Vec<f64>>, LearnError> {
        let hazards = self.hazards(table, rows)?;
        let curve = |chances: &[f64]| {
            let logs: Vec<f64> = chances.iter().map(|chance| (1.0 - chance.min(1.0 - 1e-9)).ln()).collect();
            times.iter().map(|time| self.log_left(&logs, *time).exp()).collect()
        };
        Ok(hazards.chunks_exact(self.bounds.len()).map(curve).collect())
    }

    /// The risk of each of `rows`, to order them by: minus the expected time until it happens or the last interval
    /// ends. Errors: as [`Hazards::survival`].
    pub fn risks(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
        let curves = self.survival(table, rows, &self.bounds)?;
        let expected = |curve: &Vec<f64>| {
            let mut before = 1.0;
            let areas = curve.iter().enumerate().map(|(place, left)| {
                let area = (before + left) / 2.0 * (self.bounds[place] - lower(&self.bounds, place));
                before = *left;
                area
            });
            areas.sum::<f64>()
        };
        Ok(curves.iter().map(|curve| -expected(curve)).collect())
    }

    /// Why `row` has its risk in the interval of `time`: log-odds of the features, that of the time itself in the base.
    /// Errors: as [`Hazards::survival`].
    pub fn contributions(&self, table: &Table, row: u32, time: f64) -> Result<Contributions, LearnError> {
        let place = self.bounds.partition_point(|upper| *upper < time).min(self.bounds.len() - 1);
        check_row(table, row)?;
        let one = expand(table, &[row], &[place], &self.bounds);
        let mut why = self.scorer.score(&one, 0)?.contributions;
        for (feature, part) in self.scorer.features().iter().zip(&mut why.parts) {
            if [ELAPSED, INTERVAL].contains(&feature.name.as_str()) {
                why.base += std::mem::take(part);
            }
        }
        Ok(why)
    }

    /// Errors: a number in it is not finite.
    pub fn save(&self) -> Result<Vec<u8>, LearnError> {
        serde_json::to_vec(self).map_err(|error| LearnError::Malformed(error.to_string()))
    }

    /// Errors: not such JSON, of a newer format, or it does not hold together.
    pub fn load(bytes: &[u8]) -> Result<Self, LearnError> {
        let loaded: Self = serde_json::from_slice(bytes).map_err(|error| LearnError::Malformed(error.to_string()))?;
        loaded.check()?;
        Ok(loaded)
    }

    /// Errors: what was loaded does not hold together, so that using it could panic.
    pub(super) fn check(&self) -> Result<(), LearnError> {
        self.scorer.check()?;
        let rising = self.bounds.windows(2).all(|pair| pair[0] < pair[1]);
        if self.bounds.is_empty() || !rising {
            return Err(LearnError::Malformed("the intervals do not follow each other".into()));
        }
        Ok(())
    }

    /// Chances, interval after interval, row after row.
    fn hazards(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
        rows.iter().try_for_each(|row| check_row(table, *row))?;
        let count = self.bounds.len();
        let persons: Vec<u32> = rows.iter().flat_map(|row| std::iter::repeat_n(*row, count)).collect();
        let places: Vec<usize> = rows.iter().flat_map(|_| 0..count).collect();
        let expanded = expand(table, &persons, &places, &self.bounds);
        let all: Vec<u32> = (0..expanded.rows() as u32).collect();
        self.scorer.chances(&expanded, &all)
    }

    fn log_left(&self, logs: &[f64], time: f64) -> f64 {
        let place = self.bounds.partition_point(|upper| *upper <= time);
        let whole: f64 = logs[..place].iter().sum();
        let current = place.min(self.bounds.len() - 1);
        let from = if place < self.bounds.len() { lower(&self.bounds, place) } else { self.bounds[current] };
        let width = self.bounds[current] - lower(&self.bounds, current);
        whole + logs[current] * ((time - from) / width).max(0.0)
    }
}

fn check_row(table: &Table, row: u32) -> Result<(), LearnError> {
    let fine = (row as usize) < table.rows();
    if fine { Ok(()) } else { Err(LearnError::NoRow { row: row as usize, rows: table.rows() }) }
}

fn lower(bounds: &[f64], place: usize) -> f64 {
    place.checked_sub(1).map_or(0.0, |before| bounds[before])
}

/// Rising quantiles of the times above 0 at which it happened.
fn bounds(spells: Spells, rows: &[u32], most: usize) -> Vec<f64> {
    let (durations, happened) = spells.pick(rows);
    let mut times: Vec<f64> = durations
        .into_iter()
        .zip(happened)
        .filter(|(time, happened)| *happened && *time > 0.0)
        .map(|(time, _)| time)
        .collect();
    times.sort_by(f64::total_cmp);
    let mut bounds: Vec<f64> = Vec::new();
    if !times.is_empty() {
        bounds.extend((1..=most).map(|part| quantile(&times, part as f64 / most as f64)));
    }
    bounds.dedup();
    bounds
}

/// A row for each person and interval, with the interval as a number for trees and as a category for the rest.
fn expand(table: &Table, persons: &[u32], places: &[usize], bounds: &[f64]) -> Table {
    let elapsed = places.iter().map(|place| (lower(bounds, *place) + bounds[*place]) / 2.0).collect();
    let levels = (0..bounds.len()).map(|place| place.to_string()).collect();
    let codes = places.iter().map(|place| *place as u32).collect();
    table
        .picked(persons)
        .with(Feature::new(ELAPSED, Kind::Number), Column::Numbers(elapsed))
        .with(Feature::new(INTERVAL, Kind::Category), Column::Categories { levels, codes })
}
