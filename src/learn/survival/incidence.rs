//! Several ways to end: an open deal is won or lost, and who was lost can no longer be won.

use serde::{Deserialize, Serialize};

use super::{Hazards, Spells, SurvivalSettings};
use crate::LearnError;
use crate::choose::Progress;
use crate::table::Table;

/// Competing outcomes by discrete-time survival: a model of the risk of each of them (Prentice et al., Biometrics 1978;
/// Tutz and Schmid, Modeling Discrete Time-to-Event Data, 2016, chapter 8), put together into the chance that each has
/// happened by some time. Rows that were looked at when they had already lasted for a while count from that look on,
/// with features as of it (landmarks: van Houwelingen, Scandinavian Journal of Statistics 2007).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Incidence {
    risks: Vec<Hazards>,
}

impl Incidence {
    /// Learns from `rows` of `table`. `durations` (in any one unit, 0 or more) say how long each row of the table was
    /// watched, `ended` which of `outcomes` outcomes ended the watch; `None` where it was still open. Errors: see
    /// [`Spells::check`]; an outcome beyond the last; one that never happened; cancelled.
    pub fn fit(
        table: &Table,
        (durations, ended): (&[f64], &[Option<usize>]),
        rows: &[u32],
        (outcomes, settings): (usize, &SurvivalSettings),
        progress: Progress,
    ) -> Result<Self, LearnError> {
        if let Some((at, beyond)) =
            ended.iter().enumerate().find_map(|(at, end)| end.map(|end| (at, end)).filter(|(_, end)| *end >= outcomes))
        {
            let must = "below the number of outcomes";
            return Err(LearnError::OutOfRange { what: "outcome", at, value: beyond as f64, must });
        }
        let risk = |outcome: usize| {
            let happened: Vec<bool> = ended.iter().map(|end| *end == Some(outcome)).collect();
            Hazards::fit(table, Spells { durations, happened: &happened }, rows, settings, progress)
        };
        Ok(Self { risks: (0..outcomes).map(risk).collect::<Result<_, _>>()? })
    }

    /// The model of the risk of each outcome.
    pub fn risks(&self) -> &[Hazards] {
        &self.risks
    }

    /// For each of `rows`, the chances (0 to 1) that it has ended in `outcome` by each of `times` (rising). Over all
    /// outcomes they sum to the chance that it has ended. Errors: there is no such outcome; the table lacks a feature or
    /// a row.
    pub fn by(&self, table: &Table, rows: &[u32], outcome: usize, times: &[f64]) -> Result<Vec<Vec<f64>>, LearnError> {
        if outcome >= self.risks.len() {
            let (value, must) = (outcome as f64, "below the number of outcomes");
            return Err(LearnError::OutOfRange { what: "outcome", at: 0, value, must });
        }
        // between these the risks are even
        let mut grid: Vec<f64> = self.risks.iter().flat_map(|risk| risk.bounds()).copied().collect();
        grid.extend(times.iter().filter(|time| time.is_finite() && **time > 0.0));
        grid.sort_by(f64::total_cmp);
        grid.dedup();
        let curves: Vec<Vec<Vec<f64>>> =
            self.risks.iter().map(|risk| risk.survival(table, rows, &grid)).collect::<Result<_, _>>()?;
        let row = |row: usize| {
            let alone: Vec<&[f64]> = curves.iter().map(|curve| curve[row].as_slice()).collect();
            let happened = add_up(&alone, outcome);
            let by = |time: &f64| match grid.partition_point(|at| at <= time) {
                0 => 0.0,
                past => happened[past - 1],
            };
            times.iter().map(by).collect()
        };
        Ok((0..rows.len()).map(row).collect())
    }

    /// Errors: a number in it is not finite.
    pub fn save(&self) -> Result<Vec<u8>, LearnError> {
        serde_json::to_vec(self).map_err(|error| LearnError::Malformed(error.to_string()))
    }

    /// Errors: not such JSON, of a newer format, or it does not hold together.
    pub fn load(bytes: &[u8]) -> Result<Self, LearnError> {
        let loaded: Self = serde_json::from_slice(bytes).map_err(|error| LearnError::Malformed(error.to_string()))?;
        loaded.risks.iter().try_for_each(Hazards::check)?;
        Ok(loaded)
    }
}

/// The chance that `outcome` has happened by the end of each step, from what would be left after each step if only one
/// outcome were possible. Within a step each outcome takes its share of the risk.
fn add_up(alone: &[&[f64]], outcome: usize) -> Vec<f64> {
    let risk = |curve: &[f64], step: usize| {
        let before = if step == 0 { 1.0 } else { curve[step - 1] };
        if curve[step] < before { (before / curve[step].max(f64::MIN_POSITIVE)).ln() } else { 0.0 }
    };
    let (mut left, mut happened) = (1.0, 0.0);
    let steps = alone.first().map_or(0, |curve| curve.len());
    (0..steps)
        .map(|step| {
            let all: f64 = alone.iter().map(|curve| risk(curve, step)).sum();
            if all > 0.0 {
                let ended = left * -(-all).exp_m1();
                happened += ended * risk(alone[outcome], step) / all;
                left -= ended;
            }
            happened
        })
        .collect()
}
