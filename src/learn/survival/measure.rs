//! What survival models are worth on rows that they did not learn from.

use std::io::{Read, Seek};

use serde::Serialize;

use super::{Hazards, KaplanMeier, Shares, Spells, SurvivalSettings, concordance, integrated_brier};
use crate::LearnError;
use crate::choose::Progress;
use crate::numeric::quantile;
use crate::table::{CsvOptions, Table, read_csv};

/// Times at which predicted survival is compared, up to the time that nine in ten lasted at most.
const TIMES: usize = 100;
const LAST: f64 = 0.9;

/// Means over the folds of all splits.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SurvivalFigures {
    pub concordance: f64,
    pub integrated_brier: f64,
}

/// What came out.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SurvivalMeasured {
    pub ours: SurvivalFigures,
    /// Ours on each fold, split after split.
    pub folds: Vec<SurvivalFigures>,
    /// Kaplan-Meier: the same curve for all.
    pub naive: SurvivalFigures,
    /// The weights chosen on each fold, and the model of the chances in each interval.
    pub shares: Vec<Shares>,
    pub champions: Vec<String>,
}

/// A table from CSV with how long each row was watched and whether it happened (`yes` or `no`): see [`read_csv`].
/// Errors: as there; a duration that is no number.
pub fn read_spells(
    source: impl Read + Seek,
    duration: &str,
    happened: &str,
) -> Result<(Table, Vec<f64>, Vec<bool>), LearnError> {
    let options = CsvOptions { target: Some(happened.into()), ..CsvOptions::default() };
    let table = read_csv(source, &options)?.table;
    let place = table.features().iter().position(|feature| feature.name == duration);
    let have = || table.features().iter().map(|feature| feature.name.as_str()).collect::<Vec<_>>().join(", ");
    let place = place.ok_or_else(|| LearnError::NoColumn { name: duration.into(), have: have() })?;
    let durations: Vec<f64> = (0..table.rows()).map(|row| table.column(place).number(row)).collect();
    let happened = table.outcome()?.to_vec();
    Spells { durations: &durations, happened: &happened }.check()?;
    Ok((table.without(&[place]), durations, happened))
}

/// Learns from all folds but one and predicts that one, for each fold of each of `splits`, which say the fold of each
/// row. Errors: as [`Hazards::fit`]; a split of another length.
pub fn measure_survival(
    table: &Table,
    spells: Spells,
    splits: &[Vec<usize>],
    settings: &SurvivalSettings,
    progress: Progress,
) -> Result<SurvivalMeasured, LearnError> {
    spells.check()?;
    let count = |split: &Vec<usize>| split.iter().max().map_or(0, |last| last + 1);
    let mut measured = SurvivalMeasured::default();
    let share = 1.0 / splits.iter().map(count).sum::<usize>().max(1) as f64;
    for split in splits {
        let (left_len, right_len) = (table.rows(), split.len());
        if left_len != right_len {
            return Err(LearnError::UnequalLengths { left: "table", left_len, right: "a split", right_len });
        }
        for fold in 0..count(split) {
            let (test, learn) = (0..split.len() as u32).partition(|row| split[*row as usize] == fold);
            measured.fold(table, spells, (learn, test), (settings, share), progress)?;
        }
    }
    Ok(measured)
}

impl SurvivalMeasured {
    /// Adds a fold, which counts for `share` in the means.
    fn fold(
        &mut self,
        table: &Table,
        spells: Spells,
        (learn, test): (Vec<u32>, Vec<u32>),
        (settings, share): (&SurvivalSettings, f64),
        progress: Progress,
    ) -> Result<(), LearnError> {
        let (learned, had) = spells.pick(&learn);
        let ended: Vec<bool> = had.iter().map(|had| !had).collect();
        let watch = KaplanMeier::fit(Spells { durations: &learned, happened: &ended })?;
        let everyone = KaplanMeier::fit(Spells { durations: &learned, happened: &had })?;
        let (lasted, happened) = spells.pick(&test);
        let held = Spells { durations: &lasted, happened: &happened };
        let grid = judged_times(&learned);
        let model = Hazards::fit(table, spells, &learn, settings, progress)?;
        let survival = model.survival(table, &test, &grid)?;
        let figures = SurvivalFigures {
            concordance: concordance(&model.risks(table, &test)?, held)?.unwrap_or(0.5),
            integrated_brier: integrated_brier(&survival, &grid, held, &watch)?,
        };
        self.ours.integrated_brier += share * figures.integrated_brier;
        self.ours.concordance += share * figures.concordance;
        self.folds.push(figures);
        let same = vec![grid.iter().map(|time| everyone.at(*time)).collect(); test.len()];
        self.naive.integrated_brier += share * integrated_brier(&same, &grid, held, &watch)?;
        self.naive.concordance += share * 0.5;
        self.shares.push(model.shares());
        self.champions.push(model.scorer().recipe().name().to_owned());
        Ok(())
    }
}

/// Even times from the first to the last one compared.
pub(super) fn judged_times(durations: &[f64]) -> Vec<f64> {
    let mut sorted = durations.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (first, last) = (quantile(&sorted, 0.0), quantile(&sorted, LAST));
    (0..TIMES).map(|at| first + (last - first) * at as f64 / (TIMES - 1) as f64).collect()
}
