//! A directory of write-once sealed files, read at random through a bounded cache. The files' format is
//! in `seal_format`.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::{Deref, Range};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::cache::Lru;
use crate::keys::random;
use crate::seal_format::{CHUNK, ChunkCipher, FileId, HEADER, Layout, SEALED, TAG, parse_header};
use crate::writer::SealedWriter;
use crate::{SubKey, VaultError, files};

const TEMPORARY: &str = ".new-";
/// Ranges up to this many bytes are copied out of their chunk rather than keep all of it in memory.
const COPIED: usize = 4096;
/// The number of openings that do not use the cache.
const UNCACHED: u64 = u64::MAX;
/// Chunks that one read from the disk takes at most.
const BATCH: u32 = 16;

/// Sealed files in one directory, and the cache of what was read of them.
pub struct SealedDir {
    dir: PathBuf,
    key: SubKey,
    chunks: Lru,
    ranges: Lru,
    openings: AtomicU64,
    open: Mutex<OpenFiles>,
}

#[derive(Default)]
struct OpenFiles {
    by_name: HashMap<String, Slot>,
    /// Counts replacements and removals: a file opened before one must not be remembered after it.
    changes: u64,
}

/// What is remembered of a file that was opened: its number lasts until it is removed or replaced (its
/// id then differs), so that what is cached of it is found again after everybody closed it.
struct Slot {
    number: u64,
    id: FileId,
    opened: Weak<Opened>,
}

struct Opened {
    number: u64,
    id: FileId,
    /// Removed or replaced: nothing more of it is worth caching.
    gone: AtomicBool,
    path: PathBuf,
    file: File,
    cipher: ChunkCipher,
    layout: Layout,
}

/// An opened sealed file; clones share it. Stays readable after the file was removed or replaced.
#[derive(Clone)]
pub struct SealedFile {
    opened: Arc<Opened>,
    dir: Arc<SealedDir>,
}

/// Plaintext that was read; cheap to clone.
#[derive(Clone)]
pub struct SealedBytes {
    bytes: Arc<[u8]>,
    range: Range<usize>,
}

impl SealedBytes {
    fn all(bytes: Arc<[u8]>) -> SealedBytes {
        SealedBytes { range: 0..bytes.len(), bytes }
    }

    /// The shared bytes and which of them are meant. `Arc<[u8]>` is `StableDeref`, so tantivy's
    /// `OwnedBytes::new(bytes).slice(range)` takes them without a copy.
    pub fn into_parts(self) -> (Arc<[u8]>, Range<usize>) {
        (self.bytes, self.range)
    }
}

impl Deref for SealedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.range.clone()]
    }
}

impl AsRef<[u8]> for SealedBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl SealedDir {
    /// Opens `dir`, making it when it is missing and removing what unfinished [`SealedDir::write_atomic`]
    /// left. `cache_bytes` bounds the plaintext kept in memory.
    ///
    /// Errors: [`VaultError::Io`].
    pub fn new(dir: &Path, key: SubKey, cache_bytes: usize) -> Result<Arc<SealedDir>, VaultError> {
        files::create_dir(dir)?;
        let sealed = SealedDir {
            dir: dir.to_path_buf(),
            key,
            chunks: Lru::new(cache_bytes / 4),
            ranges: Lru::new(cache_bytes - cache_bytes / 4),
            openings: AtomicU64::new(0),
            open: Mutex::default(),
        };
        for name in sealed.entries()?.iter().filter(|name| name.starts_with(TEMPORARY)) {
            let path = dir.join(name);
            match fs::remove_file(&path) {
                // A directory that may only be read can still be served.
                Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {}
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                done => done.map_err(VaultError::io(&path))?,
            }
        }
        Ok(Arc::new(sealed))
    }

    /// Begins a file that does not exist yet.
    ///
    /// Errors: [`VaultError::InvalidName`]; [`VaultError::Io`], of kind `AlreadyExists` when it does exist.
    pub fn create(&self, name: &str) -> Result<SealedWriter, VaultError> {
        SealedWriter::create(&self.path(name)?, name, &self.key)
    }

