//! One record back to before one batch, as long as nobody has touched since what the batch changed.

use std::collections::HashMap;

use aplomb_model::{Action, Code, Error, FieldCode, FieldError, Id, Object, Result, Seq};
use aplomb_store::{ChangeKind, HistoryEntry};

use super::plan::{Origin, Plan};
use super::write::{restore_in, writable};
use crate::errors::OrStore;

const PAGE: usize = 50;

/// True when something had to be changed. `own` is the reason of writes that count as part of the taking back.
///
/// Errors: `not_found`, `forbidden`; `invalid` naming the fields that were changed since.
pub(crate) fn take_back(plan: &mut Plan<'_>, object: &Object, id: Id, seq: Seq, own: &str) -> Result<bool> {
    let entry = plan.view.history(object.code, id, Some(seq + 1), 1).or_store()?.pop();
    let entry = entry.filter(|e| e.seq == seq).ok_or_else(|| Error::not_found("record"))?;
    if entry.erased {
        return Err(Error::not_found("record"));
    }
    match entry.kind {
        ChangeKind::Trashed => out_of_trash(plan, object, id, &entry, own),
        ChangeKind::Updated => fields_back(plan, object, id, &entry, own),
        _ => Ok(false),
    }
}

fn out_of_trash(plan: &mut Plan<'_>, object: &Object, id: Id, entry: &HistoryEntry, own: &str) -> Result<bool> {
    let record = plan.current(object.code, id)?.ok_or_else(|| Error::not_found("record"))?;
    if record.trashed_at.is_none() {
        return Ok(false);
    }
    let mut again = false;
    later(plan, object, id, entry.seq, own, |later| again |= later.kind == ChangeKind::Trashed)?;
    if again {
        return Err(Error::new(Code::Conflict, "was restored and deleted again since"));
    }
    restore_in(plan, &object.name, id, None).map(|_| true)
}

fn fields_back(plan: &mut Plan<'_>, object: &Object, id: Id, entry: &HistoryEntry, own: &str) -> Result<bool> {
    let by_hand = |code: &FieldCode| object.by_code(*code).is_some_and(|f| !f.read_only && !f.retired);
    if !entry.changes.iter().any(|(code, ..)| by_hand(code)) {
        return Ok(false);
    }
    let (access, record) = writable(plan, &object.name, id, Action::Update)?;
    let mut touched: HashMap<FieldCode, Id> = HashMap::new();
    if record.version != entry.version {
        later(plan, object, id, entry.seq, own, |later| {
            touched.extend(later.changes.iter().map(|(code, ..)| (*code, later.actor)));
        })?;
    }
    let differs = |code: &FieldCode, before: &Option<_>| record.get(*code) != before.as_ref();
    let mut changes: Vec<_> = entry.changes.iter().filter(|(code, before, _)| differs(code, before)).collect();
    let in_the_way = |code: &FieldCode| by_hand(code) && touched.contains_key(code);
    let errors: Vec<FieldError> = changes
        .iter()
        .filter(|(code, ..)| in_the_way(code))
        .filter_map(|(code, ..)| Some((object.by_code(*code)?, touched.get(code)?)))
        .map(|(field, by)| {
            let who = plan.directory.name(*by).unwrap_or("somebody");
            FieldError::new(&field.name, "changed_since", format!("{} was changed since by {who}", field.label))
        })
        .collect();
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    changes.retain(|(code, ..)| !touched.contains_key(code) && object.by_code(*code).is_some_and(|f| !f.retired));
    if !changes.iter().any(|(code, ..)| by_hand(code)) {
        return Ok(false);
    }
    let changes = changes.into_iter().map(|(code, before, _)| (*code, before.clone())).collect();
    let after = plan.update(&access.object, &record, changes, Origin::System)?;
    Ok(after.fields != record.fields)
}

/// What happened to the record after a batch, newest first, the taking back itself left out.
fn later(
    plan: &Plan<'_>,
    object: &Object,
    id: Id,
    seq: Seq,
    own: &str,
    mut each: impl FnMut(&HistoryEntry),
) -> Result<()> {
    let mut before = None;
    loop {
        let page = plan.view.history(object.code, id, before, PAGE).or_store()?;
        page.iter().filter(|e| e.seq > seq && e.reason.kind != own).for_each(&mut each);
        match page.last() {
            Some(last) if last.seq > seq => before = Some(last.seq),
            _ => return Ok(()),
        }
    }
}
