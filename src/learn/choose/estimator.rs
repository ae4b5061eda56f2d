//! An amount with the interval that holds it: the better of linear regression and boosted trees, and the errors that it
//! made on rows it did not learn from, in one file.

use serde::{Deserialize, Serialize};

use super::folds::{Fold, folds};
use super::plan::{STAGES, compared};
use super::search::{Progress, Settings};
use crate::model::{BoostConfig, Boosted, Contributions, GoOn, Model, Ridge, RidgeConfig};
use crate::table::{Feature, Table};
use crate::trust::ErrorBand;
use crate::{LearnError, saved};

/// The newest format of saved estimators; those of format 1 are linear and have no contenders.
const FORMAT: u16 = 2;
/// Leaves of a tree.
const LEAVES: [usize; 3] = [3, 6, 12];
/// Rows of a leaf.
const LEAF_ROWS: f32 = 10.0;
/// Rows from which trees take part.
const TREE_ROWS: usize = 60;

/// A model of the amounts of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimator {
    format: u16,
    /// What was fitted; files of format 1 have the penalty only.
    config: Way,
    model: Fitted,
    band: ErrorBand,
    /// The least that an estimate may be: 0, where no amount learned from was below it.
    #[serde(default)]
    floor: Option<f64>,
    #[serde(default)]
    candidates: Vec<Contender>,
    rows: usize,
    seed: u64,
}

/// The estimate for one row, in the amounts' unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    pub amount: f64,
    /// The interval; `None` where there were too few rows to promise one.
    pub between: Option<(f64, f64)>,
}

/// One model in the contest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contender {
    pub model: String,
    /// Root of the mean squared error on rows that it did not learn from, in the amounts' unit.
    pub rmse: f64,
    /// What was decided and why.
    pub decision: String,
}

/// Which model, and how to fit it. The kinds have no field in common but one, so that a file needs no tag.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Way {
    Boosted(BoostConfig),
    Linear(RidgeConfig),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Fitted {
    Boosted(Boosted),
    Linear(Ridge),
}

/// A way with its estimates for the tested rows, fold after fold.
struct Entry {
    way: Way,
    told: Vec<f64>,
    /// Root of the mean squared error.
    rmse: f64,
}

impl Way {
    fn name(&self) -> &'static str {
        match self {
            Self::Linear(_) => "linear regression",
            Self::Boosted(_) => "boosted trees",
        }
    }

    fn fit(&self, table: &Table, rows: &[u32], go_on: GoOn) -> Result<Fitted, LearnError> {
        Ok(match self {
            Self::Linear(config) => Fitted::Linear(Ridge::fit_while(config, table, rows, go_on)?),
            Self::Boosted(config) => Fitted::Boosted(Boosted::fit_amounts(config, table, rows, go_on)?),
        })
    }

    /// The estimates for the tested rows of all folds, with each number of trees that is tried.
    fn entries(&self, table: &Table, folds: &[Fold], go_on: GoOn) -> Result<Vec<Entry>, LearnError> {
        let amounts = table.amounts()?;
        let mut told: Vec<Vec<f64>> = Vec::new();
        for fold in folds {
            let stages = match self.fit(table, &fold.learn, go_on)? {
                Fitted::Linear(model) => vec![model.predict(table, &fold.test)?],
                Fitted::Boosted(model) => model.staged(table, &fold.test, &STAGES)?,
            };
            told.resize(stages.len(), Vec::new());
            told.iter_mut().zip(stages).for_each(|(all, part)| all.extend(part));
        }
        let came = || folds.iter().flat_map(|fold| &fold.test).map(|row| amounts[*row as usize]);
        // in parts of the largest, so that squares do not overflow
        let unit = came().fold(f64::MIN_POSITIVE, |most, amount| most.max(amount.abs()));
        let entry = |(stage, told): (usize, Vec<f64>)| {
            let squares = told.iter().zip(came()).map(|(told, came)| (told / unit - came / unit).powi(2));
            let mean = squares.sum::<f64>() / told.len().max(1) as f64;
            Entry { way: self.at_stage(stage), rmse: mean.sqrt() * unit, told }
        };
        Ok(told.into_iter().enumerate().map(entry).collect())
    }

    fn at_stage(&self, stage: usize) -> Self {
        match self {
            Self::Boosted(config) => Self::Boosted(BoostConfig { trees: STAGES[stage], ..*config }),
            linear => *linear,
        }
    }
}

