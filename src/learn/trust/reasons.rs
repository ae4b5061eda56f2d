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

/// What one theme, or one feature that has none, does to a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// Of features that share one; see [`Feature::theme`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    /// The feature of the theme that moves the score most in the theme's direction.
    pub feature: String,
    /// Log-odds of all features of the theme together; above 0 speaks for yes.
    pub part: f64,
    /// Of the feature, as a person reads it, with its unit; `None` is missing.
    pub value: Option<String>,
    pub usual: Option<String>,
    pub sentence: String,
}

/// The `count` strongest reasons of `row`, strongest first. Features of one theme are one reason: they say the same in
/// several ways, so that a model spreads its weight over them as it happens, and only their sum means something (the
/// Shapley values of a group's features add up to its own in an additive model: Jullum, Redelmeier and Aas,
/// arXiv 2106.12228, section 3). Context is left out: the reasons speak of rows that stand where this one does.
/// `contributions` are in the order of `features`, as is `usual`. Errors: the table lacks
/// a feature or the row.
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
    if features.len() < contributions.parts.len() {
        return Err(LearnError::NoFeature(features.len().to_string()));
    }
    let reason = |theme: Theme| {
        let feature = &features[theme.leader];
        let value = cell_text(feature, table.find(feature)?, row);
        let usual = usual.get(theme.leader).and_then(|usual| usual.text(feature));
        let sentence = sentence(feature, value.as_deref(), usual.as_deref(), templates);
        let (theme, part) = (feature.theme.clone(), theme.part);
        Ok(Reason { theme, feature: feature.name.clone(), part, value, usual, sentence })
    };
    themes(&contributions.parts, features).into_iter().take(count).map(reason).collect()
}

/// Features that are one reason.
struct Theme {
    /// The place of the feature that moves the score most in the direction of all together.
    leader: usize,
    part: f64,
}

/// Strongest first; those that move nothing are left out.
fn themes(parts: &[f64], features: &[Feature]) -> Vec<Theme> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut group_of: BTreeMap<&str, usize> = BTreeMap::new();
    for place in (0..parts.len()).filter(|place| !features[*place].context) {
        match features[place].theme.as_deref() {
            Some(theme) => {
                let group = *group_of.entry(theme).or_insert(groups.len());
                if group == groups.len() {
                    groups.push(Vec::new());
                }
                groups[group].push(place);
            }
            None => groups.push(vec![place]),
        }
    }
    let theme = |group: Vec<usize>| {
        let part: f64 = group.iter().map(|place| parts[*place]).sum();
        let push = |place: &usize| parts[*place] * part.signum();
        let leader = group.into_iter().rev().max_by(|a, b| push(a).total_cmp(&push(b)))?;
        Some(Theme { leader, part }).filter(|_| part != 0.0)
    };
    let mut themes: Vec<Theme> = groups.into_iter().filter_map(theme).collect();
    themes.sort_by(|a, b| b.part.abs().total_cmp(&a.part.abs()).then(a.leader.cmp(&b.leader)));
    themes
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
