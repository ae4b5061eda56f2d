//! Features of what happened with a deal, a customer, a ticket: declared, not programmed, and always as of a moment, so
//! that what came later can never be in them.
//!
//! A [`Program`] is compiled from a declaration; a [`Log`] holds events; [`Program::table`] reads both in bulk and
//! [`Live`] keeps up event by event. Both go through the same state and give the same bits.

mod bulk;
mod declare;
mod log;
mod state;
#[cfg(test)]
mod tests;

pub use bulk::{Ask, Live};
pub use declare::Program;
pub use log::{Log, Words};
