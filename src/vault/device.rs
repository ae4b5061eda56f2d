//! The encrypted device under redb: a [`StorageBackend`] over another one, with the same length and the
//! same granularity of writing.
//!
//! redb commits by flipping a byte of its header and finds torn pages by checksums, so the cipher must not
//! widen a write: AES-256-XTS keeps every 16-byte block independent, a write touches only the blocks it
//! covers, and only the first and last of them are read before (when the write covers them in part).
//!
//! `set_len` grows the file with zeros that were never encrypted. Therefore a block whose ciphertext is
//! all zeros reads as zeros, block by block: a sector may be written in part. Zeros that are written are
//! encrypted like anything else; that a written block has a ciphertext of zeros has odds of 2^-128.
//! Lengths are whole blocks (redb's are whole pages); other lengths are refused.
//!
//! There is no authentication here: redb's checksums lie inside the cipher, the hash chain of the change
//! log above it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Bound;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use crate::xts::{BLOCK, Xts};
use crate::{PageKey, VaultError};

/// AES-256-XTS over a file, or over any other backend.
pub struct PageDevice<B: StorageBackend = FileBackend> {
    inner: B,
    xts: Xts,
    path: Option<PathBuf>,
    /// Why nothing can be written: the file could be opened for reading only.
    read_only: Option<io::ErrorKind>,
    /// Held from reading to writing a block that a write covers in part.
    edges: Mutex<()>,
}

impl PageDevice {
    /// Opens or creates the file, readable to its owner only. redb takes its locks through the device. A file that
    /// cannot be written to is opened for reading: every write then fails as opening it for writing did.
    ///
    /// Errors: [`VaultError::Io`].
    pub fn open(path: &Path, key: &PageKey) -> Result<PageDevice, VaultError> {
        let writing = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let (file, read_only) = match writing {
            Err(error) if refuses_writes(error.kind()) => (File::open(path), Some(error.kind())),
            opened => (opened, None),
        };
        let file = file.map_err(VaultError::io(path))?;
        let inner =
            FileBackend::new(file).map_err(|error| VaultError::io(path)(io::Error::other(error.to_string())))?;
        Ok(PageDevice { path: Some(path.to_path_buf()), read_only, ..PageDevice::over(inner, key) })
    }
}

fn refuses_writes(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

impl<B: StorageBackend> PageDevice<B> {
    /// Encrypts what lies on another backend. Its errors are passed on as they are.
    pub fn over(inner: B, key: &PageKey) -> PageDevice<B> {
        PageDevice { inner, xts: Xts::new(key), path: None, read_only: None, edges: Mutex::new(()) }
    }

    /// Adds the file's name to an error and keeps its kind.
    fn name(&self, error: io::Error) -> io::Error {
        match &self.path {
            Some(path) => io::Error::new(error.kind(), VaultError::io(path)(error)),
            None => error,
        }
    }

    fn name_lock(&self, error: BackendError) -> BackendError {
        match error {
            BackendError::Io(error) => BackendError::Io(self.name(error)),
            other => other,
        }
    }

    fn may_write(&self) -> io::Result<()> {
        match self.read_only {
            Some(kind) => Err(self.name(kind.into())),
            None => Ok(()),
        }
    }

    fn read_blocks(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out).map_err(|error| self.name(error))?;
        self.xts.decrypt(offset, out);
        Ok(())
    }

    fn write_blocks(&self, offset: u64, mut plain: Vec<u8>) -> io::Result<()> {
        self.xts.encrypt(offset, &mut plain);
        self.inner.write(offset, &plain).map_err(|error| self.name(error))
    }
}

/// The whole blocks around `offset..offset + len`, as offset and length.
fn cover(offset: u64, len: usize) -> io::Result<(u64, usize)> {
    let before = (offset % BLOCK as u64) as usize;
    let start = offset - before as u64;
    let covered = len.checked_add(before).and_then(|len| len.checked_next_multiple_of(BLOCK));
    match covered {
        Some(covered) if start.checked_add(covered as u64).is_some() => Ok((start, covered)),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "offset and length overflow")),
    }
}

impl<B: StorageBackend> StorageBackend for PageDevice<B> {
    fn len(&self) -> io::Result<u64> {
        self.inner.len().map_err(|error| self.name(error))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (start, covered) = cover(offset, out.len())?;
        if (start, covered) == (offset, out.len()) {
            return self.read_blocks(offset, out);
        }
        let mut blocks = vec![0; covered];
        self.read_blocks(start, &mut blocks)?;
        let skip = (offset - start) as usize;
        out.copy_from_slice(&blocks[skip..skip + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.may_write()?;
        if !len.is_multiple_of(BLOCK as u64) {
            return Err(self.name(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("length {len} is not a multiple of {BLOCK} bytes"),
            )));
        }
        self.inner.set_len(len).map_err(|error| self.name(error))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.inner.sync_data().map_err(|error| self.name(error))
    }

    /// A write that ends inside of a block must not go beyond the length.
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.may_write()?;
        let (start, covered) = cover(offset, data.len())?;
        if (start, covered) == (offset, data.len()) {
            return self.write_blocks(offset, data.to_vec());
        }
        let skip = (offset - start) as usize;
        let mut blocks = vec![0; covered];
        let _held = self.edges.lock();
        if skip > 0 {
            self.read_blocks(start, &mut blocks[..BLOCK])?;
        }
        let last = covered - BLOCK;
        if skip + data.len() < covered && (last > 0 || skip == 0) {
            self.read_blocks(start + last as u64, &mut blocks[last..])?;
        }
        blocks[skip..skip + data.len()].copy_from_slice(data);
        self.write_blocks(start, blocks)
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close().map_err(|error| self.name(error))
    }

    /// A file that is open for reading only cannot be locked against readers, and needs not be.
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        if self.read_only.is_some() {
            return self.try_lock_shared_range(start, end);
        }
        self.inner.try_lock_range(start, end).map_err(|error| self.name_lock(error))
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end).map_err(|error| self.name_lock(error))
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        if self.read_only.is_some() {
            return self.lock_shared_range(start, end);
        }
        self.inner.lock_range(start, end).map_err(|error| self.name_lock(error))
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end).map_err(|error| self.name_lock(error))
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end).map_err(|error| self.name_lock(error))
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end).map_err(|error| self.name_lock(error))
    }
}

impl<B: StorageBackend> fmt::Debug for PageDevice<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageDevice").field("path", &self.path).finish_non_exhaustive()
    }
}
