//! What the use cases take and give.

use std::sync::Arc;

use aplomb_model::record::Fields;
use aplomb_model::{FieldCode, FieldError, Id, ObjectCode, Seq, Timestamp, Value};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// A JSON object.
pub type Map = serde_json::Map<String, Json>;

#[derive(Debug, Clone)]
pub struct CrmOptions {
    /// of the store's pages
    pub store_cache_bytes: usize,
    /// of the index's chunks
    pub search_cache_bytes: usize,
    /// most memory of documents waiting to be indexed
    pub search_writer_bytes: usize,
    pub search_threads: usize,
    /// Argon2id memory in KiB; smaller in tests only
    pub password_memory_kib: u32,
}

impl Default for CrmOptions {
    fn default() -> CrmOptions {
        CrmOptions {
            store_cache_bytes: 64 << 20,
            search_cache_bytes: 256 << 20,
            search_writer_bytes: 64 << 20,
            search_threads: 1,
            password_memory_kib: 19 * 1024,
        }
    }
}

/// The first-run wizard's answers.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Setup {
    pub organisation: String,
    /// ISO 4217
    pub currency: String,
    /// IANA name
    pub time_zone: String,
    /// BCP 47
    pub language: String,
    pub admin_name: String,
    pub admin_email: String,
    pub admin_password: String,
    #[serde(default)]
    pub sample: bool,
}

/// How far everything is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// set up, and the index is close enough behind the log to answer
    pub ready: bool,
    pub seq: Seq,
    /// what lists and searches see
    pub search_seq: Seq,
    /// the index is being rebuilt; lists come from the store meanwhile
    pub rebuilding: bool,
    /// false while the disk is full or read-only: writes are refused, reads go on
    pub writable: bool,
}

/// What `verify` looked at and found.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    pub batches: u64,
    pub records: u64,
    pub index_entries: u64,
    pub documents: u64,
    /// one line each, without customer data; empty when all is well
    pub problems: Vec<String>,
}

/// A session as the browser's holder may know it.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: Id,
    pub user: Id,
    pub csrf: String,
    pub created_at: Timestamp,
    /// the end whatever happens; without use it ends earlier
    pub expires_at: Timestamp,
}

/// Where somebody logs in from.
#[derive(Debug, Clone, Default)]
pub struct LoginFrom {
    /// of the network: counted for wrong attempts, and shown to the owner of the session
    pub address: String,
    /// short, e.g. `Firefox on Linux`, for the owner to recognise
    pub device: String,
}

/// An answer to a correct password. The token is shown to the browser once and kept nowhere.
#[derive(Clone)]
pub struct Login {
    pub token: String,
    pub session: Session,
}

/// One record in the words of the API.
#[derive(Debug, Clone)]
pub struct RecordView {
    /// `{id, object, version, createdAt, updatedAt, createdBy, updatedBy, fields}`
    pub record: Json,
    pub id: Id,
    pub version: u32,
    /// of the write, or of the view it was read from
    pub seq: Seq,
}

pub type Written = RecordView;

