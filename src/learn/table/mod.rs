//! A table of features: one typed column each, where a missing cell is a value of its own, with outcome, group and time
//! beside them. Cells cost 8 bytes (numbers, dates, durations), 4 (categories) or 1 (yes/no).

mod builder;
mod read;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use builder::{Builder, Cell};
pub use read::{CsvOptions, CsvTable, read_csv};

use crate::LearnError;

/// The code of a missing category.
pub const MISSING: u32 = u32::MAX;
/// Categories kept apart in one column; later ones share the level [`OTHER`].
pub const MAX_LEVELS: usize = 10_000;
/// The level of all categories beyond [`MAX_LEVELS`].
pub const OTHER: &str = "(other)";
/// Most rows of a table: row numbers are `u32`.
pub const MAX_ROWS: usize = u32::MAX as usize - 1;

/// What a feature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    Number,
    Category,
    YesNo,
    /// In days since 1970-01-01, with fractions.
    Date,
    /// In days, with fractions.
    Duration,
}

impl Kind {
    /// What a person calls it, with its article.
    pub fn word(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Category => "a category",
            Self::YesNo => "yes or no",
            Self::Date => "a date",
            Self::Duration => "a duration",
        }
    }
}

/// One feature's declaration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    pub name: String,
    pub kind: Kind,
    /// What a number counts, as a person says it: "days", "EUR".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Where its values come from, as a person finds it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What it speaks of, as a person would name it: "their replies", "price". Features of one theme are one reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    /// It says where a row stands (its stage, its age), which a person sees anyway: it moves the score and is no reason.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub context: bool,
}

impl Feature {
    /// Without unit, source and theme.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), kind, unit: None, source: None, theme: None, context: false }
    }

    /// The same feature, speaking of `theme`.
    pub fn about(mut self, theme: impl Into<String>) -> Self {
        self.theme = Some(theme.into());
        self
    }
}

/// The cells of one feature, a cell for each row.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Number, date or duration; NaN is missing, and no value is infinite.
    Numbers(Vec<f64>),
    YesNo(Vec<Option<bool>>),
    /// `codes` index `levels`, or are [`MISSING`].
    Categories {
        levels: Vec<String>,
        codes: Vec<u32>,
    },
}

impl Column {
    /// The cell as a number: yes is 1, no is 0; NaN for a missing one and for a category.
    pub fn number(&self, row: usize) -> f64 {
        match self {
            Self::Numbers(values) => values[row],
            Self::YesNo(values) => values[row].map_or(f64::NAN, |yes| f64::from(u8::from(yes))),
            Self::Categories { .. } => f64::NAN,
        }
    }

    /// Whether the row has no value here. The row must be one of the table.
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Numbers(values) => values[row].is_nan(),
            Self::YesNo(values) => values[row].is_none(),
            Self::Categories { codes, .. } => codes[row] == MISSING,
        }
    }

    /// The cell as a person reads it; `None` is missing.
    pub fn text(&self, row: usize) -> Option<String> {
        match self {
            Self::Numbers(values) => (!values[row].is_nan()).then(|| values[row].to_string()),
            Self::YesNo(values) => values[row].map(|yes| if yes { "yes" } else { "no" }.to_owned()),
            Self::Categories { levels, codes } => levels.get(codes[row] as usize).cloned(),
        }
    }
}

/// Features by column, with what is known of each row. Made by a [`Builder`] or [`read_csv`].
#[derive(Clone, Debug, Default)]
pub struct Table {
    features: Vec<Feature>,
    columns: Vec<Column>,
    rows: usize,
    outcome: Vec<bool>,
    amounts: Vec<f64>,
    group: Vec<u32>,
    time: Vec<f64>,
}

