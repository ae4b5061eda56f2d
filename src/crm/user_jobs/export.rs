//! Exports as files: sealed as they are written, kept for 7 days, given to their owner only. An export that was
//! interrupted begins its file anew.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use aplomb_model::query::{Condition, Filter, Op as Test};
use aplomb_model::{Action, Code, Error, Id, Query, Result};
use aplomb_vault::{DataKey, SealedDir, SealedFile, SubKey};
use serde_json::json;

use super::run::{Run, Step};
use super::state::{File, Order, Status, Stored};
use crate::crm::{Crm, Inner};
use crate::records::Selection;
use crate::{Ctx, files};

/// The directory below the data directory, and what its key is for.
const EXPORTS: &str = "exports";
/// Chunks of files that were lately read.
const CACHE: usize = 1 << 20;
pub(super) const KEPT_DAYS: i64 = 7;
/// Records between two notes of how far it is.
const NOTED: u64 = 10_000;

/// Writes what a query selects in a format (`csv`, `jsonl`); is told after each page how many records there were so far,
/// and stops with the error that comes back.
pub type Exporter = Arc<
    dyn Fn(&Crm, &Ctx, &str, &Query, &str, &mut dyn Write, &mut dyn FnMut(u64) -> Result<()>) -> Result<u64>
        + Send
        + Sync,
>;

/// The directory of sealed files. It is made with the first export: a data directory that may only be read needs none.
pub(crate) struct Exports {
    path: PathBuf,
    key: SubKey,
    opened: OnceLock<Arc<SealedDir>>,
}

impl Exports {
    pub fn new(dir: &Path, key: &DataKey) -> Exports {
        Exports { path: dir.join(EXPORTS), key: key.subkey(EXPORTS), opened: OnceLock::new() }
    }

    fn open(&self) -> Result<&Arc<SealedDir>> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let opened = SealedDir::new(&self.path, self.key.clone(), CACHE).map_err(files::vault)?;
        Ok(self.opened.get_or_init(|| opened))
    }

    /// `None` while there was no export yet.
    fn there(&self) -> Result<Option<&Arc<SealedDir>>> {
        if self.opened.get().is_none() && !self.path.is_dir() {
            return Ok(None);
        }
        self.open().map(Some)
    }
}

impl Crm {
    /// Before [`Crm::start_jobs`]: who knows the formats of files.
    pub fn set_exporter(&self, exporter: Exporter) {
        *self.inner.exporter.write() = Some(exporter);
    }
}

/// The order as a query.
pub(super) fn query(order: &Order) -> Query {
    let chosen = order
        .ids
        .as_ref()
        .map(|ids| Filter::Condition(Condition { field: "id".to_owned(), op: Test::In, value: json!(ids) }));
    let filter = match (chosen, order.filter.clone()) {
        (Some(a), Some(b)) => Some(Filter::And { and: vec![a, b] }),
        (a, b) => a.or(b),
    };
    Query { filter, q: order.q.clone(), sort: order.sort.clone(), fields: order.fields.clone(), ..Query::default() }
}

