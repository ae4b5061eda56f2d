//! redb as the engine, over the encrypting page device.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::RwLock;
use redb::{Database, DatabaseError, ReadableDatabase, StorageBackend, WriteTransaction};

use super::device::Device;
use super::errors::{commit_error, database_error, transaction_error};
use super::rows::{Reading, Writing};
use super::{Engine, Snapshot, Work};
use crate::StoreError;

type Result<T> = std::result::Result<T, StoreError>;

/// Bytes that must be free on the disk before a write is begun: what redb may need to finish it.
const RESERVE: u64 = 8 << 20;
/// More than this was never missing.
const RESERVE_LIMIT: u64 = 256 << 20;

pub struct RedbOptions {
    /// redb's page cache
    pub cache_bytes: usize,
    /// bytes free on the disk, when that can be known
    pub free: Option<Box<dyn Fn() -> Option<u64> + Send + Sync>>,
}

pub struct RedbEngine {
    device: Device,
    options: RedbOptions,
    state: RwLock<State>,
    /// bytes that must be free for a write: more after one that did not fit
    needed: AtomicU64,
    /// a read failed, after which redb refuses all
    unreadable: Arc<AtomicBool>,
}

enum State {
    Open(Database),
    /// The last write failed so that the database cannot be written for now; it is open in memory over the disk.
    Reading(Database, StoreError),
    /// It could not even be opened for reading.
    Broken(StoreError),
    Closed,
}

impl RedbEngine {
    /// Opens or creates a database on `backend`, repairing what a crash left.
    pub fn open(backend: Box<dyn StorageBackend>, options: RedbOptions) -> Result<RedbEngine> {
        let device = Device::new(backend);
        let state = match open_database(&device, &options) {
            Ok(db) => State::Open(db),
            Err(e) if e.is_passing() && device.size() > 0 => open_in_memory(&device, &options, e),
            Err(e) => State::Broken(e),
        };
        if let State::Broken(e) = state {
            device.shut();
            return Err(e);
        }
        Ok(RedbEngine {
            device,
            options,
            state: RwLock::new(state),
            needed: AtomicU64::new(RESERVE),
            unreadable: Arc::default(),
        })
    }

    fn free(&self) -> Option<u64> {
        self.options.free.as_ref().and_then(|free| free())
    }

    fn enough_room(&self) -> Result<()> {
        match self.free() {
            Some(free) if free < self.needed.load(Ordering::Relaxed) => Err(StoreError::DiskFull),
            _ => Ok(()),
        }
    }

    /// Opens the database again after an i/o error, for writing if that works.
    fn reopen(&self) -> Result<()> {
        let mut state = self.state.write();
        if matches!(*state, State::Closed) {
            return Err(StoreError::Closed);
        }
        // The old database must be gone before the file is opened again.
        *state = State::Broken(StoreError::Io("the database is being reopened".into()));
        self.device.write_through();
        *state = match open_database(&self.device, &self.options) {
            Ok(db) => State::Open(db),
            Err(e) => open_in_memory(&self.device, &self.options, e),
        };
        match &*state {
            State::Open(_) => Ok(()),
            State::Reading(_, e) | State::Broken(e) => Err(e.clone()),
            State::Closed => Err(StoreError::Closed),
        }
    }

    fn begin_read(&self) -> Result<Arc<dyn Snapshot>> {
        let txn = match &*self.state.read() {
            State::Open(db) | State::Reading(db, _) => guarded(|| db.begin_read().map_err(transaction_error))?,
            State::Broken(e) => return Err(e.clone()),
            State::Closed => return Err(StoreError::Closed),
        };
        Ok(Arc::new(Reading::new(txn, Arc::clone(&self.unreadable))))
    }

    /// A write transaction, after reopening a database that could not be written before.
    fn begin(&self) -> Result<WriteTransaction> {
        self.enough_room()?;
        let failed = match &*self.state.read() {
            State::Open(_) => None,
            State::Reading(_, e) | State::Broken(e) => Some(e.clone()),
            State::Closed => return Err(StoreError::Closed),
        };
        if let Some(e) = failed {
            // Tried only when it may work: until then the database over the disk answers.
            self.device.probe().map_err(|_| e)?;
            self.reopen()?;
        }
        match &*self.state.read() {
            State::Open(db) => {
                let mut txn = db.begin_write().map_err(transaction_error)?;
                // Else the next start after a crash reads the whole file: 6 s for a million records.
                txn.set_quick_repair(true);
                Ok(txn)
            }
            State::Reading(_, e) | State::Broken(e) => Err(e.clone()),
            State::Closed => Err(StoreError::Closed),
        }
    }

    fn write_once(&self, work: Work<'_>) -> Result<()> {
        let txn = self.begin()?;
        let done = work(&mut Writing::new(&txn));
        match done {
            Ok(()) => txn.commit().map_err(commit_error),
            Err(e) => {
                // An abort that fails leaves the database failed, which the caller sees by `e` or at its next write.
                let _ = txn.abort();
                Err(e)
            }
        }
    }
}

fn open_database(device: &Device, options: &RedbOptions) -> Result<Database> {
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache_bytes);
    guarded(|| builder.create_with_backend(device.clone()).map_err(database_error))
}

/// redb looks at its checksums only after a crash and when told to, and panics on some damage.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(StoreError::corrupt("the database file")))
}

