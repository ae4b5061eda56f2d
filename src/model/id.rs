//! Identifiers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;

/// Position of a batch in the change log; the first batch is 1.
pub type Seq = u64;

/// Number of an object (`contact` is 1). Standard objects are below [`FIRST_CUSTOM_OBJECT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectCode(pub u16);

/// Number of a field within its object. Standard fields are below [`FIRST_CUSTOM_FIELD`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldCode(pub u16);

pub const FIRST_CUSTOM_OBJECT: u16 = 1000;
pub const FIRST_CUSTOM_FIELD: u16 = 1000;

/// Identity of a record: a UUIDv7, so that ids sort by creation time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(Uuid);

impl Id {
    pub const NIL: Id = Id(Uuid::nil());
    pub const MAX: Id = Id(Uuid::max());

    /// A UUIDv7 from a time and 10 random bytes (RFC 9562 section 5.7).
    pub fn new(at: Timestamp, random: [u8; 10]) -> Id {
        let millis = u64::try_from(at.millis()).unwrap_or(0);
        Id(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    pub const fn from_u128(n: u128) -> Id {
        Id(Uuid::from_u128(n))
    }

    pub const fn as_u128(&self) -> u128 {
        self.0.as_u128()
    }

    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// `None` unless there are exactly 16 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Id> {
        Uuid::from_slice(bytes).ok().map(Id)
    }

    pub fn is_nil(&self) -> bool {
        self.0.is_nil()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = uuid::Error;

    fn from_str(s: &str) -> Result<Id, uuid::Error> {
        Uuid::from_str(s).map(Id)
    }
}
