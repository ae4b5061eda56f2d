//! The parts wired together: store, index, the thread between them, and what is kept in memory.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aplomb_access::Actor;
use aplomb_model::{Currency, Error, Result, Schema, Seq, Timestamp};
use aplomb_search::{Index, Opened};
use aplomb_store::{Assert, Batch, Op, Reason, Store, StoreError, View};
use aplomb_vault::{DataKey, SealedDir};
use parking_lot::{Mutex, RwLock};

use crate::directory::Directory;
use crate::errors::{self, OrStore};
use crate::follower::Follower;
use crate::settings::Settings;
use crate::{CrmOptions, Ctx, Random, Readiness, VerifyReport, Watcher};

/// How long a read waits for the index to show what its caller wrote.
const PATIENCE: Duration = Duration::from_secs(2);

const BUSY_TRIES: usize = 100;
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// The business over one data directory. Cheap to clone.
#[derive(Clone)]
pub struct Crm {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub store: Store,
    /// for copies of the store
    pub key: DataKey,
    pub index: Index,
    /// contents of files that records refer to
    pub files: Arc<SealedDir>,
    /// what users export
    pub exports: crate::user_jobs::Exports,
    pub exporter: RwLock<Option<crate::user_jobs::Exporter>>,
    pub follower: Follower,
    pub schema: RwLock<Schema>,
    /// one change of a declaration at a time
    pub declaring: Mutex<()>,
    /// one number at a time, so that a series has no gaps
    pub numbering: Mutex<()>,
    pub sessions: crate::sessions::Sessions,
    pub tokens: crate::tokens::Tokens,
    pub passwords: crate::passwords::Passwords,
    pub throttle: crate::throttle::Throttle,
    pub jobs: crate::jobs::Jobs,
    pub upkeep: crate::upkeep::Upkeep,
    pub notices: crate::notices::Notices,
    pub latest: crate::news::Latest,
    /// currencies that occur in records
    pub currencies: RwLock<BTreeSet<Currency>>,
    settings: RwLock<Arc<Settings>>,
    directory: RwLock<Option<Arc<Directory>>>,
    set_up: AtomicBool,
}

/// What the key of the index is for.
const INDEX_KEY: &str = "search";

impl Crm {
    /// Reads the index's files in `dir`, before [`Crm::open`] makes a damaged one again; gives what is damaged, one
    /// line each. Errors: the directory cannot be read.
    pub fn check_index(dir: &Path, key: &DataKey) -> Result<Vec<String>> {
        Index::check(&dir.join("index"), key.subkey(INDEX_KEY)).map_err(errors::search)
    }

    /// Opens or creates `dir/store.redb` and `dir/index/`, and starts the thread that follows the log.
    pub fn open(dir: &Path, key: DataKey, options: CrmOptions) -> Result<Crm> {
        std::fs::create_dir_all(dir).map_err(|e| Error::internal(format!("data directory: {e}")))?;
        let index_key = key.subkey(INDEX_KEY);
        let files = crate::files::open(dir, &key)?;
        let exports = crate::user_jobs::Exports::new(dir, &key);
        let kept = key.clone();
        let path = dir.join("store.redb");
        let store =
            Store::open(aplomb_store::Options { path, key, cache_bytes: options.store_cache_bytes }).or_store()?;
        let view = store.snapshot().or_store()?;
        let schema = crate::declared::load(&view)?;
        store.declare(&schema).or_store()?;
        let (index, opened) = Index::open(
            aplomb_search::Options {
                dir: dir.join("index"),
                key: index_key,
                cache_bytes: options.search_cache_bytes,
                writer_bytes: options.search_writer_bytes,
                threads: options.search_threads,
            },
            schema.clone(),
        )
        .map_err(errors::search)?;
        let rebuild = match opened {
            Opened::Rebuild => true,
            // an index without a cursor over a store with records was left half-built
            Opened::Ready { seq } => seq == 0 && store.seq() > 0 || seq > store.seq(),
        };
        let settings = Settings::load(&view)?;
        let crm = Crm {
            inner: Arc::new(Inner {
                sessions: crate::sessions::Sessions::default(),
                tokens: crate::tokens::Tokens::load(&view)?,
                passwords: crate::passwords::Passwords::new(options.password_memory_kib),
                throttle: crate::throttle::Throttle::default(),
                jobs: crate::jobs::Jobs::default(),
                upkeep: crate::upkeep::Upkeep::default(),
                notices: crate::notices::Notices::default(),
                latest: crate::news::Latest::default(),
                currencies: RwLock::new(crate::figures::load_currencies(&view)?),
                set_up: AtomicBool::new(settings.is_some()),
                settings: RwLock::new(Arc::new(settings.unwrap_or_default())),
                directory: RwLock::new(None),
                follower: Follower::new(rebuild),
                schema: RwLock::new(schema),
                declaring: Mutex::new(()),
                numbering: Mutex::new(()),
                key: kept,
                store,
                index,
                files,
                exports,
                exporter: RwLock::default(),
            }),
        };
        crate::files::remove_unknown(&crm.inner)?;
        crate::user_jobs::remove_unknown(&crm.inner)?;
        crm.inner.follower.start(&crm.inner)?;
        Ok(crm)
    }

    /// Stops the threads and closes the store; everything acknowledged is durable already.
    pub fn close(&self) {
        self.inner.jobs.stop();
        self.inner.notices.stop();
        self.inner.follower.stop();
        self.inner.store.clone().close();
    }

    pub fn is_set_up(&self) -> bool {
        self.inner.set_up.load(Ordering::Acquire)
    }

    pub fn schema(&self) -> Schema {
        self.inner.schema()
    }

    /// Number of the last committed batch.
    pub fn seq(&self) -> Seq {
        self.inner.store.seq()
    }

