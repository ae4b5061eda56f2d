//! The one place where failures of the store, the index and the rights become what a caller is told.

use aplomb_access::Denied;
use aplomb_model::{Action, Code, Error, FieldError, Schema};
use aplomb_search::SearchError;
use aplomb_store::StoreError;

/// Names the field of a uniqueness error; details of damage go to the log, not to the caller.
pub(crate) fn store(schema: &Schema, e: StoreError) -> Error {
    match e {
        StoreError::NotUnique { object, field, existing } => {
            let name =
                schema.by_code(object).and_then(|o| o.by_code(field)).map_or("?", |f| f.name.as_str()).to_owned();
            let detail = format!("another record has this value already: {existing}");
            Error { fields: vec![FieldError::new(name, "not_unique", &detail)], ..Error::new(Code::NotUnique, detail) }
        }
        StoreError::VersionMismatch { current, .. } => {
            Error::new(Code::VersionMismatch, format!("the record is at version {current}"))
                .with("currentVersion", current.into())
        }
        StoreError::AssertFailed { .. } => Error::new(Code::Conflict, "something changed meanwhile; try again"),
        StoreError::DiskFull => Error::new(Code::DiskFull, "there is no room left; nothing was written"),
        StoreError::ReadOnly(_) => {
            Error::new(Code::ReadOnly, "the data directory cannot be written to; nothing was written")
        }
        StoreError::Newer { found, ours } => {
            Error::new(Code::Internal, format!("the store has format {found}, newer than {ours}; use a newer program"))
        }
        StoreError::Locked => Error::new(Code::Conflict, "the data directory is in use by another process"),
        StoreError::Busy => Error::new(Code::NotReady, "the store is busy; try again"),
        StoreError::Closed => Error::new(Code::NotReady, "the store is closed"),
        other => {
            tracing::error!(error = %other, "store");
            Error::internal("the store failed; details are in the log")
        }
    }
}

pub(crate) fn plain(e: StoreError) -> Error {
    store(&Schema::default(), e)
}

pub(crate) fn search(e: SearchError) -> Error {
    match e {
        SearchError::BadCursor => Error::new(Code::BadCursor, "the cursor belongs to another query"),
        SearchError::BadQuery(what) => Error::new(Code::BadFilter, format!("the index cannot answer this: {what}")),
        other => {
            tracing::error!(error = %other, "index");
            Error::internal("the index failed; details are in the log")
        }
    }
}

/// An object that the caller may not read does not exist for him.
pub(crate) fn denied(denied: Denied) -> Error {
    if denied.visible && denied.action != Action::Read {
        Error::new(Code::Forbidden, "your role does not allow this")
    } else {
        Error::not_found("object")
    }
}

pub(crate) fn forbidden() -> Error {
    Error::new(Code::Forbidden, "your role does not allow this")
}

pub(crate) trait OrStore<T> {
    fn or_store(self) -> Result<T, Error>;
}

impl<T> OrStore<T> for Result<T, StoreError> {
    fn or_store(self) -> Result<T, Error> {
        self.map_err(plain)
    }
}

pub(crate) trait OrInternal<T> {
    /// For conversions of our own data that cannot fail unless it is damaged.
    fn or_internal(self, what: &str) -> Result<T, Error>;
}

impl<T, E: std::fmt::Display> OrInternal<T> for Result<T, E> {
    fn or_internal(self, what: &str) -> Result<T, Error> {
        self.map_err(|_| Error::internal(format!("{what} cannot be read")))
    }
}
