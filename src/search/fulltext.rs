//! Full text: every word of the query must occur, the last one also as a beginning; when that finds little, words
//! that differ by a letter or two count as well, those first that occur nowhere as they are. A query that is a
//! number also finds phones by their digits, whatever stands between or before them. Exact titles come first, then
//! titles that begin with the query, then BM25 by field weight, with a mild preference for what changed recently.

use std::ops::Bound;
use std::sync::Arc;

use aplomb_model::schema::system;
use aplomb_model::{Timestamp, fold};
use tantivy::Term;
use tantivy::query::{DfaWrapper, EnableScoring, FuzzyTermQuery, Query, Scorer, TermQuery, Weight};
use tantivy::schema::{Field, IndexRecordOption};

use crate::bits::Bits;
use crate::columns::{Col, Segment, number_of};
use crate::error::SearchError;
use crate::layout::{self, Fields, KEY_STARTS, STARTS, WEIGHTS};
use crate::postings::Terms;
use crate::shard::View;
use crate::tokens::{is_key, phone_digits, turned, words};

/// Most words of a query; more are ignored.
const MAX_WORDS: usize = 12;
/// How much tolerance there is to try.
pub(crate) const MAX_TOLERANCE: u8 = 2;
/// With fewer hits than this the next tolerance is tried.
pub(crate) const FEW: u64 = 3;

const EXACT_TITLE: f32 = 1000.0;
const TITLE_PREFIX: f32 = 200.0;
const PREFIX: f32 = 0.5;
const FUZZY: f32 = 0.15;
/// A word of so many records says little about any of them: it counts this much and is not weighed further.
const COMMON: f32 = 0.3;
const COMMON_PART: u32 = 8;
const KEY: f32 = 2.0;
const KEY_PREFIX: f32 = 1.0;
const PHONE: f32 = 3.0;
/// What being changed just now adds to a score; half of it after [`RECENT_DAYS`].
const RECENCY: f32 = 0.2;
const RECENT_DAYS: f32 = 30.0;

/// The words of a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sought {
    words: Vec<String>,
    /// the words as typed, folded only: a typo may look like an umlaut spelt out
    typed: Vec<String>,
    /// whole e-mail addresses, which their parts stand for
    wholes: Vec<String>,
    /// of a number, without what dials into a country or out of a town
    digits: Option<String>,
    /// folded, for titles
    line: String,
}

impl Sought {
    /// `None` when there is no word in it.
    pub fn parse(text: &str) -> Option<Sought> {
        let digits = phone_digits(text.trim()).map(|d| d.trim_start_matches('0').to_owned());
        let digits = digits.filter(|d| d.len() >= 5);
        let mut sought = Sought { words: vec![], typed: vec![], wholes: vec![], digits, line: fold(text.trim()) };
        for word in words(text) {
            let whole = word.text.contains('@');
            let list = if whole { &mut sought.wholes } else { &mut sought.words };
            if list.last() != Some(&word.text) && list.len() < MAX_WORDS {
                list.push(word.text);
                if !whole {
                    sought.typed.push(fold(&text[word.range]));
                }
            }
        }
        (!sought.words.is_empty()).then_some(sought)
    }

    /// Pairs of word and whether it may be a beginning.
    pub fn words(&self) -> impl Iterator<Item = (&str, bool)> {
        let last = self.words.len() - 1;
        self.words.iter().enumerate().map(move |(at, w)| (w.as_str(), at == last))
    }

    pub fn wholes(&self) -> &[String] {
        &self.wholes
    }

    /// Whether a higher tolerance finds more than this one.
    pub fn tolerates_more(&self, tolerance: u8) -> bool {
        tolerance < MAX_TOLERANCE && self.words.iter().any(|w| distance(w, MAX_TOLERANCE) > 0)
    }
}

