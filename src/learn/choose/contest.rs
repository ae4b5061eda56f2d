//! From scores on rows that no model learned from to a choice: a vote of simple models, or the contest of champion and
//! challengers.

use std::collections::BTreeMap;

use super::plan::{Mode, Plan, STAGES, untested};
use super::search::{Candidate, Choice, Settings};
use super::vote::{self, Weights};
use crate::LearnError;
use crate::model::{BlendConfig, BoostConfig, Recipe, StackConfig, StackPart};
use crate::numeric::log_loss_of_score;
use crate::table::Table;
use crate::trust::{Calibration, Metrics, log_loss};

const SHARES: [f64; 3] = [0.3, 0.5, 0.7];

/// What a unit gave: log-odds of its test rows for each stage, or why not.
pub type Scores = Result<Vec<Vec<f64>>, String>;

/// A recipe with its scores on the tested rows, fold after fold of the first round.
struct Entry {
    recipe: Recipe,
    scores: Vec<f64>,
}

/// The choice that follows from all units' scores, which are in the order of [`Plan::units`]. Errors: every model
/// failed.
pub fn choice(plan: &Plan, scores: &[Scores], table: &Table, settings: &Settings) -> Result<Choice, LearnError> {
    let all = table.outcome()?;
    let outcome: Vec<bool> = tested(plan, 0).map(|row| all[row as usize]).collect();
    match plan.mode {
        Mode::Untested => Ok(Choice {
            recipe: untested(settings),
            scores: Vec::new(),
            outcome,
            candidates: Vec::new(),
            calibration: Calibration::None,
        }),
        Mode::Vote => voted(plan, scores, all, outcome, settings),
        Mode::Contest => {
            let mut finalists = finalists(entries(plan, scores)?, &outcome);
            finalists.extend(stacked(plan, scores, &outcome, settings)?);
            Ok(decide(finalists, outcome, settings.margin))
        }
    }
}

/// The rows of a round, fold after fold.
fn tested(plan: &Plan, round: usize) -> impl Iterator<Item = u32> {
    plan.rounds.get(round).into_iter().flatten().flat_map(|fold| fold.test.iter().copied())
}

/// The scores of a recipe in a round, fold after fold, one vector for each stage; `None` where it failed on a fold.
fn gathered(plan: &Plan, scores: &[Scores], recipe: usize, round: usize) -> Option<Vec<Vec<f64>>> {
    let mut gathered: Vec<Vec<f64>> = Vec::new();
    for (_, given) in plan.units().iter().zip(scores).filter(|(unit, _)| (unit.recipe, unit.round) == (recipe, round)) {
        let stages = given.as_ref().ok()?;
        gathered.resize(stages.len().max(gathered.len()), Vec::new());
        gathered.iter_mut().zip(stages).for_each(|(all, part)| all.extend(part));
    }
    Some(gathered)
}

/// All parts with the weights that they earned in each round, averaged over the rounds.
fn voted(
    plan: &Plan,
    scores: &[Scores],
    all: &[bool],
    outcome: Vec<bool>,
    settings: &Settings,
) -> Result<Choice, LearnError> {
    let believed: Vec<f64> = plan.parts.iter().map(|part| part.weight).collect();
    let (mut weights, mut means) = (Vec::new(), vec![BTreeMap::<u32, f64>::new(); plan.parts.len()]);
    for round in 0..plan.rounds.len() {
        let said = part_scores(plan, scores, round)?;
        let came: Vec<bool> = tested(plan, round).map(|row| all[row as usize]).collect();
        weights.push(vote::weigh(&said, &came, &believed, settings)?);
        for (mean, said) in means.iter_mut().zip(&said) {
            let shares = said.iter().map(|score| score / plan.rounds.len() as f64);
            tested(plan, round).zip(shares).for_each(|(row, share)| *mean.entry(row).or_default() += share);
        }
    }
    let weights = vote::mean(&weights);
    let mean = |part: &BTreeMap<u32, f64>| tested(plan, 0).map(|row| part[&row]).collect();
    let said: Vec<Vec<f64>> = means.iter().map(mean).collect();
    let candidate = |(part, said): (usize, &Vec<f64>)| Candidate {
        recipe: plan.recipes[part].clone(),
        metrics: Metrics::of(&Calibration::None.chances(said), &outcome),
        decision: format!("weighs {:.2} in the vote, {:.2} believed", weights.parts[part], believed[part]),
    };
    let mut candidates: Vec<Candidate> = said.iter().enumerate().map(candidate).collect();
    let Entry { recipe, scores } = stack(plan, &said, &weights);
    candidates.push(Candidate {
        recipe: recipe.clone(),
        metrics: Metrics::of(&Calibration::None.chances(&scores), &outcome),
        decision: "all together, while there are too few outcomes for one model to win by more than chance".to_owned(),
    });
    Ok(Choice { recipe, scores, outcome, candidates, calibration: Calibration::None })
}

