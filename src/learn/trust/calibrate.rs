//! From scores to chances that come true: of the rows told "30 %", 30 in 100 turn out yes.

use serde::{Deserialize, Serialize};

use crate::numeric::{log_loss_of_score, minimise, sigmoid};

/// Outcomes of the rarer kind below which a curve would be drawn through noise.
const LEAST_OUTCOMES: usize = 10;
/// Outcomes of the rarer kind from which a bent curve is looked at, and the share of Platt's Brier score that it must
/// save.
const BETA_OUTCOMES: usize = 60;
const BETA_GAIN: f64 = 1e-3;
/// Looks at the likelihood of a bent curve.
const LOOKS: usize = 500;
/// Outcomes of the rarer kind from which isotonic steps are trusted.
const ISOTONIC_OUTCOMES: usize = 200;
/// Share of Platt's Brier score that isotonic steps must save, on rows that they were not fitted to.
const ISOTONIC_GAIN: f64 = 5e-3;
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
}

impl Calibration {
    /// The best of Platt, beta and isotonic on held-out halves, fitted to all; the simpler one unless another saves a
    /// share. `scores` (log-odds) must come from models that did not learn from these rows. Fewer than ten outcomes of
    /// either kind leave the scores as they are.
    pub fn fit(scores: &[f64], outcome: &[bool]) -> Self {
        let yes = outcome.iter().filter(|yes| **yes).count();
        let rarer = yes.min(outcome.len() - yes);
        if rarer < LEAST_OUTCOMES {
            return Self::None;
        }
        if rarer < BETA_OUTCOMES {
            return Self::platt(scores, outcome);
        }
        let smooth = crossed_brier(scores, outcome, Self::platt);
        let bent = crossed_brier(scores, outcome, Self::beta);
        let best = if bent < smooth * (1.0 - BETA_GAIN) { Self::beta } else { Self::platt };
        if rarer < ISOTONIC_OUTCOMES {
            return best(scores, outcome);
        }
        let steps = crossed_brier(scores, outcome, Self::isotonic);
        if steps < smooth.min(bent) * (1.0 - ISOTONIC_GAIN) {
            Self::isotonic(scores, outcome)
        } else {
            best(scores, outcome)
        }
    }

    /// Beta calibration (Kull, Silva Filho and Flach, AISTATS 2017) by maximum likelihood. Neither weight is negative.
    pub fn beta(scores: &[f64], outcome: &[bool]) -> Self {
        let unpack = |point: &[f64]| Self::Beta { yes: point[0].exp(), no: point[1].exp(), offset: point[2] };
        let loss = |point: &[f64]| -> f64 {
            let map = unpack(point);
            let rows = scores.iter().zip(outcome);
            let data = rows.map(|(score, is)| log_loss_of_score(map.log_odds(*score), *is)).sum::<f64>();
            // a trace of belief in the scores, so that outcomes without an order do not send the weights off
            data + 0.1 * (point[0].powi(2) + point[1].powi(2))
        };
        unpack(&minimise(&[0.0; 3], &[0.3; 3], LOOKS, loss).0)
    }

    /// The calibrated log-odds, where the map has them.
    fn log_odds(&self, score: f64) -> f64 {
        match self {
            Self::Platt { slope, offset } => slope * score + offset,
            Self::Beta { yes, no, offset } => {
                no * log_loss_of_score(score, false) - yes * log_loss_of_score(score, true) + offset
            }
            Self::None | Self::Isotonic { .. } => score,
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
    /// middles of the pools, so that the order of scores is kept.
    pub fn isotonic(scores: &[f64], outcome: &[bool]) -> Self {
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
        let chances = pools.iter().map(|pool| (pool.yes + 0.5) / (pool.rows + 1.0));
        let mut most = 0.0_f64;
        let chances = chances.map(|chance| {
            most = most.max(chance);
            most
        });
        let chances: Vec<f64> = chances.collect();
        Self::Isotonic { scores: pools.iter().map(|pool| pool.score / pool.rows).collect(), chances }
    }

    /// Whether what was loaded can be computed with.
    pub fn is_sound(&self) -> bool {
        match self {
            Self::None => true,
            Self::Platt { slope, offset } => slope.is_finite() && offset.is_finite(),
            Self::Beta { yes, no, offset } => [yes, no].iter().all(|weight| **weight >= 0.0) && offset.is_finite(),
            Self::Isotonic { scores, chances } => {
                scores.len() == chances.len() && scores.windows(2).all(|pair| pair[0] <= pair[1])
            }
        }
    }

    /// The chance (0 to 1) for a score in log-odds.
    pub fn chance(&self, score: f64) -> f64 {
        match self {
            Self::None | Self::Platt { .. } | Self::Beta { .. } => sigmoid(self.log_odds(score)),
            Self::Isotonic { scores, chances } => between(scores, chances, score).unwrap_or_else(|| sigmoid(score)),
        }
    }

    pub fn chances(&self, scores: &[f64]) -> Vec<f64> {
        scores.iter().map(|score| self.chance(*score)).collect()
    }
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

/// Mean Brier score of each half by the map that is fitted to the other one.
fn crossed_brier(scores: &[f64], outcome: &[bool], fit: impl Fn(&[f64], &[bool]) -> Calibration) -> f64 {
    let half = |wanted: usize| -> (Vec<f64>, Vec<bool>) {
        let rows = scores.iter().copied().zip(outcome.iter().copied()).enumerate();
        rows.filter(|(at, _)| at % 2 == wanted).map(|(_, row)| row).unzip()
    };
    let (even, odd) = (half(0), half(1));
    let loss = |learn: &(Vec<f64>, Vec<bool>), test: &(Vec<f64>, Vec<bool>)| {
        super::brier(&fit(&learn.0, &learn.1).chances(&test.0), &test.1)
    };
    (loss(&even, &odd) + loss(&odd, &even)) / 2.0
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
