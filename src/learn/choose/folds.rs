//! Which rows to learn from and which to test on: later ones where there is a time, and never one group on both sides.

use std::collections::{BTreeMap, BTreeSet};

use crate::numeric::Chance;
use crate::table::Table;

/// Rows of new groups that are enough to test on.
const NEW_ROWS: usize = 100;

/// Rows to learn from and rows to test on; no row and no group in both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fold {
    pub learn: Vec<u32>,
    pub test: Vec<u32>,
}

/// At most `count` folds over `rows`. With times, each fold tests on a block of time and learns from all before it
/// (Hyndman and Athanasopoulos, Forecasting, 5.10), and with groups it tests on those that were not there before;
/// otherwise each row is tested once, with outcomes (or groups) spread evenly (stratified cross-validation: Kohavi,
/// IJCAI 1995; Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 7.10). Folds with nothing on one side are left out.
pub fn folds(table: &Table, rows: &[u32], count: usize, seed: u64) -> Vec<Fold> {
    let count = count.max(2);
    let times = table.time().filter(|times| rows.iter().any(|row| !times[*row as usize].is_nan()));
    let mut folds = match (times, table.group()) {
        (Some(times), _) => by_time(times, rows, count),
        (None, Some(groups)) => from_places(rows, &group_places(groups, rows, count, seed), count),
        (None, None) => from_places(rows, &even_places(table, rows, count, seed), count),
    };
    if let Some(groups) = table.group() {
        folds.iter_mut().for_each(|fold| match times {
            Some(_) => new_only(fold, groups),
            None => apart(fold, groups),
        });
    }
    folds.retain(|fold| !fold.learn.is_empty() && !fold.test.is_empty());
    folds
}

/// Rows of one instant stay on one side; rows without a time count as the earliest.
fn by_time(times: &[f64], rows: &[u32], count: usize) -> Vec<Fold> {
    let time = |row: u32| if times[row as usize].is_nan() { f64::NEG_INFINITY } else { times[row as usize] };
    let mut order = rows.to_vec();
    order.sort_by(|a, b| time(*a).total_cmp(&time(*b)).then(a.cmp(b)));
    let cut = |block: usize| {
        let at = block * order.len() / (count + 1);
        match order.get(at) {
            Some(row) => order.partition_point(|other| time(*other) < time(*row)),
            None => order.len(),
        }
    };
    let fold = |block: usize| Fold {
        learn: order[..cut(block)].to_vec(),
        test: order[cut(block)..cut(block + 1).max(cut(block))].to_vec(),
    };
    (1..=count).map(fold).collect()
}

fn from_places(rows: &[u32], places: &[usize], count: usize) -> Vec<Fold> {
    let mut folds = vec![Fold::default(); count];
    for (row, place) in rows.iter().zip(places) {
        for (fold, parts) in folds.iter_mut().enumerate() {
            if fold == *place { parts.test.push(*row) } else { parts.learn.push(*row) }
        }
    }
    folds
}

fn even_places(table: &Table, rows: &[u32], count: usize, seed: u64) -> Vec<usize> {
    let mut chance = Chance::new(seed);
    let mut places = vec![0; rows.len()];
    let outcome = table.outcome().unwrap_or(&[]);
    for side in [false, true] {
        let of_side = |at: &usize| outcome.get(rows[*at] as usize).copied().unwrap_or(false) == side;
        let mut ats: Vec<usize> = (0..rows.len()).filter(of_side).collect();
        chance.shuffle(&mut ats);
        ats.iter().enumerate().for_each(|(turn, at)| places[*at] = turn % count);
    }
    places
}

/// The largest group first, always into the smallest fold.
fn group_places(groups: &[u32], rows: &[u32], count: usize, seed: u64) -> Vec<usize> {
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    rows.iter().for_each(|row| *sizes.entry(groups[*row as usize]).or_default() += 1);
    let mut order: Vec<(u32, usize)> = sizes.into_iter().collect();
    Chance::new(seed).shuffle(&mut order);
    order.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let mut filled = vec![0; count];
    let mut place_of = BTreeMap::new();
    for (group, size) in order {
        let place = (0..count).min_by_key(|place| filled[*place]).unwrap_or(0);
        filled[place] += size;
        place_of.insert(group, place);
    }
    rows.iter().map(|row| place_of[&groups[*row as usize]]).collect()
}

/// Rows of a group that is learned from are not tested on. The other way round only those would be learned from that
/// were gone by the time of the test, because they left, say: their outcomes are not those of all. Where nearly all
/// groups were there before, that is still better than no test.
fn new_only(fold: &mut Fold, groups: &[u32]) {
    let learned: BTreeSet<u32> = fold.learn.iter().map(|row| groups[*row as usize]).collect();
    let new: Vec<u32> = fold.test.iter().copied().filter(|row| !learned.contains(&groups[*row as usize])).collect();
    if new.len() >= NEW_ROWS || new.len() * 10 >= fold.test.len() { fold.test = new } else { apart(fold, groups) }
}

/// Rows of a tested group are not learned from.
fn apart(fold: &mut Fold, groups: &[u32]) {
    let tested: BTreeSet<u32> = fold.test.iter().map(|row| groups[*row as usize]).collect();
    fold.learn.retain(|row| !tested.contains(&groups[*row as usize]));
}
