//! Rows from anywhere in an order, without walking there. The values at both ends of what is wanted are selected key by
//! key, and only rows between them are looked at further. Takes 12 bytes of memory for each row that the filter leaves,
//! and time in proportion to their number; nothing is kept.

use crate::bits::Bits;
use crate::columns::{Ids, Segment};
use crate::error::SearchError;
use crate::join::Values;
use crate::rank::{Key, Order, Row};

/// Rows whose values are read at a time.
const BLOCK: usize = 1024;
/// Parts that a range of values is divided into, as a power of two.
const PART_BITS: u32 = 16;

/// One segment with documents to be ordered.
struct Part {
    columns: Vec<Values>,
    ids: Ids,
}

/// The rows in question, by part.
type Rows = Vec<Vec<u32>>;
/// Integers that ascend in the wanted order; those of texts compare only within their part.
type Ranks = Vec<Vec<u64>>;

impl Order {
    /// At most `limit` rows after the first `skip`, in order.
    pub fn after_skipping(
        &self,
        segments: &[Segment],
        docs: &[Bits],
        skip: u64,
        limit: usize,
    ) -> Result<Vec<Row>, SearchError> {
        let (mut parts, mut rows) = (Vec::new(), Rows::new());
        for (segment, docs) in segments.iter().zip(docs).filter(|(_, d)| !d.is_empty()) {
            let columns = self.keys.iter().map(|k| k.source.open(segment)).collect::<Result<_, _>>()?;
            parts.push(Part { columns, ids: segment.ids()? });
            let mut all = Vec::with_capacity(docs.count() as usize);
            docs.blocks(false, |block| all.extend_from_slice(block));
            rows.push(all);
        }
        let mut jump = Jump { order: self, parts, found: Vec::new() };
        jump.select(0, rows, skip, skip.saturating_add(limit as u64))?;
        let row = |(part, doc): &(usize, u32)| self.row(&jump.parts[*part].columns, *doc, &jump.parts[*part].ids);
        let mut found = jump.found.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        found.sort_by(|a, b| self.compare(a, b));
        Ok(found)
    }
}

struct Jump<'a> {
    order: &'a Order,
    parts: Vec<Part>,
    /// part and document, in any order
    found: Vec<(usize, u32)>,
}

impl Jump<'_> {
    /// Finds the rows `from..to` in the order of the keys from `level` on; `rows` are equal in those before.
    fn select(&mut self, level: usize, rows: Rows, from: u64, to: u64) -> Result<(), SearchError> {
        let count: u64 = rows.iter().map(|r| r.len() as u64).sum();
        let to = to.min(count);
        if from >= to {
            return Ok(());
        }
        // The halves of the id come after the keys, and no two rows share an id.
        if (from == 0 && to == count) || level == self.order.keys.len() + 2 {
            let all = rows.iter().enumerate().flat_map(|(part, docs)| docs.iter().map(move |doc| (part, *doc)));
            self.found.extend(all.skip(from as usize).take((to - from) as usize));
            return Ok(());
        }
        let ranks: Ranks = rows.iter().enumerate().map(|(part, docs)| self.ranks(level, part, docs)).collect();
        let (first, last) = self.ends(level, &ranks, from, to - 1)?;
        let Split { before, firsts, between, lasts } = split(&rows, &ranks, &first, &last);
        drop((rows, ranks));
        let counted = |rows: &Rows| rows.iter().map(|r| r.len() as u64).sum::<u64>();
        let (of_first, of_between) = (counted(&firsts), counted(&between));
        self.select(level + 1, firsts, from - before, (to - before).min(of_first))?;
        self.select(level + 1, between, 0, of_between)?;
        self.select(level + 1, lasts, 0, (to - before).saturating_sub(of_first + of_between))
    }

    fn ranks(&self, level: usize, part: usize, docs: &[u32]) -> Vec<u64> {
        let part = &self.parts[part];
        let (mut firsts, mut block, mut out) = (Vec::new(), Vec::new(), Vec::with_capacity(docs.len()));
        for docs in docs.chunks(BLOCK) {
            if let Some(key) = self.order.keys.get(level) {
                key.ranks(&part.columns[level], docs, &mut firsts, &mut block);
                out.extend_from_slice(&block);
            } else {
                let half = if level == self.order.keys.len() { &part.ids.high } else { &part.ids.low };
                half.firsts(docs, &mut firsts);
                let turned = |n: u64| if self.order.newest { !n } else { n };
                out.extend(firsts.iter().map(|n| turned(n.unwrap_or_default())));
            }
        }
        out
    }

    /// The ranks at two positions, for each part.
    fn ends(&self, level: usize, ranks: &Ranks, from: u64, last: u64) -> Result<(Vec<u64>, Vec<u64>), SearchError> {
        let dictionaries = self.order.keys.get(level).filter(|key| key.source.text);
        let dictionaries = dictionaries.filter(|_| self.parts.iter().any(|p| p.columns[level].own().is_some()));
        if let Some(key) = dictionaries {
            let texts = Texts::new(key, self.parts.iter().map(|p| &p.columns[level]).collect(), ranks);
            return Ok((texts.at(from)?, texts.at(last)?));
        }
        let (first, last) = values_at(ranks, from, last);
        Ok((vec![first; ranks.len()], vec![last; ranks.len()]))
    }
}

