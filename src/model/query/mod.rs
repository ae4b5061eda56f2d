//! Questions about records: the request as the API takes it, and the checked form that the store and the index run.

mod compile;
mod pred;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use compile::{Clock, Compiler};
pub use pred::{Check, Kind, Part, Path, Pred, Scalar, SortKey, Test, scalars};

/// A filter as the API takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Filter {
    And { and: Vec<Filter> },
    Or { or: Vec<Filter> },
    Not { not: Box<Filter> },
    Condition(Condition),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// a field, a part (`name.last`) or a path over references (`company.industry`)
    pub field: String,
    pub op: Op,
    #[serde(default)]
    pub value: Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Op {
    Eq,
    Ne,
    Gt,
    Gte,
    Lt,
    Lte,
    In,
    NotIn,
    Contains,
    StartsWith,
    /// value `false` turns it round
    IsEmpty,
    /// `[from, to]`, both included
    Between,
    /// a span such as `"30d"`, `"12h"`, `"3mo"`, or `{"days": 30}`, up to now
    WithinLast,
    WithinNext,
}

/// `-updatedAt` or `name`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    pub field: String,
    pub descending: bool,
}

/// The body of `POST /records/{object}/query`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Query {
    pub filter: Option<Filter>,
    pub sort: Vec<Sort>,
    /// columns of the answer; all when empty
    pub fields: Vec<String>,
    pub group_by: Vec<GroupBy>,
    pub aggregates: Vec<Aggregate>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
    /// rows to leave out at the beginning; not together with a cursor
    pub offset: Option<u32>,
    /// the records as they were at this time
    pub as_of: Option<crate::Timestamp>,
    /// full text
    pub q: Option<String>,
    /// show at least this batch
    pub after: Option<u64>,
    pub count: Option<Count>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Count {
    Exact,
    None,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum GroupBy {
    Field(String),
    Bucket { field: String, bucket: Bucket },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Bucket {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Aggregate {
    pub op: AggregateOp,
    /// none for `count`
    #[serde(default)]
    pub field: Option<String>,
    /// name in the answer; `op` or `op_field` when missing
    #[serde(default, rename = "as")]
    pub name: Option<String>,
    /// for `percentiles`: 0 to 100
    #[serde(default)]
    pub percents: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AggregateOp {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    Percentiles,
    Distinct,
}

impl Sort {
    pub fn parse(text: &str) -> Sort {
        match text.strip_prefix('-') {
            Some(field) => Sort { field: field.to_owned(), descending: true },
            None => Sort { field: text.trim_start_matches('+').to_owned(), descending: false },
        }
    }
}

impl Serialize for Sort {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("{}{}", if self.descending { "-" } else { "" }, self.field))
    }
}

impl<'de> Deserialize<'de> for Sort {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Sort, D::Error> {
        String::deserialize(d).map(|text| Sort::parse(&text))
    }
}

impl Aggregate {
    pub fn label(&self) -> String {
        let op = serde_json::to_value(self.op).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        match (&self.name, &self.field) {
            (Some(name), _) => name.clone(),
            (None, Some(field)) => format!("{op}_{field}"),
            (None, None) => op,
        }
    }
}

impl GroupBy {
    pub fn field(&self) -> &str {
        match self {
            GroupBy::Field(field) | GroupBy::Bucket { field, .. } => field,
        }
    }

    pub fn bucket(&self) -> Option<Bucket> {
        match self {
            GroupBy::Field(_) => None,
            GroupBy::Bucket { bucket, .. } => Some(*bucket),
        }
    }
}
