//! Gradient boosting: forust grows the trees, and they are kept in a format of our own that no release of it changes.

use forust_ml::Matrix;
use serde::{Deserialize, Serialize};

use super::encode::{Encoder, Link, moments};
use super::{Contributions, GoOn, Model, amounts, grow, malformed, outcomes, shapley};
use crate::LearnError;
use crate::table::{Feature, Table};

/// Deepest tree that is read from a file.
pub const MAX_DEPTH: usize = 64;

/// How to fit a [`Boosted`] model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BoostConfig {
    pub trees: usize,
    pub learning_rate: f32,
    /// Leaves of a tree; 2 looks at one feature at a time.
    pub leaves: usize,
    /// Least sum of `p (1 - p)` over the rows of a leaf; of amounts the least number of rows.
    pub leaf_weight: f32,
    /// Ridge penalty on the leaves' values.
    pub ridge: f32,
    /// Share of the rows, and of the columns, that each tree sees.
    pub share: f32,
    pub seed: u64,
    /// Threads for tables from 50,000 rows on; the trees do not depend on their number.
    pub threads: usize,
}

/// One node; a leaf has no split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Log-odds, or part of the amount, added when a row ends here.
    #[serde(rename = "v")]
    pub value: f32,
    /// Sum of `p (1 - p)` over the rows learned from that came by; of amounts their number.
    #[serde(rename = "c")]
    pub cover: f32,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
}

/// Where a node sends its rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    #[serde(rename = "f")]
    pub slot: u32,
    /// Smaller goes left.
    #[serde(rename = "t")]
    pub cut: f64,
    #[serde(rename = "l")]
    pub left: u32,
    #[serde(rename = "r")]
    pub right: u32,
    /// Where a missing number goes.
    #[serde(rename = "m")]
    pub missing_left: bool,
}

impl Split {
    /// The child that a row with these numbers goes to.
    pub fn child(&self, row: &[f64]) -> u32 {
        let value = row[self.slot as usize];
        let left = if value.is_nan() { self.missing_left } else { value < self.cut };
        if left { self.left } else { self.right }
    }
}

/// Nodes of a tree; the first is the root, and children come after their parent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    pub nodes: Vec<Node>,
}

impl Tree {
    fn value(&self, row: &[f64]) -> f64 {
        let mut node = &self.nodes[0];
        while let Some(split) = &node.split {
            node = &self.nodes[split.child(row) as usize];
        }
        f64::from(node.value)
    }

    fn check(&self, width: usize) -> Result<(), LearnError> {
        let mut depth = vec![0; self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate() {
            let Some(split) = &node.split else { continue };
            for child in [split.left as usize, split.right as usize] {
                let there = child > at && child < self.nodes.len() && (split.slot as usize) < width;
                // a child of two parents would double the ways down at each step
                if !there || depth[child] > 0 || depth[at] >= MAX_DEPTH {
                    return Err(malformed("a tree's split points nowhere, to another's child, or lies too deep"));
                }
                depth[child] = depth[at] + 1;
            }
        }
        if self.nodes.is_empty() { Err(malformed("a tree has no nodes")) } else { Ok(()) }
    }
}

/// Boosted trees on log loss, or on squared error of amounts (Friedman, Annals of Statistics 2001, sections 4.5 and 4.1;
/// second order as in Chen and Guestrin, KDD 2016, section 2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Boosted {
    encoder: Encoder,
    base: f64,
    trees: Vec<Tree>,
}

impl Boosted {
    /// Trees of the amounts of a table ([`Table::amounts`]); scores and contributions are in their unit. Errors: no
    /// amounts, no rows, numbers that do not settle; cancelled, when `go_on` says so.
    pub fn fit_amounts(config: &BoostConfig, table: &Table, rows: &[u32], go_on: GoOn) -> Result<Self, LearnError> {
        let amounts = amounts(table, rows)?;
        if amounts.is_empty() {
            return Err(LearnError::FewRows { have: 0, least: 1 });
        }
        let (mean, deviation, _) = moments(amounts.iter().copied());
        // trees are grown in single precision, so amounts far from 0 or far apart would not fit
        let standard = |amount: &f64| if deviation > 0.0 { amount / deviation - mean / deviation } else { 0.0 };
        let target: Vec<f64> = amounts.iter().map(standard).collect();
        let (encoder, mut trees) = learn(config, table, rows, (&target, Link::Identity), go_on)?;
        for node in trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
            node.value = (f64::from(node.value) * deviation) as f32;
        }
        if trees.iter().flat_map(|tree| &tree.nodes).any(|node| !node.value.is_finite()) {
            return Err(LearnError::NotFinite);
        }
        Self::checked(encoder, mean, trees)
    }

    fn checked(encoder: Encoder, base: f64, trees: Vec<Tree>) -> Result<Self, LearnError> {
        let model = Self { encoder, base, trees };
        model.check()?;
        Ok(model)
    }

    /// The scores after each of these numbers of trees: one vector of log-odds (or amounts) for each of `stages`
    /// (ascending). Errors: as [`Model::predict`].
    pub fn staged(&self, table: &Table, rows: &[u32], stages: &[usize]) -> Result<Vec<Vec<f64>>, LearnError> {
        let bound = self.encoder.bind(table, rows)?;
        let mut numbers = vec![0.0; self.encoder.width()];
        let mut scores = vec![Vec::with_capacity(rows.len()); stages.len()];
        for row in rows {
            bound.read(*row, &mut numbers);
            let (mut score, mut grown) = (self.base, 0);
            for (stage, scores) in stages.iter().zip(&mut scores) {
                let upto = (*stage).clamp(grown, self.trees.len());
                score += self.trees[grown..upto].iter().map(|tree| tree.value(&numbers)).sum::<f64>();
                grown = upto;
                scores.push(score);
            }
        }
        Ok(scores)
    }

    /// In the order in which they were grown.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }
}

