//! What streams tell of the change log. Many of them ask for the same batches at the same time: the latest are read once
//! for all, and whose a record is is looked up once. After an import only the first changes are named one by one.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use aplomb_access::{RowFilter, read_filter};
use aplomb_model::{Action, Id, ObjectCode, Result, Schema, Seq};
use aplomb_store::{Change, ChangeItem, View};
use parking_lot::Mutex;
use serde_json::{Value as Json, json};

use crate::Ctx;
use crate::crm::{Crm, Inner};
use crate::errors::OrStore;
use crate::records::{holder, show_change};

/// Changes of records that are kept in memory.
const KEPT: usize = 20_000;
/// Changes of records after which no further batch is begun.
const ITEMS: usize = 5_000;
const BATCHES: usize = 1_000;
/// When nobody asked for so many batches, what is kept is given up.
const KEEP_UP: Seq = 200;
/// Changes named one by one.
const NAMED: usize = 200;
/// Changes of records in a batch that is somebody's own work.
const SINGLE: usize = 50;

/// What happened between two places of the log, as far as one caller may see it.
#[derive(Debug, Clone, Default)]
pub struct News {
    /// everything up to here was looked at
    pub seq: Seq,
    /// names of objects
    pub objects: BTreeSet<String>,
    /// `{object, id, version, kind, fields, seq, actor}`
    pub changes: Vec<Json>,
    /// more happened to these objects than is named
    pub more: bool,
}

#[derive(Default)]
pub(crate) struct Latest(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// without a gap
    changes: VecDeque<Arc<Change>>,
    items: usize,
    /// whose a record was when it was looked up, after its last change here
    holders: HashMap<(ObjectCode, Id), Option<Id>>,
}

impl Crm {
    /// What happened after `since`, up to `until` at most: part of it when it is much.
    pub fn news(&self, ctx: &Ctx, since: Seq, until: Seq) -> Result<News> {
        let changes = self.inner.latest(since, until)?;
        let (schema, directory) = (self.schema(), self.inner.directory()?);
        let mut news = News { seq: changes.last().map_or(until.max(since), |c| c.seq), ..News::default() };
        let mut rows: HashMap<ObjectCode, RowFilter> = HashMap::new();
        // what people do one by one is named before what an import does by the thousand
        let (single, large): (Vec<_>, Vec<_>) = changes.iter().partition(|c| c.items.len() <= SINGLE);
        for change in single.into_iter().chain(large) {
            for item in &change.items {
                let Some(object) = schema.by_code(item.object).filter(|o| !o.internal) else { continue };
                // enough is named: all that still counts is whether the object is among them
                if news.changes.len() >= NAMED && news.more && news.objects.contains(&object.name) {
                    continue;
                }
                let rows = rows.entry(item.object).or_insert_with(|| read_filter(&ctx.actor, object, Action::Read));
                if !self.inner.sees(&schema, rows, item)? {
                    continue;
                }
                news.objects.insert(object.name.clone());
                if news.changes.len() >= NAMED {
                    news.more = true;
                    continue;
                }
                let mut shown = show_change(&schema, item);
                shown["seq"] = json!(change.seq);
                shown["actor"] = json!({"id": change.actor, "name": directory.name(change.actor)});
                news.changes.push(shown);
            }
        }
        Ok(news)
    }
}

impl Inner {
    fn latest(&self, since: Seq, until: Seq) -> Result<Vec<Arc<Change>>> {
        let mut kept = self.latest.0.lock();
        let view = self.view()?;
        let known = kept.changes.back().map(|c| c.seq);
        let keeps_up = known.is_some_and(|known| known + KEEP_UP >= until);
        if !keeps_up {
            *kept = Kept::default();
            kept.add(view.changes_within(since, BATCHES, ITEMS).or_store()?);
        }
        while let Some(last) = kept.changes.back().map(|c| c.seq).filter(|last| keeps_up && *last < until) {
            let fresh = view.changes_within(last, BATCHES, ITEMS).or_store()?;
            if fresh.is_empty() {
                break;
            }
            kept.add(fresh);
        }
        if let Some(found) = kept.between(since, until) {
            return Ok(found);
        }
        drop(kept);
        let found = view.changes_within(since, BATCHES, ITEMS).or_store()?;
        Ok(found.into_iter().filter(|c| c.seq <= until).map(Arc::new).collect())
    }

