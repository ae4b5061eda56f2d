//! Writing a sealed file, front to back, one chunk in memory.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::keys::random;
use crate::seal_format::{CHUNK, ChunkCipher, SEALED, header};
use crate::{SubKey, VaultError, files};

/// Appends to a sealed file. Without [`SealedWriter::finish`] the file stays torn, and reading it fails.
pub struct SealedWriter {
    file: File,
    path: PathBuf,
    cipher: ChunkCipher,
    /// The chunk being filled; written when it is full *and* more follows.
    buffer: Vec<u8>,
    chunk: u32,
    len: u64,
    state: State,
}

#[derive(PartialEq)]
enum State {
    Open,
    Failed,
    Finished,
}

impl SealedWriter {
    /// A new file at `path`, sealed for `name`.
    pub(crate) fn create(path: &Path, name: &str, key: &SubKey) -> Result<SealedWriter, VaultError> {
        let mut id = [0; 24];
        random(&mut id)?;
        let mut file = files::create_new(path)?;
        if let Err(error) = file.write_all(&header(&id)) {
            // Best effort: the name should be free for another attempt.
            let _ = std::fs::remove_file(path);
            return Err(VaultError::io(path)(error));
        }
        Ok(SealedWriter {
            file,
            path: path.to_path_buf(),
            cipher: ChunkCipher::new(key, &id, name),
            buffer: Vec::with_capacity(SEALED),
            chunk: 0,
            len: 0,
            state: State::Open,
        })
    }

    #[cfg(test)]
    pub(crate) fn redirect(&mut self, file: File) {
        self.file = file;
    }

    /// Plaintext bytes written so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing has been written yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes the last chunk and waits until the file is on the disk. Returns the plaintext's length.
    /// Again, it does nothing more.
    ///
    /// Errors: those of the disk, naming the file. After one, the file cannot be finished any more.
    pub fn finish(&mut self) -> io::Result<u64> {
        if self.state == State::Finished {
            return Ok(self.len);
        }
        self.write_chunk(true)?;
        self.guard(|file| file.sync_all())?;
        self.state = State::Finished;
        Ok(self.len)
    }

    fn write_chunk(&mut self, last: bool) -> io::Result<()> {
        if self.state != State::Open {
            return Err(io::Error::other(format!("{}: cannot be written any more", self.path.display())));
        }
        let tag = self.cipher.seal(self.chunk, last, &mut self.buffer);
        self.buffer.extend_from_slice(&tag);
        let sealed = std::mem::take(&mut self.buffer);
        let next = self.chunk.checked_add(1).ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        self.guard(|file| file.write_all(&sealed))?;
        self.chunk = next;
        self.buffer = sealed;
        self.buffer.clear();
        Ok(())
    }

    /// A failure leaves unknown bytes behind and the nonce used, so nothing may follow it.
    fn guard(&mut self, work: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        work(&mut self.file).map_err(|error| {
            self.state = State::Failed;
            VaultError::io(&self.path)(error).into()
        })
    }
}

impl Write for SealedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.state != State::Open {
            return Err(io::Error::other(format!("{}: cannot be written any more", self.path.display())));
        }
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.buffer.len() == CHUNK {
            self.write_chunk(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        self.len += taken as u64;
        Ok(taken)
    }

    /// Does nothing: bytes are durable only after [`SealedWriter::finish`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
