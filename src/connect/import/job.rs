//! The work of an import, on a thread of its own: batch after batch. What a batch wrote and how far the import is are
//! written with the records, all or nothing: after a crash the next run goes on where this one stopped, no row is lost
//! or taken twice, and a revert knows what was written.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use aplomb_crm::{BulkOp, BulkResult, Crm, Ctx, ImportEnd, JobNext};
use aplomb_model::{Code, Error, FieldError, Id, Object, Result, Schema};

use super::edits::Edits;
use super::ids::Ids;
use super::plan::{OpenLink, Plan, Planner, Told};
use super::resolve::{Owners, Resolver};
use super::state::{BatchDoc, Item, Notes, Refused, Run, State};
use super::{Imports, links, source::SealedSource};
use crate::map::convert::{CellProblem, Converter, Draft};
use crate::map::table;
use crate::read::Row;
use crate::view::{Progress, Status};

/// Rows of one batch.
const BATCH: usize = 1_000;

/// Batches that are converted while one is written.
const AHEAD: usize = 1;

/// Rows as drafts of records.
struct Converted {
    drafts: Vec<Draft>,
    /// number of the last row
    last: u64,
}

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
        run.seq = Some(self.crm.seq());
        // refused rows are given back from the file; without any it has served
        run.file_gone = run.status == Some(Status::Done) && run.progress.refused == 0;
        let end = ImportEnd {
            id,
            user: state.created_by,
            object: state.object.clone(),
            failed: run.status == Some(Status::Failed),
            count: run.progress.created + run.progress.updated,
            assigned: std::mem::take(&mut run.assigned),
        };
        self.crm.import_ended(&ctx, vec![run.doc(id)?], &end)?;
        if run.file_gone {
            self.remove_files(&state);
        }
        Ok(JobNext::Done)
    }

    /// One thread reads and converts the next rows while this one decides and waits for the disk.
    fn import_rows(&self, state: &State, run: &mut Run) -> Result<()> {
        let ctx = self.job_ctx(state.created_by, state.id)?;
        let mut work = Work::new(&self.crm, &ctx, state)?;
        let after = run.row;
        std::thread::scope(|scope| -> Result<()> {
            let (sender, batches) = sync_channel::<Converted>(AHEAD);
            let reader = std::thread::Builder::new()
                .name("import reader".to_owned())
                .spawn_scoped(scope, || self.convert(&ctx, state, after, sender))
                .map_err(|e| Error::internal(format!("cannot start a thread: {e}")))?;
            // When this ends early the channel closes and the reader stops.
            let mut written = batches.into_iter().map(|batch| self.batch(&mut work, run, batch.drafts, batch.last));
            let failed = written.find(Result::is_err);
            drop(written);
            let read = reader.join().unwrap_or_else(|_| Err(Error::internal("reading the file panicked")));
            failed.unwrap_or(Ok(())).and(read)
        })?;
        let ctx = self.job_ctx(state.created_by, state.id)?;
        links::settle(&self.crm, &ctx, &mut work, run)
    }

    /// Reads the rows after `after` and sends them as drafts, until nobody takes them.
    fn convert(&self, ctx: &Ctx, state: &State, after: u64, batches: SyncSender<Converted>) -> Result<()> {
        let columns = state.rules(&*self.object(state)?);
        let (currency, zone) = self.money_and_zone(ctx, &state.options)?;
        let unknown = self.unknown_choices(ctx, &state.options);
        let edits = Edits::load(&self.crm, state)?;
        let mut rows: Vec<Row> = Vec::with_capacity(BATCH);
        let mut source = SealedSource::open(&self.uploads, state.id)?;
        // choices are added to the declaration meanwhile, so the converter is made anew for each batch
        let send = |rows: &mut Vec<Row>| -> Result<ControlFlow<()>> {
            let (schema, object) = (self.crm.schema(), self.object(state)?);
            let mut converter = Converter::new(&schema, &object, &columns, currency, zone.clone(), unknown);
            let last = rows.last().map_or(after, |r| r.number);
            let drafts = rows.drain(..).map(|r| edits.draft(&mut converter, &r)).collect();
            let sent = batches.send(Converted { drafts, last });
            Ok(if sent.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        };
        let mut failed = None;
        table::data(state.format, &state.layout, &state.shape, &mut source, &mut |row| {
            if row.number <= after {
                return ControlFlow::Continue(());
            }
            rows.push(row);
            if rows.len() < BATCH {
                return ControlFlow::Continue(());
            }
            send(&mut rows).unwrap_or_else(|e| {
                failed = Some(e);
                ControlFlow::Break(())
            })
        })?;
        match failed {
            Some(e) => Err(e),
            None if rows.is_empty() => Ok(()),
            None => send(&mut rows).map(|_| ()),
        }
    }

    fn object(&self, state: &State) -> Result<Arc<Object>> {
        self.crm.schema().by_name(&state.object).cloned().ok_or_else(|| Error::not_found("object"))
    }

    /// Decides and writes one batch, exactly once: what it wrote and how far the import is are of the same batch.
    fn batch(&self, work: &mut Work<'_>, run: &mut Run, drafts: Vec<Draft>, last: u64) -> Result<()> {
        let ctx = self.job_ctx(work.state.created_by, work.state.id)?;
        self.add_choices(&ctx, work, &drafts)?;
        let rows = drafts.len() as u64;
        let mut plan = work.planner(&ctx).plan(drafts)?;
        let planned = Done::planned(&plan, rows);
        let named = std::mem::take(&mut plan.named).into_iter().map(|e| e.into_op(true));
        let entries = std::mem::take(&mut plan.entries).into_iter().filter(|e| e.changed).map(|e| e.into_op(false));
        let (told, ops): (Vec<Told>, Vec<BulkOp>) = named.chain(entries).unzip();
        let (id, number) = (work.state.id, run.batches);
        let mut next = run.clone();
        let seq = self.crm.bulk_with(&ctx, &ops, &format!("import:{id}"), |results| {
            let mut done = planned.clone();
            done.settle(&told, results);
            let open: Vec<&OpenLink> = plan.links.iter().filter(|l| !done.lost.contains(&l.record)).collect();
            let mut docs = links::remember(&work.object, work.state, number, &open)?;
            next = run.clone();
            next.take(&done.progress, &plan.notes, last);
            for (owner, records) in done.assigned.iter().filter(|(owner, _)| **owner != work.state.created_by) {
                *next.assigned.entry(*owner).or_default() += records;
            }
            docs.extend([done.doc.doc(id, number)?, next.doc(id)?]);
            Ok(docs)
        })?;
        next.seq = Some(seq);
        *run = next;
        Ok(())
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
            watch: None,
        }
    }
}