impl Fitted {
    fn predict(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
        match self {
            Self::Linear(model) => model.predict(table, rows),
            Self::Boosted(model) => model.predict(table, rows),
        }
    }
}

impl Estimator {
    /// Chooses the model whose squared error is least on folds of (at most [`Settings::compared_rows`]) `rows`, later
    /// ones where the table has times and never one group on both sides; learns its errors there and fits it to all.
    /// Errors: no amounts, fewer than three rows, numbers that do not settle, cancelled.
    pub fn fit(table: &Table, rows: &[u32], settings: &Settings, progress: Progress) -> Result<Self, LearnError> {
        let compared = compared(rows, settings);
        let linear = Way::Linear(RidgeConfig::chosen(table, &compared)?);
        let mut folds = folds(table, &compared, settings.folds, settings.seed);
        // a fold with too few rows to learn from says nothing of the errors
        folds.retain(|fold| fold.learn.len() >= Ridge::LEAST_ROWS);
        let mut ways = vec![linear];
        if compared.len() >= TREE_ROWS {
            ways.extend(LEAVES.map(|leaves| Way::Boosted(trees(leaves, settings.seed))));
        }
        let (mut best, steps): (Vec<Entry>, usize) = (Vec::new(), ways.len() + 1);
        for (done, way) in ways.iter().enumerate() {
            let entries = match way.entries(table, &folds, &|| progress(done, steps)) {
                Err(LearnError::Cancelled) => return Err(LearnError::Cancelled),
                // a model that cannot be fitted is no contender
                entries => entries.unwrap_or_default(),
            };
            for entry in entries {
                match best.iter_mut().find(|have| have.way.name() == entry.way.name()) {
                    Some(have) if entry.rmse < have.rmse => *have = entry,
                    Some(_) => {}
                    None => best.push(entry),
                }
            }
        }
        let candidates = judged(&best);
        let winner = best.into_iter().reduce(|champion, one| if one.rmse < champion.rmse { one } else { champion });
        let (way, told) = winner.map_or((linear, Vec::new()), |winner| (winner.way, winner.told));
        let made = Self { candidates, ..Self::of(way, table, rows, settings, &|| progress(steps - 1, steps))? };
        let estimator = made.banded(table, &folds, &told)?;
        if progress(steps, steps) { Ok(estimator) } else { Err(LearnError::Cancelled) }
    }

    fn of(mut way: Way, table: &Table, rows: &[u32], settings: &Settings, go_on: GoOn) -> Result<Self, LearnError> {
        if let Way::Boosted(config) = &mut way {
            config.threads = settings.threads;
        }
        let model = way.fit(table, rows, go_on)?;
        let amounts = table.amounts()?;
        let floor = rows.iter().all(|row| amounts[*row as usize] >= 0.0).then_some(0.0);
        let (band, candidates) = (ErrorBand::default(), Vec::new());
        Ok(Self { format: FORMAT, config: way, model, band, floor, candidates, rows: rows.len(), seed: settings.seed })
    }

    /// With the errors of what was told of the folds' tested rows.
    fn banded(mut self, table: &Table, folds: &[Fold], told: &[f64]) -> Result<Self, LearnError> {
        let amounts = table.amounts()?;
        let came: Vec<f64> = folds.iter().flat_map(|fold| &fold.test).map(|row| amounts[*row as usize]).collect();
        let told: Vec<f64> = told.iter().map(|amount| self.lifted(*amount)).collect();
        self.band = ErrorBand::fit(&told, &came, &vec![1.0; told.len()]);
        Ok(self)
    }

