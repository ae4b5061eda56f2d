//! What changed after a batch, as a stream: the change log from there on, the records it names as they are now, and what
//! is not in the log (documents, jobs, counters, layouts) whole. Applied to a copy that ends at that batch or later, it
//! gives the store as it was when the stream was made, row for row; indexes and histories are derived on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::ops::Bound;

use aplomb_model::{Id, ObjectCode, Seq};
use serde::{Deserialize, Serialize};

use crate::archive::head;
use crate::codec::{self, Head, HistoryRow};
use crate::engine::{Engine, Snapshot, Transaction, scan_prefix};
use crate::key::{self, Space, after_prefix};
use crate::layout::{Layout, Layouts};
use crate::store::engine_at;
use crate::{Options, Store, StoreError, migrate, reindex};

/// Rows applied in one transaction.
const CHUNK: usize = 20_000;
/// Longest key or value that is believed.
const LONGEST: u32 = 1 << 30;
/// Stands for the length of a value when the row is to be removed.
const REMOVED: u32 = u32::MAX;
const FORMAT: u8 = 1;

/// Why an increment was not made or does not fit.
#[derive(Debug, thiserror::Error)]
pub enum IncrementError {
    #[error("there is no batch {since} yet: the last one is {last}")]
    NotYet { since: Seq, last: Seq },
    /// Increments are missing between what was restored and this one.
    #[error(
        "there is a gap: the data are restored up to batch {restored} and this increment begins after {since}; \
         give the increments between them, in order"
    )]
    Gap { restored: Seq, since: Seq },
    #[error("this increment ends at batch {until}, before {restored}, up to which the data are restored already")]
    Older { restored: Seq, until: Seq },
    #[error("this increment belongs to another history: its change log does not continue the restored one")]
    OtherHistory,
    #[error("this increment was made for format {found} of the store, the restored one has {ours}; make a full backup")]
    Format { found: u32, ours: u32 },
    #[error("damaged increment: {0}")]
    Damaged(&'static str),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

type Result<T, E = IncrementError> = std::result::Result<T, E>;

/// What an increment led from and to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    pub since: Seq,
    pub until: Seq,
}

#[derive(Serialize, Deserialize)]
struct Begin {
    /// of the store
    format: u32,
    since: Head,
    until: Head,
}

impl Store {
    /// Writes what changed after batch `since`, as of now. Errors: `NotYet`, those of the store and of `out`.
    pub fn increment(&self, since: Seq, out: &mut dyn Write) -> Result<Applied> {
        write(&*self.shared().engine.snapshot()?, since, out)
    }
}

/// Applies an increment to a store that nobody has open. After an error the store is of no use.
pub fn apply_increment(options: &Options, input: &mut dyn Read) -> Result<Applied> {
    let engine = engine_at(options, &options.path)?;
    migrate::forward(&engine)?;
    let applied = apply(&engine, input);
    engine.close();
    applied
}

pub(crate) fn write(snapshot: &dyn Snapshot, since: Seq, out: &mut dyn Write) -> Result<Applied> {
    let until = head(snapshot)?;
    if since > until.seq {
        return Err(IncrementError::NotYet { since, last: until.seq });
    }
    let since = head_at(snapshot, since)?.ok_or_else(|| StoreError::corrupt("a row of the change log is missing"))?;
    let begin = Begin { format: format_of(snapshot)?, since, until };
    let encoded = postcard::to_allocvec(&begin).map_err(|_| IncrementError::Damaged("its beginning"))?;
    out.write_all(&[FORMAT])?;
    put_row(out, b"begin", Some(&encoded))?;
    let own = [key::meta("format"), key::meta("head")];
    rows(snapshot, &key::space(Space::Meta), &mut |k, v| {
        if own.iter().any(|o| o == k) { Ok(()) } else { put_row(out, k, Some(v)) }
    })?;
    for (object, id) in log(snapshot, since.seq, out)? {
        for space in [Space::Record, Space::Trash, Space::LogKey] {
            let key = key::of_record(space, object, id);
            put_row(out, &key, snapshot.get(&key)?.as_deref())?;
        }
    }
    for space in [Space::Doc, Space::Job] {
        rows(snapshot, &key::space(space), &mut |k, v| put_row(out, k, Some(v)))?;
    }
    out.write_all(&0u32.to_be_bytes())?;
    Ok(Applied { since: since.seq, until: until.seq })
}

/// Writes the log after `since`; the records it names.
fn log(snapshot: &dyn Snapshot, since: Seq, out: &mut dyn Write) -> Result<BTreeSet<(ObjectCode, Id)>> {
    let (mut touched, mut failed) = (BTreeSet::new(), None);
    let (min, max) = (key::log(since), after_prefix(&key::space(Space::Log)));
    let range = (Bound::Excluded(&min[..]), max.as_deref().map_or(Bound::Unbounded, Bound::Excluded));
    snapshot.scan(range, false, &mut |k, row| {
        touched.extend(codec::decode_log(row)?.items.iter().map(|item| (item.object, item.id)));
        failed = put_row(out, k, Some(row)).err();
        Ok(failed.is_none())
    })?;
    failed.map_or(Ok(touched), |error| Err(error.into()))
}

