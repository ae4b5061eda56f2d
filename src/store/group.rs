//! One group of batches in one write transaction: conditions, rows, the place in the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use aplomb_model::{Id, ObjectCode};

use crate::codec::{self, Head, HistoryRow};
use crate::engine::{Snapshot, Transaction, scan_prefix};
use crate::key::{self, Space};
use crate::layout::{Layout, Layouts};
use crate::prepare::{Check, Context, JobChange, Log, Prepared, Unique, prepare};
use crate::reindex;
use crate::seal::Sealer;
use crate::{Batch, Committed, Job, StoreError};

type Result<T, E = StoreError> = std::result::Result<T, E>;

/// What the writer knows of the store's end. Replaced by a group's only when that is durable.
#[derive(Clone, Default)]
pub(crate) struct State {
    pub head: Head,
    pub counts: BTreeMap<ObjectCode, u64>,
    pub layouts: Arc<Layouts>,
}

impl State {
    pub fn load(snapshot: &dyn Snapshot) -> Result<State> {
        let head = match snapshot.get(&key::meta("head"))? {
            Some(bytes) => Head::decode(&bytes)?,
            None => Head::default(),
        };
        let mut counts = BTreeMap::new();
        let prefix = key::meta("count");
        scan_prefix(snapshot, &prefix, false, &mut |k, v| {
            let code = key::u16_at(k, prefix.len()).ok_or_else(|| StoreError::corrupt("key of a counter"))?;
            counts.insert(ObjectCode(code), codec::decode_count(v)?);
            Ok(true)
        })?;
        Ok(State { head, counts, layouts: Arc::new(Layouts::load(snapshot)?) })
    }
}

pub(crate) struct Group<'a> {
    pub state: State,
    pub sealer: &'a Sealer,
    pub txn: &'a mut dyn Transaction,
}

/// The outcome of a batch that was refused while others go on, or an error that ends the group.
pub(crate) enum Refusal {
    Batch(StoreError),
    Group(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(e: StoreError) -> Refusal {
        match e {
            StoreError::Io(_) | StoreError::DiskFull | StoreError::ReadOnly(_) | StoreError::Closed => {
                Refusal::Group(e)
            }
            e => Refusal::Batch(e),
        }
    }
}

/// How often a batch is prepared again because what it read is stale. Nothing changes while the writer prepares, so
/// once is enough; a second time would be an error of ours.
const TRIES: usize = 2;

impl Group<'_> {
    /// Applies a batch or leaves it out whole.
    pub fn add(&mut self, batch: &Batch, prepared: Option<Prepared>) -> Result<Committed, Refusal> {
        let mut prepared = prepared.filter(|p| p.layouts == self.state.layouts.version);
        for _ in 0..TRIES {
            let ready = match prepared.take() {
                Some(ready) => ready,
                None => self.prepare(batch)?,
            };
            if self.is_stale(&ready)? {
                continue;
            }
            self.check(&ready)?;
            // From here on an error would leave half of the batch, so it ends the group.
            return self.apply(ready).map_err(Refusal::Group);
        }
        Err(Refusal::Batch(StoreError::Invalid("the batch reads what it writes".into())))
    }

    fn prepare(&self, batch: &Batch) -> Result<Prepared> {
        prepare(batch, Context { snapshot: self.txn.reader(), layouts: &self.state.layouts, sealer: self.sealer })
    }

