//! Tables row by row: what the business gives, and what the CSV reader uses.

use std::collections::HashMap;

use super::{Column, Feature, Kind, MAX_LEVELS, MAX_ROWS, MISSING, OTHER, Table};
use crate::LearnError;

/// One cell of a row that is added.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    Missing,
    /// Number, date (days since 1970-01-01) or duration (days); infinities and NaN count as missing.
    Number(f64),
    YesNo(bool),
    Category(&'a str),
}

impl Cell<'_> {
    fn word(&self) -> &'static str {
        match self {
            Self::Missing => "nothing",
            Self::Number(_) => "a number",
            Self::YesNo(_) => "yes or no",
            Self::Category(_) => "a category",
        }
    }
}

/// Builds a [`Table`] from rows.
pub struct Builder {
    table: Table,
    level_codes: Vec<HashMap<String, u32>>,
    group_codes: HashMap<String, u32>,
}

impl Builder {
    /// Without rows yet, which then have a cell for each of `features`.
    pub fn new(features: Vec<Feature>) -> Self {
        let columns = features
            .iter()
            .map(|feature| match feature.kind {
                Kind::Number | Kind::Date | Kind::Duration => Column::Numbers(Vec::new()),
                Kind::YesNo => Column::YesNo(Vec::new()),
                Kind::Category => Column::Categories { levels: Vec::new(), codes: Vec::new() },
            })
            .collect();
        let level_codes = vec![HashMap::new(); features.len()];
        let table = Table { features, columns, ..Table::default() };
        Self { table, level_codes, group_codes: HashMap::new() }
    }

    /// Adds a row: a cell for each feature, in order. Errors: another number of cells, or a cell of another kind; the
    /// table is then as before.
    pub fn push(&mut self, cells: &[Cell]) -> Result<(), LearnError> {
        self.check(cells)?;
        for ((column, codes), cell) in self.table.columns.iter_mut().zip(&mut self.level_codes).zip(cells) {
            match (column, cell) {
                (Column::Numbers(values), Cell::Number(value)) if value.is_finite() => values.push(*value),
                (Column::Numbers(values), _) => values.push(f64::NAN),
                (Column::YesNo(values), Cell::YesNo(yes)) => values.push(Some(*yes)),
                (Column::YesNo(values), _) => values.push(None),
                (Column::Categories { levels, codes: cells }, Cell::Category(text)) => {
                    cells.push(code(levels, codes, text));
                }
                (Column::Categories { codes: cells, .. }, _) => cells.push(MISSING),
            }
        }
        self.table.rows += 1;
        Ok(())
    }

    /// What came of the row added last. Give it for every row or for none.
    pub fn outcome(&mut self, yes: bool) -> &mut Self {
        self.table.outcome.resize(self.table.rows.saturating_sub(1), false);
        self.table.outcome.push(yes);
        self
    }

    /// The group of the row added last; rows without one are a group each.
    pub fn group(&mut self, name: &str) -> &mut Self {
        self.fill_groups(self.table.rows.saturating_sub(1));
        let next = self.group_codes.len() as u32;
        let code = *self.group_codes.entry(name.to_owned()).or_insert(next);
        self.table.group.push(code);
        self
    }

    /// The time of prediction of the row added last, in days since 1970-01-01.
    pub fn time(&mut self, days: f64) -> &mut Self {
        self.table.time.resize(self.table.rows.saturating_sub(1), f64::NAN);
        self.table.time.push(if days.is_finite() { days } else { f64::NAN });
        self
    }

    /// The table of all rows added.
    pub fn finish(mut self) -> Table {
        if !self.table.group.is_empty() {
            self.fill_groups(self.table.rows);
        }
        if !self.table.time.is_empty() {
            self.table.time.resize(self.table.rows, f64::NAN);
        }
        self.table
    }

    /// Rows without a group get one of their own, counted down from the top so that none meets a named one.
    fn fill_groups(&mut self, rows: usize) {
        while self.table.group.len() < rows {
            self.table.group.push(MISSING - 1 - self.table.group.len() as u32);
        }
    }

    fn check(&self, cells: &[Cell]) -> Result<(), LearnError> {
        let features = &self.table.features;
        if cells.len() != features.len() {
            return Err(LearnError::RowLength { given: cells.len(), expected: features.len() });
        }
        if self.table.rows >= MAX_ROWS {
            return Err(LearnError::TooManyRows(MAX_ROWS));
        }
        let wrong = features.iter().zip(cells).find(|(feature, cell)| match cell {
            Cell::Missing => false,
            Cell::Number(_) => !matches!(feature.kind, Kind::Number | Kind::Date | Kind::Duration),
            Cell::YesNo(_) => feature.kind != Kind::YesNo,
            Cell::Category(_) => feature.kind != Kind::Category,
        });
        wrong.map_or(Ok(()), |(feature, cell)| {
            let (expected, given) = (feature.kind.word(), cell.word());
            Err(LearnError::WrongKind { feature: feature.name.clone(), expected, given })
        })
    }
}

/// The code of a level, made when it is new; beyond [`MAX_LEVELS`] the code of [`OTHER`].
fn code(levels: &mut Vec<String>, codes: &mut HashMap<String, u32>, text: &str) -> u32 {
    if let Some(code) = codes.get(text) {
        return *code;
    }
    let text = if levels.len() < MAX_LEVELS { text } else { OTHER };
    *codes.entry(text.to_owned()).or_insert_with(|| {
        levels.push(text.to_owned());
        levels.len() as u32 - 1
    })
}
