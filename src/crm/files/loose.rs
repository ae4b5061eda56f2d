//! Files that go: nobody's for a day, those of purged records, and what an interrupted upload left.

use std::collections::BTreeSet;

use aplomb_model::{Id, Record, Result, Timestamp};
use aplomb_store::{Assert, Batch, Op, Reason};

use super::follow::Moves;
use super::kept::Kept;
use super::remove;
use crate::crm::{Crm, Inner};
use crate::errors::OrStore;

/// How long an upload may wait for a record, and how long a file can be brought back that was taken out of one.
const LOOSE_DAYS: i64 = 1;

/// Removes what no record has referred to for a day; how many.
pub(crate) fn remove_loose(crm: &Crm, now: Timestamp) -> Result<usize> {
    let end = now.plus_days(-LOOSE_DAYS);
    let mut all = 0;
    loop {
        let view = crm.inner.view()?;
        let mut removed = 0;
        for id in Kept::loose_before(&view, end)? {
            let Some(kept) = Kept::load(&view, id)? else { continue };
            let batch = Batch {
                at: now,
                actor: Id::NIL,
                reason: Reason::new("file"),
                request: "upkeep".into(),
                ops: kept.delete(),
                asserts: vec![kept.unchanged()],
            };
            crm.inner.commit(batch).or_store()?;
            remove(&crm.inner.files, id);
            removed += 1;
        }
        if removed == 0 {
            return Ok(all);
        }
        all += removed;
    }
}

/// What lets purged records' files go, for the batch that purges them; the files whose content is to be removed after it.
pub(crate) fn release(
    inner: &Inner,
    records: &[Record],
    now: Timestamp,
    ops: &mut Vec<Op>,
    asserts: &mut Vec<Assert>,
) -> Result<Vec<Id>> {
    let (view, mut moves) = (inner.view()?, Moves::default());
    for record in records {
        moves.release(&view, record, now)?;
    }
    Ok(moves.write_and_drop(ops, asserts))
}

/// Removes content that no document tells of: a crash came between, or a backup was restored. Nothing may be uploading.
pub(crate) fn remove_unknown(inner: &Inner) -> Result<()> {
    let names = match inner.files.list() {
        Ok(names) if !names.is_empty() => names,
        _ => return Ok(()),
    };
    let mut known = BTreeSet::new();
    Kept::each(&inner.view()?, |kept| _ = known.insert(kept.file.id))?;
    let ids = names.iter().filter_map(|name| name.parse::<Id>().ok());
    ids.filter(|id| !known.contains(id)).for_each(|id| remove(&inner.files, id));
    Ok(())
}

/// Removes the content of files after the batch that let them go.
pub(crate) fn remove_content(inner: &Inner, gone: &[Id]) {
    gone.iter().for_each(|id| remove(&inner.files, *id));
}
