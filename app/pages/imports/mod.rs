//! Importing a file: choose, map, check, write, take back.

mod alike;
mod check;
mod mapping;
mod one;
mod progress;
mod rows;
mod sheet;
mod start;

pub use one::ImportPage;
pub use start::ImportsPage;
