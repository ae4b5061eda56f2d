//! Weighted rules: what is believed before there is any history, and how the history changes it.

use serde::{Deserialize, Serialize};

use super::newton::{self, Design, Prior};
use super::{Contributions, Model, check_rows, malformed, outcomes};
use crate::LearnError;
use crate::numeric::logit;
use crate::table::{Column, Feature, Kind, Table};

/// Rows that a belief weighs which no history changes.
const HELD: f64 = 1e12;

/// When a rule holds. A missing cell meets [`Test::Missing`] only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Test {
    AtLeast(f64),
    AtMost(f64),
    Is(bool),
    OneOf(Vec<String>),
    Missing,
}

/// One belief: rows that meet the test have log-odds higher by the weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub name: String,
    pub feature: Feature,
    pub test: Test,
    /// Log-odds added where the rule holds; negative speaks against.
    pub weight: f64,
    /// How many rows the belief weighs against what the history shows.
    pub strength: f64,
}

/// How to fit [`Rules`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleConfig {
    pub rules: Vec<Rule>,
    /// Believed chance of yes where no rule holds, between 0 and 1.
    pub base_rate: f64,
    /// How many rows that belief weighs.
    pub base_strength: f64,
}

impl RuleConfig {
    /// The same beliefs, so strong that no history changes them.
    pub fn held(&self) -> Self {
        let rules = self.rules.iter().map(|rule| Rule { strength: HELD, ..rule.clone() });
        Self { rules: rules.collect(), base_strength: HELD, ..self.clone() }
    }
}

/// Rules with the weights that are most probable after the rows learned from. Each weight has a normal prior around
/// the declared one (Gelman et al., Bayesian Data Analysis, 16.3), of the precision that `strength` rows at even odds
/// would give (a quarter each); so rules that overlap are not counted twice once there is data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    rules: Vec<Rule>,
    features: Vec<Feature>,
    base: f64,
    weights: Vec<f64>,
}

impl Rules {
    /// The declared weights as they are, for the first day. Errors: a rule that cannot hold, or no number.
    pub fn declared(config: &RuleConfig) -> Result<Self, LearnError> {
        config.rules.iter().try_for_each(check_rule)?;
        let rate_fine = config.base_rate > 0.0 && config.base_rate < 1.0;
        if !(rate_fine && config.base_strength >= 0.0 && config.base_strength.is_finite()) {
            let problem = "the base rate must lie between 0 and 1, its strength be a number of rows";
            return Err(LearnError::Rule { rule: "base".into(), problem });
        }
        let mut features: Vec<Feature> = Vec::new();
        for rule in &config.rules {
            if !features.contains(&rule.feature) {
                features.push(rule.feature.clone());
            }
        }
        let weights = config.rules.iter().map(|rule| rule.weight).collect();
        Ok(Self { rules: config.rules.clone(), features, base: logit(config.base_rate), weights })
    }

    /// The rules and their weights now, in log-odds.
    pub fn weights(&self) -> impl Iterator<Item = (&Rule, f64)> {
        self.rules.iter().zip(self.weights.iter().copied())
    }

    fn tests<'a>(&'a self, table: &'a Table) -> Result<Vec<Holds<'a>>, LearnError> {
        self.rules.iter().map(|rule| Ok(holds(&rule.test, table.find(&rule.feature)?))).collect()
    }
}

impl Model for Rules {
    type Config = RuleConfig;
    const KIND: &'static str = "rules";

    /// No rows at all give the declared weights.
    fn fit(config: &RuleConfig, table: &Table, rows: &[u32]) -> Result<Self, LearnError> {
        let mut rules = Self::declared(config)?;
        if rows.is_empty() {
            return Ok(rules);
        }
        let outcome = outcomes(table, rows, 0)?;
        let tests = rules.tests(table)?;
        let design = Design::new(rows, tests.len(), |row, put| {
            let holding = tests.iter().enumerate().filter(|(_, test)| test(row as usize));
            holding.for_each(|(rule, _)| put(rule, 1.0));
        });
        let mean = std::iter::once(rules.base).chain(rules.weights.iter().copied()).collect();
        let base_precision = config.base_strength * config.base_rate * (1.0 - config.base_rate);
        let precision = config.rules.iter().map(|rule| rule.strength / 4.0);
        let precision = std::iter::once(base_precision).chain(precision).collect();
        let fitted = newton::fit(&design, &outcome, &Prior { mean, precision })?;
        drop(tests);
        (rules.base, rules.weights) = (fitted[0], fitted[1..].to_vec());
        Ok(rules)
    }

    fn features(&self) -> &[Feature] {
        &self.features
    }

    fn predict(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
        check_rows(table, rows)?;
        let tests = self.tests(table)?;
        let score = |row: &u32| {
            let held = tests.iter().zip(&self.weights).filter(|(test, _)| test(*row as usize));
            self.base + held.map(|(_, weight)| weight).sum::<f64>()
        };
        Ok(rows.iter().map(score).collect())
    }

    fn contributions(&self, table: &Table, row: u32) -> Result<Contributions, LearnError> {
        check_rows(table, &[row])?;
        let mut parts = vec![0.0; self.features.len()];
        for ((test, rule), weight) in self.tests(table)?.iter().zip(&self.rules).zip(&self.weights) {
            let place = self.features.iter().position(|feature| *feature == rule.feature);
            if let Some(place) = place.filter(|_| test(row as usize)) {
                parts[place] += weight;
            }
        }
        Ok(Contributions { base: self.base, parts })
    }

    fn check(&self) -> Result<(), LearnError> {
        self.rules.iter().try_for_each(check_rule)?;
        let known = self.rules.iter().all(|rule| self.features.contains(&rule.feature));
        let fine = known && self.rules.len() == self.weights.len();
        if fine { Ok(()) } else { Err(malformed("rules, features and weights differ")) }
    }
}

fn check_rule(rule: &Rule) -> Result<(), LearnError> {
    let problem = |problem| Err(LearnError::Rule { rule: rule.name.clone(), problem });
    if !(rule.weight.is_finite() && rule.strength >= 0.0 && rule.strength.is_finite()) {
        return problem("weight and strength must be numbers, and the strength not negative");
    }
    let kind = rule.feature.kind;
    let fits = match &rule.test {
        Test::AtLeast(bound) | Test::AtMost(bound) => {
            bound.is_finite() && matches!(kind, Kind::Number | Kind::Date | Kind::Duration)
        }
        Test::Is(_) => kind == Kind::YesNo,
        Test::OneOf(_) => kind == Kind::Category,
        Test::Missing => true,
    };
    if fits { Ok(()) } else { problem("its test does not fit the kind of its feature") }
}

/// Whether a rule holds in a row.
type Holds<'a> = Box<dyn Fn(usize) -> bool + 'a>;

fn holds<'a>(test: &'a Test, column: &'a Column) -> Holds<'a> {
    match (test, column) {
        (Test::AtLeast(bound), column) => Box::new(move |row| column.number(row) >= *bound),
        (Test::AtMost(bound), column) => Box::new(move |row| column.number(row) <= *bound),
        (Test::Is(yes), Column::YesNo(values)) => Box::new(move |row| values[row] == Some(*yes)),
        (Test::OneOf(names), Column::Categories { levels, codes }) => {
            let wanted: Vec<bool> = levels.iter().map(|level| names.contains(level)).collect();
            Box::new(move |row| wanted.get(codes[row] as usize).copied().unwrap_or(false))
        }
        (Test::Missing, column) => Box::new(move |row| column.is_missing(row)),
        _ => Box::new(|_| false),
    }
}
