//! Customers by how lately, how often and for how much they bought.

use serde::{Deserialize, Serialize};

use super::Customer;

const PARTS: usize = 5;

/// A name for how a customer buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Segment {
    Champion,
    Loyal,
    Promising,
    New,
    NeedsAttention,
    AtRisk,
    Lost,
}

/// Scores from 1 (the lowest fifth of the customers) to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rfm {
    /// How lately.
    pub recency: u8,
    /// How often.
    pub frequency: u8,
    /// For how much in all.
    pub money: u8,
    pub segment: Segment,
}

/// Scores of each customer among all of them (Hughes, Strategic Database Marketing, 1994, chapter 5); equal customers
/// get equal scores.
pub fn rfm(customers: &[Customer]) -> Vec<Rfm> {
    let score = |of: fn(&Customer) -> f64| fifths(&customers.iter().map(of).collect::<Vec<_>>());
    let recency = score(|customer| customer.recency - customer.age);
    let frequency = score(|customer| customer.repeats);
    let money = score(|customer| customer.repeats * customer.value);
    let all = recency.into_iter().zip(frequency).zip(money);
    all.map(|((recency, frequency), money)| Rfm {
        recency,
        frequency,
        money,
        segment: segment(recency, frequency, money),
    })
    .collect()
}

fn segment(recency: u8, frequency: u8, money: u8) -> Segment {
    match (recency, frequency.max(money)) {
        (4.., 4..) if frequency.min(money) >= 4 => Segment::Champion,
        (3.., 4..) => Segment::Loyal,
        (4.., 2 | 3) => Segment::Promising,
        (4.., _) => Segment::New,
        (3, _) => Segment::NeedsAttention,
        (_, 3..) => Segment::AtRisk,
        _ => Segment::Lost,
    }
}

/// The fifth in which each value's middle rank lies, 1 to 5.
fn fifths(values: &[f64]) -> Vec<u8> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let fifth = |value: &f64| {
        let below = sorted.partition_point(|other| other.total_cmp(value).is_lt());
        let upto = sorted.partition_point(|other| other.total_cmp(value).is_le());
        let middle = (below + upto) as f64 / 2.0 / sorted.len() as f64;
        ((middle * PARTS as f64).floor() as u8 + 1).min(PARTS as u8)
    };
    values.iter().map(fifth).collect()
}
