//! One table of everything that can go wrong for a caller: stable code, HTTP status, title.

use std::fmt;

use serde::{Deserialize, Serialize};

pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($variant:ident $name:literal $status:literal $title:literal)*) => {
        /// A stable name for a kind of failure.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Code { $($variant),* }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name),* }
            }

            pub fn status(self) -> u16 {
                match self { $(Code::$variant => $status),* }
            }

            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title),* }
            }
        }
    };
}

codes! {
    Invalid             "invalid"               422 "The request is not valid"
    Malformed           "malformed"             400 "The request cannot be read"
    BadCursor           "bad_cursor"            400 "The cursor is not one of ours or belongs to another query"
    BadFilter           "bad_filter"            422 "The filter is not valid"
    NotFound            "not_found"             404 "There is nothing here, or you may not see it"
    MethodNotAllowed    "method_not_allowed"    405 "This address does not take that method"
    NotAcceptable       "not_acceptable"        406 "No representation fits the Accept header"
    Unauthenticated     "unauthenticated"       401 "Log in first"
    BadCredentials      "bad_credentials"       401 "The credentials are wrong"
    Forbidden           "forbidden"             403 "You may not do this"
    CsrfMissing         "csrf_missing"          403 "The CSRF token is missing or wrong"
    Conflict            "conflict"              409 "This does not fit the present state"
    NotUnique           "not_unique"            409 "Another record has this value already"
    InUse               "in_use"                409 "Something still depends on this"
    IdempotencyMismatch "idempotency_mismatch"  409 "This idempotency key was used with another request"
    VersionMismatch     "version_mismatch"      412 "The record has changed meanwhile"
    TooLarge            "too_large"             413 "Too large"
    UnsupportedMedia    "unsupported_media"     415 "This content type is not understood here"
    UriTooLong          "uri_too_long"          414 "The address is too long"
    Misdirected         "misdirected"           421 "This server is not reached under that name"
    TooManyRequests     "too_many_requests"     429 "Too many requests"
    Internal            "internal"              500 "Something went wrong on our side"
    NotImplemented      "not_implemented"       501 "Not available"
    ReadOnly            "read_only"             503 "Writes are refused for now"
    DiskFull            "disk_full"             507 "The disk is full"
    Sealed              "sealed"                503 "The server is sealed"
    NotReady            "not_ready"             503 "Not ready yet"
    SetupRequired       "setup_required"        503 "The first-run wizard has not been completed"
}

/// What is wrong with one field of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// path of the field, e.g. `email` or `operations[3].fields.amount`
    pub field: String,
    /// stable, e.g. `required`, `type`, `unknown_choice`
    pub code: String,
    /// what is wrong and what would be right
    pub detail: String,
}

/// A failure the caller is told about. `detail` never carries secrets or another user's data.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    pub code: Code,
    pub detail: String,
    pub fields: Vec<FieldError>,
    /// more members for the problem document, e.g. the current values at a version mismatch
    pub extra: Option<Box<serde_json::Map<String, serde_json::Value>>>,
    pub retry_after_seconds: Option<u32>,
}

impl Error {
    pub fn new(code: Code, detail: impl Into<String>) -> Error {
        Error { code, detail: detail.into(), fields: Vec::new(), extra: None, retry_after_seconds: None }
    }

    pub fn invalid(fields: Vec<FieldError>) -> Error {
        let detail = match fields.as_slice() {
            [one] => format!("{}: {}", one.field, one.detail),
            many => format!("{} fields are not valid", many.len()),
        };
        Error { fields, ..Error::new(Code::Invalid, detail) }
    }

    pub fn field(field: impl Into<String>, code: &str, detail: impl Into<String>) -> Error {
        Error::invalid(vec![FieldError::new(field, code, detail)])
    }

    pub fn not_found(what: &str) -> Error {
        Error::new(Code::NotFound, format!("no such {what}"))
    }

    pub fn internal(detail: impl Into<String>) -> Error {
        Error::new(Code::Internal, detail)
    }

    pub fn with(mut self, key: &str, value: serde_json::Value) -> Error {
        self.extra.get_or_insert_default().insert(key.to_owned(), value);
        self
    }
}

impl FieldError {
    pub fn new(field: impl Into<String>, code: &str, detail: impl Into<String>) -> FieldError {
        FieldError { field: field.into(), code: code.to_owned(), detail: detail.into() }
    }

    /// The same error one level further out.
    pub fn under(mut self, prefix: &str) -> FieldError {
        self.field = format!("{prefix}.{}", self.field);
        self
    }
}

impl From<FieldError> for Error {
    fn from(e: FieldError) -> Error {
        Error::invalid(vec![e])
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.detail)
    }
}

impl std::error::Error for Error {}
