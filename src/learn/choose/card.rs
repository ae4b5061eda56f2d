//! The model card: what a person reads before trusting a model on his own data.

use serde::Serialize;

use super::curve::learning_curve;
use super::folds::folds;
use super::scorer::Scorer;
use super::search::{Candidate, Progress, Settings};
use crate::LearnError;
use crate::table::Table;
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
    /// Mean absolute contribution over held-out rows, in log-odds.
    pub strength: f64,
}

/// A model of a whole table, with what is known of it.
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
        let all: Vec<u32> = (0..table.rows() as u32).collect();
        let split = folds(&table, &all, FOLDS, settings.seed).pop().unwrap_or_default();
        let learn = if split.learn.is_empty() { &all } else { &split.learn };
        let scorer = Scorer::fit(&table, learn, settings, progress)?;
        let outcome = table.outcome()?;
        let actual: Vec<bool> = split.test.iter().map(|row| outcome[*row as usize]).collect();
        let held_out = Metrics::of(&scorer.chances(&table, &split.test)?, &actual);
        let sides = (learn.as_slice(), split.test.as_slice());
        let curve = learning_curve(scorer.recipe(), &table, sides, settings.seed, progress)?;
        Ok(Self {
            rows: table.rows(),
            yes: outcome.iter().filter(|yes| **yes).count(),
            features: table.features().len(),
            left_out,
            model: scorer.recipe().name().to_owned(),
            candidates: scorer.candidates().to_vec(),
            learned_from: learn.len(),
            verdict: verdict(&held_out, scorer.rarer(), curve.as_ref()),
            learning_curve: curve,
            held_out: (!actual.is_empty()).then_some(held_out),
            influences: influences(&scorer, &table, &split.test)?,
        })
    }
}

fn influences(scorer: &Scorer, table: &Table, rows: &[u32]) -> Result<Vec<Influence>, LearnError> {
    let rows: Vec<u32> = rows.iter().copied().step_by(rows.len().div_ceil(EXPLAINED).max(1)).collect();
    let mut strength = vec![0.0; scorer.features().len()];
    for row in &rows {
        let parts = scorer.score(table, *row)?.contributions.parts;
        strength.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part.abs() / rows.len() as f64);
    }
    let named = scorer.features().iter().zip(strength);
    let mut influences: Vec<Influence> =
        named.map(|(feature, strength)| Influence { feature: feature.name.clone(), strength }).collect();
    influences.retain(|influence| influence.strength > 0.0);
    influences.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    Ok(influences)
}
