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

/// Means over the folds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SurvivalFigures {
    pub concordance: f64,
    pub integrated_brier: f64,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SurvivalMeasured {
    pub ours: SurvivalFigures,
    /// Ours on each fold.
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

/// Learns from all folds but one and predicts that one, for each fold. Errors: as [`Hazards::fit`].
pub fn measure_survival(
    table: &Table,
    spells: Spells,
    fold_of: &[usize],
    settings: &SurvivalSettings,
    progress: Progress,
) -> Result<SurvivalMeasured, LearnError> {
    spells.check()?;
    let folds = fold_of.iter().max().map_or(0, |last| last + 1);
    let mut measured = SurvivalMeasured::default();
    for fold in 0..folds {
        let rows = 0..table.rows().min(fold_of.len()) as u32;
        let (test, learn): (Vec<u32>, Vec<u32>) = rows.partition(|row| fold_of[*row as usize] == fold);
        let (learned, had) = spells.pick(&learn);
        let ended: Vec<bool> = had.iter().map(|had| !had).collect();
        let watch = KaplanMeier::fit(Spells { durations: &learned, happened: &ended })?;
        let everyone = KaplanMeier::fit(Spells { durations: &learned, happened: &had })?;
        let (lasted, happened) = spells.pick(&test);
        let held = Spells { durations: &lasted, happened: &happened };
        let grid = judged_times(&learned);
        let model = Hazards::fit(table, spells, &learn, settings, progress)?;
        let share = 1.0 / folds as f64;
        let survival = model.survival(table, &test, &grid)?;
        let figures = SurvivalFigures {
            concordance: concordance(&model.risks(table, &test)?, held)?.unwrap_or(0.5),
            integrated_brier: integrated_brier(&survival, &grid, held, &watch)?,
        };
        measured.ours.integrated_brier += share * figures.integrated_brier;
        measured.ours.concordance += share * figures.concordance;
        measured.folds.push(figures);
        let same = vec![grid.iter().map(|time| everyone.at(*time)).collect(); test.len()];
        measured.naive.integrated_brier += share * integrated_brier(&same, &grid, held, &watch)?;
        measured.naive.concordance += share * 0.5;
        measured.shares.push(model.shares());
        measured.champions.push(model.scorer().recipe().name().to_owned());
    }
    Ok(measured)
}

/// Even times from the first to the last one compared.
pub(super) fn judged_times(durations: &[f64]) -> Vec<f64> {
    let mut sorted = durations.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (first, last) = (quantile(&sorted, 0.0), quantile(&sorted, LAST));
    (0..TIMES).map(|at| first + (last - first) * at as f64 / (TIMES - 1) as f64).collect()
}
