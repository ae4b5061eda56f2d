//! A checked filter becomes sets of documents: every test is one scan over a column.
//!
//! The meaning is that of `Pred::matches` in the model, on records as they were indexed. One deviation: long text is
//! compared by its first [`crate::layout::LONG_TEXT`] bytes.

use std::ops::Bound;
use std::sync::Arc;

use aplomb_model::query::{Check, Kind, Path, Pred, Scalar, Test};
use aplomb_model::schema::system;
use aplomb_model::{Id, ObjectCode, fold};
use tantivy::columnar::StrColumn;

use crate::bits::Bits;
use crate::columns::{Col, Segment, rank_of};
use crate::error::SearchError;
use crate::layout::{self, id_text, is_text};
use crate::shard::View;

/// Finds what other objects' indexes see, for tests over references.
pub(crate) type Views<'a> = &'a dyn Fn(ObjectCode) -> Option<Arc<View>>;

/// A filter with references followed and values encoded; runs on any segment of its object.
pub(crate) enum Plan {
    Const(bool),
    And(Vec<Plan>),
    Or(Vec<Plan>),
    Not(Box<Plan>),
    Present { column: String, text: bool },
    Numbers { column: String, ranges: Vec<(u64, u64)> },
    Texts { column: String, test: Texts },
    Ids(Bound<u128>, Bound<u128>),
    IdIn(Vec<Id>),
}

pub(crate) enum Texts {
    /// sorted
    In(Vec<String>),
    Range(Bound<Vec<u8>>, Bound<Vec<u8>>),
    Contains(String),
    /// of keys, which are not folded in the dictionary
    FoldedContains(String),
    FoldedStartsWith(String),
}

/// A set of ordinals of a dictionary.
pub(crate) enum Ords {
    /// ends included, ascending
    Ranges(Vec<(u64, u64)>),
    Mask(Bits),
}

impl Ords {
    pub fn bytes(&self) -> u64 {
        match self {
            Ords::Ranges(ranges) => ranges.len() as u64 * 16,
            Ords::Mask(bits) => bits.bytes(),
        }
    }

    fn of(sorted: &[u64], terms: u64) -> Ords {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for ord in sorted {
            match ranges.last_mut() {
                Some((_, to)) if *to + 1 == *ord => *to = *ord,
                _ => ranges.push((*ord, *ord)),
            }
        }
        if ranges.len() <= 4 {
            return Ords::Ranges(ranges);
        }
        let mut mask = Bits::none(u32::try_from(terms).unwrap_or(u32::MAX));
        sorted.iter().for_each(|ord| mask.set(*ord as u32));
        Ords::Mask(mask)
    }
}

impl Plan {
    pub fn new(pred: &Pred, views: Views) -> Result<Plan, SearchError> {
        let all = |list: &[Pred]| list.iter().map(|p| Plan::new(p, views)).collect::<Result<Vec<_>, _>>();
        Ok(match pred {
            Pred::Const(b) => Plan::Const(*b),
            Pred::And(list) => Plan::And(all(list)?),
            Pred::Or(list) => Plan::Or(all(list)?),
            Pred::Not(p) => Plan::Not(Box::new(Plan::new(p, views)?)),
            Pred::Test(test) => match test.path.steps.split_first() {
                None => own(&test.path, &test.check),
                Some((step, rest)) => over_reference(test, *step, rest, views)?,
            },
        })
    }

