//! The store: open, read through views, write in batches.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use aplomb_model::{Schema, Seq};
use aplomb_vault::{DataKey, PageDevice, VaultError};
use parking_lot::Mutex;

use crate::engine::{Each, KeyRange, RedbEngine, RedbOptions, Snapshot};
use crate::group::State;
use crate::layout::Layout;
use crate::prepare::{Context, Prepared, prepare};
use crate::seal::Sealer;
use crate::verify::{self, VerifyReport};
use crate::writer::{self, Done, Shared, Task};
use crate::{Batch, Committed, Engine, StoreError, View, migrate};

pub struct Options {
    /// DIR/store.redb
    pub path: PathBuf,
    pub key: DataKey,
    /// redb's page cache
    pub cache_bytes: usize,
}

/// Cheap to clone. The last one dropped closes the store.
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// For metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    pub seq: Seq,
    /// of the file on disk
    pub bytes: u64,
    /// batches waiting to be written
    pub waiting: usize,
    /// transactions since the start
    pub commits: u64,
    /// batches in them
    pub batches: u64,
    /// false while the disk is full or read-only
    pub writable: bool,
}

impl Store {
    /// Opens or creates; brings an older format forward.
    ///
    /// Errors: `Newer` for a store of a later version, `Locked` when another process has it, `Corrupt`, `Io`.
    pub fn open(options: Options) -> Result<Store, StoreError> {
        if !options.path.try_exists()? {
            create(&options)?;
        }
        Store::open_at(&options, &options.path)
    }

    fn open_at(options: &Options, path: &Path) -> Result<Store, StoreError> {
        Store::open_on(Arc::new(engine_at(options, path)?), &options.key)
    }

    /// Over any engine.
    pub fn open_on(engine: Arc<dyn Engine>, key: &DataKey) -> Result<Store, StoreError> {
        migrate::forward(&*engine)?;
        let state = State::load(&*engine.snapshot()?)?;
        let shared = Arc::new(Shared::new(engine, Sealer::new(key), &state));
        let for_writer = Arc::clone(&shared);
        let writer = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer::run(&for_writer, state))
            .map_err(StoreError::from)?;
        Ok(Store { handle: Arc::new(Handle { shared, writer: Mutex::new(Some(writer)) }) })
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.handle.shared
    }

    /// A consistent view, to be dropped soon.
    pub fn snapshot(&self) -> Result<View, StoreError> {
        if self.shared().closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        View::new(self.shared().engine.snapshot()?, self.shared().sealer.clone())
    }

    /// Blocks until the batch is durable. One write to disk serves all that are waiting.
    ///
    /// Errors: `NotUnique`, `VersionMismatch`, `AssertFailed`, `Invalid`: nothing of the batch was written, and the
    /// same batch will fail again. `DiskFull`, `ReadOnly`, `Io`: nothing was written; it may work later.
    pub fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        let (sender, receiver) = sync_channel(1);
        self.submit(batch, move |result| {
            // Nobody listens when the caller's thread is gone; the batch is committed all the same.
            let _ = sender.send(result);
        });
        receiver.recv().unwrap_or(Err(StoreError::Closed))
    }

    /// The same without waiting; `done` runs on the writer's thread, or on this one when the batch is refused at once,
    /// and must be quick.
    pub fn submit(&self, batch: Batch, done: impl FnOnce(Result<Committed, StoreError>) + Send + 'static) {
        match self.prepare(&batch) {
            Ok(prepared) => {
                let prepared = Some(Box::new(prepared));
                self.shared().push(Task::Batch { batch, prepared, done: Box::new(done) });
            }
            Err(e) => done(Err(e)),
        }
    }

    fn prepare(&self, batch: &Batch) -> Result<Prepared, StoreError> {
        let layouts = Arc::clone(&self.shared().layouts.read());
        let snapshot = WhenNeeded { engine: &*self.shared().engine, opened: Mutex::default() };
        prepare(batch, Context { snapshot: &snapshot, layouts: &layouts, sealer: &self.shared().sealer })
    }

    /// Tells the store the declarations in force, so that it builds the indexes of fields that are newly indexed
    /// and drops those of fields that no longer are. Call it at start and after a change of a declaration.
    pub fn declare(&self, schema: &Schema) -> Result<(), StoreError> {
        let layouts: Vec<_> = schema.objects().map(|o| (o.code, Arc::new(Layout::of(o)))).collect();
        let known = Arc::clone(&self.shared().layouts.read());
        if layouts.iter().all(|(object, layout)| known.of(*object) == Some(layout)) {
            return Ok(());
        }
        let (sender, receiver) = sync_channel(1);
        let done: Done = Box::new(move |result| {
            let _ = sender.send(result);
        });
        self.shared().push(Task::Declare { layouts, done });
        receiver.recv().unwrap_or(Err(StoreError::Closed)).map(|_| ())
    }

    /// The last committed batch; 0 at first.
    pub fn seq(&self) -> Seq {
        self.shared().seq()
    }

    /// Blocks until `seq() > seq`, the time is over or the store is closed; returns `seq()`.
    pub fn wait_past(&self, seq: Seq, timeout: Duration) -> Seq {
        self.shared().wait_past(seq, timeout)
    }

    /// False while the disk is full or read-only: writes are refused, reads go on.
    pub fn is_writable(&self) -> bool {
        let engine = &self.shared().engine;
        engine.is_writable() && engine.has_room()
    }

    /// Checks the engine, the chain, indexes against records and records against the log. No view may be alive.
    pub fn verify(&self, progress: &dyn Fn(&str)) -> Result<VerifyReport, StoreError> {
        verify::verify(&*self.shared().engine, &self.shared().sealer, progress)
    }

    pub fn stats(&self) -> Stats {
        let shared = self.shared();
        Stats {
            seq: shared.seq(),
            bytes: shared.engine.size(),
            waiting: shared.backlog(),
            commits: shared.commits.load(Ordering::Relaxed),
            batches: shared.batches.load(Ordering::Relaxed),
            writable: self.is_writable(),
        }
    }

    /// Finishes what is waiting and closes; later calls of other handles and views fail with `Closed`.
    pub fn close(self) {
        self.handle.close();
    }
}

