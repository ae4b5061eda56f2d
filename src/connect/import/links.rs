//! References to records that come later: in the same file, or in a file imported another day. They wait in documents
//! and are set as soon as their record is there.

use std::collections::BTreeMap;
use std::sync::Arc;

use aplomb_crm::{BulkDoc, BulkOp, Crm, Ctx};
use aplomb_model::value::Link;
use aplomb_model::{Error, FieldCode, FieldType, Id, Object, ObjectCode, Result, Schema, Value};
use serde::{Deserialize, Serialize};

use super::job::Work;
use super::plan::OpenLink;
use super::resolve::Resolver;
use super::state::{LINKS, Run, State};
use crate::map::convert::Reference;
use crate::map::target::Key;

const VERSION: u8 = 1;
/// Documents looked at in one step.
const STEP: usize = 16;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Waiting {
    /// that refers
    object: ObjectCode,
    record: Id,
    field: FieldCode,
    /// that is referred to
    target: String,
    by: u8,
    text: String,
    source: String,
}

const KEYS: [Key; 6] = [Key::Any, Key::Id, Key::External, Key::Name, Key::Domain, Key::Email];

/// Documents that keep the open links of a batch.
pub fn remember(object: &Object, state: &State, batch: u32, links: &[&OpenLink]) -> Result<Vec<BulkDoc>> {
    // by name alone nothing is certain enough to be linked days later
    let lasting = links.iter().filter(|l| l.reference.by != Key::Name);
    let mut by_target: BTreeMap<&str, Vec<Waiting>> = BTreeMap::new();
    for link in lasting {
        let waiting = Waiting {
            object: object.code,
            record: link.record,
            field: link.reference.field,
            target: link.reference.object.clone(),
            by: KEYS.iter().position(|k| *k == link.reference.by).unwrap_or(0) as u8,
            text: link.reference.text.clone(),
            source: state.options.source.clone(),
        };
        by_target.entry(&link.reference.object).or_default().push(waiting);
    }
    let doc = |(target, waiting): (&str, Vec<Waiting>)| {
        let key = [target.as_bytes(), b"\0", state.id.as_bytes(), &batch.to_be_bytes()].concat();
        Ok(BulkDoc { kind: LINKS, key, value: Some(encode(&waiting)?) })
    };
    by_target.into_iter().map(doc).collect()
}

/// Sets what waits for records of this import's object.
pub fn settle(crm: &Crm, ctx: &Ctx, work: &mut Work<'_>, run: &mut Run) -> Result<()> {
    let prefix = [work.object.name.as_bytes(), b"\0"].concat();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let docs = crm.list_docs(LINKS, &prefix, after.as_deref(), STEP)?;
        let Some((last, _)) = docs.last() else { break };
        after = Some(last.clone());
        for (key, bytes) in docs {
            let waiting: Vec<Waiting> = decode(&bytes)?;
            let left = set(crm, ctx, work, &waiting)?;
            if left.len() < waiting.len() {
                let value = if left.is_empty() { None } else { Some(encode(&left)?) };
                crm.put_doc(ctx, LINKS, &key, value)?;
            }
        }
    }
    let own = run.notes.unknown_references.contains_key(&work.object.name);
    if own && !any_waiting(crm, &prefix, work.state.id)? {
        run.notes.unknown_references.remove(&work.object.name);
    }
    Ok(())
}

fn any_waiting(crm: &Crm, prefix: &[u8], import: Id) -> Result<bool> {
    let own = [prefix, import.as_bytes()].concat();
    Ok(!crm.list_docs(LINKS, &own, None, 1)?.is_empty())
}

/// Sets those whose record is there now; returns the others.
fn set(crm: &Crm, ctx: &Ctx, work: &Work<'_>, waiting: &[Waiting]) -> Result<Vec<Waiting>> {
    let mut left = Vec::new();
    let mut groups: BTreeMap<(ObjectCode, &str), Vec<&Waiting>> = BTreeMap::new();
    for w in waiting {
        groups.entry((w.object, &w.source)).or_default().push(w);
    }
    for ((code, source), group) in groups {
        let Some(object) = work.schema.by_code(code) else { continue };
        let mut resolver = Resolver::new(source);
        let references: Vec<Reference> = group.iter().map(|w| reference(w)).collect();
        resolver.look_up(crm, ctx, &work.schema, references.iter())?;
        let found: Vec<(&Waiting, Option<Id>)> =
            group.into_iter().zip(references.iter().map(|r| resolver.find(&work.schema, r))).collect();
        let (ready, open): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, id)| id.is_some());
        left.extend(open.into_iter().map(|(w, _)| w.clone()));
        write(crm, ctx, &work.schema, object, work.state.id, &ready)?;
    }
    Ok(left)
}

fn write(
    crm: &Crm,
    ctx: &Ctx,
    schema: &Schema,
    object: &Arc<Object>,
    import: Id,
    ready: &[(&Waiting, Option<Id>)],
) -> Result<()> {
    for part in ready.chunks(1000) {
        let ids: Vec<Id> = part.iter().map(|(w, _)| w.record).collect();
        let records = crm.records(ctx, &object.name, &ids)?;
        let mut values: BTreeMap<(Id, FieldCode), Value> = BTreeMap::new();
        for ((w, target), record) in part.iter().zip(records) {
            let (Some(record), Some(target), Some(to)) = (record, target, schema.by_name(&w.target)) else { continue };
            let Some(field) = object.by_code(w.field) else { continue };
            let link = Link { object: to.code, id: *target };
            let have = values.get(&(w.record, w.field)).or_else(|| record.get(w.field));
            let value = match (field.kind, have) {
                (FieldType::References, Some(Value::Refs(links))) if links.contains(&link) => continue,
                (FieldType::References, Some(Value::Refs(links))) => {
                    Value::Refs(links.iter().copied().chain([link]).collect())
                }
                (FieldType::References, _) => Value::Refs(vec![link]),
                // somebody has set it meanwhile
                (_, Some(_)) => continue,
                _ => Value::Ref(link),
            };
            values.insert((w.record, w.field), value);
        }
        let update = |((id, field), value)| BulkOp::Update {
            object: object.code,
            id,
            if_version: None,
            fields: vec![(field, Some(value))],
        };
        let ops: Vec<BulkOp> = values.into_iter().map(update).collect();
        if !ops.is_empty() {
            crm.bulk(ctx, ops, &format!("import:{import}"))?;
        }
    }
    Ok(())
}

fn reference(w: &Waiting) -> Reference {
    let by = KEYS.get(w.by as usize).copied().unwrap_or(Key::Any);
    Reference { field: w.field, column: 0, object: w.target.clone(), by, text: w.text.clone() }
}

fn encode(waiting: &[Waiting]) -> Result<Vec<u8>> {
    let mut out = vec![VERSION];
    out.extend(postcard::to_stdvec(waiting).map_err(|_| Error::internal("links cannot be stored"))?);
    Ok(out)
}

fn decode(bytes: &[u8]) -> Result<Vec<Waiting>> {
    let body = bytes.split_first().filter(|(v, _)| **v == VERSION).map(|(_, body)| body);
    let damaged = || Error::internal("stored links cannot be read");
    postcard::from_bytes(body.ok_or_else(damaged)?).map_err(|_| damaged())
}