    pub fn run(&self, segment: &Segment) -> Result<Bits, SearchError> {
        let len = segment.len();
        Ok(match self {
            Plan::Const(true) => Bits::all(len),
            Plan::Const(false) => Bits::none(len),
            Plan::And(list) => {
                let mut bits = Bits::all(len);
                for plan in list {
                    if bits.is_empty() {
                        break;
                    }
                    bits.and(&plan.run(segment)?);
                }
                bits
            }
            Plan::Or(list) => {
                let mut bits = Bits::none(len);
                for plan in list {
                    bits.or(&plan.run(segment)?);
                }
                bits
            }
            Plan::Not(plan) => {
                let mut bits = plan.run(segment)?;
                bits.not();
                bits
            }
            Plan::Present { column, text } => match segment.column(column, *text)? {
                Some(col) => col.present(len),
                None => Bits::none(len),
            },
            Plan::Numbers { column, ranges } => match segment.column(column, false)? {
                Some(col) => col.in_ranges(len, ranges),
                None => Bits::none(len),
            },
            Plan::Texts { column, test } => match segment.column(column, true)? {
                Some(col) => texts(segment, column, &col, test)?,
                None => Bits::none(len),
            },
            Plan::Ids(from, to) => ids_between(segment, from, to)?,
            Plan::IdIn(ids) => ids_in(segment, ids)?,
        })
    }
}

fn own(path: &Path, check: &Check) -> Plan {
    if path.field == system::ID {
        return own_id(check);
    }
    let column = layout::column(path.field, path.part);
    let text = is_text(path.kind);
    match check {
        Check::Empty => Plan::Not(Box::new(Plan::Present { column, text })),
        _ if path.kind == Kind::Opaque => Plan::Const(false),
        _ if text => texts_plan(path.kind, column, check),
        Check::Eq(s) => numbers(path.kind, column, std::slice::from_ref(s)),
        Check::In(list) => numbers(path.kind, column, list),
        Check::Range(from, to) => {
            let from = match bound(path.kind, from) {
                Some(Bound::Included(n)) => Some(n),
                Some(Bound::Excluded(n)) => n.checked_add(1),
                Some(Bound::Unbounded) => Some(i64::MIN),
                None => None,
            };
            let to = match bound(path.kind, to) {
                Some(Bound::Included(n)) => Some(n),
                Some(Bound::Excluded(n)) => n.checked_sub(1),
                Some(Bound::Unbounded) => Some(i64::MAX),
                None => None,
            };
            match (from, to) {
                (Some(a), Some(b)) if a <= b => Plan::Numbers { column, ranges: vec![(rank_of(a), rank_of(b))] },
                _ => Plan::Const(false),
            }
        }
        Check::Contains(_) | Check::StartsWith(_) => Plan::Const(false),
    }
}

fn bound(kind: Kind, bound: &Bound<Scalar>) -> Option<Bound<i64>> {
    Some(match bound {
        Bound::Included(s) => Bound::Included(encoded(kind, s)?),
        Bound::Excluded(s) => Bound::Excluded(encoded(kind, s)?),
        Bound::Unbounded => Bound::Unbounded,
    })
}

/// A number as the columns of this kind hold it.
fn encoded(kind: Kind, scalar: &Scalar) -> Option<i64> {
    match (kind, scalar) {
        (Kind::Number, Scalar::Int(n)) => layout::number(&Scalar::Number(*n as f64)),
        (Kind::Int, Scalar::Number(n)) if n.fract() == 0.0 && n.abs() < 9e18 => Some(*n as i64),
        (Kind::Number, Scalar::Number(_)) | (Kind::Int, Scalar::Int(_)) | (Kind::Bool, Scalar::Bool(_)) => {
            layout::number(scalar)
        }
        _ => None,
    }
}

fn numbers(kind: Kind, column: String, values: &[Scalar]) -> Plan {
    let mut values: Vec<u64> = values.iter().filter_map(|s| encoded(kind, s)).map(rank_of).collect();
    values.sort_unstable();
    values.dedup();
    match values.is_empty() {
        true => Plan::Const(false),
        false => Plan::Numbers { column, ranges: values.into_iter().map(|v| (v, v)).collect() },
    }
}

