//! Keys: order-preserving, so that every indexed field sorts.
//!
//! The first byte names the space. Text ends with a zero byte; zeros and ones inside are escaped, so that a text sorts
//! before every text it is a prefix of, and the id may follow.

use std::ops::Bound;

use aplomb_model::query::{Kind, Scalar};
use aplomb_model::{FieldCode, Id, ObjectCode, Seq, Timestamp};
use sha2::{Digest, Sha256};

/// Which kind of row a key is for. Part of the stored format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Space {
    /// name
    Meta = 1,
    /// object, id: live records
    Record = 2,
    /// object, id: records in the trash
    Trash = 3,
    /// object, time, id
    TrashTime = 4,
    /// object, field, value, id
    Index = 5,
    /// target, object, field, id
    Ref = 6,
    /// seq
    Log = 7,
    /// object, id, seq
    History = 8,
    /// object, id: the key to personal data in the log
    LogKey = 9,
    /// kind, key
    Doc = 10,
    /// id
    Job = 11,
    /// due, id
    JobDue = 12,
}

/// Texts longer than this are cut in a key and told apart by a hash: they sort by their first 200 bytes.
const TEXT_LIMIT: usize = 200;
const ID: usize = 16;

/// How many leading bytes of a key name a part of the space whose keys mostly ascend: the records of one object, the
/// index of one field.
pub(crate) fn part_len(key: &[u8]) -> usize {
    match key.first() {
        Some(2 | 3 | 8) => 3.min(key.len()),
        Some(5) => 5.min(key.len()),
        Some(_) => 1,
        None => 0,
    }
}

/// Which part of an index to read.
#[derive(Debug, Clone)]
pub struct IndexRange {
    pub min: Bound<Scalar>,
    pub max: Bound<Scalar>,
    /// texts that start so; folded as the indexed text is
    pub prefix: Option<String>,
}

impl IndexRange {
    pub fn all() -> IndexRange {
        IndexRange::between(Bound::Unbounded, Bound::Unbounded)
    }

    pub fn between(min: Bound<Scalar>, max: Bound<Scalar>) -> IndexRange {
        IndexRange { min, max, prefix: None }
    }

    pub fn exact(scalar: Scalar) -> IndexRange {
        IndexRange::between(Bound::Included(scalar.clone()), Bound::Included(scalar))
    }

    pub fn starts_with(prefix: impl Into<String>) -> IndexRange {
        IndexRange { prefix: Some(prefix.into()), ..IndexRange::all() }
    }
}

pub(crate) fn space(space: Space) -> Vec<u8> {
    vec![space as u8]
}

pub(crate) fn meta(name: &str) -> Vec<u8> {
    join(Space::Meta, &[name.as_bytes()])
}

pub(crate) fn count(object: ObjectCode) -> Vec<u8> {
    join(Space::Meta, &[b"count", &object.0.to_be_bytes()])
}

pub(crate) fn layout(object: ObjectCode) -> Vec<u8> {
    join(Space::Meta, &[b"layout", &object.0.to_be_bytes()])
}

/// All rows of an object in a space that is ordered by object.
pub(crate) fn object(space: Space, object: ObjectCode) -> Vec<u8> {
    join(space, &[&object.0.to_be_bytes()])
}

/// A row of `Record`, `Trash` or `LogKey`.
pub(crate) fn of_record(space: Space, object: ObjectCode, id: Id) -> Vec<u8> {
    join(space, &[&object.0.to_be_bytes(), id.as_bytes()])
}

pub(crate) fn trash_time(object: ObjectCode, at: Timestamp, id: Id) -> Vec<u8> {
    join(Space::TrashTime, &[&object.0.to_be_bytes(), &ordered(at.micros()), id.as_bytes()])
}

pub(crate) fn log(seq: Seq) -> Vec<u8> {
    join(Space::Log, &[&seq.to_be_bytes()])
}

pub(crate) fn history(object: ObjectCode, id: Id, seq: Seq) -> Vec<u8> {
    join(Space::History, &[&object.0.to_be_bytes(), id.as_bytes(), &seq.to_be_bytes()])
}

pub(crate) fn index_field(object: ObjectCode, field: FieldCode) -> Vec<u8> {
    join(Space::Index, &[&object.0.to_be_bytes(), &field.0.to_be_bytes()])
}

