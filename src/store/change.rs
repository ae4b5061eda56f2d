//! What the change log tells.

use aplomb_model::{FieldCode, Id, ObjectCode, Seq, Timestamp, Value};
use serde::{Deserialize, Serialize};

use crate::Reason;

/// One committed batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub seq: Seq,
    pub at: Timestamp,
    pub actor: Id,
    pub reason: Reason,
    pub request: String,
    pub items: Vec<ChangeItem>,
    pub docs: Vec<DocChange>,
}

/// What happened to one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeItem {
    pub object: ObjectCode,
    pub id: Id,
    /// the version it made; of a purge, the last one there was
    pub version: u32,
    pub kind: ChangeKind,
    /// the fields that changed; empty for `Created`, which concerns all
    pub fields: Vec<FieldCode>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChangeKind {
    Created,
    Updated,
    Trashed,
    Restored,
    Purged,
}

/// A logged document was set or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocChange {
    pub kind: String,
    pub key: Vec<u8>,
    pub before: Option<Vec<u8>>,
    pub after: Option<Vec<u8>>,
}

/// field, before, after
pub type FieldChange = (FieldCode, Option<Value>, Option<Value>);

/// What happened to a record in one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    pub seq: Seq,
    pub at: Timestamp,
    pub actor: Id,
    pub reason: Reason,
    pub request: String,
    pub version: u32,
    pub kind: ChangeKind,
    /// of a creation: what the record held at first (`before` is `None`); empty once the record is purged
    pub changes: Vec<FieldChange>,
    /// personal values are gone, because the record was purged
    pub erased: bool,
}
