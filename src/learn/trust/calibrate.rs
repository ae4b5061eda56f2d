//! From scores to chances that come true: of the rows told "30 %", 30 in 100 turn out yes.

use serde::{Deserialize, Serialize};

use crate::model::{Design, Prior, most_probable};
use crate::numeric::{log_loss_of_score, sigmoid};

/// Outcomes of the rarer kind below which a curve would be drawn through noise.
const LEAST_OUTCOMES: usize = 10;
/// Precision of the belief that each weight of beta calibration is 1, which takes the score at its word, and a trace of
/// one about the constant.
const BETA_BELIEF: f64 = 0.5;
const CONSTANT_BELIEF: f64 = 1e-3;
/// Rows that each pool of isotonic calibration is believed to have seen before, at the chance of the beta curve.
const BELIEVED_ROWS: f64 = 10.0;
const STEPS: usize = 100;

/// A monotone map from log-odds to chances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Calibration {
    /// The score is taken at its word.
    None,
    /// `slope * score + offset`, as log-odds.
    Platt { slope: f64, offset: f64 },
    /// `yes * ln p - no * ln (1 - p) + offset`, as log-odds, where `p` is the chance that the score says: bent where
    /// the model is more sure of one outcome than of the other.
    Beta { yes: f64, no: f64, offset: f64 },
    /// Straight lines between (score, chance) points; flat beyond the ends.
    Isotonic { scores: Vec<f64>, chances: Vec<f64> },
    /// The mean of the chances of `Beta` and `Isotonic`; files before format 4 have none.
    Averaged { yes: f64, no: f64, offset: f64, scores: Vec<f64>, chances: Vec<f64> },
}

impl Calibration {
    /// The mean of beta calibration, which errs by its shape, and of isotonic calibration, which errs by noise (an
    /// ensemble of a parametric and a free map as in Zhang, Kailkhura and Han, ICML 2020). The pools of the latter are
    /// drawn towards the former, so that small ones do not stand out. The order of the scores is kept. `scores`
    /// (log-odds) must come from models that did not learn from these rows. Fewer than ten outcomes of either kind
    /// leave the scores as they are.
    pub fn fit(scores: &[f64], outcome: &[bool]) -> Self {
        let yes = outcome.iter().filter(|yes| **yes).count();
        if yes.min(outcome.len() - yes) < LEAST_OUTCOMES {
            return Self::None;
        }
        let curve = Self::beta(scores, outcome);
        let Self::Beta { yes, no, offset } = curve else { return curve };
        let (scores, chances) = pooled(scores, outcome, BELIEVED_ROWS, |score| curve.chance(score));
        Self::Averaged { yes, no, offset, scores, chances }
    }

    /// Beta calibration (Kull, Silva Filho and Flach, AISTATS 2017) as the most probable weights when each is believed
    /// to be near 1. One that would be negative is 0. Where that cannot be computed: Platt's.
    pub fn beta(scores: &[f64], outcome: &[bool]) -> Self {
        let rows: Vec<u32> = (0..outcome.len() as u32).collect();
        let mut used = vec![true, false];
        loop {
            let design = Design::new(&rows, used.len(), |row, put| {
                let loss = |is| log_loss_of_score(scores[row as usize], is);
                used.iter().enumerate().for_each(|(slot, is)| put(slot, if *is { -loss(true) } else { loss(false) }));
            });
            let mut prior = Prior { mean: vec![0.0], precision: vec![CONSTANT_BELIEF] };
            prior.mean.resize(used.len() + 1, 1.0);
            prior.precision.resize(used.len() + 1, BETA_BELIEF);
            let Ok(fitted) = most_probable(&design, outcome, &prior) else { return Self::platt(scores, outcome) };
            if fitted[1..].iter().any(|weight| *weight < 0.0) {
                used = used
                    .into_iter()
                    .zip(&fitted[1..])
                    .filter(|(_, weight)| **weight >= 0.0)
                    .map(|(is, _)| is)
                    .collect();
                continue;
            }
            let weight = |wanted| used.iter().position(|is| *is == wanted).map_or(0.0, |slot| fitted[slot + 1]);
            return Self::Beta { yes: weight(true), no: weight(false), offset: fitted[0] };
        }
    }

    /// Logistic regression on the score with softened targets (Platt, Advances in Large Margin Classifiers 1999; by
    /// Newton's method as in Lin, Lin and Weng, Machine Learning 2007). The slope is never negative.
    pub fn platt(scores: &[f64], outcome: &[bool]) -> Self {
        let yes = outcome.iter().filter(|yes| **yes).count() as f64;
        let no = outcome.len() as f64 - yes;
        let (high, low) = ((yes + 1.0) / (yes + 2.0), 1.0 / (no + 2.0));
        let target = |is: bool| if is { high } else { low };
        let loss = |slope: f64, offset: f64| -> f64 {
            let rows = scores.iter().zip(outcome);
            rows.map(|(score, is)| {
                let fitted = slope * score + offset;
                target(*is) * log_loss_of_score(fitted, true) + (1.0 - target(*is)) * log_loss_of_score(fitted, false)
            })
            .sum()
        };
        let (mut slope, mut offset) = (1.0, 0.0);
        let mut best = loss(slope, offset);
        for _ in 0..STEPS {
            let (step_slope, step_offset) = platt_step(scores, outcome, target, slope, offset);
            let tries = (0..20).map(|halving| 0.5_f64.powi(halving));
            let moved = tries.map(|share| (slope + share * step_slope, offset + share * step_offset));
            let better =
                moved.map(|(slope, offset)| (loss(slope, offset), slope, offset)).find(|(loss, ..)| *loss < best);
            let Some((found, new_slope, new_offset)) = better else { break };
            let gain = best - found;
            (best, slope, offset) = (found, new_slope, new_offset);
            if gain < 1e-10 {
                break;
            }
        }
        Self::Platt { slope: slope.max(0.0), offset }
    }

