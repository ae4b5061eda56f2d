//! The work of an import, on a thread of its own: batch after batch, each noted before and after it is written, so
//! that after a crash the next run goes on where this one stopped and a revert knows what was written.

use std::ops::ControlFlow;
use std::sync::Arc;

use aplomb_crm::{BulkOp, Crm, Ctx, JobNext};
use aplomb_model::{Code, Error, FieldError, Id, Object, Result, Schema};

use super::ids::Ids;
use super::plan::{Entry, OpenLink, Plan, Planner};
use super::resolve::{Owners, Resolver};
use super::state::{BatchDoc, Item, Refused, Run, State};
use super::{Imports, links, source::SealedSource};
use crate::map::convert::{CellProblem, Converter, Draft};
use crate::map::table;
use crate::read::Row;
use crate::view::Status;

/// Rows of one batch.
const BATCH: usize = 1_000;

/// What every batch of one run shares.
pub struct Work<'a> {
    pub crm: &'a Crm,
    pub state: &'a State,
    pub schema: Schema,
    pub object: Arc<Object>,
    pub ids: Ids,
    pub owners: Owners,
    pub resolver: Resolver,
}

impl Imports {
    /// One run of the job. Errors that are about the whole (the disk is full) make it come back later; errors of the
    /// file end it.
    pub(super) fn run_import(&self, id: Id) -> Result<JobNext> {
        let state = State::load(&self.crm, id)?;
        let mut run = Run::load(&self.crm, id)?;
        if !matches!(run.status, Some(Status::Queued | Status::Running)) {
            return Ok(JobNext::Done);
        }
        let ctx = self.job_ctx(state.created_by, id)?;
        run.status = Some(Status::Running);
        run.save(&self.crm, &ctx, id)?;
        match self.import_rows(&state, &mut run) {
            Ok(()) => run.status = Some(Status::Done),
            Err(e) if is_passing(&e) => {
                tracing::warn!(import = %id, code = e.code.name(), "the import waits");
                return Ok(JobNext::At((self.now)().plus_seconds(15)));
            }
            Err(e) => {
                tracing::warn!(import = %id, code = e.code.name(), "the import stopped");
                run.status = Some(Status::Failed);
                run.error = Some(e.detail);
            }
        }
        let ctx = self.job_ctx(state.created_by, id)?;
        run.finished_at = Some(ctx.now);
        run.save(&self.crm, &ctx, id)?;
        Ok(JobNext::Done)
    }

