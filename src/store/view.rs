//! Reading: a consistent view of everything that is committed.

use std::ops::Bound;
use std::sync::Arc;

use aplomb_model::query::Scalar;
use aplomb_model::{FieldCode, Id, ObjectCode, Record, Seq, Timestamp};
use parking_lot::Mutex;

use crate::codec::{self, Head, LogBody};
use crate::engine::{Each, KeyRange, Snapshot, scan_prefix};
use crate::key::{self, Space, after_prefix};
use crate::seal::Sealer;
use crate::{Change, ChangeItem, ChangeKind, IndexRange, Job, StoreError};

/// Keep it short-lived: the file cannot reuse space that a view sees.
#[derive(Clone)]
pub struct View {
    pub(crate) snapshot: Arc<dyn Snapshot>,
    pub(crate) sealer: Sealer,
    seq: Seq,
    /// the log row read last: neighbours in a list were often written by one batch
    last_row: Arc<Mutex<LastRow>>,
}

type LastRow = Option<(Seq, Arc<LogBody>)>;

pub(crate) type Result<T> = std::result::Result<T, StoreError>;

impl View {
    pub(crate) fn new(snapshot: Arc<dyn Snapshot>, sealer: Sealer) -> Result<View> {
        let head = snapshot.get(&key::meta("head"))?.map(|bytes| Head::decode(&bytes)).transpose()?;
        Ok(View { snapshot, sealer, seq: head.unwrap_or_default().seq, last_row: Arc::default() })
    }

    /// The last batch that this view shows.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// A record in the trash too (`trashed_at` is set).
    pub fn get(&self, object: ObjectCode, id: Id) -> Result<Option<Record>> {
        for space in [Space::Record, Space::Trash] {
            if let Some(bytes) = self.snapshot.get(&key::of_record(space, object, id))? {
                return codec::decode_record(object, id, &bytes).map(Some);
            }
        }
        Ok(None)
    }

    /// In the order of `ids`.
    pub fn get_many(&self, object: ObjectCode, ids: &[Id]) -> Result<Vec<Option<Record>>> {
        ids.iter().map(|id| self.get(object, *id)).collect()
    }

