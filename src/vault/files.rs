//! The few file operations that must be durable and private to the owner, with errors that name the file.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::VaultError;

/// Makes a directory (and its parents) that only its owner may enter.
pub(crate) fn create_dir(dir: &Path) -> Result<(), VaultError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(VaultError::io(dir))
}

/// Makes a new file that only its owner may read; an existing one is an error.
pub(crate) fn create_new(path: &Path) -> Result<File, VaultError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(VaultError::io(path))
}

/// Writes a new file and waits until it is on the disk.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    let mut file = create_new(path)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(VaultError::io(path))
}

/// Makes creations, renames and removals in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), VaultError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(VaultError::io(dir))
}