    fn import_rows(&self, state: &State, run: &mut Run) -> Result<()> {
        let ctx = self.job_ctx(state.created_by, state.id)?;
        let mut work = Work::new(&self.crm, &ctx, state)?;
        let columns = state.rules(&work.object);
        let (currency, zone) = self.money_and_zone(&ctx, &state.options)?;
        let add = self.may_add_choices(&ctx, &state.options);
        // choices are added to the declaration between batches, so the converter is made anew for each
        let after = run.row;
        let mut rows: Vec<Row> = Vec::with_capacity(BATCH);
        let mut failed = None;
        let mut source = SealedSource::open(&self.uploads, state.id)?;
        let mut flush = |rows: &mut Vec<Row>, work: &mut Work<'_>| -> Result<()> {
            let (schema, object) = (work.schema.clone(), work.object.clone());
            let mut converter = Converter::new(&schema, &object, &columns, currency, zone.clone(), add);
            let last = rows.last().map_or(after, |r| r.number);
            let drafts: Vec<Draft> = rows.drain(..).map(|r| converter.row(&r)).collect();
            self.batch(work, run, drafts, last)
        };
        table::data(state.format, &state.layout, &state.shape, &mut source, &mut |row| {
            if row.number <= after {
                return ControlFlow::Continue(());
            }
            rows.push(row);
            if rows.len() < BATCH {
                return ControlFlow::Continue(());
            }
            match flush(&mut rows, &mut work) {
                Ok(()) => ControlFlow::Continue(()),
                Err(e) => {
                    failed = Some(e);
                    ControlFlow::Break(())
                }
            }
        })?;
        if let Some(e) = failed {
            return Err(e);
        }
        if !rows.is_empty() {
            flush(&mut rows, &mut work)?;
        }
        let ctx = self.job_ctx(state.created_by, state.id)?;
        links::settle(&self.crm, &ctx, &mut work, run)
    }

    /// Decides and writes one batch, exactly once.
    fn batch(&self, work: &mut Work<'_>, run: &mut Run, drafts: Vec<Draft>, last: u64) -> Result<()> {
        let ctx = self.job_ctx(work.state.created_by, work.state.id)?;
        let (id, number) = (work.state.id, run.batches);
        if let Some(mut doc) = BatchDoc::load(&self.crm, id, number)? {
            if !doc.done && is_written(&self.crm, &ctx, &work.schema, &doc)? {
                finish_items(&self.crm, &ctx, &work.schema, &mut doc)?;
                doc.done = true;
                doc.save(&self.crm, &ctx, id, number)?;
            }
            if doc.done {
                return run.take(&self.crm, &ctx, id, &doc);
            }
        }
        self.add_choices(&ctx, work, &drafts)?;
        let count = drafts.len() as u64;
        let plan = work.planner(&ctx).plan(drafts)?;
        let mut doc = BatchDoc { last_row: last, ..BatchDoc::default() };
        doc.describe(&plan, count);
        doc.save(&self.crm, &ctx, id, number)?;
        let links = write(&self.crm, &ctx, work, plan, &mut doc)?;
        finish_items(&self.crm, &ctx, &work.schema, &mut doc)?;
        doc.done = true;
        links::remember(&self.crm, &ctx, &work.object, id, number, &links)?;
        doc.save(&self.crm, &ctx, id, number)?;
        run.take(&self.crm, &ctx, id, &doc)
    }

    /// Offers the choices that the rows bring, once for all rows.
    fn add_choices(&self, ctx: &Ctx, work: &mut Work<'_>, drafts: &[Draft]) -> Result<()> {
        let mut new: Vec<(aplomb_model::FieldCode, String)> = Vec::new();
        for (code, label) in drafts.iter().flat_map(|d| &d.new_choices) {
            let key = crate::map::words::choice_key(label);
            let known = |c: &aplomb_model::FieldCode| {
                work.object.by_code(*c).is_some_and(|f| f.choices.iter().any(|have| have.key == key))
            };
            if !known(code) && !new.iter().any(|(c, l)| c == code && crate::map::words::choice_key(l) == key) {
                new.push((*code, label.clone()));
            }
        }
        for (code, label) in new {
            let schema = self.crm.schema();
            let Some(field) = schema.by_name(&work.object.name).and_then(|o| o.by_code(code).cloned()) else {
                continue;
            };
            let mut choices = field.choices.clone();
            choices.push(aplomb_model::Choice {
                key: crate::map::words::choice_key(&label),
                label,
                color: None,
                probability: None,
                outcome: None,
                retired: false,
            });
            let mut patch = aplomb_crm::Map::new();
            let json = serde_json::to_value(&choices).map_err(|_| Error::internal("choices cannot be written"))?;
            patch.insert("choices".to_owned(), json);
            self.crm.field_patch(ctx, &work.object.name, &field.name, patch)?;
        }
        work.schema = self.crm.schema();
        if let Some(object) = work.schema.by_name(&work.object.name) {
            work.object = object.clone();
        }
        Ok(())
    }
}

/// What goes away by itself; the job tries again.
fn is_passing(e: &Error) -> bool {
    matches!(e.code, Code::DiskFull | Code::ReadOnly | Code::NotReady | Code::TooManyRequests | Code::VersionMismatch)
}

impl<'a> Work<'a> {
    pub fn new(crm: &'a Crm, ctx: &Ctx, state: &'a State) -> Result<Work<'a>> {
        let schema = crm.schema();
        let object = schema.by_name(&state.object).cloned().ok_or_else(|| Error::not_found("object"))?;
        Ok(Work {
            crm,
            state,
            schema,
            object,
            ids: Ids::new(state.id, state.started_at.unwrap_or(state.created_at)),
            owners: Owners::load(crm, ctx)?,
            resolver: Resolver::new(&state.options.source),
        })
    }

    pub fn planner<'w>(&'w mut self, ctx: &'w Ctx) -> Planner<'w> {
        Planner {
            crm: self.crm,
            ctx,
            schema: &self.schema,
            object: self.object.clone(),
            options: &self.state.options,
            ids: self.ids,
            owners: &self.owners,
            resolver: &mut self.resolver,
            memory: None,
        }
    }
}

impl Run {
    /// Counts a batch that is done and stores how far the import is.
    fn take(&mut self, crm: &Crm, ctx: &Ctx, id: Id, doc: &BatchDoc) -> Result<()> {
        self.progress.add(&doc.progress);
        self.notes.add(&doc.notes);
        self.batches += 1;
        self.row = doc.last_row;
        self.save(crm, ctx, id)
    }
}