    /// The same way fitted to other rows, without intervals.
    pub(super) fn again(&self, table: &Table, rows: &[u32], go_on: GoOn) -> Result<Self, LearnError> {
        let settings = Settings { seed: self.seed, ..Settings::default() };
        Self::of(self.config, table, rows, &settings, go_on)
    }

    /// Amounts with intervals that hold the truth with probability `cover` (0 to 1) or more, one for each of `rows`.
    /// Where no amount learned from was below 0, neither is lower. Errors: the table lacks a feature, or a row.
    pub fn estimates(&self, table: &Table, rows: &[u32], cover: f64) -> Result<Vec<Estimate>, LearnError> {
        let half = self.band.half_width(cover, 1.0);
        let estimate = |amount| {
            let amount = self.lifted(amount);
            Estimate { amount, between: half.map(|half| (self.lifted(amount - half), amount + half)) }
        };
        Ok(self.model.predict(table, rows)?.into_iter().map(estimate).collect())
    }

    fn lifted(&self, amount: f64) -> f64 {
        self.floor.map_or(amount, |floor| amount.max(floor))
    }

    /// Why a row has its amount, before that is lifted to the least possible. Errors: as [`Self::estimates`].
    pub fn contributions(&self, table: &Table, row: u32) -> Result<Contributions, LearnError> {
        match &self.model {
            Fitted::Linear(model) => model.contributions(table, row),
            Fitted::Boosted(model) => model.contributions(table, row),
        }
    }

    /// What the model looks at, in the order of contributions.
    pub fn features(&self) -> &[Feature] {
        match &self.model {
            Fitted::Linear(model) => model.features(),
            Fitted::Boosted(model) => model.features(),
        }
    }

    /// What a person calls the chosen model.
    pub fn model(&self) -> &'static str {
        self.config.name()
    }

    /// The best of each kind, simplest first; none where there were too few rows to compare on.
    pub fn candidates(&self) -> &[Contender] {
        &self.candidates
    }

    /// As JSON, to be sealed by the caller. Errors: a number in it is not finite.
    pub fn save(&self) -> Result<Vec<u8>, LearnError> {
        saved::write(self)
    }

    /// Errors: not such JSON, of a newer format, or it does not hold together.
    pub fn load(bytes: &[u8]) -> Result<Self, LearnError> {
        let estimator: Self = saved::read(bytes, FORMAT)?;
        match &estimator.model {
            Fitted::Linear(model) => model.check()?,
            Fitted::Boosted(model) => model.check()?,
        }
        Ok(estimator)
    }
}

fn trees(leaves: usize, seed: u64) -> BoostConfig {
    BoostConfig {
        trees: STAGES[STAGES.len() - 1],
        learning_rate: 0.05,
        leaves,
        leaf_weight: LEAF_ROWS,
        ridge: 1.0,
        share: 0.8,
        seed,
        threads: 1,
    }
}

/// Each takes the place of the one before when its error is lower.
fn judged(entries: &[Entry]) -> Vec<Contender> {
    let mut champion: Option<&Entry> = None;
    let mut contenders = Vec::new();
    for entry in entries {
        let decision = match champion {
            None => "first champion, being the simplest".to_owned(),
            Some(before) => {
                let better = entry.rmse < before.rmse;
                let (verb, side) = if better { ("beats", "lower") } else { ("does not beat", "higher") };
                let change = (1.0 - entry.rmse / before.rmse).abs() * 100.0;
                format!("{verb} {}: error {side} by {change:.1} %", before.way.name())
            }
        };
        if champion.is_none_or(|before| entry.rmse < before.rmse) {
            champion = Some(entry);
        }
        contenders.push(Contender { model: entry.way.name().to_owned(), rmse: entry.rmse, decision });
    }
    contenders
}
