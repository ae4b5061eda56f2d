//! Exact Shapley values of a tree, with the rows learned from as background: path-dependent TreeSHAP, algorithm 2 of
//! Lundberg, Erion and Lee, "Consistent individualized feature attribution for tree ensembles" (arXiv 1802.03888).

use super::boost::{Node, Tree};

/// A slot on the way to a node: the shares of the ways through it when its value is unknown and when it is known.
#[derive(Clone, Copy)]
struct Step {
    slot: usize,
    unknown: f64,
    known: f64,
    weight: f64,
}

/// No slot: the start of each path.
const ROOT: usize = usize::MAX;

/// Adds the Shapley value of each slot of `row` to `parts`, in log-odds; gives the tree's expected value.
pub fn add(tree: &Tree, row: &[f64], parts: &mut [f64]) -> f64 {
    walk(tree, row, parts, 0, &[], Step { slot: ROOT, unknown: 1.0, known: 1.0, weight: 0.0 });
    expected(tree, &tree.nodes[0])
}

fn expected(tree: &Tree, node: &Node) -> f64 {
    let Some(split) = &node.split else { return f64::from(node.value) };
    let (left, right) = (&tree.nodes[split.left as usize], &tree.nodes[split.right as usize]);
    let share = share(left, right);
    share * expected(tree, left) + (1.0 - share) * expected(tree, right)
}

/// The share of the rows learned from that went to `one` and not to `other`.
fn share(one: &Node, other: &Node) -> f64 {
    let (one, other) = (f64::from(one.cover), f64::from(other.cover));
    if one + other > 0.0 { one / (one + other) } else { 0.5 }
}

fn walk(tree: &Tree, row: &[f64], parts: &mut [f64], at: u32, way: &[Step], step: Step) {
    let mut path = Vec::with_capacity(way.len() + 1);
    path.extend_from_slice(way);
    extend(&mut path, step);
    let node = &tree.nodes[at as usize];
    let Some(split) = &node.split else {
        for place in 1..path.len() {
            let step = path[place];
            parts[step.slot] += unwound_sum(&path, place) * (step.known - step.unknown) * f64::from(node.value);
        }
        return;
    };
    let slot = split.slot as usize;
    let (mut unknown, mut known) = (1.0, 1.0);
    if let Some(place) = path.iter().position(|step| step.slot == slot) {
        (unknown, known) = (path[place].unknown, path[place].known);
        unwind(&mut path, place);
    }
    let taken = split.child(row);
    let other = if taken == split.left { split.right } else { split.left };
    let share = share(&tree.nodes[taken as usize], &tree.nodes[other as usize]);
    walk(tree, row, parts, taken, &path, Step { slot, unknown: unknown * share, known, weight: 0.0 });
    if unknown * (1.0 - share) > 0.0 {
        walk(tree, row, parts, other, &path, Step { slot, unknown: unknown * (1.0 - share), known: 0.0, weight: 0.0 });
    }
}

fn extend(path: &mut Vec<Step>, step: Step) {
    let depth = path.len();
    path.push(Step { weight: if depth == 0 { 1.0 } else { 0.0 }, ..step });
    let steps = (depth + 1) as f64;
    for place in (0..depth).rev() {
        path[place + 1].weight += step.known * path[place].weight * (place + 1) as f64 / steps;
        path[place].weight *= step.unknown * (depth - place) as f64 / steps;
    }
}

fn unwind(path: &mut Vec<Step>, place: usize) {
    let last = path.len() - 1;
    let (steps, step) = ((last + 1) as f64, path[place]);
    let mut next = path[last].weight;
    for at in (0..last).rev() {
        if step.known != 0.0 {
            let before = path[at].weight;
            path[at].weight = next * steps / ((at + 1) as f64 * step.known);
            next = before - path[at].weight * step.unknown * (last - at) as f64 / steps;
        } else {
            path[at].weight *= steps / (step.unknown * (last - at) as f64);
        }
    }
    for at in place..last {
        path[at] = Step { weight: path[at].weight, ..path[at + 1] };
    }
    path.pop();
}

/// The sum of the weights as if the step at `place` were taken back.
fn unwound_sum(path: &[Step], place: usize) -> f64 {
    let last = path.len() - 1;
    let (steps, step) = ((last + 1) as f64, path[place]);
    let (mut next, mut total) = (path[last].weight, 0.0);
    for at in (0..last).rev() {
        if step.known != 0.0 {
            let weight = next * steps / ((at + 1) as f64 * step.known);
            total += weight;
            next = path[at].weight - weight * step.unknown * (last - at) as f64 / steps;
        } else {
            total += path[at].weight * steps / (step.unknown * (last - at) as f64);
        }
    }
    total
}
