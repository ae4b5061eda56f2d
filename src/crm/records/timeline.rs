//! Everything that happened with a record: what was done with it, what refers to it, and its own changes, newest first.

use std::collections::BTreeSet;

use aplomb_model::{Action, Code, Error, FieldCode, FieldType, Id, Object, Record, Result, Seq, Timestamp, Value};
use aplomb_store::View;
use serde_json::{Value as Json, json};

use super::versions::only_follows;
use super::{Access, Render, history, page_limit};
use crate::crm::Crm;
use crate::errors::OrStore;
use crate::{Ctx, Entries, TimelineRequest};

/// Objects that appear in the timeline of what they refer to.
const KINDS: [&str; 13] = [
    "activity", "task", "note", "call", "meeting", "email", "ticket", "deal", "quote", "order", "invoice", "contract",
    "campaign",
];
const CHANGE: &str = "change";
/// Most records read per kind and field.
const MOST: usize = 5_000;

struct Entry {
    at: Timestamp,
    /// breaks ties: sequence number of a change, id of a record
    tie: u128,
    json: Json,
}

impl Crm {
    /// `{at, kind, title, object, id, actor: {id, name}, detail}`
    pub fn timeline(&self, ctx: &Ctx, object: &str, id: Id, request: &TimelineRequest) -> Result<Entries> {
        let access = self.inner.authorise(ctx, object, Action::Read)?;
        let view = self.inner.view()?;
        access.load(&view, id)?.ok_or_else(|| Error::not_found("record"))?;
        if let Some(strange) = request.kinds.iter().find(|kind| *kind != CHANGE && !KINDS.contains(&kind.as_str())) {
            let detail = format!("there is no kind {strange}; known are {}, {CHANGE}", KINDS.join(", "));
            return Err(Error::field("kinds", "value", detail));
        }
        let limit = page_limit(request.limit);
        let from = request.cursor.as_deref().map(read_cursor).transpose()?;
        let wanted = |kind: &str| request.kinds.is_empty() || request.kinds.iter().any(|k| k == kind);
        let schema = self.schema();
        let render = Render::new(&self.inner, &schema, &ctx.actor, &view)?;
        let mut entries = Vec::new();
        for kind in KINDS.iter().filter(|k| wanted(k)).filter_map(|k| schema.by_name(k)) {
            let Some(of_kind) = self.inner.access(ctx, kind, Action::Read) else { continue };
            let ids = related(&view, &of_kind, &access.object, id)?;
            for record in view.get_many(kind.code, &ids).or_store()?.into_iter().flatten() {
                if record.trashed_at.is_none() && of_kind.admits(&record) {
                    entries.push(work(&render, kind, &record));
                }
            }
        }
        if wanted(CHANGE) {
            changes(&render, &view, &access, id, from, limit, &mut entries)?;
        }
        entries.sort_by_key(|e| std::cmp::Reverse((e.at, e.tie)));
        entries.retain(|e| from.is_none_or(|from| (e.at, e.tie) < from));
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().filter(|_| more).map(|e| format!("{}.{:x}", e.at.micros(), e.tie));
        Ok(Entries { entries: entries.into_iter().map(|e| e.json).collect(), next })
    }
}

fn read_cursor(cursor: &str) -> Result<(Timestamp, u128)> {
    let parse = || {
        let (at, tie) = cursor.split_once('.')?;
        Some((Timestamp::from_micros(at.parse().ok()?), u128::from_str_radix(tie, 16).ok()?))
    };
    parse().ok_or_else(|| Error::new(Code::BadCursor, "not a cursor of this list"))
}

fn related(view: &View, of_kind: &Access, target: &Object, id: Id) -> Result<Vec<Id>> {
    let mut ids = BTreeSet::new();
    let refers = |f: &&aplomb_model::Field| {
        matches!(f.kind, FieldType::Reference | FieldType::References) && f.target.contains(&target.name)
    };
    for field in of_kind.object.live().filter(refers) {
        let code = (of_kind.object.code, field.code);
        let mut after: Option<(aplomb_model::ObjectCode, FieldCode, Id)> = Some((code.0, code.1, Id::NIL));
        while ids.len() < MOST {
            let found = view.referrers(id, 1_000, after).or_store()?;
            let same = found.iter().take_while(|(o, f, _)| (*o, *f) == code);
            let count = same.clone().count();
            ids.extend(same.map(|(_, _, id)| *id));
            if count < 1_000 {
                break;
            }
            after = found.last().copied();
        }
    }
    Ok(ids.into_iter().collect())
}

fn work(render: &Render<'_>, object: &Object, record: &Record) -> Entry {
    let value = |name: &str| object.field(name).and_then(|f| record.get(f.code));
    let at = ["at", "completedAt", "closedAt"].iter().find_map(|name| match value(name) {
        Some(Value::Time(at)) => Some(*at),
        _ => None,
    });
    let at = at.unwrap_or(record.created_at);
    let body = value("body").or_else(|| value("description")).map(Value::text);
    let brief = body.map(|b| b.chars().take(400).collect::<String>());
    let label = |name: &str| {
        let field = object.field(name)?;
        let key = record.get(field.code)?.text();
        Some(field.choices.iter().find(|c| c.key == key).map_or(key, |c| c.label.clone()))
    };
    let show = |name: &str| value(name).map(|v| render.value(v));
    let json = json!({
        "at": at, "kind": object.name, "title": object.title_of(record), "object": object.name, "id": record.id,
        "actor": render.user(object.owner_of(record).unwrap_or(record.created_by)),
        "detail": {
            "text": brief, "status": label("status").or_else(|| label("stage")), "kind": label("kind"),
            "direction": label("direction"), "outcome": label("outcome"), "dueAt": show("dueAt"),
            "duration": show("duration"), "location": show("location"),
            "amount": show("amount").or_else(|| show("total")),
        },
    });
    Entry { at, tie: record.id.as_u128(), json }
}

fn changes(
    render: &Render<'_>,
    view: &View,
    access: &Access,
    id: Id,
    from: Option<(Timestamp, u128)>,
    limit: usize,
    entries: &mut Vec<Entry>,
) -> Result<()> {
    let mut before: Option<Seq> = None;
    let mut taken = 0;
    while taken <= limit {
        let page = view.history(access.object.code, id, before, 200).or_store()?;
        let full = page.len() == 200;
        before = page.last().map(|e| e.seq);
        for e in page {
            let tie = u128::from(e.seq);
            if from.is_some_and(|from| (e.at, tie) >= from) || only_follows(&access.object, &e) {
                continue;
            }
            taken += 1;
            let detail = history::entry(render, &access.object, &e);
            let json = json!({
                "at": e.at, "kind": CHANGE, "title": history::kind_name(e.kind), "object": access.object.name, "id": id,
                "actor": render.user(e.actor), "detail": detail,
            });
            entries.push(Entry { at: e.at, tie, json });
        }
        if !full {
            break;
        }
    }
    Ok(())
}
