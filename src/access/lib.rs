//! Who may do what: an actor, an object, an action and an owner in, a decision out.
//!
//! Pure: no store, no clock, no HTTP. A use case of `crm` can only reach records through a handle that holds a
//! [`Permit`], and a permit can only be made by [`decide`]: a forgotten check does not compile.

mod actor;
mod decide;
mod roles;
mod tokens;

pub use actor::{Actor, Via};
pub use decide::{Denied, Permit, RowFilter, allows, can, decide, read_filter, scope};
pub use roles::standard_roles;
pub use tokens::{ScopeError, TokenScope};