    /// Live records by id, which is by creation.
    pub fn scan(&self, object: ObjectCode, after: Option<Id>, descending: bool, limit: usize) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        self.each_row(Space::Record, object, after, descending, &mut |id, bytes| {
            if records.len() < limit {
                records.push(codec::decode_record(object, id, bytes)?);
            }
            Ok(records.len() < limit)
        })?;
        Ok(records)
    }

    /// Rows of a space that is ordered by object and id.
    pub(crate) fn each_row(
        &self,
        space: Space,
        object: ObjectCode,
        after: Option<Id>,
        descending: bool,
        each: &mut dyn FnMut(Id, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        let prefix = key::object(space, object);
        let after = after.map(|id| key::of_record(space, object, id));
        self.page(&prefix, (Bound::Included(&prefix), Bound::Unbounded), after.as_deref(), descending, &mut |k, v| {
            each(id_of(k)?, v)
        })
    }

    /// Rows that start with `prefix`, within `range`, from the one after `after` in the direction.
    fn page(
        &self,
        prefix: &[u8],
        (min, max): KeyRange<'_>,
        after: Option<&[u8]>,
        descending: bool,
        each: Each<'_>,
    ) -> Result<()> {
        let end = after_prefix(prefix);
        let max = match max {
            Bound::Unbounded => end.as_deref().map_or(Bound::Unbounded, Bound::Excluded),
            max => max,
        };
        let range = match after {
            None => (min, max),
            Some(after) if descending => (min, Bound::Excluded(after)),
            Some(after) => (Bound::Excluded(after), max),
        };
        self.snapshot.scan(range, descending, each)
    }

    /// Entries of the index of a field (indexed, unique, or `CREATED_AT`/`UPDATED_AT`), in order of value then id:
    /// the value as `key::encode_scalar` writes it, and the id. `after` is the last entry of the page before.
    pub fn scan_index(
        &self,
        object: ObjectCode,
        field: FieldCode,
        range: IndexRange,
        descending: bool,
        after: Option<(Vec<u8>, Id)>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Id)>> {
        let prefix = match &range.prefix {
            Some(text) => key::index_value(object, field, &key::encode_text_prefix(text)),
            None => key::index_field(object, field),
        };
        let value = |scalar: &Scalar| key::index_value(object, field, &key::encode_scalar(scalar));
        // The id follows the value, so a bound on the value is a bound on all keys that start with it.
        let min = match &range.min {
            Bound::Included(s) => Bound::Included(value(s)),
            Bound::Excluded(s) => after_prefix(&value(s)).map_or(Bound::Unbounded, Bound::Included),
            Bound::Unbounded => Bound::Included(prefix.clone()),
        };
        let max = match &range.max {
            Bound::Included(s) => after_prefix(&value(s)).map_or(Bound::Unbounded, Bound::Excluded),
            Bound::Excluded(s) => Bound::Excluded(value(s)),
            Bound::Unbounded => Bound::Unbounded,
        };
        let after = after.map(|(value, id)| [&key::index_value(object, field, &value)[..], id.as_bytes()].concat());
        let value_at = key::index_field(object, field).len();
        let mut entries = Vec::new();
        let bounds = (min.as_ref().map(Vec::as_slice), max.as_ref().map(Vec::as_slice));
        self.page(&prefix, bounds, after.as_deref(), descending, &mut |k, _| {
            if entries.len() < limit {
                let id = id_of(k)?;
                entries.push((k[value_at..k.len() - 16].to_vec(), id));
            }
            Ok(entries.len() < limit)
        })?;
        Ok(entries)
    }

    /// Live records that have this value in an indexed field, by id.
    pub fn find(&self, object: ObjectCode, field: FieldCode, scalar: &Scalar, limit: usize) -> Result<Vec<Id>> {
        let prefix = key::index_value(object, field, &key::encode_scalar(scalar));
        let mut ids = Vec::new();
        scan_prefix(&*self.snapshot, &prefix, false, &mut |k, _| {
            if ids.len() < limit {
                ids.push(id_of(k)?);
            }
            Ok(ids.len() < limit)
        })?;
        Ok(ids)
    }

    /// Live records that refer to `target`, in order of (object, field, id).
    pub fn referrers(
        &self,
        target: Id,
        limit: usize,
        after: Option<(ObjectCode, FieldCode, Id)>,
    ) -> Result<Vec<(ObjectCode, FieldCode, Id)>> {
        let prefix = key::references(target);
        let after = after.map(|(object, field, id)| key::reference(target, object, field, id));
        let mut found = Vec::new();
        self.page(&prefix, (Bound::Included(&prefix), Bound::Unbounded), after.as_deref(), false, &mut |k, _| {
            if found.len() < limit {
                let code =
                    |at| key::u16_at(k, prefix.len() + at).ok_or_else(|| StoreError::corrupt("key of a reference"));
                found.push((ObjectCode(code(0)?), FieldCode(code(2)?), id_of(k)?));
            }
            Ok(found.len() < limit)
        })?;
        Ok(found)
    }

    /// Records in the trash, longest there first; `after` is the last of the page before.
    pub fn trash(&self, object: ObjectCode, after: Option<Id>, limit: usize) -> Result<Vec<Record>> {
        let after = match after {
            Some(id) => self.get(object, id)?.and_then(|r| r.trashed_at).map(|at| key::trash_time(object, at, id)),
            None => None,
        };
        let prefix = key::object(Space::TrashTime, object);
        let mut ids = Vec::new();
        self.page(&prefix, (Bound::Included(&prefix), Bound::Unbounded), after.as_deref(), false, &mut |k, _| {
            if ids.len() < limit {
                ids.push(id_of(k)?);
            }
            Ok(ids.len() < limit)
        })?;
        let records = self.get_many(object, &ids)?;
        records.into_iter().map(|r| r.ok_or_else(|| StoreError::corrupt("a record in the trash is missing"))).collect()
    }

    /// Live records.
    pub fn count(&self, object: ObjectCode) -> Result<u64> {
        self.snapshot.get(&key::count(object))?.map_or(Ok(0), |bytes| codec::decode_count(&bytes))
    }

    /// Batches after `since`, oldest first.
    pub fn changes(&self, since: Seq, limit: usize) -> Result<Vec<Change>> {
        self.changes_within(since, limit, usize::MAX)
    }

    /// The same, ending with the batch that brings the items of all to `items`: an import's batches are large.
    pub fn changes_within(&self, since: Seq, limit: usize, items: usize) -> Result<Vec<Change>> {
        let (mut changes, mut seen): (Vec<Change>, usize) = (Vec::new(), 0);
        let prefix = key::space(Space::Log);
        let after = key::log(since);
        self.page(&prefix, (Bound::Included(&prefix), Bound::Unbounded), Some(&after), false, &mut |k, v| {
            if changes.len() < limit {
                let seq = key::seq_at_end(k).ok_or_else(|| StoreError::corrupt("key of a log row"))?;
                let change = change(seq, codec::decode_log(v)?);
                seen += change.items.len();
                changes.push(change);
            }
            Ok(changes.len() < limit && seen < items)
        })?;
        Ok(changes)
    }

    pub(crate) fn log_row(&self, seq: Seq) -> Result<Arc<LogBody>> {
        if let Some((known, row)) = &*self.last_row.lock()
            && *known == seq
        {
            return Ok(Arc::clone(row));
        }
        let bytes = self.snapshot.get(&key::log(seq))?;
        let bytes = bytes.ok_or_else(|| StoreError::corrupt(format!("row {seq} of the change log is missing")))?;
        let row = Arc::new(codec::decode_log(&bytes)?);
        *self.last_row.lock() = Some((seq, Arc::clone(&row)));
        Ok(row)
    }

    pub fn doc(&self, kind: &str, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.snapshot.get(&key::doc(kind, key))
    }

    /// Documents whose key starts with `prefix`, by key; `after` is the last key of the page before.
    pub fn docs(
        &self,
        kind: &str,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let start = key::doc(kind, &[]).len();
        let prefix = key::doc(kind, prefix);
        let after = after.map(|key| key::doc(kind, key));
        let mut docs = Vec::new();
        self.page(&prefix, (Bound::Included(&prefix), Bound::Unbounded), after.as_deref(), false, &mut |k, v| {
            if docs.len() < limit {
                docs.push((k[start..].to_vec(), v.to_vec()));
            }
            Ok(docs.len() < limit)
        })?;
        Ok(docs)
    }

    pub fn job(&self, id: Id) -> Result<Option<Job>> {
        self.snapshot.get(&key::job(id))?.map(|bytes| codec::decode_job(&bytes)).transpose()
    }

    /// Jobs due at `at`, longest due first.
    pub fn jobs_due(&self, at: Timestamp, limit: usize) -> Result<Vec<Job>> {
        let end = key::job_due(at, Id::MAX);
        self.jobs_until(Bound::Included(&end), limit)
    }

    /// All jobs, those due first in front.
    pub fn jobs(&self, limit: usize) -> Result<Vec<Job>> {
        self.jobs_until(Bound::Unbounded, limit)
    }

    fn jobs_until(&self, max: Bound<&[u8]>, limit: usize) -> Result<Vec<Job>> {
        let prefix = key::space(Space::JobDue);
        let mut ids = Vec::new();
        self.page(&prefix, (Bound::Included(&prefix), max), None, false, &mut |k, _| {
            if ids.len() < limit {
                ids.push(id_of(k)?);
            }
            Ok(ids.len() < limit)
        })?;
        let missing = || StoreError::corrupt("a job that is due is missing");
        ids.into_iter().map(|id| self.job(id)?.ok_or_else(missing)).collect()
    }
}

fn id_of(key: &[u8]) -> Result<Id> {
    key::id_at_end(key).ok_or_else(|| StoreError::corrupt("a key without an id"))
}

fn change(seq: Seq, body: LogBody) -> Change {
    let items = body.items.into_iter().map(|item| {
        let mut fields: Vec<FieldCode> = match &item.back {
            Some(back) => back.changes.iter().map(|(code, ..)| *code).chain(back.personal.iter().copied()).collect(),
            None => vec![],
        };
        fields.sort();
        ChangeItem { object: item.object, id: item.id, version: item.version, kind: item.kind, fields }
    });
    let items = items.collect();
    Change { seq, at: body.at, actor: body.actor, reason: body.reason, request: body.request, items, docs: body.docs }
}

impl ChangeKind {
    /// The record is live afterwards.
    pub fn is_live(self) -> bool {
        matches!(self, ChangeKind::Created | ChangeKind::Updated | ChangeKind::Restored)
    }
}
