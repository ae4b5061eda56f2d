//! Columns of segments, opened once and kept while they are in use: opening one reads and decrypts it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tantivy::columnar::{Cardinality, Column, ColumnType, StrColumn};
use tantivy::index::SegmentId;
use tantivy::{SegmentReader, i64_to_u64, u64_to_i64};

use crate::bits::Bits;
use crate::error::SearchError;
use crate::filter::Ords;
use crate::join::{Join, Spans};

/// Documents scanned at a time: their values stay in the processor's cache.
pub(crate) const SCAN: u32 = 16 * 1024;

/// A column as unsigned integers that sort as the values do; for text they are ordinals of its dictionary.
pub(crate) struct Col {
    pub values: Column<u64>,
    pub text: Option<StrColumn>,
}

/// What is kept of all segments, up to a number of bytes.
pub(crate) struct Kept {
    limit: u64,
    state: Mutex<State>,
    segments: AtomicU64,
}

#[derive(Default)]
struct State {
    by_segment: HashMap<u64, HashMap<String, Entry>>,
    bytes: u64,
    clock: u64,
}

struct Entry {
    item: Item,
    bytes: u64,
    used: u64,
}

#[derive(Clone)]
enum Item {
    Col(Option<Arc<Col>>),
    Ords(Arc<Ords>),
    Join(Arc<Join>),
    Spans(Arc<Spans>),
}

/// What is kept belongs to: a segment, whatever documents of it are deleted, or a view.
pub(crate) struct Core {
    number: u64,
    kept: Arc<Kept>,
}

/// One segment as a view sees it.
#[derive(Clone)]
pub(crate) struct Segment {
    pub reader: SegmentReader,
    /// `None`: all
    pub alive: Option<Arc<Bits>>,
    core: Arc<Core>,
}

impl Kept {
    pub fn new(limit: u64) -> Arc<Kept> {
        Arc::new(Kept { limit, state: Mutex::default(), segments: AtomicU64::new(0) })
    }

    fn get(&self, segment: u64, name: &str) -> Option<Item> {
        let mut state = self.state.lock();
        state.clock += 1;
        let now = state.clock;
        let entry = state.by_segment.get_mut(&segment)?.get_mut(name)?;
        entry.used = now;
        Some(entry.item.clone())
    }

    fn put(&self, segment: u64, name: &str, item: Item, bytes: u64) {
        let mut state = self.state.lock();
        let bytes = bytes + 200;
        let used = state.clock;
        let old = state.by_segment.entry(segment).or_default().insert(name.to_owned(), Entry { item, bytes, used });
        state.bytes = state.bytes + bytes - old.map_or(0, |e| e.bytes);
        if state.bytes > self.limit {
            state.shrink(self.limit / 10 * 9);
        }
    }

    fn forget(&self, segment: u64) {
        let mut state = self.state.lock();
        if let Some(entries) = state.by_segment.remove(&segment) {
            state.bytes -= entries.values().map(|e| e.bytes).sum::<u64>();
        }
    }
}

impl State {
    /// Drops what was not used for longest.
    fn shrink(&mut self, limit: u64) {
        let entries = self.by_segment.iter().flat_map(|(s, m)| m.iter().map(|(n, e)| (e.used, *s, n.clone())));
        let mut by_age: Vec<(u64, u64, String)> = entries.collect();
        by_age.sort_unstable();
        for (_, segment, name) in by_age {
            if self.bytes <= limit {
                return;
            }
            if let Some(entry) = self.by_segment.get_mut(&segment).and_then(|m| m.remove(&name)) {
                self.bytes -= entry.bytes;
            }
        }
    }
}

impl Core {
    pub fn new(kept: &Arc<Kept>) -> Core {
        Core { number: kept.segments.fetch_add(1, Ordering::Relaxed), kept: kept.clone() }
    }

    /// Never given twice.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What the records of a view hold at the end of a path, as it was found before or is found now.
    pub fn join(&self, name: &str, find: impl FnOnce() -> Result<Join, SearchError>) -> Result<Arc<Join>, SearchError> {
        if let Some(Item::Join(join)) = self.kept.get(self.number, name) {
            return Ok(join);
        }
        let join = Arc::new(find()?);
        self.kept.put(self.number, name, Item::Join(join.clone()), join.bytes());
        Ok(join)
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.kept.forget(self.number);
    }
}

