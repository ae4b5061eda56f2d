//! From a batch to the rows it writes and the conditions it has. Runs on the caller's thread, so that the writer only
//! compares, puts and chains.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aplomb_model::{FieldCode, Id, Object, ObjectCode, Record};

use crate::codec::{self, Back, LogBody, LogItem};
use crate::engine::Snapshot;
use crate::key::{self, Space};
use crate::layout::{Layout, Layouts};
use crate::seal::{RecordKey, Sealer};
use crate::{Assert, Batch, ChangeKind, DocChange, Job, Op, StoreError};

type Result<T> = std::result::Result<T, StoreError>;
type RecordId = (ObjectCode, Id);

/// A row to put, or to delete.
pub(crate) type Mutation = (Vec<u8>, Option<Vec<u8>>);

/// What a batch writes and under which conditions, but for its place in the log.
#[derive(Default)]
pub(crate) struct Prepared {
    /// of the layouts it was made for
    pub layouts: u64,
    /// indexes to be made first
    pub new_layouts: BTreeMap<ObjectCode, Arc<Layout>>,
    pub checks: Vec<Check>,
    /// index keys without the id, of unique fields
    pub unique: Vec<Unique>,
    /// sorted by key, one for each
    pub mutations: Vec<Mutation>,
    pub jobs: Vec<JobChange>,
    pub counts: BTreeMap<ObjectCode, i64>,
    /// `None` when nothing goes into the log
    pub log: Option<Log>,
}

pub(crate) struct Log {
    pub at: aplomb_model::Timestamp,
    pub encoded: Vec<u8>,
    pub hash: [u8; 32],
    /// positions of the items of each record
    pub items: BTreeMap<RecordId, Vec<u32>>,
}

pub(crate) enum Check {
    /// The record is stored in these very bytes, in this space.
    Current {
        space: Space,
        record: Arc<Record>,
        stored: Vec<u8>,
    },
    Version {
        object: ObjectCode,
        id: Id,
        version: u32,
    },
    DocIs {
        kind: String,
        key: Vec<u8>,
        wanted: Option<Vec<u8>>,
    },
    /// What the log says was before is still so; else the batch is prepared again.
    Fresh {
        key: Vec<u8>,
        value: Option<Vec<u8>>,
    },
}

pub(crate) struct Unique {
    pub object: ObjectCode,
    pub field: FieldCode,
    pub id: Id,
    pub prefix: Vec<u8>,
}

pub(crate) enum JobChange {
    Put(Job),
    Done(Id),
}

/// What preparing needs beside the batch.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub snapshot: &'a dyn Snapshot,
    pub layouts: &'a Layouts,
    pub sealer: &'a Sealer,
}

struct Preparing<'a> {
    batch: &'a Batch,
    context: Context<'a>,
    out: Prepared,
    /// of the object of the last operation
    layout: Option<(Arc<Object>, Arc<Layout>)>,
    mutations: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// records as earlier operations of this batch leave them; `None` after a purge
    written: BTreeMap<RecordId, Option<Arc<Record>>>,
    docs_written: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// unique index keys that records of this batch hold at its end
    held: BTreeMap<Vec<u8>, RecordId>,
    body: LogBody,
    items: BTreeMap<RecordId, Vec<u32>>,
}

pub(crate) fn prepare(batch: &Batch, context: Context<'_>) -> Result<Prepared> {
    let body = LogBody {
        at: batch.at,
        actor: batch.actor,
        reason: batch.reason.clone(),
        request: batch.request.clone(),
        items: Vec::with_capacity(batch.ops.len()),
        docs: Vec::new(),
    };
    let mut preparing = Preparing {
        batch,
        context,
        out: Prepared { layouts: context.layouts.version, ..Prepared::default() },
        layout: None,
        mutations: BTreeMap::new(),
        written: BTreeMap::new(),
        docs_written: BTreeMap::new(),
        held: BTreeMap::new(),
        body,
        items: BTreeMap::new(),
    };
    for op in &batch.ops {
        preparing.op(op)?;
    }
    preparing.asserts()?;
    preparing.finish()
}