    /// Opens a finished file and authenticates its end. Whoever has the same file open shares it.
    ///
    /// Errors: [`VaultError::InvalidName`], [`VaultError::Io`], [`VaultError::Damaged`].
    pub fn open(self: &Arc<Self>, name: &str) -> Result<SealedFile, VaultError> {
        let (known, changes) = {
            let open = self.open.lock();
            let slot = open.by_name.get(name);
            if let Some(opened) = slot.and_then(|slot| slot.opened.upgrade()) {
                return Ok(SealedFile { opened, dir: self.clone() });
            }
            (slot.map(|slot| (slot.id, slot.number)), open.changes)
        };
        let mut opened = self.open_file(name)?;
        opened.number = match known {
            Some((id, number)) if id == opened.id => number,
            _ => self.openings.fetch_add(1, Ordering::Relaxed),
        };
        let file = SealedFile { opened: Arc::new(opened), dir: self.clone() };
        file.chunk(file.opened.layout.chunks - 1)?;
        let mut open = self.open.lock();
        if open.changes != changes {
            file.opened.gone.store(true, Ordering::Relaxed);
            return Ok(file);
        }
        if let Some(opened) = open.by_name.get(name).and_then(|slot| slot.opened.upgrade()) {
            return Ok(SealedFile { opened, dir: self.clone() });
        }
        let Opened { number, id, .. } = *file.opened;
        let slot = Slot { number, id, opened: Arc::downgrade(&file.opened) };
        open.by_name.insert(name.to_owned(), slot);
        Ok(file)
    }

    /// Replaces or makes a whole file: after a crash there is either the old or the new one.
    ///
    /// Errors: [`VaultError::InvalidName`], [`VaultError::Io`].
    pub fn write_atomic(&self, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
        let path = self.path(name)?;
        let mut tag = [0; 8];
        random(&mut tag)?;
        let temporary = self.dir.join(format!("{TEMPORARY}{:016x}", u64::from_le_bytes(tag)));
        let written = SealedWriter::create(&temporary, name, &self.key).and_then(|mut writer| {
            let done = writer.write_all(bytes).and_then(|()| writer.finish());
            done.and_then(|_| fs::rename(&temporary, &path)).map_err(VaultError::io(&path))
        });
        if let Err(error) = written {
            // Best effort: what cannot be removed now is removed at the next start.
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        self.forget(name);
        files::sync_dir(&self.dir)
    }

    /// Reads and authenticates a whole file, beside the cache.
    ///
    /// Errors: [`VaultError::InvalidName`], [`VaultError::Io`], [`VaultError::Damaged`].
    pub fn read_all(&self, name: &str) -> Result<Vec<u8>, VaultError> {
        let opened = self.open_file(name)?;
        // A length that does not authenticate must not decide how much memory is taken.
        let last = opened.layout.chunks - 1;
        opened.decrypt(last..last + 1, &mut vec![0; opened.layout.chunk_len(last)])?;
        let mut plain = vec![0; usize::try_from(opened.layout.len).map_err(|_| opened.damaged("too long"))?];
        opened.decrypt(0..opened.layout.chunks, &mut plain)?;
        Ok(plain)
    }

    /// Removes a file and what is cached of it. Openings of it stay readable.
    ///
    /// Errors: [`VaultError::InvalidName`]; [`VaultError::Io`], also when there is none.
    pub fn remove(&self, name: &str) -> Result<(), VaultError> {
        let path = self.path(name)?;
        fs::remove_file(&path).map_err(VaultError::io(&path))?;
        self.forget(name);
        Ok(())
    }

    /// Whether there is a file of this name, finished or not.
    ///
    /// Errors: [`VaultError::InvalidName`], [`VaultError::Io`].
    pub fn exists(&self, name: &str) -> Result<bool, VaultError> {
        let path = self.path(name)?;
        path.try_exists().map_err(VaultError::io(&path))
    }

    /// The names of all files, sorted.
    ///
    /// Errors: [`VaultError::Io`].
    pub fn list(&self) -> Result<Vec<String>, VaultError> {
        let mut names = self.entries()?;
        names.retain(|name| check_name(name).is_ok());
        names.sort();
        Ok(names)
    }

    /// Makes creations and removals durable; [`SealedWriter::finish`] makes only contents so.
    ///
    /// Errors: [`VaultError::Io`].
    pub fn sync(&self) -> Result<(), VaultError> {
        files::sync_dir(&self.dir)
    }

    /// Reads and authenticates every chunk of a file, beside the cache. Returns the plaintext bytes checked.
    ///
    /// Errors: [`VaultError::InvalidName`], [`VaultError::Io`], [`VaultError::Damaged`] naming the chunk.
    pub fn verify(&self, name: &str) -> Result<u64, VaultError> {
        let opened = self.open_file(name)?;
        let mut plain = vec![0; BATCH as usize * CHUNK];
        for start in (0..opened.layout.chunks).step_by(BATCH as usize) {
            let chunks = start..opened.layout.chunks.min(start + BATCH);
            let len = opened.layout.plain_len(&chunks);
            opened.decrypt(chunks, &mut plain[..len])?;
        }
        Ok(opened.layout.len)
    }

    /// Bytes of plaintext in the cache, with what it costs to keep them.
    pub fn cache_bytes_used(&self) -> usize {
        self.chunks.used() + self.ranges.used()
    }

    /// The directory on disk.
    pub fn path_on_disk(&self) -> &Path {
        &self.dir
    }

    fn path(&self, name: &str) -> Result<PathBuf, VaultError> {
        check_name(name)?;
        Ok(self.dir.join(name))
    }

    fn entries(&self) -> Result<Vec<String>, VaultError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(VaultError::io(&self.dir))? {
            let entry = entry.map_err(VaultError::io(&self.dir))?;
            if entry.file_type().map_err(VaultError::io(&self.dir))?.is_file() {
                names.extend(entry.file_name().into_string());
            }
        }
        Ok(names)
    }