fn texts_plan(kind: Kind, column: String, check: &Check) -> Plan {
    let fits = |s: &Scalar| match (kind, s) {
        (Kind::Id, Scalar::Id(_)) | (Kind::Key, Scalar::Key(_)) | (Kind::Text, Scalar::Text(_)) => layout::text(s),
        _ => None,
    };
    let bound = |b: &Bound<Scalar>| {
        Some(match b {
            Bound::Included(s) => Bound::Included(fits(s)?.into_bytes()),
            Bound::Excluded(s) => Bound::Excluded(fits(s)?.into_bytes()),
            Bound::Unbounded => Bound::Unbounded,
        })
    };
    let test = match check {
        Check::Eq(s) => Texts::In(fits(s).into_iter().collect()),
        Check::In(list) => Texts::In(list.iter().filter_map(fits).collect()),
        Check::Range(from, to) => match (bound(from), bound(to)) {
            (Some(from), Some(to)) => Texts::Range(from, to),
            _ => return Plan::Const(false),
        },
        _ if kind == Kind::Id => return Plan::Const(false),
        Check::Contains(part) if kind == Kind::Key => Texts::FoldedContains(part.clone()),
        Check::StartsWith(start) if kind == Kind::Key => Texts::FoldedStartsWith(start.clone()),
        Check::Contains(part) => Texts::Contains(part.clone()),
        Check::StartsWith(start) => prefix(start),
        Check::Empty => return Plan::Const(false),
    };
    match test {
        Texts::In(list) if list.is_empty() => Plan::Const(false),
        Texts::In(mut list) => {
            list.sort_unstable();
            list.dedup();
            Plan::Texts { column, test: Texts::In(list) }
        }
        test => Plan::Texts { column, test },
    }
}

fn prefix(start: &str) -> Texts {
    let mut end = start.as_bytes().to_vec();
    match end.last_mut() {
        // UTF-8 has no byte 0xff.
        Some(last) => *last += 1,
        None => return Texts::Range(Bound::Unbounded, Bound::Unbounded),
    }
    Texts::Range(Bound::Included(start.as_bytes().to_vec()), Bound::Excluded(end))
}

fn own_id(check: &Check) -> Plan {
    let id = |s: &Scalar| if let Scalar::Id(id) = s { Some(*id) } else { None };
    let bound = |b: &Bound<Scalar>| {
        Some(match b {
            Bound::Included(s) => Bound::Included(id(s)?.as_u128()),
            Bound::Excluded(s) => Bound::Excluded(id(s)?.as_u128()),
            Bound::Unbounded => Bound::Unbounded,
        })
    };
    match check {
        Check::Eq(s) => Plan::IdIn(id(s).into_iter().collect()),
        Check::In(list) => Plan::IdIn(list.iter().filter_map(id).collect()),
        Check::Range(from, to) => match (bound(from), bound(to)) {
            (Some(from), Some(to)) => Plan::Ids(from, to),
            _ => Plan::Const(false),
        },
        Check::Contains(_) | Check::StartsWith(_) | Check::Empty => Plan::Const(false),
    }
}

/// Runs the rest of the test on the object the reference leads to; then the reference is one of the ids found.
fn over_reference(
    test: &Test,
    (field, target): (aplomb_model::FieldCode, ObjectCode),
    rest: &[(aplomb_model::FieldCode, ObjectCode)],
    views: Views,
) -> Result<Plan, SearchError> {
    let path = Path { steps: rest.to_vec(), ..test.path.clone() };
    let inner = Plan::new(&Pred::Test(Test { path, check: test.check.clone() }), views)?;
    let mut found = Vec::new();
    if let Some(view) = views(target) {
        for segment in &view.segments {
            let mut bits = inner.run(segment)?;
            if let Some(alive) = &segment.alive {
                bits.and(alive);
            }
            let ids = segment.ids()?;
            bits.blocks(false, |docs| found.extend(docs.iter().map(|doc| id_text(Id::from_u128(ids.get(*doc))))));
        }
    }
    found.sort_unstable();
    let column = layout::column(field, None);
    let reaches = match found.is_empty() {
        true => Plan::Const(false),
        false => Plan::Texts { column: column.clone(), test: Texts::In(found) },
    };
    Ok(match test.check {
        Check::Empty => Plan::Or(vec![Plan::Not(Box::new(Plan::Present { column, text: true })), reaches]),
        _ => reaches,
    })
}

