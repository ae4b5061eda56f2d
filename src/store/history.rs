//! Going back in time: from a record as it is now, backward over what the change log says was before.

use std::ops::Bound;

use aplomb_model::{Id, ObjectCode, Record, Seq, Timestamp};

use crate::codec::{self, Back, LogItem};
use crate::engine::{Each, scan_prefix};
use crate::key::{self, Space};
use crate::seal::RecordKey;
use crate::view::{Result, View};
use crate::{ChangeKind, FieldChange, HistoryEntry, StoreError};

/// How far back to go.
#[derive(Clone, Copy)]
enum Until {
    Version(u32),
    Time(Timestamp),
}

/// One write of a record, by its place in the log.
struct Step {
    seq: Seq,
    at: Timestamp,
    item: u32,
}

/// Rows of one read of a history.
const PAGE: usize = 64;

impl View {
    /// Newest first; `before` is the seq of the last entry of the page before. What a purged record held is gone:
    /// its entries tell only who wrote when.
    pub fn history(&self, object: ObjectCode, id: Id, before: Option<Seq>, limit: usize) -> Result<Vec<HistoryEntry>> {
        let key = self.record_key(object, id)?;
        let mut entries = Vec::new();
        for step in self.steps(object, id, before, limit)? {
            let row = self.log_row(step.seq)?;
            let item = item_of(&row.items, &step)?;
            let (changes, erased) = self.changes_of(item, key.as_ref())?;
            entries.push(HistoryEntry {
                seq: step.seq,
                at: row.at,
                actor: row.actor,
                reason: row.reason.clone(),
                request: row.request.clone(),
                version: item.version,
                kind: item.kind,
                changes,
                erased,
            });
        }
        Ok(entries)
    }

    fn changes_of(&self, item: &LogItem, key: Option<&RecordKey>) -> Result<(Vec<FieldChange>, bool)> {
        match (&item.back, item.kind) {
            (Some(back), _) => {
                let mut changes = back.changes.clone();
                let erased = !back.personal.is_empty() && key.is_none();
                if let Some(key) = key {
                    changes.extend(self.unseal(item, back, key)?);
                }
                changes.sort_by_key(|(code, ..)| *code);
                Ok((changes, erased))
            }
            (None, ChangeKind::Created) => match self.at_version(item.object, item.id, item.version)? {
                Some(first) => {
                    Ok((first.fields.iter().map(|(code, v)| (code, None, Some(v.clone()))).collect(), false))
                }
                None => Ok((vec![], true)),
            },
            (None, _) => Ok((vec![], true)),
        }
    }

    /// The record as it was at a version; `None` when it never had it or is purged.
    pub fn at_version(&self, object: ObjectCode, id: Id, version: u32) -> Result<Option<Record>> {
        match self.get(object, id)? {
            Some(record) if version > 0 && version <= record.version => self.back_to(record, Until::Version(version)),
            _ => Ok(None),
        }
    }

    /// The record as it was at a time, in the trash too; `None` when it did not exist yet or is purged.
    pub fn as_of(&self, object: ObjectCode, id: Id, at: Timestamp) -> Result<Option<Record>> {
        match self.get(object, id)? {
            Some(record) => self.back_to(record, Until::Time(at)),
            None => Ok(None),
        }
    }

    /// Records that were live at a time, by id. Those purged since are missing.
    pub fn as_of_scan(
        &self,
        object: ObjectCode,
        at: Timestamp,
        after: Option<Id>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        let mut after = after;
        while records.len() < limit {
            let page = self.all_after(object, after, limit.max(PAGE))?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for record in page {
                match self.back_to(record, Until::Time(at))? {
                    Some(record) if record.trashed_at.is_none() => records.push(record),
                    _ => continue,
                }
                if records.len() == limit {
                    break;
                }
            }
        }
        Ok(records)
    }

