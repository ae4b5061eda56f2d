//! One write being decided: a snapshot, what is to be put on top of it, and the batch that it becomes.
//!
//! Rules see through [`Plan::current`] what the batch has changed so far, so several changes of one record become one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use aplomb_access::{RowFilter, read_filter};
use aplomb_model::query::{Kind, Scalar, scalars};
use aplomb_model::record::Fields;
use aplomb_model::schema::system;
use aplomb_model::value::Link;
use aplomb_model::{
    Action, Code, Currency, Error, FieldCode, FieldError, Id, Object, ObjectCode, Record, Result, Schema, Seq,
    Timestamp, Value, json,
};
use aplomb_store::{Assert, Batch, Op, Reason, StoreError, View};
use parking_lot::MutexGuard;

use super::input::Changes;
use super::{Render, holder};
use crate::Ctx;
use crate::business;
use crate::crm::Inner;
use crate::directory::Directory;
use crate::errors::{self, OrStore};
use crate::files::Moves;
use crate::settings::Settings;

/// How often a write is decided anew when another one was quicker.
const TRIES: usize = 10;
/// Documents: the last number given in a series, by its name.
const COUNTER: &str = "counter";

/// On whose word a write happens, which says how strict the rules are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// a person or a program now
    Api,
    /// another system's past
    Import,
    /// our own rules, an undo, a conversion
    System,
}

pub(crate) struct Plan<'a> {
    pub inner: &'a Inner,
    pub ctx: &'a Ctx,
    pub view: View,
    pub schema: Schema,
    pub settings: Arc<Settings>,
    pub directory: Arc<Directory>,
    /// documents and purges beside the records
    pub ops: Vec<Op>,
    pub asserts: Vec<Assert>,
    staged: Vec<Staged>,
    places: HashMap<(ObjectCode, Id), usize>,
    targets: HashMap<Link, bool>,
    counters: BTreeMap<String, u64>,
    numbering: Option<MutexGuard<'a, ()>>,
    currencies: BTreeSet<Currency>,
    pub files: Moves,
}

/// What another system says of a record's past. The log tells nevertheless when and by whom it was written here.
#[derive(Default)]
pub(crate) struct Past {
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    created_by: Option<Id>,
}

impl Past {
    /// Takes it out of what is given for the fields.
    pub fn split(given: Changes) -> (Changes, Past) {
        let mut past = Past::default();
        let mut rest = Changes::with_capacity(given.len());
        for (code, value) in given {
            match (code, &value) {
                (system::CREATED_AT, Some(Value::Time(at))) => past.created_at = Some(*at),
                (system::UPDATED_AT, Some(Value::Time(at))) => past.updated_at = Some(*at),
                (system::CREATED_BY, Some(Value::Ref(user))) => past.created_by = Some(user.id),
                _ => rest.push((code, value)),
            }
        }
        (rest, past)
    }
}

struct Staged {
    object: Arc<Object>,
    before: Option<Arc<Record>>,
    after: Record,
}

/// A batch to be written, and what is to be known once it is.
pub(crate) struct Decided<'a> {
    inner: &'a Inner,
    batch: Batch,
    /// position of the log that it was decided on
    seen: Seq,
    currencies: Vec<Currency>,
    numbering: Option<MutexGuard<'a, ()>>,
}

impl Decided<'_> {
    /// Blocks until the batch is durable.
    pub fn commit(self) -> Result<Seq, StoreError> {
        if self.batch.ops.is_empty() {
            return Ok(self.seen);
        }
        let seq = self.inner.commit(self.batch)?;
        self.inner.currencies.write().extend(self.currencies);
        Ok(seq)
    }

    /// Hands the batch over; `done` is called when it is durable, at once where the caller has to wait anyway.
    pub fn submit(self, done: impl FnOnce(Result<Seq, StoreError>) + Send + 'static) {
        let waits = self.numbering.is_some() || !self.currencies.is_empty() || Inner::concerns_people(&self.batch);
        if waits || self.batch.ops.is_empty() {
            return done(self.commit());
        }
        self.inner.store.submit(self.batch, |result| done(result.map(|committed| committed.seq)));
    }
}

