//! Lists, figures and full text over all records: tantivy over sealed files.
//!
//! Everything here is derived from the change log and can be rebuilt from it. The crate does not know the store:
//! it is fed by [`Index::apply`] and remembers in its commits how far it has come.

mod aggregate;
mod bits;
mod bucket;
mod columns;
mod cursor;
mod directory;
mod error;
mod filter;
mod fulltext;
mod highlight;
mod index;
mod join;
mod jump;
mod layout;
mod merging;
mod postings;
mod rank;
mod shard;
mod state;
#[cfg(test)]
mod tests;
mod tokens;
mod types;

pub use error::SearchError;
pub use highlight::{Mark, Snippet, highlight, snippet};
pub use index::Index;
pub use types::*;
