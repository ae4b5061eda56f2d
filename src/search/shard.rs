//! The index of one object: its writer, and the view that queries run on.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aplomb_model::{Id, Object, ObjectCode, Record, Seq};
use parking_lot::{Mutex, RwLock};
use tantivy::directory::Directory;
use tantivy::index::SegmentComponent;
use tantivy::indexer::IndexWriterOptions;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TERMINATED, TantivyDocument};

use crate::columns::{Core, Kept, Segment};
use crate::directory::SealedDirectory;
use crate::error::SearchError;
use crate::layout::{self, Fields};
use crate::merging::Patience;
use crate::tokens::{Separated, TOKENIZER};
use crate::types::DocContext;

/// Changes in one commit that are taken for a part of an import.
const BULK: usize = 2_000;

/// The files that every segment has.
const PARTS: [&str; 6] = ["idx", "pos", "term", "store", "fast", "fieldnorm"];

/// What queries see of one object; unchanging.
pub(crate) struct View {
    pub searcher: Searcher,
    pub segments: Vec<Segment>,
    pub fields: Fields,
    /// what is kept of this view
    pub core: Core,
}

pub(crate) struct Shard {
    pub object: ObjectCode,
    index: tantivy::Index,
    fields: Fields,
    reader: IndexReader,
    kept: Arc<Kept>,
    view: RwLock<Arc<View>>,
    writing: Mutex<Writing>,
    directory: SealedDirectory,
    /// [`SealedDirectory::metas`] when the view was made
    shown: AtomicU64,
}

#[derive(Default)]
struct Writing {
    writer: Option<IndexWriter>,
    /// shared with the writer's merge policy
    merging: Patience,
    /// added since the last commit
    fresh: HashSet<Id>,
    /// changes since the last commit
    pending: usize,
    /// committed, but not yet shown
    flushed: bool,
}

#[derive(Clone, Copy)]
pub(crate) struct WriterOptions {
    pub bytes: usize,
    pub threads: usize,
}

impl Shard {
    /// Opens the last commit, or an empty index. Errors mean that the files are damaged or of another layout.
    pub fn open(object: ObjectCode, directory: SealedDirectory, kept: &Arc<Kept>) -> Result<Shard, SearchError> {
        let (schema, fields) = layout::schema();
        let settings = IndexSettings { docstore_compress_dedicated_thread: false, ..IndexSettings::default() };
        let builder = tantivy::Index::builder().schema(schema).settings(settings);
        let index = builder.open_or_create(directory.clone())?;
        index.tokenizers().register(TOKENIZER, Separated::default());
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let view = View::new(reader.searcher(), fields, None, kept);
        let view = RwLock::new(Arc::new(view));
        let writing = Mutex::default();
        Ok(Shard {
            object,
            index,
            fields,
            reader,
            kept: kept.clone(),
            view,
            writing,
            directory,
            shown: AtomicU64::new(0),
        })
    }

    pub fn view(&self) -> Arc<View> {
        self.view.read().clone()
    }

    /// The cursor of the last commit, 0 when there is none.
    pub fn committed(&self) -> Result<Seq, SearchError> {
        let payload = self.index.load_metas()?.payload;
        Ok(payload.and_then(|p| p.parse().ok()).unwrap_or(0))
    }

    /// Errors when a file that a segment was written with is missing; what is open already does not tell.
    pub fn complete(&self) -> Result<(), SearchError> {
        for segment in self.index.searchable_segment_metas()? {
            let name = segment.id().uuid_string();
            for part in PARTS {
                let path = std::path::PathBuf::from(format!("{name}.{part}"));
                if !self.directory.exists(&path).map_err(tantivy::TantivyError::from)? {
                    let missing =
                        std::io::Error::new(std::io::ErrorKind::NotFound, format!("{} is missing", path.display()));
                    return Err(missing.into());
                }
            }
        }
        Ok(())
    }

