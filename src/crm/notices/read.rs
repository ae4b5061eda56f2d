//! Notices as their reader may see them now, and marking them as read.

use aplomb_access::Via;
use aplomb_model::{Action, Code, Error, Id, Object, Record, Result};
use aplomb_store::View;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::sync::Arc;

use super::stored::{self, MOST, Stored};
use crate::Ctx;
use crate::access::may_change_own;
use crate::crm::Crm;
use crate::records::Access;

/// Notices that are marked one by one.
const MOST_IDS: usize = MOST;

/// Which notices were read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReadNotices {
    pub ids: Vec<Id>,
    pub all: bool,
}

/// What one reader may see.
struct Reading<'a> {
    crm: &'a Crm,
    ctx: &'a Ctx,
    view: View,
    access: HashMap<u16, Option<Access>>,
}

/// A notice with what it is about.
struct Seen {
    notice: Stored,
    object: Option<Arc<Object>>,
    record: Option<Record>,
}

impl Crm {
    /// `{notices: [{id, at, kind, object, record, job, import, actor, fields, count, read}], unread, next}`, newest
    /// first. What the caller may not read now is left out, also of the number of the unread.
    pub fn notices_list(&self, ctx: &Ctx, only_unread: bool, limit: usize, cursor: Option<&str>) -> Result<Json> {
        let bad = |_| Error::new(Code::BadCursor, "the cursor belongs to another query");
        let after: Option<Id> = cursor.map(|c| c.parse().map_err(bad)).transpose()?;
        let mut reading = Reading::new(self, ctx)?;
        let (mut shown, mut unread, mut next) = (Vec::new(), 0u64, None);
        for notice in reading.all()? {
            let id = notice.id;
            let is_behind = after.is_none_or(|after| id < after);
            let wanted = is_behind && next.is_none() && !(only_unread && notice.read);
            if notice.read && !wanted {
                continue;
            }
            let Some(seen) = reading.see(notice)? else { continue };
            unread += u64::from(!seen.notice.read);
            match wanted {
                true if shown.len() < limit => shown.push((id, self.show_notice(&seen)?)),
                true => next = shown.last().map(|(id, _)| id.to_string()),
                false => {}
            }
        }
        let shown: Vec<Json> = shown.into_iter().map(|(_, json)| json).collect();
        Ok(json!({"notices": shown, "unread": unread, "next": next}))
    }

    /// Notices that the caller has not read and may see.
    pub fn notices_unread(&self, ctx: &Ctx) -> Result<u64> {
        let mut reading = Reading::new(self, ctx)?;
        let mut unread = 0;
        for notice in reading.all()?.into_iter().filter(|n| !n.read) {
            unread += u64::from(reading.see(notice)?.is_some());
        }
        Ok(unread)
    }

    /// Marks as read; gives how many are left. Ids of nobody's or somebody else's notices do nothing.
    pub fn notices_read(&self, ctx: &Ctx, which: &ReadNotices) -> Result<u64> {
        if which.all != which.ids.is_empty() {
            return Err(Error::field("ids", "required", "give either ids or all: true"));
        }
        if which.ids.len() > MOST_IDS {
            return Err(Error::field("ids", "range", format!("at most {MOST_IDS} notices")));
        }
        may_change_own(ctx, "")?;
        let user = ctx.actor.user;
        {
            let _alone = self.inner.notices.gate.lock();
            let all = stored::page(&self.inner.view()?, user, None, MOST)?;
            let marked = all.into_iter().filter(|n| !n.read && (which.all || which.ids.contains(&n.id)));
            let ops: Vec<_> = marked.map(|n| Stored { read: true, ..n }.put(user)).collect::<Result<_>>()?;
            if !ops.is_empty() {
                self.inner.commit_docs(ctx, "notices", ops, vec![])?;
            }
        }
        // other pages of the same user show the number too
        self.inner.notices.tell(&[user].into());
        self.notices_unread(ctx)
    }

    fn show_notice(&self, seen: &Seen) -> Result<Json> {
        let directory = self.inner.directory()?;
        let Seen { notice, object, record } = seen;
        let record = object.as_ref().zip(record.as_ref());
        let fields = notice.fields.iter().filter_map(|code| {
            let field = object.as_ref()?.by_code(*code).filter(|f| !f.retired)?;
            Some(json!({"field": field.name, "label": field.label}))
        });
        let by_user = !notice.actor.is_nil() && notice.job.is_none();
        let actor = by_user.then(|| json!({"id": notice.actor, "name": directory.name(notice.actor)}));
        Ok(json!({
            "id": notice.id,
            "at": notice.at,
            "kind": notice.kind,
            "object": object.as_ref().map(|o| o.name.as_str()),
            "record": record.map(|(object, record)| json!({"id": record.id, "name": object.title_of(record)})),
            "job": notice.job,
            "import": notice.import,
            "actor": actor,
            "fields": fields.collect::<Vec<Json>>(),
            "count": notice.count,
            "read": notice.read,
        }))
    }
}

impl<'a> Reading<'a> {
    fn new(crm: &'a Crm, ctx: &'a Ctx) -> Result<Reading<'a>> {
        Ok(Reading { crm, ctx, view: crm.inner.view()?, access: HashMap::new() })
    }

    fn all(&self) -> Result<Vec<Stored>> {
        stored::page(&self.view, self.ctx.actor.user, None, MOST)
    }

    /// `None` for what the reader may not see, and for what is gone for good.
    fn see(&mut self, notice: Stored) -> Result<Option<Seen>> {
        let Some(code) = notice.object else {
            let own = !matches!(self.ctx.actor.via, Via::Token { .. });
            return Ok(own.then_some(Seen { notice, object: None, record: None }));
        };
        let access = self.access.entry(code.0).or_insert_with(|| {
            let schema = self.crm.schema();
            schema.by_code(code).and_then(|object| self.crm.inner.access(self.ctx, object, Action::Read))
        });
        let Some(access) = access else { return Ok(None) };
        let object = Some(access.object.clone());
        let Some(id) = notice.record else { return Ok(Some(Seen { notice, object, record: None })) };
        let record = access.load(&self.view, id)?;
        Ok(record.map(|record| Seen { notice, object, record: Some(record) }))
    }
}
