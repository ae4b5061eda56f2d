//! The words everybody in Aplomb shares: ids, values, objects and fields, queries, rights, errors.
//!
//! Pure and WASM-clean: no store, no HTTP, no clock, no randomness beyond what is passed in. The server,
//! the browser and every test read a request, a filter or a field with the same code.

pub mod error;
pub mod fold;
pub mod id;
pub mod import;
pub mod json;
pub mod query;
pub mod record;
pub mod rights;
pub mod schema;
pub mod time;
pub mod value;

pub use error::{Code, Error, FieldError, Result};
pub use fold::fold;
pub use id::{FieldCode, Id, ObjectCode, Seq};
pub use query::{Filter, Op, Pred, Query, Sort};
pub use record::Record;
pub use rights::{Action, Capability, Role, Scope};
pub use schema::{Choice, Field, FieldType, Object, Schema};
pub use time::{Date, Timestamp};
pub use value::{Address, Currency, FileRef, Geo, Money, PersonName, Value};
