//! Proportional hazards: each feature raises or lowers the risk by the same factor at all times. The steadiest of the
//! survival models where few had it.

use serde::{Deserialize, Serialize};

use super::Spells;
use crate::LearnError;
use crate::model::{Contributions, Encoder};
use crate::numeric::{Cholesky, solve_positive};
use crate::table::{Feature, Table};

/// What is believed of the weights per deviation: Student's t around 0 with these degrees of freedom and inverse squared
/// scale. A deviation of a feature rarely makes the risk more than a quarter as large again, but of a few it may.
const FREEDOM: f64 = 4.0;
const RIDGE: f64 = 32.0;
/// Fits, each with the precisions that the one before it gave.
const ROUNDS: usize = 6;
/// Least deviation that a slot is divided by: below it the prior holds rare flags back.
const LEAST_UNIT: f64 = 0.2;
const STEPS: usize = 30;
const HALVINGS: usize = 20;
/// Gain of the objective (nats) below which the fit has settled.
const SETTLED: f64 = 1e-8;
/// Rows and times of events, each by the square of the slots, beyond which a fit would take too long.
const MOST_WORK: usize = 2_000_000_000;

/// Cox regression (Cox, JRSS B 1972; Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data, 2002,
/// chapter 4) with Efron's likelihood for ties (JASA 1977, section 4) and a Student prior on each weight, a normal one whose precision is learned by expectation and maximisation: noise is held back and what is
/// strong is not (Gelman et al., Annals of Applied Statistics 2008, section 3.2; the moments of the weights by Laplace's
/// method: Tierney and Kadane, JASA 1986).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cox {
    encoder: Encoder,
    /// One for each slot of the encoder; ln of the factor of the risk.
    weights: Vec<f64>,
    /// Of each slot over the rows learned from: what contributions are measured against.
    means: Vec<f64>,
}

impl Cox {
    /// Learns from `rows`, with numbers bent or straight, whichever has more evidence. Errors: a row that does not exist,
    /// numbers that do not settle, or more rows and slots than can be done in time.
    pub fn fit(table: &Table, spells: Spells, rows: &[u32]) -> Result<Self, LearnError> {
        let (bent, straight) = (Encoder::linear(table, rows), Encoder::straight(table, rows));
        let mut best = Self::first(bent, table, (spells, rows))?;
        let other = Self::first(straight, table, (spells, rows))?;
        if other.fit.evidence > best.fit.evidence {
            best = other;
        }
        let Start { encoder, means, units, risks, mut fit } = best;
        for _ in 1..ROUNDS {
            fit = risks.fit(&fit.precisions())?;
        }
        let weights = fit.weights.iter().zip(&units).map(|(weight, unit)| weight / unit).collect();
        Ok(Self { encoder, weights, means })
    }

    fn first(encoder: Encoder, table: &Table, (spells, rows): (Spells, &[u32])) -> Result<Start, LearnError> {
        let (means, units) = moments(&encoder, table, rows)?;
        let risks = Risks::of(&Design { encoder: &encoder, units: &units, table, spells }, rows)?;
        let fit = risks.fit(&vec![RIDGE; encoder.width()])?;
        Ok(Start { encoder, means, units, risks, fit })
    }

    /// The weights per unit under a normal prior.
    #[cfg(test)]
    pub fn weights_under(table: &Table, spells: Spells, rows: &[u32], ridge: f64) -> Result<Vec<f64>, LearnError> {
        let Start { risks, encoder, .. } = Self::first(Encoder::straight(table, rows), table, (spells, rows))?;
        risks.fit(&vec![ridge; encoder.width()]).map(|fit| fit.weights)
    }

    /// In the order of contributions.
    pub fn features(&self) -> &[Feature] {
        &self.encoder.features
    }

    /// ln of the factor of the risk of each of `rows` against a row of average features. Errors: the table lacks a
    /// feature or a row.
    pub fn log_factors(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
        let bound = self.encoder.bind(table, rows)?;
        let mut values = vec![0.0; self.encoder.width()];
        let factor = |row: &u32| {
            bound.read(*row, &mut values);
            self.weights
                .iter()
                .zip(&values)
                .zip(&self.means)
                .map(|((weight, value), mean)| weight * (value - mean))
                .sum()
        };
        Ok(rows.iter().map(factor).collect())
    }

    /// The parts of [`Cox::log_factors`]. Errors: as there.
    pub fn contributions(&self, table: &Table, row: u32) -> Result<Contributions, LearnError> {
        let bound = self.encoder.bind(table, &[row])?;
        let mut parts = vec![0.0; self.encoder.width()];
        bound.read(row, &mut parts);
        for ((part, weight), mean) in parts.iter_mut().zip(&self.weights).zip(&self.means) {
            *part = weight * (*part - mean);
        }
        Ok(Contributions { base: 0.0, parts: self.encoder.per_feature(&parts) })
    }