impl Inner {
    /// Decides and commits; decides anew when a record changed between the snapshot and the commit.
    pub fn write<T>(
        &self,
        ctx: &Ctx,
        reason: &str,
        mut decide: impl FnMut(&mut Plan<'_>) -> Result<T>,
    ) -> Result<(T, Seq)> {
        for _ in 0..TRIES {
            let mut plan = Plan::new(self, ctx)?;
            let out = decide(&mut plan)?;
            match plan.commit(reason) {
                Ok(seq) => return Ok((out, seq)),
                Err(StoreError::VersionMismatch { .. } | StoreError::AssertFailed { .. }) => {}
                Err(e) => return Err(errors::store(&self.schema(), e)),
            }
        }
        Err(Error::new(Code::Conflict, "too many writes to the same records at once; try again"))
    }
}

impl<'a> Plan<'a> {
    pub fn new(inner: &'a Inner, ctx: &'a Ctx) -> Result<Plan<'a>> {
        Ok(Plan {
            inner,
            ctx,
            schema: inner.schema(),
            settings: inner.settings(),
            directory: inner.directory()?,
            view: inner.view()?,
            ops: Vec::new(),
            asserts: Vec::new(),
            staged: Vec::new(),
            places: HashMap::new(),
            targets: HashMap::new(),
            counters: BTreeMap::new(),
            numbering: None,
            currencies: BTreeSet::new(),
            files: Moves::default(),
        })
    }

    /// The record as it will be.
    pub fn current(&self, object: ObjectCode, id: Id) -> Result<Option<Record>> {
        match self.places.get(&(object, id)) {
            Some(at) => Ok(Some(self.staged[*at].after.clone())),
            None => self.view.get(object, id).or_store(),
        }
    }

    /// A record that is not in the trash.
    pub fn live(&self, object: ObjectCode, id: Id) -> Result<Option<Record>> {
        Ok(self.current(object, id)?.filter(|r| r.trashed_at.is_none()))
    }

    /// Creates with defaults and rules; the record as it will be.
    pub fn create(&mut self, object: &Arc<Object>, id: Option<Id>, given: Changes, origin: Origin) -> Result<Record> {
        let id = id.unwrap_or_else(|| self.ctx.new_id());
        let (given, past) = if origin == Origin::Import { Past::split(given) } else { (given, Past::default()) };
        let created_at = past.created_at.unwrap_or(self.ctx.now).min(self.ctx.now);
        let updated_at = past.updated_at.or(past.created_at).unwrap_or(self.ctx.now).clamp(created_at, self.ctx.now);
        let mut changes = self.defaults(object, &given);
        changes.extend(given.iter().cloned());
        let mut after = Record {
            object: object.code,
            id,
            version: 1,
            created_at,
            // where there are no owners, the creator is whose record it is: nobody writes that for others
            created_by: past.created_by.filter(|_| object.owner().is_some()).unwrap_or(self.ctx.actor.user),
            updated_at,
            updated_by: self.ctx.actor.user,
            trashed_at: None,
            fields: Default::default(),
        };
        self.own(object, &mut changes);
        self.settle(object, None, &mut after, changes, &given, origin)?;
        business::number(self, object, &mut after)?;
        self.stage(object, None, after.clone());
        business::effects(self, object, None, &after)?;
        Ok(after)
    }

    /// Changes fields with rules; the record as it will be, the same when nothing changes.
    pub fn update(&mut self, object: &Arc<Object>, before: &Record, given: Changes, origin: Origin) -> Result<Record> {
        let mut after = self.next(before);
        self.settle(object, Some(before), &mut after, given.clone(), &given, origin)?;
        if after.fields == before.fields {
            return Ok(before.clone());
        }
        self.stage(object, Some(before), after.clone());
        business::effects(self, object, Some(before), &after)?;
        Ok(after)
    }

    pub fn set_trashed(&mut self, object: &Arc<Object>, before: &Record, trashed: bool) -> Result<Record> {
        let mut after = self.next(before);
        after.trashed_at = trashed.then_some(self.ctx.now);
        self.stage(object, Some(before), after.clone());
        business::effects(self, object, Some(before), &after)?;
        Ok(after)
    }

    /// Sets fields that follow from other records; no rules, no checks. Nobody changed the record itself, so it keeps the
    /// time of its last change.
    pub fn derive(&mut self, object: &Arc<Object>, before: &Record, changes: Changes) {
        let (updated_at, updated_by) = (before.updated_at, before.updated_by);
        let mut after = Record { updated_at, updated_by, ..self.next(before) };
        for (code, value) in changes {
            after.fields.set(code, value);
        }
        if after.fields != before.fields {
            self.stage(object, Some(before), after);
        }
    }

