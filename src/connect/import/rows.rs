//! Rows one by one: what is wrong with them, what they are the same as, what somebody made of them. A page is decided
//! anew by the code that imports, against the records of this moment and with the reader's rights, so that it shows
//! what would happen now; which rows belong to it was found by the check.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use aplomb_crm::{BulkDoc, Ctx, Map};
use aplomb_model::value::Link;
use aplomb_model::{Code, Error, Id, Object, Result, Value};
use serde_json::Value as Json;

use super::edits::{Edits, MOST_CELL, RowEdit};
use super::job::Work;
use super::noted::{List, NotedRow, NotedRows};
use super::source::SealedSource;
use super::state::{BatchDoc, Refused, Run, State};
use super::watch::{Compared, Other, Seen, Watch};
use super::{Imports, missing_check};
use crate::map::convert::{CellProblem, Converter};
use crate::map::table;
use crate::read::Row;
use crate::view::{
    CellEdit, Duplicate, DuplicateField, DuplicateOf, ImportRow, ImportView, MapTo, RowDecision, RowKind, RowProblem,
    RowsPage,
};

/// Bytes of cells after which a page ends.
const PAGE_BYTES: usize = 1 << 20;
/// Rows that the answer to a change shows.
const MOST_SHOWN: usize = 500;

/// What a request changes before the import is committed.
#[derive(Default)]
pub struct ImportChange {
    pub mapping: Vec<MapTo>,
    /// the members of [`crate::Options`] to change
    pub options: Map,
    pub edits: Vec<CellEdit>,
    pub decisions: Vec<RowDecision>,
}

/// The changes of one row, each with its place in the request.
#[derive(Default)]
struct Wanted {
    cells: Vec<(usize, u32, Option<String>)>,
    decision: Option<Option<crate::view::OnMatch>>,
    first: String,
}

impl Imports {
    /// All of it or nothing; gives the changed rows (the first 500) as they would be taken now.
    pub fn update(&self, ctx: &Ctx, id: Id, change: ImportChange) -> Result<(ImportView, Vec<ImportRow>)> {
        let (state, _) = self.waiting(ctx, id)?;
        let wanted = wanted(&change)?;
        let rows = self.find_rows(&state, wanted.keys().copied().collect())?;
        let (state, run, mut changed) = {
            let _one_at_a_time = self.lock();
            let (mut state, run) = self.waiting(ctx, id)?;
            let mut worthless = None;
            if !change.mapping.is_empty() || !change.options.is_empty() {
                self.remap(ctx, &mut state, &change.mapping, &change.options)?;
                state.preview = None;
                worthless = state.findings.take();
            }
            let (mut docs, mut changed) = (Vec::new(), Vec::new());
            for (number, wanted) in &wanted {
                let before = RowEdit::load(&self.crm, id, *number)?;
                let mut edit = match (&before, rows.get(number)) {
                    (Some(edit), _) => edit.clone(),
                    (None, Some(found)) => RowEdit::new(found.row.clone(), found.other),
                    (None, None) => return Err(Error::field(&wanted.first, "unknown_row", "there is no such row")),
                };
                wanted.apply(&mut edit, state.columns.len())?;
                state.changed.replace(before.as_ref(), &edit)?;
                docs.push(edit.doc(id)?);
                changed.push(edit);
            }
            state.outdated |= !changed.is_empty() && state.preview.is_some();
            state.revision += 1;
            docs.push(state.doc()?);
            self.crm.put_docs(ctx, "import", docs)?;
            worthless.iter().for_each(|findings| findings.remove(&self.uploads, id));
            (state, run, changed)
        };
        changed.truncate(MOST_SHOWN);
        let shown = if changed.is_empty() { Vec::new() } else { self.decide(ctx, &state, changed)? };
        Ok((state.view(&self.crm, run), shown))
    }

