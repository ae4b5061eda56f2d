//! Words of a text: folded, split where neither letter nor digit is, CJK by pairs, e-mails also whole, and German
//! umlauts the same however they are spelt (Müller, Mueller, Muller).

use std::ops::Range;

use aplomb_model::fold;
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use unicode_normalization::char::is_combining_mark;

/// Longest word kept, in bytes; what is longer is cut.
const MAX_WORD: usize = 128;

/// Splits at [`SEPARATOR`]: texts are taken apart before they are handed to the engine.
pub(crate) const TOKENIZER: &str = "separated";
pub(crate) const SEPARATOR: char = '\u{1f}';
/// What a phone number turned round begins with, so that its end can be looked for.
const TURNED: char = '~';
/// Fewest digits of a phone number.
const PHONE_DIGITS: usize = 5;

/// A word and where it stands in the text, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub text: String,
    pub range: Range<usize>,
}

/// The words of `text` in order. An e-mail address gives itself and its parts.
pub(crate) fn words(text: &str) -> Vec<Word> {
    split(text, false)
}

/// As [`words`], and the last character of every run of CJK, so that it is found alone.
pub(crate) fn indexed_words(text: &str) -> Vec<Word> {
    split(text, true)
}

/// E-mails and whatever has a digit: looked up whole or by its beginning, never with typos.
pub(crate) fn is_key(word: &str) -> bool {
    word.bytes().any(|b| b.is_ascii_digit() || b == b'@')
}

/// The digits of a text that is a number with at most separators in it; `None` when it is too short for a phone.
pub(crate) fn phone_digits(text: &str) -> Option<String> {
    let numeric = text.len() < 40 && text.chars().all(|c| c.is_ascii_digit() || " +-/().".contains(c));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (numeric && digits.len() >= PHONE_DIGITS).then_some(digits)
}

/// The key under which a number is found by its end.
pub(crate) fn turned(digits: &str) -> String {
    std::iter::once(TURNED).chain(digits.chars().rev()).collect()
}

fn split(text: &str, tails: bool) -> Vec<Word> {
    let mut out = Vec::new();
    for chunk in pieces(text, |c| !c.is_whitespace()) {
        let inner = &text[chunk.clone()];
        if let Some(email) = email_in(inner) {
            let range = chunk.start + email.start..chunk.start + email.end;
            push(&mut out, text, range);
        }
        for word in pieces(inner, is_word) {
            split_cjk(&mut out, text, chunk.start + word.start..chunk.start + word.end, tails);
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
fn split_cjk(out: &mut Vec<Word>, text: &str, range: Range<usize>, tails: bool) {
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
        if let (true, [.., _, last]) = (tails, starts.as_slice()) {
            push(out, text, range.start + last..range.start + run.end);
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
        if !is_key(&folded) {
            join_umlauts(&mut folded);
        }
        out.push(Word { text: folded, range });
    }
}

/// Writes `ae`, `oe` and `ue` as the vowel that folding leaves of an umlaut. Words and queries alike go through
/// this, so that nothing is lost where they are no umlauts.
fn join_umlauts(word: &mut String) {
    if ["ae", "oe", "ue"].iter().any(|pair| word.contains(pair)) {
        *word = word.replace("ae", "a").replace("oe", "o").replace("ue", "u");
    }
}

#[derive(Clone, Default)]
pub(crate) struct Separated {
    token: Token,
}

pub(crate) struct Parts<'a> {
    rest: std::str::Split<'a, char>,
    token: &'a mut Token,
}

impl Tokenizer for Separated {
    type TokenStream<'a> = Parts<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Parts<'a> {
        self.token.reset();
        Parts { rest: text.split(SEPARATOR), token: &mut self.token }
    }
}

impl TokenStream for Parts<'_> {
    fn advance(&mut self) -> bool {
        let Some(word) = self.rest.find(|part| !part.is_empty()) else { return false };
        self.token.text.clear();
        self.token.text.push_str(word);
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
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
            ("Mueller Jörg Joerg", vec!["muller", "jorg", "jorg"]),
        ] {
            let found = words(text);
            assert_eq!(found.iter().map(|w| w.text.as_str()).collect::<Vec<_>>(), expect, "{text}");
            assert!(found.iter().all(|w| text.get(w.range.clone()).is_some()));
        }
        let tails: Vec<String> = indexed_words("東京都 港").into_iter().map(|w| w.text).collect();
        assert_eq!(tails, ["東京", "京都", "都", "港"]);
    }

    #[test]
    fn numbers_are_found_by_their_digits() {
        for (text, expect) in [
            ("+49 (30) 123-456", Some("4930123456")),
            ("030/123456", Some("030123456")),
            ("1234", None),
            ("12345 Berlin", None),
            ("", None),
        ] {
            assert_eq!(phone_digits(text).as_deref(), expect, "{text}");
        }
        assert_eq!(turned("123"), "~321");
    }
}
