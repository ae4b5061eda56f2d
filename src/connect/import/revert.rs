//! Takes back what an import wrote. What people changed since is theirs: such records are listed, and of changed ones
//! only the fields nobody touched go back.

use std::collections::HashMap;
use std::sync::Arc;

use aplomb_crm::{BulkOp, Crm, Ctx, JobNext};
use aplomb_model::json::Reader;
use aplomb_model::{Currency, FieldCode, Id, Object, ObjectCode, Record, Result, Schema, Value};
use serde_json::Value as Json;

use super::Imports;
use super::state::{BatchDoc, Item, LINKS, Run, State};
use crate::view::{EditedRecord, RevertReport, Status};

/// Edited records that are listed.
const MAX_LISTED: usize = 1_000;
/// Versions of a record looked through.
const MAX_VERSIONS: usize = 500;

/// What one import did to one record.
#[derive(Debug, Clone, Copy)]
struct Touched {
    object: ObjectCode,
    id: Id,
    created: bool,
    /// version before the first and after the last write
    before: u32,
    after: u32,
}

struct Reverting<'a> {
    crm: &'a Crm,
    ctx: &'a Ctx,
    schema: Schema,
    currency: Currency,
    import: Id,
}

/// What is to be done with a record.
enum Fate {
    Remove(u32),
    /// put back these fields
    Restore(u32, Vec<(FieldCode, Option<Value>)>),
    /// leave it, or put back part of it; why
    Keep(u32, Vec<(FieldCode, Option<Value>)>, &'static str),
    Gone,
}

impl Imports {
    pub(super) fn run_revert(&self, id: Id) -> Result<JobNext> {
        let state = State::load(&self.crm, id)?;
        let mut run = Run::load(&self.crm, id)?;
        if run.status != Some(Status::Reverting) {
            return Ok(JobNext::Done);
        }
        let ctx = self.job_ctx(state.created_by, id)?;
        let work = Reverting {
            crm: &self.crm,
            ctx: &ctx,
            schema: self.crm.schema(),
            currency: self.crm.currency(),
            import: id,
        };
        let touched = work.touched(run.batches)?;
        // rows first, then the companies they name: last written, first removed
        while let Some(part) = touched.get(run.taken_back as usize..).filter(|rest| !rest.is_empty()) {
            run = work.take_back(&part[..part.len().min(1000)], &run)?;
        }
        self.forget_links(&ctx, &state)?;
        run.status = Some(Status::Reverted);
        run.revert.get_or_insert_default();
        run.finished_at = Some((self.now)());
        run.seq = Some(self.crm.seq());
        run.save(&self.crm, &ctx, id)?;
        Ok(JobNext::Done)
    }

    fn forget_links(&self, ctx: &Ctx, state: &State) -> Result<()> {
        for object in self.crm.schema().objects() {
            let prefix = [object.name.as_bytes(), b"\0", state.id.as_bytes()].concat();
            let docs = self.crm.list_docs(LINKS, &prefix, None, 10_000)?;
            for (key, _) in docs {
                self.crm.put_doc(ctx, LINKS, &key, None)?;
            }
        }
        Ok(())
    }
}

impl Reverting<'_> {
    /// Every record the import wrote, the last first, each once.
    fn touched(&self, batches: u32) -> Result<Vec<Touched>> {
        let mut all: Vec<Touched> = Vec::new();
        let mut at: HashMap<Id, usize> = HashMap::new();
        for number in 0..batches {
            let Some(doc) = BatchDoc::load(self.crm, self.import, number)? else { continue };
            for item in &doc.items {
                match at.get(&item.id) {
                    Some(known) => all[*known].after = item.after,
                    None => {
                        at.insert(item.id, all.len());
                        all.push(touched(item));
                    }
                }
            }
        }
        all.reverse();
        Ok(all)
    }

    /// Takes back a part; how far the revert is, is written with the records.
    fn take_back(&self, part: &[Touched], run: &Run) -> Result<Run> {
        let mut ops = Vec::new();
        let mut fates: Vec<(Fate, &Touched, Option<Record>)> = Vec::new();
        for (touched, record) in self.records(part)? {
            let fate = self.fate(touched, record.as_ref())?;
            let (object, id) = (touched.object, touched.id);
            match &fate {
                Fate::Remove(version) => ops.push(BulkOp::Trash { object, id, if_version: Some(*version) }),
                Fate::Restore(version, fields) | Fate::Keep(version, fields, _) if !fields.is_empty() => {
                    ops.push(BulkOp::Update { object, id, if_version: Some(*version), fields: fields.clone() });
                }
                _ => {}
            }
            fates.push((fate, touched, record));
        }
        let mut next = run.clone();
        self.crm.bulk_with(self.ctx, &ops, &format!("revert:{}", self.import), |results| {
            let mut results = results.iter();
            let mut report = run.revert.clone().unwrap_or_default();
            for (fate, touched, record) in &fates {
                let wrote = match fate {
                    Fate::Remove(_) => results.next().is_some_and(|r| r.is_ok()),
                    Fate::Restore(_, f) | Fate::Keep(_, f, _) if !f.is_empty() => {
                        results.next().is_some_and(|r| r.is_ok())
                    }
                    _ => true,
                };
                self.count(&mut report, fate, wrote, touched, record.as_ref());
            }
            next = Run { revert: Some(report), taken_back: run.taken_back + part.len() as u64, ..run.clone() };
            Ok(vec![next.doc(self.import)?])
        })?;
        Ok(next)
    }

