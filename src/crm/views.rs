//! Saved views: the address of a list under a name. A view grants nothing: whoever opens it sees what he may see.

use aplomb_access::can;
use aplomb_model::{Action, Capability, Code, Error, Id, Result, Timestamp};
use aplomb_store::{Assert, Op, View};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::Ctx;
use crate::access::may_change_own;
use crate::crm::Crm;
use crate::errors::{OrInternal, OrStore};

/// Documents by whom they concern, then the view's id: the owner, or [`Id::NIL`] for everybody.
const VIEW: &str = "view";
/// Characters of a name.
const NAME: usize = 80;
/// Bytes of an address.
const QUERY: usize = 8_192;
/// Views of one user.
const MOST: usize = 500;
const PAGE: usize = 500;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    id: Id,
    owner: Id,
    object: String,
    name: String,
    query: String,
    shared: bool,
    is_default: bool,
    pinned: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A view to be made.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewView {
    pub object: String,
    pub name: String,
    /// what stands behind the `?` of the list's address
    #[serde(default)]
    pub query: String,
    /// seen by everybody who may read the object
    #[serde(default)]
    pub shared: bool,
    /// opens with the list: of the owner, or, when an admin shares it, of all who have none of their own
    #[serde(default)]
    pub is_default: bool,
    /// stands in the sidebar
    #[serde(default)]
    pub pinned: bool,
}

/// What is to be changed of a view.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ViewChange {
    pub name: Option<String>,
    pub query: Option<String>,
    pub shared: Option<bool>,
    pub is_default: Option<bool>,
    pub pinned: Option<bool>,
}

impl Stored {
    fn key(&self) -> Vec<u8> {
        let whose = if self.shared { Id::NIL } else { self.owner };
        [*whose.as_bytes(), *self.id.as_bytes()].concat()
    }

    fn put(&self) -> Result<Op> {
        let value = serde_json::to_vec(self).or_internal("the view")?;
        Ok(Op::Doc { kind: VIEW, key: self.key(), value: Some(value), logged: true })
    }

    fn remove(&self) -> Op {
        Op::Doc { kind: VIEW, key: self.key(), value: None, logged: true }
    }

    fn check(&self) -> Result<()> {
        let length = self.name.chars().count();
        if !(1..=NAME).contains(&length) {
            return Err(Error::field("name", "length", format!("must have 1 to {NAME} characters")));
        }
        if self.query.len() > QUERY {
            return Err(Error::field("query", "length", format!("must have at most {QUERY} bytes")));
        }
        Ok(())
    }
}

impl Crm {
    /// The caller's own views and the shared ones of objects he may read; of `object`, or of all when it is `None`.
    /// `{id, object, name, query, shared, isDefault, pinned, owner: {id, name}, mine, createdAt, updatedAt}`
    pub fn views_list(&self, ctx: &Ctx, object: Option<&str>) -> Result<Vec<Json>> {
        if let Some(name) = object {
            self.inner.authorise(ctx, name, Action::Read)?;
        }
        let wanted = |view: &Stored| object.is_none_or(|name| name == view.object) && self.sees(ctx, view);
        let mut views: Vec<Stored> = known(&self.inner.view()?, ctx)?.into_iter().filter(wanted).collect();
        views.sort_by_cached_key(|view| (view.owner != ctx.actor.user, view.name.to_lowercase(), view.id));
        views.iter().map(|view| self.shown(ctx, view)).collect()
    }

    pub fn view_create(&self, ctx: &Ctx, new: NewView) -> Result<Json> {
        self.inner.authorise(ctx, &new.object, Action::Read)?;
        let view = Stored {
            id: ctx.new_id(),
            owner: ctx.actor.user,
            object: new.object,
            name: new.name.trim().to_owned(),
            query: new.query.trim_start_matches('?').to_owned(),
            shared: new.shared,
            is_default: new.is_default,
            pinned: new.pinned,
            created_at: ctx.now,
            updated_at: ctx.now,
        };
        may_change_own(ctx, &view.object)?;
        let others = known(&self.inner.view()?, ctx)?;
        if others.iter().filter(|other| other.owner == view.owner).count() >= MOST {
            return Err(Error::new(Code::TooLarge, format!("a user has at most {MOST} views; delete some first")));
        }
        self.keep(ctx, None, &view, &others)
    }

    /// Errors: `not_found` for a view that the caller does not see, `forbidden` for one that is neither his own nor
    /// his to manage.
    pub fn view_update(&self, ctx: &Ctx, id: Id, change: ViewChange) -> Result<Json> {
        let (before, others) = self.own(ctx, id)?;
        let mut view = before.clone();
        let ViewChange { name, query, shared, is_default, pinned } = change;
        view.name = name.map_or(view.name, |name| name.trim().to_owned());
        view.query = query.map_or(view.query, |query| query.trim_start_matches('?').to_owned());
        view.shared = shared.unwrap_or(view.shared);
        view.is_default = is_default.unwrap_or(view.is_default);
        view.pinned = pinned.unwrap_or(view.pinned);
        view.updated_at = ctx.now;
        self.keep(ctx, Some(&before), &view, &others)
    }

