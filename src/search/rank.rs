//! The first rows of an order: sort values, then id.
//!
//! Within a segment rows compare by integers (ordinals for text); the best of each segment then compare by what the
//! integers stand for.

use std::cmp::Ordering;
use std::sync::Arc;

use aplomb_model::query::{Kind, SortKey};
use aplomb_model::schema::system;

use crate::bits::Bits;
use crate::columns::{Col, Ids, Segment};
use crate::cursor::Place;
use crate::error::SearchError;
use crate::layout::{self, is_text};

/// Most fields to sort by.
pub(crate) const MAX_KEYS: usize = 4;

/// An order of rows.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    keys: Vec<Key>,
    /// ids descending
    newest: bool,
}

#[derive(Debug, Clone)]
struct Key {
    column: String,
    text: bool,
    descending: bool,
}

/// A row as it compares with others.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub places: Vec<Place>,
    pub id: u128,
    pub score: f32,
}

/// A row of one segment. `ranks` ascend in the wanted order, and `id` does as well.
#[derive(Clone, Copy)]
struct Candidate {
    ranks: [u64; MAX_KEYS],
    id: u128,
    segment: usize,
    doc: u32,
}

impl Candidate {
    fn key(&self) -> ([u64; MAX_KEYS], u128) {
        (self.ranks, self.id)
    }
}

impl Order {
    /// Without keys: newest first. A sort by id leaves nothing to tie-break.
    pub fn new(sort: &[SortKey]) -> Result<Order, SearchError> {
        if sort.len() > MAX_KEYS {
            return Err(SearchError::BadQuery("sorted by too many fields"));
        }
        let newest = sort.last().is_none_or(|k| k.descending);
        let until_id = sort.iter().position(|k| k.path.field == system::ID);
        let newest = until_id.map_or(newest, |at| sort[at].descending);
        let keys = sort[..until_id.unwrap_or(sort.len())].iter().map(|k| {
            if !k.path.steps.is_empty() || k.path.kind == Kind::Opaque {
                return Err(SearchError::BadQuery("cannot be sorted by"));
            }
            let column = layout::column(k.path.field, k.path.part);
            Ok(Key { column, text: is_text(k.path.kind), descending: k.descending })
        });
        Ok(Order { keys: keys.collect::<Result<_, _>>()?, newest })
    }

    pub fn compare(&self, a: &Row, b: &Row) -> Ordering {
        for ((key, a), b) in self.keys.iter().zip(&a.places).zip(&b.places) {
            let order = match (a, b) {
                (Place::Missing, Place::Missing) => Ordering::Equal,
                (Place::Missing, _) => Ordering::Greater,
                (_, Place::Missing) => Ordering::Less,
                (Place::Number(a), Place::Number(b)) => key.turned(a.cmp(b)),
                (Place::Text(a), Place::Text(b)) => key.turned(a.cmp(b)),
                _ => Ordering::Equal,
            };
            if order.is_ne() {
                return order;
            }
        }
        self.id_key(a.id).cmp(&self.id_key(b.id))
    }

    fn id_key(&self, id: u128) -> u128 {
        if self.newest { !id } else { id }
    }

    /// The first `limit` of the documents (by segment) that come after a row, in order.
    pub fn first(
        &self,
        segments: &[Segment],
        docs: &[Bits],
        after: Option<(&[Place], u128)>,
        limit: usize,
    ) -> Result<Vec<Row>, SearchError> {
        if limit == 0 {
            return Ok(vec![]);
        }
        let mut parts = Vec::new();
        for (at, (segment, docs)) in segments.iter().zip(docs).enumerate().filter(|(_, (_, d))| !d.is_empty()) {
            parts.push(Part::new(self, at, segment, docs, after)?);
        }
        parts.sort_by_key(|p| p.best);
        let mut rows = Vec::new();
        if self.keys.iter().any(|k| k.text) {
            // Ordinals of different segments do not compare.
            for part in &parts {
                let mut top = Top::new(limit);
                self.gather(part, &mut top);
                rows.extend(self.rows(&parts, top)?);
            }
            rows.sort_by(|a, b| self.compare(a, b));
            rows.truncate(limit);
            return Ok(rows);
        }
        let mut top = Top::new(limit);
        for part in &parts {
            if !top.is_beyond(&part.best.0, || part.best.1) {
                self.gather(part, &mut top);
            }
        }
        self.rows(&parts, top)
    }