pub(super) fn work(run: &Run<'_>) -> Result<Step> {
    let Some(state) = run.state()? else { return Ok(Step::Ended) };
    let exporter = run.inner.exporter.read().clone();
    let exporter = exporter.ok_or_else(|| Error::internal("nobody here writes files"))?;
    let query = query(&run.order);
    let mut selection = Selection::new(run.inner, &run.asked, &state.object, &query)?;
    if !run.inner.caught_up(state.since) || !selection.ready(run.inner) {
        return Ok(Step::Later);
    }
    let total = selection.page(run.inner, None, 1)?.total;
    let ctx = run.ctx(&state, "export")?;
    if !note(run, &ctx, 0, total)? {
        return Ok(Step::Ended);
    }
    remove(run.inner, run.id);
    let name = run.id.to_string();
    let exports = run.inner.exports.open()?;
    let mut writer = exports.create(&name).map_err(|e| files::disk(e.into()))?;
    let mut noted = 0;
    let written = exporter(run.crm, &run.asked, &state.object, &query, &run.order.format, &mut writer, &mut |count| {
        if run.stopping() {
            return Err(Error::new(Code::NotReady, "the server goes down"));
        }
        let ctx = run.ctx(&state, "export")?;
        run.inner.authorise(&ctx, &state.object, Action::Export)?;
        if count - noted >= NOTED || run.state()?.is_none() {
            noted = count;
            return note(run, &ctx, count, total)?.then_some(()).ok_or_else(cancelled);
        }
        Ok(())
    });
    let finished = written.and_then(|count| {
        let size = writer.finish().map_err(files::disk)?;
        exports.sync().map_err(|e| files::disk(e.into()))?;
        Ok(note(run, &ctx, count, count)?.then_some(size))
    });
    let size = match finished {
        Ok(size) => size,
        Err(e) if run.state()?.is_some() => {
            remove(run.inner, run.id);
            return Err(e);
        }
        Err(_) => None,
    };
    if let Some(size) = size {
        let file = file(run, &state, size);
        super::run::close(run.inner, &ctx, run.id, |state, seq| Stored {
            file: Some(file.clone()),
            ..state.ended(Status::Done, seq, run.now())
        })?;
    }
    // it was cancelled at the last moment
    if Stored::load(&run.inner.view()?, run.id)?.is_none_or(|job| job.file.is_none()) {
        remove(run.inner, run.id);
    }
    Ok(Step::Ended)
}

fn cancelled() -> Error {
    Error::new(Code::Conflict, "the export was cancelled")
}

/// How far it is; false when the job has ended meanwhile.
fn note(run: &Run<'_>, ctx: &Ctx, done: u64, total: u64) -> Result<bool> {
    let Some(state) = run.state()? else { return Ok(false) };
    run.batch(ctx, &state, |_, next| {
        (next.progress.done, next.progress.total) = (done, total.max(done));
        Ok(())
    })
}

fn file(run: &Run<'_>, state: &Stored, size: u64) -> File {
    let format = &run.order.format;
    let media_type = if format == "csv" { "text/csv" } else { "application/jsonl" };
    let local = state.created_at.plus_seconds(i64::from(run.asked.offset)).date();
    File { name: format!("{}-{local}.{format}", state.object), size, media_type: media_type.to_owned() }
}

pub(super) fn read(inner: &Inner, id: Id) -> Result<SealedFile> {
    match inner.exports.open()?.open(&id.to_string()) {
        Err(e) if e.is_not_found() => Err(Error::not_found("file")),
        opened => opened.map_err(files::vault),
    }
}

/// Best effort: what stays is removed at the next start.
pub(super) fn remove(inner: &Inner, id: Id) {
    let Ok(Some(exports)) = inner.exports.there() else { return };
    match exports.remove(&id.to_string()) {
        Err(error) if !error.is_not_found() => tracing::warn!(job = %id, %error, "an export could not be removed"),
        _ => {}
    }
}

/// Removes files that belong to no finished export. No job may be at work.
pub(crate) fn remove_unknown(inner: &Inner) -> Result<()> {
    let Some(exports) = inner.exports.there()? else { return Ok(()) };
    let names = exports.list().unwrap_or_default();
    let ids: BTreeSet<Id> = names.iter().filter_map(|name| name.parse().ok()).collect();
    let view = inner.view()?;
    for id in ids {
        if Stored::load(&view, id)?.is_none_or(|job| job.file.is_none()) {
            remove(inner, id);
        }
    }
    Ok(())
}

impl Crm {
    /// Reads every export whole; what is damaged or missing, one line each.
    pub(crate) fn verify_exports(&self) -> Result<Vec<String>> {
        let (view, mut problems, mut after) = (self.inner.view()?, Vec::new(), None);
        loop {
            let page = Stored::page(&view, after, super::PAGE)?;
            let Some(last) = page.last() else { return Ok(problems) };
            after = Some(last.id);
            for (job, file) in page.iter().filter_map(|job| Some((job, job.file.as_ref()?))) {
                match self.inner.exports.open()?.verify(&job.id.to_string()) {
                    Ok(size) if size == file.size => {}
                    Ok(size) => problems.push(format!("export {} has {size} bytes instead of {}", job.id, file.size)),
                    // a backup does not hold them
                    Err(error) if error.is_not_found() => {}
                    Err(error) => problems.push(error.to_string()),
                }
            }
        }
    }
}