    /// Rows of a kind after row `after`. A page ends early when its cells grow beyond 1 MiB.
    ///
    /// Errors: `conflict` for what only a check tells when there was none, or when the rows are records by now.
    pub fn rows(&self, ctx: &Ctx, id: Id, kind: RowKind, after: u64, limit: usize) -> Result<RowsPage> {
        let state = self.visible(ctx, id)?;
        let run = Run::load(&self.crm, id)?;
        let (list, committed) = match (kind, run.status.is_some()) {
            (RowKind::Edited, _) => return self.edited(ctx, &state, &run, after, limit),
            (RowKind::Refused, true) => return self.refused(&state, &run, after, limit),
            (RowKind::Refused, false) => (List::Refused, false),
            (RowKind::Duplicate, committed) => (List::Duplicate, committed),
            (RowKind::Warning, committed) => (List::Warning, committed),
        };
        if committed {
            let detail = "the import has been committed; its refused and its changed rows can be seen";
            return Err(Error::new(Code::Conflict, detail));
        }
        let Some(findings) = &state.findings else {
            return if state.preview.is_some() { Ok(empty(0)) } else { Err(missing_check()) };
        };
        let noted = NotedRows::open(&self.uploads, id, findings)?;
        let (rows, more) = noted.page(list, after, limit, PAGE_BYTES)?;
        let rows = rows.into_iter().map(|noted| self.with_edits(&state, noted)).collect::<Result<Vec<_>>>()?;
        let count = findings.noted();
        let total = match kind {
            RowKind::Refused => count.refused,
            RowKind::Duplicate => count.duplicate,
            _ => count.warning,
        };
        Ok(page(self.decide(ctx, &state, rows)?, total, more))
    }

    fn edited(&self, ctx: &Ctx, state: &State, run: &Run, after: u64, limit: usize) -> Result<RowsPage> {
        let mut edits = RowEdit::page(&self.crm, state.id, after, limit + 1)?;
        let (mut size, mut fits) = (0, 0);
        while fits < edits.len().min(limit) && (size < PAGE_BYTES || fits == 0) {
            size += edits[fits].row.cells.iter().map(String::len).sum::<usize>();
            fits += 1;
        }
        let more = edits.len() > fits;
        edits.truncate(fits);
        let rows = match run.status {
            None => self.decide(ctx, state, edits)?,
            Some(_) => edits.iter().map(plain).collect(),
        };
        Ok(page(rows, state.changed.rows, more))
    }

    /// Rows that a committed import refused.
    fn refused(&self, state: &State, run: &Run, after: u64, limit: usize) -> Result<RowsPage> {
        let mut refused: Vec<Refused> = Vec::new();
        for number in 0..run.batches {
            let doc = BatchDoc::load(&self.crm, state.id, number)?.unwrap_or_default();
            let mut rows: Vec<Refused> = doc.refused.into_iter().filter(|r| r.row > after).collect();
            rows.sort_by_key(|r| r.row);
            refused.extend(rows);
            if refused.len() > limit {
                break;
            }
        }
        let more = refused.len() > limit;
        refused.truncate(limit);
        let mut found = match run.file_gone {
            true => HashMap::new(),
            false => self.find_rows(state, refused.iter().map(|r| r.row).collect())?,
        };
        let schema = self.crm.schema();
        let object = schema.by_name(&state.object).ok_or_else(|| Error::not_found("object"))?;
        let rules = state.rules(object);
        let mut rows = Vec::new();
        for refused in refused {
            let gone = || NotedRow { row: Row { number: refused.row, ..Row::default() }, other: None };
            let edit = self.with_edits(state, found.remove(&refused.row).unwrap_or_else(gone))?;
            let problem = |(column, code, detail): (Option<u32>, String, String)| {
                let target = column.and_then(|c| rules.get(c as usize)).and_then(|c| c.target.as_ref());
                let field = target.map(|t| t.path.clone());
                RowProblem { column: column.map(|c| c as usize), field, code, detail, warning: false }
            };
            rows.push(ImportRow { problems: refused.reasons.into_iter().map(problem).collect(), ..plain(&edit) });
        }
        Ok(page(rows, run.progress.refused, more))
    }

    fn with_edits(&self, state: &State, noted: NotedRow) -> Result<RowEdit> {
        let known = match state.changed.rows {
            0 => None,
            _ => RowEdit::load(&self.crm, state.id, noted.row.number)?,
        };
        Ok(known.unwrap_or_else(|| RowEdit::new(noted.row, noted.other)))
    }

    /// Rows by number, from the rows of the check or else from the uploaded file, which is read once for all of them.
    fn find_rows(&self, state: &State, mut wanted: BTreeSet<u64>) -> Result<HashMap<u64, NotedRow>> {
        let mut found = HashMap::new();
        if let Some(findings) = state.findings.as_ref().filter(|_| !wanted.is_empty()) {
            let noted = NotedRows::open(&self.uploads, state.id, findings)?;
            for number in &wanted {
                found.extend(noted.find(*number)?.map(|noted| (*number, noted)));
            }
        }
        wanted.retain(|number| !found.contains_key(number));
        self.read_rows(state, wanted, &mut |row| {
            found.insert(row.number, NotedRow { row, other: None });
            Ok(())
        })?;
        Ok(found)
    }

