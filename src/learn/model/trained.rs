//! Any of the models, where which one it is was chosen on data.

use serde::{Deserialize, Serialize};

use super::{
    BayesConfig, Blend, BlendConfig, BoostConfig, Boosted, Contributions, GoOn, Logistic, LogisticConfig, Model,
    NaiveBayes, RuleConfig, Rules, Stack, StackConfig, StackPart,
};
use crate::LearnError;
use crate::table::{Feature, Table};

/// Which model to fit, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "model", content = "config")]
pub enum Recipe {
    Rules(RuleConfig),
    NaiveBayes(BayesConfig),
    Logistic(LogisticConfig),
    Boosted(BoostConfig),
    Blend(BlendConfig),
    Stack(StackConfig),
}

impl Recipe {
    /// What a person calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rules(_) => "rules",
            Self::NaiveBayes(_) => "naive Bayes",
            Self::Logistic(_) => "logistic regression",
            Self::Boosted(_) => "boosted trees",
            Self::Blend(_) => "logistic regression with boosted trees",
            Self::Stack(_) => "simple models together",
        }
    }

    /// The same recipe with so many threads for its trees, which do not depend on their number.
    pub fn with_threads(mut self, threads: usize) -> Self {
        match &mut self {
            Self::Boosted(config) | Self::Blend(BlendConfig { boosted: config, .. }) => config.threads = threads,
            Self::Stack(config) => {
                let parts = std::mem::take(&mut config.parts).into_iter();
                let threaded = |part: StackPart| StackPart { recipe: part.recipe.with_threads(threads), ..part };
                config.parts = parts.map(threaded).collect();
            }
            Self::Rules(_) | Self::NaiveBayes(_) | Self::Logistic(_) => {}
        }
        self
    }
}

/// A fitted model of any kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "model", content = "fitted")]
pub enum Trained {
    Rules(Rules),
    NaiveBayes(NaiveBayes),
    Logistic(Logistic),
    Boosted(Boosted),
    Blend(Blend),
    Stack(Stack),
}

macro_rules! each {
    ($self:expr, $model:ident => $body:expr) => {
        match $self {
            Trained::Rules($model) => $body,
            Trained::NaiveBayes($model) => $body,
            Trained::Logistic($model) => $body,
            Trained::Boosted($model) => $body,
            Trained::Blend($model) => $body,
            Trained::Stack($model) => $body,
        }
    };
}

impl Model for Trained {
    type Config = Recipe;
    const KIND: &'static str = "trained";

    fn fit(recipe: &Recipe, table: &Table, rows: &[u32]) -> Result<Self, LearnError> {
        Self::fit_while(recipe, table, rows, &|| true)
    }

    fn fit_while(recipe: &Recipe, table: &Table, rows: &[u32], go_on: GoOn) -> Result<Self, LearnError> {
        Ok(match recipe {
            Recipe::Rules(config) => Self::Rules(Rules::fit_while(config, table, rows, go_on)?),
            Recipe::NaiveBayes(config) => Self::NaiveBayes(NaiveBayes::fit_while(config, table, rows, go_on)?),
            Recipe::Logistic(config) => Self::Logistic(Logistic::fit_while(config, table, rows, go_on)?),
            Recipe::Boosted(config) => Self::Boosted(Boosted::fit_while(config, table, rows, go_on)?),
            Recipe::Blend(config) => Self::Blend(Blend::fit_while(config, table, rows, go_on)?),
            Recipe::Stack(config) => Self::Stack(Stack::fit_while(config, table, rows, go_on)?),
        })
    }

    fn features(&self) -> &[Feature] {
        each!(self, model => model.features())
    }

    fn predict(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
        each!(self, model => model.predict(table, rows))
    }

    fn contributions(&self, table: &Table, row: u32) -> Result<Contributions, LearnError> {
        each!(self, model => model.contributions(table, row))
    }

    fn check(&self) -> Result<(), LearnError> {
        each!(self, model => model.check())
    }
}
