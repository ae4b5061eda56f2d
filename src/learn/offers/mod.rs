//! What to offer next: what others like him took, and trying things out without doing harm.

mod bandit;
mod items;
mod measure;
#[cfg(test)]
mod tests;

pub use bandit::{Bandit, BanditConfig, Draw};
pub use items::{Items, Suggestion};
pub use measure::{ItemsMeasured, measure_items};