impl Segment {
    /// `before` is the same segment in the view that this one replaces.
    pub fn new(reader: &SegmentReader, before: Option<&Segment>, kept: &Arc<Kept>) -> Segment {
        let core = before.map(|b| b.core.clone()).unwrap_or_else(|| Arc::new(Core::new(kept)));
        let same = before.filter(|b| b.reader.num_docs() == reader.num_docs());
        let alive = match (reader.alive_bitset(), same) {
            (None, _) => None,
            (Some(_), Some(b)) => b.alive.clone(),
            (Some(set), None) => {
                let mut alive = Bits::none(reader.max_doc());
                set.iter_alive().for_each(|doc| alive.set(doc));
                Some(Arc::new(alive))
            }
        };
        Segment { reader: reader.clone(), alive, core }
    }

    pub fn id(&self) -> SegmentId {
        self.reader.segment_id()
    }

    pub fn len(&self) -> u32 {
        self.reader.max_doc()
    }

    /// `None` when no document of the segment has a value.
    pub fn column(&self, name: &str, text: bool) -> Result<Option<Arc<Col>>, SearchError> {
        if let Some(Item::Col(col)) = self.core.kept.get(self.core.number, name) {
            return Ok(col);
        }
        let fast = self.reader.fast_fields();
        let (col, bytes) = if text {
            let handle = fast.dynamic_column_handle(name, ColumnType::Str)?;
            let bytes = handle.as_ref().map_or(0, |h| h.num_bytes().get_bytes());
            let column = handle.map(|h| h.open()).transpose()?.and_then(Into::<Option<StrColumn>>::into);
            (column.map(|c| Col { values: c.ords().clone(), text: Some(c) }), bytes)
        } else {
            let mut found = None;
            for kind in [ColumnType::I64, ColumnType::U64] {
                if let (None, Some(handle)) = (&found, fast.dynamic_column_handle(name, kind)?) {
                    found = handle.open_u64_lenient()?.map(|c| (c, handle.num_bytes().get_bytes(), kind));
                }
            }
            let bytes = found.as_ref().map_or(0, |f| f.1);
            (found.map(|(values, _, _)| Col { values, text: None }), bytes)
        };
        let col = col.map(Arc::new);
        self.core.kept.put(self.core.number, name, Item::Col(col.clone()), bytes);
        Ok(col)
    }

    /// Ordinals that were looked for before, or are found now and remembered.
    pub fn ords(&self, name: &str, find: impl FnOnce() -> Result<Ords, SearchError>) -> Result<Arc<Ords>, SearchError> {
        if let Some(Item::Ords(ords)) = self.core.kept.get(self.core.number, name) {
            return Ok(ords);
        }
        let ords = Arc::new(find()?);
        self.core.kept.put(self.core.number, name, Item::Ords(ords.clone()), ords.bytes());
        Ok(ords)
    }

    /// Where a join has what the references of this segment lead to, as it was found before or is found now.
    pub fn spans(
        &self,
        name: &str,
        find: impl FnOnce() -> Result<Spans, SearchError>,
    ) -> Result<Arc<Spans>, SearchError> {
        if let Some(Item::Spans(spans)) = self.core.kept.get(self.core.number, name) {
            return Ok(spans);
        }
        let spans = Arc::new(find()?);
        let bytes = spans.len() as u64 * 8;
        self.core.kept.put(self.core.number, name, Item::Spans(spans.clone()), bytes);
        Ok(spans)
    }

    /// The two halves of the ids.
    pub fn ids(&self) -> Result<Ids, SearchError> {
        let half = |name| -> Result<Arc<Col>, SearchError> {
            self.column(name, false)?.ok_or(SearchError::BadQuery("a segment without ids"))
        };
        Ok(Ids { high: half("hi")?, low: half("lo")? })
    }
}

pub(crate) struct Ids {
    pub high: Arc<Col>,
    pub low: Arc<Col>,
}

impl Ids {
    pub fn high(&self, doc: u32) -> u64 {
        self.high.values.values.get_val(doc)
    }