    /// By what the record is now; one that is gone is seen only by those who see all.
    fn sees(&self, schema: &Schema, rows: &RowFilter, item: &ChangeItem) -> Result<bool> {
        match rows {
            RowFilter::All => Ok(true),
            RowFilter::None => Ok(false),
            rows => Ok(rows.admits(self.holder_now(schema, item)?)),
        }
    }

    fn holder_now(&self, schema: &Schema, item: &ChangeItem) -> Result<Option<Id>> {
        let place = (item.object, item.id);
        let mut kept = self.latest.0.lock();
        if let Some(known) = kept.holders.get(&place) {
            return Ok(*known);
        }
        let found = look_up(&self.view()?, schema, item)?;
        if kept.holders.len() >= 2 * KEPT {
            kept.holders.clear();
        }
        kept.holders.insert(place, found);
        Ok(found)
    }
}

fn look_up(view: &View, schema: &Schema, item: &ChangeItem) -> Result<Option<Id>> {
    let record = view.get(item.object, item.id).or_store()?;
    Ok(record.zip(schema.by_code(item.object)).and_then(|(record, object)| holder(object, &record)))
}

impl Kept {
    /// What comes right behind.
    fn add(&mut self, fresh: Vec<Change>) {
        for change in fresh {
            for item in &change.items {
                self.holders.remove(&(item.object, item.id));
            }
            self.items += change.items.len();
            self.changes.push_back(Arc::new(change));
        }
        while self.items > KEPT || self.changes.len() > KEPT {
            let Some(first) = self.changes.pop_front() else { break };
            self.items -= first.items.len();
        }
    }

    /// `None` when part of it is not kept.
    fn between(&self, since: Seq, until: Seq) -> Option<Vec<Arc<Change>>> {
        let (first, last) = (self.changes.front()?.seq, self.changes.back()?.seq);
        if first > since + 1 || (last <= since && since < until) {
            return None;
        }
        let from = self.changes.partition_point(|change| change.seq <= since);
        let mut items = 0;
        let wanted = self.changes.range(from..).take_while(|change| {
            let room = items < ITEMS;
            items += change.items.len();
            room && change.seq <= until
        });
        Some(wanted.cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aplomb_model::Timestamp;
    use aplomb_store::{ChangeKind, Reason};

    fn change(seq: Seq, items: usize) -> Change {
        let item = |n: usize| ChangeItem {
            object: ObjectCode(1),
            id: Id::from_u128(n as u128),
            version: 1,
            kind: ChangeKind::Created,
            fields: vec![],
        };
        Change {
            seq,
            at: Timestamp::from_seconds(0),
            actor: Id::NIL,
            reason: Reason::new("api"),
            request: String::new(),
            items: (0..items).map(item).collect(),
            docs: vec![],
        }
    }

    fn seqs(found: Option<Vec<Arc<Change>>>) -> Option<Vec<Seq>> {
        Some(found?.iter().map(|c| c.seq).collect())
    }

    #[test]
    fn only_what_is_kept_without_a_gap_is_given() {
        let mut kept = Kept::default();
        assert_eq!(seqs(kept.between(0, 9)), None);
        kept.add((5..8).map(|seq| change(seq, 1)).collect());
        for (since, until, expect) in [
            (3, 9, None),
            (4, 9, Some(vec![5, 6, 7])),
            (5, 6, Some(vec![6])),
            (7, 9, None),
            (7, 7, Some(vec![])),
            (9, 9, Some(vec![])),
        ] {
            assert_eq!(seqs(kept.between(since, until)), expect, "{since}..={until}");
        }
        kept.holders.insert((ObjectCode(1), Id::from_u128(0)), None);
        kept.add(vec![change(8, 1)]);
        assert!(kept.holders.is_empty(), "the record may be somebody else's by now");
        assert_eq!(seqs(kept.between(7, 30)), Some(vec![8]));
    }

    #[test]
    fn memory_and_pages_are_bounded() {
        let mut kept = Kept::default();
        kept.add((1..=50).map(|seq| change(seq, 1_000)).collect());
        assert!(kept.items <= KEPT && kept.changes.len() <= 20);
        let first = kept.changes.front().map_or(0, |c| c.seq);
        assert_eq!(seqs(kept.between(first - 1, 50)).map(|s| s.len()), Some(5));
        assert_eq!(seqs(kept.between(0, 50)), None);
    }
}