/// An index key without its first bytes, as format 1 kept it.
pub(crate) fn index_row(object: u16, rest: &[u8]) -> Vec<u8> {
    join(Space::Index, &[&object.to_be_bytes(), rest])
}

/// The part of an index key that all records with this value share.
pub(crate) fn index_value(object: ObjectCode, field: FieldCode, value: &[u8]) -> Vec<u8> {
    join(Space::Index, &[&object.0.to_be_bytes(), &field.0.to_be_bytes(), value])
}

pub(crate) fn reference(target: Id, object: ObjectCode, field: FieldCode, id: Id) -> Vec<u8> {
    join(Space::Ref, &[target.as_bytes(), &object.0.to_be_bytes(), &field.0.to_be_bytes(), id.as_bytes()])
}

pub(crate) fn references(target: Id) -> Vec<u8> {
    join(Space::Ref, &[target.as_bytes()])
}

/// `kind` is free of NUL: `Batch::check` sees to it.
pub(crate) fn doc(kind: &str, key: &[u8]) -> Vec<u8> {
    join(Space::Doc, &[kind.as_bytes(), &[0], key])
}

pub(crate) fn job(id: Id) -> Vec<u8> {
    join(Space::Job, &[id.as_bytes()])
}

pub(crate) fn job_due(due: Timestamp, id: Id) -> Vec<u8> {
    join(Space::JobDue, &[&ordered(due.micros()), id.as_bytes()])
}

fn join(space: Space, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|p| p.len()).sum::<usize>());
    key.push(space as u8);
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

/// The id at the end of a key.
pub(crate) fn id_at_end(key: &[u8]) -> Option<Id> {
    key.len().checked_sub(ID).and_then(|at| Id::from_slice(&key[at..]))
}

pub(crate) fn u16_at(key: &[u8], at: usize) -> Option<u16> {
    key.get(at..at + 2).and_then(|b| b.try_into().ok()).map(u16::from_be_bytes)
}

pub(crate) fn seq_at_end(key: &[u8]) -> Option<Seq> {
    key.len().checked_sub(8).and_then(|at| key[at..].try_into().ok()).map(Seq::from_be_bytes)
}

/// Signed numbers in byte order.
fn ordered(n: i64) -> [u8; 8] {
    ((n as u64) ^ (1 << 63)).to_be_bytes()
}

fn from_ordered(bytes: [u8; 8]) -> i64 {
    (u64::from_be_bytes(bytes) ^ (1 << 63)) as i64
}

/// Floating point in byte order (IEEE 754 totalOrder; -0 equals 0).
fn ordered_f64(n: f64) -> [u8; 8] {
    let bits = if n == 0.0 { 0 } else { n.to_bits() };
    let bits = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
    bits.to_be_bytes()
}

fn from_ordered_f64(bytes: [u8; 8]) -> f64 {
    let bits = u64::from_be_bytes(bytes);
    f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits })
}

/// Order-preserving bytes; values of one kind compare as their scalars do.
pub fn encode_scalar(scalar: &Scalar) -> Vec<u8> {
    match scalar {
        Scalar::Bool(b) => vec![u8::from(*b)],
        Scalar::Int(n) => ordered(*n).to_vec(),
        Scalar::Number(n) => ordered_f64(*n).to_vec(),
        Scalar::Text(s) | Scalar::Key(s) => encode_text(s),
        Scalar::Id(id) => id.as_bytes().to_vec(),
    }
}

/// Reads back what [`encode_scalar`] wrote; `None` when it is not of that kind, or a text that was cut.
pub fn decode_scalar(bytes: &[u8], kind: Kind) -> Option<Scalar> {
    let text = || match bytes.split_last()? {
        (0, escaped) => String::from_utf8(unescape(escaped)?).ok(),
        _ => None,
    };
    Some(match kind {
        Kind::Bool => match bytes {
            [0] => Scalar::Bool(false),
            [1] => Scalar::Bool(true),
            _ => return None,
        },
        Kind::Int => Scalar::Int(from_ordered(bytes.try_into().ok()?)),
        Kind::Number => Scalar::Number(from_ordered_f64(bytes.try_into().ok()?)),
        Kind::Text => Scalar::Text(text()?),
        Kind::Key => Scalar::Key(text()?),
        Kind::Id => Scalar::Id(Id::from_slice(bytes)?),
        Kind::Opaque => return None,
    })
}