    /// Offers the documents of a segment. What was added last is looked at first when it is likely to come first.
    fn gather(&self, part: &Part, top: &mut Top) {
        let (mut firsts, mut ranks) = (Vec::new(), vec![Vec::new(); part.columns.len()]);
        let back = self.keys.first().map_or(self.newest, |k| k.descending);
        part.docs.blocks(back, |block| {
            for ((key, col), ranks) in self.keys.iter().zip(&part.columns).zip(&mut ranks) {
                key.ranks(col.as_deref(), block, &mut firsts, ranks);
            }
            for (at, doc) in block.iter().enumerate() {
                let mut candidate = Candidate { ranks: [0; MAX_KEYS], id: 0, segment: part.segment, doc: *doc };
                candidate.ranks.iter_mut().zip(&ranks).for_each(|(to, from)| *to = from[at]);
                if top.is_beyond(&candidate.ranks, || self.high_key(part.ids.high(*doc))) {
                    continue;
                }
                candidate.id = self.id_key(part.ids.get(*doc));
                if part.after.is_none_or(|a| candidate.key() > a) {
                    top.push(candidate);
                }
            }
        });
    }

    fn high_key(&self, high: u64) -> u64 {
        if self.newest { !high } else { high }
    }

    fn rows(&self, parts: &[Part], top: Top) -> Result<Vec<Row>, SearchError> {
        let row = |c: Candidate| {
            let part = parts.iter().find(|p| p.segment == c.segment).ok_or(SearchError::BadQuery("no such segment"))?;
            self.row(&part.columns, c.doc, &part.ids)
        };
        top.finish().into_iter().map(row).collect()
    }

    fn row(&self, columns: &[Option<Arc<Col>>], doc: u32, ids: &Ids) -> Result<Row, SearchError> {
        let place = |col: &Option<Arc<Col>>| {
            let Some((col, value)) = col.as_ref().and_then(|c| Some((c, c.values.first(doc)?))) else {
                return Ok(Place::Missing);
            };
            Ok::<_, SearchError>(match col.text {
                Some(_) => Place::Text(col.text_of(value)?),
                None => Place::Number(value),
            })
        };
        Ok(Row { places: columns.iter().map(place).collect::<Result<_, _>>()?, id: ids.get(doc), score: 0.0 })
    }

    /// Where a row of any segment would stand in this one.
    fn place(
        &self,
        columns: &[Option<Arc<Col>>],
        places: &[Place],
        id: u128,
    ) -> Result<([u64; MAX_KEYS], u128), SearchError> {
        if places.len() != self.keys.len() {
            return Err(SearchError::BadCursor);
        }
        let mut ranks = [0; MAX_KEYS];
        for (at, ((key, col), place)) in self.keys.iter().zip(columns).zip(places).enumerate() {
            ranks[at] = match (place, col) {
                (Place::Missing, _) => u64::MAX,
                (Place::Number(n), _) if !key.text => key.rank(*n),
                (Place::Text(text), Some(col)) if key.text => key.rank(ordinal(col, text)?),
                // Here every row lacks a value and comes after one that has any.
                (Place::Text(_), None) if key.text => 0,
                _ => return Err(SearchError::BadCursor),
            };
        }
        Ok((ranks, self.id_key(id)))
    }
}

/// One segment's documents to be ordered.
struct Part<'a> {
    segment: usize,
    docs: &'a Bits,
    columns: Vec<Option<Arc<Col>>>,
    ids: Ids,
    after: Option<([u64; MAX_KEYS], u128)>,
    /// no document of the segment comes before this: the first rank and half an id
    best: ([u64; MAX_KEYS], u64),
}

