//! Rows in redb's tables: a snapshot and a transaction.
//!
//! A part of the space (the records of one object, the index of one field, the log ...) is a table of its own: redb packs
//! leaves full only where a key is put at the very end of a table, which is where new records, times and log rows go.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use redb::{
    ReadOnlyTable, ReadTransaction, ReadableTable, Table, TableDefinition, TableError, TableHandle, WriteTransaction,
};

use super::errors::{storage_error, table_error};
use super::redb::guarded;
use super::{Each, KeyRange, Snapshot, Transaction};
use crate::StoreError;
use crate::key::{self, part_len};

type Result<T> = std::result::Result<T, StoreError>;
type Bytes = &'static [u8];
type ReadTable = Arc<ReadOnlyTable<Bytes, Bytes>>;

pub(super) struct Reading {
    txn: ReadTransaction,
    /// tables opened so far, `None` for one that does not exist
    open: Mutex<HashMap<Part, Option<ReadTable>>>,
    unreadable: Arc<AtomicBool>,
}

/// The first bytes of a key.
type Part = [u8; 5];

fn part_of(key: &[u8]) -> (Part, usize) {
    let len = part_len(key);
    let mut part = [0; 5];
    part[..len].copy_from_slice(&key[..len]);
    (part, len)
}

fn table_name(part: Part, len: usize) -> String {
    let (object, field) = (u16::from_be_bytes([part[1], part[2]]), u16::from_be_bytes([part[3], part[4]]));
    match len {
        5 => format!("{}/{object}/{field}", part[0]),
        3 => format!("{}/{object}", part[0]),
        _ => part[0].to_string(),
    }
}

impl Reading {
    /// `unreadable` is set when the disk cannot be read.
    pub fn new(txn: ReadTransaction, unreadable: Arc<AtomicBool>) -> Reading {
        Reading { txn, open: Mutex::default(), unreadable }
    }

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

pub(super) struct Writing<'t> {
    tables: Tables<'t>,
}

/// Opened once for a transaction; behind a lock only because reading opens them too.
struct Tables<'t> {
    txn: &'t WriteTransaction,
    open: Mutex<HashMap<Part, Table<'t, Bytes, Bytes>>>,
}

impl<'t> Writing<'t> {
    pub fn new(txn: &'t WriteTransaction) -> Writing<'t> {
        Writing { tables: Tables { txn, open: Mutex::default() } }
    }
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

    /// Format 1 kept all indexes of an object in one table.
    fn regroup(&mut self) -> Result<()> {
        let txn = self.tables.txn;
        let names: Vec<String> = txn.list_tables().map_err(storage_error)?.map(|t| t.name().to_owned()).collect();
        for name in names {
            let Some(object) = name.strip_prefix("5/").and_then(|object| object.parse::<u16>().ok()) else { continue };
            let definition = TableDefinition::<Bytes, Bytes>::new(&name);
            let together = txn.open_table(definition).map_err(table_error)?;
            for row in together.iter().map_err(storage_error)? {
                let (rest, value) = row.map_err(storage_error)?;
                self.put(&key::index_row(object, rest.value()), value.value())?;
            }
            drop(together);
            txn.delete_table(definition).map_err(table_error)?;
        }
        Ok(())
    }
}
