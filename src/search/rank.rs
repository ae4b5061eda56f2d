//! The first rows of an order: sort values, then id.
//!
//! Within a segment rows compare by integers (ordinals for text); the best of each segment then compare by what the
//! integers stand for.

use std::cmp::Ordering;

use aplomb_model::query::SortKey;
use aplomb_model::schema::system;

use crate::bits::Bits;
use crate::columns::{Col, Ids, Segment};
use crate::cursor::Place;
use crate::error::SearchError;
use crate::filter::Views;
use crate::join::{Source, Values};

/// Most fields to sort by.
pub(crate) const MAX_KEYS: usize = 4;

/// An order of rows.
pub(crate) struct Order {
    pub keys: Vec<Key>,
    /// ids descending
    pub newest: bool,
}

pub(crate) struct Key {
    pub source: Source,
    pub descending: bool,
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
    pub fn new(sort: &[SortKey], views: Views) -> Result<Order, SearchError> {
        if sort.len() > MAX_KEYS {
            return Err(SearchError::BadQuery("sorted by too many fields"));
        }
        let newest = sort.last().is_none_or(|k| k.descending);
        let until_id = sort.iter().position(|k| k.path.field == system::ID && k.path.steps.is_empty());
        let newest = until_id.map_or(newest, |at| sort[at].descending);
        let keys = sort[..until_id.unwrap_or(sort.len())].iter().map(|k| {
            let source = Source::new(&k.path, views)?;
            Ok::<_, SearchError>(Key { source, descending: k.descending })
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
        if self.keys.iter().any(|k| k.source.text) {
            return self.merged(&parts, limit);
        }
        let mut top = Top::new(limit);
        for part in &parts {
            if !top.is_beyond(&part.best.0, || part.best.1) {
                self.gather(part, &mut top);
            }
        }
        self.rows(&parts, top)
    }

    /// Ordinals of different segments do not compare: what they stand for does, and is looked up of those rows alone whose
    /// turn may come next.
    fn merged(&self, parts: &[Part], limit: usize) -> Result<Vec<Row>, SearchError> {
        let mut queues = Vec::with_capacity(parts.len());
        for part in parts {
            let mut top = Top::new(limit);
            self.gather(part, &mut top);
            let mut waiting = top.finish().into_iter();
            let head = waiting.next().map(|c| self.row(&part.columns, c.doc, &part.ids)).transpose()?;
            queues.extend(head.map(|head| (head, waiting, part)));
        }
        let mut rows = Vec::new();
        while rows.len() < limit {
            let next = queues.iter().enumerate().min_by(|(_, a), (_, b)| self.compare(&a.0, &b.0));
            let Some(at) = next.map(|(at, _)| at) else { break };
            let (_, waiting, part) = &mut queues[at];
            match waiting.next() {
                Some(c) => {
                    let row = self.row(&part.columns, c.doc, &part.ids)?;
                    rows.push(std::mem::replace(&mut queues[at].0, row));
                }
                None => rows.push(queues.swap_remove(at).0),
            }
        }
        Ok(rows)
    }

    /// Offers the documents of a segment. What was added last is looked at first when it is likely to come first.
    fn gather(&self, part: &Part, top: &mut Top) {
        let (mut firsts, mut ranks) = (Vec::new(), vec![Vec::new(); part.columns.len()]);
        let back = self.keys.first().map_or(self.newest, |k| k.descending);
        part.docs.blocks(back, |block| {
            for ((key, col), ranks) in self.keys.iter().zip(&part.columns).zip(&mut ranks) {
                key.ranks(col, block, &mut firsts, ranks);
            }
            for (at, doc) in block.iter().enumerate() {
                let mut candidate = Candidate { ranks: [0; MAX_KEYS], id: 0, segment: part.segment, doc: *doc };
                candidate.ranks.iter_mut().zip(&ranks).for_each(|(to, from)| *to = from[at]);
                let passed = part.after.is_some_and(|(ranks, _)| candidate.ranks < ranks);
                if passed || top.is_beyond(&candidate.ranks, || self.high_key(part.ids.high(*doc))) {
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

    pub fn row(&self, columns: &[Values], doc: u32, ids: &Ids) -> Result<Row, SearchError> {
        let mut first = Vec::new();
        let place = |values: &Values| {
            values.firsts(&[doc], &mut first);
            first[0].map_or(Ok(Place::Missing), |value| values.place(value))
        };
        Ok(Row { places: columns.iter().map(place).collect::<Result<_, _>>()?, id: ids.get(doc), score: 0.0 })
    }

    /// Where a row of any segment would stand in this one.
    fn place(&self, columns: &[Values], places: &[Place], id: u128) -> Result<([u64; MAX_KEYS], u128), SearchError> {
        if places.len() != self.keys.len() {
            return Err(SearchError::BadCursor);
        }
        let mut ranks = [0; MAX_KEYS];
        for (at, ((key, col), place)) in self.keys.iter().zip(columns).zip(places).enumerate() {
            ranks[at] = match (place, col) {
                (Place::Missing, _) => u64::MAX,
                (Place::Number(n), _) if !key.source.text => key.rank(*n),
                // Here every row lacks a value and comes after one that has any.
                (Place::Text(_), Values::None) if key.source.text => 0,
                (Place::Text(text), values) if key.source.text => key.rank(values.between(text)?),
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
    columns: Vec<Values>,
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
        let columns = order.keys.iter().map(|k| k.source.open(segment)).collect::<Result<Vec<_>, _>>()?;
        let ids = segment.ids()?;
        let after = after.map(|(places, id)| order.place(&columns, places, id)).transpose()?;
        let mut ranks = [0; MAX_KEYS];
        let mut half = 0;
        match (order.keys.first(), columns.first()) {
            (Some(_), Some(Values::None)) => ranks[0] = u64::MAX,
            (Some(key), Some(Values::Own(col))) if !key.source.text => {
                ranks[0] = key.rank(extreme(col, key.descending))
            }
            (None, _) => half = order.high_key(extreme(&ids.high, order.newest)),
            _ => {}
        }
        Ok(Part { segment: at, docs, columns, ids, after, best: (ranks, half) })
    }
}

fn extreme(col: &Col, most: bool) -> u64 {
    if most { col.values.max_value() } else { col.values.min_value() }
}

impl Key {
    fn turned(&self, order: Ordering) -> Ordering {
        if self.descending { order.reverse() } else { order }
    }

    /// The largest integer is kept for missing values.
    pub fn rank(&self, value: u64) -> u64 {
        (if self.descending { !value } else { value }).min(u64::MAX - 1)
    }

    /// Of the first value of each document: twice the ordinal of a text plus two.
    pub fn ranks(&self, values: &Values, docs: &[u32], firsts: &mut Vec<Option<u64>>, out: &mut Vec<u64>) {
        values.firsts(docs, firsts);
        let spread = |v: u64| if self.source.text { 2 * v + 2 } else { v };
        out.clear();
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