    /// ln of the risk of a row of average features in each of the intervals that end at `bounds` (Breslow's estimate:
    /// Kalbfleisch and Prentice, 4.3). Errors: the table lacks a feature or a row.
    pub fn log_base(
        &self,
        table: &Table,
        (spells, rows): (Spells, &[u32]),
        bounds: &[f64],
    ) -> Result<Vec<f64>, LearnError> {
        let factors = self.log_factors(table, rows)?;
        let lasted = |at: usize| spells.durations[rows[at] as usize];
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|a, b| lasted(*b).total_cmp(&lasted(*a)));
        let (mut there, mut base) = (0.0, vec![0.0; bounds.len()]);
        for tied in order.chunk_by(|a, b| lasted(*a) == lasted(*b)) {
            there += tied.iter().map(|at| factors[*at].exp()).sum::<f64>();
            let had = tied.iter().filter(|at| spells.happened[rows[**at] as usize]).count();
            if let Some(sum) = base.get_mut(bounds.partition_point(|upper| *upper < lasted(tied[0]))) {
                *sum += had as f64 / there;
            }
        }
        Ok(base.into_iter().map(|risk: f64| risk.max(f64::MIN_POSITIVE).ln()).collect())
    }

    /// Errors: what was loaded does not hold together.
    pub fn check(&self) -> Result<(), LearnError> {
        self.encoder.check()?;
        let width = self.encoder.width();
        if self.weights.len() == width && self.means.len() == width {
            return Ok(());
        }
        Err(LearnError::Malformed("weights and slots differ in number".into()))
    }
}

/// A way to read the features, with the fit under the same prior for all weights.
struct Start {
    encoder: Encoder,
    means: Vec<f64>,
    units: Vec<f64>,
    risks: Risks,
    fit: Fitted,
}

/// Mean and deviation of each slot; the latter at least [`LEAST_UNIT`].
fn moments(encoder: &Encoder, table: &Table, rows: &[u32]) -> Result<(Vec<f64>, Vec<f64>), LearnError> {
    let (width, share) = (encoder.width(), 1.0 / rows.len().max(1) as f64);
    let bound = encoder.bind(table, rows)?;
    let (mut means, mut squares, mut values) = (vec![0.0; width], vec![0.0; width], vec![0.0; width]);
    for row in rows {
        bound.read(*row, &mut values);
        add(&mut means, &values, share);
        values.iter_mut().for_each(|value| *value *= *value);
        add(&mut squares, &values, share);
    }
    let unit = |(square, mean): (&f64, &f64)| (square - mean * mean).max(0.0).sqrt().max(LEAST_UNIT);
    let units = squares.iter().zip(&means).map(unit).collect();
    Ok((means, units))
}

/// What rows are read with.
struct Design<'a> {
    encoder: &'a Encoder,
    /// What the slots are divided by.
    units: &'a [f64],
    table: &'a Table,
    spells: Spells<'a>,
}

/// Rows with their features as numbers, who lasted longest first.
struct Risks {
    /// Row after row.
    values: Vec<f64>,
    width: usize,
    /// Rows up to the end of each time, and how many of those added at that time had it; these come last.
    times: Vec<(usize, usize)>,
}

/// Weights under a normal prior.
struct Fitted {
    /// ln of the evidence for the prior (Laplace's approximation).
    evidence: f64,
    weights: Vec<f64>,
    /// Of the curvature, prior included.
    spread: Cholesky,
}

impl Fitted {
    /// The precision of each weight's prior that its square lets expect.
    fn precisions(&self) -> Vec<f64> {
        let precision = |(slot, weight): (usize, &f64)| {
            let mut unit = vec![0.0; self.weights.len()];
            unit[slot] = 1.0;
            self.spread.forward(&mut unit);
            let variance: f64 = unit.iter().map(|part| part * part).sum();
            (FREEDOM + 1.0) / (FREEDOM / RIDGE + weight * weight + variance)
        };
        self.weights.iter().enumerate().map(precision).collect()
    }
}

/// ln likelihood, its slope and its curvature with the sign turned.
struct Bend {
    log_likelihood: f64,
    slope: Vec<f64>,
    curvature: Vec<f64>,
}

impl Risks {
    fn of(design: &Design, rows: &[u32]) -> Result<Self, LearnError> {
        let Design { encoder, units, table, spells } = design;
        let width = encoder.width();
        if rows.len().saturating_mul(width * width) > MOST_WORK {
            return Err(LearnError::TooManyRows(MOST_WORK / (width * width)));
        }
        let bound = encoder.bind(table, rows)?;
        let (lasted, had) = (|row: u32| spells.durations[row as usize], |row: u32| spells.happened[row as usize]);
        let mut order = rows.to_vec();
        order.sort_by(|a, b| lasted(*b).total_cmp(&lasted(*a)).then(had(*a).cmp(&had(*b))));
        let mut values = vec![0.0; order.len() * width];
        if width > 0 {
            values.chunks_exact_mut(width).zip(&order).for_each(|(out, row)| {
                bound.read(*row, out);
                out.iter_mut().zip(*units).for_each(|(value, unit)| *value /= unit);
            });
        }
        let (mut times, mut end) = (Vec::new(), 0);
        for tied in order.chunk_by(|a, b| lasted(*a) == lasted(*b)) {
            end += tied.len();
            times.push((end, tied.iter().filter(|row| had(**row)).count()));
        }
        Ok(Self { values, width, times })
    }

