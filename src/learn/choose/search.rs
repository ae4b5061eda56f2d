//! The search over few models and few parameters, and the contest of champion and challengers.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use super::folds::{Fold, folds};
use crate::LearnError;
use crate::model::{
    BayesConfig, BlendConfig, BoostConfig, Boosted, LogisticConfig, Model, Recipe, RuleConfig, Trained,
};
use crate::numeric::log_loss_of_score;
use crate::table::Table;
use crate::trust::{Calibration, Metrics};

const RIDGES: [f64; 4] = [0.5, 5.0, 50.0, 500.0];
/// Those looked at while there are few outcomes: more choices would be chosen from by chance.
const FEW_RIDGES: [f64; 2] = [5.0, 15.0];
const STRENGTHS: [f64; 2] = [4.0, 20.0];
/// Leaves of a tree and least weight of a leaf.
const TREES: [(usize, f32); 4] = [(3, 1.0), (6, 2.0), (12, 2.0), (24, 5.0)];
const STAGES: [usize; 8] = [25, 50, 75, 100, 150, 200, 300, 400];
const SHARES: [f64; 3] = [0.3, 0.5, 0.7];
/// Outcomes of the rarer kind from which more than a few strongly held models are tried: with fewer, chance would
/// choose.
const MANY_OUTCOMES: usize = 30;

/// How to choose.
#[derive(Clone, Debug)]
pub struct Settings {
    pub seed: u64,
    /// Threads to use; the result does not depend on it.
    pub threads: usize,
    /// Inner folds.
    pub folds: usize,
    /// The first champion, where there are beliefs to start from.
    pub rules: Option<RuleConfig>,
    /// Whether naive Bayes takes part, once there are 30 outcomes of the rarer kind.
    pub naive_bayes: bool,
    /// Standard errors by which what is learned must beat the rules, and naive Bayes anything.
    pub margin: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 1, threads: 1, folds: 4, rules: None, naive_bayes: true, margin: 1.0 }
    }
}

/// Called with steps done and steps in all, from any thread; `false` cancels.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) -> bool + Sync);

/// One model in the contest.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    pub recipe: Recipe,
    /// On rows that it did not learn from, after calibration.
    pub metrics: Metrics,
    /// What was decided and why.
    pub decision: String,
}

/// The winner and how it won.
#[derive(Clone, Debug)]
pub struct Choice {
    pub recipe: Recipe,
    /// The winner's log-odds for rows that its models did not learn from, and what came of them.
    pub scores: Vec<f64>,
    pub outcome: Vec<bool>,
    pub candidates: Vec<Candidate>,
}

/// Chooses a model for `rows`. Rules, where there are some, are the first champion; a challenger takes their place when
/// its log loss on later (or held-out) rows is lower by more than `margin` standard errors of the difference, and so
/// must naive Bayes take any place. Among the other models the lower loss wins. The same input and seed give the same
/// choice.
///
/// Errors: no outcomes, cancelled. Too few outcomes to test on are no error: the first champion stays untested.
pub fn choose(table: &Table, rows: &[u32], settings: &Settings, progress: Progress) -> Result<Choice, LearnError> {
    let outcome = table.outcome()?;
    let yes = rows.iter().filter(|row| outcome.get(**row as usize) == Some(&true)).count();
    let rarer = yes.min(rows.len() - yes);
    let contest = Contest { table, settings, folds: folds(table, rows, settings.folds, settings.seed) };
    let tested: Vec<u32> = contest.folds.iter().flat_map(|fold| fold.test.iter().copied()).collect();
    let outcome: Vec<bool> = tested.iter().map(|row| outcome[*row as usize]).collect();
    let one_sided = |fold: &Fold| {
        let yes = fold.learn.iter().filter(|row| table.outcome().is_ok_and(|all| all[**row as usize])).count();
        yes == 0 || yes == fold.learn.len()
    };
    if rarer < settings.folds || contest.folds.iter().any(one_sided) || !outcome.contains(&true) {
        return Ok(untested(settings, rarer));
    }
    let entries = contest.run(&families(rarer, settings), progress)?;
    Ok(decide(entries, outcome, settings.margin))
}

/// Rules where there are some; otherwise what does best with few outcomes, which needs one of either kind.
fn untested(settings: &Settings, rarer: usize) -> Choice {
    let few = || match rarer {
        0 => Recipe::NaiveBayes(BayesConfig { strength: STRENGTHS[1] }),
        _ => Recipe::Logistic(LogisticConfig { ridge: FEW_RIDGES[0] }),
    };
    let recipe = settings.rules.clone().map_or_else(few, Recipe::Rules);
    Choice { recipe, scores: Vec::new(), outcome: Vec::new(), candidates: Vec::new() }
}

