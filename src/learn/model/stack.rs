//! Several simple models with a weight each: what a few outcomes support better than any one of them.

use serde::{Deserialize, Serialize};

use super::{Contributions, Model, Recipe, Trained, malformed};
use crate::LearnError;
use crate::table::{Feature, Table};

/// Most models that a stack is read with.
const MOST_PARTS: usize = 16;

/// How to fit a [`Stack`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StackConfig {
    pub parts: Vec<StackPart>,
    /// Log-odds added to the weighted sum.
    pub offset: f64,
}

/// A model with its weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StackPart {
    pub recipe: Recipe,
    /// Of the part's log-odds; not negative.
    pub weight: f64,
}

/// A weighted sum of models' log-odds (Wolpert, Neural Networks 1992; weights that are not negative as in Breiman,
/// Machine Learning 1996); its contributions are the weighted sum of theirs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stack {
    features: Vec<Feature>,
    parts: Vec<(f64, Trained)>,
    offset: f64,
}

impl Model for Stack {
    type Config = StackConfig;
    const KIND: &'static str = "stack";

    /// Errors: as those of the parts.
    fn fit(config: &StackConfig, table: &Table, rows: &[u32]) -> Result<Self, LearnError> {
        let fit = |part: &StackPart| Ok((part.weight, Trained::fit(&part.recipe, table, rows)?));
        let parts: Vec<(f64, Trained)> = config.parts.iter().map(fit).collect::<Result<_, LearnError>>()?;
        let mut features: Vec<Feature> = Vec::new();
        for feature in parts.iter().flat_map(|(_, part)| part.features()) {
            if !features.contains(feature) {
                features.push(feature.clone());
            }
        }
        let stack = Self { features, parts, offset: config.offset };
        stack.check()?;
        Ok(stack)
    }

    fn features(&self) -> &[Feature] {
        &self.features
    }

    fn predict(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
        let mut scores = vec![self.offset; rows.len()];
        for (weight, part) in &self.parts {
            let said = part.predict(table, rows)?;
            scores.iter_mut().zip(said).for_each(|(score, said)| *score += weight * said);
        }
        Ok(scores)
    }

    fn contributions(&self, table: &Table, row: u32) -> Result<Contributions, LearnError> {
        let mut sum = Contributions { base: self.offset, parts: vec![0.0; self.features.len()] };
        for (weight, part) in &self.parts {
            let said = part.contributions(table, row)?;
            sum.base += weight * said.base;
            for (feature, said) in part.features().iter().zip(said.parts) {
                let place = self.features.iter().position(|have| have == feature);
                if let Some(place) = place {
                    sum.parts[place] += weight * said;
                }
            }
        }
        Ok(sum)
    }

    fn check(&self) -> Result<(), LearnError> {
        self.parts.iter().try_for_each(|(_, part)| part.check())?;
        let known = |(_, part): &(f64, Trained)| part.features().iter().all(|feature| self.features.contains(feature));
        let weights = self.parts.iter().all(|(weight, _)| weight.is_finite() && *weight >= 0.0);
        if weights && self.offset.is_finite() && self.parts.len() <= MOST_PARTS && self.parts.iter().all(known) {
            return Ok(());
        }
        Err(malformed("a stack's weights or features do not hold together"))
    }
}