    /// The next number of a series, e.g. `T-00042`. Holds the series until the plan is done: no gaps.
    pub fn number(&mut self, series: &str) -> Result<String> {
        if self.numbering.is_none() {
            self.numbering = Some(self.inner.numbering.lock());
        }
        let last = match self.counters.get(series) {
            Some(last) => *last,
            None => {
                let bytes = self.inner.view()?.doc(COUNTER, series.as_bytes()).or_store()?;
                crate::declared::counter(bytes.as_deref())
            }
        };
        self.counters.insert(series.to_owned(), last + 1);
        let format = self.settings.numbering.get(series).cloned().unwrap_or_default();
        let year = self.ctx.now.plus_seconds(i64::from(self.ctx.offset)).date().ymd().0;
        let prefix = format.prefix.replace("{year}", &year.to_string());
        Ok(format!("{prefix}{:0width$}", last + 1, width = usize::from(format.digits)))
    }

    /// Records of this batch that will have this value.
    pub fn staged_with(&self, object: ObjectCode, code: FieldCode, scalar: &Scalar) -> Vec<Id> {
        let has = |record: &Record| {
            let field = self.schema.by_code(object).and_then(|o| o.by_code(code).map(|f| Kind::of(f.kind)));
            let value = record.get(code).zip(field);
            value.is_some_and(|(v, kind)| scalars(v, None, kind).iter().any(|s| s.order(scalar).is_eq()))
        };
        let live = self.staged.iter().map(|s| &s.after).filter(|r| r.object == object && r.trashed_at.is_none());
        live.filter(|r| has(r)).map(|r| r.id).collect()
    }

    /// Finds what the store would refuse the whole batch for.
    pub fn unique_in_batch(&self, object: &Object, fields: &Fields) -> Result<()> {
        for field in object.live().filter(|f| f.unique) {
            let Some(value) = fields.get(field.code) else { continue };
            for scalar in scalars(value, None, Kind::of(field.kind)) {
                let stored = self.view.find(object.code, field.code, &scalar, 1).or_store()?;
                if !stored.is_empty() || !self.staged_with(object.code, field.code, &scalar).is_empty() {
                    return Err(Error::field(&field.name, "not_unique", "another record has this value already"));
                }
            }
        }
        Ok(())
    }

