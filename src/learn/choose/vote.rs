//! How much each simple model counts when there are too few outcomes to choose one: beliefs about the weights, changed
//! by how well each did on rows that it did not learn from.

use super::search::Settings;
use crate::LearnError;
use crate::model::{Design, LogisticConfig, Prior, Recipe, StackPart, most_probable};
use crate::numeric::{logit, sigmoid};

/// Ridge and believed weight of the logistic regressions beside rules, and without any.
const BESIDE_RULES: [(f64, f64); 1] = [(5.0, 0.12)];
const ALONE: [(f64, f64); 2] = [(5.0, 0.4), (50.0, 0.3)];
/// Believed weights of the rules as declared, and as the outcomes changed them.
const RULES: (f64, f64) = (0.46, 0.22);
/// Precision of the belief that all weights are as believed but for a common factor near 1, and that each is.
const TOGETHER: f64 = 3.0;
const EACH: f64 = 12.0;
/// Believed chance of yes and the rows that this weighs, where no rules say it.
const RATE: (f64, f64) = (0.2, 4.0);
const HALVINGS: usize = 60;

/// Weights of the parts, none negative, and the log-odds added to their sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    pub parts: Vec<f64>,
    pub offset: f64,
}

/// The models that are weighed together, with their believed weights; a logistic regression needs an outcome of either
/// kind (`rarer` counts those of the rarer one).
pub fn parts(settings: &Settings, rarer: usize) -> Vec<StackPart> {
    let part = |recipe, weight| StackPart { recipe, weight };
    let rules = settings
        .rules
        .iter()
        .flat_map(|rules| [part(Recipe::Rules(rules.held()), RULES.0), part(Recipe::Rules(rules.clone()), RULES.1)]);
    let ridges: &[(f64, f64)] = if settings.rules.is_some() { &BESIDE_RULES } else { &ALONE };
    let lines = ridges.iter().filter(|_| rarer > 0);
    let lines = lines.map(|(ridge, weight)| part(Recipe::Logistic(LogisticConfig { ridge: *ridge }), *weight));
    rules.chain(lines).collect()
}

/// The most probable weights given each part's log-odds (`scores[part][row]`) on rows that it did not learn from:
/// logistic regression on the parts' log-odds, centred, with normal priors: a factor near 1 on the believed weights
/// together, and a small difference from that for each part. The constant then makes the mean chance the share of yes
/// that is to be expected after these outcomes and the rows that the belief in the base rate weighs (calibration in the
/// large: Steyerberg, Clinical Prediction Models, chapter 20). Errors: not finite.
pub fn weigh(
    scores: &[Vec<f64>],
    outcome: &[bool],
    believed: &[f64],
    settings: &Settings,
) -> Result<Weights, LearnError> {
    let count = outcome.len().max(1) as f64;
    let means: Vec<f64> = scores.iter().map(|part| part.iter().sum::<f64>() / count).collect();
    let centred = |part: usize, row: u32| scores[part][row as usize] - means[part];
    let mut used: Vec<usize> = (0..scores.len()).collect();
    loop {
        let rows: Vec<u32> = (0..outcome.len() as u32).collect();
        let design = Design::new(&rows, used.len() + 1, |row, put| {
            put(0, used.iter().map(|part| believed[*part] * centred(*part, row)).sum());
            used.iter().enumerate().for_each(|(slot, part)| put(slot + 1, centred(*part, row)));
        });
        let fitted = most_probable(&design, outcome, &prior(used.len(), settings))?;
        let weight = |(slot, part): (usize, &usize)| fitted[1] * believed[*part] + fitted[slot + 2];
        let weights: Vec<f64> = used.iter().enumerate().map(weight).collect();
        if weights.iter().any(|weight| *weight < 0.0) {
            used = used.into_iter().zip(weights).filter(|(_, weight)| *weight >= 0.0).map(|(part, _)| part).collect();
            continue;
        }
        let mut parts = vec![0.0; scores.len()];
        used.iter().zip(weights).for_each(|(part, weight)| parts[*part] = weight);
        let sum = |row: usize| parts.iter().zip(scores).map(|(weight, part)| weight * part[row]).sum();
        let offset = constant(&(0..outcome.len()).map(sum).collect::<Vec<f64>>(), rate(outcome, settings));
        return Ok(Weights { parts, offset });
    }
}

/// Of the constant, the common factor and each part's difference.
fn prior(parts: usize, settings: &Settings) -> Prior {
    let (rate, strength) = believed_rate(settings);
    let mut prior = Prior { mean: vec![logit(rate), 1.0], precision: vec![strength * rate * (1.0 - rate), TOGETHER] };
    prior.mean.resize(parts + 2, 0.0);
    prior.precision.resize(parts + 2, EACH);
    prior
}

/// Believed share of yes, and the rows that this belief weighs.
fn believed_rate(settings: &Settings) -> (f64, f64) {
    settings.rules.as_ref().map_or(RATE, |rules| (rules.base_rate, rules.base_strength))
}

/// The expected share of yes after the outcomes, when the belief in it is a Beta distribution (Gelman et al., Bayesian
/// Data Analysis, 2.4).
fn rate(outcome: &[bool], settings: &Settings) -> f64 {
    let (rate, strength) = believed_rate(settings);
    let yes = outcome.iter().filter(|yes| **yes).count() as f64;
    if outcome.is_empty() { rate } else { (yes + strength * rate) / (outcome.len() as f64 + strength) }
}

/// What is to be added to the scores (log-odds) so that their mean chance is `rate`, found by halving.
fn constant(scores: &[f64], rate: f64) -> f64 {
    let ends = scores.iter().copied().fold((0.0_f64, 0.0_f64), |(low, high), score| (low.min(score), high.max(score)));
    let (mut low, mut high) = (logit(rate) - ends.1, logit(rate) - ends.0);
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        let mean = scores.iter().map(|score| sigmoid(score + middle)).sum::<f64>() / scores.len().max(1) as f64;
        if mean < rate { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The mean of several rounds' weights.
pub fn mean(rounds: &[Weights]) -> Weights {
    let count = rounds.len().max(1) as f64;
    let parts = rounds.first().map_or(0, |first| first.parts.len());
    Weights {
        parts: (0..parts).map(|part| rounds.iter().map(|round| round.parts[part]).sum::<f64>() / count).collect(),
        offset: rounds.iter().map(|round| round.offset).sum::<f64>() / count,
    }
}