fn texts(segment: &Segment, column: &str, col: &Col, test: &Texts) -> Result<Bits, SearchError> {
    let Some(text) = &col.text else { return Ok(Bits::none(segment.len())) };
    let scan = |pass: &dyn Fn(&str) -> bool| scan(text, pass);
    let ords = match test {
        Texts::In(list) => Arc::new(look_up(text, list)?),
        Texts::Range(from, to) => Arc::new(between(text, from, to)?),
        Texts::Contains(part) => {
            segment.ords(&format!("{column}\0*{part}"), || scan(&|term| term.contains(part.as_str())))?
        }
        Texts::FoldedContains(part) => Arc::new(scan(&|term| fold(term).contains(part.as_str()))?),
        Texts::FoldedStartsWith(start) => Arc::new(scan(&|term| fold(term).starts_with(start.as_str()))?),
    };
    Ok(match &*ords {
        Ords::Ranges(ranges) => col.in_ranges(segment.len(), ranges),
        Ords::Mask(mask) => col.passing(segment.len(), |ord| mask.get(ord as u32)),
    })
}

fn look_up(text: &StrColumn, sorted: &[String]) -> Result<Ords, SearchError> {
    let terms = text.num_terms();
    let mut ords = Vec::new();
    if sorted.len() * 16 > terms {
        let mut wanted = sorted.iter().map(String::as_bytes).peekable();
        let mut stream = text.dictionary().stream()?;
        while wanted.peek().is_some() && stream.advance() {
            while wanted.next_if(|w| *w < stream.key()).is_some() {}
            if wanted.next_if(|w| *w == stream.key()).is_some() {
                ords.push(stream.term_ord());
            }
        }
    } else {
        for term in sorted {
            ords.extend(text.dictionary().term_ord(term.as_bytes())?);
        }
    }
    Ok(Ords::of(&ords, terms as u64))
}

fn between(text: &StrColumn, from: &Bound<Vec<u8>>, to: &Bound<Vec<u8>>) -> Result<Ords, SearchError> {
    let (from, to) = text.dictionary().term_bounds_to_ord(from.as_ref(), to.as_ref())?;
    let last = (text.num_terms() as u64).checked_sub(1);
    let from = match from {
        Bound::Included(ord) => Some(ord),
        Bound::Excluded(ord) => ord.checked_add(1),
        Bound::Unbounded => Some(0),
    };
    let to = match to {
        Bound::Included(ord) => Some(ord),
        Bound::Excluded(ord) => ord.checked_sub(1),
        Bound::Unbounded => last,
    };
    Ok(Ords::Ranges(match (from, to, last) {
        (Some(from), Some(to), Some(last)) if from <= to.min(last) => vec![(from, to.min(last))],
        _ => vec![],
    }))
}

fn scan(text: &StrColumn, pass: &dyn Fn(&str) -> bool) -> Result<Ords, SearchError> {
    let mut ords = Vec::new();
    let mut stream = text.dictionary().stream()?;
    while stream.advance() {
        if std::str::from_utf8(stream.key()).is_ok_and(pass) {
            ords.push(stream.term_ord());
        }
    }
    Ok(Ords::of(&ords, text.num_terms() as u64))
}

fn ids_between(segment: &Segment, from: &Bound<u128>, to: &Bound<u128>) -> Result<Bits, SearchError> {
    let ids = segment.ids()?;
    let mut bits = Bits::none(segment.len());
    let range = (*from, *to);
    for doc in 0..segment.len() {
        if std::ops::RangeBounds::contains(&range, &ids.get(doc)) {
            bits.set(doc);
        }
    }
    Ok(bits)
}

fn ids_in(segment: &Segment, ids: &[Id]) -> Result<Bits, SearchError> {
    let mut bits = Bits::none(segment.len());
    for id in ids {
        crate::shard::documents_of(segment, *id, |doc| bits.set(doc))?;
    }
    Ok(bits)
}