/// Letters that may differ.
pub(crate) fn distance(word: &str, tolerance: u8) -> u8 {
    let long = match word.chars().count() {
        _ if is_key(word) => 0,
        0..=2 => 0,
        3..=7 => 1,
        _ => 2,
    };
    long.min(tolerance)
}

/// One word of the query on one view.
struct Probe<'a> {
    word: &'a str,
    /// occurs somewhere as it is
    known: bool,
    last: bool,
    typed: &'a str,
    /// how many letters may differ, and what accepts such words
    near: Vec<(u8, DfaWrapper)>,
    /// scores of the word as it is, by field
    exact: Vec<(Field, f32, Box<dyn Weight>)>,
}

/// What one word finds in one segment.
struct Found {
    any: Bits,
    /// worth the same for every document
    flat: Vec<(Bits, f32)>,
    /// positions in [`Probe::exact`] of those to weigh by document
    weighed: Vec<usize>,
}

/// A query ready to run on the segments of a view.
pub(crate) struct Search<'a> {
    view: &'a View,
    sought: &'a Sought,
    probes: Vec<Probe<'a>>,
    newest: i64,
}

impl<'a> Search<'a> {
    pub fn new(view: &'a View, sought: &'a Sought, tolerance: u8) -> Result<Search<'a>, SearchError> {
        let mut probes = Vec::new();
        for ((word, last), typed) in sought.words().zip(&sought.typed) {
            let mut exact = Vec::new();
            if !is_key(word) {
                for (field, weight) in view.fields.text.into_iter().zip(WEIGHTS) {
                    let query = TermQuery::new(Term::from_field_text(field, word), IndexRecordOption::WithFreqs);
                    let scoring = EnableScoring::enabled_from_searcher(&view.searcher);
                    exact.push((field, weight, query.weight(scoring)?));
                }
            }
            let mut probe = Probe { word, known: false, last, typed, near: vec![], exact };
            probe.known = probe.occurs(view)?;
            probes.push(probe);
        }
        // Where a word finds nothing the others need not be looked at.
        probes.sort_by_key(|probe| probe.known);
        tolerate(view, &mut probes, tolerance)?;
        let mut newest = i64::MIN;
        for segment in &view.segments {
            if let Some(col) = segment.column(&layout::column(system::UPDATED_AT, None), false)? {
                newest = newest.max(number_of(col.values.max_value()));
            }
        }
        Ok(Search { view, sought, probes, newest })
    }

    /// Those of `docs` that match.
    pub fn matching(&self, at: usize, docs: &Bits) -> Result<Bits, SearchError> {
        Ok(self.find(at, docs)?.0)
    }

    fn find(&self, at: usize, docs: &Bits) -> Result<(Bits, Vec<Found>), SearchError> {
        let segment = &self.view.segments[at];
        let mut bits = docs.clone();
        let mut found = Vec::new();
        for probe in &self.probes {
            if bits.is_empty() {
                break;
            }
            let word = probe.find(segment, &self.view.fields)?;
            bits.and(&word.any);
            found.push(word);
        }
        if bits.is_empty() {
            found.clear();
        }
        if let Some(digits) = &self.sought.digits {
            let mut phones = Bits::none(segment.len());
            let keys = Terms::of(segment, self.view.fields.keys)?;
            keys.beginning(digits, &mut phones)?;
            keys.beginning(&turned(digits), &mut phones)?;
            phones.and(docs);
            bits.or(&phones);
            found.push(Found { any: Bits::none(0), flat: vec![(phones, PHONE)], weighed: vec![] });
        }
        Ok((bits, found))
    }

    /// Calls `each` with every match among `docs` and its score.
    pub fn scored(&self, at: usize, docs: &Bits, mut each: impl FnMut(u32, f32)) -> Result<(), SearchError> {
        let segment = &self.view.segments[at];
        let (bits, found) = self.find(at, docs)?;
        if bits.is_empty() {
            return Ok(());
        }
        let mut flat: Vec<(Bits, f32)> = found.iter().flat_map(|f| f.flat.iter().cloned()).collect();
        for whole in self.sought.wholes() {
            let mut bits = Bits::none(segment.len());
            Terms::of(segment, self.view.fields.keys)?.exactly(whole, &mut bits)?;
            flat.push((bits, KEY));
        }
        let mut scorers: Vec<Box<dyn Scorer>> = Vec::new();
        for (found, probe) in found.iter().zip(&self.probes) {
            for (_, boost, weight) in found.weighed.iter().filter_map(|at| probe.exact.get(*at)) {
                scorers.push(weight.scorer(&segment.reader, *boost)?);
            }
        }
        let titles = Titles::new(segment, &self.sought.line)?;
        let updated = segment.column(&layout::column(system::UPDATED_AT, None), false)?;
        let (mut ages, mut names) = (Vec::new(), Vec::new());
        bits.blocks(false, |block| {
            firsts(updated.as_deref(), block, &mut ages);
            titles.bonuses(block, &mut names);
            for (at, doc) in block.iter().enumerate() {
                let mut score: f32 = flat.iter().filter(|(bits, _)| bits.get(*doc)).map(|(_, worth)| worth).sum();
                for scorer in &mut scorers {
                    if scorer.doc() < *doc {
                        scorer.seek(*doc);
                    }
                    if scorer.doc() == *doc {
                        score += scorer.score();
                    }
                }
                let age = ages[at].map_or(self.newest, number_of);
                each(*doc, score * (1.0 + self.recency(age)) + names[at]);
            }
        });
        Ok(())
    }

    /// Age is measured from the newest change, so that no clock is needed.
    fn recency(&self, updated: i64) -> f32 {
        let days = (self.newest.saturating_sub(updated) / Timestamp::DAY) as f32;
        RECENCY / (1.0 + days.max(0.0) / RECENT_DAYS)
    }
}

