//! Logistic regression with a normal prior on each weight, by Newton's method with step halving (Hastie, Tibshirani,
//! Friedman, The Elements of Statistical Learning, 4.4.1; the prior is ridge regression when its mean is 0).

use super::GoOn;
use crate::LearnError;
use crate::numeric::{log_loss_of_score, sigmoid, solve_positive};

const STEPS: usize = 40;
const HALVINGS: usize = 20;
/// Rows after which a fit can be broken off.
const BLOCK: usize = 50_000;
/// Gain of the objective (nats) below which the fit has settled.
const SETTLED: f64 = 1e-9;

/// Rows of numbers, most of them 0: `(slot, value)` pairs, 8 bytes each, with where each row starts.
pub struct Design {
    starts: Vec<usize>,
    entries: Vec<(u32, f32)>,
    width: usize,
}

impl Design {
    /// `read` puts the slots of a row that are not 0, in order, below `width`; slot 0 here is the constant 1, slot
    /// `i + 1` is slot `i` there.
    pub fn new(rows: &[u32], width: usize, read: impl Fn(u32, &mut dyn FnMut(usize, f64))) -> Self {
        let mut design = Self { starts: vec![0], entries: Vec::new(), width: width + 1 };
        for row in rows {
            design.entries.push((0, 1.0));
            read(*row, &mut |slot, value| design.entries.push((slot as u32 + 1, value as f32)));
            design.starts.push(design.entries.len());
        }
        design
    }

    /// The entries of a row in the order of their slots, the constant first.
    pub fn row(&self, at: usize) -> &[(u32, f32)] {
        &self.entries[self.starts[at]..self.starts[at + 1]]
    }

    /// The constant and the slots; one weight for each of these.
    pub fn width(&self) -> usize {
        self.width
    }

    pub fn score(&self, at: usize, weights: &[f64]) -> f64 {
        self.row(at).iter().map(|(slot, value)| weights[*slot as usize] * f64::from(*value)).sum()
    }
}

/// What is believed of each weight before the data: normal with this mean and precision (1 / variance).
pub struct Prior {
    pub mean: Vec<f64>,
    pub precision: Vec<f64>,
}

/// The most probable weights (log-odds per unit; the first is the constant). Errors: they are not finite.
pub fn fit(design: &Design, outcome: &[bool], prior: &Prior) -> Result<Vec<f64>, LearnError> {
    fit_while(design, outcome, prior, &|| true)
}

/// The same, asking every [`BLOCK`] rows. Errors: as [`fit`]; cancelled.
pub fn fit_while(design: &Design, outcome: &[bool], prior: &Prior, go_on: GoOn) -> Result<Vec<f64>, LearnError> {
    let mut weights = prior.mean.clone();
    let mut loss = objective(design, outcome, prior, &weights);
    for _ in 0..STEPS {
        let step = newton_step(design, outcome, prior, &weights, go_on)?;
        let mut share = 1.0;
        let better = (0..HALVINGS).find_map(|_| {
            let moved: Vec<f64> = weights.iter().zip(&step).map(|(weight, step)| weight + share * step).collect();
            let moved_loss = objective(design, outcome, prior, &moved);
            share /= 2.0;
            (moved_loss < loss).then_some((moved, moved_loss))
        });
        let Some((moved, moved_loss)) = better else { break };
        let gain = loss - moved_loss;
        (weights, loss) = (moved, moved_loss);
        if gain < SETTLED {
            break;
        }
    }
    if weights.iter().all(|weight| weight.is_finite()) { Ok(weights) } else { Err(LearnError::NotFinite) }
}

fn objective(design: &Design, outcome: &[bool], prior: &Prior, weights: &[f64]) -> f64 {
    let data: f64 =
        outcome.iter().enumerate().map(|(at, yes)| log_loss_of_score(design.score(at, weights), *yes)).sum();
    let belief = weights.iter().zip(&prior.mean).zip(&prior.precision);
    data + belief.map(|((weight, mean), precision)| precision * (weight - mean).powi(2) / 2.0).sum::<f64>()
}

fn newton_step(
    design: &Design,
    outcome: &[bool],
    prior: &Prior,
    weights: &[f64],
    go_on: GoOn,
) -> Result<Vec<f64>, LearnError> {
    let width = design.width;
    let mut curvature = vec![0.0; width * width];
    let mut slope: Vec<f64> =
        (0..width).map(|slot| prior.precision[slot] * (prior.mean[slot] - weights[slot])).collect();
    for (at, yes) in outcome.iter().enumerate() {
        if at % BLOCK == 0 && !go_on() {
            return Err(LearnError::Cancelled);
        }
        let row = design.row(at);
        let chance = sigmoid(design.score(at, weights));
        let (off, bend) = (f64::from(u8::from(*yes)) - chance, chance * (1.0 - chance));
        for (place, (slot, value)) in row.iter().enumerate() {
            let value = f64::from(*value);
            slope[*slot as usize] += off * value;
            let line = *slot as usize * width;
            for (other, other_value) in &row[..=place] {
                curvature[line + *other as usize] += bend * value * f64::from(*other_value);
            }
        }
    }
    for slot in 0..width {
        curvature[slot * width + slot] += prior.precision[slot].max(1e-9);
    }
    solve_positive(curvature, slope).ok_or(LearnError::NotFinite)
}
