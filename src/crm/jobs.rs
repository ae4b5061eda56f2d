//! Work that goes on after the request: kept in the store until it is done, so no restart loses it.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use aplomb_model::{Error, Id, Result, Timestamp};
use aplomb_store::{Job, Op};
use parking_lot::{Condvar, Mutex};
use serde_json::Value as Json;

use crate::crm::{Crm, Inner};
use crate::errors::{OrInternal, OrStore};
use crate::{BulkDoc, Ctx, JobHandler, JobNext, JobRun, Random};

/// How often due jobs are looked for when nobody rings.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_BACKOFF_SECONDS: i64 = 3_600;
const AT_ONCE: usize = 256;

pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

#[derive(Default)]
pub(crate) struct Jobs {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    handlers: Mutex<HashMap<String, JobHandler>>,
    /// kinds at work: one job of a kind at a time
    busy: Mutex<HashSet<String>>,
    bell: Condvar,
    gate: Mutex<()>,
}

impl Jobs {
    /// Wakes the thread that looks for due jobs.
    pub fn ring(&self) {
        self.shared.bell.notify_all();
    }

    /// Long work ends early then; it goes on at the next start.
    pub fn stopping(&self) -> bool {
        self.shared.stop.load(Ordering::Acquire)
    }

    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.bell.notify_all();
        if let Some(thread) = self.thread.lock().take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

/// The operation that enqueues a job.
pub(crate) fn new(ctx: &Ctx, kind: &str, payload: &Json, due: Timestamp) -> Result<Op> {
    let job = Job {
        id: ctx.new_id(),
        kind: kind.to_owned(),
        due,
        payload: serde_json::to_vec(payload).or_internal("the job")?,
        attempts: 0,
        created_at: ctx.now,
        last_error: None,
    };
    Ok(Op::Job { job })
}

impl Crm {
    /// Before [`Crm::start_jobs`]. The handler is told again after a crash: what it did already must not harm.
    pub fn register_job(&self, kind: &'static str, handler: JobHandler) {
        self.inner.jobs.shared.handlers.lock().insert(kind.to_owned(), handler);
    }

    pub fn enqueue(&self, ctx: &Ctx, kind: &'static str, payload: &Json, due: Timestamp) -> Result<Id> {
        self.enqueue_with(ctx, kind, payload, due, Vec::new())
    }

    /// The same, with documents in the very batch: work that is announced is there to be done.
    pub fn enqueue_with(
        &self,
        ctx: &Ctx,
        kind: &'static str,
        payload: &Json,
        due: Timestamp,
        docs: Vec<BulkDoc>,
    ) -> Result<Id> {
        let op = new(ctx, kind, payload, due)?;
        let Op::Job { job: Job { id, .. } } = op else { return Err(Error::internal("a job")) };
        let put = |d: BulkDoc| Op::Doc { kind: d.kind, key: d.key, value: d.value, logged: false };
        let ops = docs.into_iter().map(put).chain([op]).collect();
        self.inner.commit_docs(ctx, kind, ops, vec![])?;
        self.inner.jobs.ring();
        Ok(id)
    }

    /// Starts running due jobs; `clock` and `random` are those of the server.
    pub fn start_jobs(&self, clock: Clock, random: Random) {
        let mut thread = self.inner.jobs.thread.lock();
        if thread.is_some() {
            return;
        }
        self.register_user_jobs(&clock, &random);
        let (weak, shared) = (Arc::downgrade(&self.inner), self.inner.jobs.shared.clone());
        let run = move || dispatch(&weak, &shared, &clock, &random);
        match std::thread::Builder::new().name("jobs".into()).spawn(run) {
            Ok(handle) => *thread = Some(handle),
            Err(e) => tracing::error!(error = %e, "jobs cannot run"),
        }
    }
}

fn dispatch(inner: &Weak<Inner>, shared: &Arc<Shared>, clock: &Clock, random: &Random) {
    let mut workers: Vec<JoinHandle<()>> = Vec::new();
    while !shared.stop.load(Ordering::Acquire) {
        let Some(inner) = inner.upgrade() else { break };
        let crm = Crm { inner };
        crate::upkeep::tick(&crm, clock());
        match crm.inner.view().and_then(|v| v.jobs_due(clock(), AT_ONCE).or_store()) {
            Ok(due) => workers.extend(due.into_iter().filter_map(|job| start(&crm, shared, clock, random, job))),
            Err(e) => tracing::error!(code = e.code.name(), "jobs cannot be read"),
        }
        drop(crm);
        workers.retain(|w| !w.is_finished());
        shared.bell.wait_for(&mut shared.gate.lock(), PAUSE);
    }
    for worker in workers {
        let _ = worker.join();
    }
}

fn start(crm: &Crm, shared: &Arc<Shared>, clock: &Clock, random: &Random, job: Job) -> Option<JoinHandle<()>> {
    let handler = shared.handlers.lock().get(&job.kind).cloned()?;
    if !shared.busy.lock().insert(job.kind.clone()) {
        return None;
    }
    let (crm, shared, clock, random) = (crm.clone(), shared.clone(), clock.clone(), random.clone());
    let kind = job.kind.clone();
    let worker = std::thread::Builder::new().name(format!("job {kind}")).spawn({
        let shared = shared.clone();
        move || {
            run(&crm, &handler, &clock, &random, job);
            shared.busy.lock().remove(&kind);
            shared.bell.notify_all();
        }
    });
    worker.ok()
}

fn run(crm: &Crm, handler: &JobHandler, clock: &Clock, random: &Random, job: Job) {
    let payload = serde_json::from_slice(&job.payload).unwrap_or(Json::Null);
    let run = JobRun { id: job.id, kind: job.kind.clone(), payload, attempt: job.attempts + 1 };
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| handler(crm, &run)));
    let outcome = caught.unwrap_or_else(|_| Err(Error::internal("the job panicked")));
    let now = clock();
    let op = match outcome {
        Ok(JobNext::Done) => Op::JobDone { id: job.id },
        Ok(JobNext::At(due)) => Op::Job { job: Job { due, attempts: 0, last_error: None, ..job } },
        Err(e) => {
            tracing::warn!(kind = job.kind, code = e.code.name(), attempt = run.attempt, "job failed");
            let wait = 2i64.saturating_pow(job.attempts.min(12)).min(LONGEST_BACKOFF_SECONDS);
            let (due, attempts) = (now.plus_seconds(wait), job.attempts + 1);
            Op::Job { job: Job { due, attempts, last_error: Some(e.code.name().to_owned()), ..job } }
        }
    };
    if let Err(e) = crm.inner.commit_docs(&Ctx::system(now, random.clone(), "job"), "job", vec![op], vec![]) {
        tracing::error!(code = e.code.name(), "the end of a job was not kept; it will run again");
    }
}
