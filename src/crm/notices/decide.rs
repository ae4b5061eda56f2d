//! Which notices a batch of the log makes, and for whom.

use std::collections::{BTreeMap, BTreeSet};

use aplomb_model::{FieldCode, Id, Object, ObjectCode, Record, Result, Schema};
use aplomb_store::{Change, ChangeItem, ChangeKind, DocChange, View};
use serde::{Deserialize, Serialize};

use super::followed::{self, Followed};
use super::stored::{Kind, Stored};
use crate::directory::Directory;
use crate::errors::{OrInternal, OrStore};

/// Records of one batch that are told one by one.
const SINGLE: usize = 20;
/// Documents of other modules that are logged when their work ends.
const JOB: &str = "job";
pub(super) const IMPORT_END: &str = "importEnd";

/// What a notice is gathered by: the user it is for, and what makes two events one.
pub(super) type Place = (Id, String);

/// An import that ended, as it is logged.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportEnd {
    pub id: Id,
    /// whose it is
    pub user: Id,
    pub object: String,
    pub failed: bool,
    /// rows that became or changed records
    pub count: u64,
    /// new records by the owners they were given to
    pub assigned: BTreeMap<Id, u64>,
}

impl ImportEnd {
    const VERSION: u8 = 1;

    pub(super) fn bytes(&self) -> Result<Vec<u8>> {
        let body = serde_json::to_vec(self).or_internal("the end of an import")?;
        Ok([&[ImportEnd::VERSION], body.as_slice()].concat())
    }

    fn read(bytes: &[u8]) -> Result<ImportEnd> {
        let body = bytes.split_first().filter(|(version, _)| **version == ImportEnd::VERSION).map(|(_, body)| body);
        serde_json::from_slice(body.unwrap_or_default()).or_internal("the end of an import")
    }
}

/// What of a job's document counts here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobEnd {
    id: Id,
    object: String,
    status: String,
    owner: Id,
    /// records that were dealt with
    #[serde(default)]
    progress: JobProgress,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JobProgress {
    done: u64,
}

impl JobEnd {
    fn read(bytes: &[u8]) -> Result<JobEnd> {
        serde_json::from_slice(bytes).or_internal("a job")
    }

    /// `None`: it goes on, or nobody has to be told.
    fn kind(&self) -> Option<Kind> {
        match self.status.as_str() {
            "done" => Some(Kind::JobDone),
            "failed" => Some(Kind::JobFailed),
            _ => None,
        }
    }
}

/// One look at the log.
pub(super) struct Deciding<'a> {
    pub view: &'a View,
    pub schema: &'a Schema,
    pub directory: &'a Directory,
    pub followed: &'a Followed,
    /// imports whose records they count themselves
    pub imports: BTreeMap<String, bool>,
    pub made: BTreeMap<Place, Stored>,
    /// records that are gone for good and that somebody follows
    pub gone: BTreeSet<Id>,
}

