//! What a feature says only because of where a row stands: before a quote is out there is no discount, and that says
//! nothing but the stage.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::LearnError;
use crate::model::{Contributions, Model};
use crate::table::{Column, Kind, Table};

/// Rows of a level of the context that are enough to judge it by.
const LEVEL_ROWS: usize = 30;
/// Share of one and the same cell (or of none) from which a feature is not there yet on a level, and up to which it is
/// there on another.
const ABSENT: f64 = 0.95;
const PRESENT: f64 = 0.8;
/// Rows whose contributions are averaged.
const EXPLAINED: usize = 1000;

/// Features that are bound to a level of the context, and what they contribute there on average. That part of them is
/// the context's, and no reason.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    bound: Vec<Bound>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Bound {
    /// Places among the model's features.
    feature: usize,
    context: usize,
    /// Log-odds by level.
    means: BTreeMap<String, f64>,
}

impl Standing {
    /// Of a model over the `rows` that it learned from: features that nearly all rows of some level of a context (a
    /// category) have alike, and those of another have not. Errors: as [`Model::contributions`].
    pub fn of<M: Model>(model: &M, table: &Table, rows: &[u32]) -> Result<Self, LearnError> {
        let columns: Vec<&Column> =
            model.features().iter().map(|feature| table.find(feature)).collect::<Result<_, _>>()?;
        let mut bound: Vec<Bound> = Vec::new();
        for (context, feature) in model.features().iter().enumerate() {
            let Column::Categories { levels, codes } = columns[context] else { continue };
            if !(feature.context && feature.kind == Kind::Category) {
                continue;
            }
            let by_level: Vec<Vec<u32>> = (0..levels.len() as u32)
                .map(|level| rows.iter().copied().filter(|row| codes[*row as usize] == level).collect())
                .collect();
            let open =
                |place: &usize| !model.features()[*place].context && bound.iter().all(|have| have.feature != *place);
            let places: Vec<usize> =
                (0..columns.len()).filter(open).filter(|place| is_bound(columns[*place], &by_level)).collect();
            bound.extend(places.into_iter().map(|feature| Bound { feature, context, means: BTreeMap::new() }));
        }
        let mut standing = Self { bound };
        standing.average(model, table, rows)?;
        Ok(standing)
    }

    fn average<M: Model>(&mut self, model: &M, table: &Table, rows: &[u32]) -> Result<(), LearnError> {
        if self.bound.is_empty() {
            return Ok(());
        }
        let mut sums: Vec<BTreeMap<String, (f64, f64)>> = vec![BTreeMap::new(); self.bound.len()];
        for row in rows.iter().step_by(rows.len().div_ceil(EXPLAINED).max(1)) {
            let why = model.contributions(table, *row)?;
            for (bound, sums) in self.bound.iter().zip(&mut sums) {
                let column = table.find(&model.features()[bound.context])?;
                let Some(level) = column.text(*row as usize) else { continue };
                let (sum, count) = sums.entry(level).or_default();
                *sum += why.parts[bound.feature];
                *count += 1.0;
            }
        }
        for (bound, sums) in self.bound.iter_mut().zip(sums) {
            bound.means = sums.into_iter().map(|(level, (sum, count))| (level, sum / count)).collect();
        }
        Ok(())
    }

    /// Moves what the bound features contribute because of where `row` stands to the base; the score stays. Errors: the
    /// table lacks a feature or the row.
    pub fn set_apart<M: Model>(
        &self,
        mut why: Contributions,
        model: &M,
        (table, row): (&Table, u32),
    ) -> Result<Contributions, LearnError> {
        for bound in &self.bound {
            let (Some(feature), Some(part)) = (model.features().get(bound.context), why.parts.get_mut(bound.feature))
            else {
                return Err(LearnError::NoFeature(bound.context.to_string()));
            };
            let level = table.find(feature)?.text(row as usize);
            let mean = level.and_then(|level| bound.means.get(&level)).copied().unwrap_or(0.0);
            *part -= mean;
            why.base += mean;
        }
        Ok(why)
    }
}

fn is_bound(column: &Column, by_level: &[Vec<u32>]) -> bool {
    let shares = by_level.iter().filter(|rows| rows.len() >= LEVEL_ROWS).map(|rows| most_alike(column, rows));
    let (least, most) = shares.fold((1.0_f64, 0.0_f64), |(least, most), share| (least.min(share), most.max(share)));
    most >= ABSENT && least <= PRESENT
}

/// The largest share of rows with the same cell, missing being one.
fn most_alike(column: &Column, rows: &[u32]) -> f64 {
    let mut cells: Vec<u64> = rows
        .iter()
        .map(|row| match column {
            Column::Categories { codes, .. } => u64::from(codes[*row as usize]),
            column if column.is_missing(*row as usize) => f64::NAN.to_bits(),
            column => column.number(*row as usize).to_bits(),
        })
        .collect();
    cells.sort_unstable();
    let most = cells.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap_or(0);
    most as f64 / rows.len().max(1) as f64
}