impl Handle {
    fn close(&self) {
        self.shared.end();
        if let Some(writer) = self.writer.lock().take()
            && writer.thread().id() != std::thread::current().id()
            && writer.join().is_err()
        {
            tracing::error!("the store's writer ended with a panic");
        }
        self.shared.engine.close();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// A snapshot taken at the first read: most batches are prepared without any.
struct WhenNeeded<'a> {
    engine: &'a dyn Engine,
    opened: Mutex<Option<Arc<dyn Snapshot>>>,
}

impl WhenNeeded<'_> {
    fn open(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        let mut opened = self.opened.lock();
        if let Some(snapshot) = &*opened {
            return Ok(Arc::clone(snapshot));
        }
        let snapshot = self.engine.snapshot()?;
        *opened = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }
}

impl Snapshot for WhenNeeded<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.open()?.get(key)
    }

    fn scan(&self, range: KeyRange<'_>, reverse: bool, each: Each<'_>) -> Result<(), StoreError> {
        self.open()?.scan(range, reverse, each)
    }
}

/// The engine over the encrypted file at `path`, which is made when missing.
pub(crate) fn engine_at(options: &Options, path: &Path) -> Result<RedbEngine, StoreError> {
    let device = PageDevice::open(path, &options.key.page_keys()).map_err(vault_error)?;
    let dir = dir_of(path).to_path_buf();
    let free = move || fs4::available_space(&dir).ok();
    let redb = RedbOptions { cache_bytes: options.cache_bytes, free: Some(Box::new(free)) };
    RedbEngine::open(Box::new(device), redb)
}

/// Makes an empty store under another name first: a crash leaves either none or a whole one.
fn create(options: &Options) -> Result<(), StoreError> {
    let unfinished = options.path.with_extension("new");
    match std::fs::remove_file(&unfinished) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
        _ => {}
    }
    Store::open_at(options, &unfinished)?.close();
    std::fs::rename(&unfinished, &options.path)?;
    std::fs::File::open(dir_of(&options.path))?.sync_all()?;
    Ok(())
}

fn dir_of(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

fn vault_error(e: VaultError) -> StoreError {
    match e {
        VaultError::Io { source, .. } => source.into(),
        other => StoreError::corrupt(other.to_string()),
    }
}
