//! What the values of one column look like. Collected in one pass over the file, in bounded memory.

use std::collections::BTreeSet;

use aplomb_model::json::{is_email, is_phone};
use serde::{Deserialize, Serialize};

use super::date::{self, Order};
use super::number::{self, Mark};
use super::words;
use crate::view::DateOrder;

/// Distinct values remembered, to see choices.
const MAX_DISTINCT: usize = 200;
/// Longest value remembered.
const MAX_REMEMBERED: usize = 120;
/// Values looked at closely; the rest is only counted. Conventions show early; order and marks are looked at throughout.
const CLOSE: u64 = 5_000;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stats {
    pub filled: u64,
    /// values looked at closely; the counts below are out of these
    pub seen: u64,
    pub emails: u64,
    pub phones: u64,
    pub urls: u64,
    pub domains: u64,
    pub numbers: u64,
    pub integers: u64,
    pub currencies: u64,
    pub dates: u64,
    pub times: u64,
    pub yes_no: u64,
    pub uuids: u64,
    pub salesforce_ids: u64,
    pub long: u64,
    pub letters: u64,
    /// e.g. `Ada Lovelace`
    pub two_words: u64,
    pub distinct: BTreeSet<String>,
    pub many_distinct: bool,
    /// votes on day and month
    pub dmy: u64,
    pub mdy: u64,
    pub either_order: u64,
    /// votes on the decimal mark
    pub comma: u64,
    pub point: u64,
    pub either_mark: u64,
    pub samples: Vec<String>,
}

impl Stats {
    pub fn see(&mut self, cell: &str) {
        let text = cell.trim();
        if text.is_empty() {
            return;
        }
        self.filled += 1;
        if self.samples.len() < 5 && !self.samples.iter().any(|s| s == text) {
            self.samples.push(shorten(text));
        }
        let dates_so_far = self.dates * 2 >= self.seen;
        let numbers_so_far = self.numbers * 2 >= self.seen;
        if self.seen >= CLOSE {
            if dates_so_far {
                self.see_date(text);
            }
            if numbers_so_far {
                self.see_number(text);
            }
            return;
        }
        self.seen += 1;
        self.remember(text);
        self.see_kind(text);
        if self.see_date(text) {
            self.dates += 1;
            self.times += u64::from(text.contains(':'));
        }
        if self.see_number(text) {
            self.numbers += 1;
            self.integers += u64::from(text.bytes().all(|b| b.is_ascii_digit()));
        }
    }

    fn remember(&mut self, text: &str) {
        if self.many_distinct || text.len() > MAX_REMEMBERED {
            self.many_distinct = true;
            return;
        }
        if !self.distinct.contains(text) {
            self.distinct.insert(text.to_owned());
        }
        if self.distinct.len() > MAX_DISTINCT {
            self.many_distinct = true;
            self.distinct.clear();
        }
    }

    fn see_kind(&mut self, text: &str) {
        let count = |n: &mut u64, yes: bool| *n += u64::from(yes);
        let first = text.split([';', ',']).next().unwrap_or_default().trim();
        count(&mut self.emails, text.contains('@') && is_email(first));
        count(&mut self.phones, looks_like_phone(text));
        let lower = text.to_ascii_lowercase();
        count(
            &mut self.urls,
            lower.starts_with("http://") || lower.starts_with("https://") || lower.starts_with("www."),
        );
        count(&mut self.domains, looks_like_domain(&lower));
        count(
            &mut self.currencies,
            text.len() == 3 && number::KNOWN_CODES.contains(&text.to_ascii_uppercase().as_str()),
        );
        count(&mut self.yes_no, words::yes_no(text).is_some());
        count(&mut self.uuids, text.len() == 36 && text.parse::<aplomb_model::Id>().is_ok());
        count(&mut self.salesforce_ids, looks_like_salesforce_id(text));
        count(&mut self.long, text.len() > 150 || text.contains('\n'));
        count(&mut self.letters, text.chars().any(char::is_alphabetic));
        let words = text.split_whitespace().count();
        count(&mut self.two_words, (2..=4).contains(&words) && !text.chars().any(|c| c.is_ascii_digit() || c == '@'));
    }