    pub fn view_delete(&self, ctx: &Ctx, id: Id) -> Result<()> {
        let (view, _) = self.own(ctx, id)?;
        self.inner.commit_docs(ctx, "view", vec![view.remove()], vec![])?;
        Ok(())
    }

    /// The view, if the caller may change it, and the others that he knows.
    fn own(&self, ctx: &Ctx, id: Id) -> Result<(Stored, Vec<Stored>)> {
        let mut others = known(&self.inner.view()?, ctx)?;
        let at = others.iter().position(|view| view.id == id && self.sees(ctx, view));
        let view = others.swap_remove(at.ok_or_else(|| Error::not_found("view"))?);
        if view.owner != ctx.actor.user && !can(&ctx.actor, Capability::ManageSettings) {
            return Err(Error::new(Code::Forbidden, "a shared view is changed by whom it belongs to, or by an admin"));
        }
        may_change_own(ctx, &view.object)?;
        Ok((view, others))
    }

    /// Of one owner's views of an object, one opens by default.
    fn keep(&self, ctx: &Ctx, before: Option<&Stored>, view: &Stored, others: &[Stored]) -> Result<Json> {
        view.check()?;
        if view.shared && view.is_default && !can(&ctx.actor, Capability::ManageSettings) {
            return Err(Error::new(Code::Forbidden, "what opens by default for everybody is chosen by an admin"));
        }
        let moved = before.filter(|before| before.key() != view.key());
        let mut ops: Vec<Op> = moved.map(Stored::remove).into_iter().collect();
        ops.push(view.put()?);
        let rival = |other: &&Stored| {
            let whose = if view.shared { other.shared } else { !other.shared && other.owner == view.owner };
            other.id != view.id && other.is_default && other.object == view.object && whose
        };
        if view.is_default {
            for other in others.iter().filter(rival) {
                ops.push(Stored { is_default: false, ..other.clone() }.put()?);
            }
        }
        self.inner.commit_docs(ctx, "view", ops, Vec::<Assert>::new())?;
        self.shown(ctx, view)
    }

    /// The saved views whose object and address, as text, are as wanted: the caller's and the shared ones, and how many
    /// there are beside them.
    pub(crate) fn views_with(&self, ctx: &Ctx, wanted: &dyn Fn(&str, &str) -> bool) -> Result<(Vec<Json>, u64)> {
        let (store, mut after, mut found, mut others) = (self.inner.view()?, None::<Vec<u8>>, Vec::new(), 0);
        loop {
            let page = store.docs(VIEW, b"", after.as_deref(), PAGE).or_store()?;
            for (_, bytes) in &page {
                let view: Stored = serde_json::from_slice(bytes).or_internal("a view")?;
                match wanted(&view.object, &plain(&view.query)) {
                    true if view.shared || view.owner == ctx.actor.user => found.push(json!({
                        "id": view.id, "name": view.name, "object": view.object, "shared": view.shared,
                    })),
                    true => others += 1,
                    false => {}
                }
            }
            match page.last() {
                Some((key, _)) if page.len() == PAGE => after = Some(key.clone()),
                _ => return Ok((found, others)),
            }
        }
    }

    fn sees(&self, ctx: &Ctx, view: &Stored) -> bool {
        (view.shared || view.owner == ctx.actor.user) && self.inner.authorise(ctx, &view.object, Action::Read).is_ok()
    }

    fn shown(&self, ctx: &Ctx, view: &Stored) -> Result<Json> {
        let directory = self.inner.directory()?;
        let owner = directory.name(view.owner);
        Ok(json!({
            "id": view.id, "object": view.object, "name": view.name, "query": view.query, "shared": view.shared,
            "isDefault": view.is_default, "pinned": view.pinned, "owner": {"id": view.owner, "name": owner},
            "mine": view.owner == ctx.actor.user, "createdAt": view.created_at, "updatedAt": view.updated_at,
        }))
    }
}

/// An address without its percent signs, as far as they stand for ASCII.
fn plain(query: &str) -> String {
    let mut out = String::with_capacity(query.len());
    let mut rest = query;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let byte = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        rest = match byte {
            Some(byte) => {
                out.push(if byte.is_ascii() { char::from(byte) } else { ' ' });
                &after[2..]
            }
            None => after,
        };
    }
    out.push_str(rest);
    out
}

/// The caller's own views and the shared ones.
fn known(view: &View, ctx: &Ctx) -> Result<Vec<Stored>> {
    let mut found = Vec::new();
    for whose in [ctx.actor.user, Id::NIL] {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = view.docs(VIEW, whose.as_bytes(), after.as_deref(), PAGE).or_store()?;
            for (_, bytes) in &page {
                found.push(serde_json::from_slice(bytes).or_internal("a view")?);
            }
            match page.last() {
                Some((key, _)) if page.len() == PAGE => after = Some(key.clone()),
                _ => break,
            }
        }
    }
    Ok(found)
}
