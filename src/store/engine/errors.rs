//! redb's errors in the store's words.

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};

use crate::StoreError;

pub(super) fn storage_error(e: StorageError) -> StoreError {
    match e {
        StorageError::Io(e) => e.into(),
        StorageError::Corrupted(what) => StoreError::Corrupt { what },
        StorageError::PreviousIo => StoreError::Io("an earlier i/o error".into()),
        StorageError::DatabaseClosed => StoreError::Closed,
        other => StoreError::Io(other.to_string()),
    }
}

pub(super) fn table_error(e: TableError) -> StoreError {
    match e {
        TableError::Storage(e) => storage_error(e),
        other => StoreError::corrupt(other.to_string()),
    }
}

pub(super) fn transaction_error(e: TransactionError) -> StoreError {
    match e {
        TransactionError::Storage(e) => storage_error(e),
        other => StoreError::Io(other.to_string()),
    }
}

pub(super) fn commit_error(e: CommitError) -> StoreError {
    match e {
        CommitError::Storage(e) => storage_error(e),
        other => StoreError::Io(other.to_string()),
    }
}

pub(super) fn database_error(e: DatabaseError) -> StoreError {
    match e {
        DatabaseError::Storage(e) => storage_error(e),
        DatabaseError::DatabaseAlreadyOpen => StoreError::Locked,
        other => StoreError::corrupt(other.to_string()),
    }
}
