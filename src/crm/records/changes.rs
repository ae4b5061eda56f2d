//! The feed: what happened since a sequence number, as far as the caller may see it; and the audit, which is all of it.

use std::collections::HashMap;

use aplomb_access::{RowFilter, can, read_filter};
use aplomb_model::{Action, Capability, FieldCode, ObjectCode, Result, Schema, Seq};
use aplomb_store::{Change, ChangeItem, View};
use serde_json::{Value as Json, json};

use super::{history, holder, page_limit};
use crate::crm::Crm;
use crate::errors::{OrStore, forbidden};
use crate::{Ctx, Entries};

/// Items of a page of the feed after which no further batch is begun; one batch of an import has a thousand.
const PAGE_ITEMS: usize = 5_000;
/// Items of one batch that are spelt out in the audit.
const MOST_ITEMS: usize = 200;

impl Crm {
    /// `{changes: [{seq, at, actor, reason, items: [{object, id, version, kind, fields}]}], next}`; `next` is the
    /// sequence number to go on from.
    pub fn changes(&self, ctx: &Ctx, since: Seq, limit: usize) -> Result<Json> {
        let view = self.inner.view()?;
        let schema = self.schema();
        let directory = self.inner.directory()?;
        let found = view.changes_within(since, page_limit(limit), PAGE_ITEMS).or_store()?;
        let next = found.last().map_or(since, |c| c.seq);
        let mut rows: HashMap<ObjectCode, RowFilter> = HashMap::new();
        let mut changes = Vec::new();
        for change in &found {
            let mut items = Vec::new();
            for item in &change.items {
                let Some(object) = schema.by_code(item.object).filter(|o| !o.internal) else { continue };
                let rows = rows.entry(item.object).or_insert_with(|| read_filter(&ctx.actor, object, Action::Read));
                if seen(&view, &schema, rows, item)? {
                    items.push(show(&schema, item));
                }
            }
            if !items.is_empty() {
                let actor = json!({"id": change.actor, "name": directory.name(change.actor)});
                changes.push(json!({
                    "seq": change.seq, "at": change.at, "actor": actor, "reason": history::reason(&change.reason), "items": items,
                }));
            }
        }
        Ok(json!({"changes": changes, "next": next, "seq": view.seq()}))
    }

    /// Batches after `since`, oldest first. Documents are named, their contents not shown.
    pub fn audit(&self, ctx: &Ctx, since: Seq, limit: usize) -> Result<Entries> {
        if !can(&ctx.actor, Capability::ReadAudit) {
            return Err(forbidden());
        }
        let view = self.inner.view()?;
        let schema = self.schema();
        let directory = self.inner.directory()?;
        let limit = page_limit(limit);
        let found = view.changes(since, limit).or_store()?;
        let next = found.last().filter(|_| found.len() == limit).map(|c| c.seq.to_string());
        let entry = |change: &Change| {
            let items: Vec<Json> = change.items.iter().take(MOST_ITEMS).map(|i| show(&schema, i)).collect();
            let documents: Vec<Json> = change
                .docs
                .iter()
                .map(|d| json!({"kind": d.kind, "key": readable(&d.key), "removed": d.after.is_none()}))
                .collect();
            json!({
                "seq": change.seq, "at": change.at, "actor": {"id": change.actor, "name": directory.name(change.actor)},
                "reason": history::reason(&change.reason), "request": change.request, "count": change.items.len(),
                "items": items, "documents": documents,
            })
        };
        Ok(Entries { entries: found.iter().map(entry).collect(), next })
    }
}

/// By what the record is now; one that is gone is seen only by those who see all.
fn seen(view: &View, schema: &Schema, rows: &RowFilter, item: &ChangeItem) -> Result<bool> {
    match rows {
        RowFilter::All => Ok(true),
        RowFilter::None => Ok(false),
        rows => {
            let record = view.get(item.object, item.id).or_store()?;
            let object = schema.by_code(item.object);
            Ok(record.zip(object).is_some_and(|(r, o)| rows.admits(holder(o, &r))))
        }
    }
}

pub(crate) fn show(schema: &Schema, item: &ChangeItem) -> Json {
    let object = schema.by_code(item.object);
    let name = |code: &FieldCode| object.and_then(|o| o.by_code(*code)).map(|f| f.name.clone());
    let fields: Vec<String> = item.fields.iter().filter_map(name).collect();
    json!({
        "object": object.map(|o| o.name.as_str()), "id": item.id, "version": item.version,
        "kind": history::kind_name(item.kind), "fields": fields,
    })
}

/// Names as they are, hashes not at all.
fn readable(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key).ok().filter(|k| k.len() <= 60 && k.chars().all(|c| c.is_ascii_graphic()))
}
