//! The index as its users see it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aplomb_model::query::Pred;
use aplomb_model::{Id, ObjectCode, Schema, Seq};
use aplomb_vault::{SealedDir, SubKey};
use parking_lot::{Condvar, Mutex, RwLock};

use crate::aggregate::Aggregation;
use crate::bits::Bits;
use crate::columns::Kept;
use crate::cursor::{Cursor, Place, hash_of};
use crate::directory::SealedDirectory;
use crate::error::SearchError;
use crate::filter::Plan;
use crate::fulltext::{FEW, Search, Sought};
use crate::layout;
use crate::rank::{Order, Row};
use crate::shard::{self, Shard, View, WriterOptions};
use crate::state::{self, State};
use crate::types::*;

/// All records, to be listed, counted and found. Cheap to clone.
#[derive(Clone)]
pub struct Index {
    inner: Arc<Inner>,
}

struct Inner {
    sealed: Arc<SealedDir>,
    kept: Arc<Kept>,
    writer: WriterOptions,
    schema: RwLock<Schema>,
    shards: RwLock<BTreeMap<ObjectCode, Arc<Shard>>>,
    /// one writer at a time
    applying: Mutex<()>,
    seq: Mutex<Seq>,
    moved: Condvar,
}

/// Documents not yet committed that make a writer a busy one.
const BUSY: usize = 2_000;

impl Index {
    /// Opens or creates. Damaged, missing or outdated files are thrown away: [`Opened::Rebuild`].
    pub fn open(options: Options, schema: Schema) -> Result<(Index, Opened), SearchError> {
        let sealed =
            SealedDir::new(&options.dir, options.key, options.cache_bytes / 2).map_err(std::io::Error::from)?;
        let inner = Inner {
            sealed,
            kept: Kept::new(options.cache_bytes as u64 / 2),
            writer: WriterOptions { bytes: options.writer_bytes, threads: options.threads },
            schema: RwLock::new(schema),
            shards: RwLock::default(),
            applying: Mutex::default(),
            seq: Mutex::new(0),
            moved: Condvar::new(),
        };
        let index = Index { inner: Arc::new(inner) };
        let opened = match index.load() {
            Ok(Some(seq)) => Opened::Ready { seq },
            Ok(None) => Opened::Rebuild,
            Err(error) => {
                tracing::warn!(%error, "the search index cannot be used and is built again");
                Opened::Rebuild
            }
        };
        if opened == Opened::Rebuild {
            index.clear()?;
        }
        Ok((index, opened))
    }

    /// Opens what the state file names.
    fn load(&self) -> Result<Option<Seq>, SearchError> {
        let Some(state) = State::read(&self.inner.sealed, &self.inner.schema.read())? else { return Ok(None) };
        for code in &state.objects {
            let shard = self.open_shard(ObjectCode(*code))?;
            if shard.committed()? == 0 {
                return Ok(None);
            }
            shard.complete()?;
            self.inner.shards.write().insert(shard.object, Arc::new(shard));
        }
        *self.inner.seq.lock() = state.seq;
        Ok(Some(state.seq))
    }

    fn open_shard(&self, object: ObjectCode) -> Result<Shard, SearchError> {
        let directory = SealedDirectory::new(&self.inner.sealed, &format!("o{}-", object.0));
        Shard::open(object, directory, &self.inner.kept)
    }

    /// What queries see.
    pub fn seq(&self) -> Seq {
        *self.inner.seq.lock()
    }

    /// Takes changes in the order of the log; one caller at a time. With `commit` they become visible and durable
    /// together with `seq`; an empty `docs` may be committed to move the cursor. After an error nothing since the
    /// last commit is kept: apply again from [`Index::seq`].
    pub fn apply(&self, docs: &[Doc], seq: Seq, commit: bool) -> Result<(), SearchError> {
        let _one = self.inner.applying.lock();
        let done = self.write(docs).and_then(|()| if commit { self.commit(seq) } else { Ok(()) });
        if done.is_err() {
            for shard in self.shards() {
                shard.rollback()?;
            }
        }
        done
    }

    fn write(&self, docs: &[Doc]) -> Result<(), SearchError> {
        let schema = self.inner.schema.read().clone();
        for doc in docs {
            match doc {
                Doc::Put(record, context) if record.trashed_at.is_none() => {
                    let object = schema.by_code(record.object);
                    self.shard_or_new(record.object)?.put(object.map(|o| &**o), record, context, self.inner.writer)?;
                }
                Doc::Put(record, _) => self.remove(record.id, record.object)?,
                Doc::Remove(id, object) => self.remove(*id, *object)?,
            }
        }
        self.bound_memory()
    }

