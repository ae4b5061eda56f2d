//! The business: the only door to records, users, settings and declarations for whatever speaks to the outside.
//!
//! Every use case goes the same way: authorise (a handle that holds a permit), read a snapshot, decide, commit one
//! batch. All functions block; callers on an async runtime use a bounded blocking pool. Nothing here knows HTTP,
//! reads a clock or takes randomness of its own: [`Ctx`] carries both.

mod ctx;
mod skeleton;
mod types;

pub use aplomb_access::{Actor, TokenScope, Via};
pub use ctx::{Ctx, Random};
pub use skeleton::Crm;
pub use types::*;