impl Deciding<'_> {
    pub fn change(&mut self, change: &Change) -> Result<()> {
        for doc in &change.docs {
            match doc.kind.as_str() {
                JOB => self.job(change, doc)?,
                IMPORT_END => self.import(change, doc)?,
                _ => {}
            }
        }
        let by_import = self.counts_itself(&change.reason.kind)?;
        for item in &change.items {
            let Some(object) = self.schema.by_code(item.object).filter(|o| !o.internal).cloned() else { continue };
            self.item(change, item, &object, by_import)?;
        }
        Ok(())
    }

    /// Whether the batch is that of an import, which tells in the end whom it gave records to.
    fn counts_itself(&mut self, reason: &str) -> Result<bool> {
        let Some(id) = reason.strip_prefix("import:").and_then(|id| id.parse::<Id>().ok()) else { return Ok(false) };
        if let Some(known) = self.imports.get(reason) {
            return Ok(*known);
        }
        let known = self.view.doc("import", id.as_bytes()).or_store()?.is_some();
        self.imports.insert(reason.to_owned(), known);
        Ok(known)
    }

    fn item(&mut self, change: &Change, item: &ChangeItem, object: &Object, by_import: bool) -> Result<()> {
        let is_followed = self.followed.has(item.id);
        if item.kind == ChangeKind::Purged {
            self.gone.extend(Some(item.id).filter(|_| is_followed));
            return Ok(());
        }
        let by_hand = |code: &FieldCode| object.by_code(*code).is_some_and(|f| !f.read_only && !f.retired);
        let fields: Vec<FieldCode> = item.fields.iter().copied().filter(by_hand).collect();
        // what only follows from other records is nobody's change
        if item.kind == ChangeKind::Updated && fields.is_empty() {
            return Ok(());
        }
        let owned = object.owner().is_some() && !(by_import && item.kind == ChangeKind::Created);
        if !owned && !is_followed {
            return Ok(());
        }
        let Some(record) = self.as_written(item)? else { return Ok(()) };
        let owner = object.owner_of(&record).filter(|_| owned);
        let given = item.kind == ChangeKind::Created || object.owner().is_some_and(|f| fields.contains(&f.code));
        let assigned = owner.filter(|owner| given && *owner != change.actor);
        if let Some(user) = assigned {
            self.make(change, item, user, Kind::Assigned, &[]);
        }
        if change.actor.is_nil() || item.kind == ChangeKind::Created {
            return Ok(());
        }
        let mut others: BTreeSet<Id> = owner.into_iter().collect();
        if is_followed {
            others.extend(followed::followers(self.view, item.id, change.seq)?);
        }
        let kind = if item.kind == ChangeKind::Trashed { Kind::Deleted } else { Kind::Changed };
        for user in others.into_iter().filter(|user| *user != change.actor && Some(*user) != assigned) {
            self.make(change, item, user, kind, &fields);
        }
        Ok(())
    }

    /// The record as the batch left it: what came later must not decide whom it concerned.
    fn as_written(&self, item: &ChangeItem) -> Result<Option<Record>> {
        let record = self.view.get(item.object, item.id).or_store()?;
        match record {
            Some(record) if record.version != item.version => {
                self.view.at_version(item.object, item.id, item.version).or_store()
            }
            record => Ok(record),
        }
    }

    fn make(&mut self, change: &Change, item: &ChangeItem, user: Id, kind: Kind, fields: &[FieldCode]) {
        let several = change.reason.kind.contains(':') || change.items.len() > SINGLE;
        let group = match several {
            true if change.reason.kind.contains(':') => {
                format!("{} {kind:?} {}", change.reason.kind, item.object.0)
            }
            true => format!("{} {kind:?} {}", change.seq, item.object.0),
            false if kind == Kind::Changed => format!("{} {}", item.id, change.actor),
            false => format!("{} {kind:?} {}", change.seq, item.id),
        };
        let mut notice = Stored {
            object: Some(item.object),
            record: Some(item.id),
            fields: fields.to_vec(),
            group,
            seq: change.seq,
            ..Stored::new(Id::NIL, change.at, kind, change.actor)
        };
        notice.fields.sort();
        self.add(user, notice);
    }

    fn add(&mut self, user: Id, notice: Stored) {
        if !self.directory.users.get(&user).is_some_and(|u| u.active) {
            return;
        }
        match self.made.get_mut(&(user, notice.group.clone())) {
            Some(known) => known.take(&notice),
            None => drop(self.made.insert((user, notice.group.clone()), notice)),
        }
    }

    /// A job of a user that came to its end.
    fn job(&mut self, change: &Change, doc: &DocChange) -> Result<()> {
        let Some(after) = &doc.after else { return Ok(()) };
        let job = JobEnd::read(after)?;
        let told = doc.before.as_deref().map(JobEnd::read).transpose()?.is_some_and(|before| before.kind().is_some());
        let Some(kind) = job.kind().filter(|_| !told) else { return Ok(()) };
        let (object, count) = (self.code(&job.object), job.progress.done);
        let group = format!("job {}", job.id);
        let notice = Stored::new(Id::NIL, change.at, kind, Id::NIL);
        self.add(job.owner, Stored { object, count, job: Some(job.id), group, seq: change.seq, ..notice });
        Ok(())
    }

    fn import(&mut self, change: &Change, doc: &DocChange) -> Result<()> {
        let Some(after) = &doc.after else { return Ok(()) };
        let end = ImportEnd::read(after)?;
        let object = self.code(&end.object);
        let kind = if end.failed { Kind::JobFailed } else { Kind::ImportDone };
        let (import, group) = (Some(end.id), format!("import {}", end.id));
        let (seq, own) = (change.seq, Stored::new(Id::NIL, change.at, kind, Id::NIL));
        let notice = Stored { object, import, group, seq, ..own };
        self.add(end.user, Stored { count: end.count, ..notice });
        for (user, count) in end.assigned.into_iter().filter(|(user, _)| *user != end.user) {
            let group = format!("import {} assigned", end.id);
            let notice = Stored::new(Id::NIL, change.at, Kind::Assigned, end.user);
            self.add(user, Stored { object, count, group, seq, ..notice });
        }
        Ok(())
    }

    fn code(&self, object: &str) -> Option<ObjectCode> {
        self.schema.by_name(object).map(|o| o.code)
    }
}

impl Stored {
    /// One more event of the same group.
    pub fn take(&mut self, more: &Stored) {
        (self.at, self.seq) = (self.at.max(more.at), self.seq.max(more.seq));
        if self.record != more.record || self.record.is_none() {
            self.record = None;
            self.count += more.count;
        }
        self.fields.extend(&more.fields);
        self.fields.sort();
        self.fields.dedup();
    }
}
