//! Where a list comes from: the store when it keeps that order itself or while the index is rebuilt, else the index.

use aplomb_model::{Code, Error, Id, Record, Result, Seq};
use aplomb_search::{Index, ListQuery, SearchError};
use aplomb_store::{IndexRange, View};

use super::query::{Asked, StoreOrder};
use super::scan;
use crate::Total;
use crate::crm::Inner;
use crate::errors::{self, OrStore};
use crate::sessions::hex;

pub(super) struct List {
    pub records: Vec<Record>,
    pub next: Option<String>,
    pub total: Total,
    pub seq: Seq,
    pub view: View,
}

pub(super) fn list(inner: &Inner, asked: &Asked) -> Result<List> {
    let cursor = asked.cursor.as_deref();
    if let Some(order) = asked.store_order()
        && cursor.is_none_or(|c| c.starts_with(STORE))
    {
        return from_store(inner, asked, order);
    }
    if inner.follower.rebuilding() || cursor.is_some_and(|c| c.starts_with(scan::CURSOR)) {
        return scan::list(inner, asked, None);
    }
    let found = inner.ask_index(|index| {
        index.list(&ListQuery {
            object: asked.access.object.code,
            pred: asked.pred.clone(),
            rights: asked.access.rights(),
            text: asked.text.clone(),
            sort: asked.sort.clone(),
            limit: asked.limit,
            cursor: asked.cursor.clone(),
            offset: u64::from(asked.offset),
            count_up_to: asked.count_up_to,
        })
    })?;
    match found {
        Some(page) => from_index(inner, asked, page),
        None if cursor.is_some() => Err(Error::new(Code::NotReady, "the index is built again; begin the list anew")),
        None => scan::list(inner, asked, None),
    }
}

impl Inner {
    /// `None` when the index is damaged: it is being built anew, and the store must answer.
    pub(crate) fn ask_index<T>(
        &self,
        ask: impl FnOnce(&Index) -> std::result::Result<T, SearchError>,
    ) -> Result<Option<T>> {
        match ask(&self.index) {
            Ok(answer) => Ok(Some(answer)),
            Err(e) if e.is_damage() => {
                tracing::error!(error = %e, "index");
                self.follower.build_anew();
                Ok(None)
            }
            Err(e) => Err(errors::search(e)),
        }
    }
}

fn from_index(inner: &Inner, asked: &Asked, page: aplomb_search::Page) -> Result<List> {
    let view = inner.view()?;
    let found = view.get_many(asked.access.object.code, &page.ids).or_store()?;
    // what was trashed or handed over since the index saw it must not be shown
    let shown = |r: &Record| r.trashed_at.is_none() && asked.access.admits(r);
    Ok(List {
        records: found.into_iter().flatten().filter(shown).collect(),
        next: page.next,
        total: Total { count: page.total.count, exact: page.total.exact },
        seq: page.seq,
        view,
    })
}

const STORE: &str = "s.";

fn from_store(inner: &Inner, asked: &Asked, order: StoreOrder) -> Result<List> {
    let view = inner.view()?;
    let code = asked.access.object.code;
    let tag = match order {
        StoreOrder::Id { descending } => format!("{STORE}i{}", u8::from(descending)),
        StoreOrder::Index { field, descending } => format!("{STORE}{}.{}", field.0, u8::from(descending)),
    };
    let after = asked.cursor.as_deref().map(|c| read_cursor(c, &tag)).transpose()?;
    let (records, last) = match order {
        StoreOrder::Id { descending } => {
            let records = view.scan(code, after.map(|(_, id)| id), descending, asked.limit).or_store()?;
            let last = records.last().map(|r| (Vec::new(), r.id));
            (records, last)
        }
        StoreOrder::Index { field, descending } => {
            let keys = view.scan_index(code, field, IndexRange::all(), descending, after, asked.limit).or_store()?;
            let ids: Vec<Id> = keys.iter().map(|(_, id)| *id).collect();
            let records = view.get_many(code, &ids).or_store()?.into_iter().flatten().collect();
            (records, keys.last().cloned())
        }
    };
    let full = records.len() == asked.limit;
    let next = last.filter(|_| full).map(|(key, id)| format!("{tag}.{}.{}", hex(&key), hex(id.as_bytes())));
    let count = view.count(code).or_store()?;
    let most = asked.count_up_to as u64;
    let total = Total { count: count.min(most), exact: count <= most };
    Ok(List { records, next, total, seq: view.seq(), view })
}

fn read_cursor(cursor: &str, tag: &str) -> Result<(Vec<u8>, Id)> {
    let bad = || Error::new(Code::BadCursor, "the cursor belongs to another query");
    let rest = cursor.strip_prefix(tag).and_then(|r| r.strip_prefix('.')).ok_or_else(bad)?;
    let (key, id) = rest.split_once('.').ok_or_else(bad)?;
    let id = unhex(id).and_then(|b| Id::from_slice(&b)).ok_or_else(bad)?;
    Ok((unhex(key).ok_or_else(bad)?, id))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > 4_096 || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_of_other_queries_are_refused() {
        let id = Id::from_u128(7);
        let cursor = format!("s.i1.{}.{}", hex(&[1, 2, 255]), hex(id.as_bytes()));
        assert_eq!(read_cursor(&cursor, "s.i1").unwrap(), (vec![1, 2, 255], id));
        for (cursor, tag) in
            [(cursor.as_str(), "s.i0"), ("s.i1.", "s.i1"), ("s.i1.zz.00", "s.i1"), ("", "s.i1"), ("s.i1.é.é", "s.i1")]
        {
            assert_eq!(read_cursor(cursor, tag).map_err(|e| e.code), Err(Code::BadCursor), "{cursor}");
        }
    }
}
