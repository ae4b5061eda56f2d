//! Work that a user starts and watches: changing or deleting many records, taking that back, exporting. A job is a
//! document; its work is a job of the store that goes on after a restart where it stopped, because how far it is stands
//! in the very batch that changed the records.

mod asked;
mod bulk;
mod export;
mod run;
mod shown;
mod state;
mod undo;

use aplomb_access::{Via, can};
use aplomb_model::{Action, Capability, Code, Error, Id, Result, Timestamp};
use aplomb_vault::SealedFile;
use serde_json::{Value as Json, json};

pub use asked::{NewBulk, NewExport};
pub use export::Exporter;
pub(crate) use export::{Exports, remove_unknown};
pub use state::Order;
use state::{Key, Kind, Status, Stored};

use crate::Ctx;
use crate::access::may_change_own;
use crate::crm::Crm;
use crate::errors::OrStore;

/// The kind of the store's job that does the work of each kind.
fn worker(kind: Kind) -> &'static str {
    match kind {
        Kind::Bulk => "user.bulk",
        Kind::Undo => "user.undo",
        Kind::Export => "user.export",
    }
}

/// Jobs of one user that may wait or run at a time.
const MOST_OPEN: usize = 20;
/// Jobs looked through for those.
const LOOKED_THROUGH: usize = 500;
/// How often a change of a job is tried that another one gets in the way of.
const TRIES: usize = 20;
/// Waiting work of the server that is listed.
const MOST_SYSTEM: usize = 200;
const KEPT_DAYS: i64 = 90;
const PAGE: usize = 200;

/// A finished export.
pub struct ExportedFile {
    pub name: String,
    pub media_type: String,
    pub content: SealedFile,
}

impl Crm {
    /// `{jobs: [Job], next}`, newest first: the caller's own; with `all` everybody's and `system`, what waits inside.
    pub fn jobs_list(&self, ctx: &Ctx, all: bool, limit: usize, cursor: Option<&str>) -> Result<Json> {
        if all && !can(&ctx.actor, Capability::ManageSettings) {
            return Err(crate::errors::forbidden());
        }
        let bad = || Error::new(Code::BadCursor, "not a cursor of this list");
        let mut after = cursor.map(|c| c.parse::<Id>().map_err(|_| bad())).transpose()?;
        let view = self.inner.view()?;
        let mut found = Vec::new();
        'pages: loop {
            let page = Stored::page(&view, after, PAGE)?;
            let full = page.len() == PAGE;
            for job in page {
                after = Some(job.id);
                if (all || job.owner == ctx.actor.user) && key_sees(ctx, &job) {
                    found.push(job);
                }
                if found.len() > limit {
                    break 'pages;
                }
            }
            if !full {
                break;
            }
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|job| job.id);
        let jobs: Vec<Json> = found.iter().map(|job| self.inner.show_job(ctx, &view, job)).collect::<Result<_>>()?;
        let mut answer = json!({"jobs": jobs, "next": next});
        if all {
            answer["system"] = self.system_jobs()?;
        }
        Ok(answer)
    }

    /// What waits inside the server, those due first in front.
    fn system_jobs(&self) -> Result<Json> {
        let jobs = self.inner.view()?.jobs(MOST_SYSTEM).or_store()?;
        let own = |kind: &str| kind.starts_with("user.");
        let show = |j: &aplomb_store::Job| json!({"kind": j.kind, "due": j.due, "attempts": j.attempts, "lastError": j.last_error});
        Ok(jobs.iter().filter(|j| !own(&j.kind)).map(show).collect())
    }

    pub fn job_get(&self, ctx: &Ctx, id: Id) -> Result<Json> {
        let view = self.inner.view()?;
        let job = visible(ctx, Stored::load(&view, id)?)?;
        self.inner.show_job(ctx, &view, &job)
    }

    /// Ends a job that waits or runs; what it did so far stays. Errors: `conflict` for one that ended otherwise.
    pub fn job_cancel(&self, ctx: &Ctx, id: Id) -> Result<Json> {
        self.change_job(ctx, id, |job, seq| {
            if !is_of_key(ctx, job) {
                may_change_own(ctx, &job.object)?;
            }
            match job.status {
                Status::Cancelled => Ok(None),
                _ if job.is_open() => Ok(Some(job.ended(Status::Cancelled, seq, ctx.now))),
                _ => Err(Error::new(Code::Conflict, "the job has ended already")),
            }
        })?;
        self.job_get(ctx, id)
    }

    /// Starts a job that takes a bulk job back.
    ///
    /// Errors: `conflict` when there is nothing to take back, `forbidden` without the right to change any of it.
    pub fn job_undo(&self, ctx: &Ctx, id: Id) -> Result<Json> {
        for _ in 0..TRIES {
            let view = self.inner.view()?;
            let job = visible(ctx, Stored::load(&view, id)?)?;
            if !job.can_undo() {
                return Err(Error::new(Code::Conflict, not_undoable(&job)));
            }
            let may = |action| self.inner.authorise(ctx, &job.object, action);
            may(Action::Update).or_else(|_| may(Action::Delete))?;
            let mut undo = Stored::new(ctx.new_id(), Kind::Undo, &job.object, ctx.actor.user, ctx.now);
            undo.title = format!("Undo: {}", job.title);
            undo.progress.total = job.counts.changed;
            undo.undoes = Some(id);
            let marked = Stored { undone_by: Some(undo.id), ..job.clone() };
            let ops = vec![marked.put()?];
            match self.enter_job(ctx, undo, &Order::default(), ops, vec![job.unchanged()?]) {
                Err(e) if e.code == Code::Conflict => {}
                done => return done,
            }
        }
        Err(busy())
    }

    /// The file of an export that is done, for its owner while he may still export.
    pub fn job_file(&self, ctx: &Ctx, id: Id) -> Result<ExportedFile> {
        let job = Stored::load(&self.inner.view()?, id)?.filter(|job| job.owner == ctx.actor.user);
        let job = job.filter(|job| job.kind == Kind::Export).ok_or_else(|| Error::not_found("export"))?;
        self.inner.authorise(ctx, &job.object, Action::Export)?;
        let Some(file) = job.file else {
            return Err(match job.is_open() {
                true => Error::new(Code::Conflict, "the export is still at work"),
                false => Error::not_found("file: exports are kept for 7 days"),
            });
        };
        let content = export::read(&self.inner, id)?;
        Ok(ExportedFile { name: file.name, media_type: file.media_type, content })
    }

    /// Puts a new job and its work into the store, in one batch with what else is given.
    fn enter_job(
        &self,
        ctx: &Ctx,
        mut job: Stored,
        order: &Order,
        mut ops: Vec<aplomb_store::Op>,
        asserts: Vec<aplomb_store::Assert>,
    ) -> Result<Json> {
        self.not_too_many(ctx)?;
        if let Via::Token { id, scopes } = &ctx.actor.via {
            job.key = Some(Key { id: *id, scopes: scopes.clone() });
        }
        job.since = self.inner.store.seq();
        ops.extend([order.put(job.id)?, job.announce()?]);
        ops.push(crate::jobs::new(ctx, worker(job.kind), &json!({"job": job.id}), ctx.now)?);
        self.inner.commit_docs(ctx, "job", ops, asserts)?;
        self.inner.jobs.ring();
        self.inner.show_job(ctx, &self.inner.view()?, &job)
    }

    fn not_too_many(&self, ctx: &Ctx) -> Result<()> {
        let page = Stored::page(&self.inner.view()?, None, LOOKED_THROUGH)?;
        let open = page.iter().filter(|job| job.owner == ctx.actor.user && job.is_open()).count();
        if open < MOST_OPEN {
            return Ok(());
        }
        Err(Error::new(Code::Conflict, format!("{open} of your jobs wait or run; wait for them or cancel some")))
    }

    /// Changes a job that the caller may see, as decided on its latest state.
    fn change_job(
        &self,
        ctx: &Ctx,
        id: Id,
        change: impl Fn(&Stored, aplomb_model::Seq) -> Result<Option<Stored>>,
    ) -> Result<()> {
        for _ in 0..TRIES {
            let view = self.inner.view()?;
            let job = visible(ctx, Stored::load(&view, id)?)?;
            let Some(next) = change(&job, view.seq())? else { return Ok(()) };
            let mut ops = vec![next.announce()?];
            if !next.is_open() {
                ops.push(Order::remove(id));
            }
            ops.extend(undo::settle(&view, &next)?);
            match self.inner.commit_docs(ctx, "job", ops, vec![job.unchanged()?]) {
                Err(e) if e.code == Code::Conflict => {}
                done => return done.map(drop),
            }
        }
        Err(busy())
    }
}