    pub fn put(
        &self,
        object: Option<&Object>,
        record: &Record,
        context: &DocContext,
        options: WriterOptions,
    ) -> Result<(), SearchError> {
        let document = self.fields.document(object, record, context);
        let mut writing = self.writing.lock();
        self.delete(&mut writing, record.id, options)?;
        self.writer(&mut writing, options)?.add_document(document)?;
        writing.fresh.insert(record.id);
        writing.pending += 1;
        Ok(())
    }

    pub fn remove(&self, id: Id, options: WriterOptions) -> Result<(), SearchError> {
        self.delete(&mut self.writing.lock(), id, options)
    }

    /// Deletes only what is there: every deletion is looked up in every segment when it is committed.
    fn delete(&self, writing: &mut Writing, id: Id, options: WriterOptions) -> Result<(), SearchError> {
        if !writing.fresh.remove(&id) && !self.view().contains(id)? {
            return Ok(());
        }
        self.writer(writing, options)?.delete_term(self.fields.id_term(id));
        writing.pending += 1;
        Ok(())
    }

    fn writer<'a>(&self, writing: &'a mut Writing, options: WriterOptions) -> Result<&'a mut IndexWriter, SearchError> {
        match &mut writing.writer {
            Some(writer) => Ok(writer),
            empty => {
                let threads = options.threads.clamp(1, 8);
                let options = IndexWriterOptions::builder()
                    .num_worker_threads(threads)
                    .memory_budget_per_thread((options.bytes / threads).clamp(15_000_000, 1 << 30))
                    .num_merge_threads(1)
                    .build();
                let writer: IndexWriter<TantivyDocument> = self.index.writer_with_options(options)?;
                // A writer gives its first operation the number of the last commit. A merge that begins before the
                // next commit would take a deletion of that number in some segments and miss it in others; running
                // nothing uses the number up.
                writer.run([])?;
                writer.set_merge_policy(Box::new(writing.merging.clone()));
                Ok(empty.insert(writer))
            }
        }
    }

    /// Makes what was written durable with its cursor. False when there was nothing. Not visible before
    /// [`Shard::reload`].
    pub fn commit(&self, seq: Seq) -> Result<bool, SearchError> {
        let mut writing = self.writing.lock();
        if writing.pending == 0 && !writing.flushed {
            return Ok(false);
        }
        writing.merging.waits(writing.pending >= BULK);
        let Some(writer) = &mut writing.writer else { return Ok(false) };
        let mut prepared = writer.prepare_commit()?;
        prepared.set_payload(&seq.to_string());
        prepared.commit()?;
        writing.pending = 0;
        writing.flushed = true;
        Ok(true)
    }

    /// Shows the last commit to queries that begin from now on.
    pub fn reload(&self) -> Result<(), SearchError> {
        self.shown.store(self.directory.metas(), Ordering::Release);
        self.reader.reload()?;
        let before = self.view();
        let view = View::new(self.reader.searcher(), self.fields, Some(&before), &self.kept);
        *self.view.write() = Arc::new(view);
        let mut writing = self.writing.lock();
        writing.fresh.clear();
        writing.flushed = false;
        Ok(())
    }

    /// Starts the merges that waited, and shows what merges made since, when nothing waits to be committed or shown:
    /// the segments before them are removed and no longer cached.
    pub fn refresh(&self) -> Result<(), SearchError> {
        self.merge_what_waited()?;
        if self.shown.load(Ordering::Acquire) == self.directory.metas() {
            return Ok(());
        }
        let idle = {
            let writing = self.writing.lock();
            writing.pending == 0 && !writing.flushed
        };
        if idle { self.reload() } else { Ok(()) }
    }

    /// Merges are thought about at every commit, also at one of nothing.
    fn merge_what_waited(&self) -> Result<(), SearchError> {
        let mut writing = self.writing.lock();
        if writing.pending > 0 || !writing.merging.waits(false) {
            return Ok(());
        }
        let Some(writer) = &mut writing.writer else { return Ok(()) };
        let committed = self.index.load_metas()?.payload;
        let mut prepared = writer.prepare_commit()?;
        prepared.set_payload(&committed.unwrap_or_default());
        prepared.commit()?;
        Ok(())
    }

    /// Changes since the last commit.
    pub fn pending(&self) -> usize {
        self.writing.lock().pending
    }

    /// Forgets what was not committed; the next change opens a new writer. A commit that was not shown yet is shown,
    /// since what is not seen cannot be replaced.
    pub fn rollback(&self) -> Result<(), SearchError> {
        *self.writing.lock() = Writing::default();
        self.reload()
    }

    /// Ends the writer, waiting for merges, and removes the files.
    pub fn erase(&self) -> Result<(), SearchError> {
        if let Some(writer) = std::mem::take(&mut *self.writing.lock()).writer {
            writer.wait_merging_threads()?;
        }
        Ok(self.directory.clear().map_err(std::io::Error::from)?)
    }
}

