//! Bytes and keys: everything that lies on disk passes through here, so that nothing of it is readable
//! without the unseal secret. This crate knows no records, no users and no HTTP.
//!
//! - [`KeyRing`] keeps the random [`DataKey`] of a data directory wrapped with age, once per unseal secret.
//! - [`PageDevice`] encrypts the pages of the store (AES-256-XTS) under redb.
//! - [`SealedDir`] keeps write-once files (index segments, attachments) in authenticated chunks.
//! - [`envelope`] seals streams, such as backups, to age recipients.

mod cache;
mod device;
#[cfg(test)]
mod device_tests;
pub mod envelope;
mod error;
mod files;
mod keys;
mod ring;
#[cfg(test)]
mod ring_tests;
mod seal_format;
mod sealed;
#[cfg(test)]
mod sealed_tests;
mod secret;
mod writer;
mod xts;

pub use device::PageDevice;
pub use error::VaultError;
pub use keys::{DataKey, PageKey, SubKey};
pub use ring::{DEFAULT_WORK, KeyRing, MAX_WORK, RecoveryKit};
pub use sealed::{SealedBytes, SealedDir, SealedFile};
pub use secret::{Secret, Unseal};
pub use writer::SealedWriter;