    fn see_date(&mut self, text: &str) -> bool {
        match date::order(text) {
            None => return false,
            Some(Order::Is(DateOrder::Dmy)) => self.dmy += 1,
            Some(Order::Is(_)) => self.mdy += 1,
            Some(Order::Either) => self.either_order += 1,
            Some(Order::Clear) => {}
        }
        true
    }

    fn see_number(&mut self, text: &str) -> bool {
        match number::mark(text) {
            None => return false,
            Some(Mark::Is(',')) => self.comma += 1,
            Some(Mark::Is(_)) => self.point += 1,
            Some(Mark::Either) => self.either_mark += 1,
            Some(Mark::None) => {}
        }
        true
    }

    /// Share of the values looked at for which `count` holds.
    pub fn share(&self, count: u64) -> f64 {
        if self.seen == 0 { 0.0 } else { count as f64 / self.seen as f64 }
    }

    /// `None`: no value decides.
    pub fn date_order(&self) -> Option<DateOrder> {
        match (self.dmy, self.mdy) {
            (0, 0) => None,
            (d, m) if d >= m => Some(DateOrder::Dmy),
            _ => Some(DateOrder::Mdy),
        }
    }

    pub fn decimal(&self) -> Option<char> {
        match (self.comma, self.point) {
            (0, 0) => None,
            (c, p) if c > p => Some(','),
            _ => Some('.'),
        }
    }
}

pub fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_REMEMBERED) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Separators or a plus sign; plain digits only when there are as many as numbers have.
fn looks_like_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    is_phone(text)
        && digits >= 6
        && date::order(text).is_none()
        && (text.starts_with(['+', '(', '0']) || text.contains([' ', '-', '/']) || (9..=13).contains(&digits))
}

fn looks_like_domain(lower: &str) -> bool {
    lower.len() <= 100
        && lower.contains('.')
        && !lower.contains(['@', ' ', '/', ':', ','])
        && lower.split('.').all(|l| !l.is_empty() && l.chars().all(|c| c.is_alphanumeric() || c == '-'))
        && lower.rsplit('.').next().is_some_and(|tld| tld.len() >= 2 && tld.chars().all(char::is_alphabetic))
}

/// 15 or 18 letters and digits, a key prefix of three, the fourth and fifth the instance.
pub fn looks_like_salesforce_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18)
        && text.starts_with(['0', 'a', '7', '5'])
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
        && text.bytes().any(|b| b.is_ascii_alphabetic())
        && text.bytes().filter(u8::is_ascii_digit).count() >= 3
}

/// The 18-character form, which does not depend on case: three characters that say which of the 15 are capitals.
pub fn salesforce_id_18(id: &str) -> Option<String> {
    match id.len() {
        18 => Some(id.to_owned()),
        15 if looks_like_salesforce_id(id) => {
            const CODE: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
            let mut out = id.to_owned();
            for chunk in id.as_bytes().chunks(5) {
                let bits = (0..5).filter(|i| chunk[*i].is_ascii_uppercase()).fold(0, |bits, i| bits | 1 << i);
                out.push(CODE[bits] as char);
            }
            Some(out)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn salesforce_ids_grow_to_18() {
        // the example of Salesforce's own article on the conversion
        assert_eq!(salesforce_id_18("001A0000006Vm9r").as_deref(), Some("001A0000006Vm9rIAC"));
        assert_eq!(salesforce_id_18("12345"), None);
    }

    #[test]
    fn kinds_are_told_apart() {
        for (text, kind) in [
            ("+49 30 1234567", "phone"),
            ("0170 555 0101", "phone"),
            ("2025-12-31", "date"),
            ("31.12.2025", "date"),
            ("1.234,56", "number"),
            ("https://a.example", "url"),
            ("a.example", "domain"),
            ("a@b.example", "email"),
        ] {
            let mut s = Stats::default();
            s.see(text);
            let kinds = [
                ("phone", s.phones),
                ("date", s.dates),
                ("number", s.numbers),
                ("url", s.urls),
                ("domain", s.domains),
                ("email", s.emails),
            ];
            let found: Vec<_> = kinds.into_iter().filter(|(_, n)| *n > 0).map(|(k, _)| k).collect();
            assert_eq!(found, [kind], "{text}");
        }
    }
}
