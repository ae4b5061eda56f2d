//! Small numerical tools that several methods share.

mod minimise;
mod special;

pub use minimise::minimise;
pub use special::{hypergeometric, ln_beta, ln_gamma, normal_quantile};

/// Chance (0 to 1) from log-odds; exact at both ends, never NaN for a number.
pub fn sigmoid(log_odds: f64) -> f64 {
    if log_odds >= 0.0 {
        1.0 / (1.0 + (-log_odds).exp())
    } else {
        let odds = log_odds.exp();
        odds / (1.0 + odds)
    }
}

/// Log-odds of a chance, held within 1e-9 of certainty so that it stays finite.
pub fn logit(chance: f64) -> f64 {
    let chance = chance.clamp(1e-9, 1.0 - 1e-9);
    (chance / (1.0 - chance)).ln()
}

/// -ln P(outcome) in nats for a score in log-odds; does not overflow.
pub fn log_loss_of_score(log_odds: f64, outcome: bool) -> f64 {
    let against = if outcome { -log_odds } else { log_odds };
    against.max(0.0) + (-against.abs()).exp().ln_1p()
}

/// A symmetric positive definite matrix, taken apart to solve with (Golub and Van Loan, Matrix Computations, 4.2).
pub struct Cholesky {
    lower: Vec<f64>,
    n: usize,
}

impl Cholesky {
    /// Of a row-major `n` x `n` matrix, of which the lower triangle is read. `None` when it is not positive definite.
    pub fn of(mut a: Vec<f64>, n: usize) -> Option<Self> {
        for row in 0..n {
            for column in 0..=row {
                let dot: f64 = (0..column).map(|k| a[row * n + k] * a[column * n + k]).sum();
                let rest = a[row * n + column] - dot;
                if row != column {
                    a[row * n + column] = rest / a[column * n + column];
                } else if rest > 0.0 && rest.is_finite() {
                    a[row * n + row] = rest.sqrt();
                } else {
                    return None;
                }
            }
        }
        Some(Self { lower: a, n })
    }

    /// `b` becomes the `x` of `a x = b`.
    pub fn solve(&self, b: &mut [f64]) {
        self.forward(b);
        for row in (0..self.n).rev() {
            let dot: f64 = (row + 1..self.n).map(|k| self.lower[k * self.n + row] * b[k]).sum();
            b[row] = (b[row] - dot) / self.lower[row * self.n + row];
        }
    }

    /// `b` becomes `L^-1 b`, where `L L' = a`: its squared length is `b' a^-1 b`.
    pub fn forward(&self, b: &mut [f64]) {
        for row in 0..self.n {
            let dot: f64 = (0..row).map(|k| self.lower[row * self.n + k] * b[k]).sum();
            b[row] = (b[row] - dot) / self.lower[row * self.n + row];
        }
    }

    /// ln of the determinant.
    pub fn ln_determinant(&self) -> f64 {
        2.0 * (0..self.n).map(|at| self.lower[at * self.n + at].ln()).sum::<f64>()
    }
}

/// Solves `a x = b` for a symmetric positive definite `a` (row-major; the lower triangle is read). `None` when it is
/// not positive definite or the solution not finite.
pub fn solve_positive(a: Vec<f64>, mut b: Vec<f64>) -> Option<Vec<f64>> {
    Cholesky::of(a, b.len())?.solve(&mut b);
    b.iter().all(|value| value.is_finite()).then_some(b)
}

/// A reproducible stream of numbers from a seed (SplitMix64: Steele, Lea and Flood, OOPSLA 2014).
#[derive(Clone)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from 0 (may be met) to 1 (is not).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller, Annals of Mathematical Statistics 1958).
    pub fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.unit(), self.unit());
        (-2.0 * radius.ln()).sqrt() * (2.0 * std::f64::consts::PI * angle).cos()
    }

    /// Fisher-Yates; the bias of the remainder is below 2^-40 for any table that fits in memory.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = (self.next() % (last as u64 + 1)) as usize;
            items.swap(last, other);
        }
    }
}

/// The value that `share` (0 to 1) of `values` do not exceed, by straight lines between neighbours (Hyndman and Fan,
/// American Statistician 1996, definition 7). `values` must be sorted; NaN for none.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    let at = share.clamp(0.0, 1.0) * last as f64;
    let (low, part) = (at.floor() as usize, at.fract());
    let high = (low + 1).min(last);
    if part == 0.0 { values[low] } else { values[low] + part * (values[high] - values[low]) }
}

/// The middle value; NaN for none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    quantile(&values, 0.5)
}
