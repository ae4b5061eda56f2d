//! The index against the meaning of a filter in the model, on random records.

mod figures;
mod follow;
mod pages;
mod props;
mod text;
pub(crate) mod world;
