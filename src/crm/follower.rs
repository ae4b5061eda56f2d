//! The thread between the change log and the index. It commits rarely while much is written, soon while little is,
//! and at once when somebody waits to see what he wrote. It rebuilds the index by reading all records.

use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use aplomb_model::{Error, Id, ObjectCode, Record, Result, Schema, Seq};
use aplomb_search::{Doc, DocContext, Index};
use aplomb_store::{Change, ChangeKind, View};
use parking_lot::{Condvar, Mutex};

use crate::Watcher;
use crate::crm::Inner;
use crate::errors::{self, OrStore};

/// Between commits while single changes trickle in.
const TRICKLE: Duration = Duration::from_millis(100);
/// Between commits while changes never stop, or come by the [`LOT`] as an import's do.
const BULK: Duration = Duration::from_secs(1);
/// Documents that wait only when something writes many at once.
const LOT: usize = 900;
/// Documents that are committed whatever the time.
const MANY: usize = 8_000;
/// Longest sleep; also how long a stop may take.
const NAP: Duration = Duration::from_millis(200);
const BATCHES: usize = 500;
/// Changes of records after which no further batch is read: what is read lies in memory as a whole.
const ITEMS: usize = 2_000;
const PAGE: usize = 1_000;
/// Failures in a row after which the index is thrown away and built anew.
const PATIENCE: u32 = 5;

pub(crate) struct Follower {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    stop: AtomicBool,
    rebuild: AtomicBool,
    /// somebody waits for this sequence number
    wanted: AtomicU64,
    /// objects whose records must be indexed again
    again: Mutex<Vec<ObjectCode>>,
    watchers: Mutex<Vec<Watcher>>,
    bell: Condvar,
    gate: Mutex<()>,
}

/// How far the thread is beyond what queries see.
struct Progress {
    applied: Seq,
    waiting: usize,
    last_commit: Instant,
    failures: u32,
}

impl Follower {
    pub fn new(rebuild: bool) -> Follower {
        let shared = Shared {
            stop: AtomicBool::new(false),
            rebuild: AtomicBool::new(rebuild),
            wanted: AtomicU64::new(0),
            again: Mutex::default(),
            watchers: Mutex::default(),
            bell: Condvar::new(),
            gate: Mutex::new(()),
        };
        Follower { shared: Arc::new(shared), thread: Mutex::new(None) }
    }

    pub fn start(&self, inner: &Arc<Inner>) -> Result<()> {
        let (weak, shared) = (Arc::downgrade(inner), self.shared.clone());
        let thread = std::thread::Builder::new().name("follower".into()).spawn(move || run(&weak, &shared));
        *self.thread.lock() = Some(thread.map_err(|e| Error::internal(format!("cannot start a thread: {e}")))?);
        Ok(())
    }

    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.lock().take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }

    /// Lists must come from the store meanwhile.
    pub fn rebuilding(&self) -> bool {
        self.shared.rebuild.load(Ordering::Acquire)
    }

    pub fn watch(&self, watcher: Watcher) {
        self.shared.watchers.lock().push(watcher);
    }

    /// The index's files are damaged: it is built anew, and everything comes from the store meanwhile.
    pub fn build_anew(&self) {
        if !self.shared.rebuild.swap(true, Ordering::AcqRel) {
            tracing::error!("the search index is damaged and is built again");
        }
        self.shared.bell.notify_all();
    }

    /// Indexes all records of an object again, after a declaration changed what is searched.
    pub fn index_again(&self, object: ObjectCode) {
        self.shared.again.lock().push(object);
        self.shared.bell.notify_all();
    }

    pub fn wait_for(&self, index: &Index, seq: Seq, patience: Duration) -> bool {
        if index.seq() >= seq {
            return true;
        }
        self.shared.wanted.fetch_max(seq, Ordering::AcqRel);
        self.shared.bell.notify_all();
        index.wait_for(seq, patience)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop();
    }
}

#[expect(clippy::disallowed_methods, reason = "paces commits of the index; nothing of it is stored")]
fn run(inner: &Weak<Inner>, shared: &Shared) {
    let mut progress = Progress { applied: 0, waiting: 0, last_commit: Instant::now(), failures: 0 };
    if let Some(inner) = inner.upgrade() {
        progress.applied = inner.index.seq();
    }
    while !shared.stop.load(Ordering::Acquire) {
        let Some(inner) = inner.upgrade() else { return };
        let step = if shared.rebuild.load(Ordering::Acquire) {
            rebuild(&inner, shared, &mut progress)
        } else {
            follow(&inner, shared, &mut progress)
        };
        match step {
            Ok(()) => progress.failures = 0,
            Err(e) => {
                // The index keeps nothing since its last commit.
                (progress.applied, progress.waiting) = (inner.index.seq(), 0);
                recover(shared, &mut progress, &e);
            }
        }
    }
    let Some(inner) = inner.upgrade() else { return };
    if progress.waiting > 0 && !shared.rebuild.load(Ordering::Acquire) {
        let _ = commit(&inner, shared, &mut progress);
    }
}