impl<'a> Part<'a> {
    fn new(
        order: &Order,
        at: usize,
        segment: &Segment,
        docs: &'a Bits,
        after: Option<(&[Place], u128)>,
    ) -> Result<Part<'a>, SearchError> {
        let columns = order.keys.iter().map(|k| segment.column(&k.column, k.text)).collect::<Result<Vec<_>, _>>()?;
        let ids = segment.ids()?;
        let after = after.map(|(places, id)| order.place(&columns, places, id)).transpose()?;
        let mut ranks = [0; MAX_KEYS];
        let mut half = 0;
        match (order.keys.first(), columns.first()) {
            (Some(_), Some(None)) => ranks[0] = u64::MAX,
            (Some(key), Some(Some(col))) if !key.text => ranks[0] = key.rank(extreme(col, key.descending)),
            (None, _) => half = order.high_key(extreme(&ids.high, order.newest)),
            _ => {}
        }
        Ok(Part { segment: at, docs, columns, ids, after, best: (ranks, half) })
    }
}

fn extreme(col: &Col, most: bool) -> u64 {
    if most { col.values.max_value() } else { col.values.min_value() }
}

/// Twice the ordinal plus two, or an odd number between two ordinals. Never 0, whose reverse is for missing values.
fn ordinal(col: &Col, text: &str) -> Result<u64, SearchError> {
    use std::ops::Bound::{Excluded, Included};
    let Some(column) = &col.text else { return Ok(0) };
    let terms = column.num_terms() as u64;
    let bounds = column.dictionary().term_bounds_to_ord(Included(text.as_bytes()), Included(text.as_bytes()))?;
    Ok(match bounds.1 {
        Included(ord) => 2 * ord + 2,
        Excluded(ord) => 2 * ord.min(terms) + 1,
        std::ops::Bound::Unbounded => 2 * terms + 1,
    })
}

impl Key {
    fn turned(&self, order: Ordering) -> Ordering {
        if self.descending { order.reverse() } else { order }
    }

    /// The largest integer is kept for missing values.
    fn rank(&self, value: u64) -> u64 {
        (if self.descending { !value } else { value }).min(u64::MAX - 1)
    }

    fn ranks(&self, col: Option<&Col>, docs: &[u32], firsts: &mut Vec<Option<u64>>, out: &mut Vec<u64>) {
        out.clear();
        let Some(col) = col else {
            out.resize(docs.len(), u64::MAX);
            return;
        };
        col.firsts(docs, firsts);
        let spread = |v: u64| if self.text { 2 * v + 2 } else { v };
        out.extend(firsts.iter().map(|v| v.map_or(u64::MAX, |v| self.rank(spread(v)))));
    }
}

/// The least `limit` candidates.
struct Top {
    limit: usize,
    held: Vec<Candidate>,
    /// nothing greater is among the first
    worst: Option<([u64; MAX_KEYS], u128)>,
}

impl Top {
    fn new(limit: usize) -> Top {
        Top { limit, held: Vec::with_capacity((limit * 2).clamp(64, 4096)), worst: None }
    }

    fn is_beyond(&self, ranks: &[u64; MAX_KEYS], high: impl Fn() -> u64) -> bool {
        let Some((worst, id)) = &self.worst else { return false };
        match ranks.cmp(worst) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => high() > (id >> 64) as u64,
        }
    }

    fn push(&mut self, candidate: Candidate) {
        if self.worst.is_some_and(|w| candidate.key() > w) {
            return;
        }
        self.held.push(candidate);
        if self.held.len() >= (self.limit * 2).max(64) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.held.len() > self.limit {
            self.held.select_nth_unstable_by_key(self.limit - 1, Candidate::key);
            self.held.truncate(self.limit);
            self.worst = self.held.last().map(Candidate::key);
        }
    }

    fn finish(mut self) -> Vec<Candidate> {
        self.cut();
        self.held.sort_unstable_by_key(Candidate::key);
        self.held
    }
}