    /// Every object's writer buffers for itself: when many are busy, they write what they have. It shows with the
    /// next commit, and applying it again changes nothing.
    fn bound_memory(&self) -> Result<(), SearchError> {
        let busy: Vec<_> = self.shards().into_iter().filter(|s| s.pending() > BUSY).collect();
        if busy.len() > 2 {
            for shard in busy {
                shard.commit(self.seq())?;
            }
        }
        Ok(())
    }

    fn remove(&self, id: Id, object: ObjectCode) -> Result<(), SearchError> {
        match self.shard(object) {
            Some(shard) => shard.remove(id, self.inner.writer),
            None => Ok(()),
        }
    }

    fn commit(&self, seq: Seq) -> Result<(), SearchError> {
        let mut changed = Vec::new();
        for shard in self.shards() {
            if shard.commit(seq)? {
                changed.push(shard);
            }
        }
        // An empty commit is remembered with the next one: applying it again changes nothing.
        if !changed.is_empty() || !State::exists(&self.inner.sealed)? {
            let objects = self.shards().iter().map(|s| s.object.0).collect();
            let state = State::new(seq, objects, &self.inner.schema.read());
            state.write(&self.inner.sealed)?;
        }
        for shard in changed {
            shard.reload()?;
        }
        *self.inner.seq.lock() = seq;
        self.inner.moved.notify_all();
        Ok(())
    }

    /// To be called from time to time while nothing changes: queries go over to segments merged meanwhile.
    pub fn refresh(&self) -> Result<(), SearchError> {
        let _one = self.inner.applying.lock();
        self.shards().iter().try_for_each(|shard| shard.refresh())
    }

    /// True when fields changed in a way that records already indexed do not show: [`Index::clear`] and apply all.
    pub fn set_schema(&self, schema: Schema) -> bool {
        let mut current = self.inner.schema.write();
        let stale = !state::compatible(&layout::fingerprint(&current), &layout::fingerprint(&schema));
        *current = schema;
        stale
    }

    /// Blocks until [`Index::seq`] is at least `seq`; false when the time is over.
    pub fn wait_for(&self, seq: Seq, timeout: Duration) -> bool {
        #[expect(clippy::disallowed_methods, reason = "the end of a wait, as the condition variable takes it")]
        let until = Instant::now() + timeout;
        let mut current = self.inner.seq.lock();
        while *current < seq {
            if self.inner.moved.wait_until(&mut current, until).timed_out() {
                return *current >= seq;
            }
        }
        true
    }

    /// Throws everything away; the next change to apply is the first of the log.
    pub fn clear(&self) -> Result<(), SearchError> {
        let _one = self.inner.applying.lock();
        let shards = std::mem::take(&mut *self.inner.shards.write());
        State::remove(&self.inner.sealed)?;
        for shard in shards.values() {
            shard.erase()?;
        }
        for name in self.inner.sealed.list().map_err(std::io::Error::from)? {
            self.inner.sealed.remove(&name).map_err(std::io::Error::from)?;
        }
        *self.inner.seq.lock() = 0;
        Ok(())
    }

    pub fn stats(&self) -> Stats {
        let views: Vec<_> = self.shards().iter().map(|s| s.view()).collect();
        Stats {
            documents: views.iter().map(|v| v.searcher.num_docs()).sum(),
            segments: views.iter().map(|v| v.segments.len() as u64).sum(),
            bytes: self.bytes_on_disk(),
            seq: self.seq(),
        }
    }

    fn bytes_on_disk(&self) -> u64 {
        let files = std::fs::read_dir(self.inner.sealed.path_on_disk()).into_iter().flatten().flatten();
        files.filter_map(|f| f.metadata().ok()).map(|m| m.len()).sum()
    }

    /// Reads what the last commit in `dir` consists of, which opening would silently make again, and gives what is
    /// damaged, one line each. What an interrupted writer left beside it does not count.
    pub fn check(dir: &std::path::Path, key: SubKey) -> Result<Vec<String>, SearchError> {
        let sealed = SealedDir::new(dir, key, 0).map_err(std::io::Error::from)?;
        let objects = match State::named(&sealed) {
            Ok(objects) => objects,
            Err(error) => return Ok(vec![error.to_string()]),
        };
        let mut faults = Vec::new();
        for object in objects {
            let directory = SealedDirectory::new(&sealed, &format!("o{object}-"));
            match shard::files(&directory) {
                Ok(names) => {
                    faults.extend(names.iter().filter_map(|n| directory.verify(n).err()).map(|e| e.to_string()))
                }
                Err(error) => faults.push(error.to_string()),
            }
        }
        Ok(faults)
    }

