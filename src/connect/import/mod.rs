//! An import from upload to revert. The file lies sealed; the state is a document; the work is a job that can be
//! repeated: every row has its id before it is written, so nothing is created twice.

mod check;
mod edits;
mod errors;
mod ids;
mod job;
mod linking;
mod links;
mod matching;
mod merge;
mod names;
mod noted;
mod plan;
mod resolve;
mod retention;
mod revert;
mod rows;
mod source;
mod start;
mod state;
#[cfg(test)]
mod tests;
mod watch;

use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aplomb_access::can;
use aplomb_crm::{Actor, Crm, Ctx, JobNext, JobRun, Map, Random};
use aplomb_model::{Action, Capability, Code, Currency, Error, Id, Result, Timestamp};
use aplomb_vault::SealedDir;
use jiff::tz::TimeZone;
use serde_json::json;

pub use rows::ImportChange;
pub use source::Upload;
use state::{Run, STATE, State};

use crate::read::MAX_FILE;
use crate::view::{ImportView, MapTo, Options, Status, UnknownChoice};

/// The time, for jobs: they have no request to take it from.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

const IMPORT_JOB: &str = "import";
const REVERT_JOB: &str = "import.revert";
/// Removes what is kept of an import when its time is over.
const TIDY_JOB: &str = "import.tidy";
/// Imports that a list shows.
const MAX_LIST: usize = 500;

/// Cheap to clone. Make it before `Crm::start_jobs`: it registers the handlers of its jobs.
#[derive(Clone)]
pub struct Imports {
    crm: Crm,
    uploads: Arc<SealedDir>,
    now: Now,
    random: Random,
    /// largest upload in bytes
    max_file: u64,
    /// one change of an import at a time
    gate: Arc<Mutex<()>>,
}

impl Imports {
    pub fn new(crm: Crm, uploads: Arc<SealedDir>, now: Now, random: Random) -> Imports {
        let imports = Imports { crm, uploads, now, random, max_file: MAX_FILE, gate: Arc::default() };
        imports.register(IMPORT_JOB, Imports::run_import);
        imports.register(REVERT_JOB, Imports::run_revert);
        imports.register(TIDY_JOB, Imports::run_tidy);
        imports.remove_orphans();
        imports
    }

    fn register(&self, kind: &'static str, work: fn(&Imports, Id) -> Result<JobNext>) {
        // without the `Crm`, which holds the handler: a cycle would never be freed
        let (uploads, now, random) = (self.uploads.clone(), self.now.clone(), self.random.clone());
        let gate = self.gate.clone();
        let handler = move |crm: &Crm, job: &JobRun| {
            let id = job.payload.get("import").and_then(|v| v.as_str()).and_then(|t| t.parse::<Id>().ok());
            let id = id.ok_or_else(|| Error::internal("a job without its import"))?;
            let imports = Imports {
                crm: crm.clone(),
                uploads: uploads.clone(),
                now: now.clone(),
                random: random.clone(),
                max_file: MAX_FILE,
                gate: gate.clone(),
            };
            match work(&imports, id) {
                // the import is gone, and so is the work
                Err(e) if e.code == Code::NotFound => Ok(JobNext::Done),
                other => other,
            }
        };
        self.crm.register_job(kind, Arc::new(handler));
    }

    /// Somewhere to write the file to, piece by piece; then [`Imports::start_upload`].
    pub fn upload(&self, ctx: &Ctx) -> Result<Upload> {
        may_import(ctx)?;
        Upload::create(self.uploads.clone(), ctx.new_id(), self.max_file)
    }

    /// Both in one, from a reader. At most 1 GiB.
    pub fn start(&self, ctx: &Ctx, object: &str, file_name: &str, reader: &mut dyn Read) -> Result<ImportView> {
        let mut upload = self.upload(ctx)?;
        std::io::copy(reader, &mut upload).map_err(source::disk)?;
        self.start_upload(ctx, object, file_name, upload)
    }

    pub fn get(&self, ctx: &Ctx, id: Id) -> Result<ImportView> {
        let state = self.visible(ctx, id)?;
        Ok(state.view(&self.crm, Run::load(&self.crm, id)?))
    }