type EachRow<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> io::Result<()>;

/// Calls `each` with all rows that begin with `prefix`.
fn rows(snapshot: &dyn Snapshot, prefix: &[u8], each: EachRow<'_>) -> Result<()> {
    let mut failed = None;
    scan_prefix(snapshot, prefix, false, &mut |k, v| {
        failed = each(k, v).err();
        Ok(failed.is_none())
    })?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// Lengths of key and value, then both.
fn put_row(out: &mut dyn Write, key: &[u8], value: Option<&[u8]>) -> io::Result<()> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge));
    out.write_all(&length(key)?.to_be_bytes())?;
    out.write_all(&value.map_or(Ok(REMOVED), length)?.to_be_bytes())?;
    out.write_all(key)?;
    out.write_all(value.unwrap_or_default())
}

type Row = (Vec<u8>, Option<Vec<u8>>);

/// `None` at the end.
fn take_row(input: &mut dyn Read) -> Result<Option<Row>> {
    let key = take_length(input)?;
    if key == 0 {
        return Ok(None);
    }
    let value = take_length(input)?;
    if key > LONGEST || (value > LONGEST && value != REMOVED) {
        return Err(IncrementError::Damaged("a row is too long"));
    }
    let key = take_bytes(input, key)?;
    let value = if value == REMOVED { None } else { Some(take_bytes(input, value)?) };
    Ok(Some((key, value)))
}

fn take_length(input: &mut dyn Read) -> Result<u32> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

/// Takes memory as bytes come, not as the length promises.
fn take_bytes(input: &mut dyn Read, length: u32) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(u64::from(length)).read_to_end(&mut bytes)?;
    if bytes.len() == length as usize { Ok(bytes) } else { Err(IncrementError::Damaged("it breaks off")) }
}

fn head_at(snapshot: &dyn Snapshot, seq: Seq) -> Result<Option<Head>> {
    if seq == 0 {
        return Ok(Some(Head::default()));
    }
    let row = snapshot.get(&key::log(seq))?.map(|row| codec::split_log_row(&row)).transpose()?;
    Ok(row.map(|(chain, _)| Head { seq, chain }))
}

fn format_of(snapshot: &dyn Snapshot) -> Result<u32> {
    let bytes = snapshot.get(&key::meta("format"))?.and_then(|bytes| bytes.try_into().ok());
    Ok(bytes.map(u32::from_be_bytes).ok_or_else(|| StoreError::corrupt("the format number"))?)
}

pub(crate) fn apply(engine: &dyn Engine, input: &mut dyn Read) -> Result<Applied> {
    let mut format = [0];
    input.read_exact(&mut format)?;
    let begin: Begin = match take_row(input)? {
        Some((key, Some(value))) if format == [FORMAT] && key == b"begin" => {
            postcard::from_bytes(&value).map_err(|_| IncrementError::Damaged("its beginning"))?
        }
        _ => return Err(IncrementError::Damaged("its beginning")),
    };
    let restored = {
        let snapshot = engine.snapshot()?;
        fits(&*snapshot, &begin)?;
        head(&*snapshot)?
    };
    let mut applying = Applying { restored, head: begin.since, layouts: Layouts::load(&*engine.snapshot()?)?.objects };
    in_transaction(engine, &mut |txn| Applying::clear(txn))?;
    let mut more = true;
    while more {
        in_transaction(engine, &mut |txn| {
            for _ in 0..CHUNK {
                match take_row(input)? {
                    Some((key, value)) => applying.row(txn, &key, value.as_deref())?,
                    None => {
                        more = false;
                        break;
                    }
                }
            }
            if !more {
                applying.finish(txn, &begin)?;
            }
            Ok(())
        })?;
    }
    Ok(Applied { since: begin.since.seq, until: begin.until.seq })
}

