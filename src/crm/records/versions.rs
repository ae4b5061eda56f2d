//! Whether a record is still what somebody saw. Times of touch, which follow from the work that refers to a record,
//! make versions too, but must not stand in the way of whoever edits it.

use aplomb_model::{FieldCode, Object, Record, Result};
use aplomb_store::{ChangeKind, HistoryEntry};

use super::plan::Plan;
use crate::errors::OrStore;

const PAGE: usize = 50;

impl Plan<'_> {
    /// True when a field that people set changed after `version`, or the record went into the trash or came back; also
    /// for a version that there never was. `record` is what this plan leaves so far.
    pub fn changed_since(&self, object: &Object, record: &Record, version: u32) -> Result<bool> {
        if version == record.version {
            return Ok(false);
        }
        let stored = self.view.get(record.object, record.id).or_store()?;
        let Some(stored) = stored.filter(|s| version <= s.version) else { return Ok(true) };
        if stored.trashed_at != record.trashed_at || !differing(&stored, record).all(|code| follows(object, code)) {
            return Ok(true);
        }
        let mut before = None;
        loop {
            let page = self.view.history(record.object, record.id, before, PAGE).or_store()?;
            for entry in &page {
                if entry.version <= version {
                    return Ok(false);
                }
                if !only_follows(object, entry) {
                    return Ok(true);
                }
            }
            let Some(last) = page.last() else { return Ok(true) };
            before = Some(last.seq);
        }
    }
}

fn differing<'r>(one: &'r Record, other: &'r Record) -> impl Iterator<Item = FieldCode> + 'r {
    let all = one.fields.iter().chain(other.fields.iter()).map(|(code, _)| code);
    all.filter(|code| one.get(*code) != other.get(*code))
}

pub(super) fn only_follows(object: &Object, entry: &HistoryEntry) -> bool {
    let changed = || entry.changes.iter().map(|(code, ..)| *code);
    entry.kind == ChangeKind::Updated && !entry.erased && changed().all(|code| follows(object, code))
}

/// Fields that only the system sets. Those that follow from the record's own fields change together with them.
fn follows(object: &Object, code: FieldCode) -> bool {
    object.by_code(code).is_some_and(|field| field.read_only)
}