    /// The caller's, or all for whoever manages settings; newest first. Those that cannot be read are left out.
    pub fn list(&self, ctx: &Ctx) -> Result<Vec<ImportView>> {
        may_import(ctx)?;
        let mut all = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let docs = self.crm.list_docs(STATE, b"", after.as_deref(), 100)?;
            let Some((last, _)) = docs.last() else { break };
            after = Some(last.clone());
            all.extend(docs.iter().filter_map(|(_, bytes)| readable(State::decode(bytes))).filter(|s| sees(ctx, s)));
            if all.len() > MAX_LIST {
                all.drain(..all.len() - MAX_LIST);
            }
        }
        all.sort_by_key(|s| std::cmp::Reverse(s.id));
        let view = |s: State| Some(s.view(&self.crm, readable(Run::load(&self.crm, s.id))?));
        Ok(all.into_iter().filter_map(view).collect())
    }

    /// `options` holds the members of [`Options`] to change.
    pub fn set_mapping(&self, ctx: &Ctx, id: Id, mapping: &[MapTo], options: &Map) -> Result<ImportView> {
        let change = ImportChange { mapping: mapping.to_vec(), options: options.clone(), ..ImportChange::default() };
        Ok(self.update(ctx, id, change)?.0)
    }

    /// Enqueues the job.
    pub fn commit(&self, ctx: &Ctx, id: Id) -> Result<ImportView> {
        let _one_at_a_time = self.lock();
        let (mut state, _) = self.waiting(ctx, id)?;
        self.may_write(ctx, &state)?;
        self.complete(&state)?;
        state.started_at = Some(ctx.now);
        state.created_by = ctx.actor.user;
        let run = Run { status: Some(Status::Queued), ..Run::default() };
        let docs = vec![state.doc()?, run.doc(id)?];
        self.crm.enqueue_with(ctx, IMPORT_JOB, &json!({"import": id}), ctx.now, docs)?;
        Ok(state.view(&self.crm, run))
    }

    /// Enqueues taking back all that the import wrote; what others edited since is kept and listed.
    pub fn revert(&self, ctx: &Ctx, id: Id) -> Result<ImportView> {
        let _one_at_a_time = self.lock();
        let state = self.visible(ctx, id)?;
        let mut run = Run::load(&self.crm, id)?;
        if !matches!(run.status, Some(Status::Done | Status::Failed)) {
            return Err(Error::new(Code::Conflict, "only a finished import can be reverted"));
        }
        self.may_write(ctx, &state)?;
        (run.status, run.taken_back, run.revert) = (Some(Status::Reverting), 0, None);
        self.crm.enqueue_with(ctx, REVERT_JOB, &json!({"import": id}), ctx.now, vec![run.doc(id)?])?;
        Ok(state.view(&self.crm, run))
    }

    /// Refused rows with the columns of the file and one more, `aplomb_errors`.
    pub fn errors_csv(&self, ctx: &Ctx, id: Id, out: &mut dyn Write) -> Result<()> {
        let state = self.visible(ctx, id)?;
        self.write_errors(&state, out)
    }

    /// Removes an import that is not at work: the file and what is known of it, not the records.
    pub fn delete(&self, ctx: &Ctx, id: Id) -> Result<()> {
        let _one_at_a_time = self.lock();
        let state = self.visible(ctx, id)?;
        if !Run::load(&self.crm, id)?.is_idle() {
            return Err(Error::new(Code::Conflict, "the import is at work"));
        }
        self.forget(ctx, &state)
    }

    fn forget(&self, ctx: &Ctx, state: &State) -> Result<()> {
        let (id, run) = (state.id, Run::load(&self.crm, state.id)?);
        for number in 0..=run.batches {
            self.crm.put_doc(ctx, state::BATCH, &state::BatchDoc::key(id, number), None)?;
        }
        self.forget_edits(ctx, id)?;
        self.crm.put_doc(ctx, "importEnd", id.as_bytes(), None)?;
        self.crm.put_doc(ctx, state::RUN, id.as_bytes(), None)?;
        self.crm.put_doc(ctx, STATE, id.as_bytes(), None)?;
        self.remove_files(state);
        Ok(())
    }

    /// The upload and what a check kept of it.
    fn remove_files(&self, state: &State) {
        source::remove(&self.uploads, state.id);
        if let Some(findings) = &state.findings {
            findings.remove(&self.uploads, state.id);
        }
    }

    /// Nothing is left half-done by whoever panicked with it: what is stored is stored in one batch.
    fn lock(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks until the import is neither queued nor at work, or the time is over.
    #[expect(clippy::disallowed_methods, reason = "an edge: the command line and tests wait for a job here")]
    pub fn wait(&self, ctx: &Ctx, id: Id, timeout: Duration) -> Result<ImportView> {
        let pause = Duration::from_millis(20);
        let mut left = timeout;
        loop {
            let view = self.get(ctx, id)?;
            if !view.status.is_busy() || left.is_zero() {
                return Ok(view);
            }
            std::thread::sleep(pause);
            left = left.saturating_sub(pause);
        }
    }

    /// As somebody who may see it.
    fn visible(&self, ctx: &Ctx, id: Id) -> Result<State> {
        may_import(ctx)?;
        let state = State::load(&self.crm, id)?;
        if sees(ctx, &state) { Ok(state) } else { Err(Error::not_found("import")) }
    }

    /// As long as nothing has been written.
    fn waiting(&self, ctx: &Ctx, id: Id) -> Result<(State, Run)> {
        let state = self.visible(ctx, id)?;
        let run = Run::load(&self.crm, id)?;
        match run.status {
            None => Ok((state, run)),
            Some(_) => Err(Error::new(Code::Conflict, "the import has been committed already")),
        }
    }

    /// A job writes with all rights of its user; so who starts it must have them now, key scopes included.
    fn may_write(&self, ctx: &Ctx, state: &State) -> Result<()> {
        let schema = self.crm.schema();
        let mut objects = vec![(state.object.as_str(), Action::Create), (state.object.as_str(), Action::Update)];
        if state.options.create_companies && state.names_companies() {
            objects.push(("company", Action::Create));
        }
        for (name, action) in objects {
            let object = schema.by_name(name).ok_or_else(|| Error::not_found("object"))?;
            if aplomb_access::decide(&ctx.actor, object, action).is_err() {
                let detail = format!("your role does not allow this with {}", object.plural.to_lowercase());
                return Err(Error::new(Code::Forbidden, detail));
            }
        }
        Ok(())
    }

    /// The context of a job: the user's rights at this moment.
    fn job_ctx(&self, user: Id, import: Id) -> Result<Ctx> {
        let actor = if user.is_nil() { Arc::new(Actor::system()) } else { self.crm.actor_of(user)? };
        let ctx = self.crm.ctx(actor, (self.now)(), self.random.clone(), &format!("import-{import}"));
        Ok(ctx.because(format!("import:{import}")))
    }

    /// What plain amounts and times without zone mean.
    fn money_and_zone(&self, ctx: &Ctx, options: &Options) -> Result<(Currency, TimeZone)> {
        let currency = match &options.currency {
            Some(code) => code.parse().map_err(|_| Error::field("currency", "currency", "is not an ISO 4217 code"))?,
            None => self.crm.currency(),
        };
        let settings = self.crm.settings(ctx)?;
        let name = settings.pointer("/organisation/timeZone").and_then(|v| v.as_str()).unwrap_or("UTC");
        Ok((currency, TimeZone::get(name).unwrap_or(TimeZone::UTC)))
    }

    /// Only who may change declarations adds choices.
    fn unknown_choices(&self, ctx: &Ctx, options: &Options) -> UnknownChoice {
        match options.unknown_choice {
            UnknownChoice::Add if !can(&ctx.actor, Capability::ManageSchema) => UnknownChoice::Refuse,
            chosen => chosen,
        }
    }
}

/// One import that is damaged must not hide the others.
fn readable<T>(stored: Result<T>) -> Option<T> {
    stored.inspect_err(|e| tracing::warn!(code = e.code.name(), "a stored import is left out of the list")).ok()
}

fn missing_check() -> Error {
    Error::new(Code::Conflict, "check the import first: the check finds these rows")
}

fn may_import(ctx: &Ctx) -> Result<()> {
    if can(&ctx.actor, Capability::Import) {
        return Ok(());
    }
    Err(Error::new(Code::Forbidden, "your role does not allow importing"))
}

fn sees(ctx: &Ctx, state: &State) -> bool {
    state.created_by == ctx.actor.user || ctx.actor.is_system() || can(&ctx.actor, Capability::ManageSettings)
}
