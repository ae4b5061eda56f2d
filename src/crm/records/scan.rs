//! Lists by reading every record: while the index is rebuilt, and as of a time in the past, which has no index.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;

use aplomb_model::query::{Path, Scalar, SortKey};
use aplomb_model::value::Link;
use aplomb_model::{Code, Error, Id, Object, Record, Result, Timestamp, Value, fold};
use aplomb_store::View;

use super::Access;
use super::lists::List;
use super::query::Asked;
use crate::Total;
use crate::crm::Inner;
use crate::errors::OrStore;

pub(super) const CURSOR: &str = "f.";
const PAGE: usize = 1_000;
/// Most rows that are left out at the beginning: they are held in memory meanwhile.
const MAX_OFFSET: u32 = 20_000;

/// Calls `each` with every record that the query selects, by id.
pub(super) fn every(
    view: &View,
    asked: &Asked,
    at: Option<Timestamp>,
    mut each: impl FnMut(Record) -> Result<()>,
) -> Result<()> {
    let code = asked.access.object.code;
    let seen: RefCell<HashMap<Link, Option<Record>>> = RefCell::default();
    let look_up = |link: Link| {
        let mut seen = seen.borrow_mut();
        seen.entry(link).or_insert_with(|| read(view, link, at)).clone()
    };
    let mut after = None;
    loop {
        let page = match at {
            Some(at) => view.as_of_scan(code, at, after, PAGE).or_store()?,
            None => view.scan(code, after, false, PAGE).or_store()?,
        };
        let Some(last) = page.last().map(|r| r.id) else { return Ok(()) };
        let full = page.len() == PAGE;
        after = Some(last);
        for record in page {
            if selects(asked, &record, &look_up) {
                each(record)?;
            }
        }
        if !full {
            return Ok(());
        }
    }
}

fn read(view: &View, link: Link, at: Option<Timestamp>) -> Option<Record> {
    match at {
        Some(at) => view.as_of(link.object, link.id, at).ok().flatten(),
        None => view.get(link.object, link.id).ok().flatten().filter(|r| r.trashed_at.is_none()),
    }
}

fn selects(asked: &Asked, record: &Record, look_up: &dyn Fn(Link) -> Option<Record>) -> bool {
    asked.access.admits(record)
        && asked.pred.matches(record, look_up)
        && asked.text.as_deref().is_none_or(|text| mentions(&asked.access.object, record, text))
}

/// Every word of the query begins a word of a searched field.
pub(super) fn mentions(object: &Object, record: &Record, text: &str) -> bool {
    let fields = object.live().filter(|f| f.search > 0).filter_map(|f| record.get(f.code));
    let haystack = fields.map(Value::text).map(|t| format!(" {}", fold(&t))).collect::<String>();
    let haystack = haystack.replace(|c: char| !c.is_alphanumeric(), " ");
    let words = fold(text);
    words.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).all(|w| haystack.contains(&format!(" {w}")))
}

pub(super) fn list(inner: &Inner, asked: &Asked, at: Option<Timestamp>) -> Result<List> {
    if asked.offset > MAX_OFFSET {
        return Err(match at {
            Some(_) => Error::field("offset", "range", format!("at most {MAX_OFFSET} together with asOf")),
            None => Error::new(Code::NotReady, "the index is built again; jump that far once it is complete"),
        });
    }
    let skipped = asked.offset as usize;
    let wanted = asked.limit + skipped;
    let view = inner.view()?;
    let seen: RefCell<HashMap<Link, Option<Record>>> = RefCell::default();
    let look_up = |link: Link| seen.borrow_mut().entry(link).or_insert_with(|| read(&view, link, at)).clone();
    let order = |a: &Record, b: &Record| compare(&asked.sort, a, b, &look_up);
    let from = asked.cursor.as_deref().map(|c| start(&view, &asked.access, c, at)).transpose()?;
    let mut best: Vec<Record> = Vec::new();
    let mut count = 0u64;
    every(&view, asked, at, |record| {
        count += 1;
        if from.as_ref().is_none_or(|from| order(from, &record).is_lt()) {
            best.push(record);
        }
        if best.len() > 4 * wanted + 4_000 {
            best.sort_by(order);
            best.truncate(wanted + 1);
        }
        Ok(())
    })?;
    best.sort_by(order);
    let more = best.len() > wanted;
    best.truncate(wanted);
    best.drain(..skipped.min(best.len()));
    let next = best.last().filter(|_| more).map(|r| format!("{CURSOR}{}", r.id));
    let most = asked.count_up_to as u64;
    let total = Total { count: count.min(most), exact: count <= most };
    Ok(List { records: best, next, total, seq: view.seq(), view })
}

/// The last record of the page before.
fn start(view: &View, access: &Access, cursor: &str, at: Option<Timestamp>) -> Result<Record> {
    let bad = || Error::new(Code::BadCursor, "the cursor belongs to another query");
    let id: Id = cursor.strip_prefix(CURSOR).and_then(|t| t.parse().ok()).ok_or_else(bad)?;
    let record = match at {
        Some(at) => view.as_of(access.object.code, id, at).or_store()?,
        None => view.get(access.object.code, id).or_store()?,
    };
    record.ok_or_else(bad)
}

/// Missing values last; ties by id, newest first unless the last key ascends.
fn compare(sort: &[SortKey], a: &Record, b: &Record, look_up: &dyn Fn(Link) -> Option<Record>) -> Ordering {
    for key in sort {
        let value = |r: &Record| first_value(&key.path, r, look_up);
        let order = match (value(a), value(b)) {
            (Some(x), Some(y)) if key.descending => y.order(&x),
            (Some(x), Some(y)) => x.order(&y),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        if order.is_ne() {
            return order;
        }
    }
    if sort.last().is_none_or(|k| k.descending) { b.id.cmp(&a.id) } else { a.id.cmp(&b.id) }
}

/// What the index sorts by as well: the first value, of the first record that has one.
fn first_value(path: &Path, record: &Record, look_up: &dyn Fn(Link) -> Option<Record>) -> Option<Scalar> {
    let Some(((field, _), rest)) = path.steps.split_first() else {
        return path.own_scalars(record).into_iter().next();
    };
    let rest = Path { steps: rest.to_vec(), ..path.clone() };
    let mut links = record.get(*field)?.links().iter();
    links.find_map(|link| first_value(&rest, &look_up(*link)?, look_up))
}
