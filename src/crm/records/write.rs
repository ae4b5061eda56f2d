//! Create, read, update, trash, restore and undo of single records.

use aplomb_model::{Action, Code, Error, Id, Record, Result, Schema, Seq, Timestamp, json};
use aplomb_store::StoreError;
use serde_json::json;

use super::input::Changes;
use super::plan::{Decided, Origin, Plan};
use super::{Access, Columns, Render, may};
use crate::crm::Crm;
use crate::errors::{self, OrStore};
use crate::{Change, Ctx, Map, RecordView, Written};

/// A change that was decided and is not written yet.
pub struct Begun<'a> {
    /// what the record will be; `seq` is not known yet
    pub view: RecordView,
    schema: Schema,
    decided: Decided<'a>,
}

impl Begun<'_> {
    /// `done` is told the position in the log when the change is durable, or `None` when another write was quicker and
    /// it must be decided anew. It may run on the store's thread: it must be quick.
    pub fn submit(self, done: impl FnOnce(Result<Option<Seq>>) + Send + 'static) {
        let schema = self.schema;
        self.decided.submit(move |result| {
            done(match result {
                Ok(seq) => Ok(Some(seq)),
                Err(StoreError::VersionMismatch { .. } | StoreError::AssertFailed { .. }) => Ok(None),
                Err(e) => Err(errors::store(&schema, e)),
            });
        });
    }
}

impl Crm {
    /// Decides and commits; blocks until the change is durable.
    pub fn change(&self, ctx: &Ctx, change: &Change) -> Result<Written> {
        let (mut view, seq) = self.inner.write(ctx, reason(change), |plan| decide(plan, change))?;
        view.seq = seq;
        Ok(view)
    }

    /// Decides now; what is decided is to be handed over by [`Begun::submit`].
    pub fn begin<'a>(&'a self, ctx: &'a Ctx, change: &Change) -> Result<Begun<'a>> {
        let mut plan = Plan::new(&self.inner, ctx)?;
        let view = decide(&mut plan, change)?;
        let schema = plan.schema.clone();
        Ok(Begun { view, schema, decided: plan.decided(reason(change)) })
    }

    pub fn create(&self, ctx: &Ctx, object: &str, fields: Map) -> Result<Written> {
        self.change(ctx, &Change::Create { object: object.to_owned(), fields })
    }

    /// `fields` empty: all.
    pub fn get(&self, ctx: &Ctx, object: &str, id: Id, fields: &[String]) -> Result<RecordView> {
        let access = self.inner.authorise(ctx, object, Action::Read)?;
        let columns = Columns::parse(&access.object, fields)?;
        let view = self.inner.view()?;
        let record = access.load(&view, id)?.ok_or_else(|| Error::not_found("record"))?;
        let schema = self.schema();
        let render = Render::new(&self.inner, &schema, &ctx.actor, &view)?;
        Ok(RecordView {
            record: render.record(&access.object, &record, &columns),
            id,
            version: record.version,
            seq: view.seq(),
        })
    }

    /// The record as it was at a time; who may see it is decided by what it is now. `fields` empty: all.
    pub fn get_as_of(&self, ctx: &Ctx, object: &str, id: Id, fields: &[String], at: Timestamp) -> Result<RecordView> {
        let access = self.inner.authorise(ctx, object, Action::Read)?;
        let columns = Columns::parse(&access.object, fields)?;
        let view = self.inner.view()?;
        access.load(&view, id)?.ok_or_else(|| Error::not_found("record"))?;
        let record = view.as_of(access.object.code, id, at).or_store()?;
        let record = record.filter(|r| access.admits(r)).ok_or_else(|| Error::not_found("record at that time"))?;
        let schema = self.schema();
        let render = Render::new(&self.inner, &schema, &ctx.actor, &view)?;
        let json = render.record(&access.object, &record, &columns);
        Ok(RecordView { record: json, id, version: record.version, seq: view.seq() })
    }

    pub fn update(&self, ctx: &Ctx, object: &str, id: Id, if_version: Option<u32>, fields: Map) -> Result<Written> {
        self.change(ctx, &Change::Update { object: object.to_owned(), id, if_version, fields })
    }

    pub fn trash(&self, ctx: &Ctx, object: &str, id: Id, if_version: Option<u32>) -> Result<Written> {
        self.change(ctx, &Change::Trash { object: object.to_owned(), id, if_version })
    }

    pub fn restore(&self, ctx: &Ctx, object: &str, id: Id) -> Result<Written> {
        self.change(ctx, &Change::Restore { object: object.to_owned(), id, if_version: None })
    }

    pub fn undo(&self, ctx: &Ctx, object: &str, id: Id, version: u32) -> Result<Written> {
        self.change(ctx, &Change::Undo { object: object.to_owned(), id, if_version: None, version })
    }
}

fn reason(change: &Change) -> &'static str {
    match change {
        Change::Create { .. } | Change::Update { .. } | Change::Trash { .. } => "api",
        Change::Restore { .. } => "restore",
        Change::Undo { .. } => "undo",
    }
}