fn busy() -> Error {
    Error::new(Code::Conflict, "the job changes too quickly; try again")
}

/// Errors: `not_found` for other people's, unless the caller manages the server.
fn visible(ctx: &Ctx, job: Option<Stored>) -> Result<Stored> {
    let is_own = |job: &Stored| job.owner == ctx.actor.user || can(&ctx.actor, Capability::ManageSettings);
    job.filter(is_own).filter(|job| key_sees(ctx, job)).ok_or_else(|| Error::not_found("job"))
}

/// A key of limited scope sees what was started with it, and jobs of objects that it may read.
fn key_sees(ctx: &Ctx, job: &Stored) -> bool {
    match &ctx.actor.via {
        Via::Token { scopes, .. } => {
            is_of_key(ctx, job) || scopes.iter().any(|scope| scope.covers(&job.object, Action::Read))
        }
        _ => true,
    }
}

fn is_of_key(ctx: &Ctx, job: &Stored) -> bool {
    let Via::Token { id, .. } = &ctx.actor.via else { return false };
    job.key.as_ref().is_some_and(|key| key.id == *id)
}

fn not_undoable(job: &Stored) -> &'static str {
    match job {
        _ if job.kind != Kind::Bulk => "only a change of many records can be undone",
        _ if job.is_open() => "the job is still at work; cancel it first",
        _ if job.undone_by.is_some() => "the job is undone already, or being undone",
        _ => "the job changed nothing",
    }
}

/// Removes exports after their time, and jobs that ended long ago.
pub(crate) fn tidy(crm: &Crm, now: Timestamp) -> Result<()> {
    let view = crm.inner.view()?;
    let mut after = None;
    loop {
        let page = Stored::page(&view, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for job in &page {
            let Some(ended) = job.finished_at else { continue };
            let mut ops = Vec::new();
            let spent = job.file.is_some() && ended < now.plus_days(-export::KEPT_DAYS);
            if ended < now.plus_days(-KEPT_DAYS) {
                ops.push(job.remove());
            } else if spent {
                ops.push(Stored { file: None, ..job.clone() }.put()?);
            }
            if !ops.is_empty() {
                let ctx = Ctx::system(now, crate::Random::seeded(0), "upkeep");
                crm.inner.commit_docs(&ctx, "job", ops, vec![job.unchanged()?])?;
            }
            if spent {
                export::remove(&crm.inner, job.id);
            }
        }
    }
}