impl Preparing<'_> {
    fn op(&mut self, op: &Op) -> Result<()> {
        match op {
            Op::Put { record, before, object } => self.put(record, before.as_ref(), object),
            Op::Purge { record, object } => self.purge(record, object),
            Op::Doc { kind, key, value, logged } => self.doc(kind, key, value.as_deref(), *logged),
            Op::Job { job } => {
                self.out.jobs.push(JobChange::Put(job.clone()));
                Ok(())
            }
            Op::JobDone { id } => {
                self.out.jobs.push(JobChange::Done(*id));
                Ok(())
            }
        }
    }

    /// The layout to write with: what is in force, and what the object declares beyond it.
    fn layout(&mut self, object: &Arc<Object>) -> Arc<Layout> {
        if let Some((known, layout)) = &self.layout
            && Arc::ptr_eq(known, object)
        {
            return Arc::clone(layout);
        }
        let wanted = Layout::of(object);
        let layout = match self.context.layouts.of(object.code) {
            Some(layout) if layout.lacks(&wanted).is_empty() => Arc::clone(layout),
            in_force => {
                let mut layout = in_force.map(|l| Layout::clone(l)).unwrap_or_default();
                layout.fields.extend(wanted.fields);
                let layout = Arc::new(layout);
                self.out.new_layouts.insert(object.code, Arc::clone(&layout));
                layout
            }
        };
        self.layout = Some((Arc::clone(object), Arc::clone(&layout)));
        layout
    }

    fn put(&mut self, record: &Record, before: Option<&Arc<Record>>, object: &Arc<Object>) -> Result<()> {
        if record.object != object.code || before.is_some_and(|b| b.object != record.object || b.id != record.id) {
            return Err(StoreError::Invalid("record, version before and object do not belong together".into()));
        }
        self.expect_before((record.object, record.id), before)?;
        let mut record = record.clone();
        record.version = before.map_or(1, |b| b.version.saturating_add(1));
        let layout = self.layout(object);
        let stored = codec::encode_record(&record)?;
        let state = codec::state(&stored);
        self.indexes(&layout, before.map(|b| &**b), Some(&record));
        self.place(before.map(|b| &**b), &record, stored);
        let kind = match (before.map(|b| b.trashed_at), record.trashed_at) {
            (None, _) => ChangeKind::Created,
            (Some(None), Some(_)) => ChangeKind::Trashed,
            (Some(Some(_)), None) => ChangeKind::Restored,
            _ => ChangeKind::Updated,
        };
        let back = before.map(|before| self.back(before, &record, object)).transpose()?;
        self.item(LogItem { object: record.object, id: record.id, version: record.version, kind, state, back });
        self.written.insert((record.object, record.id), Some(Arc::new(record)));
        Ok(())
    }

    fn purge(&mut self, record: &Arc<Record>, object: &Arc<Object>) -> Result<()> {
        if record.object != object.code {
            return Err(StoreError::Invalid("record and object do not belong together".into()));
        }
        let id = (record.object, record.id);
        self.expect_before(id, Some(record))?;
        let layout = self.layout(object);
        self.indexes(&layout, Some(record), None);
        for space in [Space::Record, Space::Trash, Space::LogKey] {
            self.delete(key::of_record(space, record.object, record.id));
        }
        match record.trashed_at {
            Some(at) => self.delete(key::trash_time(record.object, at, record.id)),
            None => self.count(record.object, -1),
        }
        self.item(LogItem {
            object: record.object,
            id: record.id,
            version: record.version,
            kind: ChangeKind::Purged,
            state: [0; 16],
            back: None,
        });
        self.written.insert(id, None);
        Ok(())
    }

    /// Asserts that `before` is what is stored, or what an earlier operation of this batch leaves.
    fn expect_before(&mut self, id: RecordId, before: Option<&Arc<Record>>) -> Result<()> {
        if let Some(earlier) = self.written.get(&id) {
            let same = earlier.as_ref().map(|r| r.version) == before.map(|b| b.version);
            let current = earlier.as_ref().map_or(0, |r| r.version);
            return if same { Ok(()) } else { Err(StoreError::VersionMismatch { object: id.0, id: id.1, current }) };
        }
        self.out.checks.push(match before {
            None => Check::Version { object: id.0, id: id.1, version: 0 },
            Some(before) => Check::Current {
                space: space_of(before),
                record: Arc::clone(before),
                stored: codec::encode_record(before)?,
            },
        });
        Ok(())
    }

    /// Moves the record's row between the live ones and the trash, and counts.
    fn place(&mut self, before: Option<&Record>, record: &Record, stored: Vec<u8>) {
        let (object, id) = (record.object, record.id);
        if let Some(before) = before
            && before.trashed_at != record.trashed_at
        {
            if let Some(at) = before.trashed_at {
                self.delete(key::trash_time(object, at, id));
            }
            self.delete(key::of_record(space_of(before), object, id));
        }
        if let Some(at) = record.trashed_at
            && before.is_none_or(|b| b.trashed_at != record.trashed_at)
        {
            self.mutations.insert(key::trash_time(object, at, id), Some(vec![]));
        }
        self.mutations.insert(key::of_record(space_of(record), object, id), Some(stored));
        let live = |r: &Record| i64::from(r.trashed_at.is_none());
        self.count(object, live(record) - before.map_or(0, live));
    }

    fn indexes(&mut self, layout: &Layout, before: Option<&Record>, after: Option<&Record>) {
        let entries = |r: Option<&Record>| match r {
            Some(r) if r.trashed_at.is_none() => layout.entries(r),
            _ => BTreeSet::new(),
        };
        let (old, new) = (entries(before), entries(after));
        for gone in old.difference(&new) {
            self.delete(gone.clone());
            self.held.remove(gone);
        }
        for entry in new.difference(&old) {
            if let Some(field) = layout.unique_field(entry)
                && let Some(record) = after
            {
                let prefix = entry[..entry.len() - 16].to_vec();
                self.out.unique.push(Unique { object: record.object, field, id: record.id, prefix });
                self.held.insert(entry.clone(), (record.object, record.id));
            }
            self.mutations.insert(entry.clone(), Some(vec![]));
        }
    }

    /// What leads back from `record` to `before`; personal values sealed.
    fn back(&mut self, before: &Record, record: &Record, object: &Object) -> Result<Back> {
        let mut back = Back {
            updated_at: before.updated_at,
            updated_by: before.updated_by,
            trashed_at: before.trashed_at,
            changes: vec![],
            personal: vec![],
            sealed: vec![],
        };
        let mut sealed = vec![];
        let codes: BTreeSet<FieldCode> =
            before.fields.iter().chain(record.fields.iter()).map(|(code, _)| code).collect();
        for code in codes {
            let (old, new) = (before.get(code), record.get(code));
            if old == new {
                continue;
            }
            if object.by_code(code).is_none_or(|f| f.personal) {
                back.personal.push(code);
                sealed.push((old.cloned(), new.cloned()));
            } else {
                back.changes.push((code, old.cloned(), new.cloned()));
            }
        }
        if !sealed.is_empty() {
            let key = self.record_key(record.object, record.id)?;
            let place = (record.object, record.id, record.version);
            back.sealed = self.context.sealer.seal(&key, place, &sealed)?;
        }
        Ok(back)
    }

    /// The key to a record's personal values in the log, made when first needed.
    fn record_key(&mut self, object: ObjectCode, id: Id) -> Result<RecordKey> {
        let row = key::of_record(Space::LogKey, object, id);
        let known = match self.mutations.get(&row) {
            Some(written) => written.clone(),
            None => self.context.snapshot.get(&row)?,
        };
        match known {
            Some(bytes) => {
                bytes.as_slice().try_into().map_err(|_| StoreError::corrupt("key to personal values in the change log"))
            }
            None => {
                let key = self.context.sealer.new_record_key()?;
                self.out.checks.push(Check::Fresh { key: row.clone(), value: None });
                self.mutations.insert(row, Some(key.to_vec()));
                Ok(key)
            }
        }
    }

    fn doc(&mut self, kind: &str, key: &[u8], value: Option<&[u8]>, logged: bool) -> Result<()> {
        if kind.is_empty() || kind.contains('\0') {
            return Err(StoreError::Invalid("the kind of a document is a name without NUL".into()));
        }
        let row = key::doc(kind, key);
        if logged {
            let before = match self.docs_written.get(&row) {
                Some(written) => written.clone(),
                None => {
                    let stored = self.context.snapshot.get(&row)?;
                    self.out.checks.push(Check::Fresh { key: row.clone(), value: stored.clone() });
                    stored
                }
            };
            let after = value.map(<[u8]>::to_vec);
            self.body.docs.push(DocChange { kind: kind.to_owned(), key: key.to_vec(), before, after });
        }
        self.docs_written.insert(row.clone(), value.map(<[u8]>::to_vec));
        self.mutations.insert(row, value.map(<[u8]>::to_vec));
        Ok(())
    }

    fn asserts(&mut self) -> Result<()> {
        for assert in &self.batch.asserts {
            self.out.checks.push(match assert {
                Assert::Version { object, id, version } => {
                    Check::Version { object: *object, id: *id, version: *version }
                }
                Assert::DocIs { kind, key, hash_or_value } => {
                    Check::DocIs { kind: (*kind).to_owned(), key: key.clone(), wanted: hash_or_value.clone() }
                }
            });
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Prepared> {
        self.no_twins()?;
        if !self.body.items.is_empty() || !self.body.docs.is_empty() {
            let encoded = codec::encode_log(&self.body)?;
            let hash = codec::hash(&encoded);
            self.out.log = Some(Log { at: self.body.at, encoded, hash, items: self.items });
        }
        self.out.mutations = self.mutations.into_iter().collect();
        Ok(self.out)
    }

    /// Two records of one batch may not end with the same value in a unique field.
    fn no_twins(&self) -> Result<()> {
        for ((one, held), other) in self.held.iter().zip(self.held.keys().skip(1)) {
            if one.len() == other.len() && one[..one.len() - 16] == other[..other.len() - 16] {
                let field = FieldCode(key::u16_at(one, 3).unwrap_or_default());
                return Err(StoreError::NotUnique { object: held.0, field, existing: held.1 });
            }
        }
        Ok(())
    }

    fn item(&mut self, item: LogItem) {
        self.items.entry((item.object, item.id)).or_default().push(self.body.items.len() as u32);
        self.body.items.push(item);
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.mutations.insert(key, None);
    }

    fn count(&mut self, object: ObjectCode, by: i64) {
        if by != 0 {
            *self.out.counts.entry(object).or_default() += by;
        }
    }
}

/// Where the row of a record lies.
pub(crate) fn space_of(record: &Record) -> Space {
    if record.trashed_at.is_some() { Space::Trash } else { Space::Record }
}
