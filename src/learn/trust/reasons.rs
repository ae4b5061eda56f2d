//! Why a row has its score, in sentences.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::usual::{Usual, number_text};
use crate::LearnError;
use crate::model::Contributions;
use crate::table::{Column, Feature, Table};

/// Sentences by feature, with `{value}` and `{usual}` for the cell and what is usual, both with units: "no reply for
/// {value}, usual is {usual}". A feature without one gets a plain sentence.
pub type Templates = BTreeMap<String, String>;

/// One feature's part in a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    pub feature: String,
    /// Log-odds; above 0 speaks for yes.
    pub part: f64,
    /// As a person reads it, with its unit; `None` is missing.
    pub value: Option<String>,
    pub usual: Option<String>,
    pub sentence: String,
}

/// The `count` strongest reasons of `row`, strongest first. `contributions` are in the order of `features`, as is
/// `usual`. Errors: the table lacks a feature or the row.
pub fn reasons(
    contributions: &Contributions,
    features: &[Feature],
    usual: &[Usual],
    (table, row): (&Table, u32),
    (count, templates): (usize, &Templates),
) -> Result<Vec<Reason>, LearnError> {
    if row as usize >= table.rows() {
        return Err(LearnError::NoRow { row: row as usize, rows: table.rows() });
    }
    let reason = |(place, part): (usize, f64)| {
        let feature = features.get(place).ok_or_else(|| LearnError::NoFeature(place.to_string()))?;
        let value = cell_text(feature, table.find(feature)?, row);
        let usual = usual.get(place).and_then(|usual| usual.text(feature));
        let sentence = sentence(feature, value.as_deref(), usual.as_deref(), templates);
        Ok(Reason { feature: feature.name.clone(), part, value, usual, sentence })
    };
    contributions.strongest(count).into_iter().map(reason).collect()
}

/// The cell as a person reads it; `None` is missing.
pub fn cell_text(feature: &Feature, column: &Column, row: u32) -> Option<String> {
    match column {
        Column::Numbers(values) => {
            let value = values[row as usize];
            (!value.is_nan()).then(|| number_text(feature, value))
        }
        column => column.text(row as usize),
    }
}

fn sentence(feature: &Feature, value: Option<&str>, usual: Option<&str>, templates: &Templates) -> String {
    let name = &feature.name;
    match (templates.get(name), value, usual) {
        (Some(template), Some(value), Some(usual)) => template.replace("{value}", value).replace("{usual}", usual),
        (_, None, _) => format!("{name} is not known"),
        (_, Some(value), Some(usual)) if usual != value => format!("{name} is {value}, usual is {usual}"),
        (_, Some(value), _) => format!("{name} is {value}"),
    }
}
