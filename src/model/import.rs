//! An import of a file as the API shows it, the same for the server, the command line and the screens.

use serde::{Deserialize, Serialize};

use crate::{Id, Seq, Timestamp};

/// An uploaded file and what has become of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportView {
    pub id: Id,
    pub object: String,
    pub file_name: String,
    pub format: Format,
    /// the program that wrote the file, e.g. `hubspot`; `None` when not recognised
    pub vendor: Option<String>,
    /// text encoding of the file, e.g. `windows-1252`
    pub encoding: Option<String>,
    /// of CSV
    pub delimiter: Option<char>,
    pub status: Status,
    pub columns: Vec<ColumnView>,
    pub options: Options,
    /// rows with data, without header and without what was left out
    pub rows: u64,
    pub progress: Progress,
    /// what is at least doubtful about the file or the mapping, for people
    pub warnings: Vec<String>,
    /// rows that are no records: titles, totals, a report's last lines
    pub left_out: Vec<LeftOut>,
    /// why the job stopped, when `status` is `failed`
    pub error: Option<String>,
    /// what `check` found
    pub preview: Option<Preview>,
    /// whether a cell or a decision was changed since `check`; `rows` shows such rows as they would be taken now
    #[serde(default)]
    pub outdated: bool,
    /// cells that were changed
    #[serde(default)]
    pub edits: u64,
    /// rows for which somebody decided what becomes of them
    #[serde(default)]
    pub decisions: u64,
    /// rows that the last `check` noted, by kind
    #[serde(default)]
    pub noted: Noted,
    pub revert: Option<RevertReport>,
    pub created_at: Timestamp,
    pub created_by: Id,
    pub finished_at: Option<Timestamp>,
    /// position of the log behind the last write, once the import or its revert is done: `?after=` shows at least that
    pub seq: Option<Seq>,
    /// until when the uploaded file is kept; `None` when it is gone
    pub file_until: Option<Timestamp>,
    /// the fields a column can be mapped to
    pub targets: Vec<TargetView>,
}

/// How many rows `rows` can show of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Noted {
    pub refused: u64,
    pub duplicate: u64,
    pub warning: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Csv,
    Xlsx,
    Vcard,
    Jsonl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// waits for a mapping to be confirmed
    Mapping,
    /// `check` has run and nothing was changed since
    Checked,
    /// waits for its turn
    Queued,
    Running,
    Done,
    /// stopped by an error that is not about a row; what was written stays and can be reverted
    Failed,
    Reverting,
    Reverted,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnView {
    pub index: usize,
    pub header: String,
    /// up to five different values
    pub samples: Vec<String>,
    /// cells that are not empty
    pub filled: u64,
    /// path of the field (`email`, `name.first`, `company.name`, `externalId`); `None`: not imported
    pub field: Option<String>,
    /// 0 to 1
    pub confidence: f64,
    pub reason: String,
}

/// A field, or a part of one, that a column can fill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetView {
    pub field: String,
    pub label: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub required: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Options {
    /// field that tells whether a row is a known record: `email`, `domain`, `name`, `externalId`, `id`; `None`: ids only
    #[serde(rename = "match")]
    pub match_field: Option<String>,
    /// an e-mail address or a domain in common is not enough: the names must agree as well
    pub match_names: bool,
    pub on_match: OnMatch,
    /// make the companies that rows name and nobody knows
    pub create_companies: bool,
    /// a choice that is not offered yet
    pub unknown_choice: UnknownChoice,
    /// a record of another object that is not here
    pub unknown_reference: UnknownReference,
    /// an owner nobody knows: leave the row to who imports (a warning) or refuse the cell
    pub unknown_owner: UnknownOwner,
    /// name of the system the file comes from; ids of the same source refer to each other across files
    pub source: String,
    /// how to read `03/04/2025`; guessed for each column when `None`
    pub date_order: Option<DateOrder>,
    /// `,` or `.`; guessed for each column when `None`
    pub decimal: Option<char>,
    /// ISO 4217, for amounts without one; the organisation's when `None`
    pub currency: Option<String>,
    /// when updating: leave what is there and fill only what is empty
    pub fill_only: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnMatch {
    #[default]
    Update,
    Skip,
    Create,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UnknownChoice {
    /// offer it from now on; who may not change the declaration gets `Refuse`
    #[default]
    Add,
    /// leave the field empty, with a warning
    Empty,
    /// refuse the row
    Refuse,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UnknownReference {
    /// leave the field empty, with a warning; one given by id is set when its record is imported
    #[default]
    Empty,
    /// refuse the row; references among the records of the file itself wait for each other nevertheless
    Refuse,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UnknownOwner {
    #[default]
    Importer,
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DateOrder {
    /// day, month, year
    Dmy,
    /// month, day, year
    Mdy,
    /// year, month, day
    Ymd,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            match_field: None,
            match_names: true,
            on_match: OnMatch::Update,
            create_companies: true,
            unknown_choice: UnknownChoice::Add,
            unknown_reference: UnknownReference::Empty,
            unknown_owner: UnknownOwner::Importer,
            source: String::new(),
            date_order: None,
            decimal: None,
            currency: None,
            fill_only: false,
        }
    }
}

/// One entry of `PATCH /imports/{id}`: which field a column fills.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MapTo {
    pub column: usize,
    /// `None`: not imported
    pub field: Option<String>,
}

/// One entry of `PATCH /imports/{id}`: what a cell is to be read as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CellEdit {
    /// counted from 1 over all rows of the file
    pub row: u64,
    pub column: usize,
    /// `None`: as it stands in the file
    pub value: Option<String>,
}

/// One entry of `PATCH /imports/{id}`: what becomes of a row whatever the options say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RowDecision {
    pub row: u64,
    /// `None`: what the options say
    pub action: Option<OnMatch>,
}