fn open_in_memory(device: &Device, options: &RedbOptions, why: StoreError) -> State {
    if device.keep_in_memory().is_err() {
        return State::Broken(why);
    }
    match open_database(device, options) {
        Ok(db) => State::Reading(db, why),
        Err(_) => State::Broken(why),
    }
}

impl Engine for RedbEngine {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>> {
        if self.unreadable.swap(false, Ordering::AcqRel) {
            // What cannot be opened for writing may still be read; the state tells.
            let _ = self.reopen();
        }
        match self.begin_read() {
            Err(StoreError::Io(_)) => {
                let _ = self.reopen();
                self.begin_read()
            }
            begun => begun,
        }
    }

    fn write(&self, work: Work<'_>) -> Result<()> {
        let done = guarded(|| self.write_once(work));
        match &done {
            Ok(()) => self.needed.store(RESERVE, Ordering::Relaxed),
            // What is free now was not enough, as long as the failed write's pages are not given back.
            Err(StoreError::DiskFull) => {
                let free = self.free().unwrap_or_default().min(RESERVE_LIMIT);
                self.needed.fetch_max(free + RESERVE, Ordering::Relaxed);
            }
            Err(_) => {}
        }
        if let Err(StoreError::Io(_) | StoreError::DiskFull | StoreError::ReadOnly(_)) = &done
            && self.needs_reopening()
        {
            // Whether it worked shows in the state; the caller gets the error of his write.
            let _ = self.reopen();
        }
        done
    }

    fn check(&self) -> Result<Vec<String>> {
        let checked = match &mut *self.state.write() {
            State::Open(db) | State::Reading(db, _) => guarded(|| match db.check_integrity() {
                Err(DatabaseError::TransactionInProgress) => Err(StoreError::Busy),
                checked => checked.map_err(database_error),
            }),
            State::Broken(e) => Err(e.clone()),
            State::Closed => Err(StoreError::Closed),
        };
        match checked {
            Ok(true) => Ok(vec![]),
            Ok(false) => Ok(vec!["the database file was damaged and has been repaired".into()]),
            Err(StoreError::Corrupt { what }) => Ok(vec![format!("the database file is damaged: {what}")]),
            Err(e @ (StoreError::Busy | StoreError::Closed)) => Err(e),
            Err(e) => {
                // The caller gets the error of the check; whether reopening worked shows in the state.
                let _ = self.reopen();
                Err(e)
            }
        }
    }

    fn is_writable(&self) -> bool {
        matches!(*self.state.read(), State::Open(_))
    }

    fn has_room(&self) -> bool {
        self.enough_room().is_ok()
    }

    fn size(&self) -> u64 {
        self.device.size()
    }

    fn close(&self) {
        *self.state.write() = State::Closed;
        self.device.shut();
    }
}

impl RedbEngine {
    /// A failed write makes redb refuse reads; a transaction that was never begun does not.
    fn needs_reopening(&self) -> bool {
        match &*self.state.read() {
            State::Open(db) => match db.begin_write() {
                Ok(txn) => txn.abort().is_err(),
                Err(_) => true,
            },
            _ => false,
        }
    }
}

#[cfg(test)]
impl RedbEngine {
    /// Puts the indexes of each object into one table.
    pub(crate) fn as_format_1(&self) {
        use redb::{ReadableTable, TableDefinition, TableHandle};
        type Bytes = &'static [u8];
        let State::Open(db) = &*self.state.read() else { panic!("not open") };
        let txn = db.begin_write().unwrap();
        let names: Vec<_> = txn.list_tables().unwrap().map(|t| t.name().to_owned()).collect();
        for name in names {
            let parts: Vec<_> = name.split('/').collect();
            let ["5", object, field] = parts[..] else { continue };
            let together = format!("5/{object}");
            let mut together = txn.open_table(TableDefinition::<Bytes, Bytes>::new(&together)).unwrap();
            let definition = TableDefinition::<Bytes, Bytes>::new(&name);
            let alone = txn.open_table(definition).unwrap();
            for row in alone.iter().unwrap() {
                let (rest, value) = row.unwrap();
                let key = [&field.parse::<u16>().unwrap().to_be_bytes()[..], rest.value()].concat();
                together.insert(&key[..], value.value()).unwrap();
            }
            drop(alone);
            txn.delete_table(definition).unwrap();
        }
        txn.commit().unwrap();
    }

    /// Rows, stored bytes and bytes on pages of each table.
    pub(crate) fn tables(&self) -> Vec<(String, u64, u64, u64)> {
        use redb::{ReadableTableMetadata, TableDefinition, TableHandle};
        let State::Open(db) = &*self.state.read() else { return vec![] };
        let txn = db.begin_read().unwrap();
        let names: Vec<_> = txn.list_tables().unwrap().map(|t| t.name().to_owned()).collect();
        let stats = names.into_iter().map(|name| {
            let table = txn.open_table(TableDefinition::<&[u8], &[u8]>::new(&name)).unwrap();
            let stats = table.stats().unwrap();
            let pages = stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes();
            (name, table.len().unwrap(), stats.stored_bytes(), pages)
        });
        stats.collect()
    }
}

impl Drop for RedbEngine {
    fn drop(&mut self) {
        self.close();
    }
}
