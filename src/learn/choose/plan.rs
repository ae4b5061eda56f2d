//! What a training will do, laid out before it starts: which models on which folds. The same table, rows and settings
//! give the same plan, which is what a checkpoint relies on.

use sha2::{Digest, Sha256};

use super::folds::{Fold, folds};
use super::search::Settings;
use super::vote;
use crate::LearnError;
use crate::model::{
    BayesConfig, BoostConfig, Boosted, GoOn, LogisticConfig, Model, Recipe, StackPart, Trained, check_rows,
};
use crate::numeric::{Chance, logit};
use crate::table::Table;

const RIDGES: [f64; 4] = [0.5, 5.0, 50.0, 500.0];
const STRENGTHS: [f64; 2] = [4.0, 20.0];
/// Leaves of a tree and least weight of a leaf.
const TREES: [(usize, f32); 4] = [(3, 1.0), (6, 2.0), (12, 2.0), (24, 5.0)];
pub const STAGES: [usize; 8] = [25, 50, 75, 100, 150, 200, 300, 400];
/// Outcomes of the rarer kind from which models compete: with fewer, chance would choose.
const MANY_OUTCOMES: usize = 30;
/// With few rows, one split into folds says little: (most rows, times to split them anew).
const ROUNDS: [(usize, usize); 2] = [(60, 10), (250, 4)];

/// How the models that were tried become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// There is nothing to test on.
    Untested,
    /// All are weighed together.
    Vote,
    /// The best one wins.
    Contest,
}

/// The models to try and the folds to try them on.
pub struct Plan {
    pub mode: Mode,
    pub recipes: Vec<Recipe>,
    /// Those that are weighed together, with their believed weights.
    pub parts: Vec<StackPart>,
    /// Each round tests the same rows, split into folds anew.
    pub rounds: Vec<Vec<Fold>>,
}

/// One model on one fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    pub recipe: usize,
    pub round: usize,
    pub fold: usize,
}

impl Plan {
    /// Errors: the table has no outcomes, or a row does not exist.
    pub fn make(table: &Table, rows: &[u32], settings: &Settings) -> Result<Self, LearnError> {
        let outcome = table.outcome()?;
        let rarer = |rows: &[u32]| {
            let yes = rows.iter().filter(|row| outcome[**row as usize]).count();
            yes.min(rows.len() - yes)
        };
        check_rows(table, rows)?;
        let compared = compared(rows, settings);
        let split = |round: usize| folds(table, &compared, settings.folds, settings.seed.wrapping_add(round as u64));
        let first = split(0);
        let one_sided = |fold: &Fold| {
            let yes = fold.learn.iter().filter(|row| outcome[**row as usize]).count();
            yes == 0 || yes == fold.learn.len()
        };
        let tested_yes = first.iter().flat_map(|fold| &fold.test).any(|row| outcome[*row as usize]);
        let many = rarer(&compared) >= MANY_OUTCOMES && tested_yes && !first.iter().any(one_sided);
        let parts = vote::parts(settings, rarer(rows));
        let voters = parts.iter().map(|part| part.recipe.clone());
        if first.is_empty() || parts.is_empty() {
            return Ok(Self { mode: Mode::Untested, recipes: Vec::new(), parts, rounds: Vec::new() });
        }
        if many {
            let mut recipes = families(settings);
            voters.for_each(|recipe| {
                if !recipes.contains(&recipe) {
                    recipes.push(recipe);
                }
            });
            return Ok(Self { mode: Mode::Contest, recipes, parts, rounds: vec![first] });
        }
        let again = if table.time().is_some() { 1 } else { rounds(compared.len()) };
        let rounds = std::iter::once(first).chain((1..again).map(split)).collect();
        Ok(Self { mode: Mode::Vote, recipes: voters.collect(), parts, rounds })
    }

    pub fn units(&self) -> Vec<Unit> {
        let of_recipe = |recipe| {
            let rounds = self.rounds.iter().enumerate();
            rounds.flat_map(move |(round, folds)| (0..folds.len()).map(move |fold| Unit { recipe, round, fold }))
        };
        (0..self.recipes.len()).flat_map(of_recipe).collect()
    }