fn recover(shared: &Shared, progress: &mut Progress, e: &Error) {
    progress.failures += 1;
    tracing::error!(error = %e.detail, failures = progress.failures, "the index cannot follow the log");
    if progress.failures == PATIENCE {
        shared.rebuild.store(true, Ordering::Release);
    }
    let pause = Duration::from_millis(100) * progress.failures.min(50);
    shared.bell.wait_for(&mut shared.gate.lock(), pause);
}

fn follow(inner: &Inner, shared: &Shared, progress: &mut Progress) -> Result<()> {
    let again = std::mem::take(&mut *shared.again.lock());
    for object in again {
        index_all(inner, shared, object, progress).inspect_err(|_| shared.again.lock().push(object))?;
    }
    if inner.store.seq() <= progress.applied {
        if progress.waiting > 0 && due(inner, shared, progress) {
            return commit(inner, shared, progress);
        }
        if progress.waiting == 0 {
            inner.index.refresh().map_err(errors::search)?;
        }
        let nap = if progress.waiting > 0 { Duration::from_millis(5) } else { NAP };
        inner.store.wait_past(progress.applied, nap);
    }
    let view = inner.view()?;
    let changes = view.changes_within(progress.applied, BATCHES, ITEMS).or_store()?;
    let Some(last) = changes.last().map(|c| c.seq) else { return Ok(()) };
    let docs = documents(&view, &inner.schema(), &changes)?;
    inner.index.apply(&docs, last, false).map_err(errors::search)?;
    progress.applied = last;
    progress.waiting += docs.len().max(1);
    if due(inner, shared, progress) { commit(inner, shared, progress) } else { Ok(()) }
}

fn due(inner: &Inner, shared: &Shared, progress: &Progress) -> bool {
    let wanted = shared.wanted.load(Ordering::Acquire);
    let somebody_waits = wanted > inner.index.seq() && wanted <= progress.applied;
    let more_to_come = inner.store.seq() > progress.applied || progress.waiting >= LOT;
    let since = progress.last_commit.elapsed();
    somebody_waits || progress.waiting >= MANY || since >= if more_to_come { BULK } else { TRICKLE }
}

#[expect(clippy::disallowed_methods, reason = "paces commits of the index; nothing of it is stored")]
fn commit(inner: &Inner, shared: &Shared, progress: &mut Progress) -> Result<()> {
    inner.index.apply(&[], progress.applied, true).map_err(errors::search)?;
    progress.waiting = 0;
    progress.last_commit = Instant::now();
    tell(shared, progress.applied);
    Ok(())
}

fn tell(shared: &Shared, seq: Seq) {
    shared.watchers.lock().retain(|watcher| watcher(seq));
}

/// The present state of every record that the changes name, each once.
fn documents(view: &View, schema: &Schema, changes: &[Change]) -> Result<Vec<Doc>> {
    let mut touched: Vec<(ObjectCode, Id)> = Vec::new();
    let mut docs = Vec::new();
    for item in changes.iter().flat_map(|c| &c.items) {
        match item.kind {
            ChangeKind::Purged => docs.push(Doc::Remove(item.id, item.object)),
            _ => touched.push((item.object, item.id)),
        }
    }
    touched.sort_unstable();
    touched.dedup();
    for same in touched.chunk_by(|a, b| a.0 == b.0) {
        let code = same[0].0;
        let ids: Vec<Id> = same.iter().map(|(_, id)| *id).collect();
        for (id, record) in ids.iter().zip(view.get_many(code, &ids).or_store()?) {
            docs.push(match record {
                Some(record) if record.trashed_at.is_none() => document(schema, record),
                _ => Doc::Remove(*id, code),
            });
        }
    }
    Ok(docs)
}

fn document(schema: &Schema, record: Record) -> Doc {
    let Some(object) = schema.by_code(record.object) else { return Doc::Remove(record.id, record.object) };
    let context = DocContext {
        owner: object.owner_of(&record),
        team: None,
        title: object.title_of(&record),
        extra_text: String::new(),
    };
    Doc::Put(Arc::new(record), context)
}

/// Puts every live record of an object into the index, without committing.
fn index_all(inner: &Inner, shared: &Shared, object: ObjectCode, progress: &mut Progress) -> Result<()> {
    let mut after = None;
    loop {
        if shared.stop.load(Ordering::Acquire) {
            return Ok(());
        }
        let page = inner.view()?.scan(object, after, false, PAGE).or_store()?;
        let Some(last) = page.last().map(|r| r.id) else { return Ok(()) };
        after = Some(last);
        let schema = inner.schema();
        let docs: Vec<Doc> = page.into_iter().map(|r| document(&schema, r)).collect();
        inner.index.apply(&docs, progress.applied, false).map_err(errors::search)?;
        progress.waiting += docs.len();
    }
}

/// Records written meanwhile are caught up with afterwards, because the cursor is from before the first was read.
fn rebuild(inner: &Inner, shared: &Shared, progress: &mut Progress) -> Result<()> {
    tracing::info!("building the search index from the records");
    inner.index.clear().map_err(errors::search)?;
    progress.applied = inner.store.seq();
    for object in inner.schema().objects() {
        index_all(inner, shared, object.code, progress)?;
    }
    if shared.stop.load(Ordering::Acquire) {
        return Ok(());
    }
    commit(inner, shared, progress)?;
    shared.rebuild.store(false, Ordering::Release);
    tracing::info!("the search index is complete");
    Ok(())
}
