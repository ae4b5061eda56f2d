//! What is stored of an import: the state, how far it is, and for every batch of rows what it wrote.

use std::collections::BTreeMap;

use aplomb_crm::{BulkDoc, Crm, Ctx};
use aplomb_model::{Error, Id, ObjectCode, Result, Seq, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::edits::Changed;
use super::noted::Findings;
use crate::map::table::Shape;
use crate::map::target;
use crate::read::{Format, Layout};
use crate::view::{ColumnView, DateOrder, ImportView, LeftOut, Options, Preview, Progress, RevertReport, Status};

/// First byte of every document here.
const VERSION: u8 = 1;

/// Days an uploaded file is kept after its import, or without one.
const KEEP_DAYS: i64 = 30;

pub const STATE: &str = "import";
pub const RUN: &str = "import_run";
pub const BATCH: &str = "import_batch";
pub const LINKS: &str = "import_links";

/// Changed by requests.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    pub id: Id,
    pub object: String,
    pub file_name: String,
    pub format: Format,
    pub layout: Layout,
    pub shape: Shape,
    pub vendor: Option<String>,
    pub columns: Vec<ColumnState>,
    pub options: Options,
    pub warnings: Vec<String>,
    pub left_out: Vec<LeftOut>,
    pub preview: Option<Preview>,
    /// rows that the check noted, unless the mapping was changed since
    #[serde(default)]
    pub findings: Option<Findings>,
    /// whether a cell or a decision was changed since the check
    #[serde(default)]
    pub outdated: bool,
    #[serde(default)]
    pub changed: Changed,
    /// goes up with each change
    #[serde(default)]
    pub revision: u64,
    pub created_at: Timestamp,
    pub created_by: Id,
    /// when it was committed: the time in the ids of its records
    pub started_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnState {
    pub view: ColumnView,
    pub order: DateOrder,
    pub decimal: char,
}

/// Changed by the job.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Run {
    pub status: Option<Status>,
    pub progress: Progress,
    /// batches that are done
    pub batches: u32,
    /// number of the last row of these
    pub row: u64,
    pub error: Option<String>,
    pub finished_at: Option<Timestamp>,
    pub notes: Notes,
    pub revert: Option<RevertReport>,
    /// how many records a revert has dealt with
    pub taken_back: u64,
    /// position of the log behind the last write
    pub seq: Option<Seq>,
    pub file_gone: bool,
    /// records made for others, by owner; told to them in the end
    pub assigned: BTreeMap<Id, u64>,
}

/// What people should know although no row was refused for it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Notes {
    /// owner's name in the file, rows
    pub unknown_owners: BTreeMap<String, u64>,
    /// name of the object, rows
    pub unknown_references: BTreeMap<String, u64>,
    /// `field: choice`, rows
    pub unknown_choices: BTreeMap<String, u64>,
    pub names_made: u64,
    pub duplicates: u64,
    /// rows that share an address or a domain with somebody else
    pub apart: u64,
    /// rows of owners for whom the importer may not create records
    pub taken_over: u64,
}

/// What one batch of rows wrote; stored with the records themselves.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BatchDoc {
    pub items: Vec<Item>,
    pub refused: Vec<Refused>,
}

/// A record that the batch creates or changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub object: ObjectCode,
    pub id: Id,
    /// version before; 0: created
    pub before: u32,
    pub after: u32,
    /// made because a row names it
    pub named: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    pub row: u64,
    /// (column, code, detail)
    pub reasons: Vec<(Option<u32>, String, String)>,
}

fn damaged() -> Error {
    Error::internal("a stored import cannot be read")
}

fn unversioned(bytes: &[u8]) -> Result<&[u8]> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        _ => Err(damaged()),
    }
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(unversioned(bytes)?).map_err(|_| damaged())
}

fn with_version(mut body: Vec<u8>) -> Vec<u8> {
    body.insert(0, VERSION);
    body
}

fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map(with_version).map_err(|_| damaged())
}

impl State {
    pub fn decode(bytes: &[u8]) -> Result<State> {
        json(bytes)
    }

    pub fn load(crm: &Crm, id: Id) -> Result<State> {
        let bytes = crm.get_doc(STATE, id.as_bytes())?.ok_or_else(|| Error::not_found("import"))?;
        State::decode(&bytes)
    }

    /// To be written in the batch that enqueues the work.
    pub fn doc(&self) -> Result<BulkDoc> {
        Ok(BulkDoc { kind: STATE, key: self.id.as_bytes().to_vec(), value: Some(to_json(self)?) })
    }

    /// When the uploaded file is removed: refused rows are given back from it.
    pub fn file_until(&self, run: &Run) -> Timestamp {
        run.finished_at.unwrap_or(self.created_at).plus_days(KEEP_DAYS)
    }

