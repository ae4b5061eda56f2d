//! The quick path for imports: values typed already, one batch, each refused operation by itself; and look-ups.

use aplomb_access::read_filter;
use aplomb_model::query::Scalar;
use aplomb_model::record::Fields;
use aplomb_model::{
    Action, Capability, Code, Error, FieldCode, FieldError, Id, Object, ObjectCode, Record, Result, Seq,
};
use aplomb_store::Op;

use super::input::Changes;
use super::plan::{Origin, Past, Plan};
use super::{Access, MAX_LIMIT, may};
use crate::crm::Crm;
use crate::errors::{OrStore, forbidden};
use crate::{BulkDoc, BulkDone, BulkOp, BulkResult, Ctx};

/// Most records found for one value.
const MOST_FOUND: usize = 100;

impl Crm {
    /// One batch. An operation that is refused says why and does not hold up the others. Repeating a create with the
    /// same id is an update of what is there: an interrupted job can start again.
    pub fn bulk(&self, ctx: &Ctx, ops: Vec<BulkOp>, reason: &str) -> Result<BulkDone> {
        let mut kept = Vec::new();
        let seq = self.bulk_with(ctx, &ops, reason, |results| {
            kept = results.to_vec();
            Ok(Vec::new())
        })?;
        Ok(BulkDone { results: kept.into_iter().map(|r| r.map(|(id, _)| id)).collect(), seq })
    }

    /// The same, with documents that say what was done, in the very batch: after a crash both are there or neither.
    /// `docs` is called anew when the batch has to be decided anew.
    pub fn bulk_with(
        &self,
        ctx: &Ctx,
        ops: &[BulkOp],
        reason: &str,
        mut docs: impl FnMut(&[BulkResult]) -> Result<Vec<BulkDoc>>,
    ) -> Result<Seq> {
        if !aplomb_access::can(&ctx.actor, Capability::Import) {
            return Err(forbidden());
        }
        let ctx = ctx.clone().because(reason);
        let ((), seq) = self.inner.write(&ctx, reason, |plan| {
            let mut results = Vec::with_capacity(ops.len());
            for op in ops {
                results.push(match run(plan, op) {
                    Ok(record) => Ok((record.id, record.version)),
                    Err(e) => Err(refused(e)?),
                });
            }
            let put = |d: BulkDoc| Op::Doc { kind: d.kind, key: d.key, value: d.value, logged: false };
            plan.ops.extend(docs(&results)?.into_iter().map(put));
            Ok(())
        })?;
        Ok(seq)
    }

    /// Live records the caller may read whose indexed field has this value.
    pub fn find_by(&self, ctx: &Ctx, object: &str, field: &str, scalar: &Scalar) -> Result<Vec<Id>> {
        Ok(self.find_by_many(ctx, object, field, std::slice::from_ref(scalar))?.pop().unwrap_or_default())
    }

    /// One answer per value.
    pub fn find_by_many(&self, ctx: &Ctx, object: &str, field: &str, scalars: &[Scalar]) -> Result<Vec<Vec<Id>>> {
        let (access, code) = match self.people(ctx, object) {
            Some(object) => (None, index_of(&object, field)?),
            None => {
                let access = self.inner.authorise(ctx, object, Action::Read)?;
                let code = index_of(&access.object, field)?;
                (Some(access), code)
            }
        };
        let view = self.inner.view()?;
        let mut found = Vec::with_capacity(scalars.len());
        for scalar in scalars {
            let mut ids = view.find(code.0, code.1, scalar, MOST_FOUND).or_store()?;
            if let Some(access) = access.as_ref().filter(|a| !a.all()) {
                let records = view.get_many(code.0, &ids).or_store()?;
                ids = records.into_iter().flatten().filter(|r| access.admits(r)).map(|r| r.id).collect();
            }
            found.push(ids);
        }
        Ok(found)
    }

    /// The records behind ids, `None` for those that are not there or not to be seen.
    pub fn records(&self, ctx: &Ctx, object: &str, ids: &[Id]) -> Result<Vec<Option<Record>>> {
        let access = self.inner.authorise(ctx, object, Action::Read)?;
        let records = self.inner.view()?.get_many(access.object.code, ids).or_store()?;
        Ok(records.into_iter().map(|r| r.filter(|r| r.trashed_at.is_none() && access.admits(r))).collect())
    }

