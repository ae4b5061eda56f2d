//! An amount with the interval that holds it: linear regression and the errors that it made on rows it did not learn
//! from, in one file.

use serde::{Deserialize, Serialize};

use super::folds::folds;
use super::search::Settings;
use crate::model::{Contributions, Model, Ridge, RidgeConfig};
use crate::table::{Feature, Table};
use crate::trust::ErrorBand;
use crate::{LearnError, saved};

/// The newest format of saved estimators.
const FORMAT: u16 = 1;

/// A model of the amounts of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimator {
    format: u16,
    config: RidgeConfig,
    model: Ridge,
    band: ErrorBand,
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

impl Estimator {
    /// Chooses the penalty, fits to `rows` and learns the errors on folds: later rows where the table has times, and
    /// never one group on both sides. Errors: no amounts, fewer than three rows, numbers that do not settle.
    pub fn fit(table: &Table, rows: &[u32], settings: &Settings) -> Result<Self, LearnError> {
        let config = RidgeConfig::chosen(table, rows)?;
        let model = Ridge::fit(&config, table, rows)?;
        let amounts = table.amounts()?;
        let (mut told, mut came) = (Vec::new(), Vec::new());
        for fold in folds(table, rows, settings.folds, settings.seed) {
            // a fold with too few rows to learn from says nothing of the errors
            if let Ok(model) = Ridge::fit(&config, table, &fold.learn) {
                told.extend(model.predict(table, &fold.test)?);
                came.extend(fold.test.iter().map(|row| amounts[*row as usize]));
            }
        }
        let band = ErrorBand::fit(&told, &came, &vec![1.0; told.len()]);
        Ok(Self { format: FORMAT, config, model, band, rows: rows.len(), seed: settings.seed })
    }

    /// Amounts with intervals that hold the truth with probability `cover` (0 to 1) or more, one for each of `rows`.
    /// Errors: the table lacks a feature, or a row.
    pub fn estimates(&self, table: &Table, rows: &[u32], cover: f64) -> Result<Vec<Estimate>, LearnError> {
        let half = self.band.half_width(cover, 1.0);
        let estimate = |amount| Estimate { amount, between: half.map(|half| (amount - half, amount + half)) };
        Ok(self.model.predict(table, rows)?.into_iter().map(estimate).collect())
    }

    /// Why a row has its amount. Errors: as [`Self::estimates`].
    pub fn contributions(&self, table: &Table, row: u32) -> Result<Contributions, LearnError> {
        self.model.contributions(table, row)
    }

    pub fn features(&self) -> &[Feature] {
        self.model.features()
    }

    /// As JSON, to be sealed by the caller. Errors: a number in it is not finite.
    pub fn save(&self) -> Result<Vec<u8>, LearnError> {
        saved::write(self)
    }

    /// Errors: not such JSON, of a newer format, or it does not hold together.
    pub fn load(bytes: &[u8]) -> Result<Self, LearnError> {
        let estimator: Self = saved::read(bytes, FORMAT)?;
        estimator.model.check()?;
        Ok(estimator)
    }
}
