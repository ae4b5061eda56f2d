//! What is usual for each feature, to say by how much a row differs.

use serde::{Deserialize, Serialize};

use crate::numeric::quantile;
use crate::table::{Column, Feature, Kind, Table, level_counts};

/// The middle of the cells of one feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Usual {
    /// Median and quartiles of a number, date or duration.
    Number { low: f64, middle: f64, high: f64 },
    /// Share of yes, 0 to 1.
    YesNo { yes: f64 },
    /// The most frequent level and its share of the cells, 0 to 1.
    Category { level: String, share: f64 },
    /// Every cell is missing.
    Nothing,
}

impl Usual {
    /// One for each feature of `table`, over `rows`; missing cells are not counted.
    pub fn of(table: &Table, rows: &[u32]) -> Vec<Self> {
        (0..table.features().len()).map(|place| Self::of_column(table.column(place), rows)).collect()
    }

    fn of_column(column: &Column, rows: &[u32]) -> Self {
        if let Column::Categories { levels, codes } = column {
            let counts = level_counts(levels.len(), codes, rows);
            let all: usize = counts.iter().sum();
            let most = (0..counts.len()).max_by_key(|level| (counts[*level], std::cmp::Reverse(*level)));
            return match most.filter(|_| all > 0) {
                Some(level) => {
                    Self::Category { level: levels[level].clone(), share: counts[level] as f64 / all as f64 }
                }
                None => Self::Nothing,
            };
        }
        let mut values: Vec<f64> =
            rows.iter().map(|row| column.number(*row as usize)).filter(|value| !value.is_nan()).collect();
        if values.is_empty() {
            return Self::Nothing;
        }
        if matches!(column, Column::YesNo(_)) {
            return Self::YesNo { yes: values.iter().sum::<f64>() / values.len() as f64 };
        }
        values.sort_by(f64::total_cmp);
        let [low, middle, high] = [0.25, 0.5, 0.75].map(|share| quantile(&values, share));
        Self::Number { low, middle, high }
    }

    /// As a person reads it, with the feature's unit; `None` where nothing is usual.
    pub fn text(&self, feature: &Feature) -> Option<String> {
        match self {
            Self::Number { middle, .. } => Some(number_text(feature, *middle)),
            Self::YesNo { yes } => Some(if *yes >= 0.5 { "yes" } else { "no" }.to_owned()),
            Self::Category { level, .. } => Some(level.clone()),
            Self::Nothing => None,
        }
    }
}

/// A number of this feature with its unit: "9 days", "1,200 EUR", "2026-01-31".
pub fn number_text(feature: &Feature, value: f64) -> String {
    let date = || {
        let days = jiff::Span::new().try_days(value.floor() as i64).ok()?;
        jiff::civil::date(1970, 1, 1).checked_add(days).ok()
    };
    match (feature.kind, feature.unit.as_deref()) {
        (Kind::Date, _) => date().map_or_else(|| grouped(value), |date| date.to_string()),
        (Kind::Duration, None) => format!("{} days", grouped(value)),
        (_, Some(unit)) => format!("{} {unit}", grouped(value)),
        (_, None) => grouped(value),
    }
}

/// With three significant digits below 1,000, whole above, and thousands apart.
fn grouped(value: f64) -> String {
    let size = value.abs();
    if size >= 1e15 || (size < 1e-4 && size > 0.0) {
        return format!("{value:.2e}");
    }
    if size < 999.5 {
        let digits = if size > 0.0 { (2 - size.log10().floor() as i32).clamp(0, 6) as usize } else { 0 };
        let text = format!("{value:.digits$}");
        return if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    }
    let whole = format!("{size:.0}");
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}