    fn is_stale(&self, prepared: &Prepared) -> Result<bool> {
        for check in &prepared.checks {
            if let Check::Fresh { key, value } = check
                && self.txn.reader().get(key)? != *value
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn check(&self, prepared: &Prepared) -> Result<()> {
        prepared.checks.iter().try_for_each(|check| self.holds(check))?;
        prepared.unique.iter().try_for_each(|unique| self.is_free(unique, prepared))
    }

    fn holds(&self, check: &Check) -> Result<()> {
        match check {
            Check::Current { space, record, stored } => {
                let row = self.txn.reader().get(&key::of_record(*space, record.object, record.id))?;
                if row.as_ref() == Some(stored) {
                    return Ok(());
                }
                // An older stored form of the same record is as good.
                let same = row.map(|bytes| codec::decode_record(record.object, record.id, &bytes)).transpose()?;
                if same.is_some_and(|r| r == **record) {
                    return Ok(());
                }
                let current = self.version(record.object, record.id)?;
                Err(StoreError::VersionMismatch { object: record.object, id: record.id, current })
            }
            Check::Version { object, id, version } => match self.version(*object, *id)? {
                current if current == *version => Ok(()),
                current => Err(StoreError::VersionMismatch { object: *object, id: *id, current }),
            },
            Check::DocIs { kind, key, wanted } => {
                let found = self.txn.reader().get(&key::doc(kind, key))?;
                let holds = match (&found, wanted) {
                    (None, None) => true,
                    (Some(found), Some(wanted)) => found == wanted || codec::hash(found)[..] == wanted[..],
                    _ => false,
                };
                if holds { Ok(()) } else { Err(StoreError::AssertFailed { kind: kind.clone(), key: key.clone() }) }
            }
            Check::Fresh { .. } => Ok(()),
        }
    }

    /// 0 when there is none.
    fn version(&self, object: ObjectCode, id: Id) -> Result<u32> {
        for space in [Space::Record, Space::Trash] {
            if let Some(bytes) = self.txn.reader().get(&key::of_record(space, object, id))? {
                return codec::decode_version(&bytes);
            }
        }
        Ok(0)
    }

    fn is_free(&self, unique: &Unique, prepared: &Prepared) -> Result<()> {
        let given_up = |entry: &[u8]| {
            let at = prepared.mutations.binary_search_by(|(key, _)| key.as_slice().cmp(entry));
            at.is_ok_and(|at| prepared.mutations[at].1.is_none())
        };
        let mut holder = None;
        scan_prefix(self.txn.reader(), &unique.prefix, false, &mut |entry, _| {
            let id = key::id_at_end(entry).filter(|id| *id != unique.id);
            holder = id.filter(|_| entry.len() == unique.prefix.len() + 16 && !given_up(entry));
            Ok(holder.is_none())
        })?;
        match holder {
            Some(existing) => Err(StoreError::NotUnique { object: unique.object, field: unique.field, existing }),
            None => Ok(()),
        }
    }

    fn apply(&mut self, prepared: Prepared) -> Result<Committed> {
        for (object, layout) in &prepared.new_layouts {
            self.adopt(*object, layout)?;
        }
        for (key, value) in &prepared.mutations {
            match value {
                Some(value) => self.txn.put(key, value)?,
                None => self.txn.delete(key)?,
            }
        }
        prepared.jobs.iter().try_for_each(|job| self.job(job))?;
        for (object, by) in &prepared.counts {
            let count = self.state.counts.entry(*object).or_default();
            *count = count.saturating_add_signed(*by);
            self.txn.put(&key::count(*object), &codec::encode_count(*count))?;
        }
        if let Some(log) = &prepared.log {
            self.append(log)?;
        }
        Ok(Committed { seq: self.state.head.seq })
    }

    fn append(&mut self, log: &Log) -> Result<()> {
        let head = self.state.head.next(&log.hash);
        self.txn.put(&key::log(head.seq), &codec::log_row(&log.encoded, &head.chain))?;
        for ((object, id), items) in &log.items {
            let row = codec::encode_history(&HistoryRow { at: log.at, items: items.clone() })?;
            self.txn.put(&key::history(*object, *id, head.seq), &row)?;
        }
        self.state.head = head;
        Ok(())
    }

    fn job(&mut self, change: &JobChange) -> Result<()> {
        let id = match change {
            JobChange::Put(job) => job.id,
            JobChange::Done(id) => *id,
        };
        if let Some(old) = self.txn.reader().get(&key::job(id))? {
            let old: Job = codec::decode_job(&old)?;
            self.txn.delete(&key::job_due(old.due, id))?;
        }
        match change {
            JobChange::Put(job) => {
                self.txn.put(&key::job(id), &codec::encode_job(job)?)?;
                self.txn.put(&key::job_due(job.due, id), &[])
            }
            JobChange::Done(_) => self.txn.delete(&key::job(id)),
        }
    }

    /// Brings the indexes of objects to their declarations.
    pub fn declare(&mut self, layouts: &[(ObjectCode, Arc<Layout>)]) -> Result<()> {
        for (object, layout) in layouts {
            if self.state.layouts.of(*object) != Some(layout) {
                self.adopt(*object, layout)?;
            }
        }
        Ok(())
    }

    fn adopt(&mut self, object: ObjectCode, layout: &Arc<Layout>) -> Result<()> {
        let mut layouts = Layouts::clone(&self.state.layouts);
        let old = layouts.objects.insert(object, Arc::clone(layout)).unwrap_or_default();
        layouts.version += 1;
        reindex::change(self.txn, object, &old, layout)?;
        self.txn.put(&key::layout(object), &layout.encode()?)?;
        self.state.layouts = Arc::new(layouts);
        Ok(())
    }

    /// Writes what every group ends with.
    pub fn finish(self) -> Result<State> {
        self.txn.put(&key::meta("head"), &self.state.head.encode()?)?;
        Ok(self.state)
    }
}
