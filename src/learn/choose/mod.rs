//! Which model to use, decided on data that it did not learn from, with a report that a person can read.

mod amount_card;
mod card;
mod checkpoint;
mod cold;
mod contest;
mod curve;
mod estimator;
mod folds;
mod plan;
mod scorer;
mod search;
mod suite;
#[cfg(test)]
mod tests;
mod train;
mod vote;

pub use amount_card::AmountCard;
pub use card::{Card, Influence};
pub use cold::{ColdStart, Draws, cold_start};
pub use curve::learning_curve;
pub use estimator::{Contender, Estimate, Estimator};
pub use folds::{Fold, folds};
pub use scorer::{Score, Scorer};
pub use search::{Candidate, Choice, Progress, Settings, choose};
pub use suite::{Measured, measure};
pub use train::Training;
