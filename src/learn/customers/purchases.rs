//! How often a customer will buy again, and whether he still does at all.

use serde::{Deserialize, Serialize};

use super::Customer;
use crate::LearnError;
use crate::numeric::{hypergeometric, ln_beta, ln_gamma, minimise};

/// Customers without which nothing is fitted.
const LEAST: usize = 10;
const LOOKS: usize = 4_000;

/// The BG/NBD model (Fader, Hardie and Lee, "Counting Your Customers the Easy Way", Marketing Science 2005): customers
/// buy at rates that follow a gamma distribution (`shape`, `scale`), and after each purchase stop for good with chances
/// that follow a beta distribution (`stop`, `stay`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Purchases {
    /// r.
    pub shape: f64,
    /// alpha, in the unit of the customers' times.
    pub scale: f64,
    /// a.
    pub stop: f64,
    /// b.
    pub stay: f64,
}

/// A fit with what it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PurchasesFit {
    pub model: Purchases,
    /// ln of the likelihood of all customers.
    pub log_likelihood: f64,
    pub customers: usize,
}

impl Purchases {
    /// Maximum likelihood. Errors: fewer than 10 customers or none with a repeat, a customer that cannot be, or a fit
    /// that does not settle.
    pub fn fit(customers: &[Customer]) -> Result<PurchasesFit, LearnError> {
        customers.iter().enumerate().try_for_each(|(at, customer)| customer.check(at))?;
        let repeating = customers.iter().filter(|customer| customer.repeats > 0.0).count();
        if customers.len() < LEAST {
            return Err(LearnError::TooFew { what: "customers", have: customers.len(), least: LEAST });
        }
        if repeating == 0 {
            return Err(LearnError::TooFew { what: "customers who bought again", have: 0, least: 1 });
        }
        // time in parts of the longest age, so that all four parameters are of like size
        let unit = customers.iter().map(|customer| customer.age).fold(0.0, f64::max);
        let scaled: Vec<Customer> =
            customers.iter().map(|c| Customer { recency: c.recency / unit, age: c.age / unit, ..*c }).collect();
        let model = |point: &[f64]| {
            let [shape, scale, stop, stay] = [point[0], point[1], point[2], point[3]].map(f64::exp);
            Self { shape, scale, stop, stay }
        };
        let cost = |point: &[f64]| {
            if point.iter().any(|value| value.abs() > 15.0) {
                return f64::INFINITY;
            }
            -scaled.iter().map(|customer| model(point).log_likelihood(customer)).sum::<f64>() / scaled.len() as f64
        };
        let (best, value) = minimise(&[0.0, -1.5, 0.0, 0.7], &[0.5; 4], LOOKS, cost);
        if !value.is_finite() {
            return Err(LearnError::NotFinite);
        }
        let found = model(&best);
        let model = Self { scale: found.scale * unit, ..found };
        let log_likelihood = customers.iter().map(|customer| model.log_likelihood(customer)).sum();
        Ok(PurchasesFit { model, log_likelihood, customers: customers.len() })
    }

    /// Equation 6 of the paper.
    pub fn log_likelihood(&self, customer: &Customer) -> f64 {
        let Self { shape, scale, stop, stay } = *self;
        let Customer { repeats, recency, age, .. } = *customer;
        let rate = ln_gamma(shape + repeats) - ln_gamma(shape) + shape * scale.ln();
        let alive = ln_beta(stop, stay + repeats) - ln_beta(stop, stay) - (shape + repeats) * (scale + age).ln();
        if repeats == 0.0 {
            return rate + alive;
        }
        let gone = ln_beta(stop + 1.0, stay + repeats - 1.0)
            - ln_beta(stop, stay)
            - (shape + repeats) * (scale + recency).ln();
        let most = alive.max(gone);
        rate + most + ((alive - most).exp() + (gone - most).exp()).ln()
    }

    /// The chance (0 to 1) that the customer will still buy (Fader, Hardie and Lee, note of 2008, equation 5).
    pub fn alive(&self, customer: &Customer) -> f64 {
        if customer.repeats == 0.0 {
            return 1.0;
        }
        let waited = ((self.scale + customer.age) / (self.scale + customer.recency)).ln();
        let odds = (self.shape + customer.repeats) * waited + (self.stop / (self.stay + customer.repeats - 1.0)).ln();
        1.0 / (1.0 + odds.exp())
    }

    /// Purchases expected from now until `ahead` later (equation 10 of the paper).
    pub fn expected(&self, customer: &Customer, ahead: f64) -> f64 {
        let Customer { repeats, age, .. } = *customer;
        // the formula has a gap at a stop of exactly 1
        let stop = if (self.stop - 1.0).abs() < 1e-6 { 1.0 + 1e-6 } else { self.stop };
        let ahead = ahead.max(0.0);
        let whole = self.scale + age + ahead;
        let (rate, stay) = (self.shape + repeats, self.stay + repeats);
        let fading = ((self.scale + age) / whole).powf(rate);
        let series = hypergeometric(rate, stay, stop + stay - 1.0, ahead / whole);
        (stop + stay - 1.0) / (stop - 1.0) * (1.0 - fading * series) * self.alive(customer)
    }
}