    /// Reads and authenticates every file; returns the bytes checked.
    pub fn verify(&self) -> Result<u64, SearchError> {
        for shard in self.shards() {
            shard.complete()?;
        }
        let mut bytes = 0;
        for name in self.inner.sealed.list().map_err(std::io::Error::from)? {
            match self.inner.sealed.verify(&name) {
                Err(e) if e.is_not_found() => {}
                checked => bytes += checked.map_err(std::io::Error::from)?,
            }
        }
        Ok(bytes)
    }

    fn shards(&self) -> Vec<Arc<Shard>> {
        self.inner.shards.read().values().cloned().collect()
    }

    fn shard(&self, object: ObjectCode) -> Option<Arc<Shard>> {
        self.inner.shards.read().get(&object).cloned()
    }

    fn shard_or_new(&self, object: ObjectCode) -> Result<Arc<Shard>, SearchError> {
        if let Some(shard) = self.shard(object) {
            return Ok(shard);
        }
        let shard = Arc::new(self.open_shard(object)?);
        self.inner.shards.write().insert(object, shard.clone());
        Ok(shard)
    }

    fn view(&self, object: ObjectCode) -> Option<Arc<View>> {
        self.shard(object).map(|s| s.view())
    }

    /// What the filters leave of each segment.
    fn filtered(&self, view: &View, pred: &Pred, rights: &Pred) -> Result<Vec<Bits>, SearchError> {
        let both = Pred::And(vec![pred.clone(), rights.clone()]);
        let plan = Plan::new(&both, &|object| self.view(object))?;
        let one = |segment: &crate::columns::Segment| {
            let mut bits = plan.run(segment)?;
            if let Some(alive) = &segment.alive {
                bits.and(alive);
            }
            Ok(bits)
        };
        view.segments.iter().map(one).collect()
    }

    pub fn list(&self, q: &ListQuery) -> Result<Page, SearchError> {
        let hash = hash_of(q.object.0, &q.pred, q.text.as_deref(), &q.sort);
        let after = q.cursor.as_deref().map(|c| Cursor::parse(c, hash)).transpose()?;
        let seq = self.seq();
        let Some(view) = self.view(q.object) else {
            return Ok(Page { ids: vec![], next: None, total: Total { count: 0, exact: true }, seq });
        };
        let mut docs = self.filtered(&view, &q.pred, &q.rights)?;
        let sought = q.text.as_deref().and_then(Sought::parse);
        if let (Some(sought), true) = (&sought, q.sort.is_empty()) {
            let tolerance = after.as_ref().map(|c| c.tolerance);
            let skipped = usize::try_from(q.offset).unwrap_or(usize::MAX);
            let wanted = q.limit.saturating_add(skipped);
            let found = Ranked::search(&[(q.object, view, docs)], sought, after.as_ref(), tolerance, wanted)?;
            let next = found.next(hash);
            return Ok(Page {
                ids: found.rows.iter().skip(skipped).map(|(_, r)| Id::from_u128(r.id)).collect(),
                next,
                total: found.total,
                seq,
            });
        }
        let mut tolerance = 0;
        if let Some(sought) = &sought {
            tolerance = narrow(&view, sought, &mut docs, after.as_ref().map(|c| c.tolerance))?;
        }
        let total = Total { count: docs.iter().map(Bits::count).sum(), exact: true };
        let order = Order::new(&q.sort, &|object| self.view(object))?;
        let start = after.as_ref().map(|c| (c.places.as_slice(), c.id));
        let wanted = q.limit.saturating_add(1);
        let mut rows = match q.offset {
            0 => order.first(&view.segments, &docs, start, wanted)?,
            skip => order.after_skipping(&view.segments, &docs, skip, wanted)?,
        };
        let more = rows.len() > q.limit;
        rows.truncate(q.limit);
        let last = rows.last().filter(|_| more);
        let next = last.map(|row| Cursor { query: hash, tolerance, places: row.places.clone(), id: row.id }.text());
        Ok(Page { ids: rows.iter().map(|r| Id::from_u128(r.id)).collect(), next, total, seq })
    }

    /// Groups and their figures; one group with an empty key when `group_by` is empty.
    pub fn aggregate(&self, q: &AggregateQuery) -> Result<Vec<Group>, SearchError> {
        let mut aggregation = Aggregation::new(q, &|object| self.view(object))?;
        if let Some(view) = self.view(q.object) {
            let mut docs = self.filtered(&view, &q.pred, &q.rights)?;
            if let Some(sought) = q.text.as_deref().and_then(Sought::parse) {
                narrow(&view, &sought, &mut docs, None)?;
            }
            for (segment, docs) in view.segments.iter().zip(&docs) {
                aggregation.add(segment, docs)?;
            }
        }
        Ok(aggregation.finish())
    }