impl Run {
    /// Counts a batch that is done.
    fn take(&mut self, progress: &Progress, notes: &Notes, last_row: u64) {
        self.progress.add(progress);
        self.notes.add(notes);
        self.batches += 1;
        self.row = last_row;
    }
}

/// What a batch does, told from the plan and from what the rules say to it.
#[derive(Clone)]
struct Done {
    doc: BatchDoc,
    progress: Progress,
    /// records that are not made after all
    lost: HashSet<Id>,
    /// new records by owner
    assigned: BTreeMap<Id, u64>,
}

impl Done {
    fn planned(plan: &Plan, rows: u64) -> Done {
        let refused = plan.refused.iter().map(|(row, reasons)| refused(*row, reasons)).collect();
        let mut progress = Progress {
            done: rows,
            refused: plan.refused.len() as u64,
            companies_created: plan.named.len() as u64,
            skipped: plan.skipped,
            ..Progress::default()
        };
        for entry in &plan.entries {
            let more = entry.rows.len() as u64 - 1;
            match (&entry.before, entry.changed) {
                (None, _) => (progress.created, progress.updated) = (progress.created + 1, progress.updated + more),
                (Some(_), true) => progress.updated += 1 + more,
                (Some(_), false) => progress.skipped += 1 + more,
            }
        }
        Done { doc: BatchDoc { items: Vec::new(), refused }, progress, lost: HashSet::new(), assigned: BTreeMap::new() }
    }

    fn settle(&mut self, told: &[Told], results: &[BulkResult]) {
        for (told, result) in told.iter().zip(results) {
            let Told { object, id, before, named, .. } = *told;
            match result {
                Err(errors) => self.refuse(told, errors),
                Ok((_, after)) if *after > before => {
                    if let (Some(owner), 0) = (told.owner, before) {
                        *self.assigned.entry(owner).or_default() += 1;
                    }
                    self.doc.items.push(Item { object, id, before, after: *after, named })
                }
                Ok(_) => {}
            }
        }
    }

    /// Takes an entry that the rules refused out of the counts.
    fn refuse(&mut self, told: &Told, errors: &[FieldError]) {
        self.lost.insert(told.id);
        let p = &mut self.progress;
        if told.named {
            p.companies_created = p.companies_created.saturating_sub(1);
            return;
        }
        let rows = told.rows.len() as u64;
        match told.before {
            0 => (p.created, p.updated) = (p.created.saturating_sub(1), p.updated.saturating_sub(rows - 1)),
            _ => p.updated = p.updated.saturating_sub(rows),
        }
        p.refused += rows;
        let reason = |e: &FieldError| CellProblem {
            field: Some(e.field.clone()),
            ..CellProblem::row(&e.code, &format!("{}: {}", e.field, e.detail))
        };
        let reasons: Vec<CellProblem> = errors.iter().map(reason).collect();
        self.doc.refused.extend(told.rows.iter().map(|row| refused(*row, &reasons)));
    }
}

fn refused(row: u64, reasons: &[CellProblem]) -> Refused {
    let reason = |p: &CellProblem| (p.column.map(|c| c as u32), p.code.clone(), p.detail.clone());
    Refused { row, reasons: reasons.iter().map(reason).collect() }
}