/// A model to fit on each fold; boosting gives a candidate for each of its stages.
fn families(rarer: usize, settings: &Settings) -> Vec<Recipe> {
    let rules = settings.rules.iter().cloned().map(Recipe::Rules);
    let bayes = STRENGTHS.map(|strength| Recipe::NaiveBayes(BayesConfig { strength }));
    let bayes = bayes.into_iter().filter(|_| settings.naive_bayes && rarer >= MANY_OUTCOMES);
    let ridges: &[f64] = if rarer < MANY_OUTCOMES { &FEW_RIDGES } else { &RIDGES };
    let logistic = ridges.iter().map(|ridge| Recipe::Logistic(LogisticConfig { ridge: *ridge }));
    let boosted = TREES.map(|(leaves, leaf_weight)| {
        Recipe::Boosted(BoostConfig {
            trees: STAGES[STAGES.len() - 1],
            learning_rate: 0.05,
            leaves,
            leaf_weight,
            ridge: 1.0,
            share: 0.8,
            seed: settings.seed,
            threads: settings.threads,
        })
    });
    let boosted = boosted.into_iter().filter(|_| rarer >= MANY_OUTCOMES);
    rules.chain(logistic).chain(bayes).chain(boosted).collect()
}

struct Contest<'a> {
    table: &'a Table,
    settings: &'a Settings,
    folds: Vec<Fold>,
}

/// A recipe with its scores on the tested rows, fold after fold.
struct Entry {
    recipe: Recipe,
    scores: Vec<f64>,
}