impl BatchDoc {
    /// What the plan is about to do.
    fn describe(&mut self, plan: &Plan, rows: u64) {
        self.notes = plan.notes.clone();
        self.refused = plan.refused.iter().map(|(row, reasons)| refused(*row, reasons)).collect();
        self.items = plan.named.iter().map(|e| item(e, true)).collect();
        self.items.extend(plan.entries.iter().filter(|e| e.changed).map(|e| item(e, false)));
        let p = &mut self.progress;
        p.done = rows;
        p.refused = plan.refused.len() as u64;
        p.companies_created = plan.named.len() as u64;
        p.skipped = plan.skipped;
        for entry in &plan.entries {
            let more = entry.rows.len() as u64 - 1;
            match (&entry.before, entry.changed) {
                (None, _) => (p.created, p.updated) = (p.created + 1, p.updated + more),
                (Some(_), true) => p.updated += 1 + more,
                (Some(_), false) => p.skipped += 1 + more,
            }
        }
    }

    /// Takes an entry that the rules refused out of the counts.
    fn refuse(&mut self, entry: &Entry, errors: &[FieldError], named: bool) {
        self.items.retain(|i| i.id != entry.id);
        let p = &mut self.progress;
        if named {
            p.companies_created = p.companies_created.saturating_sub(1);
            return;
        }
        let rows = entry.rows.len() as u64;
        match entry.before {
            None => (p.created, p.updated) = (p.created.saturating_sub(1), p.updated.saturating_sub(rows - 1)),
            Some(_) => p.updated = p.updated.saturating_sub(rows),
        }
        p.refused += rows;
        let reasons: Vec<CellProblem> = errors
            .iter()
            .map(|e| CellProblem {
                field: Some(e.field.clone()),
                ..CellProblem::row(&e.code, &format!("{}: {}", e.field, e.detail))
            })
            .collect();
        self.refused.extend(entry.rows.iter().map(|row| refused(*row, &reasons)));
    }
}

fn item(entry: &Entry, named: bool) -> Item {
    let before = entry.before.as_ref().map_or(0, |r| r.version);
    Item { object: entry.object.code, id: entry.id, before, after: 0, named }
}

fn refused(row: u64, reasons: &[CellProblem]) -> Refused {
    let reason = |p: &CellProblem| (p.column.map(|c| c as u32), p.code.clone(), p.detail.clone());
    Refused { row, reasons: reasons.iter().map(reason).collect() }
}

/// Writes the plan in one batch; what the rules refuse goes back into `doc`. Returns the links still open.
fn write(crm: &Crm, ctx: &Ctx, work: &Work<'_>, plan: Plan, doc: &mut BatchDoc) -> Result<Vec<OpenLink>> {
    let entries: Vec<(&Entry, bool)> = (plan.named.iter().map(|e| (e, true)))
        .chain(plan.entries.iter().filter(|e| e.changed).map(|e| (e, false)))
        .collect();
    let ops: Vec<BulkOp> = entries.iter().map(|(e, _)| e.op()).collect();
    if ops.is_empty() {
        return Ok(plan.links);
    }
    let done = crm.bulk(ctx, ops, &format!("import:{}", work.state.id))?;
    let mut lost = Vec::new();
    for ((entry, named), result) in entries.iter().zip(done.results) {
        if let Err(errors) = result {
            doc.refuse(entry, &errors, *named);
            lost.push(entry.id);
        }
    }
    Ok(plan.links.into_iter().filter(|l| !lost.contains(&l.record)).collect())
}

/// Whether a batch that was only announced reached the store: then all of it did.
fn is_written(crm: &Crm, ctx: &Ctx, schema: &Schema, doc: &BatchDoc) -> Result<bool> {
    let versions = versions(crm, ctx, schema, &doc.items)?;
    Ok(doc.items.iter().zip(versions).any(|(item, version)| version.is_some_and(|v| v > item.before)))
}

/// Notes the versions that the records have now; what is not there was refused.
fn finish_items(crm: &Crm, ctx: &Ctx, schema: &Schema, doc: &mut BatchDoc) -> Result<()> {
    let versions = versions(crm, ctx, schema, &doc.items)?;
    for (item, version) in doc.items.iter_mut().zip(versions) {
        item.after = version.unwrap_or(0);
    }
    doc.items.retain(|i| i.after > i.before);
    Ok(())
}

fn versions(crm: &Crm, ctx: &Ctx, schema: &Schema, items: &[Item]) -> Result<Vec<Option<u32>>> {
    let mut found = vec![None; items.len()];
    let mut objects: Vec<_> = items.iter().map(|i| i.object).collect();
    objects.sort();
    objects.dedup();
    for code in objects {
        let Some(object) = schema.by_code(code) else { continue };
        let places: Vec<usize> = (0..items.len()).filter(|i| items[*i].object == code).collect();
        let ids: Vec<Id> = places.iter().map(|i| items[*i].id).collect();
        for (place, record) in places.into_iter().zip(crm.records(ctx, &object.name, &ids)?) {
            found[place] = record.map(|r| r.version);
        }
    }
    Ok(found)
}
