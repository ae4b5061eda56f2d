//! Features of what happened with a deal, a customer, a ticket: declared, not programmed, and always as of a moment, so
//! that what came later can never be in them.
//!
//! A [`Program`] is compiled from a declaration; a [`Log`] holds events; [`Program::table`] reads both in bulk and
//! [`Live`] keeps up event by event. Both go through the same state and give the same bits.
//!
//! Nothing here knows a deal, but declarations name events as the CRM's log gives them, so that whoever follows it needs
//! no table of its own:
//!
//! - a record that concerns the entity is an event by its object (`email`, `call`, `meeting`, `activity`, `quote`,
//!   `ticket` ...) at the time that it says it happened (`at`), else at its creation, with its fields; the creation of
//!   the entity itself is one as well;
//! - a changed field is an event by object and field (`deal.stage`, `invoice.paidAt`), with the record's fields, and
//!   `before`, `after` (texts of choices, numbers, how many entries of a list), `by` (the difference; of dates in days),
//!   `age` (days since the record was created) and `late` (days after its due date, 0 when in time);
//! - of people there is `person`, the contact on the other side or who acted for the customer, with his `buyingRole`;
//!   durations are in minutes; `sentiment` (-1 to 1) comes from reading texts and is missing where nobody reads them.

mod bulk;
mod declare;
mod given;
mod log;
mod saved;
mod state;
#[cfg(test)]
mod tests;

pub use bulk::{Ask, Live};
pub use declare::Program;
pub use log::{Log, Words};
