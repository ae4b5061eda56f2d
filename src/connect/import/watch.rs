//! Looks on while rows are planned and nothing is written, and keeps what people want to know of single rows: what is
//! doubtful about them, and which record or row they are the same as. An import that writes has no watch and pays
//! nothing for it.

use std::sync::Arc;

use aplomb_model::value::Link;
use aplomb_model::{Field, FieldCode, Id, Object, Record, Value};

use super::matching::{Found, Home, Matcher};
use super::merge::merge;
use super::plan::Entry;
use crate::map::convert::{CellProblem, Column, Draft};
use crate::map::target::Place;
use crate::view::{OnMatch, Options};

#[derive(Default)]
pub struct Watch {
    /// fields that columns fill, when values are to be compared; else only which rows are the same
    compared: Option<Vec<FieldCode>>,
    /// row and what is doubtful
    pub warnings: Vec<(u64, CellProblem)>,
    pub duplicates: Vec<Seen>,
    /// rows that somebody decided to leave out, and why they would have been refused
    pub left_out: Vec<(u64, Vec<CellProblem>)>,
}

/// A row that is, or may be, the same as something known. The last three only when values are compared.
pub struct Seen {
    pub row: u64,
    pub other: Other,
    pub action: OnMatch,
    /// of the other
    pub name: String,
    pub matched_by: String,
    pub fields: Vec<Compared>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    Record(Id),
    Row(u64),
}

pub struct Compared {
    pub field: FieldCode,
    pub incoming: Option<Value>,
    pub existing: Option<Value>,
    pub result: Option<Value>,
}

impl Watch {
    /// Keeps values side by side as well.
    pub fn comparing(columns: &[Column]) -> Watch {
        let field = |column: &Column| match &column.target.as_ref()?.place {
            Place::Field(code) | Place::Part(code, _) | Place::Middle(code) | Place::Currency(code) => Some(*code),
            Place::Owner(code) | Place::Reference { field: code, .. } => Some(*code),
            Place::ExternalId | Place::Id | Place::Moment(_) | Place::Creator => None,
        };
        Watch { compared: Some(columns.iter().filter_map(field).collect()), ..Watch::default() }
    }

    pub fn compares(&self) -> bool {
        self.compared.is_some()
    }

    pub fn warn(&mut self, row: u64, problem: CellProblem) {
        self.warnings.push((row, problem));
    }

    /// A choice that nobody offers and that is left out.
    pub fn choice(&mut self, row: u64, field: Option<&Field>, text: &str) {
        let problem = CellProblem {
            field: field.map(|f| f.name.clone()),
            value: Some(text.to_owned()),
            ..CellProblem::row("unknown_choice", "is no choice that is offered and is left out")
        };
        self.warn(row, problem);
    }

    /// Before the row is put anywhere.
    pub fn see(
        &mut self,
        draft: &Draft,
        found: &Found<'_>,
        options: &Options,
        matcher: &Matcher<'_>,
        entries: &[Entry],
    ) {
        let (home, key) = match (&found.home, &found.stranger, found.by) {
            (Home::New, Some((home, key)), _) => (home, *key),
            (Home::New, ..) => return,
            (home, _, Some(key)) => (home, key),
            (_, _, None) => return,
        };
        let entry = match home {
            Home::Here(at, _) => entries.get(*at),
            Home::Stored(record, _) => entries.iter().find(|e| e.id == record.id),
            Home::New | Home::Earlier(..) => None,
        };
        let stored = match home {
            Home::Stored(record, _) => Some(record),
            _ => entry.and_then(|e| e.before.as_ref()),
        };
        let other = match (home, stored, entry.and_then(|e| e.rows.first())) {
            (Home::Earlier(_, row), ..) => Other::Row(*row),
            (_, Some(record), _) => Other::Record(record.id),
            (_, None, Some(row)) => Other::Row(*row),
            (_, None, None) => return,
        };
        let action = action(draft, found, options);
        let (name, matched_by, fields) = (String::new(), String::new(), Vec::new());
        let mut seen = Seen { row: draft.number, other, action, name, matched_by, fields };
        if let Some(mapped) = &self.compared {
            let sides = Sides { entry, stored, fill: entry.is_some() || options.fill_only, action };
            let fields = matcher.object.live();
            seen.fields = fields.filter_map(|f| sides.compare(f, draft, matcher.object, mapped)).collect();
            seen.matched_by = key.field().to_owned();
            seen.name = match (entry, stored) {
                (Some(entry), _) => matcher.name_of(entry),
                (None, Some(record)) => matcher.object.title_of(record),
                (None, None) => String::new(),
            };
        }
        self.duplicates.push(seen);
    }
}

/// What becomes of a row for which there is another.
fn action(draft: &Draft, found: &Found<'_>, options: &Options) -> OnMatch {
    let by_id = matches!(found.home, Home::Stored(_, true) | Home::Here(_, true) | Home::Earlier(true, _));
    match (draft.decision, &found.home, options.on_match) {
        (Some(decided), ..) => decided,
        (None, Home::New, _) => OnMatch::Create,
        (None, _, OnMatch::Create) if by_id => OnMatch::Update,
        (None, _, chosen) => chosen,
    }
}

/// What is there already.
struct Sides<'a> {
    entry: Option<&'a Entry>,
    stored: Option<&'a Arc<Record>>,
    fill: bool,
    action: OnMatch,
}

impl Sides<'_> {
    /// `None` for a field that neither side has, or that only the record has and no column fills.
    fn compare(&self, field: &Field, draft: &Draft, object: &Object, mapped: &[FieldCode]) -> Option<Compared> {
        let code = field.code;
        let incoming = draft.fields.get(code).cloned();
        let from_entry = self.entry.and_then(|e| e.fields.get(code));
        let existing = from_entry.or_else(|| self.stored.and_then(|r| r.get(code))).cloned();
        if field.name == "externalIds" || incoming.is_none() && (existing.is_none() || !mapped.contains(&code)) {
            return None;
        }
        let fill = self.fill || draft.name_made && field.name == object.title;
        let result = match self.action {
            OnMatch::Create => incoming.clone(),
            OnMatch::Skip => existing.clone(),
            OnMatch::Update => {
                let merged = incoming.as_ref().and_then(|new| merge(field, existing.as_ref(), new, fill));
                merged.or_else(|| existing.clone())
            }
        };
        Some(Compared { field: code, incoming, existing, result })
    }
}

impl Compared {
    /// Its values, those there are.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        [&self.incoming, &self.existing, &self.result].into_iter().flatten()
    }

    /// What its values refer to.
    pub fn links(&self) -> impl Iterator<Item = Link> {
        self.values().flat_map(|value| value.links().to_vec())
    }
}
