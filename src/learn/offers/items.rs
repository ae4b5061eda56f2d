//! Items that go together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::LearnError;

/// Neighbours kept of each item.
const NEIGHBOURS: usize = 50;

/// An item with how well it fits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suggestion {
    pub item: String,
    /// Comparable among the suggestions for one customer only.
    pub score: f64,
    /// The item he has that speaks most for it.
    pub because: String,
}

/// Item-item similarities (Sarwar et al., WWW 2001, section 3.1.1): the cosine of the customers' weights, with counts of shared
/// customers drawn to nothing by `shrinkage` (Bell and Koren, ICDM 2007, section 3), so that two items bought together
/// once are not alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Items {
    names: Vec<String>,
    /// For each item its nearest others, nearest first.
    near: Vec<Vec<(u32, f32)>>,
}

impl Items {
    /// Learns from (customer, item, weight above 0) triples; several of one pair add up, weights that are not above 0
    /// are left out. A customer's weights are divided by the root of how much he has, so that who has everything says
    /// little.
    pub fn fit(triples: &[(u64, &str, f64)], shrinkage: f64) -> Self {
        let mut codes: BTreeMap<&str, u32> = BTreeMap::new();
        let mut baskets: BTreeMap<u64, BTreeMap<u32, f64>> = BTreeMap::new();
        let mut names: Vec<String> = Vec::new();
        for (customer, item, weight) in triples.iter().filter(|(.., weight)| *weight > 0.0 && weight.is_finite()) {
            let code = *codes.entry(item).or_insert_with(|| {
                names.push((*item).to_owned());
                names.len() as u32 - 1
            });
            *baskets.entry(*customer).or_default().entry(code).or_default() += weight;
        }
        let mut holders: Vec<Vec<(u32, f64)>> = vec![Vec::new(); names.len()];
        let baskets: Vec<Vec<(u32, f64)>> = baskets
            .into_values()
            .map(|basket| {
                let size = (basket.len() as f64).sqrt();
                basket.into_iter().map(|(item, weight)| (item, weight.ln_1p() / size)).collect()
            })
            .collect();
        for (customer, basket) in baskets.iter().enumerate() {
            basket.iter().for_each(|(item, weight)| holders[*item as usize].push((customer as u32, *weight)));
        }
        let lengths: Vec<f64> =
            holders.iter().map(|held| held.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt()).collect();
        let near = (0..names.len()).map(|item| nearest(item, &holders, &baskets, &lengths, shrinkage)).collect();
        Self { names, near }
    }

    /// From JSON. Errors: it is none, or does not hold together.
    pub fn load(bytes: &[u8]) -> Result<Self, LearnError> {
        let loaded: Self = serde_json::from_slice(bytes).map_err(|error| LearnError::Malformed(error.to_string()))?;
        let known = |(other, _): &(u32, f32)| (*other as usize) < loaded.names.len();
        if loaded.near.len() == loaded.names.len() && loaded.near.iter().flatten().all(known) {
            return Ok(loaded);
        }
        Err(LearnError::Malformed("an item's neighbour is no item".into()))
    }

    /// The `count` best items for a customer with these (item, weight above 0), best first, none that he has; items
    /// never seen say nothing.
    pub fn suggest(&self, has: &[(&str, f64)], count: usize) -> Vec<Suggestion> {
        let mut scores: BTreeMap<u32, (f64, f64, u32)> = BTreeMap::new();
        let place = |name: &str| self.names.iter().position(|have| have == name);
        let held: Vec<(usize, f64)> = has.iter().filter_map(|(name, weight)| Some((place(name)?, *weight))).collect();
        for (item, weight) in held.iter().filter(|(_, weight)| *weight > 0.0) {
            for (other, likeness) in &self.near[*item] {
                let part = f64::from(*likeness) * weight.ln_1p();
                let (score, strongest, because) = scores.entry(*other).or_insert((0.0, 0.0, *item as u32));
                *score += part;
                if part > *strongest {
                    (*strongest, *because) = (part, *item as u32);
                }
            }
        }
        for (item, _) in &held {
            scores.remove(&(*item as u32));
        }
        let mut best: Vec<(u32, (f64, f64, u32))> = scores.into_iter().collect();
        best.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then(a.0.cmp(&b.0)));
        best.truncate(count);
        let name = |code: u32| self.names[code as usize].clone();
        best.into_iter()
            .map(|(item, (score, _, because))| Suggestion { item: name(item), score, because: name(because) })
            .collect()
    }
}

fn nearest(
    item: usize,
    holders: &[Vec<(u32, f64)>],
    baskets: &[Vec<(u32, f64)>],
    lengths: &[f64],
    shrinkage: f64,
) -> Vec<(u32, f32)> {
    let mut shared: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for (customer, weight) in &holders[item] {
        for (other, other_weight) in &baskets[*customer as usize] {
            if *other as usize != item {
                let (dot, count) = shared.entry(*other).or_default();
                *dot += weight * other_weight;
                *count += 1.0;
            }
        }
    }
    let likeness = |(other, (dot, count)): (u32, (f64, f64))| {
        let cosine = dot / (lengths[item] * lengths[other as usize]);
        (other, (cosine * count / (count + shrinkage.max(0.0))) as f32)
    };
    let mut near: Vec<(u32, f32)> = shared.into_iter().map(likeness).filter(|(_, likeness)| *likeness > 0.0).collect();
    near.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    near.truncate(NEIGHBOURS);
    near
}
