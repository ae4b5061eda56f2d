//! What can go wrong in the store.

use std::io;

use aplomb_model::{FieldCode, Id, ObjectCode};

/// Cheap to clone, because one failed commit fails every batch of its group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A unique field's value belongs to another live record.
    #[error("field {} of object {} is unique and record {existing} has that value", field.0, object.0)]
    NotUnique { object: ObjectCode, field: FieldCode, existing: Id },
    /// The record is not at the version the batch was made for; `current` is 0 when it does not exist.
    #[error("record {id} of object {} is at version {current}", object.0)]
    VersionMismatch { object: ObjectCode, id: Id, current: u32 },
    #[error("a document of kind {kind} is not what the batch expects")]
    AssertFailed { kind: String, key: Vec<u8> },
    #[error("the store has format {found}, newer than {ours}, which this program knows; use a newer program")]
    Newer { found: u32, ours: u32 },
    #[error("the disk is full")]
    DiskFull,
    #[error("the store is read-only: {0}")]
    ReadOnly(String),
    #[error("i/o error: {0}")]
    Io(String),
    #[error("damaged data: {what}")]
    Corrupt { what: String },
    /// Another process has the store open.
    #[error("the store is in use by another process")]
    Locked,
    /// Views are open, and this needs the store for itself.
    #[error("the store is being read")]
    Busy,
    /// The batch breaks a rule of the store (an unsorted key, a name with a NUL, ...).
    #[error("not a valid batch: {0}")]
    Invalid(String),
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    pub(crate) fn corrupt(what: impl Into<String>) -> StoreError {
        StoreError::Corrupt { what: what.into() }
    }

    /// True when the same call may succeed later without any change of the batch.
    pub fn is_passing(&self) -> bool {
        matches!(self, StoreError::DiskFull | StoreError::ReadOnly(_) | StoreError::Io(_))
    }
}

impl From<io::Error> for StoreError {
    fn from(e: io::Error) -> StoreError {
        match e.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                StoreError::DiskFull
            }
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => StoreError::ReadOnly(e.to_string()),
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => StoreError::corrupt(e.to_string()),
            _ => StoreError::Io(e.to_string()),
        }
    }
}
