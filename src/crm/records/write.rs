//! Create, read, update, trash, restore and undo of single records.

use aplomb_model::{Action, Code, Error, Id, Record, Result, Timestamp, json};
use serde_json::json;

use super::input::Changes;
use super::plan::{Origin, Plan};
use super::{Access, Columns, Render, may};
use crate::crm::Crm;
use crate::errors::OrStore;
use crate::{Ctx, Map, RecordView, Written};

impl Crm {
    pub fn create(&self, ctx: &Ctx, object: &str, fields: Map) -> Result<Written> {
        let (mut view, seq) = self.inner.write(ctx, "api", |plan| {
            let record = create_in(plan, object, &fields)?;
            seen(plan, object, record)
        })?;
        view.seq = seq;
        Ok(view)
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

    /// The record as it was at a time; who may see it is decided by what it is now.
    pub fn get_as_of(&self, ctx: &Ctx, object: &str, id: Id, at: Timestamp) -> Result<RecordView> {
        let access = self.inner.authorise(ctx, object, Action::Read)?;
        let view = self.inner.view()?;
        access.load(&view, id)?.ok_or_else(|| Error::not_found("record"))?;
        let record = view.as_of(access.object.code, id, at).or_store()?;
        let record = record.filter(|r| access.admits(r)).ok_or_else(|| Error::not_found("record at that time"))?;
        let schema = self.schema();
        let render = Render::new(&self.inner, &schema, &ctx.actor, &view)?;
        let json = render.record(&access.object, &record, &Columns::ALL);
        Ok(RecordView { record: json, id, version: record.version, seq: view.seq() })
    }

    /// `if_version`: refuse when the record has changed since, telling the current and the given values.
    pub fn update(&self, ctx: &Ctx, object: &str, id: Id, if_version: Option<u32>, fields: Map) -> Result<Written> {
        self.written(ctx, "api", object, |plan| update_in(plan, object, id, if_version, &fields))
    }

    pub fn trash(&self, ctx: &Ctx, object: &str, id: Id, if_version: Option<u32>) -> Result<Written> {
        self.written(ctx, "api", object, |plan| trash_in(plan, object, id, if_version))
    }

    pub fn restore(&self, ctx: &Ctx, object: &str, id: Id) -> Result<Written> {
        self.written(ctx, "restore", object, |plan| restore_in(plan, object, id))
    }

    /// Back to what the record was at `version`, as a new version.
    pub fn undo(&self, ctx: &Ctx, object: &str, id: Id, version: u32) -> Result<Written> {
        self.written(ctx, "undo", object, |plan| {
            let (access, record) = writable(plan, object, id, Action::Update)?;
            let old = plan.view.at_version(access.object.code, id, version).or_store()?;
            let old = old.filter(|_| version > 0).ok_or_else(|| Error::not_found("version of this record"))?;
            let codes = access.object.live().map(|f| f.code);
            let changes: Changes = codes
                .filter(|code| old.get(*code) != record.get(*code))
                .map(|code| (code, old.get(code).cloned()))
                .collect();
            plan.update(&access.object, &record, changes, Origin::System)
        })
    }

    fn written(
        &self,
        ctx: &Ctx,
        reason: &str,
        object: &str,
        mut decide: impl FnMut(&mut Plan<'_>) -> Result<Record>,
    ) -> Result<Written> {
        let (mut view, seq) = self.inner.write(ctx, reason, |plan| {
            let record = decide(plan)?;
            seen(plan, object, record)
        })?;
        view.seq = seq;
        Ok(view)
    }
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

pub(super) fn restore_in(plan: &mut Plan<'_>, object: &str, id: Id) -> Result<Record> {
    let (access, record) = visible(plan, object, id, Action::Delete)?;
    if record.trashed_at.is_none() {
        return Err(Error::new(Code::Conflict, "the record is not in the trash"));
    }
    plan.set_trashed(&access.object, &record, false)
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