/// Rows before two ranks, at the first, between them and at the last.
struct Split {
    before: u64,
    firsts: Rows,
    between: Rows,
    /// none when both ranks are the same
    lasts: Rows,
}

fn split(rows: &Rows, ranks: &Ranks, first: &[u64], last: &[u64]) -> Split {
    let empty = || vec![Vec::new(); rows.len()];
    let mut split = Split { before: 0, firsts: empty(), between: empty(), lasts: empty() };
    for (part, (docs, ranks)) in rows.iter().zip(ranks).enumerate() {
        let (first, last) = (first[part], last[part]);
        for (doc, rank) in docs.iter().zip(ranks) {
            split.before += u64::from(*rank < first);
            if *rank < first || *rank > last {
                continue;
            }
            let to = match *rank {
                rank if rank == first => &mut split.firsts,
                rank if rank < last => &mut split.between,
                _ => &mut split.lasts,
            };
            to[part].push(*doc);
        }
    }
    split
}

/// The values at two positions of all, the first of which is not after the second: by counting how many fall into each
/// part of the whole range, and looking for the two in their parts alone.
fn values_at(ranks: &Ranks, first: u64, last: u64) -> (u64, u64) {
    // Missing values lie so far from the others that they would widen every part.
    let each = |look: &mut dyn FnMut(&[u64])| ranks.iter().for_each(|ranks| look(ranks));
    let (mut low, mut high, mut present) = (u64::MAX, 0, 0u64);
    each(&mut |ranks| {
        for rank in ranks {
            let there = *rank != u64::MAX;
            low = low.min(*rank);
            high = high.max(if there { *rank } else { 0 });
            present += u64::from(there);
        }
    });
    if first >= present {
        return (u64::MAX, u64::MAX);
    }
    let shift = (64 - (high - low).leading_zeros()).saturating_sub(PART_BITS);
    let part = |rank: u64| ((rank - low) >> shift) as usize;
    let mut counts = vec![0u32; part(high) + 1];
    each(&mut |ranks| {
        for rank in ranks.iter().filter(|rank| **rank != u64::MAX) {
            counts[part(*rank)] += 1;
        }
    });
    // the part that a position is in, and how many come before it there
    let locate = |position: u64| {
        let mut rest = position;
        let at = counts.iter().position(|count| {
            let here = rest < u64::from(*count);
            rest -= if here { 0 } else { u64::from(*count) };
            here
        });
        (at.unwrap_or(counts.len() - 1), rest as usize)
    };
    let (of_first, of_last) = (locate(first), locate(last.min(present - 1)));
    let (mut firsts, mut lasts) = (Vec::new(), Vec::new());
    each(&mut |ranks| {
        for rank in ranks.iter().filter(|rank| **rank != u64::MAX) {
            match part(*rank) {
                at if at == of_first.0 => firsts.push(*rank),
                at if at == of_last.0 => lasts.push(*rank),
                _ => {}
            }
        }
    });
    let found = *firsts.select_nth_unstable(of_first.1).1;
    match last {
        last if last >= present => (found, u64::MAX),
        _ if of_first.0 == of_last.0 => (found, *firsts.select_nth_unstable(of_last.1).1),
        _ => (found, *lasts.select_nth_unstable(of_last.1).1),
    }
}