/// The first step helps only words that occur nowhere, when there are any; the next one all.
fn tolerate(view: &View, probes: &mut [Probe], tolerance: u8) -> Result<(), SearchError> {
    if tolerance == 0 {
        return Ok(());
    }
    let all_known = probes.iter().all(|probe| probe.known);
    for probe in probes {
        let tolerance = if probe.known && !all_known { tolerance - 1 } else { tolerance };
        let letters = distance(probe.word, tolerance);
        if letters > 0 {
            let spellings = [probe.word, probe.typed];
            let different = if probe.word == probe.typed { 1 } else { 2 };
            for spelling in &spellings[..different] {
                let query = probe.fuzzy(view.fields.text[0], spelling, letters);
                probe.near.push((letters, query.automaton()?));
            }
        }
    }
    Ok(())
}

impl Probe<'_> {
    fn fields<'f>(&self, fields: &'f Fields) -> &'f [Field] {
        if is_key(self.word) { std::slice::from_ref(&fields.keys) } else { &fields.text }
    }

    fn short(&self) -> bool {
        self.word.chars().count() <= if is_key(self.word) { KEY_STARTS } else { STARTS }
    }

    fn occurs(&self, view: &View) -> Result<bool, SearchError> {
        for segment in &view.segments {
            if self.last && self.short() && Terms::of(segment, view.fields.starts)?.has(self.word)? {
                return Ok(true);
            }
            for field in self.fields(&view.fields) {
                let terms = Terms::of(segment, *field)?;
                if if self.last { terms.has_beginning(self.word)? } else { terms.has(self.word)? } {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn find(&self, segment: &Segment, fields: &Fields) -> Result<Found, SearchError> {
        let mut found = Found { any: Bits::none(segment.len()), flat: vec![], weighed: vec![] };
        if self.last && self.short() {
            found.flat(segment, PREFIX, |bits| Terms::of(segment, fields.starts)?.exactly(self.word, bits))?;
        }
        if is_key(self.word) {
            let terms = Terms::of(segment, fields.keys)?;
            found.flat(segment, KEY, |bits| terms.exactly(self.word, bits))?;
            if self.last && !self.short() {
                found.flat(segment, KEY_PREFIX, |bits| terms.beginning(self.word, bits))?;
            }
            return Ok(found);
        }
        for (at, (field, weight, _)) in self.exact.iter().enumerate() {
            let terms = Terms::of(segment, *field)?;
            if terms.frequency(self.word)? > segment.len() / COMMON_PART {
                found.flat(segment, weight * COMMON, |bits| terms.exactly(self.word, bits))?;
            } else if terms.exactly(self.word, &mut found.any)? > 0 {
                found.weighed.push(at);
            }
            if self.last && !self.short() {
                found.flat(segment, weight * PREFIX, |bits| terms.beginning(self.word, bits))?;
            }
            for (letters, automaton) in &self.near {
                found.flat(segment, weight * FUZZY, |bits| terms.near(automaton, *letters, self.word, bits))?;
            }
        }
        Ok(found)
    }

    fn fuzzy(&self, field: Field, word: &str, letters: u8) -> FuzzyTermQuery {
        let term = Term::from_field_text(field, word);
        match self.last && word.len() >= 5 && letters == 1 {
            true => FuzzyTermQuery::new_prefix(term, letters, true),
            false => FuzzyTermQuery::new(term, letters, true),
        }
    }
}

impl Found {
    /// `collect` says how many terms it met.
    fn flat(
        &mut self,
        segment: &Segment,
        worth: f32,
        collect: impl FnOnce(&mut Bits) -> Result<usize, SearchError>,
    ) -> Result<(), SearchError> {
        let mut bits = Bits::none(segment.len());
        if collect(&mut bits)? > 0 {
            self.any.or(&bits);
            self.flat.push((bits, worth));
        }
        Ok(())
    }
}

fn firsts(col: Option<&Col>, block: &[u32], out: &mut Vec<Option<u64>>) {
    match col {
        Some(col) => col.firsts(block, out),
        None => {
            out.clear();
            out.resize(block.len(), None);
        }
    }
}

/// Which ordinals of the title column are the query or begin with it.
struct Titles {
    column: Option<Arc<Col>>,
    exact: Option<u64>,
    prefix: std::ops::Range<u64>,
}

impl Titles {
    fn new(segment: &Segment, line: &str) -> Result<Titles, SearchError> {
        let column = segment.column(&layout::title_column(), true)?;
        let mut titles = Titles { column, exact: None, prefix: 0..0 };
        if let Some(text) = titles.column.as_ref().and_then(|c| c.text.as_ref()) {
            let mut end = line.as_bytes().to_vec();
            if let Some(last) = end.last_mut() {
                *last += 1;
            }
            let bounds = (Bound::Included(line.as_bytes()), Bound::Excluded(end.as_slice()));
            let (from, to) = text.dictionary().term_bounds_to_ord(bounds.0, bounds.1)?;
            if let (Bound::Included(from), Bound::Excluded(to)) = (from, to) {
                titles.prefix = from..to.min(text.num_terms() as u64);
            }
            titles.exact = text.dictionary().term_ord(line.as_bytes())?;
        }
        Ok(titles)
    }

    fn bonuses(&self, block: &[u32], out: &mut Vec<f32>) {
        out.clear();
        out.resize(block.len(), 0.0);
        let Some(column) = self.column.as_ref().filter(|_| !self.prefix.is_empty()) else { return };
        let mut ords = Vec::new();
        column.firsts(block, &mut ords);
        for (bonus, ord) in out.iter_mut().zip(ords) {
            *bonus = match ord {
                Some(ord) if Some(ord) == self.exact => EXACT_TITLE,
                Some(ord) if self.prefix.contains(&ord) => TITLE_PREFIX,
                _ => 0.0,
            };
        }
    }
}