/// What each part said in a round, in the order of the parts. Errors: a part failed.
fn part_scores(plan: &Plan, scores: &[Scores], round: usize) -> Result<Vec<Vec<f64>>, LearnError> {
    let said = |part: &StackPart| {
        let recipe = plan.recipes.iter().position(|recipe| *recipe == part.recipe);
        let stages = recipe.and_then(|recipe| gathered(plan, scores, recipe, round));
        stages.and_then(|stages| stages.into_iter().next()).ok_or_else(|| failure(scores))
    };
    plan.parts.iter().map(said).collect()
}

fn failure(scores: &[Scores]) -> LearnError {
    let failed = scores.iter().find_map(|scores| scores.as_ref().err());
    failed.map_or(LearnError::NoOutcomes, |error| LearnError::NoModel(error.clone()))
}

fn stack(plan: &Plan, said: &[Vec<f64>], weights: &Weights) -> Entry {
    let rows = said.first().map_or(0, Vec::len);
    let weighted = |row: usize| said.iter().zip(&weights.parts).map(|(part, weight)| weight * part[row]).sum::<f64>();
    let parts = plan.parts.iter().zip(&weights.parts).filter(|(_, weight)| **weight > 0.0);
    let parts = parts.map(|(part, weight)| StackPart { recipe: part.recipe.clone(), weight: *weight }).collect();
    Entry {
        recipe: Recipe::Stack(StackConfig { parts, offset: weights.offset }),
        scores: (0..rows).map(|row| weights.offset + weighted(row)).collect(),
    }
}

/// The vote as one of the competitors, where all its parts could be fitted.
fn stacked(plan: &Plan, scores: &[Scores], outcome: &[bool], settings: &Settings) -> Result<Option<Entry>, LearnError> {
    let Ok(said) = part_scores(plan, scores, 0) else { return Ok(None) };
    let believed: Vec<f64> = plan.parts.iter().map(|part| part.weight).collect();
    let weights = vote::weigh(&said, outcome, &believed, settings)?;
    Ok(Some(stack(plan, &said, &weights)))
}

/// The stages of each recipe; one that failed on a fold is out. Errors: all are.
fn entries(plan: &Plan, scores: &[Scores]) -> Result<Vec<Entry>, LearnError> {
    let mut entries = Vec::new();
    for (place, recipe) in plan.recipes.iter().enumerate() {
        let stages = gathered(plan, scores, place, 0).unwrap_or_default().into_iter().enumerate();
        entries.extend(stages.map(|(stage, scores)| Entry { recipe: at_stage(recipe, stage), scores }));
    }
    if entries.is_empty() { Err(failure(scores)) } else { Ok(entries) }
}

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

/// There is at least one finalist.
fn decide(mut finalists: Vec<Entry>, outcome: Vec<bool>, margin: f64) -> Choice {
    let judged: Vec<(Vec<f64>, Vec<f64>)> = finalists
        .iter()
        .map(|entry| {
            let chances = Calibration::platt(&entry.scores, &outcome).chances(&entry.scores);
            let losses = chances.iter().zip(&outcome).map(|(chance, yes)| log_loss(&[*chance], &[*yes]));
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
    let Entry { recipe, scores } = finalists.swap_remove(champion);
    let calibration = Calibration::fit(&scores, &outcome);
    Choice { recipe, scores, outcome, candidates, calibration }
}

/// Mean of `before - after` over the rows, and its standard error.
fn paired_gain(before: &[f64], after: &[f64]) -> (f64, f64) {
    let rows = before.len().max(1) as f64;
    let gains = || before.iter().zip(after).map(|(before, after)| before - after);
    let mean = gains().sum::<f64>() / rows;
    let variance = gains().map(|gain| (gain - mean).powi(2)).sum::<f64>() / rows;
    (mean, (variance / rows).sqrt())
}