    pub fn render(&self) -> Result<Render<'_>> {
        let render = Render::new(self.inner, &self.schema, &self.ctx.actor, &self.view)?;
        for staged in &self.staged {
            render.knows(&staged.after);
        }
        Ok(render)
    }

    /// One batch; the present position of the log when there is nothing to write.
    pub fn commit(self, reason: &str) -> Result<Seq, StoreError> {
        self.decided(reason).commit()
    }

    /// What is to be written, once nothing more is asked of the plan.
    pub fn decided(self, reason: &str) -> Decided<'a> {
        let mut ops: Vec<Op> = Vec::with_capacity(self.staged.len() + self.ops.len());
        ops.extend(self.staged.into_iter().map(|s| Op::Put { record: s.after, before: s.before, object: s.object }));
        ops.extend(self.ops);
        for (series, last) in &self.counters {
            let (key, value) = (series.clone().into_bytes(), Some(last.to_string().into_bytes()));
            ops.push(Op::Doc { kind: COUNTER, key, value, logged: false });
        }
        let currencies = crate::figures::remember_currencies(self.inner, &self.currencies, &mut ops);
        let mut asserts = self.asserts;
        self.files.write(&mut ops, &mut asserts);
        let batch = Batch {
            at: self.ctx.now,
            actor: self.ctx.actor.user,
            reason: Reason::new(self.ctx.reason.clone().unwrap_or_else(|| reason.to_owned())),
            request: self.ctx.request.clone(),
            ops,
            asserts,
        };
        Decided { inner: self.inner, batch, seen: self.view.seq(), currencies, numbering: self.numbering }
    }

    fn next(&self, before: &Record) -> Record {
        // A record staged already keeps the version it will get: the batch writes it once.
        let staged = self.places.contains_key(&(before.object, before.id));
        Record {
            version: if staged { before.version } else { before.version.saturating_add(1) },
            updated_at: self.ctx.now,
            updated_by: self.ctx.actor.user,
            ..before.clone()
        }
    }

    fn stage(&mut self, object: &Arc<Object>, before: Option<&Record>, after: Record) {
        let key = (after.object, after.id);
        match self.places.get(&key) {
            Some(at) => self.staged[*at].after = after,
            None => {
                self.places.insert(key, self.staged.len());
                self.staged.push(Staged { object: object.clone(), before: before.cloned().map(Arc::new), after });
            }
        }
    }

    /// Who creates a record owns it, unless he says otherwise.
    fn own(&self, object: &Object, changes: &mut Changes) {
        let Some(owner) = object.owner() else { return };
        let user = self.ctx.actor.user;
        if changes.iter().any(|(code, _)| *code == owner.code) || user.is_nil() {
            return;
        }
        if let Some(users) = self.schema.by_name("user") {
            changes.push((owner.code, Some(Value::Ref(Link { object: users.code, id: user }))));
        }
    }

    /// Sets the changes, then the rules' consequences, and checks the whole.
    fn settle(
        &mut self,
        object: &Arc<Object>,
        before: Option<&Record>,
        after: &mut Record,
        changes: Changes,
        given: &Changes,
        origin: Origin,
    ) -> Result<()> {
        let mut errors = Vec::new();
        for (code, value) in changes {
            let Some(field) = object.by_code(code) else {
                errors.push(FieldError::new(format!("field {}", code.0), "unknown_field", "there is no such field"));
                continue;
            };
            let value = match value {
                Some(value) => match self.resolve(&field.name, &field.target, before, code, value)? {
                    Ok(value) => Some(value),
                    Err(e) => {
                        errors.push(e);
                        continue;
                    }
                },
                None => None,
            };
            if let Some(Value::Money(money)) = &value {
                self.currencies.insert(money.currency);
            }
            after.fields.set(code, value);
        }
        errors.extend(self.follow_files(object, before, after, origin)?);
        business::rules(self, object, before, after, given, origin, &mut errors)?;
        let bare = |f: &&aplomb_model::Field| f.required && !f.read_only && after.get(f.code).is_none();
        let newly = |code| before.is_none_or(|b| b.get(code).is_some());
        for field in object.live().filter(bare).filter(|f| newly(f.code)) {
            if errors.iter().all(|e| e.field != field.name) {
                errors.push(json::required(field));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
    }

    /// References must lead to a record that is there and that the caller may see.
    fn resolve(
        &mut self,
        name: &str,
        targets: &[String],
        before: Option<&Record>,
        code: FieldCode,
        value: Value,
    ) -> Result<Result<Value, FieldError>> {
        let (links, many) = match value {
            Value::Ref(link) => (vec![link], false),
            Value::Refs(links) => (links, true),
            other => return Ok(Ok(other)),
        };
        let kept = before.and_then(|b| b.get(code)).map(Value::links).unwrap_or_default();
        let mut found = Vec::with_capacity(links.len());
        for link in links {
            match self.target(targets, kept, link)? {
                Some(link) if !found.contains(&link) => found.push(link),
                Some(_) => {}
                None => {
                    let detail = format!("there is no such record: {}", link.id);
                    return Ok(Err(FieldError::new(name, "not_found", detail)));
                }
            }
        }
        Ok(Ok(match found.as_slice() {
            [only] if !many => Value::Ref(*only),
            _ => Value::Refs(found),
        }))
    }

    /// A link that was there before is kept, even when its target went into the trash since.
    fn target(&mut self, targets: &[String], kept: &[Link], link: Link) -> Result<Option<Link>> {
        if let Some(old) = kept.iter().find(|l| l.id == link.id) {
            return Ok(Some(*old));
        }
        let schema = self.schema.clone();
        let candidates = targets.iter().filter_map(|name| schema.by_name(name));
        for object in candidates.filter(|o| link.object.0 == 0 || link.object == o.code) {
            let link = Link { object: object.code, id: link.id };
            if self.there(object, link)? {
                return Ok(Some(link));
            }
        }
        Ok(None)
    }

    fn there(&mut self, object: &Object, link: Link) -> Result<bool> {
        match object.name.as_str() {
            "user" => return Ok(self.directory.users.contains_key(&link.id)),
            "team" => return Ok(self.directory.teams.contains_key(&link.id)),
            _ => {}
        }
        if let Some(known) = self.targets.get(&link) {
            return Ok(*known);
        }
        if self.places.contains_key(&(link.object, link.id)) {
            return Ok(self.live(link.object, link.id)?.is_some());
        }
        let rows = read_filter(&self.ctx.actor, object, Action::Read);
        let there = rows != RowFilter::None
            && self.live(link.object, link.id)?.is_some_and(|r| rows.admits(holder(object, &r)));
        self.targets.insert(link, there);
        Ok(there)
    }
}
