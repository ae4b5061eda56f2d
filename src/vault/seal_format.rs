//! The format of a sealed file, version 1.
//!
//! ```text
//! header   "APLSEAL" 01, file id (24 random bytes)
//! chunk    up to 65,536 bytes, ChaCha20-Poly1305, tag of 16 bytes behind; all but the last are full
//! ```
//!
//! The key is derived from the directory's key, the file id and the file's name, so chunks cannot wander
//! between files nor files between names. The nonce is STREAM's (Hoang, Reyhanitabar, Rogaway, Vizár 2015):
//! seven zero bytes, the chunk's number (big endian), and 1 for the last chunk; chunks cannot be
//! reordered, and a file that ends early has no last chunk. An empty file is one empty last chunk.

use std::ops::Range;
use std::path::Path;

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce, Tag};

use crate::{SubKey, VaultError};

/// Plaintext bytes of a full chunk.
pub(crate) const CHUNK: usize = 64 * 1024;
pub(crate) const TAG: usize = 16;
/// Bytes of a full chunk in the file.
pub(crate) const SEALED: usize = CHUNK + TAG;
pub(crate) const HEADER: usize = 32;
const MAGIC: &[u8; 7] = b"APLSEAL";
const VERSION: u8 = 1;

/// Random, so that no two files share a key.
pub(crate) type FileId = [u8; 24];

pub(crate) fn header(id: &FileId) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..7].copy_from_slice(MAGIC);
    header[7] = VERSION;
    header[8..].copy_from_slice(id);
    header
}

/// The file id of a header.
pub(crate) fn parse_header(path: &Path, header: &[u8; HEADER]) -> Result<FileId, VaultError> {
    match header.strip_prefix(MAGIC) {
        Some([VERSION, id @ ..]) => id.try_into().map_err(|_| VaultError::damaged(path, "torn header")),
        Some([version, ..]) => Err(VaultError::damaged(path, format!("sealed file of unknown version {version}"))),
        _ => Err(VaultError::damaged(path, "not a sealed file")),
    }
}

/// Where the chunks of a file lie.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    /// Plaintext bytes.
    pub(crate) len: u64,
    /// At least 1.
    pub(crate) chunks: u32,
}

impl Layout {
    /// From the length of the file on disk.
    pub(crate) fn of(path: &Path, on_disk: u64) -> Result<Layout, VaultError> {
        let cut = || VaultError::damaged(path, format!("truncated: {on_disk} bytes are no sealed file"));
        let body = on_disk.checked_sub(HEADER as u64).ok_or_else(cut)?;
        let chunks = body.div_ceil(SEALED as u64);
        let last = body.checked_sub(chunks.saturating_sub(1) * SEALED as u64).ok_or_else(cut)?;
        let empty_tail = chunks > 1 && last == TAG as u64;
        if chunks == 0 || last < TAG as u64 || empty_tail {
            return Err(cut());
        }
        let chunks32 = u32::try_from(chunks).map_err(|_| VaultError::damaged(path, "too long"))?;
        Ok(Layout { len: body - chunks * TAG as u64, chunks: chunks32 })
    }

    /// Plaintext bytes of a chunk.
    pub(crate) fn chunk_len(&self, chunk: u32) -> usize {
        (self.len - u64::from(chunk) * CHUNK as u64).min(CHUNK as u64) as usize
    }

    /// Plaintext bytes of several chunks.
    pub(crate) fn plain_len(&self, chunks: &Range<u32>) -> usize {
        let end = (u64::from(chunks.end) * CHUNK as u64).min(self.len);
        end.saturating_sub(u64::from(chunks.start) * CHUNK as u64) as usize
    }

    /// Where a chunk begins on disk.
    pub(crate) fn position(chunk: u32) -> u64 {
        HEADER as u64 + u64::from(chunk) * SEALED as u64
    }

    pub(crate) fn is_last(&self, chunk: u32) -> bool {
        chunk + 1 == self.chunks
    }
}

/// Seals and opens the chunks of one file.
pub(crate) struct ChunkCipher(ChaCha20Poly1305);

impl ChunkCipher {
    pub(crate) fn new(key: &SubKey, id: &FileId, name: &str) -> ChunkCipher {
        let key = key.derive(&[b"sealed file 1\0", &id[..], name.as_bytes()].concat());
        ChunkCipher(ChaCha20Poly1305::new(key.key()))
    }

    fn nonce(chunk: u32, last: bool) -> Nonce {
        let mut nonce = Nonce::default();
        nonce[7..11].copy_from_slice(&chunk.to_be_bytes());
        nonce[11] = u8::from(last);
        nonce
    }

    /// Encrypts a chunk in place and returns its tag.
    pub(crate) fn seal(&self, chunk: u32, last: bool, bytes: &mut [u8]) -> [u8; TAG] {
        self.0
            .encrypt_inout_detached(&Self::nonce(chunk, last), &[], bytes.into())
            .expect("a chunk is shorter than the cipher's limit")
            .into()
    }

    /// Authenticates a sealed chunk and decrypts it into `plain`, whose length is the chunk's.
    pub(crate) fn open(&self, chunk: u32, last: bool, sealed: &[u8], plain: &mut [u8]) -> Option<()> {
        let (body, tag) = sealed.split_last_chunk::<TAG>()?;
        let buffers = InOutBuf::new(body, plain).ok()?;
        self.0.decrypt_inout_detached(&Self::nonce(chunk, last), &[], buffers, &Tag::from(*tag)).ok()
    }
}
