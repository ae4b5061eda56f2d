//! The ordered key-value engine under the store: where a distributed one goes when a customer outgrows a machine.

mod device;
mod errors;
mod redb;
mod rows;

use std::ops::Bound;
use std::sync::Arc;

pub use self::redb::{RedbEngine, RedbOptions};
use crate::StoreError;
use crate::key::after_prefix;

/// Keys and values as bytes in one ordered space.
pub trait Engine: Send + Sync + 'static {
    /// A consistent view of what is committed.
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError>;
    /// Runs `work` in the one write transaction and commits it durably, or leaves everything as it was.
    /// After an i/o error it is not known which; a new snapshot shows it.
    fn write(&self, work: Work<'_>) -> Result<(), StoreError>;
    /// Checks the engine's own structure; what is wrong, one line each. No snapshot may be alive.
    fn check(&self) -> Result<Vec<String>, StoreError>;
    /// False after a failed write, until one succeeds again.
    fn is_writable(&self) -> bool;
    /// False while there is too little room on the disk to begin a write.
    fn has_room(&self) -> bool {
        true
    }
    /// Length of the file in bytes.
    fn size(&self) -> u64;
    /// Later calls, those of live snapshots too, fail with `Closed`.
    fn close(&self);
}

pub type Work<'a> = &'a mut dyn FnMut(&mut dyn Transaction) -> Result<(), StoreError>;

/// A consistent view. Short-lived: the engine cannot reuse space that a snapshot sees.
pub trait Snapshot: Send + Sync {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    /// Calls `each` with keys and values in order until it returns false. The range lies within one space, in the
    /// spaces ordered by object within one object, and in the indexes within one field.
    fn scan(&self, range: KeyRange<'_>, reverse: bool, each: Each<'_>) -> Result<(), StoreError>;
}

/// A snapshot that sees its own writes.
pub trait Transaction {
    fn reader(&self) -> &dyn Snapshot;
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError>;
    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError>;
    /// Moves rows to where this version keeps them, from where format 1 did.
    fn regroup(&mut self) -> Result<(), StoreError>;
}

pub type KeyRange<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);
pub type Each<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<bool, StoreError>;

/// All keys that start with `prefix`.
pub(crate) fn scan_prefix(
    snapshot: &dyn Snapshot,
    prefix: &[u8],
    reverse: bool,
    each: Each<'_>,
) -> Result<(), StoreError> {
    let end = after_prefix(prefix);
    let max = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    snapshot.scan((Bound::Included(prefix), max), reverse, each)
}
