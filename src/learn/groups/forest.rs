//! Rows unlike all others.

use serde::{Deserialize, Serialize};

use super::{Points, parse};
use crate::LearnError;
use crate::numeric::Chance;

const TREES: usize = 200;
const SAMPLE: usize = 256;
const EULER: f64 = 0.577_215_664_901_532_9;

/// Isolation forest (Liu, Ting and Zhou, ICDM 2008, sections 2 and 4): random cuts part a row that is unlike others from them after fewer
/// steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IsolationForest {
    trees: Vec<Vec<Node>>,
    /// Rows that each tree saw.
    sample: usize,
    width: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Node {
    /// Smaller than `cut` goes to `left`, the rest to the node after it.
    Cut {
        slot: usize,
        cut: f64,
        left: usize,
    },
    Leaf {
        rows: usize,
    },
}

impl IsolationForest {
    /// Errors: fewer than 2 rows.
    pub fn fit(points: &Points, seed: u64) -> Result<Self, LearnError> {
        points.at_least(2)?;
        let sample = SAMPLE.min(points.len());
        let depth = (sample as f64).log2().ceil() as usize;
        let mut chance = Chance::new(seed);
        let trees = (0..TREES).map(|_| {
            let mut rows: Vec<usize> = (0..points.len()).collect();
            for at in 0..sample {
                let other = at + (chance.unit() * (rows.len() - at) as f64) as usize;
                rows.swap(at, other);
            }
            rows.truncate(sample);
            let mut nodes = Vec::new();
            grow(points, &rows, depth, &mut chance, &mut nodes);
            nodes
        });
        Ok(Self { trees: trees.collect(), sample, width: points.width })
    }

    /// From JSON. Errors: it is none, or does not hold together.
    pub fn load(bytes: &[u8]) -> Result<Self, LearnError> {
        let loaded: Self = parse(bytes)?;
        let fits = |nodes: &Vec<Node>| {
            let fits = |(at, node): (usize, &Node)| match node {
                // the children come later, so that every way down ends
                Node::Cut { slot, left, .. } => *slot < loaded.width && *left > at + 1 && *left < nodes.len(),
                Node::Leaf { .. } => true,
            };
            !nodes.is_empty() && nodes.iter().enumerate().all(fits)
        };
        if loaded.sample >= 2 && !loaded.trees.is_empty() && loaded.trees.iter().all(fits) {
            return Ok(loaded);
        }
        Err(LearnError::Malformed("a tree's cut points nowhere".into()))
    }

    /// How unlike the others each row is, 0 to 1: about 0.5 is usual, above 0.6 is not (section 2 of the paper).
    /// Errors: rows of another width.
    pub fn scores(&self, points: &Points) -> Result<Vec<f64>, LearnError> {
        let (left_len, right_len) = (self.width, points.width);
        if left_len != right_len {
            return Err(LearnError::UnequalLengths { left: "the forest", left_len, right: "a point", right_len });
        }
        let usual = expected_depth(self.sample);
        let score = |row: &[f64]| {
            let mean = self.trees.iter().map(|tree| depth(tree, row)).sum::<f64>() / self.trees.len() as f64;
            (-mean / usual * std::f64::consts::LN_2).exp()
        };
        Ok(points.rows().map(score).collect())
    }
}

/// The children: the right one directly after its parent, the left one after all of the right.
fn grow(points: &Points, rows: &[usize], depth: usize, chance: &mut Chance, nodes: &mut Vec<Node>) {
    let place = nodes.len();
    nodes.push(Node::Leaf { rows: rows.len() });
    if depth == 0 || rows.len() < 2 {
        return;
    }
    let range = |slot: usize| {
        let values = rows.iter().map(|row| points.row(*row)[slot]);
        (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::NEG_INFINITY, f64::max))
    };
    let slots: Vec<usize> = (0..points.width).filter(|slot| range(*slot).0 < range(*slot).1).collect();
    if slots.is_empty() {
        return;
    }
    let slot = slots[(chance.unit() * slots.len() as f64) as usize];
    let (least, most) = range(slot);
    let cut = least + (most - least) * chance.unit();
    let (left, right): (Vec<usize>, Vec<usize>) = rows.iter().partition(|row| points.row(**row)[slot] < cut);
    grow(points, &right, depth - 1, chance, nodes);
    nodes[place] = Node::Cut { slot, cut, left: nodes.len() };
    grow(points, &left, depth - 1, chance, nodes);
}

fn depth(tree: &[Node], row: &[f64]) -> f64 {
    let (mut at, mut steps) = (0, 0.0);
    loop {
        match &tree[at] {
            Node::Cut { slot, cut, left } => {
                at = if row[*slot] < *cut { *left } else { at + 1 };
                steps += 1.0;
            }
            Node::Leaf { rows } => return steps + expected_depth(*rows),
        }
    }
}

/// Of an unsuccessful search among so many rows.
fn expected_depth(rows: usize) -> f64 {
    match rows {
        0 | 1 => 0.0,
        2 => 1.0,
        rows => {
            let others = (rows - 1) as f64;
            2.0 * (others.ln() + EULER) - 2.0 * others / rows as f64
        }
    }
}
