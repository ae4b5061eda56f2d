//! Logistic regression and boosted trees together: straight lines and steps err differently.

use serde::{Deserialize, Serialize};

use super::{BoostConfig, Boosted, Contributions, GoOn, Logistic, LogisticConfig, Model, malformed};
use crate::LearnError;
use crate::table::{Feature, Table};

/// How to fit a [`Blend`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlendConfig {
    pub logistic: LogisticConfig,
    pub boosted: BoostConfig,
    /// Share of the boosted model's log-odds, 0 to 1.
    pub share: f64,
}

/// A weighted mean of two models' log-odds (Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 8.8); its contributions are the weighted mean of theirs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blend {
    logistic: Logistic,
    boosted: Boosted,
    share: f64,
}

impl Blend {
    fn mix(&self, logistic: f64, boosted: f64) -> f64 {
        (1.0 - self.share) * logistic + self.share * boosted
    }
}

impl Model for Blend {
    type Config = BlendConfig;
    const KIND: &'static str = "blend";

    fn fit(config: &BlendConfig, table: &Table, rows: &[u32]) -> Result<Self, LearnError> {
        Self::fit_while(config, table, rows, &|| true)
    }

    fn fit_while(config: &BlendConfig, table: &Table, rows: &[u32], go_on: GoOn) -> Result<Self, LearnError> {
        Ok(Self {
            logistic: Logistic::fit_while(&config.logistic, table, rows, go_on)?,
            boosted: Boosted::fit_while(&config.boosted, table, rows, go_on)?,
            share: config.share.clamp(0.0, 1.0),
        })
    }

    fn features(&self) -> &[Feature] {
        self.logistic.features()
    }

    fn predict(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
        let (logistic, boosted) = (self.logistic.predict(table, rows)?, self.boosted.predict(table, rows)?);
        Ok(logistic.into_iter().zip(boosted).map(|(logistic, boosted)| self.mix(logistic, boosted)).collect())
    }

    fn contributions(&self, table: &Table, row: u32) -> Result<Contributions, LearnError> {
        let (logistic, boosted) = (self.logistic.contributions(table, row)?, self.boosted.contributions(table, row)?);
        let parts = logistic.parts.iter().zip(&boosted.parts);
        Ok(Contributions {
            base: self.mix(logistic.base, boosted.base),
            parts: parts.map(|(logistic, boosted)| self.mix(*logistic, *boosted)).collect(),
        })
    }

    fn check(&self) -> Result<(), LearnError> {
        self.logistic.check()?;
        self.boosted.check()?;
        let same = self.logistic.features() == self.boosted.features();
        if same && (0.0..=1.0).contains(&self.share) { Ok(()) } else { Err(malformed("a blend of unlike models")) }
    }
}
