//! What a declaration of features says, as TOML has it.

use serde::Deserialize;

use super::declare::Aggregate;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub entity: String,
    #[serde(default, rename = "feature")]
    pub features: Vec<Given>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    #[serde(default)]
    pub name: String,
    pub theme: Option<String>,
    #[serde(default)]
    pub context: bool,
    pub event: String,
    #[serde(default, rename = "where")]
    pub conditions: Vec<GivenCondition>,
    #[serde(default)]
    pub of: Vec<GivenCondition>,
    pub believed: Option<Believed>,
    pub opened: Option<String>,
    pub window: Option<String>,
    pub against: Option<String>,
    pub aggregate: Aggregate,
    pub value: Option<String>,
    #[serde(default)]
    pub relative: bool,
    pub unit: Option<String>,
    #[serde(default, rename = "orMore")]
    pub or_more: Vec<Given>,
}

impl Given {
    /// Whether it says how to find a value and nothing of what the value is called.
    pub fn is_plain(&self) -> bool {
        let named = !self.name.is_empty() || self.theme.is_some() || self.unit.is_some() || self.context;
        !named && self.or_more.is_empty()
    }
}

/// A share as if so many events, or weeks, had shown it: the mean of a Beta prior and its weight.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Believed {
    pub share: f64,
    #[serde(default)]
    pub events: f64,
    #[serde(default)]
    pub weeks: f64,
}

impl Believed {
    /// Errors: it does not belong to the aggregate.
    pub fn check(self, aggregate: Aggregate) -> Result<(), String> {
        let (weight, other) = match aggregate {
            Aggregate::Share => (self.events, self.weeks),
            Aggregate::TimeShare => (self.weeks, self.events),
            _ => (f64::NAN, 0.0),
        };
        let sound = (0.0..=1.0).contains(&self.share) && weight > 0.0 && weight.is_finite() && other == 0.0;
        let problem = "believed belongs to share and timeShare: a share from 0 to 1, and a number of events or weeks";
        if sound { Ok(()) } else { Err(problem.into()) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct GivenCondition {
    pub field: String,
    pub is: Option<Literal>,
    pub at_least: Option<f64>,
    pub at_most: Option<f64>,
    pub one_of: Option<Vec<Literal>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Literal {
    YesNo(bool),
    Number(f64),
    Text(String),
}
