//! What an import would do, found by going through every row without writing.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::ControlFlow;

use aplomb_crm::Ctx;
use aplomb_model::{FieldCode, Id, Result};

use super::Imports;
use super::job::Work;
use super::matching::Memory;
use super::plan::Plan;
use super::source::SealedSource;
use super::state::{Notes, State};
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
        let (mut state, run) = self.waiting(ctx, id)?;
        self.may_write(ctx, &state)?;
        self.complete(&state)?;
        state.preview = Some(self.preview(ctx, &state)?);
        state.save(&self.crm, ctx)?;
        Ok(state.view(&self.crm, run))
    }

    fn preview(&self, ctx: &Ctx, state: &State) -> Result<Preview> {
        let mut work = Work::new(&self.crm, ctx, state)?;
        let columns = state.rules(&work.object);
        let (currency, zone) = self.money_and_zone(ctx, &state.options)?;
        let (schema, object) = (work.schema.clone(), work.object.clone());
        let unknown = self.unknown_choices(ctx, &state.options);
        let mut converter = Converter::new(&schema, &object, &columns, currency, zone, unknown);
        let mut memory = Some(Memory::default());
        let mut tally = Tally::default();
        let mut rows: Vec<Row> = Vec::new();
        let mut failed = None;
        let mut step = |rows: &mut Vec<Row>| -> Result<()> {
            let drafts: Vec<Draft> = rows.drain(..).map(|r| converter.row(&r)).collect();
            for (code, label) in drafts.iter().flat_map(|d| &d.new_choices) {
                let labels = tally.choices.entry(*code).or_default();
                if labels.len() < 200 {
                    labels.insert(label.clone());
                }
            }
            let mut planner = work.planner(ctx);
            planner.memory = memory.take();
            let plan = planner.plan(drafts)?;
            memory = planner.memory.take();
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
        Ok(tally.finish(state, names))
    }
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
