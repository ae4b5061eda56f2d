//! What is written: one batch of operations with the conditions under which it may be.

use std::sync::Arc;

use aplomb_model::{Id, Object, ObjectCode, Record, Seq, Timestamp};
use serde::{Deserialize, Serialize};

/// All or nothing.
#[derive(Debug, Clone)]
pub struct Batch {
    pub at: Timestamp,
    pub actor: Id,
    pub reason: Reason,
    /// id of the request, for the audit
    pub request: String,
    pub ops: Vec<Op>,
    pub asserts: Vec<Assert>,
}

/// Why something was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// `api`, `import:<id>`, `undo`, ...
    pub kind: String,
    /// what the person gave, often empty
    pub text: String,
}

#[derive(Debug, Clone)]
pub enum Op {
    /// Creates (`before` is `None`), updates, trashes (`trashed_at` newly set) or restores (newly unset).
    /// The store sets `record.version` to one more than `before`'s and asserts that `before` is still current.
    Put {
        record: Record,
        before: Option<Arc<Record>>,
        object: Arc<Object>,
    },
    /// Removes for good: the record, its indexes, and the key to its personal data in the log.
    Purge {
        record: Arc<Record>,
        object: Arc<Object>,
    },
    /// Sets or removes a document: sessions, roles, settings, ... `logged`: before and after go into the change log.
    Doc {
        kind: &'static str,
        key: Vec<u8>,
        value: Option<Vec<u8>>,
        logged: bool,
    },
    /// Enqueues a job, or replaces the one with the same id (another due time, more attempts).
    Job {
        job: Job,
    },
    JobDone {
        id: Id,
    },
}

/// Work to be done later, at least once. Handlers are idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub id: Id,
    pub kind: String,
    pub due: Timestamp,
    pub payload: Vec<u8>,
    /// how often it was tried
    pub attempts: u32,
    pub created_at: Timestamp,
    /// why the last attempt failed
    pub last_error: Option<String>,
}

/// Must hold when the batch is written, else nothing is.
#[derive(Debug, Clone)]
pub enum Assert {
    /// version 0: there is no such record
    Version { object: ObjectCode, id: Id, version: u32 },
    /// `None`: there is no such document; else its value, or the SHA-256 of its value (32 bytes)
    DocIs { kind: &'static str, key: Vec<u8>, hash_or_value: Option<Vec<u8>> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    pub seq: Seq,
}

impl Reason {
    pub fn new(kind: impl Into<String>) -> Reason {
        Reason { kind: kind.into(), text: String::new() }
    }
}