    fn forget(&self, name: &str) {
        let mut open = self.open.lock();
        open.changes += 1;
        let slot = open.by_name.remove(name);
        drop(open);
        if let Some(slot) = slot {
            if let Some(opened) = slot.opened.upgrade() {
                opened.gone.store(true, Ordering::Relaxed);
            }
            self.chunks.evict(slot.number);
            self.ranges.evict(slot.number);
        }
    }

    fn open_file(&self, name: &str) -> Result<Opened, VaultError> {
        let path = self.path(name)?;
        let file = File::open(&path).map_err(VaultError::io(&path))?;
        let on_disk = file.metadata().map_err(VaultError::io(&path))?.len();
        let layout = Layout::of(&path, on_disk)?;
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, 0).map_err(VaultError::io(&path))?;
        let id = parse_header(&path, &header)?;
        let cipher = ChunkCipher::new(&self.key, &id, name);
        Ok(Opened { number: UNCACHED, id, gone: AtomicBool::new(false), path, file, cipher, layout })
    }
}

/// Names are single path components that do not begin with a dot.
fn check_name(name: &str) -> Result<(), VaultError> {
    let good = !name.is_empty()
        && name.len() <= 200
        && !name.starts_with('.')
        && !name.contains(['/', '\\'])
        && !name.contains(char::is_control);
    good.then_some(()).ok_or_else(|| VaultError::InvalidName(name.chars().take(200).collect()))
}

impl Opened {
    fn damaged(&self, reason: impl Into<String>) -> VaultError {
        VaultError::damaged(&self.path, reason)
    }

    /// Reads, authenticates and decrypts whole chunks into `plain`, which has exactly their length.
    fn decrypt(&self, chunks: Range<u32>, mut plain: &mut [u8]) -> Result<(), VaultError> {
        let mut sealed = Vec::new();
        for start in chunks.clone().step_by(BATCH as usize) {
            let batch = start..chunks.end.min(start + BATCH);
            sealed.resize(self.layout.plain_len(&batch) + batch.len() * TAG, 0);
            self.file.read_exact_at(&mut sealed, Layout::position(start)).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => self.damaged("truncated while it was open"),
                _ => VaultError::io(&self.path)(error),
            })?;
            for (chunk, sealed) in batch.zip(sealed.chunks(SEALED)) {
                let (out, rest) = plain.split_at_mut(self.layout.chunk_len(chunk));
                self.cipher.open(chunk, self.layout.is_last(chunk), sealed, out).ok_or_else(|| {
                    let of = self.layout.chunks;
                    self.damaged(format!(
                        "chunk {chunk} of {of} does not authenticate: altered, torn or of another key or name"
                    ))
                })?;
                plain = rest;
            }
        }
        Ok(())
    }
}

