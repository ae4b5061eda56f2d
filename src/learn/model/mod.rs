//! Models behind one trait. A model of a yes/no outcome gives log-odds, which calibration makes chances; one of amounts
//! gives amounts. Contributions say why.

mod bayes;
mod blend;
mod boost;
mod encode;
mod grow;
mod linear;
mod newton;
mod ridge;
mod rules;
mod shapley;
mod stack;
#[cfg(test)]
mod tests;
mod trained;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use bayes::{BayesConfig, NaiveBayes};
pub use blend::{Blend, BlendConfig};
pub use boost::{BoostConfig, Boosted, Node, Tree};
pub(crate) use encode::Encoder;
pub use linear::{Logistic, LogisticConfig};
pub(crate) use newton::{Design, Prior, fit as most_probable};
pub use ridge::{Ridge, RidgeConfig};
pub use rules::{Rule, RuleConfig, Rules, Test};
pub use stack::{Stack, StackConfig, StackPart};
pub use trained::{Recipe, Trained};

#[cfg(test)]
pub use shapley::add as shapley_of;

use crate::LearnError;
use crate::table::{Feature, Table};

/// Why one row has its score: `base` and one part for each feature of the model sum to the score. All are in log-odds,
/// or in the unit of the amounts that the model learned from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contributions {
    /// The score of an average row.
    pub base: f64,
    /// In the order of [`Model::features`].
    pub parts: Vec<f64>,
}

impl Contributions {
    /// The raw score.
    pub fn score(&self) -> f64 {
        self.base + self.parts.iter().sum::<f64>()
    }

    /// The features that move this row's score most, strongest first: (place in [`Model::features`], part).
    pub fn strongest(&self, count: usize) -> Vec<(usize, f64)> {
        let mut parts: Vec<_> = self.parts.iter().copied().enumerate().filter(|(_, part)| *part != 0.0).collect();
        parts.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        parts.truncate(count);
        parts
    }
}

/// Asked every now and then during a fit; `false` breaks it off.
pub type GoOn<'a> = &'a (dyn Fn() -> bool + Sync);

/// A model of a yes/no outcome, or of an amount.
pub trait Model: Serialize + DeserializeOwned + Send + Sync {
    type Config;
    /// The name in saved models.
    const KIND: &'static str;
    /// The newest format of saved models; older ones are read as well.
    const FORMAT: u16 = 1;

    /// Learns from `rows` of `table`. The same input gives the same bits. Errors: no outcomes, too few of them, or
    /// numbers that do not settle.
    fn fit(config: &Self::Config, table: &Table, rows: &[u32]) -> Result<Self, LearnError>;

    /// As [`Model::fit`], asking `go_on` as often as the model can be broken off, once at least. Errors: as those of the
    /// fit; cancelled.
    fn fit_while(config: &Self::Config, table: &Table, rows: &[u32], go_on: GoOn) -> Result<Self, LearnError> {
        if go_on() { Self::fit(config, table, rows) } else { Err(LearnError::Cancelled) }
    }

    /// What the model looks at, in the order of contributions.
    fn features(&self) -> &[Feature];

    /// Log-odds of yes, or amounts, one for each of `rows`. Categories that the model never saw count as missing or
    /// rare. Errors: the table lacks one of the features.
    fn predict(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError>;

    /// Why `row` has its score. Errors: as [`Model::predict`], or there is no such row.
    fn contributions(&self, table: &Table, row: u32) -> Result<Contributions, LearnError>;

    /// The model as JSON with kind and format.
    fn save(&self) -> Result<Vec<u8>, LearnError> {
        let saved = SavedRef { kind: Self::KIND, format: Self::FORMAT, model: self };
        serde_json::to_vec(&saved).map_err(|error| LearnError::Malformed(error.to_string()))
    }

    /// A model from [`Model::save`]. Errors: not such JSON, of another kind, or of a newer format.
    fn load(bytes: &[u8]) -> Result<Self, LearnError> {
        let malformed = |error: serde_json::Error| LearnError::Malformed(error.to_string());
        let head: SavedHead = serde_json::from_slice(bytes).map_err(malformed)?;
        if head.kind != Self::KIND {
            return Err(LearnError::OtherKind { found: head.kind, expected: Self::KIND });
        }
        if head.format > Self::FORMAT {
            return Err(LearnError::TooNew { found: head.format, newest: Self::FORMAT });
        }
        let saved: Saved<Self> = serde_json::from_slice(bytes).map_err(malformed)?;
        saved.model.check()?;
        Ok(saved.model)
    }

    /// Errors: what was loaded does not hold together (an index that points nowhere), so that using it could panic.
    fn check(&self) -> Result<(), LearnError>;
}

#[derive(Serialize)]
struct SavedRef<'a, M> {
    kind: &'static str,
    format: u16,
    model: &'a M,
}

#[derive(Deserialize)]
struct SavedHead {
    kind: String,
    format: u16,
}

#[derive(Deserialize)]
#[serde(bound = "M: DeserializeOwned")]
struct Saved<M> {
    model: M,
}

/// The outcomes of `rows`. Errors: none there, fewer than `least` of either kind, or a row that does not exist.
fn outcomes(table: &Table, rows: &[u32], least: usize) -> Result<Vec<bool>, LearnError> {
    let all = table.outcome()?;
    check_rows(table, rows)?;
    let picked: Vec<bool> = rows.iter().map(|row| all[*row as usize]).collect();
    let yes = picked.iter().filter(|yes| **yes).count();
    let no = picked.len() - yes;
    if yes < least || no < least {
        return Err(LearnError::TooFewOutcomes { yes, no, least });
    }
    Ok(picked)
}

/// The amounts of `rows`. Errors: none there, or a row that does not exist.
fn amounts(table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
    let all = table.amounts()?;
    check_rows(table, rows)?;
    Ok(rows.iter().map(|row| all[*row as usize]).collect())
}

pub(crate) fn check_rows(table: &Table, rows: &[u32]) -> Result<(), LearnError> {
    let beyond = rows.iter().find(|row| **row as usize >= table.rows());
    beyond.map_or(Ok(()), |row| Err(LearnError::NoRow { row: *row as usize, rows: table.rows() }))
}

fn malformed(what: &str) -> LearnError {
    LearnError::Malformed(what.to_owned())
}
