//! Which parts of a text a query matched, for the screen.

use crate::fulltext::{MAX_TOLERANCE, Sought, distance};
use crate::tokens::{Word, words};

/// A match, in characters (Unicode scalar values) of the text; `end` is excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub start: usize,
    pub end: usize,
}

/// An excerpt around the best matches and the matches within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    pub text: String,
    pub marks: Vec<Mark>,
}

/// Where the words of `query` (the last as a beginning; with typos where no word is exact) occur in `text`.
pub fn highlight(text: &str, query: &str) -> Vec<Mark> {
    let found = matches(text, query);
    marks(text, &found)
}

/// At most about `width` characters of `text` around its first match; `None` when nothing matches.
pub fn snippet(text: &str, query: &str, width: usize) -> Option<Snippet> {
    let found = matches(text, query);
    let first = found.first()?;
    let chars: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let count = chars.len() - 1;
    let at = chars.partition_point(|c| *c < first.start);
    let mut from = at.saturating_sub(width / 3).min(count.saturating_sub(width));
    let mut to = (from + width).min(count);
    let space = |c: usize| text[chars[c]..chars[c + 1]].starts_with(char::is_whitespace);
    if from > 0 {
        from = (from..at).find(|c| space(*c)).map_or(from, |c| c + 1);
    }
    if to < count {
        to = (at + 1..to).rev().find(|c| space(*c)).unwrap_or(to);
    }
    let lead = if from > 0 { "…" } else { "" };
    let tail = if to < count { "…" } else { "" };
    let inner = &text[chars[from]..chars[to]];
    let shift = lead.chars().count();
    let within = marks(inner, &inside(&found, chars[from]..chars[to]));
    let marks = within.into_iter().map(|m| Mark { start: m.start + shift, end: m.end + shift }).collect();
    Some(Snippet { text: format!("{lead}{inner}{tail}"), marks })
}

type Span = std::ops::Range<usize>;

fn inside(found: &[Span], window: Span) -> Vec<Span> {
    let within = found.iter().filter(|s| s.start >= window.start && s.end <= window.end);
    within.map(|s| s.start - window.start..s.end - window.start).collect()
}

/// Spans in bytes, ascending, not overlapping.
fn matches(text: &str, query: &str) -> Vec<Span> {
    let Some(sought) = Sought::parse(query) else { return vec![] };
    let all = words(text);
    let mut spans = Vec::new();
    let whole = |w: &&Word| sought.wholes().contains(&w.text);
    spans.extend(all.iter().filter(whole).map(|w| w.range.clone()));
    for (word, last) in sought.words() {
        let same = |w: &&Word| w.text == word || (last && w.text.starts_with(word) && !w.text.contains('@'));
        let before = spans.len();
        for w in all.iter().filter(same) {
            spans.push(beginning(text, w, word));
        }
        let letters = distance(word, MAX_TOLERANCE);
        if spans.len() == before && letters > 0 {
            let near = all.iter().filter(|w| is_near(&w.text, word, usize::from(letters)));
            spans.extend(near.map(|w| w.range.clone()));
        }
    }
    spans.sort_by_key(|s| (s.start, s.end));
    let mut out: Vec<Span> = Vec::new();
    for span in spans {
        match out.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => out.push(span),
        }
    }
    out
}

/// The part of a word that was sought; all of it when folding changed its length.
fn beginning(text: &str, word: &Word, sought: &str) -> Span {
    let original = &text[word.range.clone()];
    let same_shape = original.chars().count() == word.text.chars().count();
    if !same_shape || word.text == sought {
        return word.range.clone();
    }
    let len: usize = original.chars().take(sought.chars().count()).map(char::len_utf8).sum();
    word.range.start..word.range.start + len
}

fn marks(text: &str, spans: &[Span]) -> Vec<Mark> {
    let (mut chars, mut at) = (0, 0);
    let mut count = |to: usize| {
        chars += text[at..to].chars().count();
        at = to;
        chars
    };
    spans.iter().map(|s| Mark { start: count(s.start), end: count(s.end) }).collect()
}

/// Whether the words differ by at most `most` insertions, deletions, changes or swaps of neighbours
/// (optimal string alignment).
fn is_near(a: &str, b: &str, most: usize) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return false;
    }
    let mut before: Vec<usize> = vec![];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut cost = change.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(before[j - 2] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().is_some_and(|cost| *cost <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, marks: &[Mark]) -> String {
        let mut out = String::new();
        for (at, c) in text.chars().enumerate() {
            if marks.iter().any(|m| m.start == at) {
                out.push('[');
            }
            out.push(c);
            if marks.iter().any(|m| m.end == at + 1) {
                out.push(']');
            }
        }
        out
    }

    #[test]
    fn matches_are_marked() {
        for (text, query, expect) in [
            ("Anna Müller GmbH", "muller", "Anna [Müller] GmbH"),
            ("Anna Müller GmbH", "gmbh anna", "[Anna] Müller [GmbH]"),
            ("Anna Müller GmbH", "mul", "Anna [Mül]ler GmbH"),
            ("Anna Müller GmbH", "mul anna", "[Anna] Müller GmbH"),
            ("Große Straße", "strasse", "Große [Straße]"),
            ("Anna Müller GmbH", "mulelr", "Anna [Müller] GmbH"),
            ("mail ada@example.com now", "ada@example.com", "mail [ada@example.com] now"),
            ("東京都港区", "京都", "東[京都]港区"),
            ("nothing here", "else", "nothing here"),
            ("", "x", ""),
        ] {
            assert_eq!(shown(text, &highlight(text, query)), expect, "{query}");
        }
    }

    #[test]
    fn snippets_are_short_and_hold_the_match() {
        let long = format!("{} the Müller contract {}", "word ".repeat(100), "more ".repeat(100));
        let found = snippet(&long, "muller", 60).unwrap();
        assert!(found.text.chars().count() <= 62, "{}", found.text);
        assert!(shown(&found.text, &found.marks).contains("[Müller]"), "{}", found.text);
        assert_eq!(snippet("short Text", "text", 60).unwrap().text, "short Text");
        assert_eq!(snippet(&long, "absent", 60), None);
    }

    #[test]
    fn typos_are_near() {
        for (a, b, most, near) in [
            ("muller", "mulelr", 1, true),
            ("muller", "miller", 1, true),
            ("muller", "mller", 1, true),
            ("muller", "smullers", 1, false),
            ("muller", "smullers", 2, true),
            ("", "ab", 1, false),
        ] {
            assert_eq!(is_near(a, b, most), near, "{a} {b}");
        }
    }
}