    pub fn currency(&self) -> Currency {
        self.inner.settings().organisation.currency
    }

    pub fn ready(&self) -> Readiness {
        let rebuilding = self.inner.follower.rebuilding();
        let (seq, search_seq) = (self.inner.store.seq(), self.inner.index.seq());
        let caught_up = rebuilding || seq.saturating_sub(search_seq) < 1_000;
        let writable = self.inner.store.is_writable();
        Readiness { ready: self.is_set_up() && caught_up, seq, search_seq, rebuilding, writable }
    }

    /// Checks pages, chain, indexes and records, and that the index has as many documents as there are records.
    pub fn verify(&self, progress: &dyn Fn(&str)) -> Result<VerifyReport> {
        let found = self.inner.verify_store(progress)?;
        let mut report = VerifyReport {
            batches: found.batches,
            records: found.records,
            index_entries: found.index_entries,
            problems: found.problems,
            ..VerifyReport::default()
        };
        progress("files");
        report.problems.extend(self.verify_files()?);
        report.problems.extend(self.verify_exports()?);
        progress("search index");
        if self.inner.caught_up(self.seq()) {
            let view = self.inner.store.snapshot().or_store()?;
            let mut live = 0;
            for object in self.schema().objects() {
                live += view.count(object.code).or_store()?;
            }
            report.documents = self.inner.index.stats().documents;
            if report.documents != live && self.seq() == self.inner.index.seq() {
                report.problems.push(format!("the search index has {} documents for {live} records", report.documents));
            }
        }
        Ok(report)
    }

    /// Blocks until lists and searches show `seq`; false when that takes too long.
    pub fn wait_for(&self, seq: Seq) -> bool {
        self.inner.caught_up(seq)
    }

    /// Calls `watcher` with every sequence number that lists can show from now on, until it returns false.
    pub fn watch(&self, watcher: Watcher) {
        self.inner.follower.watch(watcher);
    }

    /// A context for an actor, with his zone or else the organisation's.
    pub fn ctx(&self, actor: Arc<Actor>, now: Timestamp, random: Random, request: &str) -> Ctx {
        let settings = self.inner.settings();
        let directory = self.inner.directory().ok();
        let own = directory.as_ref().and_then(|d| d.users.get(&actor.user)).and_then(|u| u.time_zone.clone());
        let offset = own.map_or_else(|| settings.offset_at(now), |zone| crate::settings::offset(&zone, now));
        Ctx { offset, ..Ctx::new(actor, now, random, request) }
    }

    /// Figures for metrics: (store, index).
    pub fn stats(&self) -> (aplomb_store::Stats, aplomb_search::Stats) {
        (self.inner.store.stats(), self.inner.index.stats())
    }
}

impl Inner {
    pub fn schema(&self) -> Schema {
        self.schema.read().clone()
    }

    /// The check needs the store for itself: it waits for readers to finish.
    fn verify_store(&self, progress: &dyn Fn(&str)) -> Result<aplomb_store::VerifyReport> {
        for _ in 0..BUSY_TRIES {
            match self.store.verify(progress) {
                Err(StoreError::Busy) => self.store.wait_past(self.store.seq(), BUSY_PAUSE),
                done => return done.or_store(),
            };
        }
        self.store.verify(progress).or_store()
    }

    pub fn view(&self) -> Result<View> {
        self.store.snapshot().or_store()
    }

    pub fn settings(&self) -> Arc<Settings> {
        self.settings.read().clone()
    }

    pub fn directory(&self) -> Result<Arc<Directory>> {
        if let Some(directory) = self.directory.read().clone() {
            return Ok(directory);
        }
        let mut slot = self.directory.write();
        if let Some(directory) = slot.clone() {
            return Ok(directory);
        }
        let directory = Arc::new(Directory::load(&self.view()?, &self.schema())?);
        *slot = Some(directory.clone());
        Ok(directory)
    }

    pub fn forget_directory(&self) {
        *self.directory.write() = None;
    }

    pub fn reload_settings(&self) -> Result<()> {
        if let Some(settings) = Settings::load(&self.view()?)? {
            *self.settings.write() = Arc::new(settings);
            self.set_up.store(true, Ordering::Release);
        }
        Ok(())
    }

    pub fn caught_up(&self, seq: Seq) -> bool {
        self.follower.rebuilding() || self.follower.wait_for(&self.index, seq.min(self.store.seq()), PATIENCE)
    }

    /// Whether it changes users, teams or roles.
    pub fn concerns_people(batch: &Batch) -> bool {
        batch.ops.iter().any(|op| match op {
            Op::Put { object, .. } | Op::Purge { object, .. } => object.internal,
            Op::Doc { kind, .. } => *kind == crate::directory::ROLE,
            _ => false,
        })
    }

    /// Commits and drops what is kept in memory of users, teams and roles when the batch concerns them.
    pub fn commit(&self, batch: Batch) -> Result<Seq, StoreError> {
        let people = Inner::concerns_people(&batch);
        let done = self.store.commit(batch)?;
        if people {
            self.forget_directory();
        }
        Ok(done.seq)
    }

    /// A batch that touches documents and jobs only.
    pub fn commit_docs(&self, ctx: &Ctx, reason: &str, ops: Vec<Op>, asserts: Vec<Assert>) -> Result<Seq> {
        let batch = Batch {
            at: ctx.now,
            actor: ctx.actor.user,
            reason: Reason::new(ctx.reason.clone().unwrap_or_else(|| reason.to_owned())),
            request: ctx.request.clone(),
            ops,
            asserts,
        };
        self.commit(batch).map_err(|e| errors::store(&self.schema(), e))
    }
}

/// Names that were resolved for one answer.
pub type Names = HashMap<aplomb_model::value::Link, Option<String>>;
