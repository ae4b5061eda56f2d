//! Who follows which record. Ids of followed records are kept in memory, so that whatever nobody follows costs nothing.

use std::collections::HashSet;

use aplomb_model::{Action, Code, Error, Id, Object, ObjectCode, Result, Seq, Timestamp};
use aplomb_store::{Op, View};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::Ctx;
use crate::access::may_change_own;
use crate::crm::{Crm, Inner};
use crate::errors::{OrInternal, OrStore};
use crate::records::holder;

/// Documents by record, then user.
const FOLLOW: &str = "follow";
/// Documents by user, then record: what somebody follows.
const FOLLOWED: &str = "followed";
const VERSION: u8 = 1;
/// Records that one user may follow.
const MOST: usize = 1_000;
/// Followers of one record that are named and told.
const MOST_NAMED: usize = 500;
const PAGE: usize = 1_000;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    /// of this document's form
    version: u8,
    object: ObjectCode,
    /// changes after this batch are told
    since: Seq,
    at: Timestamp,
}

/// Followed records, once they were loaded.
#[derive(Default)]
pub(super) struct Followed(RwLock<Option<HashSet<Id>>>);

impl Followed {
    pub fn load(&self, view: &View) -> Result<()> {
        let (mut all, mut after) = (HashSet::new(), None::<Vec<u8>>);
        loop {
            let page = view.docs(FOLLOW, b"", after.as_deref(), PAGE).or_store()?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            all.extend(page.iter().filter_map(|(key, _)| Id::from_slice(key.get(..16)?)));
        }
        *self.0.write() = Some(all);
        Ok(())
    }

    pub fn has(&self, record: Id) -> bool {
        self.0.read().as_ref().is_some_and(|all| all.contains(&record))
    }

    fn add(&self, record: Id) {
        if let Some(all) = self.0.write().as_mut() {
            all.insert(record);
        }
    }
}

fn key(record: Id, user: Id) -> Vec<u8> {
    [*record.as_bytes(), *user.as_bytes()].concat()
}

/// Who followed the record before batch `seq`.
pub(super) fn followers(view: &View, record: Id, seq: Seq) -> Result<Vec<Id>> {
    let docs = view.docs(FOLLOW, record.as_bytes(), None, MOST_NAMED).or_store()?;
    let mut users = Vec::new();
    for (key, bytes) in docs {
        let stored: Stored = serde_json::from_slice(&bytes).or_internal("a follower")?;
        users.extend(key.get(16..).and_then(Id::from_slice).filter(|_| stored.since < seq));
    }
    Ok(users)
}

/// Removes all that is known of followers of a record that is gone for good.
pub(super) fn forget(view: &View, record: Id) -> Result<Vec<Op>> {
    let gone = |(kind, key)| Op::Doc { kind, key, value: None, logged: false };
    let docs = view.docs(FOLLOW, record.as_bytes(), None, usize::MAX).or_store()?;
    let users = docs.iter().filter_map(|(key, _)| key.get(16..).and_then(Id::from_slice));
    let pairs = users.flat_map(|user| [(FOLLOW, key(record, user)), (FOLLOWED, key(user, record))]);
    Ok(pairs.map(gone).collect())
}

impl Crm {
    /// `{followers: [{id, name}], following}`, to whoever may read the record.
    pub fn followers(&self, ctx: &Ctx, object: &str, id: Id) -> Result<Json> {
        self.readable(ctx, object, id)?;
        self.show_followers(ctx, object, id)
    }

    /// Follows a record, or no longer. Both may be said twice.
    ///
    /// Errors: `not_found` for a record the caller may not read, `too_large` when he follows too many.
    pub fn follow(&self, ctx: &Ctx, object: &str, id: Id, on: bool) -> Result<Json> {
        let declared = self.readable(ctx, object, id)?;
        may_change_own(ctx, object)?;
        let (user, view) = (ctx.actor.user, self.inner.view()?);
        let known = view.doc(FOLLOW, &key(id, user)).or_store()?.is_some();
        if known != on {
            if on && view.docs(FOLLOWED, user.as_bytes(), None, MOST).or_store()?.len() >= MOST {
                return Err(Error::new(
                    Code::TooLarge,
                    format!("one can follow at most {MOST} records; leave some first"),
                ));
            }
            let stored = Stored { version: VERSION, object: declared.code, since: view.seq(), at: ctx.now };
            let value = serde_json::to_vec(&stored).or_internal("a follower")?;
            let put = |kind, key| Op::Doc { kind, key, value: on.then(|| value.clone()), logged: false };
            let ops = vec![put(FOLLOW, key(id, user)), put(FOLLOWED, key(user, id))];
            drop(view);
            if on {
                self.inner.notices.followed.add(id);
            }
            self.inner.commit_docs(ctx, "follow", ops, vec![])?;
        }
        self.show_followers(ctx, object, id)
    }

    fn show_followers(&self, ctx: &Ctx, object: &str, id: Id) -> Result<Json> {
        let view = self.inner.view()?;
        let users = followers(&view, id, Seq::MAX)?;
        let following = view.doc(FOLLOW, &key(id, ctx.actor.user)).or_store()?.is_some();
        let named = self.readers(object, id, &users)?;
        let named: Vec<Json> = named.into_iter().map(|(id, name)| json!({"id": id, "name": name})).collect();
        Ok(json!({"followers": named, "following": following}))
    }

    /// The object of a record that the caller may read, in the trash too. Errors: `not_found`.
    pub fn readable(&self, ctx: &Ctx, object: &str, id: Id) -> Result<std::sync::Arc<Object>> {
        let access = self.inner.authorise(ctx, object, Action::Read)?;
        access.load(&self.inner.view()?, id)?.ok_or_else(|| Error::not_found("record"))?;
        Ok(access.object)
    }

    /// Those of the users who are active and may read the record now, with their names, in the order given.
    pub fn readers(&self, object: &str, id: Id, users: &[Id]) -> Result<Vec<(Id, String)>> {
        let (schema, directory) = (self.schema(), self.inner.directory()?);
        let Some(object) = schema.by_name(object) else { return Ok(Vec::new()) };
        let Some(record) = self.inner.view()?.get(object.code, id).or_store()? else { return Ok(Vec::new()) };
        let may_read = |user: &Id| {
            let actor = directory.actor(*user, aplomb_access::Via::Session(Id::NIL))?;
            let allowed = aplomb_access::allows(&actor, object, Action::Read, holder(object, &record));
            allowed.then(|| Some((*user, directory.name(*user)?.to_owned()))).flatten()
        };
        Ok(users.iter().filter_map(may_read).collect())
    }
}

impl Inner {
    pub(super) fn load_followed(&self) -> Result<()> {
        self.notices.followed.load(&self.view()?)
    }
}
