//! The uploaded file: written sealed, read back like any file.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use aplomb_model::{Code, Error, Id, Result};
use aplomb_vault::{SealedBytes, SealedDir, SealedFile, SealedWriter, VaultError};

use crate::read::ReadError;

/// Bytes fetched at a time.
const STEP: u64 = 256 * 1024;

/// A file on its way in, sealed as it comes. Dropped unfinished, it is removed.
pub struct Upload {
    pub(super) id: Id,
    writer: Option<SealedWriter>,
    uploads: Arc<SealedDir>,
    length: u64,
    max_length: u64,
}

impl Upload {
    pub(super) fn create(uploads: Arc<SealedDir>, id: Id, max_length: u64) -> Result<Upload> {
        let writer = uploads.create(&id.to_string()).map_err(|e| disk(e.into()))?;
        Ok(Upload { id, writer: Some(writer), uploads, length: 0, max_length })
    }

    /// Makes the file durable and opens it.
    pub(super) fn finish(mut self) -> Result<SealedSource> {
        let finished = match &mut self.writer {
            Some(writer) => writer.finish().map_err(disk),
            None => Err(Error::internal("the upload failed before")),
        };
        finished?;
        self.uploads.sync().map_err(|e| disk(e.into()))?;
        let source = SealedSource::open(&self.uploads, self.id)?;
        self.writer = None;
        Ok(source)
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.length + bytes.len() as u64 > self.max_length {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, ReadError::TooLarge.to_string()));
        }
        let writer = self.writer.as_mut().ok_or_else(|| io::Error::other("the upload is finished"))?;
        let written = writer.write(bytes)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            remove(&self.uploads, self.id);
        }
    }
}

/// Removes an uploaded file that is of no more use.
pub fn remove(uploads: &SealedDir, id: Id) {
    remove_named(uploads, &id.to_string());
}

pub fn remove_named(uploads: &SealedDir, name: &str) {
    if let Err(e) = uploads.remove(name) {
        tracing::warn!(name, error = %e, "an upload could not be removed");
    }
}

/// Reads a sealed file from any place.
pub struct SealedSource {
    file: SealedFile,
    at: u64,
    /// what was fetched last, and where it begins
    piece: Option<(u64, SealedBytes)>,
}

impl SealedSource {
    pub fn open(uploads: &Arc<SealedDir>, id: Id) -> Result<SealedSource> {
        let file = uploads.open(&id.to_string()).map_err(vault)?;
        Ok(SealedSource { file, at: 0, piece: None })
    }
}

impl Read for SealedSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.len();
        if self.at >= length || buffer.is_empty() {
            return Ok(0);
        }
        let held =
            self.piece.as_ref().is_some_and(|(from, bytes)| (*from..from + bytes.len() as u64).contains(&self.at));
        if !held {
            let bytes = self.file.read(self.at..length.min(self.at + STEP)).map_err(io::Error::other)?;
            self.piece = Some((self.at, bytes));
        }
        let Some((from, bytes)) = &self.piece else { return Ok(0) };
        let rest = &bytes[(self.at - from) as usize..];
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for SealedSource {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.file.len().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek before the start"))?;
        Ok(self.at)
    }
}

pub fn vault(e: VaultError) -> Error {
    if e.is_not_found() {
        return Error::new(Code::Conflict, "the uploaded file is kept no longer; upload it again");
    }
    tracing::error!(error = %e, "the uploads cannot be used");
    Error::internal("the uploaded file cannot be stored or read")
}

/// Errors of writing: too large and disk full have codes of their own.
pub fn disk(e: io::Error) -> Error {
    match e.kind() {
        io::ErrorKind::FileTooLarge => ReadError::TooLarge.into(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::new(Code::DiskFull, "the disk is full"),
        io::ErrorKind::ReadOnlyFilesystem => Error::new(Code::ReadOnly, "the data directory cannot be written"),
        _ => {
            tracing::error!(error = %e, "the upload cannot be stored");
            Error::internal("the uploaded file cannot be stored")
        }
    }
}
