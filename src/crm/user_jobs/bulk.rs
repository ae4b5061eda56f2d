//! Changing or deleting many records, batch by batch. Each batch holds the records' changes and how far the job is.

use std::collections::HashSet;

use aplomb_model::{Action, Id, Result};

use super::run::{Run, Step, TURN, outcome};
use super::state::{Place, Stored};
use crate::records::plan::{Origin, Plan};
use crate::records::{Selected, Selection, writable};

/// Records of one batch, fewer when they get long texts.
const BATCH: usize = 1_000;
/// About what the new values of one batch take of memory.
const BATCH_BYTES: usize = 16 << 20;

pub(super) fn work(run: &Run<'_>) -> Result<Step> {
    let Some(state) = run.state()? else { return Ok(Step::Ended) };
    let mut selection = Selection::new(run.inner, &run.asked, &state.object, &run.order.selection())?;
    if state.place == Place::Start && !run.inner.caught_up(state.since) {
        return Ok(Step::Later);
    }
    let except: HashSet<Id> = run.order.except.iter().copied().collect();
    for _ in 0..TURN {
        if run.stopping() {
            return Ok(Step::On);
        }
        let Some(state) = run.state()? else { return Ok(Step::Ended) };
        if run.order.ids.is_none() && !selection.ready(run.inner) {
            return Ok(Step::Later);
        }
        let Some(page) = next(run, &state, &mut selection)? else {
            run.done(&run.ctx(&state, &reason(run.id))?)?;
            return Ok(Step::Ended);
        };
        let ids: Vec<Id> = page.ids.iter().copied().filter(|id| !except.contains(id)).collect();
        write(run, &state, &selection, &ids, &page)?;
    }
    Ok(Step::On)
}

/// How the log names what a job wrote.
pub(super) fn reason(id: Id) -> String {
    format!("bulk:{id}")
}

/// The records whose turn it is; `None` when all had theirs.
fn next(run: &Run<'_>, state: &Stored, selection: &mut Selection) -> Result<Option<Selected>> {
    if let Some(ids) = &run.order.ids {
        let from = if let Place::At(at) = state.place { at } else { 0 };
        let part: Vec<Id> = ids.iter().skip(from).take(batch(run)).copied().collect();
        let page = Selected { ids: part, next: None, total: ids.len() as u64 };
        return Ok(Some(page).filter(|page| !page.ids.is_empty()));
    }
    let cursor = match &state.place {
        Place::Start => None,
        Place::Cursor(cursor) => Some(cursor.clone()),
        _ => return Ok(None),
    };
    let mut page = selection.page(run.inner, cursor, batch(run))?;
    // Ids grow with time: what was created since stands at the end.
    let before = page.ids.len();
    let newest = Id::new(state.created_at, [u8::MAX; 10]);
    page.ids.retain(|id| *id <= newest);
    if page.ids.len() < before {
        page.next = None;
    }
    Ok(Some(page))
}

fn batch(run: &Run<'_>) -> usize {
    let text = |set| serde_json::to_string(set).map_or(0, |text: String| text.len());
    let bytes = run.order.set.as_ref().map_or(0, text);
    (BATCH_BYTES / bytes.max(1)).clamp(1, BATCH)
}

fn write(run: &Run<'_>, state: &Stored, selection: &Selection, ids: &[Id], page: &Selected) -> Result<bool> {
    let ctx = run.ctx(state, &reason(run.id))?;
    run.batch(&ctx, state, |plan, next| {
        for id in ids {
            next.count(*id, outcome(change(run, plan, selection, &state.object, *id))?);
        }
        if state.place == Place::Start {
            next.progress.total = page.total.saturating_sub(run.order.except.len() as u64).max(next.progress.done);
        }
        next.place = match (&run.order.ids, &page.next, &state.place) {
            (Some(_), _, Place::At(at)) => Place::At(at + page.ids.len()),
            (Some(_), ..) => Place::At(page.ids.len()),
            (None, Some(cursor), _) => Place::Cursor(cursor.clone()),
            // nothing comes after it
            (None, None, _) => Place::At(usize::MAX),
        };
        Ok(())
    })
}

/// True when the record is another one now.
fn change(run: &Run<'_>, plan: &mut Plan<'_>, selection: &Selection, object: &str, id: Id) -> Result<bool> {
    if run.order.ids.is_none() && !selection.still_holds(plan, id)? {
        return Ok(false);
    }
    let Some(set) = &run.order.set else {
        let (access, record) = writable(plan, object, id, Action::Delete)?;
        return plan.set_trashed(&access.object, &record, true).map(|_| true);
    };
    let (access, record) = writable(plan, object, id, Action::Update)?;
    let given = plan.read_fields(&access.object, set)?;
    let after = plan.update(&access.object, &record, given, Origin::Api)?;
    if after.fields == record.fields {
        return Ok(false);
    }
    Ok(true)
}