impl SealedFile {
    /// Plaintext bytes.
    pub fn len(&self) -> u64 {
        self.opened.layout.len
    }

    /// Whether there is no plaintext.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The plaintext bytes of `range`, authenticated. Asked again, they come from the cache uncopied
    /// (up to 4 KiB are copied). Readers do not wait for each other's decryption.
    ///
    /// Errors: [`VaultError::OutOfRange`], [`VaultError::Io`], [`VaultError::Damaged`].
    pub fn read(&self, range: Range<u64>) -> Result<SealedBytes, VaultError> {
        let Range { start, end } = range;
        if start > end || end > self.len() {
            return Err(VaultError::OutOfRange { file: self.opened.path.clone(), start, end, len: self.len() });
        }
        if start == end {
            return Ok(SealedBytes::all(Arc::from([])));
        }
        let (first, last) = (chunk_of(start), chunk_of(end - 1));
        if first == last {
            let bytes = self.chunk(first)?;
            let skip = (start % CHUNK as u64) as usize;
            let range = skip..skip + (end - start) as usize;
            return Ok(match range.len() {
                0..=COPIED => SealedBytes::all(bytes[range].into()),
                _ => SealedBytes { bytes, range },
            });
        }
        let key = (self.opened.number, start, end);
        if let Some(bytes) = self.dir.ranges.get(&key) {
            return Ok(SealedBytes::all(bytes));
        }
        let bytes = self.assemble(start, end)?;
        if !self.opened.gone.load(Ordering::Relaxed) {
            self.dir.ranges.put(key, bytes.clone());
        }
        Ok(SealedBytes::all(bytes))
    }

    /// A range over several chunks: whole chunks are decrypted in place, the edges come from the cache.
    fn assemble(&self, start: u64, end: u64) -> Result<Arc<[u8]>, VaultError> {
        let len = usize::try_from(end - start).map_err(|_| self.opened.damaged("range too long"))?;
        let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, len).collect();
        let Some(mut out) = Arc::get_mut(&mut bytes) else {
            return Err(self.opened.damaged("buffer is shared"));
        };
        let (mut first, mut beyond) = (chunk_of(start), chunk_of(end - 1) + 1);
        let skip = (start % CHUNK as u64) as usize;
        if skip > 0 {
            let chunk = self.chunk(first)?;
            let (head, rest) = out.split_at_mut(chunk.len() - skip);
            head.copy_from_slice(&chunk[skip..]);
            (out, first) = (rest, first + 1);
        }
        let edge = (end - u64::from(beyond - 1) * CHUNK as u64) as usize;
        if edge < self.opened.layout.chunk_len(beyond - 1) {
            let chunk = self.chunk(beyond - 1)?;
            let (rest, tail) = out.split_at_mut(out.len() - edge);
            tail.copy_from_slice(&chunk[..edge]);
            (out, beyond) = (rest, beyond - 1);
        }
        self.opened.decrypt(first..beyond, out)?;
        Ok(bytes)
    }

    fn chunk(&self, chunk: u32) -> Result<Arc<[u8]>, VaultError> {
        let start = u64::from(chunk) * CHUNK as u64;
        let len = self.opened.layout.chunk_len(chunk);
        let key = (self.opened.number, start, start + len as u64);
        if let Some(bytes) = self.dir.chunks.get(&key) {
            return Ok(bytes);
        }
        let mut plain: Arc<[u8]> = std::iter::repeat_n(0, len).collect();
        if let Some(out) = Arc::get_mut(&mut plain) {
            self.opened.decrypt(chunk..chunk + 1, out)?;
        }
        if !self.opened.gone.load(Ordering::Relaxed) {
            self.dir.chunks.put(key, plain.clone());
        }
        Ok(plain)
    }
}

fn chunk_of(byte: u64) -> u32 {
    // A layout has no more chunks than a u32 counts.
    (byte / CHUNK as u64) as u32
}
