//! tantivy's directory over sealed files: one directory on disk, the files of each object under a prefix.

use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fmt, mem};

use aplomb_vault::{SealedDir, SealedFile, SealedWriter, VaultError};
use parking_lot::{Condvar, Mutex};
use tantivy::HasLen;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, Directory, DirectoryLock, FileHandle, Lock, OwnedBytes, TerminatingWrite, WatchCallback,
    WatchCallbackList, WatchHandle, WritePtr,
};

/// tantivy's list of the files it made. It is not written: what lies in the directory is that list.
const MANAGED: &str = ".managed.json";
const META: &str = "meta.json";

#[derive(Clone)]
pub(crate) struct SealedDirectory {
    sealed: Arc<SealedDir>,
    prefix: Arc<str>,
    locks: Arc<Locks>,
    /// lists of segments written so far
    metas: Arc<AtomicU64>,
}

#[derive(Default)]
struct Locks {
    held: Mutex<HashSet<PathBuf>>,
    released: Condvar,
}

struct Held {
    locks: Arc<Locks>,
    path: PathBuf,
}

struct Handle(SealedFile);

struct Writer(SealedWriter);

impl SealedDirectory {
    pub fn new(sealed: &Arc<SealedDir>, prefix: &str) -> SealedDirectory {
        SealedDirectory { sealed: sealed.clone(), prefix: prefix.into(), locks: Arc::default(), metas: Arc::default() }
    }

    /// How often the list of segments was written: by commits, and by merges at a time of their own.
    pub fn metas(&self) -> u64 {
        self.metas.load(Ordering::Acquire)
    }

    fn name(&self, path: &Path) -> String {
        format!("{}{}", self.prefix, path.to_string_lossy())
    }

    fn files(&self) -> Result<Vec<String>, VaultError> {
        let names = self.sealed.list()?.into_iter();
        Ok(names.filter_map(|name| name.strip_prefix(&*self.prefix).map(str::to_owned)).collect())
    }

    /// What tantivy may collect when no segment uses it any more.
    fn managed(&self) -> Result<Vec<u8>, VaultError> {
        let mut files = self.files()?;
        files.retain(|name| !name.starts_with('.') && name != META);
        Ok(serde_json::to_vec(&files).unwrap_or_default())
    }

    /// Reads and authenticates one file.
    pub fn verify(&self, name: &str) -> Result<u64, VaultError> {
        self.sealed.verify(&format!("{}{name}", self.prefix))
    }

    /// Removes every file.
    pub fn clear(&self) -> Result<(), VaultError> {
        for name in self.files()? {
            self.sealed.remove(&format!("{}{name}", self.prefix))?;
        }
        self.sealed.sync()
    }
}

fn read_error(path: &Path) -> impl Fn(VaultError) -> OpenReadError + '_ {
    move |e| match e.is_not_found() {
        true => OpenReadError::FileDoesNotExist(path.to_owned()),
        false => OpenReadError::wrap_io_error(e.into(), path.to_owned()),
    }
}

impl Directory for SealedDirectory {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        let file = self.sealed.open(&self.name(path)).map_err(read_error(path))?;
        Ok(Arc::new(Handle(file)))
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.sealed.remove(&self.name(path)).map_err(|e| match e.is_not_found() {
            true => DeleteError::FileDoesNotExist(path.to_owned()),
            false => DeleteError::IoError { io_error: Arc::new(e.into()), filepath: path.to_owned() },
        })
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.sealed.exists(&self.name(path)).map_err(read_error(path))
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        match self.sealed.create(&self.name(path)).map_err(io::Error::from) {
            Ok(writer) => Ok(BufWriter::new(Box::new(Writer(writer)))),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                Err(OpenWriteError::FileAlreadyExists(path.to_owned()))
            }
            Err(e) => Err(OpenWriteError::wrap_io_error(e, path.to_owned())),
        }
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let bytes = if path == Path::new(MANAGED) { self.managed() } else { self.sealed.read_all(&self.name(path)) };
        bytes.map_err(read_error(path))
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        if path == Path::new(MANAGED) {
            return Ok(());
        }
        self.sealed.write_atomic(&self.name(path), data)?;
        if path == Path::new(META) {
            self.metas.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(self.sealed.sync()?)
    }

    /// Locks live in memory: another process is kept out by the lock of the data directory.
    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        let mut held = self.locks.held.lock();
        while !held.insert(lock.filepath.clone()) {
            if !lock.is_blocking {
                return Err(LockError::LockBusy);
            }
            self.locks.released.wait(&mut held);
        }
        mem::drop(held);
        let held = Held { locks: self.locks.clone(), path: lock.filepath.clone() };
        Ok(DirectoryLock::from(Box::new(held)))
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        Ok(WatchCallbackList::default().subscribe(callback))
    }
}

impl fmt::Debug for SealedDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedDirectory({})", self.prefix)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.locks.held.lock().remove(&self.path);
        self.locks.released.notify_all();
    }
}

impl FileHandle for Handle {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        let (bytes, range) = self.0.read(range.start as u64..range.end as u64)?.into_parts();
        Ok(OwnedBytes::new(bytes).slice(range))
    }
}

impl HasLen for Handle {
    fn len(&self) -> usize {
        self.0.len() as usize
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sealed file of {} bytes", self.0.len())
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl TerminatingWrite for Writer {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        self.0.finish().map(drop)
    }
}