impl Model for Boosted {
    type Config = BoostConfig;
    const KIND: &'static str = "boosted";

    fn fit(config: &BoostConfig, table: &Table, rows: &[u32]) -> Result<Self, LearnError> {
        Self::fit_while(config, table, rows, &|| true)
    }

    /// Asks before each column is read, before it is binned, and before each tree.
    fn fit_while(config: &BoostConfig, table: &Table, rows: &[u32], go_on: GoOn) -> Result<Self, LearnError> {
        let outcome = outcomes(table, rows, 1)?;
        let target: Vec<f64> = outcome.iter().map(|yes| f64::from(u8::from(*yes))).collect();
        let (encoder, trees) = learn(config, table, rows, (&target, Link::Logit), go_on)?;
        let yes = target.iter().sum::<f64>() / target.len() as f64;
        Self::checked(encoder, (yes / (1.0 - yes)).ln(), trees)
    }

    fn features(&self) -> &[Feature] {
        &self.encoder.features
    }

    fn predict(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
        let staged = self.staged(table, rows, &[self.trees.len()])?;
        Ok(staged.into_iter().next().unwrap_or_default())
    }

    fn contributions(&self, table: &Table, row: u32) -> Result<Contributions, LearnError> {
        let bound = self.encoder.bind(table, &[row])?;
        let mut numbers = vec![0.0; self.encoder.width()];
        bound.read(row, &mut numbers);
        let mut by_slot = vec![0.0; self.encoder.width()];
        let expected: f64 = self.trees.iter().map(|tree| shapley::add(tree, &numbers, &mut by_slot)).sum();
        Ok(Contributions { base: self.base + expected, parts: self.encoder.per_feature(&by_slot) })
    }

    fn check(&self) -> Result<(), LearnError> {
        self.encoder.check()?;
        self.trees.iter().try_for_each(|tree| tree.check(self.encoder.width()))
    }
}

fn learn(
    config: &BoostConfig,
    table: &Table,
    rows: &[u32],
    (target, link): (&[f64], Link),
    go_on: GoOn,
) -> Result<(Encoder, Vec<Tree>), LearnError> {
    let encoder = Encoder::trees(table, rows, target, link);
    let mut matrix = encoder.training_columns(table, rows, (target, link), go_on)?;
    fill_empty_columns(&mut matrix, rows.len());
    if encoder.width() == 0 {
        return Ok((encoder, Vec::new()));
    }
    let grown = grow::trees(config, link, &Matrix::new(&matrix, rows.len(), encoder.width()), target, go_on)?;
    Ok((encoder, grown.iter().map(frozen).collect()))
}

/// A column without any number has no bins to split at; a constant says the same.
fn fill_empty_columns(matrix: &mut [f64], rows: usize) {
    for column in matrix.chunks_mut(rows.max(1)) {
        if column.iter().all(|value| value.is_nan()) {
            column.fill(0.0);
        }
    }
}

/// forust numbers nodes as it splits them, so children come after their parent.
pub(super) fn frozen(tree: &forust_ml::tree::Tree) -> Tree {
    let nodes = tree.nodes.iter().map(|node| Node {
        value: node.weight_value,
        cover: node.hessian_sum,
        split: (!node.is_leaf).then_some(Split {
            slot: node.split_feature as u32,
            cut: node.split_value,
            left: node.left_child as u32,
            right: node.right_child as u32,
            missing_left: node.missing_node == node.left_child,
        }),
    });
    Tree { nodes: nodes.collect() }
}