/// A transaction whose work may fail with an error of ours.
fn in_transaction(engine: &dyn Engine, work: &mut dyn FnMut(&mut dyn Transaction) -> Result<()>) -> Result<()> {
    let mut failed = None;
    let written = engine.write(&mut |txn| {
        work(txn).map_err(|error| {
            failed = Some(error);
            StoreError::Invalid("the increment does not apply".into())
        })
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(written?),
    }
}

/// Whether an increment continues what is restored.
fn fits(snapshot: &dyn Snapshot, begin: &Begin) -> Result<()> {
    let (restored, ours) = (head(snapshot)?, format_of(snapshot)?);
    if begin.format != ours {
        return Err(IncrementError::Format { found: begin.format, ours });
    }
    if begin.since.seq > restored.seq {
        return Err(IncrementError::Gap { restored: restored.seq, since: begin.since.seq });
    }
    if head_at(snapshot, begin.since.seq)? != Some(begin.since) {
        return Err(IncrementError::OtherHistory);
    }
    if begin.until.seq < restored.seq {
        return Err(IncrementError::Older { restored: restored.seq, until: begin.until.seq });
    }
    Ok(())
}

struct Applying {
    /// how far the store was before
    restored: Head,
    /// of the log rows read so far
    head: Head,
    layouts: BTreeMap<ObjectCode, std::sync::Arc<Layout>>,
}

impl Applying {
    /// Removes what every increment carries whole.
    fn clear(txn: &mut dyn Transaction) -> Result<()> {
        for space in [Space::Doc, Space::Job, Space::JobDue] {
            let mut keys = Vec::new();
            scan_prefix(txn.reader(), &key::space(space), false, &mut |key, _| {
                keys.push(key.to_vec());
                Ok(true)
            })?;
            for key in keys {
                txn.delete(&key)?;
            }
        }
        Ok(())
    }

    fn row(&mut self, txn: &mut dyn Transaction, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let space = key.first().copied().unwrap_or_default();
        match value {
            Some(row) if space == Space::Log as u8 => self.log(txn, key, row),
            Some(row) if space == Space::Meta as u8 => self.meta(txn, key, row),
            Some(row) if space == Space::Doc as u8 => Ok(txn.put(key, row)?),
            Some(row) if space == Space::Job as u8 => {
                let job = codec::decode_job(row)?;
                txn.put(&key::job_due(job.due, job.id), &[])?;
                Ok(txn.put(key, row)?)
            }
            _ if space == Space::LogKey as u8 => Ok(set(txn, key, value)?),
            _ if space == Space::Record as u8 || space == Space::Trash as u8 => self.record(txn, key, value),
            _ => Err(IncrementError::Damaged("a row of an unknown kind")),
        }
    }

    fn meta(&mut self, txn: &mut dyn Transaction, key: &[u8], row: &[u8]) -> Result<()> {
        let prefix = key::meta("layout");
        if let Some(code) = key.strip_prefix(&prefix[..]).and_then(|rest| key::u16_at(rest, 0)) {
            let (object, layout) = (ObjectCode(code), Layout::decode(row)?);
            let old = self.layouts.get(&object).map(|known| Layout::clone(known)).unwrap_or_default();
            reindex::change(txn, object, &old, &layout)?;
            self.layouts.insert(object, std::sync::Arc::new(layout));
        }
        Ok(txn.put(key, row)?)
    }

    /// Appends to the log, or compares where both have the row.
    fn log(&mut self, txn: &mut dyn Transaction, key: &[u8], row: &[u8]) -> Result<()> {
        let (chain, encoded) = codec::split_log_row(row)?;
        let next = self.head.next(&codec::hash(&encoded));
        if key::seq_at_end(key) != Some(next.seq) || chain != next.chain {
            return Err(IncrementError::Damaged("its change log is not in order"));
        }
        self.head = next;
        if next.seq <= self.restored.seq {
            return if txn.reader().get(key)?.as_deref() == Some(row) {
                Ok(())
            } else {
                Err(IncrementError::OtherHistory)
            };
        }
        txn.put(key, row)?;
        let body = codec::decode_log(row)?;
        let mut items: BTreeMap<(ObjectCode, Id), Vec<u32>> = BTreeMap::new();
        for (at, item) in body.items.iter().enumerate() {
            items.entry((item.object, item.id)).or_default().push(at as u32);
        }
        for ((object, id), items) in items {
            let row = codec::encode_history(&HistoryRow { at: body.at, items })?;
            txn.put(&key::history(object, id, next.seq), &row)?;
        }
        Ok(())
    }

    fn record(&mut self, txn: &mut dyn Transaction, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let known = txn.reader().get(key)?;
        for (row, is_new) in [(known.as_deref(), false), (value, true)] {
            for entry in row.map(|row| self.entries(key, row)).transpose()?.unwrap_or_default() {
                if is_new { txn.put(&entry, &[])? } else { txn.delete(&entry)? }
            }
        }
        Ok(set(txn, key, value)?)
    }

    /// What stands beside the row of a record.
    fn entries(&self, key: &[u8], row: &[u8]) -> Result<BTreeSet<Vec<u8>>> {
        let place = key::u16_at(key, 1).map(ObjectCode).zip(key::id_at_end(key));
        let (object, id) = place.ok_or(IncrementError::Damaged("the key of a record"))?;
        let record = codec::decode_record(object, id, row)?;
        Ok(match record.trashed_at {
            Some(at) => BTreeSet::from([key::trash_time(object, at, id)]),
            None => match self.layouts.get(&object) {
                Some(layout) => layout.entries(&record),
                None => Layout::default().entries(&record),
            },
        })
    }

    fn finish(&self, txn: &mut dyn Transaction, begin: &Begin) -> Result<()> {
        if self.head != begin.until {
            return Err(IncrementError::Damaged("its change log breaks off"));
        }
        Ok(txn.put(&key::meta("head"), &self.head.encode()?)?)
    }
}

fn set(txn: &mut dyn Transaction, key: &[u8], value: Option<&[u8]>) -> Result<(), StoreError> {
    match value {
        Some(value) => txn.put(key, value),
        None => txn.delete(key),
    }
}
