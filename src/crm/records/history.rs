//! Who changed what in a record, and what lies in the trash.

use aplomb_model::{Action, Code, Error, Id, Object, Result, Seq};
use aplomb_store::{ChangeKind, HistoryEntry};
use serde_json::{Value as Json, json};

use super::{Columns, Render, page_limit};
use crate::crm::Crm;
use crate::errors::OrStore;
use crate::{Ctx, Entries, QueryPage, Total};

impl Crm {
    /// Newest first: `{version, seq, at, actor, reason, kind, changes: [{field, label, before, after}]}`.
    pub fn history(&self, ctx: &Ctx, object: &str, id: Id, cursor: Option<&str>, limit: usize) -> Result<Entries> {
        let access = self.inner.authorise(ctx, object, Action::Read)?;
        let view = self.inner.view()?;
        access.load(&view, id)?.ok_or_else(|| Error::not_found("record"))?;
        let limit = page_limit(limit);
        let before = cursor.map(seq_cursor).transpose()?;
        let found = view.history(access.object.code, id, before, limit).or_store()?;
        let next = found.last().filter(|_| found.len() == limit).map(|e| e.seq.to_string());
        let schema = self.schema();
        let render = Render::new(&self.inner, &schema, &ctx.actor, &view)?;
        Ok(Entries { entries: found.iter().map(|e| entry(&render, &access.object, e)).collect(), next })
    }

    /// What the caller may take out of the trash, longest there first.
    pub fn trash_list(&self, ctx: &Ctx, object: &str, cursor: Option<&str>, limit: usize) -> Result<QueryPage> {
        let access = self.inner.authorise(ctx, object, Action::Read)?;
        let view = self.inner.view()?;
        let bad = || Error::new(Code::BadCursor, "not a cursor of this list");
        let after = cursor.map(|c| c.parse::<Id>().map_err(|_| bad())).transpose()?;
        let limit = page_limit(limit);
        let found = view.trash(access.object.code, after, limit).or_store()?;
        let next = found.last().filter(|_| found.len() == limit).map(|r| r.id.to_string());
        let schema = self.schema();
        let render = Render::new(&self.inner, &schema, &ctx.actor, &view)?;
        let seen = found.iter().filter(|r| access.admits(r));
        let records: Vec<Json> = seen.map(|r| render.record(&access.object, r, &Columns::ALL)).collect();
        let total = Total { count: records.len() as u64, exact: next.is_none() && cursor.is_none() };
        Ok(QueryPage { records, next, total: Some(total), groups: None, seq: view.seq() })
    }
}

fn seq_cursor(cursor: &str) -> Result<Seq> {
    cursor.parse().map_err(|_| Error::new(Code::BadCursor, "not a cursor of this list"))
}

pub(super) fn kind_name(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Created => "created",
        ChangeKind::Updated => "updated",
        ChangeKind::Trashed => "trashed",
        ChangeKind::Restored => "restored",
        ChangeKind::Purged => "purged",
    }
}

pub(super) fn entry(render: &Render<'_>, object: &Object, e: &HistoryEntry) -> Json {
    let show = |value: &Option<aplomb_model::Value>| value.as_ref().map(|v| render.value(v));
    let changes: Vec<Json> = e
        .changes
        .iter()
        .map(|(code, before, after)| {
            let field = object.by_code(*code);
            json!({
                "field": field.map(|f| f.name.as_str()), "label": field.map(|f| f.label.as_str()),
                "before": show(before), "after": show(after),
            })
        })
        .collect();
    json!({
        "version": e.version, "seq": e.seq, "at": e.at, "actor": render.user(e.actor), "reason": reason(&e.reason),
        "kind": kind_name(e.kind), "changes": changes, "erased": e.erased,
    })
}

pub(super) fn reason(reason: &aplomb_store::Reason) -> String {
    if reason.text.is_empty() { reason.kind.clone() } else { format!("{}: {}", reason.kind, reason.text) }
}