fn decide(plan: &mut Plan<'_>, change: &Change) -> Result<RecordView> {
    let (object, record) = match change {
        Change::Create { object, fields } => (object, create_in(plan, object, fields)?),
        Change::Update { object, id, if_version, fields } => {
            (object, update_in(plan, object, *id, *if_version, fields)?)
        }
        Change::Trash { object, id, if_version } => (object, trash_in(plan, object, *id, *if_version)?),
        Change::Restore { object, id, if_version } => (object, restore_in(plan, object, *id, *if_version)?),
        Change::Undo { object, id, if_version, version } => {
            (object, undo_in(plan, object, *id, *if_version, *version)?)
        }
    };
    seen(plan, object, record)
}

fn seen(plan: &Plan<'_>, object: &str, record: Record) -> Result<RecordView> {
    let object = plan.schema.by_name(object).ok_or_else(|| Error::not_found("object"))?;
    let json = plan.render()?.record(object, &record, &Columns::ALL);
    Ok(RecordView { record: json, id: record.id, version: record.version, seq: 0 })
}

pub(super) fn create_in(plan: &mut Plan<'_>, object: &str, fields: &Map) -> Result<Record> {
    let access = plan.inner.authorise(plan.ctx, object, Action::Create)?;
    let given = plan.read_fields(&access.object, fields)?;
    let record = plan.create(&access.object, None, given, Origin::Api)?;
    if access.admits(&record) {
        Ok(record)
    } else {
        Err(Error::new(Code::Forbidden, "your role does not let you create records for this owner"))
    }
}

pub(super) fn update_in(
    plan: &mut Plan<'_>,
    object: &str,
    id: Id,
    if_version: Option<u32>,
    fields: &Map,
) -> Result<Record> {
    let (access, record) = writable(plan, object, id, Action::Update)?;
    check_version(plan, &access, &record, if_version, Some(fields))?;
    let given = plan.read_fields(&access.object, fields)?;
    plan.update(&access.object, &record, given, Origin::Api)
}

pub(super) fn trash_in(plan: &mut Plan<'_>, object: &str, id: Id, if_version: Option<u32>) -> Result<Record> {
    let (access, record) = writable(plan, object, id, Action::Delete)?;
    check_version(plan, &access, &record, if_version, None)?;
    plan.set_trashed(&access.object, &record, true)
}

pub(super) fn restore_in(plan: &mut Plan<'_>, object: &str, id: Id, if_version: Option<u32>) -> Result<Record> {
    let (access, record) = visible(plan, object, id, Action::Delete)?;
    check_version(plan, &access, &record, if_version, None)?;
    if record.trashed_at.is_none() {
        return Err(Error::new(Code::Conflict, "the record is not in the trash"));
    }
    plan.set_trashed(&access.object, &record, false)
}

fn undo_in(plan: &mut Plan<'_>, object: &str, id: Id, if_version: Option<u32>, version: u32) -> Result<Record> {
    let (access, record) = writable(plan, object, id, Action::Update)?;
    check_version(plan, &access, &record, if_version, None)?;
    let old = plan.view.at_version(access.object.code, id, version).or_store()?;
    let old = old.filter(|_| version > 0).ok_or_else(|| Error::not_found("version of this record"))?;
    let codes = access.object.live().map(|f| f.code);
    let changes: Changes =
        codes.filter(|code| old.get(*code) != record.get(*code)).map(|code| (code, old.get(code).cloned())).collect();
    plan.update(&access.object, &record, changes, Origin::System)
}

/// A record out of the trash that the caller may do this with.
pub(crate) fn writable(plan: &Plan<'_>, object: &str, id: Id, action: Action) -> Result<(Access, Record)> {
    let (access, record) = visible(plan, object, id, action)?;
    if record.trashed_at.is_some() {
        return Err(Error::new(Code::Conflict, "the record is in the trash; restore it first"));
    }
    Ok((access, record))
}

/// `NotFound` for what he may not see, `Forbidden` for what he may see but not do.
fn visible(plan: &Plan<'_>, object: &str, id: Id, action: Action) -> Result<(Access, Record)> {
    let readable = plan.inner.authorise(plan.ctx, object, Action::Read)?;
    let record = plan.current(readable.object.code, id)?.filter(|r| readable.admits(r));
    let record = record.ok_or_else(|| Error::not_found("record"))?;
    let access = plan.inner.authorise(plan.ctx, object, action)?;
    may(plan.ctx, &access.object, action, &record)?;
    Ok((access, record))
}

/// What the caller saw must be what is there; else he is told both, per field. What only follows from other records
/// since then (a call was logged) is no conflict.
pub(crate) fn check_version(
    plan: &Plan<'_>,
    access: &Access,
    record: &Record,
    if_version: Option<u32>,
    given: Option<&Map>,
) -> Result<()> {
    let Some(version) = if_version else { return Ok(()) };
    if !plan.changed_since(&access.object, record, version)? {
        return Ok(());
    }
    let render = plan.render()?;
    let conflicts: Vec<_> = given
        .into_iter()
        .flatten()
        .filter_map(|(name, given)| {
            let field = access.object.live().find(|f| &f.name == name)?;
            let current = record.get(field.code).map(|v| render.value(v));
            let plain = record.get(field.code).map(json::write);
            (plain.as_ref() != Some(given))
                .then(|| json!({"field": name, "label": field.label, "current": current, "given": given}))
        })
        .collect();
    let detail = format!("the record is at version {}, not {version}", record.version);
    Err(Error::new(Code::VersionMismatch, detail)
        .with("currentVersion", json!(record.version))
        .with("givenVersion", json!(version))
        .with("conflicts", json!(conflicts))
        .with("current", render.record(&access.object, record, &Columns::ALL)))
}
