//! The model card of amounts: what a person reads before trusting estimates on his own data.

use serde::Serialize;

use super::card::{Influence, held_out, influences};
use super::curve::drawn;
use super::estimator::{Contender, Estimator};
use super::search::{Progress, Settings};
use crate::LearnError;
use crate::model::Ridge;
use crate::table::Table;
use crate::trust::{AmountMetrics, Leak, LearningCurve, Measure, Spread, Verdict, amount_leaks, amount_verdict};

/// What the intervals of a card promise.
const COVER: f64 = 0.8;

/// A model of the amounts of a whole table, with what is known of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AmountCard {
    pub rows: usize,
    pub amounts: Spread,
    pub features: usize,
    /// Features that were left out, and why.
    pub left_out: Vec<Leak>,
    /// The chosen model.
    pub model: String,
    pub candidates: Vec<Contender>,
    /// Rows learned from, and the figures on rows held out: the latest ones where the table has times.
    pub learned_from: usize,
    pub held_out: Option<AmountMetrics>,
    /// Of the chosen model on the rows held out; none where parts of the rows are too small to learn from.
    pub learning_curve: Option<LearningCurve>,
    pub verdict: Verdict,
    /// The strongest first.
    pub influences: Vec<Influence>,
}

impl AmountCard {
    /// As [`Card::make`](super::Card::make). Errors: no amounts, fewer than three rows, cancelled.
    pub fn make(table: Table, settings: &Settings, progress: Progress) -> Result<Self, LearnError> {
        let left_out = amount_leaks(&table)?;
        let table = table.without(&left_out.iter().map(|leak| leak.place).collect::<Vec<_>>());
        let mut split = held_out(&table, settings.seed);
        if split.learn.len() < Ridge::LEAST_ROWS {
            split.learn.append(&mut split.test);
        }
        let amounts = table.amounts()?;
        let of = |rows: &[u32]| -> Vec<f64> { rows.iter().map(|row| amounts[*row as usize]).collect() };
        let estimator = Estimator::fit(&table, &split.learn, settings, progress)?;
        let figures = |estimator: &Estimator, past: &[f64]| -> Result<AmountMetrics, LearnError> {
            let told = estimator.estimates(&table, &split.test, COVER)?;
            let (told, between): (Vec<_>, Vec<_>) = told.into_iter().map(|one| (one.amount, one.between)).unzip();
            Ok(AmountMetrics::of(&told, &between, &of(&split.test), past, COVER))
        };
        let metrics = figures(&estimator, &of(&split.learn))?;
        let score = |rows: &[u32], go_on: &(dyn Fn() -> bool + Sync)| match estimator.again(&table, rows, go_on) {
            Ok(again) => Ok(figures(&again, &[])?.r_squared),
            Err(LearnError::FewRows { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        let curve = drawn(Measure::RSquared, &split.learn, settings.seed, progress, score)?;
        let influences = influences(estimator.features(), &split.test, |row| estimator.contributions(&table, row))?;
        let strongest = influences.first().map(|influence| influence.feature.as_str());
        Ok(Self {
            rows: table.rows(),
            amounts: Spread::of(amounts),
            features: table.features().len(),
            left_out,
            model: estimator.model().to_owned(),
            candidates: estimator.candidates().to_vec(),
            learned_from: split.learn.len(),
            verdict: amount_verdict(&metrics, split.learn.len(), strongest, curve.as_ref()),
            learning_curve: curve,
            held_out: (!split.test.is_empty()).then_some(metrics),
            influences,
        })
    }
}
