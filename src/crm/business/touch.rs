//! Last and next touch: what people did and plan to do with a contact, company, lead, deal or ticket.
//!
//! New work moves the times forward; changed or removed work has them counted again from all that is related.

use std::sync::Arc;

use aplomb_model::value::Link;
use aplomb_model::{FieldCode, Id, Object, ObjectCode, Record, Result, Timestamp, Value};

use super::outcome;
use crate::errors::OrStore;
use crate::records::plan::Plan;

/// Objects whose records are work.
const WORK: [&str; 5] = ["activity", "task", "call", "meeting", "email"];
/// Most pieces of work counted again for one record and kind.
const MOST: usize = 2_000;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Touch {
    Past(Timestamp),
    Planned(Timestamp),
}

pub(super) fn effects(plan: &mut Plan<'_>, object: &Object, before: Option<&Record>, after: &Record) -> Result<()> {
    if !WORK.contains(&object.name.as_str()) {
        return Ok(());
    }
    let now = plan.ctx.now;
    let targets = targets(object, after);
    match before {
        None => {
            let Some(touch) = touch(object, after, now) else { return Ok(()) };
            for target in with_companies(plan, &targets, touch)? {
                advance(plan, target, touch)?;
            }
        }
        Some(before) => {
            let mut all = self::targets(object, before);
            all.extend(targets.iter().filter(|t| !all.contains(t)).copied().collect::<Vec<_>>());
            for target in all {
                count_again(plan, target, after, &targets)?;
            }
        }
    }
    Ok(())
}

fn touch(object: &Object, record: &Record, now: Timestamp) -> Option<Touch> {
    let time = |name: &str| match object.field(name).and_then(|f| record.get(f.code)) {
        Some(Value::Time(at)) => Some(*at),
        _ => None,
    };
    if record.trashed_at.is_some() {
        return None;
    }
    if object.name == "task" {
        return match outcome(object, record, "status") {
            "open" => time("dueAt").map(Touch::Planned),
            _ if is(object, record, "status", "cancelled") => None,
            _ => time("completedAt").map(Touch::Past),
        };
    }
    if outcome(object, record, "status") == "lost" || is(object, record, "status", "draft") {
        return None;
    }
    let at = time("at").unwrap_or(record.created_at);
    Some(if at > now { Touch::Planned(at) } else { Touch::Past(at) })
}

fn is(object: &Object, record: &Record, field: &str, key: &str) -> bool {
    let value = object.field(field).and_then(|f| record.get(f.code));
    matches!(value, Some(Value::Text(text)) if text == key)
}

fn targets(object: &Object, record: &Record) -> Vec<Link> {
    let mut links = Vec::new();
    for name in ["related", "attendees"] {
        let value = object.field(name).and_then(|f| record.get(f.code));
        for link in value.map(Value::links).unwrap_or_default() {
            if !links.contains(link) {
                links.push(*link);
            }
        }
    }
    links
}

/// What happened with a contact or a deal happened with its company too; plans stay where they were made.
fn with_companies(plan: &Plan<'_>, targets: &[Link], touch: Touch) -> Result<Vec<Link>> {
    let mut all = targets.to_vec();
    if matches!(touch, Touch::Planned(_)) {
        return Ok(all);
    }
    for target in targets {
        let Some(object) = plan.schema.by_code(target.object) else { continue };
        let Some(company) = object.field("company").filter(|_| matches!(object.name.as_str(), "contact" | "deal"))
        else {
            continue;
        };
        let record = plan.live(target.object, target.id)?;
        let links = record.as_ref().and_then(|r| r.get(company.code)).map(Value::links).unwrap_or_default();
        for link in links {
            if !all.contains(link) {
                all.push(*link);
            }
        }
    }
    Ok(all)
}

struct Touched {
    object: Arc<Object>,
    record: Record,
    last: FieldCode,
    next: FieldCode,
}

fn touched(plan: &Plan<'_>, target: Link) -> Result<Option<Touched>> {
    let Some(object) = plan.schema.by_code(target.object).cloned() else { return Ok(None) };
    let (Some(last), Some(next)) = (object.field("lastTouchAt"), object.field("nextTouchAt")) else { return Ok(None) };
    let (last, next) = (last.code, next.code);
    Ok(plan.live(target.object, target.id)?.map(|record| Touched { object, record, last, next }))
}

fn advance(plan: &mut Plan<'_>, target: Link, touch: Touch) -> Result<()> {
    let Some(t) = touched(plan, target)? else { return Ok(()) };
    let time = |code| match t.record.get(code) {
        Some(Value::Time(at)) => Some(*at),
        _ => None,
    };
    let change = match touch {
        Touch::Past(at) if time(t.last).is_none_or(|last| at > last) => (t.last, at),
        Touch::Planned(at) if time(t.next).is_none_or(|next| at < next || next < plan.ctx.now) => (t.next, at),
        _ => return Ok(()),
    };
    plan.derive(&t.object, &t.record, vec![(change.0, Some(Value::Time(change.1)))]);
    Ok(())
}

/// From all work that is related, with `changed` as it will be.
fn count_again(plan: &mut Plan<'_>, target: Link, changed: &Record, its_targets: &[Link]) -> Result<()> {
    let Some(t) = touched(plan, target)? else { return Ok(()) };
    let now = plan.ctx.now;
    let (mut last, mut next): (Option<Timestamp>, Option<Timestamp>) = (None, None);
    let mut count = |object: &Object, record: &Record| match touch(object, record, now) {
        Some(Touch::Past(at)) => last = last.max(Some(at)),
        Some(Touch::Planned(at)) => next = Some(next.map_or(at, |n| n.min(at))),
        None => {}
    };
    for name in WORK {
        let Some(object) = plan.schema.by_name(name) else { continue };
        for field in ["related", "attendees"].iter().filter_map(|n| object.field(n)) {
            for id in referring(plan, target.id, object.code, field.code)? {
                if id != changed.id
                    && let Some(record) = plan.live(object.code, id)?
                {
                    count(object, &record);
                }
            }
        }
        if object.code == changed.object && its_targets.contains(&target) {
            count(object, changed);
        }
    }
    // A company keeps what it got from its contacts and deals, which are not counted here.
    let rolled_up = match t.record.get(t.last) {
        Some(Value::Time(at)) if t.object.name == "company" => Some(*at),
        _ => None,
    };
    let last = last.max(rolled_up);
    plan.derive(&t.object, &t.record, vec![(t.last, last.map(Value::Time)), (t.next, next.map(Value::Time))]);
    Ok(())
}

fn referring(plan: &Plan<'_>, target: Id, object: ObjectCode, field: FieldCode) -> Result<Vec<Id>> {
    let start = Some((object, field, Id::NIL));
    let found = plan.view.referrers(target, MOST, start).or_store()?;
    Ok(found.into_iter().take_while(|(o, f, _)| (*o, *f) == (object, field)).map(|(_, _, id)| id).collect())
}
