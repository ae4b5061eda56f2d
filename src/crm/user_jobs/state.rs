//! What is kept of a job: how far it is, and in a document of its own what it was asked to do.

use aplomb_access::TokenScope;
use aplomb_model::query::{Filter, Sort};
use aplomb_model::{Code, Error, FieldError, Id, Query, Result, Seq, Timestamp};
use aplomb_store::{Assert, Op, View};
use serde::{Deserialize, Serialize};

use crate::Map;
use crate::errors::{OrInternal, OrStore};

/// Documents: [`Stored`] by the inverted id, so that the newest come first. Logged when a job is made and when it ends:
/// whoever follows the log learns of both from the batch itself.
pub(crate) const JOB: &str = "job";
/// Documents: [`Order`] by id, while the job is open: it may hold personal data.
const ORDER: &str = "jobOrder";
const VERSION: u8 = 1;
/// Refused records that are named.
const MOST_REFUSED: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    Bulk,
    Undo,
    Export,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Status {
    Waiting,
    Running,
    Done,
    Failed,
    Cancelled,
    /// done, and taken back since
    Undone,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    pub changed: u64,
    pub unchanged: u64,
    pub refused: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Progress {
    pub done: u64,
    pub total: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refused {
    pub id: Id,
    pub errors: Vec<FieldError>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct File {
    pub name: String,
    pub size: u64,
    pub media_type: String,
}

/// An API key that the job was made with: its scopes hold for the job as well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Key {
    pub id: Id,
    pub scopes: Vec<TokenScope>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stored {
    /// of this document's form
    pub version: u8,
    pub id: Id,
    pub kind: Kind,
    pub object: String,
    pub title: String,
    pub status: Status,
    pub owner: Id,
    pub key: Option<Key>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// what the job wrote lies in the log after the first and up to the second of these
    pub since: Seq,
    pub until: Option<Seq>,
    pub progress: Progress,
    pub counts: Counts,
    pub refused: Vec<Refused>,
    /// where the next batch begins
    pub place: Place,
    /// the bulk job that this one takes back
    pub undoes: Option<Id>,
    pub undone_by: Option<Id>,
    pub file: Option<File>,
    pub error: Option<Failure>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Place {
    Start,
    /// position in the list of ids
    At(usize),
    /// of the selection
    Cursor(String),
    /// in the log
    After(Seq),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failure {
    pub code: String,
    pub detail: String,
}

/// What is to be done. Its parts depend on the kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Order {
    /// of this document's form
    pub(crate) version: u8,
    pub ids: Option<Vec<Id>>,
    pub except: Vec<Id>,
    pub filter: Option<Filter>,
    pub q: Option<String>,
    /// new values of fields; the records go into the trash when there are none
    pub set: Option<Map>,
    pub format: String,
    pub sort: Vec<Sort>,
    pub fields: Vec<String>,
}

impl Default for Order {
    fn default() -> Order {
        Order {
            version: VERSION,
            ids: None,
            except: Vec::new(),
            filter: None,
            q: None,
            set: None,
            format: String::new(),
            sort: Vec::new(),
            fields: Vec::new(),
        }
    }
}

impl Order {
    /// The part of a query that selects records.
    pub fn selection(&self) -> Query {
        Query { filter: self.filter.clone(), q: self.q.clone(), ..Query::default() }
    }

    pub(super) fn load(view: &View, id: Id) -> Result<Order> {
        let bytes = view.doc(ORDER, id.as_bytes()).or_store()?.ok_or_else(|| Error::not_found("job"))?;
        Order::read(&bytes)
    }

    fn read(bytes: &[u8]) -> Result<Order> {
        let order: Order = serde_json::from_slice(bytes).or_internal("what a job is to do")?;
        known(order.version).map(|()| order)
    }

    pub(super) fn put(&self, id: Id) -> Result<Op> {
        let value = serde_json::to_vec(self).or_internal("what a job is to do")?;
        Ok(Op::Doc { kind: ORDER, key: id.as_bytes().to_vec(), value: Some(value), logged: false })
    }

    pub(super) fn remove(id: Id) -> Op {
        Op::Doc { kind: ORDER, key: id.as_bytes().to_vec(), value: None, logged: false }
    }
}

fn known(version: u8) -> Result<()> {
    match version {
        VERSION => Ok(()),
        newer => Err(Error::internal(format!("a job has form {newer}; use a newer program"))),
    }
}

impl Stored {
    pub fn new(id: Id, kind: Kind, object: &str, owner: Id, now: Timestamp) -> Stored {
        Stored {
            version: VERSION,
            id,
            kind,
            object: object.to_owned(),
            title: String::new(),
            status: Status::Waiting,
            owner,
            key: None,
            created_at: now,
            finished_at: None,
            since: 0,
            until: None,
            progress: Progress::default(),
            counts: Counts::default(),
            refused: Vec::new(),
            place: Place::Start,
            undoes: None,
            undone_by: None,
            file: None,
            error: None,
        }
    }

    pub fn key(id: Id) -> Vec<u8> {
        id.as_bytes().iter().map(|byte| !byte).collect()
    }

    pub fn load(view: &View, id: Id) -> Result<Option<Stored>> {
        view.doc(JOB, &Stored::key(id)).or_store()?.map(|bytes| Stored::read(&bytes)).transpose()
    }

    pub fn read(bytes: &[u8]) -> Result<Stored> {
        let stored: Stored = serde_json::from_slice(bytes).or_internal("a job")?;
        known(stored.version).map(|()| stored)
    }

    /// Newest first, after the one with this id.
    pub fn page(view: &View, after: Option<Id>, limit: usize) -> Result<Vec<Stored>> {
        let after = after.map(Stored::key);
        let page = view.docs(JOB, b"", after.as_deref(), limit).or_store()?;
        page.iter().map(|(_, bytes)| Stored::read(bytes)).collect()
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).or_internal("a job")
    }

    /// How far it is.
    pub fn put(&self) -> Result<Op> {
        let (key, value) = (Stored::key(self.id), Some(self.bytes()?));
        Ok(Op::Doc { kind: JOB, key, value, logged: false })
    }

    /// Its beginning or its end, for whoever follows the log.
    pub fn announce(&self) -> Result<Op> {
        let (key, value) = (Stored::key(self.id), Some(self.bytes()?));
        Ok(Op::Doc { kind: JOB, key, value, logged: true })
    }

    pub fn remove(&self) -> Op {
        Op::Doc { kind: JOB, key: Stored::key(self.id), value: None, logged: false }
    }

    /// Nobody wrote it since it was read.
    pub fn unchanged(&self) -> Result<Assert> {
        Ok(Assert::DocIs { kind: JOB, key: Stored::key(self.id), hash_or_value: Some(self.bytes()?) })
    }

    pub fn is_open(&self) -> bool {
        matches!(self.status, Status::Waiting | Status::Running)
    }

    pub fn can_undo(&self) -> bool {
        self.kind == Kind::Bulk && !self.is_open() && self.undone_by.is_none() && self.counts.changed > 0
    }

    /// Notes one record.
    pub fn count(&mut self, id: Id, outcome: Result<bool, Vec<FieldError>>) {
        self.progress.done += 1;
        match outcome {
            Ok(true) => self.counts.changed += 1,
            Ok(false) => self.counts.unchanged += 1,
            Err(errors) => {
                self.counts.refused += 1;
                if self.refused.len() < MOST_REFUSED {
                    self.refused.push(Refused { id, errors });
                }
            }
        }
        self.progress.total = self.progress.total.max(self.progress.done);
    }

    /// Ended now, with everything it wrote at or before `until`.
    pub fn ended(&self, status: Status, until: Seq, now: Timestamp) -> Stored {
        let mut ended = Stored { status, until: Some(until), finished_at: Some(now), ..self.clone() };
        if status == Status::Done {
            ended.progress.total = ended.progress.done;
        }
        ended
    }

    pub fn failed(&self, e: &Error, until: Seq, now: Timestamp) -> Stored {
        let told = match e.code {
            Code::Internal => "something went wrong on our side; the log tells more".to_owned(),
            _ => e.detail.clone(),
        };
        let error = Some(Failure { code: e.code.name().to_owned(), detail: told });
        Stored { error, ..self.ended(Status::Failed, until, now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form of the first release that had jobs.
    const FIRST: &str = r#"{"version":1,"id":"01890a5d-ac96-774b-bcce-b302099a8057","kind":"bulk","object":"contact","title":"Change Title","status":"running","owner":"01890a5d-ac96-774b-bcce-b302099a8058","key":null,"createdAt":"2026-11-21T10:00:00Z","finishedAt":null,"since":7,"until":null,"progress":{"done":3,"total":9},"counts":{"changed":1,"unchanged":1,"refused":1},"refused":[{"id":"01890a5d-ac96-774b-bcce-b302099a8059","errors":[{"field":"record","code":"forbidden","detail":"no"}]}],"place":{"cursor":"s.i0"},"undoes":null,"undoneBy":null,"file":null,"error":null}"#;

    const FIRST_ORDER: &str = r#"{"version":1,"ids":null,"except":["01890a5d-ac96-774b-bcce-b302099a8057"],"filter":{"field":"title","op":"eq","value":"x"},"q":null,"set":{"title":null},"format":"","sort":["-name"],"fields":[]}"#;

    #[test]
    fn jobs_of_the_first_form_are_read() {
        let job = Stored::read(FIRST.as_bytes()).unwrap();
        assert_eq!((job.place.clone(), job.counts.refused), (Place::Cursor("s.i0".into()), 1));
        assert_eq!(Stored::read(&job.bytes().unwrap()).unwrap(), job);
        assert!(Stored::read(FIRST.replace("\"version\":1", "\"version\":2").as_bytes()).is_err());
        let order = Order::read(FIRST_ORDER.as_bytes()).unwrap();
        assert_eq!((order.except.len(), order.sort.len(), order.set.as_ref().map(Map::len)), (1, 1, Some(1)));
        assert_eq!(Order::read(&serde_json::to_vec(&order).unwrap()).unwrap(), order);
    }

    #[test]
    fn newer_jobs_have_smaller_keys() {
        assert!(Stored::key(Id::from_u128(9)) < Stored::key(Id::from_u128(8)));
    }
}