    /// Full text over several objects.
    pub fn text(&self, q: &TextQuery) -> Result<TextPage, SearchError> {
        let seq = self.seq();
        let hash = hash_of(0, &Pred::Const(true), Some(&q.text), &[]);
        let after = q.cursor.as_deref().map(|c| Cursor::parse(c, hash)).transpose()?;
        let Some(sought) = Sought::parse(&q.text) else {
            return Ok(TextPage { hits: vec![], next: None, total: Total { count: 0, exact: true }, seq });
        };
        let mut places = Vec::new();
        for (object, rights) in &q.objects {
            if let Some(view) = self.view(*object) {
                let docs = self.filtered(&view, &Pred::Const(true), rights)?;
                places.push((*object, view, docs));
            }
        }
        let tolerance = after.as_ref().map(|c| c.tolerance);
        let found = Ranked::search(&places, &sought, after.as_ref(), tolerance, q.limit)?;
        let hit =
            |(object, row): &(ObjectCode, Row)| Hit { object: *object, id: Id::from_u128(row.id), score: row.score };
        Ok(TextPage { hits: found.rows.iter().map(hit).collect(), next: found.next(hash), total: found.total, seq })
    }
}

/// Leaves of `docs` what matches the words, as tolerantly as needed or as asked. Returns how tolerant that was.
fn narrow(view: &View, sought: &Sought, docs: &mut Vec<Bits>, asked: Option<u8>) -> Result<u8, SearchError> {
    let mut tolerance = asked.unwrap_or(0);
    loop {
        let search = Search::new(view, sought, tolerance)?;
        let found: Vec<Bits> =
            docs.iter().enumerate().map(|(at, docs)| search.matching(at, docs)).collect::<Result<_, _>>()?;
        let count: u64 = found.iter().map(Bits::count).sum();
        // In any other order than the best match first, near misses would be mixed with what was meant.
        if asked.is_some() || count > 0 || !sought.tolerates_more(tolerance) {
            *docs = found;
            return Ok(tolerance);
        }
        tolerance += 1;
    }
}

/// The best matches, best first.
struct Ranked {
    rows: Vec<(ObjectCode, Row)>,
    more: bool,
    total: Total,
    tolerance: u8,
}

impl Ranked {
    fn search(
        places: &[(ObjectCode, Arc<View>, Vec<Bits>)],
        sought: &Sought,
        after: Option<&Cursor>,
        asked: Option<u8>,
        limit: usize,
    ) -> Result<Ranked, SearchError> {
        let mut tolerance = asked.unwrap_or(0);
        loop {
            let ranked = Ranked::at(places, sought, after, tolerance, limit)?;
            if asked.is_some() || ranked.total.count >= FEW || !sought.tolerates_more(tolerance) {
                return Ok(ranked);
            }
            tolerance += 1;
        }
    }

    fn at(
        places: &[(ObjectCode, Arc<View>, Vec<Bits>)],
        sought: &Sought,
        after: Option<&Cursor>,
        tolerance: u8,
        limit: usize,
    ) -> Result<Ranked, SearchError> {
        let start = after.map(|c| match c.places.as_slice() {
            [Place::Number(n)] => Ok((*n, !c.id)),
            _ => Err(SearchError::BadCursor),
        });
        let start = start.transpose()?;
        let mut best: Vec<(u64, u128, ObjectCode)> = Vec::new();
        let (mut count, mut worst) = (0, u64::MAX);
        for (object, view, docs) in places {
            let search = Search::new(view, sought, tolerance)?;
            for (at, (segment, docs)) in view.segments.iter().zip(docs).enumerate() {
                let ids = segment.ids()?;
                search.scored(at, docs, |doc, score| {
                    count += 1;
                    let rank = u64::from(!score.to_bits());
                    if rank > worst {
                        return;
                    }
                    let row = (rank, !ids.get(doc), *object);
                    if start.is_none_or(|s| (row.0, row.1) > s) {
                        best.push(row);
                    }
                    if best.len() > limit.saturating_mul(4).saturating_add(1_000) {
                        best.select_nth_unstable(limit);
                        best.truncate(limit + 1);
                        worst = best[limit].0;
                    }
                })?;
            }
        }
        best.sort_unstable();
        let more = best.len() > limit;
        best.truncate(limit);
        let row = |(rank, id, object): (u64, u128, ObjectCode)| {
            let score = f32::from_bits(!(rank as u32));
            (object, Row { places: vec![Place::Number(rank)], id: !id, score })
        };
        let rows = best.into_iter().map(row).collect();
        Ok(Ranked { rows, more, total: Total { count, exact: true }, tolerance })
    }

    fn next(&self, query: u64) -> Option<String> {
        let (_, row) = self.rows.last().filter(|_| self.more)?;
        Some(Cursor { query, tolerance: self.tolerance, places: row.places.clone(), id: row.id }.text())
    }
}
