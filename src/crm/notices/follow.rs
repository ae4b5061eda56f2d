//! The thread that follows the log for notices. Its cursor is stored with the notices it makes; while there is nothing
//! to tell it is stored once in a while, because storing it makes a batch of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use aplomb_model::{Error, Id, Result, Seq, Timestamp};
use aplomb_store::{Change, Op};
use parking_lot::{Condvar, Mutex};

use super::decide::Deciding;
use super::{followed, gather};
use crate::crm::{Crm, Inner};
use crate::errors::OrStore;
use crate::{Ctx, Random};

/// Document: the last batch that was looked at.
const CURSOR: &str = "noticeCursor";
/// What the log says of the batches that are written here.
const REASON: &str = "notices";
/// Longest sleep; also how long a stop may take.
const NAP: Duration = Duration::from_millis(100);
/// Between two looks at the log, so that many changes cost little more than one.
const PACE: Duration = Duration::from_millis(60);
const FAILED: Duration = Duration::from_secs(5);
const BATCHES: usize = 500;
/// Changes of records after which no further batch is read.
const ITEMS: usize = 2_000;
/// Seconds of the log, and batches, after which the cursor is stored although there was nothing to tell.
const STALE_SECONDS: i64 = 60;
const STALE_BATCHES: Seq = 10_000;
const TIDY_SECONDS: i64 = 3_600;

#[derive(Default)]
pub(super) struct Thread {
    shared: Arc<Shared>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    bell: Condvar,
    gate: Mutex<()>,
}

/// How far it is.
#[derive(Clone, Copy)]
struct Place {
    seen: Seq,
    /// the cursor in the store
    stored: Seq,
    /// somebody else's batches were seen since
    foreign: bool,
    stored_at: Option<Timestamp>,
    tidied_at: Option<Timestamp>,
    latest: Option<Timestamp>,
}

impl Thread {
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.bell.notify_all();
        if let Some(handle) = self.handle.lock().take()
            && handle.thread().id() != std::thread::current().id()
        {
            let _ = handle.join();
        }
    }
}

impl Crm {
    /// Starts following the log where it was left; the first time, from now. Errors: the cursor cannot be read.
    pub fn start_notices(&self, now: Timestamp) -> Result<()> {
        let thread = &self.inner.notices.thread;
        let mut handle = thread.handle.lock();
        if handle.is_some() {
            return Ok(());
        }
        self.inner.load_followed()?;
        let view = self.inner.view()?;
        let known = view.doc(CURSOR, b"").or_store()?.map(|bytes| read_cursor(&bytes)).transpose()?;
        let seen = known.unwrap_or(view.seq());
        let place = Place {
            seen,
            stored: known.unwrap_or(0),
            foreign: known.is_none(),
            stored_at: None,
            tidied_at: None,
            latest: None,
        };
        if known.is_none()
            && let Err(e) = self.inner.store_cursor(seen, now, vec![])
        {
            tracing::warn!(code = e.code.name(), "the place of notices in the log cannot be kept yet");
        }
        let (weak, shared) = (Arc::downgrade(&self.inner), thread.shared.clone());
        let run = move || run(&weak, &shared, place);
        let spawned = std::thread::Builder::new().name("notices".into()).spawn(run);
        *handle = Some(spawned.map_err(|e| Error::internal(format!("cannot start a thread: {e}")))?);
        Ok(())
    }
}

fn read_cursor(bytes: &[u8]) -> Result<Seq> {
    let damaged = || Error::internal("the place of notices in the log cannot be read");
    bytes.try_into().map(Seq::from_be_bytes).map_err(|_| damaged())
}

