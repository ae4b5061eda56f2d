//! Records, their indexes, documents, jobs and the change log over an ordered key-value engine.
//!
//! Knows objects and fields as data and nothing of rights, HTTP or the business. Every write is one [`Batch`],
//! committed whole or not at all, and appended to a hash chain that everything derived follows.

mod archive;
mod batch;
mod change;
mod codec;
pub mod engine;
mod error;
mod group;
mod history;
mod increment;
pub mod key;
mod layout;
mod migrate;
mod prepare;
mod reindex;
mod seal;
mod store;
mod verify;
mod view;
mod writer;

pub use batch::{Assert, Batch, Committed, Job, Op, Reason};
pub use change::{Change, ChangeItem, ChangeKind, DocChange, FieldChange, HistoryEntry};
pub use engine::Engine;
pub use error::StoreError;
pub use increment::{Applied, IncrementError, apply_increment};
pub use key::IndexRange;
pub use store::{Options, Stats, Store};
pub use verify::VerifyReport;
pub use view::View;

#[cfg(test)]
mod tests;
