//! Small numerical tools that several methods share.

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

/// Solves `a x = b` for a symmetric positive definite `a` (row-major, `n` x `n`; the lower triangle is read and
/// overwritten) by Cholesky decomposition (Golub and Van Loan, Matrix Computations, 4.2). `b` becomes `x`.
/// `false` when `a` is not positive definite.
pub fn solve_positive(a: &mut [f64], b: &mut [f64]) -> bool {
    let n = b.len();
    for row in 0..n {
        for column in 0..=row {
            let dot: f64 = (0..column).map(|k| a[row * n + k] * a[column * n + k]).sum();
            let rest = a[row * n + column] - dot;
            if row != column {
                a[row * n + column] = rest / a[column * n + column];
            } else if rest > 0.0 && rest.is_finite() {
                a[row * n + row] = rest.sqrt();
            } else {
                return false;
            }
        }
    }
    for row in 0..n {
        let dot: f64 = (0..row).map(|k| a[row * n + k] * b[k]).sum();
        b[row] = (b[row] - dot) / a[row * n + row];
    }
    for row in (0..n).rev() {
        let dot: f64 = (row + 1..n).map(|k| a[k * n + row] * b[k]).sum();
        b[row] = (b[row] - dot) / a[row * n + row];
    }
    b.iter().all(|value| value.is_finite())
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

    /// Fisher-Yates; the bias of the remainder is below 2^-40 for any table that fits in memory.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = (self.next() % (last as u64 + 1)) as usize;
            items.swap(last, other);
        }
    }
}