fn run(inner: &Weak<Inner>, shared: &Shared, mut place: Place) {
    let mut failing = false;
    while !shared.stop.load(Ordering::Acquire) {
        let Some(inner) = inner.upgrade() else { return };
        let pause = match inner.follow_for_notices(&mut place) {
            Ok(true) => {
                failing = false;
                PACE
            }
            Ok(false) => {
                inner.store.wait_past(place.seen, NAP);
                continue;
            }
            Err(e) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::error!(code = e.code.name(), detail = e.detail, "notices cannot follow the log for now");
                }
                FAILED
            }
        };
        drop(inner);
        shared.bell.wait_for(&mut shared.gate.lock(), pause);
    }
    let Some(inner) = inner.upgrade() else { return };
    if let (true, Some(at)) = (place.foreign && place.seen > place.stored, place.latest) {
        let _ = inner.store_cursor(place.seen, at, vec![]);
    }
}

impl Inner {
    /// Looks at the next batches; false when there are none.
    fn follow_for_notices(&self, place: &mut Place) -> Result<bool> {
        if self.store.seq() <= place.seen {
            return Ok(false);
        }
        let view = self.view()?;
        let changes = view.changes_within(place.seen, BATCHES, ITEMS).or_store()?;
        let Some((seen, at)) = changes.last().map(|c| (c.seq, c.at)) else { return Ok(false) };
        let (schema, directory) = (self.schema(), self.directory()?);
        let mut deciding = Deciding {
            view: &view,
            schema: &schema,
            directory: &directory,
            followed: &self.notices.followed,
            imports: BTreeMap::new(),
            made: BTreeMap::new(),
            gone: BTreeSet::new(),
        };
        let is_foreign = |c: &Change| !(c.reason.kind == REASON && c.items.is_empty());
        for change in changes.iter().filter(|c| is_foreign(c)) {
            deciding.change(change)?;
            place.foreign = true;
        }
        let (made, gone) = (deciding.made, deciding.gone);
        place.latest = Some(at);
        let told = self.write_notices(place, seen, at, made, gone)?;
        place.seen = seen;
        if !told.is_empty() {
            self.notices.tell(&told);
        }
        Ok(true)
    }

    fn write_notices(
        &self,
        place: &mut Place,
        seen: Seq,
        at: Timestamp,
        made: BTreeMap<super::decide::Place, super::stored::Stored>,
        gone: BTreeSet<Id>,
    ) -> Result<BTreeSet<Id>> {
        let due = |last: Option<Timestamp>, seconds| last.is_none_or(|t| at.seconds() - t.seconds() >= seconds);
        let (stored_at, tidied_at) = (*place.stored_at.get_or_insert(at), *place.tidied_at.get_or_insert(at));
        let stale = due(Some(stored_at), STALE_SECONDS) || seen.saturating_sub(place.stored) >= STALE_BATCHES;
        let tidy = due(Some(tidied_at), TIDY_SECONDS);
        if made.is_empty() && gone.is_empty() && !tidy && !(stale && place.foreign) {
            return Ok(BTreeSet::new());
        }
        // what is there must not be marked as read between reading and writing it
        let _alone = self.notices.gate.lock();
        let view = self.view()?;
        let (mut ops, users) = gather::write(&view, made, seen)?;
        for record in gone {
            ops.extend(followed::forget(&view, record)?);
        }
        if tidy {
            ops.extend(gather::outlived(&view, at)?);
            place.tidied_at = Some(at);
        }
        drop(view);
        self.store_cursor(seen, at, ops)?;
        (place.stored, place.stored_at, place.foreign) = (seen, Some(at), false);
        Ok(users)
    }

    /// All in one batch: what was told, and that it was.
    fn store_cursor(&self, seen: Seq, at: Timestamp, mut ops: Vec<Op>) -> Result<()> {
        let value = Some(seen.to_be_bytes().to_vec());
        ops.push(Op::Doc { kind: CURSOR, key: Vec::new(), value, logged: false });
        let ctx = Ctx::system(at, Random::seeded(0), "notices");
        self.commit_docs(&ctx, REASON, ops, vec![]).map(drop)
    }
}
