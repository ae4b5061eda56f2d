//! Importing a file: choose, map, check, write, take back.

mod check;
mod mapping;
mod one;
mod progress;
mod start;

pub use one::ImportPage;
pub use start::ImportsPage;