impl Table {
    /// Columns of the features' kinds, each with `rows` cells.
    pub(crate) fn from_columns(features: Vec<Feature>, columns: Vec<Column>, rows: usize) -> Self {
        Self { features, columns, rows, ..Self::default() }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// In the order of the columns.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The cells of the feature at this place, which must be one of the table.
    pub fn column(&self, feature: usize) -> &Column {
        &self.columns[feature]
    }

    pub(crate) fn column_mut(&mut self, feature: usize) -> &mut Column {
        &mut self.columns[feature]
    }

    /// The column of a feature with this name and kind. Errors: there is none.
    pub fn find(&self, feature: &Feature) -> Result<&Column, LearnError> {
        let place = self.features.iter().position(|have| have.name == feature.name && have.kind == feature.kind);
        place.map(|at| &self.columns[at]).ok_or_else(|| LearnError::NoFeature(feature.name.clone()))
    }

    /// What came of each row. Errors: the table was built without outcomes.
    pub fn outcome(&self) -> Result<&[bool], LearnError> {
        if self.outcome.len() == self.rows && self.rows > 0 { Ok(&self.outcome) } else { Err(LearnError::NoOutcomes) }
    }

    /// What each row came to, in a unit of the caller's. Errors: the table was built without amounts.
    pub fn amounts(&self) -> Result<&[f64], LearnError> {
        if self.amounts.len() == self.rows && self.rows > 0 { Ok(&self.amounts) } else { Err(LearnError::NoOutcomes) }
    }

    /// The group of each row (a customer, say), whose rows never lie on both sides of a fold.
    pub fn group(&self) -> Option<&[u32]> {
        (!self.group.is_empty()).then_some(&self.group)
    }

    /// The time of prediction of each row, in days since 1970-01-01; NaN where unknown.
    pub fn time(&self) -> Option<&[f64]> {
        (!self.time.is_empty()).then_some(&self.time)
    }

    /// These rows, in this order; a row may come more than once. No row may lie beyond the table's.
    pub fn picked(&self, rows: &[u32]) -> Self {
        fn take<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
            if values.is_empty() { Vec::new() } else { rows.iter().map(|row| values[*row as usize]).collect() }
        }
        let column = |column: &Column| match column {
            Column::Numbers(values) => Column::Numbers(take(values, rows)),
            Column::YesNo(values) => Column::YesNo(take(values, rows)),
            Column::Categories { levels, codes } => {
                Column::Categories { levels: levels.clone(), codes: take(codes, rows) }
            }
        };
        Self {
            features: self.features.clone(),
            columns: self.columns.iter().map(column).collect(),
            rows: rows.len(),
            outcome: take(&self.outcome, rows),
            amounts: take(&self.amounts, rows),
            group: take(&self.group, rows),
            time: take(&self.time, rows),
        }
    }

    /// The same rows with one feature more. The column has a cell of the feature's kind for each row.
    pub fn with(mut self, feature: Feature, column: Column) -> Self {
        self.features.push(feature);
        self.columns.push(column);
        self
    }

    /// The same rows with these outcomes, one for each.
    pub fn with_outcome(mut self, outcome: Vec<bool>) -> Self {
        self.outcome = outcome;
        self
    }

    /// The same rows with these amounts to learn, one for each. Errors: another number of them, or one is not finite.
    pub fn with_amounts(mut self, amounts: Vec<f64>) -> Result<Self, LearnError> {
        if amounts.len() != self.rows {
            let (left_len, right_len) = (self.rows, amounts.len());
            return Err(LearnError::UnequalLengths { left: "the table", left_len, right: "the amounts", right_len });
        }
        if let Some(at) = amounts.iter().position(|amount| !amount.is_finite()) {
            let (what, value, must) = ("amount", amounts[at], "a finite number");
            return Err(LearnError::OutOfRange { what, at, value, must });
        }
        self.amounts = amounts;
        Ok(self)
    }

    /// The same rows with these times of prediction, one for each, in days since 1970-01-01; NaN where unknown.
    pub fn with_time(mut self, time: Vec<f64>) -> Self {
        self.time = time;
        self
    }

    /// The same rows in these groups, one for each.
    pub fn with_group(mut self, group: Vec<u32>) -> Self {
        self.group = group;
        self
    }

    /// The same rows without these features.
    pub fn without(mut self, features: &[usize]) -> Self {
        let keep = |place: &usize| !features.contains(place);
        self.columns = (0..).zip(self.columns).filter(|(place, _)| keep(place)).map(|(_, column)| column).collect();
        self.features = (0..).zip(self.features).filter(|(place, _)| keep(place)).map(|(_, feature)| feature).collect();
        self
    }
}

/// Rows of each level; missing cells count nowhere.
pub(crate) fn level_counts(levels: usize, codes: &[u32], rows: &[u32]) -> Vec<usize> {
    let mut counts = vec![0; levels];
    for row in rows {
        if let Some(count) = counts.get_mut(codes[*row as usize] as usize) {
            *count += 1;
        }
    }
    counts
}
