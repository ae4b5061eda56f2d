//! What would change a score: the least that a person could do.

use serde::Serialize;

use super::reasons::cell_text;
use crate::LearnError;
use crate::choose::Scorer;
use crate::numeric::quantile;
use crate::table::{Column, MISSING, Table, level_counts};

/// Values of a number that are tried, from the lowest to the highest usual one.
const VALUES: usize = 11;
/// Levels of a category that are tried, the most frequent first.
const LEVELS: usize = 8;
/// Changes that are combined.
const MOST: usize = 3;

/// Which way a number may be moved by whoever acts on the advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Any,
    Up,
    Down,
}

/// A feature that a person can influence.
#[derive(Clone, Debug)]
pub struct Lever {
    pub feature: String,
    pub way: Way,
}

/// One feature changed; texts with units, `None` is missing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    pub feature: String,
    pub from: Option<String>,
    pub to: Option<String>,
}

/// The smallest set of changes found that reaches the chance asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counterfactual {
    pub changes: Vec<Change>,
    /// 0 to 1, after them.
    pub chance: f64,
    /// Sum over the changes of the share of past rows between old and new value (a changed category or flag counts 1
    /// less its share).
    pub effort: f64,
}

/// Looks for the least effort that brings the chance of `row` to `target` (0 to 1) or beyond, seen from where it is
/// now: one change of a lever if one is enough, else two, else three (Wachter, Mittelstadt and Russell, Harvard Journal
/// of Law and Technology 2018, with the values that past rows had, so that none is out of this world). `None` where
/// that is not enough. Errors: the table lacks a feature or the row.
pub fn counterfactual(
    scorer: &Scorer,
    (table, row): (&Table, u32),
    past: &[u32],
    levers: &[Lever],
    target: f64,
) -> Result<Option<Counterfactual>, LearnError> {
    let now = scorer.score(table, row)?.chance;
    let reached = |chance: f64| if now < target { chance >= target } else { chance <= target };
    if now == target {
        return Ok(None);
    }
    let moves = moves(table, row, past, levers);
    let mut held: Vec<Move> = Vec::new();
    for _ in 0..MOST {
        let free: Vec<&Move> = moves.iter().filter(|a| held.iter().all(|b| a.place != b.place)).collect();
        if free.is_empty() {
            return Ok(None);
        }
        let mut copies = table.picked(&vec![row; free.len()]);
        for (copy, step) in free.iter().enumerate() {
            held.iter().chain([*step]).for_each(|step| copies.put(step.place, copy, &step.cell));
        }
        let all: Vec<u32> = (0..free.len() as u32).collect();
        let chances = scorer.chances(&copies, &all)?;
        let enough = free.iter().zip(&chances).filter(|(_, chance)| reached(**chance));
        if let Some((last, chance)) = enough.min_by(|a, b| a.0.effort.total_cmp(&b.0.effort)) {
            held.push((*last).clone());
            return Ok(Some(told(table, row, &held, *chance)));
        }
        // not enough alone: keep the one that brings the most for its effort
        let sign = if now < target { 1.0 } else { -1.0 };
        let gain = |(step, chance): &(&&Move, &f64)| sign * (**chance - now) / (0.1 + step.effort);
        let best = free.iter().zip(&chances).max_by(|a, b| gain(a).total_cmp(&gain(b)));
        held.extend(best.map(|(step, _)| (*step).clone()));
    }
    Ok(None)
}

#[derive(Clone)]
struct Move {
    place: usize,
    cell: Put,
    effort: f64,
}

/// A cell by its number, its answer or its code.
#[derive(Clone)]
pub(crate) enum Put {
    Number(f64),
    YesNo(bool),
    Code(u32),
}

fn moves(table: &Table, row: u32, past: &[u32], levers: &[Lever]) -> Vec<Move> {
    let mut moves = Vec::new();
    for lever in levers {
        let Some(place) = table.features().iter().position(|feature| feature.name == lever.feature) else { continue };
        match table.column(place) {
            Column::Numbers(values) => {
                let mut sorted: Vec<f64> =
                    past.iter().map(|at| values[*at as usize]).filter(|value| !value.is_nan()).collect();
                sorted.sort_by(f64::total_cmp);
                let now = values[row as usize];
                let rank = |value: f64| sorted.partition_point(|other| *other < value) as f64 / sorted.len() as f64;
                let mut tried: Vec<f64> =
                    (0..VALUES).map(|part| quantile(&sorted, part as f64 / (VALUES - 1) as f64)).collect();
                tried.dedup();
                tried.retain(|value| match lever.way {
                    _ if value.is_nan() || *value == now => false,
                    Way::Any => true,
                    Way::Up => *value > now,
                    Way::Down => *value < now,
                });
                let effort = |value: f64| if now.is_nan() { 1.0 } else { (rank(value) - rank(now)).abs().max(0.01) };
                moves.extend(tried.into_iter().map(|value| Move {
                    place,
                    cell: Put::Number(value),
                    effort: effort(value),
                }));
            }
            Column::YesNo(values) => {
                let share = |yes| past.iter().filter(|at| values[**at as usize] == Some(yes)).count() as f64;
                for yes in [true, false].into_iter().filter(|yes| values[row as usize] != Some(*yes)) {
                    let effort = 1.0 - share(yes) / past.len().max(1) as f64;
                    moves.push(Move { place, cell: Put::YesNo(yes), effort });
                }
            }
            Column::Categories { levels, codes } => {
                let counts = level_counts(levels.len(), codes, past);
                let now = codes[row as usize];
                let mut order: Vec<usize> =
                    (0..levels.len()).filter(|code| counts[*code] > 0 && *code as u32 != now).collect();
                order.sort_by_key(|code| (std::cmp::Reverse(counts[*code]), *code));
                moves.extend(order.into_iter().take(LEVELS).map(|code| Move {
                    place,
                    cell: Put::Code(code as u32),
                    effort: 1.0 - counts[code] as f64 / past.len() as f64,
                }));
            }
        }
    }
    moves
}

fn told(table: &Table, row: u32, held: &[Move], chance: f64) -> Counterfactual {
    let mut after = table.picked(&[row]);
    held.iter().for_each(|step| after.put(step.place, 0, &step.cell));
    let change = |step: &Move| {
        let feature = &table.features()[step.place];
        Change {
            feature: feature.name.clone(),
            from: cell_text(feature, table.column(step.place), row),
            to: cell_text(feature, after.column(step.place), 0),
        }
    };
    let effort = held.iter().map(|step| step.effort).sum();
    Counterfactual { changes: held.iter().map(change).collect(), chance, effort }
}

impl Table {
    /// Puts a cell in its place; one of another kind becomes missing.
    fn put(&mut self, place: usize, row: usize, cell: &Put) {
        match (self.column_mut(place), cell) {
            (Column::Numbers(values), Put::Number(value)) => values[row] = *value,
            (Column::Numbers(values), _) => values[row] = f64::NAN,
            (Column::YesNo(values), Put::YesNo(yes)) => values[row] = Some(*yes),
            (Column::YesNo(values), _) => values[row] = None,
            (Column::Categories { codes, .. }, Put::Code(code)) => codes[row] = *code,
            (Column::Categories { codes, .. }, _) => codes[row] = MISSING,
        }
    }
}