/// A text column of several segments, each with a dictionary of its own, and how many of the rows each entry has.
struct Texts<'a> {
    key: &'a Key,
    columns: Vec<&'a Values>,
    /// by part: rows before each entry, and the number of all at the end
    before: Vec<Vec<u32>>,
    /// rows with a text
    present: u64,
}

impl<'a> Texts<'a> {
    fn new(key: &'a Key, columns: Vec<&'a Values>, ranks: &Ranks) -> Texts<'a> {
        let mut before = Vec::with_capacity(columns.len());
        for (values, ranks) in columns.iter().zip(ranks) {
            let terms = values.own().and_then(|c| c.text.as_ref()).map_or(0, |t| t.num_terms());
            let mut counts = vec![0u32; terms + 1];
            for rank in ranks.iter().filter(|r| **r != u64::MAX) {
                let spread = if key.descending { !rank } else { *rank };
                if let Some(count) = counts.get_mut((spread / 2) as usize) {
                    // A spread is twice the ordinal plus two: this counts one place further on.
                    *count += 1;
                }
            }
            let mut sum = 0;
            counts.iter_mut().for_each(|c| {
                sum += *c;
                *c = sum;
            });
            before.push(counts);
        }
        let present = before.iter().filter_map(|b| b.last()).map(|n| u64::from(*n)).sum();
        Texts { key, columns, before, present }
    }

    /// The ranks of the text at a position of the order, by part.
    fn at(&self, position: u64) -> Result<Vec<u64>, SearchError> {
        if position >= self.present {
            return Ok(vec![u64::MAX; self.columns.len()]);
        }
        let k = if self.key.descending { self.present - 1 - position } else { position };
        // entries of each dictionary among which the text may be
        let mut low = vec![0usize; self.columns.len()];
        let mut high: Vec<usize> = self.before.iter().map(|b| b.len() - 1).collect();
        loop {
            let weight = |part: usize| self.before[part][high[part]] - self.before[part][low[part]];
            let Some(widest) = (0..self.columns.len()).max_by_key(|part| weight(*part)).filter(|p| weight(*p) > 0)
            else {
                return Err(SearchError::BadQuery("an order that changed while it was read"));
            };
            let middle = self.before[widest][low[widest]] + weight(widest) / 2;
            let entry = self.before[widest].partition_point(|n| *n <= middle).saturating_sub(1);
            let text = match self.columns[widest].own() {
                Some(col) => col.text_of(entry as u64)?,
                None => String::new(),
            };
            let places = self.columns.iter().map(|c| c.between(&text)).collect::<Result<Vec<_>, _>>()?;
            let (mut less, mut upto) = (0u64, 0u64);
            let mut bounds = Vec::with_capacity(places.len());
            for (before, place) in self.before.iter().zip(&places) {
                let (from, to) = entries(*place, before.len() - 1);
                less += u64::from(before[from]);
                upto += u64::from(before[to]);
                bounds.push((from, to));
            }
            if k < less {
                high.iter_mut().zip(&bounds).for_each(|(high, (from, _))| *high = (*high).min(*from));
            } else if k >= upto {
                low.iter_mut().zip(&bounds).for_each(|(low, (_, to))| *low = (*low).max(*to));
            } else {
                return Ok(places.into_iter().map(|place| self.key.rank(place)).collect());
            }
        }
    }
}

/// The entries that a place of [`Values::between`] stands for: none or one.
fn entries(place: u64, terms: usize) -> (usize, usize) {
    let at = |entry: u64| (entry as usize).min(terms);
    match place {
        0 => (0, 0),
        odd if odd % 2 == 1 => (at(odd / 2), at(odd / 2)),
        even => (at(even / 2 - 1), at(even / 2)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn selected_values_are_those_of_the_sorted_list(
            ranks in prop::collection::vec(
                prop::collection::vec(prop_oneof![0u64..40, any::<u64>(), Just(u64::MAX)], 0..200), 1..4)
        ) {
            let mut sorted: Vec<u64> = ranks.iter().flatten().copied().collect();
            sorted.sort_unstable();
            for (k, expect) in sorted.iter().enumerate() {
                for last in [k, (k + 3).min(sorted.len() - 1), sorted.len() - 1] {
                    prop_assert_eq!(values_at(&ranks, k as u64, last as u64), (*expect, sorted[last]));
                }
            }
        }
    }
}
