//! redb as the engine, over the encrypting page device.
//!
//! A part of the space (the records of one object, its indexes, the log ...) is a table of its own: redb packs leaves
//! full only where a key is put at the very end of a table, which is where new records, log rows and histories go.

use std::collections::HashMap;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use redb::{
    Database, DatabaseError, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend, Table,
    TableDefinition, TableError, WriteTransaction,
};

use super::device::Device;
use super::errors::{commit_error, database_error, storage_error, table_error, transaction_error};
use super::{Each, Engine, KeyRange, Snapshot, Transaction, Work};
use crate::StoreError;
use crate::key::part_len;

type Result<T> = std::result::Result<T, StoreError>;
type Bytes = &'static [u8];
type ReadTable = Arc<ReadOnlyTable<Bytes, Bytes>>;

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
        Ok(Arc::new(Reading { txn, open: Mutex::default(), unreadable: Arc::clone(&self.unreadable) }))
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
            // Reopening reads the whole file, so it is tried only when it may work.
            self.device.probe().map_err(|_| e)?;
            self.reopen()?;
        }
        match &*self.state.read() {
            State::Open(db) => db.begin_write().map_err(transaction_error),
            State::Reading(_, e) | State::Broken(e) => Err(e.clone()),
            State::Closed => Err(StoreError::Closed),
        }
    }

    fn write_once(&self, work: Work<'_>) -> Result<()> {
        let txn = self.begin()?;
        let done = {
            let mut writing = Writing { tables: Tables { txn: &txn, open: Mutex::default() } };
            work(&mut writing)
        };
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
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
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

    fn settle(&self) -> Result<()> {
        let mut txn = self.begin()?;
        txn.set_quick_repair(true);
        txn.commit().map_err(commit_error).inspect_err(|_| {
            let _ = self.reopen();
        })
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
    /// Rows, stored bytes and bytes on pages of each table.
    pub(crate) fn tables(&self) -> Vec<(String, u64, u64, u64)> {
        use redb::{ReadableTableMetadata, TableHandle};
        let State::Open(db) = &*self.state.read() else { return vec![] };
        let txn = db.begin_read().unwrap();
        let names: Vec<_> = txn.list_tables().unwrap().map(|t| t.name().to_owned()).collect();
        let stats = names.into_iter().map(|name| {
            let table = txn.open_table(TableDefinition::<Bytes, Bytes>::new(&name)).unwrap();
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

struct Reading {
    txn: ReadTransaction,
    /// tables opened so far, `None` for one that does not exist
    open: Mutex<HashMap<Part, Option<ReadTable>>>,
    unreadable: Arc<AtomicBool>,
}

/// The first bytes of a key.
type Part = [u8; 3];

fn part_of(key: &[u8]) -> (Part, usize) {
    let len = part_len(key);
    let mut part = [0; 3];
    part[..len].copy_from_slice(&key[..len]);
    (part, len)
}

fn table_name(part: Part, len: usize) -> String {
    match len {
        3 => format!("{}/{}", part[0], u16::from_be_bytes([part[1], part[2]])),
        _ => part[0].to_string(),
    }
}

impl Reading {
    /// Notes a failure of the disk for the next snapshot to mend.
    fn watched<T>(&self, read: impl FnOnce() -> Result<T>) -> Result<T> {
        guarded(read).inspect_err(|e| {
            if matches!(e, StoreError::Io(_)) {
                self.unreadable.store(true, Ordering::Release);
            }
        })
    }

    fn table(&self, part: Part, len: usize) -> Result<Option<ReadTable>> {
        let mut open = self.open.lock();
        if let Some(table) = open.get(&part) {
            return Ok(table.clone());
        }
        let name = table_name(part, len);
        let table = match self.txn.open_table(TableDefinition::<Bytes, Bytes>::new(&name)) {
            Ok(table) => Some(Arc::new(table)),
            Err(TableError::TableDoesNotExist(_)) => None,
            Err(e) => return Err(table_error(e)),
        };
        open.insert(part, table.clone());
        Ok(table)
    }
}

impl Snapshot for Reading {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let (part, len) = part_of(key);
        self.watched(|| {
            let Some(table) = self.table(part, len)? else { return Ok(None) };
            let value = table.get(&key[len..]).map_err(storage_error)?;
            Ok(value.map(|v| v.value().to_vec()))
        })
    }

    fn scan(&self, range: KeyRange<'_>, reverse: bool, each: Each<'_>) -> Result<()> {
        let Some((part, len)) = part_of_range(&range) else { return Ok(()) };
        self.watched(|| match self.table(part, len)? {
            Some(table) => scan_table(&*table, part, len, range, reverse, each),
            None => Ok(()),
        })
    }
}

/// The part that a range lies in; `None` when it is empty for sure.
fn part_of_range(range: &KeyRange<'_>) -> Option<(Part, usize)> {
    match range {
        (Bound::Included(min) | Bound::Excluded(min), _) => Some(part_of(min)),
        (Bound::Unbounded, Bound::Included(max) | Bound::Excluded(max)) => Some(part_of(max)),
        _ => None,
    }
}

fn scan_table(
    table: &impl ReadableTable<Bytes, Bytes>,
    part: Part,
    len: usize,
    (min, max): KeyRange<'_>,
    reverse: bool,
    each: Each<'_>,
) -> Result<()> {
    let within = |key: &[u8]| key.len() >= len && key[..len] == part[..len];
    let min = min.map(|key| &key[len..]);
    let max = match max {
        Bound::Included(key) if within(key) => Bound::Included(&key[len..]),
        Bound::Excluded(key) if within(key) => Bound::Excluded(&key[len..]),
        _ => Bound::Unbounded,
    };
    let empty = match (min, max) {
        (Bound::Included(min), Bound::Included(max)) => min > max,
        (Bound::Included(min) | Bound::Excluded(min), Bound::Included(max) | Bound::Excluded(max)) => min >= max,
        _ => false,
    };
    if empty {
        return Ok(());
    }
    let mut rows = table.range::<&[u8]>((min, max)).map_err(storage_error)?;
    let mut key = part[..len].to_vec();
    while let Some(row) = if reverse { rows.next_back() } else { rows.next() } {
        let (rest, value) = row.map_err(storage_error)?;
        key.truncate(len);
        key.extend_from_slice(rest.value());
        if !each(&key, value.value())? {
            break;
        }
    }
    Ok(())
}

struct Writing<'t> {
    tables: Tables<'t>,
}

/// Opened once for a transaction; behind a lock only because reading opens them too.
struct Tables<'t> {
    txn: &'t WriteTransaction,
    open: Mutex<HashMap<Part, Table<'t, Bytes, Bytes>>>,
}

impl<'t> Tables<'t> {
    fn with<R>(
        &self,
        part: Part,
        len: usize,
        use_it: impl FnOnce(&mut Table<'t, Bytes, Bytes>) -> Result<R>,
    ) -> Result<R> {
        let mut open = self.open.lock();
        if let Some(table) = open.get_mut(&part) {
            return use_it(table);
        }
        let name = table_name(part, len);
        let mut table = self.txn.open_table(TableDefinition::<Bytes, Bytes>::new(&name)).map_err(table_error)?;
        let result = use_it(&mut table);
        open.insert(part, table);
        result
    }
}

impl Snapshot for Tables<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let (part, len) = part_of(key);
        self.with(part, len, |table| {
            let value = table.get(&key[len..]).map_err(storage_error)?;
            Ok(value.map(|v| v.value().to_vec()))
        })
    }

    fn scan(&self, range: KeyRange<'_>, reverse: bool, each: Each<'_>) -> Result<()> {
        let Some((part, len)) = part_of_range(&range) else { return Ok(()) };
        self.with(part, len, |table| scan_table(table, part, len, range, reverse, each))
    }
}

impl Transaction for Writing<'_> {
    fn reader(&self) -> &dyn Snapshot {
        &self.tables
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let (part, len) = part_of(key);
        self.tables.with(part, len, |table| table.insert(&key[len..], value).map(|_| ()).map_err(storage_error))
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        let (part, len) = part_of(key);
        self.tables.with(part, len, |table| table.remove(&key[len..]).map(|_| ()).map_err(storage_error))
    }
}
