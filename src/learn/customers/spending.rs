//! What a purchase of a customer will be worth.

use serde::{Deserialize, Serialize};

use super::{Customer, Purchases};
use crate::LearnError;
use crate::numeric::{ln_gamma, minimise};

const LEAST: usize = 10;
const LOOKS: usize = 4_000;

/// The Gamma-Gamma model (Fader and Hardie, "The Gamma-Gamma Model of Monetary Value", 2013): values of a customer's
/// purchases are gamma (`shape` p and a rate), and the rates of customers are gamma (`spread` q, `scale` v).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spending {
    /// p.
    pub shape: f64,
    /// q; above 1, or there is no mean.
    pub spread: f64,
    /// v, in the unit of the values.
    pub scale: f64,
}

/// A fit with what it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpendingFit {
    pub model: Spending,
    pub log_likelihood: f64,
    /// Customers with repeats of a value above 0: those that it learned from.
    pub customers: usize,
    /// Correlation of repeats and mean value; the model takes it for 0, so beyond 0.3 its values are doubtful.
    pub correlation: f64,
}

impl Spending {
    /// Maximum likelihood over the customers with repeats of a value above 0. Errors: fewer than 10 of them, a customer
    /// that cannot be, or a fit that does not settle.
    pub fn fit(customers: &[Customer]) -> Result<SpendingFit, LearnError> {
        customers.iter().enumerate().try_for_each(|(at, customer)| customer.check(at))?;
        let paid: Vec<Customer> = customers.iter().copied().filter(|c| c.repeats > 0.0 && c.value > 0.0).collect();
        if paid.len() < LEAST {
            let what = "customers who bought again for a value above 0";
            return Err(LearnError::TooFew { what, have: paid.len(), least: LEAST });
        }
        let unit = paid.iter().map(|customer| customer.value).sum::<f64>() / paid.len() as f64;
        let scaled: Vec<Customer> = paid.iter().map(|c| Customer { value: c.value / unit, ..*c }).collect();
        let model = |point: &[f64]| Self { shape: point[0].exp(), spread: 1.0 + point[1].exp(), scale: point[2].exp() };
        let cost = |point: &[f64]| {
            if point.iter().any(|value| value.abs() > 15.0) {
                return f64::INFINITY;
            }
            -scaled.iter().map(|customer| model(point).log_likelihood(customer)).sum::<f64>() / scaled.len() as f64
        };
        let (best, value) = minimise(&[1.0, 0.7, 0.0], &[0.5; 3], LOOKS, cost);
        if !value.is_finite() {
            return Err(LearnError::NotFinite);
        }
        let found = model(&best);
        let model = Self { scale: found.scale * unit, ..found };
        let log_likelihood = paid.iter().map(|customer| model.log_likelihood(customer)).sum();
        Ok(SpendingFit { model, log_likelihood, customers: paid.len(), correlation: correlation(&paid) })
    }

    /// Equation 1a of the note, for a customer with repeats of a value above 0.
    pub fn log_likelihood(&self, customer: &Customer) -> f64 {
        let Self { shape, spread, scale } = *self;
        let (count, value) = (customer.repeats, customer.value);
        let all = shape * count;
        ln_gamma(all + spread) - ln_gamma(all) - ln_gamma(spread)
            + spread * scale.ln()
            + (all - 1.0) * value.ln()
            + all * count.ln()
            - (all + spread) * (count * value + scale).ln()
    }

    /// The mean value expected of a customer's purchases: his own mean drawn to everybody's, the more the fewer he made
    /// (equation 5).
    pub fn expected(&self, customer: &Customer) -> f64 {
        let paid = if customer.value > 0.0 { customer.repeats } else { 0.0 };
        self.shape * (self.scale + paid * customer.value) / (self.shape * paid + self.spread - 1.0)
    }
}

/// What a customer is worth over `periods` of `length` (in the unit of his times), each discounted by `discount` (0.01
/// is 1 % a period) and worth `margin` (0 to 1) of its value (Fader, Hardie and Lee, Journal of Marketing Research
/// 2005).
pub fn lifetime_value(
    purchases: &Purchases,
    spending: &Spending,
    customer: &Customer,
    periods: usize,
    (length, discount, margin): (f64, f64, f64),
) -> f64 {
    let upto = |period: usize| purchases.expected(customer, period as f64 * length);
    let worth = spending.expected(customer) * margin;
    let share = |period: usize| (upto(period) - upto(period - 1)) / (1.0 + discount).powi(period as i32);
    (1..=periods).map(share).sum::<f64>() * worth
}

fn correlation(customers: &[Customer]) -> f64 {
    let count = customers.len() as f64;
    let (repeats, value) =
        customers.iter().fold((0.0, 0.0), |sum, c| (sum.0 + c.repeats / count, sum.1 + c.value / count));
    let (mut together, mut first, mut second) = (0.0, 0.0, 0.0);
    for customer in customers {
        let (a, b) = (customer.repeats - repeats, customer.value - value);
        together += a * b;
        first += a * a;
        second += b * b;
    }
    if first > 0.0 && second > 0.0 { together / (first * second).sqrt() } else { 0.0 }
}
