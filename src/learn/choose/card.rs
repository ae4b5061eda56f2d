//! The model card: what a person reads before trusting a model on his own data.

use serde::Serialize;

use super::curve::learning_curve;
use super::folds::{Fold, folds};
use super::scorer::Scorer;
use super::search::{Candidate, Progress, Settings};
use crate::LearnError;
use crate::model::Contributions;
use crate::table::{Feature, Table};
use crate::trust::{Leak, LearningCurve, Metrics, Verdict, leaks, verdict};

/// Rows whose contributions are averaged.
const EXPLAINED: usize = 200;
/// Folds of which the last one is held out.
const FOLDS: usize = 5;

/// How strongly a feature moves scores.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Influence {
    pub feature: String,
    /// Mean absolute contribution over held-out rows, in log-odds or in the amounts' unit.
    pub strength: f64,
}

/// A model of the outcomes of a whole table, with what is known of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Card {
    pub rows: usize,
    pub yes: usize,
    pub features: usize,
    /// Features that were left out, and why.
    pub left_out: Vec<Leak>,
    /// The chosen model.
    pub model: String,
    pub candidates: Vec<Candidate>,
    /// Rows learned from, and the figures on rows held out: the latest ones where the table has times.
    pub learned_from: usize,
    pub held_out: Option<Metrics>,
    /// Of the chosen model on the rows held out; none where parts of the rows are too small to learn from.
    pub learning_curve: Option<LearningCurve>,
    pub verdict: Verdict,
    /// The strongest first.
    pub influences: Vec<Influence>,
}

impl Card {
    /// Learns from four fifths of the table (where it has times, from all before the last sixth) and looks at the rest.
    /// Errors: no outcomes, cancelled.
    pub fn make(table: Table, settings: &Settings, progress: Progress) -> Result<Self, LearnError> {
        let left_out = leaks(&table)?;
        let table = table.without(&left_out.iter().map(|leak| leak.place).collect::<Vec<_>>());
        let split = held_out(&table, settings.seed);
        let scorer = Scorer::fit(&table, &split.learn, settings, progress)?;
        let outcome = table.outcome()?;
        let actual: Vec<bool> = split.test.iter().map(|row| outcome[*row as usize]).collect();
        let held_out = Metrics::of(&scorer.chances(&table, &split.test)?, &actual);
        let sides = (split.learn.as_slice(), split.test.as_slice());
        let curve = learning_curve(scorer.recipe(), &table, sides, settings.seed, progress)?;
        Ok(Self {
            rows: table.rows(),
            yes: outcome.iter().filter(|yes| **yes).count(),
            features: table.features().len(),
            left_out,
            model: scorer.recipe().name().to_owned(),
            candidates: scorer.candidates().to_vec(),
            learned_from: split.learn.len(),
            verdict: verdict(&held_out, scorer.rarer(), curve.as_ref()),
            learning_curve: curve,
            held_out: (!actual.is_empty()).then_some(held_out),
            influences: influences(scorer.features(), &split.test, |row| Ok(scorer.score(&table, row)?.contributions))?,
        })
    }
}

/// What is learned from and what is looked at: the latest rows where the table has times. With too few rows to hold any
/// out, all are learned from.
pub fn held_out(table: &Table, seed: u64) -> Fold {
    let all: Vec<u32> = (0..table.rows() as u32).collect();
    folds(table, &all, FOLDS, seed).pop().unwrap_or(Fold { learn: all, test: Vec::new() })
}

/// Over an even part of `rows`, of which `explain` gives the contributions of `features`.
pub fn influences(
    features: &[Feature],
    rows: &[u32],
    explain: impl Fn(u32) -> Result<Contributions, LearnError>,
) -> Result<Vec<Influence>, LearnError> {
    let rows: Vec<u32> = rows.iter().copied().step_by(rows.len().div_ceil(EXPLAINED).max(1)).collect();
    let mut strength = vec![0.0; features.len()];
    for row in &rows {
        let parts = explain(*row)?.parts;
        strength.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part.abs() / rows.len() as f64);
    }
    let named = features.iter().zip(strength);
    let mut influences: Vec<Influence> =
        named.map(|(feature, strength)| Influence { feature: feature.name.clone(), strength }).collect();
    influences.retain(|influence| influence.strength > 0.0);
    influences.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    Ok(influences)
}
