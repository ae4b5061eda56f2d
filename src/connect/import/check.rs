//! What an import would do, found by going through every row without writing.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::ControlFlow;

use aplomb_crm::Ctx;
use aplomb_model::{Code, Error, FieldCode, Id, Result};

use super::Imports;
use super::edits::Edits;
use super::job::Work;
use super::matching::Memory;
use super::noted::{Findings, List, Noting};
use super::plan::Plan;
use super::source::SealedSource;
use super::state::{Notes, State};
use super::watch::{Other, Watch};
use crate::map::convert::{Converter, Draft};
use crate::map::table;
use crate::read::Row;
use crate::view::{Alike, ImportView, NewChoices, Preview, Problem, ProblemGroup};

const BATCH: usize = 1_000;
/// Refused cells that are shown.
const MAX_PROBLEMS: usize = 100;
const MAX_GROUPS: usize = 200;
const MAX_PAIRS: usize = 20;

#[derive(Default)]
struct Tally {
    preview: Preview,
    notes: Notes,
    groups: BTreeMap<(Option<usize>, String, String), u64>,
    companies: HashSet<Id>,
    choices: BTreeMap<FieldCode, BTreeSet<String>>,
}

impl Imports {
    /// Validates every row without writing; the result is `preview` of the view.
    pub fn check(&self, ctx: &Ctx, id: Id) -> Result<ImportView> {
        let (state, _) = self.waiting(ctx, id)?;
        self.may_write(ctx, &state)?;
        self.complete(&state)?;
        let (preview, findings) = self.preview(ctx, &state)?;
        let _one_at_a_time = self.lock();
        let kept = self.keep_findings(ctx, &state, preview, findings.clone());
        if kept.is_err() {
            findings.iter().for_each(|findings| findings.remove(&self.uploads, id));
        }
        kept
    }

    fn keep_findings(
        &self,
        ctx: &Ctx,
        checked: &State,
        preview: Preview,
        findings: Option<Findings>,
    ) -> Result<ImportView> {
        let (mut state, run) = self.waiting(ctx, checked.id)?;
        if state.revision != checked.revision {
            return Err(Error::new(Code::Conflict, "the import was changed meanwhile; check it again"));
        }
        let before = std::mem::replace(&mut state.findings, findings);
        (state.preview, state.outdated) = (Some(preview), false);
        self.crm.put_docs(ctx, "import", vec![state.doc()?])?;
        before.iter().for_each(|findings| findings.remove(&self.uploads, state.id));
        Ok(state.view(&self.crm, run))
    }

    fn preview(&self, ctx: &Ctx, state: &State) -> Result<(Preview, Option<Findings>)> {
        let mut work = Work::new(&self.crm, ctx, state)?;
        let columns = state.rules(&work.object);
        let (currency, zone) = self.money_and_zone(ctx, &state.options)?;
        let (schema, object) = (work.schema.clone(), work.object.clone());
        let unknown = self.unknown_choices(ctx, &state.options);
        let mut converter = Converter::new(&schema, &object, &columns, currency, zone, unknown);
        let mut memory = Some(Memory::default());
        let edits = Edits::load(&self.crm, state)?;
        let mut noting = Noting::new(self.uploads.clone(), state.id, ctx.new_id());
        let mut tally = Tally::default();
        let mut rows: Vec<Row> = Vec::new();
        let mut failed = None;
        let mut step = |rows: &mut Vec<Row>| -> Result<()> {
            let batch = std::mem::take(rows);
            let draft = |row: &Row| edits.draft(&mut converter, row);
            let drafts: Vec<Draft> = batch.iter().map(draft).collect();
            for (code, label) in drafts.iter().flat_map(|d| &d.new_choices) {
                let labels = tally.choices.entry(*code).or_default();
                if labels.len() < 200 {
                    labels.insert(label.clone());
                }
            }
            let mut planner = work.planner(ctx);
            planner.memory = memory.take();
            planner.watch = Some(Watch::default());
            let plan = planner.plan(drafts)?;
            memory = planner.memory.take();
            note(&mut noting, &batch, &plan, &planner.watch.take().unwrap_or_default())?;
            tally.add(state, &plan);
            Ok(())
        };
        let mut source = SealedSource::open(&self.uploads, state.id)?;
        table::data(state.format, &state.layout, &state.shape, &mut source, &mut |row| {
            rows.push(row);
            if rows.len() < BATCH {
                return ControlFlow::Continue(());
            }
            match step(&mut rows) {
                Ok(()) => ControlFlow::Continue(()),
                Err(e) => {
                    failed = Some(e);
                    ControlFlow::Break(())
                }
            }
        })?;
        match failed {
            Some(e) => return Err(e),
            None if !rows.is_empty() => step(&mut rows)?,
            None => {}
        }
        let names = |code: &FieldCode| object.by_code(*code).map(|f| f.name.clone()).unwrap_or_default();
        let preview = tally.finish(state, names);
        // rows that others repeat are shown beside them
        self.read_rows(state, noting.missing().clone(), &mut |row| noting.note(&row, None, [List::Other]))?;
        Ok((preview, noting.finish()?))
    }
}