/// Which rows are asked for. A row may be of several kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RowKind {
    Refused,
    /// the same as a record or as an earlier row, or perhaps the same
    Duplicate,
    /// taken, but not with everything that stands in it
    Warning,
    /// changed by somebody: a cell or a decision
    Edited,
}

/// A page of rows, in the order of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RowsPage {
    pub rows: Vec<ImportRow>,
    /// rows of the kind, as `check` or the import found them
    pub total: u64,
    pub next: Option<String>,
}

/// A row as it would be taken now; of an import that was committed, as it was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportRow {
    /// counted from 1 over all rows of the file
    pub row: u64,
    /// with the edits
    pub cells: Vec<String>,
    pub problems: Vec<RowProblem>,
    /// columns of the cells that were changed
    pub edits: Vec<usize>,
    /// what stands in the file in these cells
    pub originals: Vec<String>,
    pub duplicate: Option<Duplicate>,
    pub decision: Option<OnMatch>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RowProblem {
    /// `None`: the row as a whole
    pub column: Option<usize>,
    pub field: Option<String>,
    /// stable, e.g. `date`, `required`, `unknown_owner`
    pub code: String,
    pub detail: String,
    /// whether the row is taken nevertheless
    pub warning: bool,
}

/// What a row is the same as, side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Duplicate {
    pub of: DuplicateOf,
    pub object: String,
    /// of the record
    pub id: Option<Id>,
    /// of the record or of the other row
    pub name: String,
    /// the other row
    pub row: Option<u64>,
    /// field they have in common: `email`, `domain`, `externalIds`, `id` ...
    pub matched_by: String,
    pub fields: Vec<DuplicateField>,
    /// what becomes of the row
    pub action: OnMatch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DuplicateOf {
    Record,
    Row,
}

/// Values as in the fields of a record; null where there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DuplicateField {
    pub field: String,
    pub label: String,
    pub incoming: serde_json::Value,
    pub existing: serde_json::Value,
    pub result: serde_json::Value,
}

/// Rows, counted. `created + updated + skipped + refused == done`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
    pub created: u64,
    pub updated: u64,
    pub skipped: u64,
    pub refused: u64,
    /// made because rows name them
    pub companies_created: u64,
}

/// A row that was not taken for data, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// counted from 1 over all rows of the file
    pub row: u64,
    pub text: String,
    pub reason: String,
}

/// What an import would do, found without writing anything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Preview {
    pub rows: u64,
    pub create: u64,
    pub update: u64,
    pub skip: u64,
    pub refused: u64,
    pub companies_to_create: u64,
    /// rows that would be put together with an earlier row of the file
    pub together: Alike,
    /// rows that share an e-mail address or a domain with another of a different name, and stay records of their own
    pub apart: Alike,
    /// the first hundred refused cells
    pub errors: Vec<Problem>,
    /// all of them, by column and kind
    pub groups: Vec<ProblemGroup>,
    pub warnings: Vec<String>,
    /// choices that would be made, by field
    pub new_choices: Vec<NewChoices>,
}

/// Rows that have something in common with another row or record: how many, and the first of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Alike {
    pub rows: u64,
    pub examples: Vec<Pair>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pair {
    /// counted from 1 over all rows of the file
    pub row: u64,
    pub name: String,
    /// the other's name
    pub other: String,
    /// `None`: the other is a record already
    pub other_row: Option<u64>,
    /// what they have in common: field and value
    pub field: String,
    pub value: String,
}

/// What is wrong with one cell or one row of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// counted from 1 over all rows of the file, as a spreadsheet numbers them
    pub row: u64,
    /// `None`: the row as a whole
    pub column: Option<usize>,
    pub header: Option<String>,
    pub field: Option<String>,
    /// the cell, shortened
    pub value: Option<String>,
    /// stable, e.g. `date`, `required`, `unknown_reference`, `cell_too_large`
    pub code: String,
    pub detail: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProblemGroup {
    pub header: Option<String>,
    pub code: String,
    pub detail: String,
    pub count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewChoices {
    pub field: String,
    pub labels: Vec<String>,
}

/// What a revert did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RevertReport {
    /// records of the import, now in the trash
    pub removed: u64,
    /// records put back as they were
    pub restored: u64,
    /// records somebody changed since: left as they are, or put back only in fields nobody touched
    pub kept: u64,
    /// the first thousand of them
    pub edited: Vec<EditedRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EditedRecord {
    pub object: String,
    pub id: Id,
    pub title: String,
    pub detail: String,
}

impl Status {
    /// Waiting for its turn or at work.
    pub fn is_busy(self) -> bool {
        matches!(self, Status::Queued | Status::Running | Status::Reverting)
    }
}

impl Progress {
    pub fn add(&mut self, other: &Progress) {
        self.done += other.done;
        self.created += other.created;
        self.updated += other.updated;
        self.skipped += other.skipped;
        self.refused += other.refused;
        self.companies_created += other.companies_created;
    }
}
