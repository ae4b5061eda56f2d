//! Up to a thousand operations, all or none.

use aplomb_model::query::{Kind, Scalar, scalars};
use aplomb_model::{Action, Code, Error, FieldError, Id, Record, Result};
use serde_json::{Value as Json, json};

use super::Columns;
use super::plan::Plan;
use super::write::{create_in, restore_in, trash_in, update_in};
use crate::crm::Crm;
use crate::errors::OrStore;
use crate::{BatchDone, BatchOp, BatchVerb, Ctx};

const MOST: usize = 1_000;

impl Crm {
    pub fn batch(&self, ctx: &Ctx, ops: Vec<BatchOp>) -> Result<BatchDone> {
        if ops.len() > MOST {
            return Err(Error::new(Code::TooLarge, format!("a batch has at most {MOST} operations")));
        }
        let (results, seq) = self.inner.write(ctx, "api", |plan| {
            let mut done = Vec::with_capacity(ops.len());
            for (at, op) in ops.iter().enumerate() {
                done.push(run(plan, op).map_err(|e| at_operation(e, at))?);
            }
            let render = plan.render()?;
            done.iter().zip(&ops).map(|(record, op)| show(plan, &render, record, op)).collect::<Result<Vec<Json>>>()
        })?;
        Ok(BatchDone { results, seq })
    }
}

fn run(plan: &mut Plan<'_>, op: &BatchOp) -> Result<Record> {
    let id = || op.id.ok_or_else(|| Error::field("id", "required", "is required"));
    match op.op {
        BatchVerb::Create => create_in(plan, &op.object, &op.fields),
        BatchVerb::Update => update_in(plan, &op.object, id()?, op.version, &op.fields),
        BatchVerb::Delete => trash_in(plan, &op.object, id()?, op.version),
        BatchVerb::Restore => restore_in(plan, &op.object, id()?, op.version),
        BatchVerb::Upsert => match find(plan, op)? {
            Some(id) => update_in(plan, &op.object, id, op.version, &op.fields),
            None => create_in(plan, &op.object, &op.fields),
        },
    }
}

/// The record to update: by id, else by the value of the field to match.
fn find(plan: &Plan<'_>, op: &BatchOp) -> Result<Option<Id>> {
    if let Some(id) = op.id {
        return Ok(Some(id));
    }
    let name =
        op.matching.as_deref().ok_or_else(|| Error::field("match", "required", "give an id or a field to match"))?;
    let access = plan.inner.authorise(plan.ctx, &op.object, Action::Read)?;
    let field = access.object.live().find(|f| f.name == name && (f.indexed || f.unique));
    let field = field.ok_or_else(|| Error::field("match", "value", "must be an indexed field"))?;
    let given = op.fields.get(name).ok_or_else(|| Error::field(name, "required", "is the field to match"))?;
    let reader = aplomb_model::json::Reader { schema: &plan.schema, currency: plan.settings.organisation.currency };
    let value = reader.read(field, given)?.ok_or_else(|| Error::field(name, "required", "is the field to match"))?;
    let mut found: Vec<Id> = Vec::new();
    for scalar in scalars(&value, None, Kind::of(field.kind)) {
        for id in matching(plan, &access.object, field.code, &scalar)? {
            let seen = plan.live(access.object.code, id)?.is_some_and(|r| access.admits(&r));
            if seen && !found.contains(&id) {
                found.push(id);
            }
        }
    }
    match found.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(*only)),
        many => Err(Error::new(Code::Conflict, format!("{} records match on {name}", many.len()))),
    }
}

fn matching(
    plan: &Plan<'_>,
    object: &aplomb_model::Object,
    code: aplomb_model::FieldCode,
    scalar: &Scalar,
) -> Result<Vec<Id>> {
    let mut ids = plan.view.find(object.code, code, scalar, 10).or_store()?;
    ids.extend(plan.staged_with(object.code, code, scalar));
    Ok(ids)
}

fn show(plan: &Plan<'_>, render: &super::Render<'_>, record: &Record, op: &BatchOp) -> Result<Json> {
    let object = plan.schema.by_name(&op.object).ok_or_else(|| Error::not_found("object"))?;
    if op.op == BatchVerb::Delete {
        return Ok(json!({"id": record.id, "object": object.name, "version": record.version, "deleted": true}));
    }
    Ok(render.record(object, record, &Columns::ALL))
}

fn at_operation(mut e: Error, at: usize) -> Error {
    let prefix = format!("operations[{at}]");
    e.fields =
        e.fields.into_iter().map(|f| FieldError { field: format!("{prefix}.fields.{}", f.field), ..f }).collect();
    e.detail = format!("{prefix}: {}", e.detail);
    e.with("operation", json!(at))
}