    /// Records by id, live ones and those in the trash.
    fn all_after(&self, object: ObjectCode, after: Option<Id>, limit: usize) -> Result<Vec<Record>> {
        let mut records = self.scan(object, after, false, limit)?;
        self.each_row(Space::Trash, object, after, false, &mut |id, bytes| {
            records.push(codec::decode_record(object, id, bytes)?);
            Ok(records.len() < 2 * limit)
        })?;
        records.sort_by_key(|r| r.id);
        records.truncate(limit);
        Ok(records)
    }

    fn back_to(&self, mut record: Record, until: Until) -> Result<Option<Record>> {
        let mut before = None;
        let mut key = None;
        loop {
            let steps = self.steps(record.object, record.id, before, PAGE)?;
            let Some(last) = steps.last() else {
                return Err(StoreError::corrupt("the history of a record is not whole"));
            };
            before = Some(last.seq);
            for step in steps {
                let there = match until {
                    Until::Version(version) => record.version == version,
                    Until::Time(at) => step.at <= at,
                };
                if there {
                    return Ok(Some(record));
                }
                let row = self.log_row(step.seq)?;
                let item = item_of(&row.items, &step)?;
                let Some(back) = &item.back else { return Ok(None) };
                if key.is_none() && !back.personal.is_empty() {
                    key = self.record_key(record.object, record.id)?;
                }
                self.undo(&mut record, item, back, key.as_ref())?;
            }
        }
    }

    fn undo(&self, record: &mut Record, item: &LogItem, back: &Back, key: Option<&RecordKey>) -> Result<()> {
        if item.version != record.version {
            return Err(StoreError::corrupt("the history of a record is not whole"));
        }
        record.version -= 1;
        record.updated_at = back.updated_at;
        record.updated_by = back.updated_by;
        record.trashed_at = back.trashed_at;
        for (code, old, _) in &back.changes {
            record.fields.set(*code, old.clone());
        }
        if !back.personal.is_empty() {
            let key = key.ok_or_else(|| StoreError::corrupt("the key to a record's history is missing"))?;
            for (code, old, _) in self.unseal(item, back, key)? {
                record.fields.set(code, old);
            }
        }
        Ok(())
    }

    fn unseal(&self, item: &LogItem, back: &Back, key: &RecordKey) -> Result<Vec<FieldChange>> {
        if back.personal.is_empty() {
            return Ok(vec![]);
        }
        let place = (item.object, item.id, item.version);
        let values = self.sealer.open(key, place, &back.personal, &back.sealed)?;
        Ok(back.personal.iter().zip(values).map(|(code, (old, new))| (*code, old, new)).collect())
    }

    fn record_key(&self, object: ObjectCode, id: Id) -> Result<Option<RecordKey>> {
        let bytes = self.snapshot.get(&key::of_record(Space::LogKey, object, id))?;
        let damaged = |_| StoreError::corrupt("key to personal values in the change log");
        bytes.map(|b| b.as_slice().try_into().map_err(damaged)).transpose()
    }

    /// The writes of a record, newest first: of at least `limit` batches, if there are so many.
    fn steps(&self, object: ObjectCode, id: Id, before: Option<Seq>, limit: usize) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        let prefix = key::of_record(Space::History, object, id);
        scan_prefix_until(self, &prefix, before.map(|seq| key::history(object, id, seq)), &mut |k, v| {
            let seq = key::seq_at_end(k).ok_or_else(|| StoreError::corrupt("key of a history row"))?;
            let row = codec::decode_history(v)?;
            steps.extend(row.items.iter().rev().map(|item| Step { seq, at: row.at, item: *item }));
            Ok(steps.len() < limit)
        })?;
        if limit == 0 {
            steps.clear();
        }
        Ok(steps)
    }
}

fn scan_prefix_until(view: &View, prefix: &[u8], end: Option<Vec<u8>>, each: Each<'_>) -> Result<()> {
    match &end {
        None => scan_prefix(&*view.snapshot, prefix, true, each),
        Some(end) => view.snapshot.scan((Bound::Included(prefix), Bound::Excluded(end)), true, each),
    }
}

fn item_of<'r>(items: &'r [LogItem], step: &Step) -> Result<&'r LogItem> {
    items.get(step.item as usize).ok_or_else(|| StoreError::corrupt(format!("row {} of the change log", step.seq)))
}