    pub fn view(&self, crm: &Crm, run: Run) -> ImportView {
        let schema = crm.schema();
        let targets = schema.by_name(&self.object).map(|o| target::all(&schema, o)).unwrap_or_default();
        let file_until = (!run.file_gone).then(|| self.file_until(&run));
        let mut warnings = self.warnings.clone();
        warnings.extend(run.notes.lines());
        let checked = self.preview.is_some() && !self.outdated;
        let status = run.status.unwrap_or(if checked { Status::Checked } else { Status::Mapping });
        ImportView {
            id: self.id,
            object: self.object.clone(),
            file_name: self.file_name.clone(),
            format: self.format,
            vendor: self.vendor.clone(),
            encoding: self.layout.encoding.clone(),
            delimiter: self.layout.delimiter,
            status,
            columns: self.columns.iter().map(|c| c.view.clone()).collect(),
            options: self.options.clone(),
            rows: self.shape.rows,
            progress: Progress { total: self.shape.rows, ..run.progress },
            warnings,
            left_out: self.left_out.clone(),
            error: run.error,
            preview: self.preview.clone(),
            outdated: self.outdated,
            edits: self.changed.cells,
            decisions: self.changed.decisions,
            noted: self.findings.as_ref().map(Findings::noted).unwrap_or_default(),
            revert: run.revert,
            created_at: self.created_at,
            created_by: self.created_by,
            finished_at: run.finished_at,
            seq: run.seq,
            file_until,
            targets,
        }
    }
}

impl Run {
    pub fn load(crm: &Crm, id: Id) -> Result<Run> {
        crm.get_doc(RUN, id.as_bytes())?.map_or_else(|| Ok(Run::default()), |bytes| json(&bytes))
    }

    pub fn save(&self, crm: &Crm, ctx: &Ctx, id: Id) -> Result<()> {
        crm.put_doc(ctx, RUN, id.as_bytes(), Some(to_json(self)?)).map(drop)
    }

    /// To be written in the batch of the records.
    pub fn doc(&self, id: Id) -> Result<BulkDoc> {
        Ok(BulkDoc { kind: RUN, key: id.as_bytes().to_vec(), value: Some(to_json(self)?) })
    }

    /// Neither waiting nor at work.
    pub fn is_idle(&self) -> bool {
        !matches!(self.status, Some(Status::Queued | Status::Running | Status::Reverting))
    }
}

impl BatchDoc {
    pub fn key(id: Id, number: u32) -> Vec<u8> {
        [id.as_bytes().as_slice(), &number.to_be_bytes()].concat()
    }

    pub fn load(crm: &Crm, id: Id, number: u32) -> Result<Option<BatchDoc>> {
        crm.get_doc(BATCH, &BatchDoc::key(id, number))?.map(|bytes| BatchDoc::decode(&bytes)).transpose()
    }

    fn decode(bytes: &[u8]) -> Result<BatchDoc> {
        postcard::from_bytes(unversioned(bytes)?).map_err(|_| damaged())
    }

    fn encode(&self) -> Result<Vec<u8>> {
        postcard::to_stdvec(self).map(with_version).map_err(|_| damaged())
    }

    /// To be written in the batch of the records.
    pub fn doc(&self, id: Id, number: u32) -> Result<BulkDoc> {
        Ok(BulkDoc { kind: BATCH, key: BatchDoc::key(id, number), value: Some(self.encode()?) })
    }
}

impl Notes {
    pub fn add(&mut self, other: &Notes) {
        for (to, from) in [
            (&mut self.unknown_owners, &other.unknown_owners),
            (&mut self.unknown_references, &other.unknown_references),
            (&mut self.unknown_choices, &other.unknown_choices),
        ] {
            for (name, count) in from {
                // a column that holds no owners at all would fill the document with names
                if to.len() < 200 || to.contains_key(name) {
                    *to.entry(name.clone()).or_default() += count;
                }
            }
        }
        self.names_made += other.names_made;
        self.duplicates += other.duplicates;
        self.apart += other.apart;
        self.taken_over += other.taken_over;
    }

    pub fn lines(&self) -> Vec<String> {
        let mut out = Vec::new();
        if !self.unknown_owners.is_empty() {
            let rows: u64 = self.unknown_owners.values().sum();
            let names: Vec<&str> = self.unknown_owners.keys().take(20).map(String::as_str).collect();
            let rows = counted(rows, "row belongs", "rows belong");
            out.push(format!("{rows} to owners nobody knows here, and go to whoever imports: {}", names.join(", ")));
        }
        for (object, rows) in &self.unknown_references {
            let rows = counted(*rows, "row names", "rows name");
            out.push(format!("{rows} a {object} that is not here (yet); linked when it is imported"));
        }
        if !self.unknown_choices.is_empty() {
            let cells: u64 = self.unknown_choices.values().sum();
            let cells = counted(cells, "cell holds", "cells hold");
            let names: Vec<&str> = self.unknown_choices.keys().take(20).map(String::as_str).collect();
            out.push(format!("{cells} a choice nobody offers, left empty: {}", names.join(", ")));
        }
        let lines = [
            (self.names_made, "row has", "rows have", "no name; e-mail address or domain stands in for it"),
            (self.duplicates, "row repeats", "rows repeat", "a record of the same file, put together with it"),
            (
                self.apart,
                "row shares",
                "rows share",
                "an e-mail address or a domain with another of a different name; both are kept",
            ),
            (
                self.taken_over,
                "row belongs",
                "rows belong",
                "to others in the file and will be the importer's, who may create only his own records",
            ),
        ];
        let told = lines.into_iter().filter(|(count, ..)| *count > 0);
        out.extend(told.map(|(count, one, many, what)| format!("{} {what}", counted(count, one, many))));
        out
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
