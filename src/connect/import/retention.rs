//! How long an uploaded file is kept: no longer than somebody needs it. It holds customers' data, and once every row is
//! a record it has served. Refused rows are given back from it for a month; a revert does not need it.

use aplomb_crm::{Ctx, JobNext};
use aplomb_model::{Code, Id, Result};
use serde_json::json;

use super::noted::Findings;
use super::state::{Run, STATE, State};
use super::{Imports, TIDY_JOB, source};

impl Imports {
    /// Stores a new import, and sees to it that its file goes some day, whatever becomes of it.
    pub(super) fn keep(&self, ctx: &Ctx, state: &State) -> Result<()> {
        let due = state.file_until(&Run::default());
        self.crm.enqueue_with(ctx, TIDY_JOB, &json!({"import": state.id}), due, vec![state.doc()?]).map(drop)
    }

    /// Removes the file when its time is over, and an import that nobody committed with it.
    pub(super) fn run_tidy(&self, id: Id) -> Result<JobNext> {
        let _one_at_a_time = self.lock();
        let (state, mut run) = (State::load(&self.crm, id)?, Run::load(&self.crm, id)?);
        let now = (self.now)();
        let until = if run.is_idle() { state.file_until(&run) } else { now.plus_days(1) };
        if until > now {
            return Ok(JobNext::At(until));
        }
        let ctx = Ctx::system(now, self.random.clone(), "import.tidy");
        if run.status.is_none() {
            self.forget(&ctx, &state)?;
        } else if !run.file_gone {
            run.file_gone = true;
            run.save(&self.crm, &ctx, id)?;
            self.remove_files(&state);
        }
        Ok(JobNext::Done)
    }

    /// Files that belong to no import or to one that is through with them: a crash came between.
    pub(super) fn remove_orphans(&self) {
        let names = self.uploads.list().unwrap_or_default();
        for id in names.iter().filter_map(|name| name.parse::<Id>().ok()) {
            let known = self.crm.get_doc(STATE, id.as_bytes()).map(|doc| doc.is_some());
            let needed = known.and_then(|known| Ok(known && !Run::load(&self.crm, id)?.file_gone));
            if matches!(needed, Ok(false)) {
                source::remove(&self.uploads, id);
            }
        }
        // rows that a check kept, of an import that is gone or was checked again since
        for (name, (import, file)) in names.iter().filter_map(|name| Some((name, Findings::owner(name)?))) {
            let state = match State::load(&self.crm, import) {
                Ok(state) => Some(state),
                Err(e) if e.code == Code::NotFound => None,
                Err(_) => continue,
            };
            let is_kept = |state: State| state.findings.is_some_and(|findings| findings.is(file));
            let gone = matches!(Run::load(&self.crm, import), Ok(Run { file_gone: true, .. }));
            if gone || !state.is_some_and(is_kept) {
                source::remove_named(&self.uploads, name);
            }
        }
    }
}