    /// Pool adjacent violators (Ayer et al., Annals of Mathematical Statistics 1955), with straight lines between the
    /// middles of the pools, so that the order of scores is kept. Each pool has one more row, of the overall share.
    pub fn isotonic(scores: &[f64], outcome: &[bool]) -> Self {
        let share = outcome.iter().filter(|yes| **yes).count() as f64 / outcome.len().max(1) as f64;
        let (scores, chances) = pooled(scores, outcome, 1.0, |_| share);
        Self::Isotonic { scores, chances }
    }

    /// Whether what was loaded can be computed with.
    pub fn is_sound(&self) -> bool {
        let bent = |yes: f64, no: f64, offset: f64| yes >= 0.0 && no >= 0.0 && offset.is_finite();
        let rise = |values: &[f64]| values.windows(2).all(|pair| pair[0] <= pair[1]);
        match self {
            Self::None => true,
            Self::Platt { slope, offset } => slope.is_finite() && offset.is_finite(),
            Self::Beta { yes, no, offset } => bent(*yes, *no, *offset),
            Self::Isotonic { scores, chances } => scores.len() == chances.len() && rise(scores),
            Self::Averaged { yes, no, offset, scores, chances } => {
                let shares = chances.iter().all(|chance| (0.0..=1.0).contains(chance));
                bent(*yes, *no, *offset) && scores.len() == chances.len() && rise(scores) && rise(chances) && shares
            }
        }
    }

    /// The chance (0 to 1) for a score in log-odds.
    pub fn chance(&self, score: f64) -> f64 {
        match self {
            Self::None => sigmoid(score),
            Self::Platt { slope, offset } => sigmoid(slope * score + offset),
            Self::Beta { yes, no, offset } => bent(score, *yes, *no, *offset),
            Self::Isotonic { scores, chances } => between(scores, chances, score).unwrap_or_else(|| sigmoid(score)),
            Self::Averaged { yes, no, offset, scores, chances } => {
                let curve = bent(score, *yes, *no, *offset);
                between(scores, chances, score).map_or(curve, |line| (curve + line) / 2.0)
            }
        }
    }

    pub fn chances(&self, scores: &[f64]) -> Vec<f64> {
        scores.iter().map(|score| self.chance(*score)).collect()
    }
}

/// The chance that beta calibration makes of a score.
fn bent(score: f64, yes: f64, no: f64, offset: f64) -> f64 {
    sigmoid(no * log_loss_of_score(score, false) - yes * log_loss_of_score(score, true) + offset)
}

/// Mean score and chance of each pool of adjacent violators, when `weight` rows more are believed in each, at the
/// chance that `believed` gives to its mean score. Both rise.
fn pooled(scores: &[f64], outcome: &[bool], weight: f64, believed: impl Fn(f64) -> f64) -> (Vec<f64>, Vec<f64>) {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let mut pools: Vec<Pool> = Vec::new();
    for tied in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let yes = tied.iter().filter(|at| outcome[**at]).count() as f64;
        pools.push(Pool { score: scores[tied[0]] * tied.len() as f64, yes, rows: tied.len() as f64 });
        while let [.., before, last] = pools.as_slice() {
            if before.share() < last.share() {
                break;
            }
            let merged = before.with(last);
            pools.truncate(pools.len() - 2);
            pools.push(merged);
        }
    }
    let mut most = 0.0_f64;
    let point = |pool: Pool| {
        let score = pool.score / pool.rows;
        most = most.max((pool.yes + weight * believed(score)) / (pool.rows + weight));
        (score, most)
    };
    pools.into_iter().map(point).unzip()
}

struct Pool {
    score: f64,
    yes: f64,
    rows: f64,
}

impl Pool {
    fn share(&self) -> f64 {
        self.yes / self.rows
    }

    fn with(&self, other: &Self) -> Self {
        Self { score: self.score + other.score, yes: self.yes + other.yes, rows: self.rows + other.rows }
    }
}

fn platt_step(scores: &[f64], outcome: &[bool], target: impl Fn(bool) -> f64, slope: f64, offset: f64) -> (f64, f64) {
    let (mut g_slope, mut g_offset) = (0.0, 0.0);
    let (mut h_slope, mut h_both, mut h_offset) = (1e-9, 0.0, 1e-9);
    for (score, is) in scores.iter().zip(outcome) {
        let chance = sigmoid(slope * score + offset);
        let (off, bend) = (target(*is) - chance, chance * (1.0 - chance));
        g_slope += off * score;
        g_offset += off;
        h_slope += bend * score * score;
        h_both += bend * score;
        h_offset += bend;
    }
    let determinant = h_slope * h_offset - h_both * h_both;
    if determinant.abs() < 1e-18 || !determinant.is_finite() {
        return (0.0, g_offset / h_offset);
    }
    ((h_offset * g_slope - h_both * g_offset) / determinant, (h_slope * g_offset - h_both * g_slope) / determinant)
}

fn between(scores: &[f64], chances: &[f64], score: f64) -> Option<f64> {
    let above = scores.partition_point(|known| *known <= score).min(chances.len());
    let upper = chances.get(above);
    let lower = above.checked_sub(1).and_then(|below| chances.get(below));
    match (lower, upper) {
        (Some(low), Some(high)) => {
            let share = (score - scores[above - 1]) / (scores[above] - scores[above - 1]);
            Some(low + share * (high - low))
        }
        (only, None) | (None, only) => only.copied(),
    }
}