impl Contest<'_> {
    fn run(&self, families: &[Recipe], progress: Progress) -> Result<Vec<Entry>, LearnError> {
        let jobs: Vec<(usize, usize)> =
            (0..families.len()).flat_map(|family| (0..self.folds.len()).map(move |fold| (family, fold))).collect();
        let (next, done, stop) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
        let results = Mutex::new(Vec::with_capacity(jobs.len()));
        let work = || {
            while let Some((family, fold)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let result = self.job(&families[*family], &self.folds[*fold]);
                if let Ok(mut results) = results.lock() {
                    results.push((*family, *fold, result));
                }
                if !progress(done.fetch_add(1, Ordering::Relaxed) + 1, jobs.len()) {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        };
        std::thread::scope(|scope| {
            (1..self.settings.threads.max(1)).for_each(|_| drop(scope.spawn(work)));
            work();
        });
        if stop.into_inner() {
            return Err(LearnError::Cancelled);
        }
        let mut results = results.into_inner().unwrap_or_default();
        results.sort_by_key(|(family, fold, _)| (*family, *fold));
        self.gather(families, results)
    }

    /// Scores of the fold's test rows, for each stage of a boosted model.
    fn job(&self, recipe: &Recipe, fold: &Fold) -> Result<Vec<Vec<f64>>, LearnError> {
        match recipe {
            Recipe::Boosted(config) => {
                Boosted::fit(config, self.table, &fold.learn)?.staged(self.table, &fold.test, &STAGES)
            }
            recipe => Ok(vec![Trained::fit(recipe, self.table, &fold.learn)?.predict(self.table, &fold.test)?]),
        }
    }

    /// The families' stages as entries; a family that failed on a fold is out.
    fn gather(&self, families: &[Recipe], results: Vec<JobResult>) -> Result<Vec<Entry>, LearnError> {
        let mut entries: Vec<Entry> = Vec::new();
        for (place, recipe) in families.iter().enumerate() {
            let parts = results.iter().filter(|(family, ..)| *family == place);
            let parts: Vec<&Vec<Vec<f64>>> = parts.filter_map(|(.., result)| result.as_ref().ok()).collect();
            if parts.len() < self.folds.len() {
                continue;
            }
            let stages = parts.first().map_or(0, |part| part.len());
            entries.extend((0..stages).map(|stage| Entry {
                recipe: at_stage(recipe, stage),
                scores: parts.iter().flat_map(|part| part[stage].iter().copied()).collect(),
            }));
        }
        if !entries.is_empty() {
            return Ok(entries);
        }
        let failed = results.into_iter().find_map(|(.., result)| result.err());
        Err(failed.unwrap_or(LearnError::NoOutcomes))
    }
}

type JobResult = (usize, usize, Result<Vec<Vec<f64>>, LearnError>);

fn at_stage(recipe: &Recipe, stage: usize) -> Recipe {
    match recipe {
        Recipe::Boosted(config) => Recipe::Boosted(BoostConfig { trees: STAGES[stage], ..*config }),
        recipe => recipe.clone(),
    }
}

fn raw_loss(scores: &[f64], outcome: &[bool]) -> f64 {
    scores.iter().zip(outcome).map(|(score, yes)| log_loss_of_score(*score, *yes)).sum()
}

/// The best entry of each kind, simplest kind first, with blends of the best two trained ones.
fn finalists(entries: Vec<Entry>, outcome: &[bool]) -> Vec<Entry> {
    let mut best: Vec<(f64, Entry)> = Vec::new();
    for entry in entries {
        let loss = raw_loss(&entry.scores, outcome);
        match best.iter_mut().find(|(_, have)| have.recipe.name() == entry.recipe.name()) {
            Some(have) if loss < have.0 => *have = (loss, entry),
            Some(_) => {}
            None => best.push((loss, entry)),
        }
    }
    let mut finalists: Vec<Entry> = best.into_iter().map(|(_, entry)| entry).collect();
    finalists.extend(best_blend(&finalists, outcome));
    finalists
}

fn best_blend(finalists: &[Entry], outcome: &[bool]) -> Option<Entry> {
    let (logistic, line) = finalists.iter().find_map(|entry| match entry.recipe {
        Recipe::Logistic(config) => Some((config, entry)),
        _ => None,
    })?;
    let (boosted, trees) = finalists.iter().find_map(|entry| match entry.recipe {
        Recipe::Boosted(config) => Some((config, entry)),
        _ => None,
    })?;
    let blends = SHARES.map(|share| {
        let mixed = line.scores.iter().zip(&trees.scores).map(|(line, trees)| (1.0 - share) * line + share * trees);
        Entry { recipe: Recipe::Blend(BlendConfig { logistic, boosted, share }), scores: mixed.collect() }
    });
    blends.into_iter().min_by(|a, b| raw_loss(&a.scores, outcome).total_cmp(&raw_loss(&b.scores, outcome)))
}

fn decide(entries: Vec<Entry>, outcome: Vec<bool>, margin: f64) -> Choice {
    let finalists = finalists(entries, &outcome);
    let judged: Vec<(Vec<f64>, Vec<f64>)> = finalists
        .iter()
        .map(|entry| {
            let chances = Calibration::platt(&entry.scores, &outcome).chances(&entry.scores);
            let losses = chances.iter().zip(&outcome).map(|(chance, yes)| crate::trust::log_loss(&[*chance], &[*yes]));
            let losses = losses.collect();
            (chances, losses)
        })
        .collect();
    let (mut champion, mut candidates) = (0, Vec::new());
    for (place, entry) in finalists.iter().enumerate() {
        let (gain, error) = paired_gain(&judged[champion].1, &judged[place].1);
        let believed = matches!(finalists[champion].recipe, Recipe::Rules(_));
        // with few outcomes naive Bayes wins by chance too often
        let crude = matches!(entry.recipe, Recipe::NaiveBayes(_));
        let needed = if believed || crude { margin * error } else { 0.0 };
        let rival = finalists[champion].recipe.name();
        let decision = if place == 0 {
            "first champion, being the simplest".to_owned()
        } else if gain > needed {
            champion = place;
            format!("beats {rival}: log loss lower by {gain:.5} ± {error:.5}, {needed:.5} needed")
        } else {
            format!("does not beat {rival}: log loss lower by {gain:.5} ± {error:.5}, {needed:.5} needed")
        };
        let metrics = Metrics::of(&judged[place].0, &outcome);
        candidates.push(Candidate { recipe: entry.recipe.clone(), metrics, decision });
    }
    let winner = finalists.into_iter().nth(champion);
    let (recipe, scores) = winner.map_or_else(
        || (Recipe::NaiveBayes(BayesConfig { strength: STRENGTHS[1] }), Vec::new()),
        |entry| (entry.recipe, entry.scores),
    );
    Choice { recipe, scores, outcome, candidates }
}

/// Mean of `before - after` over the rows, and its standard error.
fn paired_gain(before: &[f64], after: &[f64]) -> (f64, f64) {
    let rows = before.len().max(1) as f64;
    let gains = || before.iter().zip(after).map(|(before, after)| before - after);
    let mean = gains().sum::<f64>() / rows;
    let variance = gains().map(|gain| (gain - mean).powi(2)).sum::<f64>() / rows;
    (mean, (variance / rows).sqrt())
}