    pub fn fold(&self, unit: Unit) -> &Fold {
        &self.rounds[unit.round][unit.fold]
    }

    /// The number of stages that a recipe is tested at.
    pub fn stages(&self, unit: Unit) -> usize {
        if matches!(self.recipes[unit.recipe], Recipe::Boosted(_)) { STAGES.len() } else { 1 }
    }

    /// Log-odds of the fold's test rows, one vector for each stage. In a vote, a model that cannot be fitted to the
    /// fold says the overall rate. Errors: as those of the model; cancelled, when `go_on` says so.
    pub fn run(&self, unit: Unit, table: &Table, go_on: GoOn) -> Result<Vec<Vec<f64>>, LearnError> {
        let fold = self.fold(unit);
        let fitted = match &self.recipes[unit.recipe] {
            Recipe::Boosted(config) => {
                let fitted = Boosted::fit_while(config, table, &fold.learn, go_on);
                fitted.and_then(|model| model.staged(table, &fold.test, &STAGES))
            }
            recipe => Trained::fit_while(recipe, table, &fold.learn, go_on)
                .and_then(|model| model.predict(table, &fold.test))
                .map(|scores| vec![scores]),
        };
        if self.mode != Mode::Vote || matches!(fitted, Ok(_) | Err(LearnError::Cancelled)) {
            return fitted;
        }
        let outcome = table.outcome()?;
        let yes = fold.learn.iter().filter(|row| outcome[**row as usize]).count() as f64;
        Ok(vec![vec![logit((yes + 0.5) / (fold.learn.len() as f64 + 1.0)); fold.test.len()]])
    }

    /// SHA-256 of models and folds.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(format!("{:?} {:?}", self.mode, self.recipes));
        for fold in self.rounds.iter().flatten() {
            for side in [&fold.learn, &fold.test] {
                hash.update((side.len() as u64).to_le_bytes());
                side.iter().for_each(|row| hash.update(row.to_le_bytes()));
            }
        }
        hash.finalize().into()
    }
}

/// All rows, or an even sample in their order.
pub fn compared(rows: &[u32], settings: &Settings) -> Vec<u32> {
    if rows.len() <= settings.compared_rows {
        return rows.to_vec();
    }
    let mut places: Vec<usize> = (0..rows.len()).collect();
    Chance::new(settings.seed).shuffle(&mut places);
    places.truncate(settings.compared_rows);
    places.sort_unstable();
    places.into_iter().map(|place| rows[place]).collect()
}

fn rounds(rows: usize) -> usize {
    ROUNDS.iter().find(|(most, _)| rows <= *most).map_or(1, |(_, rounds)| *rounds)
}

/// The models that compete, simplest first.
fn families(settings: &Settings) -> Vec<Recipe> {
    let rules = settings.rules.iter().cloned().map(Recipe::Rules);
    let bayes = STRENGTHS.map(|strength| Recipe::NaiveBayes(BayesConfig { strength }));
    let bayes = bayes.into_iter().filter(|_| settings.naive_bayes);
    let logistic = RIDGES.map(|ridge| Recipe::Logistic(LogisticConfig { ridge }));
    let boosted = TREES.map(|(leaves, leaf_weight)| {
        Recipe::Boosted(BoostConfig {
            trees: STAGES[STAGES.len() - 1],
            learning_rate: 0.05,
            leaves,
            leaf_weight,
            ridge: 1.0,
            share: 0.8,
            seed: settings.seed,
            threads: 1,
        })
    });
    rules.chain(logistic).chain(bayes).chain(boosted).collect()
}

/// What stands in before anything can be tested: the rules, or the overall rate.
pub fn untested(settings: &Settings) -> Recipe {
    let rate = || Recipe::NaiveBayes(BayesConfig { strength: STRENGTHS[1] });
    settings.rules.clone().map_or_else(rate, Recipe::Rules)
}
