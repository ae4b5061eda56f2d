//! What suggestions are worth: how much of what customers took is among the first ten.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use serde::Serialize;

use super::Items;
use crate::LearnError;

const COUNT: usize = 10;
const SHRINKAGE: f64 = 10.0;

/// What came out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemsMeasured {
    /// Customers with something held out.
    pub customers: usize,
    /// Mean over them of the share of what was held out (at most ten) among the first ten suggestions, 0 to 1.
    pub recall: f64,
    /// The same when everybody is told what most have.
    pub naive: f64,
}

/// Reads what customers took (CSV with a header: customer, item, weight, 1 where held out), learns from the rest and
/// suggests. Errors: no such CSV.
pub fn measure_items(source: impl Read) -> Result<ItemsMeasured, LearnError> {
    let mut rows: Vec<(u64, String, f64, u8)> = Vec::new();
    for (line, record) in (2..).zip(csv::Reader::from_reader(source).into_deserialize()) {
        rows.push(record.map_err(|error: csv::Error| LearnError::Csv { line, detail: error.to_string() })?);
    }
    let learned: Vec<(u64, &str, f64)> =
        rows.iter().filter(|row| row.3 == 0).map(|row| (row.0, row.1.as_str(), row.2)).collect();
    let items = Items::fit(&learned, SHRINKAGE);
    let mut has: BTreeMap<u64, Vec<(&str, f64)>> = BTreeMap::new();
    let mut held: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (customer, item, weight) in &learned {
        has.entry(*customer).or_default().push((item, *weight));
        *counts.entry(item).or_default() += 1;
    }
    for (customer, item, ..) in rows.iter().filter(|row| row.3 != 0) {
        held.entry(*customer).or_default().insert(item);
    }
    let mut popular: Vec<&str> = counts.keys().copied().collect();
    popular.sort_by_key(|item| std::cmp::Reverse(counts[item]));
    let (mut recall, mut naive) = (0.0, 0.0);
    for (customer, wanted) in &held {
        let basket = has.get(customer).map(Vec::as_slice).unwrap_or_default();
        let share = |hits: usize| hits as f64 / wanted.len().min(COUNT) as f64 / held.len() as f64;
        let suggested = items.suggest(basket, COUNT);
        recall += share(suggested.iter().filter(|one| wanted.contains(one.item.as_str())).count());
        let others = popular.iter().filter(|item| basket.iter().all(|(have, _)| have != *item)).take(COUNT);
        naive += share(others.filter(|item| wanted.contains(*item)).count());
    }
    Ok(ItemsMeasured { customers: held.len(), recall, naive })
}
