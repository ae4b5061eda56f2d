//! What tests of several crates share: a clock and randomness that a test plans, a disk that fails where it is told
//! to, and small objects and records. A dev-dependency only.

mod clock;
mod disk;
mod records;

pub use clock::{Clock, Random};
pub use disk::Disk as FaultyBackend;
pub use disk::{Disk, Fault, Survives};
pub use records::{COMPANY, CONTACT, RecordBuilder, company, contact, field, object, schema};