/// The files of the last commit.
pub(crate) fn files(directory: &SealedDirectory) -> Result<Vec<String>, SearchError> {
    let index = tantivy::Index::open(directory.clone())?;
    let mut files = vec![String::from("meta.json")];
    for segment in index.searchable_segment_metas()? {
        let name = segment.id().uuid_string();
        files.extend(PARTS.map(|part| format!("{name}.{part}")));
        if segment.has_deletes() {
            files.push(segment.relative_path(SegmentComponent::Delete).to_string_lossy().into_owned());
        }
    }
    Ok(files)
}

impl View {
    fn new(searcher: Searcher, fields: Fields, before: Option<&View>, kept: &Arc<Kept>) -> View {
        let old = |id| before.and_then(|b| b.segments.iter().find(|s| s.id() == id));
        let segments = searcher.segment_readers().iter();
        let segments = segments.map(|r| Segment::new(r, old(r.segment_id()), kept)).collect();
        View { searcher, segments, fields, core: Core::new(kept) }
    }

    fn contains(&self, id: Id) -> Result<bool, SearchError> {
        for segment in &self.segments {
            let mut found = false;
            let high = (id.as_u128() >> 64) as u64;
            let column = &segment.ids()?.high.values;
            if column.min_value() <= high && high <= column.max_value() {
                documents_of(segment, id, |doc| found |= segment.alive.as_ref().is_none_or(|a| a.get(doc)))?;
            }
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The documents of a segment with this id, deleted ones too.
pub(crate) fn documents_of(segment: &Segment, id: Id, mut each: impl FnMut(u32)) -> Result<(), SearchError> {
    let field = segment.reader.schema().get_field("id")?;
    let term = tantivy::Term::from_field_bytes(field, id.as_bytes());
    let inverted = segment.reader.inverted_index(field)?;
    if let Some(mut postings) = inverted.read_postings(&term, IndexRecordOption::Basic)? {
        while postings.doc() != TERMINATED {
            each(postings.doc());
            postings.advance();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::TestRunner;

    use super::*;
    use crate::tests::world;

    #[test]
    fn what_is_done_after_opening_is_numbered_after_the_last_commit() {
        let dir = tempfile::tempdir().unwrap();
        let key = aplomb_vault::DataKey::from_bytes(&[7; 32]).subkey("search");
        let sealed = aplomb_vault::SealedDir::new(dir.path(), key, 1 << 20).unwrap();
        let options = WriterOptions { bytes: 15_000_000, threads: 1 };
        let record = &world::people(9).new_tree(&mut TestRunner::deterministic()).unwrap().current()[0];
        for seq in 1..4 {
            let directory = SealedDirectory::new(&sealed, "o1-");
            let shard = Shard::open(record.object, directory, &Kept::new(1 << 20)).unwrap();
            let committed = shard.index.load_metas().unwrap().opstamp;
            let id = shard.fields.id_term(record.id);
            let deleted = shard.writer(&mut shard.writing.lock(), options).unwrap().delete_term(id);
            assert!(deleted > committed, "{deleted} is not after {committed}");
            shard.put(None, record, &DocContext::default(), options).unwrap();
            shard.commit(seq).unwrap();
        }
    }
}
