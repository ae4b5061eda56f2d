//! Takes a bulk job back by what the log tells of it: every record goes back where nobody changed those fields since.

use aplomb_model::{Error, Id, Result, Seq};
use aplomb_store::{ChangeKind, Op, View};

use super::bulk;
use super::run::{Run, Step, TURN, outcome};
use super::state::{Kind, Place, Status, Stored};
use crate::errors::OrStore;
use crate::records::take_back;

/// Batches of the log that are looked through at a time, and items after which no further one is read.
const BATCHES: usize = 500;
const ITEMS: usize = 2_000;

/// One batch that the bulk job wrote.
struct Found {
    seq: Seq,
    ids: Vec<Id>,
}

pub(super) fn work(run: &Run<'_>) -> Result<Step> {
    for _ in 0..TURN {
        if run.stopping() {
            return Ok(Step::On);
        }
        let Some(state) = run.state()? else { return Ok(Step::Ended) };
        let of = state.undoes.ok_or_else(|| Error::internal("an undo of nothing"))?;
        let done = Stored::load(&run.inner.view()?, of)?.ok_or_else(|| Error::not_found("job"))?;
        let ctx = run.ctx(&state, &reason(of))?;
        let (found, came) = next(run, &state, &done)?;
        match found {
            Some(found) => take_all_back(run, &ctx, &state, &done, &found)?,
            None if came >= done.until.unwrap_or(0) => {
                run.done(&ctx)?;
                return Ok(Step::Ended);
            }
            None => run.batch(&ctx, &state, |_, next| {
                next.place = Place::After(came);
                Ok(())
            })?,
        };
    }
    Ok(Step::On)
}

/// How the log names what an undo wrote; the same for a second attempt at the same job.
fn reason(of: Id) -> String {
    format!("undo:{of}")
}

/// The next batch that the job wrote, and how far the log has been looked through.
fn next(run: &Run<'_>, state: &Stored, done: &Stored) -> Result<(Option<Found>, Seq)> {
    let since = if let Place::After(seq) = state.place { seq } else { done.since };
    let until = done.until.unwrap_or(0);
    let code = run.inner.schema().by_name(&done.object).map(|o| o.code);
    let changes = run.inner.view()?.changes_within(since, BATCHES, ITEMS).or_store()?;
    let came = changes.last().map_or(until, |c| c.seq);
    let own = bulk::reason(done.id);
    let mut found = changes.into_iter().filter(|c| c.seq <= until && c.reason.kind == own);
    let found = found.find_map(|change| {
        let touched = |kind| matches!(kind, ChangeKind::Updated | ChangeKind::Trashed);
        let items = change.items.iter().filter(|i| Some(i.object) == code && touched(i.kind));
        let ids: Vec<Id> = items.map(|i| i.id).collect();
        (!ids.is_empty()).then_some(Found { seq: change.seq, ids })
    });
    Ok((found, came))
}

fn take_all_back(run: &Run<'_>, ctx: &crate::Ctx, state: &Stored, done: &Stored, found: &Found) -> Result<bool> {
    run.batch(ctx, state, |plan, next| {
        let object = plan.schema.by_name(&done.object).cloned().ok_or_else(|| Error::not_found("object"))?;
        for id in &found.ids {
            next.count(*id, outcome(take_back(plan, &object, *id, found.seq, &reason(done.id)))?);
        }
        next.place = Place::After(found.seq);
        Ok(())
    })
}

/// What the end of an undo means for the job it takes back.
pub(super) fn settle(view: &View, ended: &Stored) -> Result<Option<Op>> {
    let Some(of) = ended.undoes.filter(|_| ended.kind == Kind::Undo && !ended.is_open()) else { return Ok(None) };
    let Some(job) = Stored::load(view, of)?.filter(|job| job.undone_by == Some(ended.id)) else { return Ok(None) };
    let job = match ended.status {
        Status::Done => Stored { status: Status::Undone, ..job },
        // what is left can be taken back by another one
        _ => Stored { undone_by: None, ..job },
    };
    job.put().map(Some)
}
