//! The statistics behind every score: tables of features, models, what makes them worth trusting, and which to choose.
//!
//! Everything here is a function of what is passed in: no store, no clock, no files, no randomness but a seed. Nothing
//! here knows what a lead or a deal is; whoever asks names the features. Scores are log-odds until a
//! [`Calibration`](trust::Calibration) makes them chances.

#[cfg(test)]
extern crate self as aplomb_learn;

#[cfg(test)]
mod bad_input;
pub mod choose;
pub mod customers;
mod error;
pub mod events;
#[cfg(test)]
mod explained;
pub mod forecast;
pub mod groups;
pub mod model;
#[cfg(test)]
mod mutations;
mod numeric;
pub mod offers;
mod saved;
pub mod series;
pub mod survival;
pub mod table;
#[cfg(test)]
mod tests;
pub mod trust;

pub use error::LearnError;
