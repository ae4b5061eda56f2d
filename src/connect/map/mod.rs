//! From rows to fields: where the table is, which program wrote it, which column fills which field, what a cell means.
//! Pure: no store, no clock.

pub mod cell;
pub mod convert;
pub mod date;
pub mod guess;
pub mod number;
pub mod stats;
mod synonyms;
pub mod table;
pub mod target;
mod vendor;
pub mod words;

pub use vendor::{Vendor, recognise};