/// A change of one record.
#[derive(Debug, Clone)]
pub enum Change {
    Create {
        object: String,
        fields: Map,
    },
    /// `if_version`: refuse when the record has changed since, telling the current and the given values
    Update {
        object: String,
        id: Id,
        if_version: Option<u32>,
        fields: Map,
    },
    Trash {
        object: String,
        id: Id,
        if_version: Option<u32>,
    },
    Restore {
        object: String,
        id: Id,
        if_version: Option<u32>,
    },
    /// back to what the record was at `version`, as a new version
    Undo {
        object: String,
        id: Id,
        if_version: Option<u32>,
        version: u32,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Total {
    pub count: u64,
    pub exact: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct QueryPage {
    pub records: Vec<Json>,
    pub next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Total>,
    /// `{key: {stage: "won"}, values: {count: 3, sum_amount: {amount, currency}}}`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<Json>>,
    pub seq: Seq,
}

/// One operation of `POST /records/batch`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BatchOp {
    pub op: BatchVerb,
    pub object: String,
    #[serde(default)]
    pub id: Option<Id>,
    /// for `upsert` without an id: the field whose value finds the record
    #[serde(default, rename = "match")]
    pub matching: Option<String>,
    #[serde(default)]
    pub version: Option<u32>,
    #[serde(default)]
    pub fields: Map,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum BatchVerb {
    Create,
    Update,
    Upsert,
    Delete,
    Restore,
}

#[derive(Debug, Clone)]
pub struct BatchDone {
    /// one per operation: the record as it is now, or `{id, object, deleted: true}`
    pub results: Vec<Json>,
    pub seq: Seq,
}

/// One operation of an import, with values already typed.
#[derive(Debug, Clone)]
pub enum BulkOp {
    /// with an id of the caller's choice when given, so that a repeated job creates nothing twice. `fields` may hold
    /// what another system says of the record's past: `system::CREATED_AT`, `UPDATED_AT` and `CREATED_BY`
    Create {
        object: ObjectCode,
        id: Option<Id>,
        fields: Fields,
    },
    /// `None` clears
    Update {
        object: ObjectCode,
        id: Id,
        if_version: Option<u32>,
        fields: Vec<(FieldCode, Option<Value>)>,
    },
    Trash {
        object: ObjectCode,
        id: Id,
        if_version: Option<u32>,
    },
}

/// The record and its version as the operation leaves it, or why it was refused.
pub type BulkResult = Result<(Id, u32), Vec<FieldError>>;

/// A document that is written together with records; without `value` it is removed.
#[derive(Debug, Clone)]
pub struct BulkDoc {
    pub kind: &'static str,
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
pub struct BulkDone {
    /// one per operation; a refused one leaves the others as they are
    pub results: Vec<Result<Id, Vec<FieldError>>>,
    pub seq: Seq,
}

#[derive(Debug, Clone, Default)]
pub struct SearchRequest {
    pub q: String,
    /// names; everything the caller may read when empty
    pub objects: Vec<String>,
    pub limit: usize,
    pub cursor: Option<String>,
    pub after: Option<Seq>,
}

#[derive(Debug, Clone, Serialize)]
pub struct SearchAnswer {
    /// `{object, id, title, subtitle, snippet: {text, marks: [{start, end}]}, score}`
    pub results: Vec<Json>,
    pub next: Option<String>,
    pub seq: Seq,
}

/// A page of anything that has a cursor: history, timeline, changes, audit.
#[derive(Debug, Clone, Serialize)]
pub struct Entries {
    pub entries: Vec<Json>,
    pub next: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct TimelineRequest {
    /// names of objects, or `change`; all when empty
    pub kinds: Vec<String>,
    pub cursor: Option<String>,
    pub limit: usize,
    pub after: Option<Seq>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ConvertLead {
    /// true when missing
    pub create_deal: Option<bool>,
    pub deal_name: Option<String>,
    pub deal_amount: Option<Json>,
    /// existing records to use instead of new ones
    pub company_id: Option<Id>,
    pub contact_id: Option<Id>,
    /// version of the lead the caller saw
    pub version: Option<u32>,
}

/// `{lead, contact, company, deal}`, each a record or null.
#[derive(Debug, Clone)]
pub struct Converted {
    pub answer: Json,
    pub seq: Seq,
}

/// An API key to be made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NewToken {
    pub name: String,
    /// the caller himself when missing
    pub user: Option<Id>,
    /// `admin` (all that the user may do) when empty
    pub scopes: Vec<String>,
    pub expires_at: Option<Timestamp>,
}

/// Work that goes on after the request.
#[derive(Debug, Clone)]
pub struct JobRun {
    pub id: Id,
    pub kind: String,
    pub payload: Json,
    /// 1 at the first try
    pub attempt: u32,
}

/// Done at least once; must be idempotent. Called on a thread of its own.
pub type JobHandler = Arc<dyn Fn(&crate::Crm, &JobRun) -> aplomb_model::Result<JobNext> + Send + Sync>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobNext {
    Done,
    /// again at this time
    At(Timestamp),
}

/// Called with every new sequence number that lists can show; `false` ends the subscription. Must not block.
pub type Watcher = Box<dyn Fn(Seq) -> bool + Send + Sync>;
