//! What is kept of training: the chosen model with its calibration, its figures and where it came from, in one file.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::search::{Candidate, Choice, Progress, Settings};
use super::train::Training;
use crate::model::{Contributions, Model, Recipe, Trained};
use crate::table::{Column, Feature, Table};
use crate::trust::{Calibration, Conformal, Landscape, Metrics, Reason, Standing, Templates, Usual, reasons};
use crate::{LearnError, saved};

/// The newest format of saved scorers.
const FORMAT: u16 = 4;

/// A calibrated model of a yes/no outcome.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scorer {
    format: u16,
    recipe: Recipe,
    trained: Trained,
    calibration: Calibration,
    conformal: Conformal,
    candidates: Vec<Candidate>,
    /// On rows that the models did not learn from, but that the choice looked at; `None` where there were too few.
    metrics: Option<Metrics>,
    rows: usize,
    yes: usize,
    seed: u64,
    /// SHA-256 of the rows learned from, as hexadecimal digits.
    data: String,
    /// Of the rows learned from, in the order of the features; files of format 1 have none.
    #[serde(default)]
    usual: Vec<Usual>,
    #[serde(default)]
    landscape: Option<Landscape>,
    /// What features say only because of where a row stands; earlier files have none.
    #[serde(default)]
    standing: Standing,
    /// The `data` of the scorer that this one took the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
}

/// The score of one row.
#[derive(Clone, Debug, Serialize)]
pub struct Score {
    /// 0 to 1.
    pub chance: f64,
    /// In log-odds, before calibration.
    pub contributions: Contributions,
}

impl Scorer {
    /// Chooses, fits and calibrates on `rows`. Errors: no outcomes, cancelled.
    pub fn fit(table: &Table, rows: &[u32], settings: &Settings, progress: Progress) -> Result<Self, LearnError> {
        Training::start(table, rows, settings)?.run(progress)
    }

    /// The winner of `choice`, fitted to `rows`, of which `data` is the fingerprint.
    pub(super) fn new(
        table: &Table,
        rows: &[u32],
        settings: &Settings,
        choice: Choice,
        trained: Trained,
        data: String,
    ) -> Result<Self, LearnError> {
        let chances = choice.calibration.chances(&choice.scores);
        let outcome = table.outcome()?;
        let usual = Usual::of(table, rows);
        let place = |feature: &Feature| table.features().iter().position(|have| have == feature);
        let usual_of = |feature| place(feature).map_or(Usual::Nothing, |at| usual[at].clone());
        let trained_usual = trained.features().iter().map(usual_of).collect();
        Ok(Self {
            format: FORMAT,
            recipe: choice.recipe,
            standing: Standing::of(&trained, table, rows)?,
            trained,
            conformal: Conformal::fit(&chances, &choice.outcome),
            metrics: (!chances.is_empty()).then(|| Metrics::of(&chances, &choice.outcome)),
            calibration: choice.calibration,
            candidates: choice.candidates,
            rows: rows.len(),
            yes: rows.iter().filter(|row| outcome[**row as usize]).count(),
            seed: settings.seed,
            data,
            usual: trained_usual,
            landscape: Some(Landscape::of(table, rows)),
            parent: None,
        })
    }

    /// Says which scorer this one takes the place of.
    pub fn succeeds(mut self, before: &Self) -> Self {
        self.parent = Some(before.data.clone());
        self
    }

    /// SHA-256 of the rows learned from, which names the scorer, and that of the one before it.
    pub fn lineage(&self) -> (&str, Option<&str>) {
        (&self.data, self.parent.as_deref())
    }

    /// The strongest reasons for the score of one row. Errors: the table lacks a feature or the row.
    pub fn reasons(
        &self,
        table: &Table,
        row: u32,
        count: usize,
        templates: &Templates,
    ) -> Result<Vec<Reason>, LearnError> {
        let why = self.trained.contributions(table, row)?;
        let why = self.standing.set_apart(why, &self.trained, (table, row))?;
        reasons(&why, self.trained.features(), &self.usual, (table, row), (count, templates))
    }

    /// Where the features lay among the rows learned from; `None` in files of format 1.
    pub fn landscape(&self) -> Option<&Landscape> {
        self.landscape.as_ref()
    }

    /// On rows that the models did not learn from, but that the choice looked at.
    pub fn metrics(&self) -> Option<&Metrics> {
        self.metrics.as_ref()
    }

    /// Chances (0 to 1) of yes, one for each of `rows`. Errors: the table lacks a feature.
    pub fn chances(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
        Ok(self.calibration.chances(&self.trained.predict(table, rows)?))
    }

    /// The chance of one row and why. Errors: the table lacks a feature or the row.
    pub fn score(&self, table: &Table, row: u32) -> Result<Score, LearnError> {
        let contributions = self.trained.contributions(table, row)?;
        Ok(Score { chance: self.calibration.chance(contributions.score()), contributions })
    }

    /// What the model looks at, in the order of contributions.
    pub fn features(&self) -> &[Feature] {
        self.trained.features()
    }

    /// The model that was chosen.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Which outcomes cannot be ruled out at a chance.
    pub fn conformal(&self) -> &Conformal {
        &self.conformal
    }

    /// All models of the contest, and what was decided of each.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Outcomes of the rarer kind that were learned from.
    pub fn rarer(&self) -> usize {
        self.yes.min(self.rows - self.yes)
    }

    /// As JSON, to be sealed by the caller. Errors: a number in it is not finite.
    pub fn save(&self) -> Result<Vec<u8>, LearnError> {
        saved::write(self)
    }

    /// Errors: not such JSON, of a newer format, or it does not hold together.
    pub fn load(bytes: &[u8]) -> Result<Self, LearnError> {
        let scorer: Self = saved::read(bytes, FORMAT)?;
        scorer.check()?;
        Ok(scorer)
    }

    /// Errors: what was loaded does not hold together, so that using it could panic.
    pub fn check(&self) -> Result<(), LearnError> {
        self.trained.check()?;
        if self.format > FORMAT {
            return Err(LearnError::TooNew { found: self.format, newest: FORMAT });
        }
        if !self.calibration.is_sound() {
            return Err(LearnError::Malformed("its calibration does not rise".into()));
        }
        if self.yes > self.rows {
            return Err(LearnError::Malformed("more outcomes than rows".into()));
        }
        Ok(())
    }
}

/// SHA-256 over names, cells and outcomes of `rows`.
pub(super) fn fingerprint(table: &Table, rows: &[u32]) -> String {
    let mut hash = Sha256::new();
    for (place, feature) in table.features().iter().enumerate() {
        hash.update((feature.name.len() as u64).to_le_bytes());
        hash.update(&feature.name);
        let column = table.column(place);
        for row in rows {
            match column {
                Column::Categories { .. } => {
                    let text = column.text(*row as usize).unwrap_or_default();
                    hash.update((text.len() as u64).to_le_bytes());
                    hash.update(text);
                }
                column => hash.update(column.number(*row as usize).to_bits().to_le_bytes()),
            }
        }
    }
    let outcome = table.outcome().unwrap_or(&[]);
    rows.iter().for_each(|row| hash.update([u8::from(outcome.get(*row as usize) == Some(&true))]));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