    /// Reads the uploaded file as far as the last of the rows.
    pub(super) fn read_rows(
        &self,
        state: &State,
        mut wanted: BTreeSet<u64>,
        take: &mut dyn FnMut(Row) -> Result<()>,
    ) -> Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let mut failed = None;
        let mut source = SealedSource::open(&self.uploads, state.id)?;
        table::data(state.format, &state.layout, &state.shape, &mut source, &mut |row| {
            let number = row.number;
            if wanted.remove(&number)
                && let Err(e) = take(row)
            {
                failed = Some(e);
                return ControlFlow::Break(());
            }
            // rows come in order, so what lies behind is not there
            wanted = wanted.split_off(&number);
            if wanted.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// What would become of the rows now, each beside the row it repeats.
    fn decide(&self, ctx: &Ctx, state: &State, mut rows: Vec<RowEdit>) -> Result<Vec<ImportRow>> {
        let shown: BTreeSet<u64> = rows.iter().map(|edit| edit.row.number).collect();
        let others: BTreeSet<u64> = rows.iter().filter_map(|e| e.other).filter(|o| !shown.contains(o)).collect();
        for other in self.find_rows(state, others)?.into_values() {
            rows.push(self.with_edits(state, other)?);
        }
        rows.sort_by_key(|edit| edit.row.number);
        let mut work = Work::new(&self.crm, ctx, state)?;
        let columns = state.rules(&work.object);
        let (currency, zone) = self.money_and_zone(ctx, &state.options)?;
        let unknown = self.unknown_choices(ctx, &state.options);
        let (schema, object) = (work.schema.clone(), work.object.clone());
        let mut converter = Converter::new(&schema, &object, &columns, currency, zone, unknown);
        let edits = Edits::of(&rows);
        let drafts = rows.iter().map(|edit| edits.draft(&mut converter, &edit.row)).collect();
        let mut planner = work.planner(ctx);
        planner.watch = Some(Watch::comparing(&columns));
        let plan = planner.plan(drafts)?;
        let watch = planner.watch.take().unwrap_or_default();

        let column_of = |field: &str| columns.iter().position(|c| c.target.as_ref().is_some_and(|t| t.path == field));
        let problem = |p: CellProblem, warning: bool| RowProblem {
            column: p.column.or_else(|| p.field.as_deref().and_then(column_of)),
            field: p.field,
            code: p.code,
            detail: p.detail,
            warning,
        };
        let mut problems: HashMap<u64, Vec<RowProblem>> = HashMap::new();
        for (row, reasons) in plan.refused.into_iter().chain(watch.left_out) {
            problems.entry(row).or_default().extend(reasons.into_iter().map(|p| problem(p, false)));
        }
        for (row, doubt) in watch.warnings {
            problems.entry(row).or_default().push(problem(doubt, true));
        }
        let made = plan.named.iter().map(|entry| (entry.link(), entry.title())).collect();
        let mut duplicates = self.side_by_side(ctx, &object, watch.duplicates, &made)?;
        let shown = rows.iter().filter(|edit| shown.contains(&edit.row.number));
        Ok(shown
            .map(|edit| ImportRow {
                problems: problems.remove(&edit.row.number).unwrap_or_default(),
                duplicate: duplicates.remove(&edit.row.number),
                ..plain(edit)
            })
            .collect())
    }

    fn side_by_side(
        &self,
        ctx: &Ctx,
        object: &Object,
        seen: Vec<Seen>,
        made: &HashMap<Link, String>,
    ) -> Result<HashMap<u64, Duplicate>> {
        let fields = || seen.iter().flat_map(|s| &s.fields);
        let links: BTreeSet<Link> = fields().flat_map(Compared::links).collect();
        let mut names = self.crm.names_of(ctx, links)?;
        names.extend(made.iter().map(|(link, name)| (*link, Some(name.clone()))));
        let schema = self.crm.schema();
        let named = |link: &Link| {
            let object = schema.by_code(link.object).map(|o| o.name.as_str());
            serde_json::json!({"id": link.id, "object": object, "name": names.get(link).cloned().flatten()})
        };
        let json = |value: &Option<Value>| match value {
            None => Json::Null,
            Some(Value::Ref(link)) => named(link),
            Some(Value::Refs(links)) => links.iter().map(named).collect(),
            Some(other) => aplomb_model::json::write(other),
        };
        let field = |compared: &Compared| {
            let field = object.by_code(compared.field);
            DuplicateField {
                field: field.map(|f| f.name.clone()).unwrap_or_default(),
                label: field.map(|f| f.label.clone()).unwrap_or_default(),
                incoming: json(&compared.incoming),
                existing: json(&compared.existing),
                result: json(&compared.result),
            }
        };
        let duplicate = |seen: &Seen| {
            let (of, id, row) = match seen.other {
                Other::Record(id) => (DuplicateOf::Record, Some(id), None),
                Other::Row(row) => (DuplicateOf::Row, None, Some(row)),
            };
            Duplicate {
                of,
                object: object.name.clone(),
                id,
                name: seen.name.clone(),
                row,
                matched_by: seen.matched_by.clone(),
                fields: seen.fields.iter().map(field).collect(),
                action: seen.action,
            }
        };
        Ok(seen.iter().map(|seen| (seen.row, duplicate(seen))).collect())
    }

    /// Documents of all changes, to be removed with the import.
    pub(super) fn forget_edits(&self, ctx: &Ctx, id: Id) -> Result<()> {
        loop {
            let edits = RowEdit::page(&self.crm, id, 0, 500)?;
            if edits.is_empty() {
                return Ok(());
            }
            let gone =
                |e: &RowEdit| BulkDoc { kind: super::edits::EDIT, key: RowEdit::key(id, e.row.number), value: None };
            self.crm.put_docs(ctx, "import", edits.iter().map(gone).collect())?;
        }
    }
}

/// By row. Errors name the entry of the request.
fn wanted(change: &ImportChange) -> Result<BTreeMap<u64, Wanted>> {
    let mut all: BTreeMap<u64, Wanted> = BTreeMap::new();
    for (at, edit) in change.edits.iter().enumerate() {
        if edit.value.as_ref().is_some_and(|value| value.len() > MOST_CELL) {
            let detail = format!("a cell that is changed has at most {MOST_CELL} bytes");
            return Err(Error::field(format!("edits[{at}].value"), "length", detail));
        }
        let column = u32::try_from(edit.column).map_err(|_| unknown_column(at))?;
        let row = all.entry(edit.row).or_default();
        row.cells.push((at, column, edit.value.clone()));
        if row.first.is_empty() {
            row.first = format!("edits[{at}].row");
        }
    }
    for (at, decision) in change.decisions.iter().enumerate() {
        let row = all.entry(decision.row).or_default();
        row.decision = Some(decision.action);
        if row.first.is_empty() {
            row.first = format!("decisions[{at}].row");
        }
    }
    Ok(all)
}

fn unknown_column(at: usize) -> Error {
    Error::field(format!("edits[{at}].column"), "unknown_column", "there is no such column")
}

impl Wanted {
    fn apply(&self, edit: &mut RowEdit, columns: usize) -> Result<()> {
        // a row may have more cells than the header; such cells can be emptied
        let width = columns.max(edit.row.cells.len());
        for (at, column, value) in &self.cells {
            if *column as usize >= width {
                return Err(unknown_column(*at));
            }
            edit.set(*column, value.clone());
        }
        if let Some(action) = self.decision {
            edit.action = action;
        }
        Ok(())
    }
}

/// The row with its edits and nothing said about it.
fn plain(edit: &RowEdit) -> ImportRow {
    let mut row = edit.row.clone();
    Edits::of(std::slice::from_ref(edit)).apply(&mut row);
    let original = |column: &u32| edit.row.cells.get(*column as usize).cloned().unwrap_or_default();
    ImportRow {
        row: edit.row.number,
        cells: row.cells,
        problems: Vec::new(),
        edits: edit.changed.keys().map(|c| *c as usize).collect(),
        originals: edit.changed.keys().map(original).collect(),
        duplicate: None,
        decision: edit.action,
    }
}

fn page(rows: Vec<ImportRow>, total: u64, more: bool) -> RowsPage {
    let next = rows.last().filter(|_| more).map(|row| row.row.to_string());
    RowsPage { rows, total, next }
}

fn empty(total: u64) -> RowsPage {
    RowsPage { rows: Vec::new(), total, next: None }
}
