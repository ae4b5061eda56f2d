//! One run of a job's work: who it acts for, what becomes of its failures.

use std::sync::Arc;

use aplomb_access::{Actor, Via};
use aplomb_model::{Code, Error, Id, Result, Timestamp};
use aplomb_store::StoreError;

use super::state::{Kind, Order, Status, Stored};
use super::{bulk, export, undo, worker};
use crate::crm::{Crm, Inner};
use crate::errors;
use crate::jobs::Clock;
use crate::records::plan::Plan;
use crate::{Ctx, JobNext, JobRun, Random};

/// Tries of a job whose work fails unexpectedly.
const TRIES: u32 = 6;
/// When the disk is full or the index is built again.
const LATER_SECONDS: i64 = 5;
/// Batches after which a job lets the others go first.
pub(super) const TURN: usize = 8;

/// What is at hand while a job runs.
pub(super) struct Run<'a> {
    pub crm: &'a Crm,
    pub inner: &'a Inner,
    pub id: Id,
    pub order: Order,
    /// `now` is when the job was made: what relative times in its filter count from
    pub asked: Ctx,
    clock: &'a Clock,
    random: &'a Random,
}

/// How far one piece of work came.
pub(super) enum Step {
    /// there is more
    On,
    /// the job has ended
    Ended,
    /// it cannot go on now
    Later,
}

impl Crm {
    pub(crate) fn register_user_jobs(&self, clock: &Clock, random: &Random) {
        for kind in [Kind::Bulk, Kind::Undo, Kind::Export] {
            let (clock, random) = (clock.clone(), random.clone());
            self.register_job(worker(kind), Arc::new(move |crm: &Crm, job: &JobRun| once(crm, job, &clock, &random)));
        }
    }
}

fn once(crm: &Crm, job: &JobRun, clock: &Clock, random: &Random) -> Result<JobNext> {
    let id = job.payload.get("job").and_then(|v| v.as_str()).and_then(|t| t.parse::<Id>().ok());
    let id = id.ok_or_else(|| Error::internal("a job without its document"))?;
    let view = crm.inner.view()?;
    let Some(state) = Stored::load(&view, id)?.filter(Stored::is_open) else { return Ok(JobNext::Done) };
    let order = Order::load(&view, id)?;
    drop(view);
    let worked = actor(crm, &state, clock()).and_then(|actor| {
        let asked = crm.ctx(actor, state.created_at, random.clone(), &format!("job-{id}"));
        let run = Run { crm, inner: &crm.inner, id, order, asked, clock, random };
        match state.kind {
            Kind::Bulk => bulk::work(&run),
            Kind::Undo => undo::work(&run),
            Kind::Export => export::work(&run),
        }
    });
    match worked {
        Ok(Step::On) => Ok(JobNext::At(clock())),
        Ok(Step::Later) => Ok(JobNext::At(clock().plus_seconds(LATER_SECONDS))),
        Ok(Step::Ended) => Ok(JobNext::Done),
        Err(e) if is_passing(&e) => {
            tracing::warn!(job = %id, code = e.code.name(), "a job waits");
            Ok(JobNext::At(clock().plus_seconds(LATER_SECONDS)))
        }
        Err(e) if may_pass(&e) && job.attempt < TRIES => Err(e),
        Err(e) => {
            tracing::warn!(job = %id, code = e.code.name(), "a job failed");
            let ctx = Ctx::system(clock(), random.clone(), format!("job-{id}"));
            close(&crm.inner, &ctx, id, |state, seq| state.failed(&e, seq, ctx.now))?;
            Ok(JobNext::Done)
        }
    }
}

fn is_passing(e: &Error) -> bool {
    matches!(e.code, Code::DiskFull | Code::ReadOnly | Code::NotReady)
}

fn may_pass(e: &Error) -> bool {
    matches!(e.code, Code::Internal | Code::Conflict)
}

/// With the rights that the owner, and the key he used, have now.
fn actor(crm: &Crm, state: &Stored, now: Timestamp) -> Result<Arc<Actor>> {
    let via = match &state.key {
        Some(key) if !crm.token_is_valid(key.id, now) => {
            return Err(Error::new(Code::Forbidden, "the API key that this was started with is no longer valid"));
        }
        Some(key) => Via::Token { id: key.id, scopes: key.scopes.clone() },
        None => Via::Session(Id::NIL),
    };
    let gone = || Error::new(Code::Forbidden, "who started this is no longer active");
    crm.inner.directory()?.actor(state.owner, via).map(Arc::new).ok_or_else(gone)
}

impl Run<'_> {
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// For the next batch: with the rights of now. The reason tells the log whose work it is.
    pub fn ctx(&self, state: &Stored, reason: &str) -> Result<Ctx> {
        let actor = actor(self.crm, state, self.now())?;
        let ctx = self.crm.ctx(actor, self.now(), self.random.clone(), &format!("job-{}", self.id));
        Ok(ctx.because(reason))
    }

    pub fn state(&self) -> Result<Option<Stored>> {
        Ok(Stored::load(&self.inner.view()?, self.id)?.filter(Stored::is_open))
    }

    pub fn stopping(&self) -> bool {
        self.inner.jobs.stopping()
    }

    /// One batch: what `decide` stages, and the job's next state with it. False when the job was ended, or taken further
    /// by another run, since `state` was read: then nothing is written.
    pub fn batch(
        &self,
        ctx: &Ctx,
        state: &Stored,
        mut decide: impl FnMut(&mut Plan<'_>, &mut Stored) -> Result<()>,
    ) -> Result<bool> {
        let (written, _) = self.inner.write(ctx, "job", |plan| {
            if Stored::load(&plan.view, self.id)?.as_ref() != Some(state) {
                return Ok(false);
            }
            let mut next = Stored { status: Status::Running, ..state.clone() };
            decide(plan, &mut next)?;
            plan.asserts.push(state.unchanged()?);
            plan.ops.push(next.put()?);
            Ok(true)
        })?;
        Ok(written)
    }

    pub fn done(&self, ctx: &Ctx) -> Result<()> {
        close(self.inner, ctx, self.id, |state, seq| state.ended(Status::Done, seq, ctx.now))
    }
}

/// Ends a job that is still open, in a batch of its own: all it wrote lies before.
pub(super) fn close(inner: &Inner, ctx: &Ctx, id: Id, end: impl Fn(&Stored, u64) -> Stored) -> Result<()> {
    loop {
        let view = inner.view()?;
        let Some(state) = Stored::load(&view, id)?.filter(Stored::is_open) else { return Ok(()) };
        let next = end(&state, view.seq());
        let mut ops = vec![next.announce()?, Order::remove(id)];
        ops.extend(undo::settle(&view, &next)?);
        drop(view);
        let batch = aplomb_store::Batch {
            at: ctx.now,
            actor: ctx.actor.user,
            reason: aplomb_store::Reason::new("job"),
            request: ctx.request.clone(),
            ops,
            asserts: vec![state.unchanged()?],
        };
        match inner.commit(batch) {
            Err(StoreError::AssertFailed { .. }) => {}
            done => return done.map(drop).map_err(|e| errors::store(&inner.schema(), e)),
        }
    }
}

/// What of a record's failure is told; errors that concern the whole batch come back.
pub(super) fn outcome(result: Result<bool>) -> Result<Result<bool, Vec<aplomb_model::FieldError>>> {
    match result {
        Ok(changed) => Ok(Ok(changed)),
        Err(e) => crate::records::refused(e).map(Err),
    }
}
