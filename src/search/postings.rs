//! The documents of the terms of one field in one segment: one term, those that begin with a word, and those that
//! nearly are it. Expansions are bounded, so that no query reads a whole dictionary's postings.

use std::sync::Arc;

use tantivy::index::InvertedIndexReader;
use tantivy::postings::TermInfo;
use tantivy::query::DfaWrapper;
use tantivy::schema::{Field, IndexRecordOption};

use crate::bits::Bits;
use crate::columns::Segment;
use crate::error::SearchError;

/// Most terms that a beginning stands for.
const MAX_BEGINNING: usize = 20_000;
/// Most terms that count as near misses.
const MAX_NEAR: usize = 2_000;

pub(crate) struct Terms(Arc<InvertedIndexReader>);

impl Terms {
    pub fn of(segment: &Segment, field: Field) -> Result<Terms, SearchError> {
        Ok(Terms(segment.reader.inverted_index(field)?))
    }

    pub fn has(&self, term: &str) -> Result<bool, SearchError> {
        Ok(self.0.terms().get(term)?.is_some())
    }

    pub fn has_beginning(&self, start: &str) -> Result<bool, SearchError> {
        Ok(self.0.terms().range().ge(start).lt(after(start)).into_stream()?.advance())
    }

    /// Documents that have the term, deleted ones too.
    pub fn frequency(&self, term: &str) -> Result<u32, SearchError> {
        Ok(self.0.terms().get(term)?.map_or(0, |info| info.doc_freq))
    }

    /// Adds the documents of the term; returns how many terms there were, as the others do.
    pub fn exactly(&self, term: &str, bits: &mut Bits) -> Result<usize, SearchError> {
        let Some(info) = self.0.terms().get(term)? else { return Ok(0) };
        self.add(&info, bits)?;
        Ok(1)
    }

    pub fn beginning(&self, start: &str, bits: &mut Bits) -> Result<usize, SearchError> {
        let mut stream = self.0.terms().range().ge(start).lt(after(start)).into_stream()?;
        let mut met = 0;
        while met < MAX_BEGINNING && stream.advance() {
            self.add(stream.value(), bits)?;
            met += 1;
        }
        Ok(met)
    }

    /// With two letters wrong the first one must be right: hardly anybody mistypes it, and most of the dictionary
    /// need not be looked at.
    pub fn near(&self, query: &DfaWrapper, letters: u8, word: &str, bits: &mut Bits) -> Result<usize, SearchError> {
        let first = word.chars().next().map_or("", |c| &word[..c.len_utf8()]);
        let mut stream = self.0.terms().search(query);
        if letters > 1 {
            stream = stream.ge(first).lt(after(first));
        }
        let mut stream = stream.into_stream()?;
        let mut met = 0;
        while met < MAX_NEAR && stream.advance() {
            self.add(stream.value(), bits)?;
            met += 1;
        }
        Ok(met)
    }

    fn add(&self, info: &TermInfo, bits: &mut Bits) -> Result<(), SearchError> {
        let mut postings = self.0.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?;
        loop {
            let docs = postings.docs();
            if docs.is_empty() {
                return Ok(());
            }
            docs.iter().for_each(|doc| bits.set(*doc));
            postings.advance();
        }
    }
}

/// The least key after all that begin with `start`: UTF-8 has no byte 0xff.
fn after(start: &str) -> Vec<u8> {
    let mut end = start.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}
