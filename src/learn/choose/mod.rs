//! Which model to use, decided on data that it did not learn from, with a report that a person can read.

mod card;
mod cold;
mod folds;
mod scorer;
mod search;
mod suite;
#[cfg(test)]
mod tests;

pub use card::{Card, Influence};
pub use cold::{ColdStart, cold_start};
pub use folds::{Fold, folds};
pub use scorer::{Score, Scorer};
pub use search::{Candidate, Choice, Progress, Settings, choose};
pub use suite::{Measured, measure};
