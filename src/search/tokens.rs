//! Words of a text: folded, split where neither letter nor digit is, CJK by pairs, e-mails also whole.

use std::ops::Range;

use aplomb_model::fold;
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use unicode_normalization::char::is_combining_mark;

/// Longest word kept, in bytes; what is longer is cut.
const MAX_WORD: usize = 128;

pub(crate) const TOKENIZER: &str = "fold";

/// A word and where it stands in the text, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub text: String,
    pub range: Range<usize>,
}

/// The words of `text` in order. An e-mail address gives itself and its parts.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut out = Vec::new();
    for chunk in pieces(text, |c| !c.is_whitespace()) {
        let inner = &text[chunk.clone()];
        if let Some(email) = email_in(inner) {
            let range = chunk.start + email.start..chunk.start + email.end;
            push(&mut out, text, range);
        }
        for word in pieces(inner, is_word) {
            split_cjk(&mut out, text, chunk.start + word.start..chunk.start + word.end);
        }
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// The longest runs of characters that `keep`.
fn pieces(text: &str, keep: impl Fn(char) -> bool) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices() {
        match (keep(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                out.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    if let Some(from) = start {
        out.push(from..text.len());
    }
    out
}

fn email_in(chunk: &str) -> Option<Range<usize>> {
    let trim = |c: char| !c.is_alphanumeric();
    let at = chunk.find('@')?;
    let start = chunk.find(|c: char| !trim(c)).filter(|s| *s < at)?;
    let end = chunk.trim_end_matches(trim).len();
    (end > at + 1).then_some(start..end)
}

fn is_cjk(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Runs of CJK as overlapping pairs (a single one as itself), other runs whole.
fn split_cjk(out: &mut Vec<Word>, text: &str, range: Range<usize>) {
    let word = &text[range.clone()];
    if word.is_ascii() || !word.chars().any(is_cjk) {
        return push(out, text, range);
    }
    for run in pieces(word, is_cjk) {
        let starts: Vec<usize> = word[run.clone()].char_indices().map(|(at, _)| run.start + at).collect();
        let ends = starts.iter().skip(1).copied().chain([run.end]).collect::<Vec<_>>();
        match starts.len() {
            1 => push(out, text, range.start + run.start..range.start + run.end),
            n => (0..n - 1).for_each(|i| push(out, text, range.start + starts[i]..range.start + ends[i + 1])),
        }
    }
    for run in pieces(word, |c| !is_cjk(c)) {
        push(out, text, range.start + run.start..range.start + run.end);
    }
}

fn push(out: &mut Vec<Word>, text: &str, range: Range<usize>) {
    let mut folded = fold(&text[range.clone()]);
    if folded.len() > MAX_WORD {
        let cut = (0..=MAX_WORD).rev().find(|at| folded.is_char_boundary(*at)).unwrap_or(0);
        folded.truncate(cut);
    }
    if !folded.is_empty() {
        out.push(Word { text: folded, range });
    }
}

#[derive(Clone, Default)]
pub(crate) struct FoldTokenizer;

pub(crate) struct FoldStream {
    words: std::vec::IntoIter<Word>,
    token: Token,
}

impl Tokenizer for FoldTokenizer {
    type TokenStream<'a> = FoldStream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> FoldStream {
        FoldStream { words: words(text).into_iter(), token: Token::default() }
    }
}

impl TokenStream for FoldStream {
    fn advance(&mut self) -> bool {
        let Some(word) = self.words.next() else { return false };
        self.token.text = word.text;
        self.token.offset_from = word.range.start;
        self.token.offset_to = word.range.end;
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_split() {
        for (text, expect) in [
            ("", vec![]),
            ("Müller-Lüdenscheidt & Söhne", vec!["muller", "ludenscheidt", "sohne"]),
            ("e\u{301}te\u{301} 3.5", vec!["ete", "3", "5"]),
            ("<Ada.L@Example.com>, x", vec!["ada.l@example.com", "ada", "l", "example", "com", "x"]),
            ("@home a@", vec!["home", "a"]),
            ("東京都 港", vec!["東京", "京都", "港"]),
            ("abc東京", vec!["東京", "abc"]),
        ] {
            let found = words(text);
            assert_eq!(found.iter().map(|w| w.text.as_str()).collect::<Vec<_>>(), expect, "{text}");
            assert!(found.iter().all(|w| text.get(w.range.clone()).is_some()));
        }
    }
}
