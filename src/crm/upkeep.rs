//! What has to be done from time to time: the trash is emptied after 90 days, files that nobody wants after one, exports
//! after 7.

use aplomb_model::{Result, Timestamp};
use aplomb_store::{Batch, Op, Reason};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::crm::Crm;
use crate::errors::OrStore;
use crate::{files, user_jobs};

const TRASH_DAYS: i64 = 90;
const EVERY_SECONDS: i64 = 3_600;
const PAGE: usize = 200;

/// When it was last done, in seconds.
#[derive(Default)]
pub(crate) struct Upkeep(AtomicI64);

pub(crate) fn tick(crm: &Crm, now: Timestamp) {
    let last = crm.inner.upkeep.0.load(Ordering::Acquire);
    if now.seconds() - last < EVERY_SECONDS {
        return;
    }
    crm.inner.upkeep.0.store(now.seconds(), Ordering::Release);
    if let Err(e) = empty_trash(crm, now) {
        tracing::error!(code = e.code.name(), "the trash cannot be emptied");
    }
    if let Err(e) = files::remove_loose(crm, now) {
        tracing::error!(code = e.code.name(), "files without a record cannot be removed");
    }
    if let Err(e) = user_jobs::tidy(crm, now) {
        tracing::error!(code = e.code.name(), "old exports cannot be removed");
    }
}

/// Removes for good what has been in the trash for 90 days; its files and the key to its personal data in the log go
/// too.
pub(crate) fn empty_trash(crm: &Crm, now: Timestamp) -> Result<usize> {
    let end = now.plus_days(-TRASH_DAYS);
    let mut purged = 0;
    for object in crm.schema().objects() {
        loop {
            let old = crm.inner.view()?.trash(object.code, None, PAGE).or_store()?;
            let old: Vec<_> = old.into_iter().filter(|r| r.trashed_at.is_some_and(|at| at < end)).collect();
            if old.is_empty() {
                break;
            }
            purged += old.len();
            let (mut ops, mut asserts) = (Vec::new(), Vec::new());
            let gone = files::release(&crm.inner, &old, now, &mut ops, &mut asserts)?;
            ops.extend(old.into_iter().map(|r| Op::Purge { record: Arc::new(r), object: object.clone() }));
            let batch = Batch {
                at: now,
                actor: aplomb_model::Id::NIL,
                reason: Reason::new("trash"),
                request: "upkeep".into(),
                ops,
                asserts,
            };
            crm.inner.commit(batch).or_store()?;
            files::remove_content(&crm.inner, &gone);
        }
    }
    Ok(purged)
}
