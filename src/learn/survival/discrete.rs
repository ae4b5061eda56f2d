//! Survival as a row of yes/no questions: in each interval of time, the chance that it happens to who is still there.

use serde::{Deserialize, Serialize};

use super::{Intervals, Spells};
use crate::LearnError;
use crate::choose::{Progress, Scorer, Settings};
use crate::model::Contributions;
use crate::table::{Column, Feature, Kind, Table};

/// The features that say how long a row has lasted.
const ELAPSED: &str = "(elapsed)";
const INTERVAL: &str = "(interval)";

/// Discrete-time survival (Singer and Willett, Journal of Educational Statistics 1993; Tutz and Schmid, Modeling
/// Discrete Time-to-Event Data, 2016, chapter 3): each row becomes one for each interval that it was there, and a model
/// of a yes/no outcome, whichever proves best, learns in which one it happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Discrete {
    pub scorer: Scorer,
}

impl Discrete {
    /// Errors: cancelled, or no model could be fitted.
    pub fn fit(
        table: &Table,
        (spells, rows): (Spells, &[u32]),
        intervals: &Intervals,
        settings: &Settings,
        progress: Progress,
    ) -> Result<Self, LearnError> {
        let (mut persons, mut places, mut outcome) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let (lasted, happened) = (spells.durations[*row as usize], spells.happened[*row as usize]);
            for (place, upper) in intervals.bounds().iter().enumerate() {
                let here = happened && lasted <= *upper;
                // who left in the middle was there for half of the interval (the actuarial rule)
                if !here && lasted < (intervals.lower(place) + upper) / 2.0 {
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
        let expanded = expand(table, &persons, &places, intervals).with_outcome(outcome).with_group(persons);
        let all: Vec<u32> = (0..expanded.rows() as u32).collect();
        Ok(Self { scorer: Scorer::fit(&expanded, &all, settings, progress)? })
    }

    /// For each of `rows` ln of the risk in each interval, row after row. Errors: the table lacks a feature or a row.
    pub fn log_risks(&self, table: &Table, rows: &[u32], intervals: &Intervals) -> Result<Vec<f64>, LearnError> {
        let count = intervals.count();
        let persons: Vec<u32> = rows.iter().flat_map(|row| std::iter::repeat_n(*row, count)).collect();
        let places: Vec<usize> = rows.iter().flat_map(|_| 0..count).collect();
        let expanded = expand(table, &persons, &places, intervals);
        let all: Vec<u32> = (0..expanded.rows() as u32).collect();
        let chances = self.scorer.chances(&expanded, &all)?;
        Ok(chances.into_iter().map(|chance| (-(-chance.clamp(1e-9, 1.0 - 1e-9)).ln_1p()).ln()).collect())
    }

    /// Log-odds of the features in the interval at `place`, those of the time itself in the base. Errors: the table
    /// lacks a feature or the row.
    pub fn contributions(
        &self,
        table: &Table,
        row: u32,
        (intervals, place): (&Intervals, usize),
    ) -> Result<Contributions, LearnError> {
        let one = expand(table, &[row], &[place], intervals);
        let mut why = self.scorer.score(&one, 0)?.contributions;
        let features = self.scorer.features();
        for (feature, part) in features.iter().zip(&mut why.parts) {
            if [ELAPSED, INTERVAL].contains(&feature.name.as_str()) {
                why.base += std::mem::take(part);
            }
        }
        why.parts.truncate(features.len().saturating_sub(2));
        Ok(why)
    }

    /// The features without those of the time, which come last.
    pub fn features(&self) -> &[Feature] {
        let features = self.scorer.features();
        &features[..features.len().saturating_sub(2)]
    }
}

/// A row for each person and interval, with the interval as a number for trees and as a category for the rest.
fn expand(table: &Table, persons: &[u32], places: &[usize], intervals: &Intervals) -> Table {
    let elapsed = places.iter().map(|place| (intervals.lower(*place) + intervals.bounds()[*place]) / 2.0).collect();
    let levels = (0..intervals.count()).map(|place| place.to_string()).collect();
    let codes = places.iter().map(|place| *place as u32).collect();
    table
        .picked(persons)
        .with(Feature::new(ELAPSED, Kind::Number), Column::Numbers(elapsed))
        .with(Feature::new(INTERVAL, Kind::Category), Column::Categories { levels, codes })
}