/// Keeps the rows of a batch that people will want to look at.
fn note(noting: &mut Noting, batch: &[Row], plan: &Plan, watch: &Watch) -> Result<()> {
    let mut lists: BTreeMap<u64, (Vec<List>, Option<u64>)> = BTreeMap::new();
    for (row, _) in &plan.refused {
        lists.entry(*row).or_default().0.push(List::Refused);
    }
    for seen in &watch.duplicates {
        let (lists, other) = lists.entry(seen.row).or_default();
        lists.push(List::Duplicate);
        if let Other::Row(row) = seen.other {
            *other = Some(row);
        }
    }
    for (row, _) in &watch.warnings {
        let (lists, _) = lists.entry(*row).or_default();
        if !lists.contains(&List::Warning) {
            lists.push(List::Warning);
        }
    }
    for (number, (lists, other)) in lists {
        if let Ok(at) = batch.binary_search_by_key(&number, |row| row.number) {
            noting.note(&batch[at], other, lists)?;
        }
    }
    Ok(())
}

fn put(to: &mut Alike, from: &Alike) {
    to.rows += from.rows;
    let room = MAX_PAIRS.saturating_sub(to.examples.len());
    to.examples.extend(from.examples.iter().take(room).cloned());
}

impl Tally {
    fn add(&mut self, state: &State, plan: &Plan) {
        let p = &mut self.preview;
        p.refused += plan.refused.len() as u64;
        p.skip += plan.skipped;
        put(&mut p.together, &plan.together);
        put(&mut p.apart, &plan.apart);
        for entry in &plan.entries {
            let more = entry.rows.len() as u64 - 1;
            match (&entry.before, entry.changed) {
                (None, _) => (p.create, p.update) = (p.create + 1, p.update + more),
                (Some(_), true) => p.update += 1 + more,
                (Some(_), false) => p.skip += 1 + more,
            }
        }
        self.companies.extend(plan.named.iter().map(|e| e.id));
        self.notes.add(&plan.notes);
        for (row, reasons) in &plan.refused {
            for reason in reasons {
                if p.errors.len() < MAX_PROBLEMS {
                    p.errors.push(Problem {
                        row: *row,
                        column: reason.column,
                        header: reason.column.map(|c| state.header(c).to_owned()),
                        field: reason.field.clone(),
                        value: reason.value.clone(),
                        code: reason.code.clone(),
                        detail: reason.detail.clone(),
                    });
                }
                let key = (reason.column, reason.code.clone(), reason.detail.clone());
                if self.groups.len() < MAX_GROUPS || self.groups.contains_key(&key) {
                    *self.groups.entry(key).or_default() += 1;
                }
            }
        }
    }

    fn finish(self, state: &State, name_of: impl Fn(&FieldCode) -> String) -> Preview {
        let groups = self.groups.into_iter().map(|((column, code, detail), count)| ProblemGroup {
            header: column.map(|c| state.header(c).to_owned()),
            code,
            detail,
            count,
        });
        let mut groups: Vec<ProblemGroup> = groups.collect();
        groups.sort_by_key(|g| std::cmp::Reverse(g.count));
        let choices = self.choices.into_iter();
        Preview {
            rows: state.shape.rows,
            companies_to_create: self.companies.len() as u64,
            groups,
            warnings: self.notes.lines(),
            new_choices: choices
                .map(|(code, labels)| NewChoices { field: name_of(&code), labels: labels.into_iter().collect() })
                .collect(),
            ..self.preview
        }
    }
}