    fn row(&self, at: usize) -> &[f64] {
        &self.values[at * self.width..(at + 1) * self.width]
    }

    fn score(&self, at: usize, weights: &[f64]) -> f64 {
        self.row(at).iter().zip(weights).map(|(value, weight)| value * weight).sum()
    }

    fn log_likelihood(&self, weights: &[f64]) -> f64 {
        let (mut told, mut all, mut from) = (0.0, 0.0, 0);
        for (end, had) in &self.times {
            let mut leaving = 0.0;
            for at in from..*end {
                let score = self.score(at, weights);
                all += score.exp();
                if at >= end - had {
                    leaving += score.exp();
                    told += score;
                }
            }
            told -= (0..*had).map(|tie| (all - tie as f64 / *had as f64 * leaving).ln()).sum::<f64>();
            from = *end;
        }
        told
    }

    /// The most probable weights under a normal prior with a precision for each, by Newton's method with step halving.
    /// Errors: numbers that are not finite.
    fn fit(&self, ridges: &[f64]) -> Result<Fitted, LearnError> {
        let mut weights = vec![0.0; self.width];
        let belief = |weights: &[f64]| -> f64 {
            weights.iter().zip(ridges).map(|(weight, ridge)| ridge * weight * weight / 2.0).sum()
        };
        for _ in 0..STEPS {
            let Bend { log_likelihood, mut slope, mut curvature } = self.bend(&weights);
            for slot in 0..self.width {
                slope[slot] -= ridges[slot] * weights[slot];
                curvature[slot * self.width + slot] += ridges[slot];
            }
            let step = solve_positive(curvature, slope).ok_or(LearnError::NotFinite)?;
            let (before, mut share) = (log_likelihood - belief(&weights), 1.0);
            let better = (0..HALVINGS).find_map(|_| {
                let moved: Vec<f64> = weights.iter().zip(&step).map(|(weight, step)| weight + share * step).collect();
                share /= 2.0;
                let gain = self.log_likelihood(&moved) - belief(&moved) - before;
                (gain > 0.0).then_some((moved, gain))
            });
            let Some((moved, gain)) = better else { break };
            weights = moved;
            if gain < SETTLED {
                break;
            }
        }
        let Bend { log_likelihood, mut curvature, .. } = self.bend(&weights);
        (0..self.width).for_each(|slot| curvature[slot * self.width + slot] += ridges[slot]);
        let spread = Cholesky::of(curvature, self.width).ok_or(LearnError::NotFinite)?;
        let prior: f64 = ridges.iter().map(|ridge| ridge.ln()).sum();
        let evidence = log_likelihood - belief(&weights) + (prior - spread.ln_determinant()) / 2.0;
        if evidence.is_finite() { Ok(Fitted { evidence, weights, spread }) } else { Err(LearnError::NotFinite) }
    }

    fn bend(&self, weights: &[f64]) -> Bend {
        let width = self.width;
        let mut bend = Bend { log_likelihood: 0.0, slope: vec![0.0; width], curvature: vec![0.0; width * width] };
        // those still there, and those of them who leave by it at this time
        let (mut all, mut leaving, mut from) = (Sums::new(width), Sums::new(width), 0);
        for (end, had) in &self.times {
            leaving.clear();
            for at in from..*end {
                let score = self.score(at, weights);
                all.add(self.row(at), score.exp());
                if at >= end - had {
                    leaving.add(self.row(at), score.exp());
                    bend.log_likelihood += score;
                    add(&mut bend.slope, self.row(at), 1.0);
                }
            }
            for tie in 0..*had {
                let less = tie as f64 / *had as f64;
                let total = all.total - less * leaving.total;
                bend.log_likelihood -= total.ln();
                let mean: Vec<f64> =
                    all.first.iter().zip(&leaving.first).map(|(all, part)| (all - less * part) / total).collect();
                add(&mut bend.slope, &mean, -1.0);
                for a in 0..width {
                    for b in 0..=a {
                        let at = a * width + b;
                        let second = (all.second[at] - less * leaving.second[at]) / total;
                        bend.curvature[at] += second - mean[a] * mean[b];
                    }
                }
            }
            from = *end;
        }
        bend
    }
}

/// Sums over rows by their factor of the risk: of 1, of the values, and of their products (the lower triangle).
struct Sums {
    total: f64,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Sums {
    fn new(width: usize) -> Self {
        Self { total: 0.0, first: vec![0.0; width], second: vec![0.0; width * width] }
    }

    fn clear(&mut self) {
        self.total = 0.0;
        self.first.fill(0.0);
        self.second.fill(0.0);
    }

    fn add(&mut self, row: &[f64], factor: f64) {
        self.total += factor;
        add(&mut self.first, row, factor);
        for (a, value) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
            let line = a * row.len();
            add(&mut self.second[line..=line + a], &row[..=a], factor * value);
        }
    }
}

fn add(sums: &mut [f64], values: &[f64], factor: f64) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value);
}
