//! The business: the only door to records, users, settings and declarations for whatever speaks to the outside.
//!
//! Every use case goes the same way: authorise (a handle that holds a permit), read a snapshot, decide, commit one
//! batch. All functions block; callers on an async runtime use a bounded blocking pool. Nothing here knows HTTP,
//! reads a clock or takes randomness of its own: [`Ctx`] carries both.

mod access;
pub mod backup;
mod business;
mod crm;
mod ctx;
mod declared;
mod directory;
mod documents;
mod errors;
mod field_uses;
mod figures;
mod files;
mod follower;
mod jobs;
mod names;
mod news;
mod notices;
mod objects_admin;
mod passwords;
mod records;
mod roles_admin;
mod sample;
mod sample_data;
mod sessions;
mod settings;
mod setup;
mod system;
mod teams;
#[cfg(test)]
mod tests;
mod throttle;
mod tokens;
mod types;
mod upkeep;
mod user_jobs;
mod users;
mod views;
mod who;

pub use aplomb_access::{Actor, TokenScope, Via};
pub use business::is_numbered;
pub use crm::Crm;
pub use ctx::{Ctx, Random};
pub use files::{FileUpload, INLINE, MEDIA_TYPES, OpenedFile};
pub use news::News;
pub use notices::{ImportEnd, NoticeWatcher, ReadNotices};
pub use records::Begun;
pub use settings::{Formats, Numbering, Organisation, Settings};
pub use types::*;
pub use user_jobs::{ExportedFile, Exporter, NewBulk, NewExport};
pub use views::{NewView, ViewChange};