    /// Live records that the caller may read, by id, after `after`; fewer than `limit` only at the end.
    pub fn scan(&self, ctx: &Ctx, object: &str, after: Option<Id>, limit: usize) -> Result<Vec<Record>> {
        let access = self.inner.authorise(ctx, object, Action::Read)?;
        let limit = limit.clamp(1, 10 * MAX_LIMIT);
        let view = self.inner.view()?;
        let (mut records, mut after) = (Vec::new(), after);
        while records.len() < limit {
            let page = view.scan(access.object.code, after, false, limit).or_store()?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            records.extend(page.into_iter().filter(|r| access.admits(r)));
        }
        records.truncate(limit);
        Ok(records)
    }

    /// Code of the field that keeps other systems' ids, each as `source:object:id`.
    pub fn external_ids(&self, object: &Object) -> Option<FieldCode> {
        object.live().find(|f| f.name == "externalIds").map(|f| f.code)
    }

    /// Users and teams may be looked up by everybody who is logged in.
    fn people(&self, _ctx: &Ctx, object: &str) -> Option<std::sync::Arc<Object>> {
        self.schema().by_name(object).filter(|o| o.internal).cloned()
    }
}

fn index_of(object: &Object, field: &str) -> Result<(ObjectCode, FieldCode)> {
    let field = object.live().find(|f| f.name == field && (f.indexed || f.unique));
    let field = field.ok_or_else(|| Error::new(Code::BadFilter, "there is no such indexed field"))?;
    Ok((object.code, field.code))
}

fn run(plan: &mut Plan<'_>, op: &BulkOp) -> Result<Record> {
    match op {
        BulkOp::Create { object, id, fields } => {
            let access = access(plan, *object, Action::Create)?;
            let given: Changes = fields.iter().map(|(code, value)| (code, Some(value.clone()))).collect();
            if let Some(there) = id.map(|id| plan.live(*object, id)).transpose()?.flatten() {
                may(plan.ctx, &access.object, Action::Update, &there)?;
                let (given, _) = Past::split(given);
                return plan.update(&access.object, &there, given, Origin::Import);
            }
            may_create_for(plan, &access, fields)?;
            plan.unique_in_batch(&access.object, fields)?;
            plan.create(&access.object, *id, given, Origin::Import)
        }
        BulkOp::Update { object, id, if_version, fields } => {
            let (access, record) = target(plan, *object, *id, *if_version, Action::Update)?;
            plan.update(&access.object, &record, fields.clone(), Origin::Import)
        }
        BulkOp::Trash { object, id, if_version } => {
            let (access, record) = target(plan, *object, *id, *if_version, Action::Delete)?;
            plan.set_trashed(&access.object, &record, true)
        }
    }
}

/// An owner that is given must be one the caller may create records for; without one they are his own.
fn may_create_for(plan: &Plan<'_>, access: &Access, fields: &Fields) -> Result<()> {
    let owner = access.object.owner().and_then(|f| fields.get(f.code)).and_then(|v| v.links().first().map(|l| l.id));
    if owner.is_none_or(|id| read_filter(&plan.ctx.actor, &access.object, Action::Create).admits(Some(id))) {
        return Ok(());
    }
    Err(Error::new(Code::Forbidden, "your role does not let you create records for this owner"))
}

fn access(plan: &Plan<'_>, code: ObjectCode, action: Action) -> Result<Access> {
    let object = plan.schema.by_code(code).ok_or_else(|| Error::not_found("object"))?;
    plan.inner.authorise(plan.ctx, &object.name, action)
}

fn target(
    plan: &Plan<'_>,
    code: ObjectCode,
    id: Id,
    if_version: Option<u32>,
    action: Action,
) -> Result<(Access, Record)> {
    let access = access(plan, code, action)?;
    let record = plan.live(code, id)?.ok_or_else(|| Error::field("id", "not_found", "there is no such record"))?;
    may(plan.ctx, &access.object, action, &record)?;
    if let Some(version) = if_version
        && plan.changed_since(&access.object, &record, version)?
    {
        let detail = format!("the record is at version {}", record.version);
        return Err(Error::field("version", "version_mismatch", detail));
    }
    Ok((access, record))
}

/// What is wrong with the operation; a failure of the store is no such thing and ends the whole.
pub(crate) fn refused(e: Error) -> Result<Vec<FieldError>> {
    match e.code {
        Code::Invalid => Ok(e.fields),
        Code::Forbidden | Code::NotFound | Code::NotUnique | Code::Conflict => {
            let field = e.fields.first().map_or("record", |f| f.field.as_str()).to_owned();
            Ok(vec![FieldError::new(field, e.code.name(), e.detail)])
        }
        _ => Err(e),
    }
}