    pub fn get(&self, doc: u32) -> u128 {
        u128::from(self.high(doc)) << 64 | u128::from(self.low.values.values.get_val(doc))
    }
}

impl Col {
    /// Documents with a value in one of the ranges: ascending, both ends included.
    pub fn in_ranges(&self, len: u32, ranges: &[(u64, u64)]) -> Bits {
        let mut bits = Bits::none(len);
        let (min, max) = (self.values.min_value(), self.values.max_value());
        if ranges.iter().any(|(from, to)| *from <= min && *to >= max) {
            return self.present(len);
        }
        if ranges.len() > 4 {
            let within = |value| {
                let at = ranges.partition_point(|(_, to)| *to < value);
                ranges.get(at).is_some_and(|(from, _)| *from <= value)
            };
            return self.passing(len, within);
        }
        let mut docs = Vec::new();
        for (from, to) in ranges.iter().filter(|(from, to)| *from <= max && *to >= min && from <= to) {
            for start in (0..len).step_by(SCAN as usize) {
                docs.clear();
                let end = len.min(start + SCAN);
                self.values.get_docids_for_value_range(*from..=*to, start..end, &mut docs);
                docs.iter().for_each(|doc| bits.set(*doc));
            }
        }
        bits
    }

    /// Documents with a value that passes.
    pub fn passing(&self, len: u32, passes: impl Fn(u64) -> bool) -> Bits {
        let mut bits = Bits::none(len);
        let (mut values, mut rows) = (Vec::new(), Vec::new());
        for start in (0..len).step_by(SCAN as usize) {
            let range = self.values.index.docid_range_to_rowids(start..len.min(start + SCAN));
            values.resize(range.len(), 0);
            self.values.values.get_range(u64::from(range.start), &mut values);
            rows.clear();
            let of = |(at, value): (usize, &u64)| passes(*value).then_some(range.start + at as u32);
            rows.extend(values.iter().enumerate().filter_map(of));
            self.values.index.select_batch_in_place(start, &mut rows);
            rows.iter().for_each(|doc| bits.set(*doc));
        }
        bits
    }

    /// Documents with a value.
    pub fn present(&self, len: u32) -> Bits {
        if self.values.index.get_cardinality().is_full() {
            return Bits::all(len);
        }
        let mut bits = Bits::none(len);
        let mut rows = Vec::new();
        for start in (0..len).step_by(SCAN as usize) {
            rows.clear();
            rows.extend(self.values.index.docid_range_to_rowids(start..len.min(start + SCAN)));
            self.values.index.select_batch_in_place(start, &mut rows);
            rows.iter().for_each(|doc| bits.set(*doc));
        }
        bits
    }

    /// The first value of each document.
    pub fn firsts(&self, docs: &[u32], out: &mut Vec<Option<u64>>) {
        out.clear();
        out.resize(docs.len(), None);
        let (Some(first), Some(last)) = (docs.first(), docs.last()) else { return };
        let neighbours = (last - first) as usize + 1 == docs.len();
        if neighbours && self.values.index.get_cardinality() == Cardinality::Optional {
            return self.firsts_of_neighbours(*first, *last + 1, out);
        }
        self.values.first_vals(docs, out);
    }

    /// Looks up which documents have a value rather than for each document whether it has one.
    fn firsts_of_neighbours(&self, start: u32, end: u32, out: &mut [Option<u64>]) {
        let range = self.values.index.docid_range_to_rowids(start..end);
        let mut rows: Vec<u32> = range.clone().collect();
        let mut values = vec![0; rows.len()];
        self.values.values.get_range(u64::from(range.start), &mut values);
        self.values.index.select_batch_in_place(start, &mut rows);
        for (doc, value) in rows.iter().zip(values) {
            out[(doc - start) as usize] = Some(value);
        }
    }

    /// The text of an ordinal.
    pub fn text_of(&self, ord: u64) -> Result<String, SearchError> {
        let mut text = String::new();
        if let Some(column) = &self.text {
            column.ord_to_str(ord, &mut text)?;
        }
        Ok(text)
    }
}

pub(crate) fn rank_of(n: i64) -> u64 {
    i64_to_u64(n)
}

pub(crate) fn number_of(rank: u64) -> i64 {
    u64_to_i64(rank)
}