    fn count(&self, report: &mut RevertReport, fate: &Fate, wrote: bool, touched: &Touched, record: Option<&Record>) {
        let why = match fate {
            Fate::Gone => return,
            Fate::Remove(_) if wrote => {
                report.removed += 1;
                return;
            }
            Fate::Restore(..) if wrote => {
                report.restored += 1;
                return;
            }
            Fate::Keep(_, _, why) => why,
            Fate::Remove(_) | Fate::Restore(..) => "the rules do not allow taking it back",
        };
        report.kept += 1;
        if report.edited.len() < MAX_LISTED {
            let object = self.schema.by_code(touched.object);
            report.edited.push(EditedRecord {
                object: object.map(|o| o.name.clone()).unwrap_or_default(),
                id: touched.id,
                title: object.zip(record).map(|(o, r)| o.title_of(r)).unwrap_or_default(),
                detail: why.to_owned(),
            });
        }
    }

    fn records<'t>(&self, part: &'t [Touched]) -> Result<Vec<(&'t Touched, Option<Record>)>> {
        let mut found = Vec::with_capacity(part.len());
        let mut objects: Vec<ObjectCode> = part.iter().map(|t| t.object).collect();
        objects.sort();
        objects.dedup();
        for code in objects {
            let Some(object) = self.schema.by_code(code) else { continue };
            let own: Vec<&Touched> = part.iter().filter(|t| t.object == code).collect();
            let ids: Vec<Id> = own.iter().map(|t| t.id).collect();
            found.extend(own.into_iter().zip(self.crm.records(self.ctx, &object.name, &ids)?));
        }
        Ok(found)
    }

    fn fate(&self, touched: &Touched, record: Option<&Record>) -> Result<Fate> {
        let (Some(record), Some(object)) = (record, self.schema.by_code(touched.object)) else { return Ok(Fate::Gone) };
        if touched.created && record.version == touched.after {
            return Ok(Fate::Remove(record.version));
        }
        let history = self.history(object, touched)?;
        let edited = history.iter().any(|e| e.version > touched.before && e.by_people);
        if touched.created {
            return Ok(match edited {
                false => Fate::Remove(record.version),
                true => Fate::Keep(record.version, Vec::new(), "changed since the import; it stays as it is"),
            });
        }
        let mut fields = Vec::new();
        let mut left = false;
        for (code, before) in self.written(object, touched, &history) {
            let later =
                history.iter().any(|e| e.version > touched.before && e.by_people && e.fields.contains_key(&code));
            left |= later;
            if !later && record.get(code) != before.as_ref() {
                fields.push((code, before));
            }
        }
        Ok(match left {
            false => Fate::Restore(record.version, fields),
            true => Fate::Keep(
                record.version,
                fields,
                "changed since the import; the fields changed since stay as they are",
            ),
        })
    }

    /// What the import changed in a record, with the values before.
    fn written(&self, object: &Arc<Object>, touched: &Touched, history: &[Entry]) -> Vec<(FieldCode, Option<Value>)> {
        let mut first: HashMap<FieldCode, Option<Value>> = HashMap::new();
        let reader = Reader { schema: &self.schema, currency: self.currency };
        // newest first, so that the oldest value before stays
        for entry in history.iter().filter(|e| e.version > touched.before && e.own) {
            for (code, before) in &entry.fields {
                let Some(field) = object.by_code(*code).filter(|f| !f.read_only) else { continue };
                let value = match before {
                    Json::Null => None,
                    json => match reader.read(field, json) {
                        Ok(value) => value,
                        Err(_) => continue,
                    },
                };
                first.insert(*code, value);
            }
        }
        let mut all: Vec<_> = first.into_iter().collect();
        all.sort_by_key(|(code, _)| *code);
        all
    }

    fn history(&self, object: &Arc<Object>, touched: &Touched) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut cursor: Option<String> = None;
        while entries.len() < MAX_VERSIONS {
            let page = self.crm.history(self.ctx, &object.name, touched.id, cursor.as_deref(), 50)?;
            let mut past = false;
            for json in &page.entries {
                let entry = Entry::read(object, json, self.import);
                past |= entry.version <= touched.before;
                entries.push(entry);
            }
            match page.next {
                Some(next) if !past => cursor = Some(next),
                _ => break,
            }
        }
        Ok(entries)
    }
}

fn touched(item: &Item) -> Touched {
    Touched { object: item.object, id: item.id, created: item.before == 0, before: item.before, after: item.after }
}

/// One version of a record, as its history tells it.
struct Entry {
    version: u32,
    /// written by this import
    own: bool,
    /// changed by somebody, not by an import and not only in what follows from other records
    by_people: bool,
    /// values before
    fields: HashMap<FieldCode, Json>,
}

impl Entry {
    fn read(object: &Object, json: &Json, import: Id) -> Entry {
        let reason = json.get("reason").and_then(Json::as_str).unwrap_or_default();
        let mut fields = HashMap::new();
        let mut touched_by_hand = json.get("kind").and_then(Json::as_str) != Some("updated");
        for change in json.get("changes").and_then(Json::as_array).into_iter().flatten() {
            let name = change.get("field").and_then(Json::as_str).unwrap_or_default();
            let Some(field) = object.field(name) else { continue };
            touched_by_hand |= !field.read_only;
            fields.insert(field.code, change.get("before").cloned().unwrap_or(Json::Null));
        }
        let imported = reason.starts_with("import");
        let reverted = reason.starts_with("revert");
        Entry {
            version: json.get("version").and_then(Json::as_u64).unwrap_or(0) as u32,
            own: imported && reason.contains(&import.to_string()),
            by_people: touched_by_hand && !imported && !reverted,
            fields,
        }
    }
}