fn encode_text(text: &str) -> Vec<u8> {
    let mut out = escape(&text.as_bytes()[..text.len().min(TEXT_LIMIT)]);
    if text.len() > TEXT_LIMIT {
        // Escaped as hexadecimal, so that the terminator stays the only zero byte.
        for byte in &Sha256::digest(text.as_bytes())[..12] {
            out.extend([0x10 + (byte >> 4), 0x10 + (byte & 15)]);
        }
    }
    out.push(0);
    out
}

/// The bytes that all texts starting so start with.
pub(crate) fn encode_text_prefix(prefix: &str) -> Vec<u8> {
    escape(&prefix.as_bytes()[..prefix.len().min(TEXT_LIMIT)])
}

fn escape(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1);
    for &byte in bytes {
        if byte < 2 {
            out.push(1);
        }
        out.push(if byte < 2 { byte + 1 } else { byte });
    }
    out
}

fn unescape(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut bytes = bytes.iter();
    while let Some(&byte) = bytes.next() {
        out.push(match byte {
            0 => return None,
            1 => bytes.next()?.checked_sub(1).filter(|b| *b < 2)?,
            b => b,
        });
    }
    Some(out)
}

/// The least key above all that start with `prefix`; `None` when there is none.
pub(crate) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let end = prefix.iter().rposition(|b| *b != 0xff)?;
    let mut key = prefix[..=end].to_vec();
    key[end] += 1;
    Some(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scalar(kind: Kind) -> BoxedStrategy<Scalar> {
        match kind {
            Kind::Bool => any::<bool>().prop_map(Scalar::Bool).boxed(),
            Kind::Int => prop_oneof![any::<i64>(), -300i64..300].prop_map(Scalar::Int).boxed(),
            Kind::Number => {
                prop_oneof![any::<f64>().prop_filter("finite", |n| n.is_finite()), Just(0.0), Just(-0.0), -2.0..2.0f64]
                    .prop_map(|n| Scalar::Number(if n == 0.0 { 0.0 } else { n }))
                    .boxed()
            }
            Kind::Id => any::<u128>().prop_map(|n| Scalar::Id(Id::from_u128(n))).boxed(),
            _ => prop_oneof!["[\0\u{1}\u{2}ab]{0,6}", ".{0,20}", "[ab]{190,230}"].prop_map(Scalar::Text).boxed(),
        }
    }

    fn pairs() -> impl Strategy<Value = (Kind, Scalar, Scalar)> {
        prop::sample::select(vec![Kind::Bool, Kind::Int, Kind::Number, Kind::Id, Kind::Text])
            .prop_flat_map(|kind| (Just(kind), scalar(kind), scalar(kind)))
    }

    fn is_cut(scalar: &Scalar) -> bool {
        matches!(scalar, Scalar::Text(s) if s.len() > TEXT_LIMIT)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn encoding_keeps_order_and_reads_back((kind, a, b) in pairs()) {
            let (ka, kb) = (encode_scalar(&a), encode_scalar(&b));
            if is_cut(&a) || is_cut(&b) {
                prop_assert_eq!(ka == kb, a == b);
            } else {
                prop_assert_eq!(ka.cmp(&kb), a.order(&b));
                prop_assert_eq!(decode_scalar(&ka, kind), Some(a));
            }
        }

        #[test]
        fn no_value_is_a_prefix_of_another((_, a, b) in pairs()) {
            prop_assume!(a != b);
            let (ka, kb) = (encode_scalar(&a), encode_scalar(&b));
            prop_assert!(!ka.starts_with(&kb) && !kb.starts_with(&ka));
        }

        #[test]
        fn after_prefix_is_the_least_upper_bound(prefix in prop::collection::vec(any::<u8>(), 0..4), rest in prop::collection::vec(any::<u8>(), 0..4)) {
            let inside = [prefix.clone(), rest].concat();
            match after_prefix(&prefix) {
                Some(end) => {
                    prop_assert!(inside < end);
                    prop_assert!(end.len() <= prefix.len());
                }
                None => prop_assert!(prefix.iter().all(|b| *b == 0xff)),
            }
        }
    }
}
