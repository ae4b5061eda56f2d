//! Full text: every word of the query must occur, the last one also as a beginning; when that finds little, words
//! that differ by a letter or two count as well. Exact titles come first, then titles that begin with the query,
//! then BM25 by field weight, with a mild preference for what changed recently.

use std::ops::Bound;

use aplomb_model::schema::system;
use aplomb_model::{Timestamp, fold};
use tantivy::query::{BooleanQuery, BoostQuery, EnableScoring, FuzzyTermQuery, Occur, Query, TermQuery, Weight};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, TERMINATED, Term};

use crate::bits::Bits;
use crate::columns::{Segment, number_of};
use crate::error::SearchError;
use crate::layout::{self, Fields, WEIGHTS};
use crate::shard::View;
use crate::tokens::words;

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
/// What being changed just now adds to a score; half of it after [`RECENT_DAYS`].
const RECENCY: f32 = 0.2;
const RECENT_DAYS: f32 = 30.0;

/// The words of a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sought {
    words: Vec<String>,
    /// whole e-mail addresses, which their parts stand for
    wholes: Vec<String>,
    /// folded, for titles
    line: String,
}

impl Sought {
    /// `None` when there is no word in it.
    pub fn parse(text: &str) -> Option<Sought> {
        let mut sought = Sought { words: vec![], wholes: vec![], line: fold(text.trim()) };
        for word in words(text) {
            let list = if word.text.contains('@') { &mut sought.wholes } else { &mut sought.words };
            if list.last() != Some(&word.text) && list.len() < MAX_WORDS {
                list.push(word.text);
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
        tolerance < MAX_TOLERANCE && self.words.iter().any(|w| distance(w, tolerance + 1) > distance(w, tolerance))
    }

    fn query(&self, fields: &Fields, tolerance: u8) -> BooleanQuery {
        let must = self.words().map(|(word, last)| (Occur::Must, one_word(fields, word, last, tolerance)));
        let should = self.wholes.iter().map(|whole| (Occur::Should, exact(fields, whole)));
        BooleanQuery::new(must.chain(should).collect())
    }
}

/// Letters that may differ.
pub(crate) fn distance(word: &str, tolerance: u8) -> u8 {
    let long = match word.chars().count() {
        _ if word.bytes().any(|b| b.is_ascii_digit()) => 0,
        0..=2 => 0,
        3..=7 => 1,
        _ => 2,
    };
    long.min(tolerance)
}

fn boosted(query: impl Query, boost: f32) -> (Occur, Box<dyn Query>) {
    (Occur::Should, Box::new(BoostQuery::new(Box::new(query), boost)))
}

fn exact(fields: &Fields, word: &str) -> Box<dyn Query> {
    Box::new(BooleanQuery::new(exact_parts(fields, word).collect()))
}

fn exact_parts<'a>(fields: &'a Fields, word: &'a str) -> impl Iterator<Item = (Occur, Box<dyn Query>)> + 'a {
    fields.text.iter().zip(WEIGHTS).map(move |(field, weight)| {
        let term = Term::from_field_text(*field, word);
        boosted(TermQuery::new(term, IndexRecordOption::WithFreqs), weight)
    })
}

fn one_word(fields: &Fields, word: &str, last: bool, tolerance: u8) -> Box<dyn Query> {
    let mut parts: Vec<_> = exact_parts(fields, word).collect();
    let letters = distance(word, tolerance);
    for (field, weight) in fields.text.iter().zip(WEIGHTS) {
        let term = Term::from_field_text(*field, word);
        if last {
            parts.push(boosted(FuzzyTermQuery::new_prefix(term.clone(), 0, true), weight * PREFIX));
        }
        if letters > 0 {
            let query = match last && word.len() >= 5 && letters == 1 {
                true => FuzzyTermQuery::new_prefix(term, letters, true),
                false => FuzzyTermQuery::new(term, letters, true),
            };
            parts.push(boosted(query, weight * FUZZY));
        }
    }
    Box::new(BooleanQuery::new(parts))
}

/// A query ready to run on the segments of a view.
pub(crate) struct Search<'a> {
    view: &'a View,
    sought: &'a Sought,
    weight: Box<dyn Weight>,
    newest: i64,
}

impl<'a> Search<'a> {
    pub fn new(view: &'a View, sought: &'a Sought, tolerance: u8) -> Result<Search<'a>, SearchError> {
        let query = sought.query(&view.fields, tolerance);
        let weight = query.weight(EnableScoring::enabled_from_searcher(&view.searcher))?;
        let mut newest = i64::MIN;
        for segment in &view.segments {
            if let Some(col) = segment.column(&layout::column(system::UPDATED_AT, None), false)? {
                newest = newest.max(number_of(col.values.max_value()));
            }
        }
        Ok(Search { view, sought, weight, newest })
    }

    /// Those of `docs` that match.
    pub fn matching(&self, at: usize, docs: &Bits) -> Result<Bits, SearchError> {
        let mut bits = Bits::none(self.view.segments[at].len());
        self.weight.for_each_no_score(&self.view.segments[at].reader, &mut |found| {
            found.iter().for_each(|doc| bits.set(*doc));
        })?;
        bits.and(docs);
        Ok(bits)
    }

    /// Calls `each` with every match among `docs` and its score.
    pub fn scored(&self, at: usize, docs: &Bits, mut each: impl FnMut(u32, f32)) -> Result<(), SearchError> {
        let segment = &self.view.segments[at];
        let titles = Titles::new(segment, &self.sought.line)?;
        let updated = segment.column(&layout::column(system::UPDATED_AT, None), false)?;
        let mut scorer = self.weight.scorer(&segment.reader, 1.0)?;
        let mut doc = scorer.doc();
        while doc != TERMINATED {
            if docs.get(doc) {
                let at = updated.as_ref().and_then(|col| col.values.first(doc)).map_or(self.newest, number_of);
                let score = scorer.score() * (1.0 + self.recency(at)) + titles.bonus(doc);
                each(doc, score);
            }
            doc = scorer.advance();
        }
        Ok(())
    }

    /// Age is measured from the newest change, so that no clock is needed.
    fn recency(&self, updated: i64) -> f32 {
        let days = (self.newest.saturating_sub(updated) / Timestamp::DAY) as f32;
        RECENCY / (1.0 + days.max(0.0) / RECENT_DAYS)
    }
}

/// Which ordinals of the title column are the query or begin with it.
struct Titles {
    column: Option<std::sync::Arc<crate::columns::Col>>,
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

    fn bonus(&self, doc: u32) -> f32 {
        if self.prefix.is_empty() {
            return 0.0;
        }
        match self.column.as_ref().and_then(|c| c.values.first(doc)) {
            Some(ord) if Some(ord) == self.exact => EXACT_TITLE,
            Some(ord) if self.prefix.contains(&ord) => TITLE_PREFIX,
            _ => 0.0,
        }
    }
}
