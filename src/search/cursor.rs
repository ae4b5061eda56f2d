//! Where a page ended, as opaque text. A cursor carries a hash of its query, so that it is refused by another one.

use std::hash::{DefaultHasher, Hash, Hasher};

use aplomb_model::query::{Check, Path, Pred, SortKey};
use aplomb_model::schema::FieldType;

use crate::error::SearchError;

const VERSION: u8 = 1;

/// A value that a page is sorted by, comparable over all segments.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// sorts last, whatever the direction
    Missing,
    Number(u64),
    Text(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub query: u64,
    /// how tolerant the full-text search was
    pub tolerance: u8,
    pub places: Vec<Place>,
    pub id: u128,
}

impl Cursor {
    pub fn text(&self) -> String {
        let mut bytes = vec![VERSION, self.tolerance];
        bytes.extend(self.query.to_le_bytes());
        bytes.extend(self.id.to_le_bytes());
        for place in &self.places {
            match place {
                Place::Missing => bytes.push(0),
                Place::Number(n) => {
                    bytes.push(1);
                    bytes.extend(n.to_le_bytes());
                }
                Place::Text(text) => {
                    bytes.push(2);
                    bytes.extend((text.len() as u32).to_le_bytes());
                    bytes.extend(text.as_bytes());
                }
            }
        }
        encode(&bytes)
    }

    /// Errors: [`SearchError::BadCursor`] unless it was made for a query of this hash.
    pub fn parse(text: &str, query: u64) -> Result<Cursor, SearchError> {
        let bytes = decode(text).ok_or(SearchError::BadCursor)?;
        let cursor = Reader(&bytes).cursor().ok_or(SearchError::BadCursor)?;
        if cursor.query == query { Ok(cursor) } else { Err(SearchError::BadCursor) }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn cursor(&mut self) -> Option<Cursor> {
        if self.take(1)? != [VERSION] {
            return None;
        }
        let tolerance = self.take(1)?[0];
        let query = u64::from_le_bytes(self.take(8)?.try_into().ok()?);
        let id = u128::from_le_bytes(self.take(16)?.try_into().ok()?);
        let mut places = Vec::new();
        while let Some(tag) = self.take(1) {
            places.push(match tag[0] {
                0 => Place::Missing,
                1 => Place::Number(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
                2 => {
                    let len = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
                    Place::Text(String::from_utf8(self.take(len as usize)?.to_vec()).ok()?)
                }
                _ => return None,
            });
        }
        Some(Cursor { query, tolerance, places, id })
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// RFC 4648 section 5, without padding.
fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        (0..=chunk.len()).for_each(|at| out.push(ALPHABET[(n >> (18 - 6 * at) & 63) as usize] as char));
    }
    out
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in text.as_bytes().chunks(4) {
        let mut n = 0u32;
        for byte in chunk {
            n = n << 6 | ALPHABET.iter().position(|a| a == byte)? as u32;
        }
        n <<= 6 * (4 - chunk.len());
        let bytes = n.to_be_bytes();
        out.extend_from_slice(&bytes[1..chunk.len().checked_sub(1).filter(|len| *len > 0)? + 1]);
    }
    Some(out)
}

/// Hashes what decides which rows a page holds and in which order. Bounds of dates and times stay out, since
/// those of `withinLast` move between two pages.
pub(crate) fn hash_of(object: u16, pred: &Pred, text: Option<&str>, sort: &[SortKey]) -> u64 {
    let mut h = DefaultHasher::new();
    object.hash(&mut h);
    text.hash(&mut h);
    hash_pred(pred, &mut h);
    for key in sort {
        hash_path(&key.path, &mut h);
        key.descending.hash(&mut h);
    }
    h.finish()
}

fn hash_path(path: &Path, h: &mut impl Hasher) {
    path.steps.hash(h);
    path.field.hash(h);
    path.part.hash(h);
}

fn hash_pred(pred: &Pred, h: &mut impl Hasher) {
    std::mem::discriminant(pred).hash(h);
    match pred {
        Pred::Const(b) => b.hash(h),
        Pred::And(list) | Pred::Or(list) => {
            list.len().hash(h);
            list.iter().for_each(|p| hash_pred(p, h));
        }
        Pred::Not(p) => hash_pred(p, h),
        Pred::Test(test) => {
            hash_path(&test.path, h);
            std::mem::discriminant(&test.check).hash(h);
            let moving = matches!(test.path.field_type, Some(FieldType::Date | FieldType::DateTime));
            if !(moving && matches!(test.check, Check::Range(..))) {
                format!("{:?}", test.check).hash(h);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_and_foreign_ones_are_refused() {
        for places in [
            vec![],
            vec![Place::Missing],
            vec![Place::Number(u64::MAX), Place::Text("日本".into()), Place::Text(String::new()), Place::Missing],
        ] {
            let cursor = Cursor { query: 7, tolerance: 2, places, id: u128::MAX - 5 };
            let text = cursor.text();
            assert_eq!(Cursor::parse(&text, 7).ok(), Some(cursor));
            assert!(matches!(Cursor::parse(&text, 8), Err(SearchError::BadCursor)));
            for bad in ["", "x", "====", &text[1..], &format!("{text}*")] {
                assert!(matches!(Cursor::parse(bad, 7), Err(SearchError::BadCursor)), "{bad}");
            }
        }
    }
}
