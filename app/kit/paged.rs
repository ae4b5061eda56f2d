//! A list of any length, of which only the pages somebody looks at are fetched: by the cursor that the page before gave,
//! else by how many rows lie before.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::ops::{Range, RangeInclusive};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{Abort, Failure, Result, pause};

/// Rows on a page.
pub const PAGE: usize = 60;
/// Pages asked for at once, and answers that may be on their way: one more than the one that a jump has made useless.
const MOST: usize = 3;
const AT_ONCE: usize = 2;
/// Milliseconds before rows that got lost on the way are asked for again.
const AGAIN: i32 = 2_000;
/// Pages kept; those farthest from what is looked at go first.
const KEPT: usize = 120;

/// What is asked for: `limit` rows after `cursor`, or after skipping `offset` rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    pub cursor: String,
    pub offset: usize,
    pub limit: usize,
    /// the length of the list must be exact
    pub exact: bool,
}

pub struct Slice<T> {
    pub rows: Vec<T>,
    pub next: Option<String>,
    pub total: usize,
    pub exact: bool,
}

type Fetching<T> = Pin<Box<dyn Future<Output = Result<Slice<T>>>>>;
type Fetch<T> = Rc<dyn Fn(Wanted, Abort) -> Fetching<T>>;

/// What has arrived.
pub struct Rows<T> {
    pub len: usize,
    pub exact: bool,
    pages: HashMap<usize, Arc<Vec<T>>>,
}

impl<T> Rows<T> {
    pub fn get(&self, index: usize) -> Option<&T> {
        self.pages.get(&(index / PAGE))?.get(index % PAGE)
    }

    /// Everything that has arrived, with its place.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.pages.iter().flat_map(|(page, rows)| rows.iter().enumerate().map(move |(at, row)| (page * PAGE + at, row)))
    }
}

/// What is known about the way to each page.
struct Way<T> {
    fetch: Fetch<T>,
    /// by page: the cursor that leads to it
    cursors: HashMap<usize, String>,
    stale: HashSet<usize>,
    /// pages on their way
    coming: Vec<RangeInclusive<usize>>,
    range: Range<usize>,
    /// the rows go by upwards
    upwards: bool,
    abort: Abort,
    turn: u32,
}

/// A fetch that is about to start.
struct Trip<T> {
    pages: RangeInclusive<usize>,
    wanted: Wanted,
    fetch: Fetch<T>,
    abort: Abort,
    turn: u32,
}

pub struct Paged<T: 'static> {
    pub rows: RwSignal<Rows<T>>,
    /// the first page is on its way
    pub busy: RwSignal<bool>,
    pub there: RwSignal<bool>,
    pub failure: RwSignal<Option<Failure>>,
    way: StoredValue<Way<T>, LocalStorage>,
}

impl<T> Clone for Paged<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Paged<T> {}

impl<T: Clone + Send + Sync + 'static> Paged<T> {
    pub fn new() -> Paged<T> {
        let none: Fetch<T> = Rc::new(|_, _| Box::pin(async { Err(Failure::aborted()) }));
        let way = Way {
            fetch: none,
            cursors: HashMap::new(),
            stale: HashSet::new(),
            coming: Vec::new(),
            range: 0..1,
            upwards: false,
            abort: Abort::new(),
            turn: 0,
        };
        let way = StoredValue::new_local(way);
        on_cleanup(move || {
            way.try_update_value(|way| way.abort.cancel());
        });
        Paged {
            rows: RwSignal::new(Rows { len: 0, exact: false, pages: HashMap::new() }),
            busy: RwSignal::new(true),
            there: RwSignal::new(false),
            failure: RwSignal::new(None),
            way,
        }
    }

    /// Another list: its first page is fetched, and what was there stays until that has come.
    pub fn ask<Fut>(self, fetch: impl Fn(Wanted, Abort) -> Fut + 'static)
    where
        Fut: Future<Output = Result<Slice<T>>> + 'static,
    {
        self.way.update_value(|way| {
            way.fetch = Rc::new(move |wanted, abort| Box::pin(fetch(wanted, abort)));
            way.range = 0..1;
        });
        self.start();
    }

    /// The same list from its start, after a failure.
    pub fn start(self) {
        self.busy.set(true);
        let fresh = self.way.try_update_value(|way| {
            way.abort.cancel();
            way.abort = Abort::new();
            way.cursors.clear();
            way.stale.clear();
            way.coming = vec![0..=0];
            way.turn += 1;
            (way.fetch.clone(), way.abort.clone(), way.turn)
        });
        let Some((fetch, abort, turn)) = fresh else { return };
        spawn_local(async move {
            let answer = fetch(Wanted { limit: PAGE, ..Wanted::default() }, abort.clone()).await;
            if abort.is_off() {
                return;
            }
            self.busy.try_set(false);
            match answer {
                Ok(slice) => {
                    self.failure.try_set(None);
                    self.rows.try_update(|rows| rows.pages.clear());
                    self.there.try_set(true);
                    let inexact = !slice.exact;
                    self.take(&(0..=0), slice);
                    self.pump();
                    if inexact {
                        self.count(fetch, abort, turn).await;
                    }
                }
                Err(failure) => self.fail(&(0..=0), failure),
            }
        });
    }

    fn fail(self, pages: &RangeInclusive<usize>, failure: Failure) {
        self.way.try_update_value(|way| way.coming.retain(|coming| coming != pages));
        // What is shown stays, and the rest comes when the server is back.
        if failure.is("network") && self.there.try_get_untracked() == Some(true) {
            spawn_local(async move {
                pause(AGAIN).await;
                self.pump();
            });
        }
        if !failure.is("aborted") {
            self.failure.try_set(Some(failure));
        }
    }

    /// The exact length, when the first answer only said "at least".
    async fn count(self, fetch: Fetch<T>, abort: Abort, turn: u32) {
        let wanted = Wanted { limit: 1, exact: true, ..Wanted::default() };
        if let Ok(slice) = fetch(wanted, abort).await
            && self.way.try_with_value(|way| way.turn) == Some(turn)
        {
            self.rows.try_update(|rows| {
                rows.len = slice.total.max(rows.len);
                rows.exact = slice.exact;
            });
        }
    }

    /// Fetches what is looked at again, without greying anything out.
    pub fn refresh(self) {
        let known = self.rows.try_with_untracked(|rows| rows.pages.keys().copied().collect::<Vec<_>>());
        self.way.try_update_value(|way| {
            // Rows may have come or gone, so cursors would leave gaps.
            way.cursors.clear();
            way.stale.extend(known.filter(|known| !known.is_empty()).unwrap_or_else(|| vec![0]));
        });
        self.pump();
    }

    /// Whether no answer is on its way.
    pub fn is_settled(self) -> bool {
        self.way.try_with_value(|way| way.coming.is_empty()) != Some(false)
    }

    /// Changes every row that `fits` where it stands, before the server is asked again.
    pub fn amend(self, fits: impl Fn(&T) -> bool, change: impl Fn(&mut T)) {
        self.rows.try_update(|rows| {
            for page in rows.pages.values_mut().filter(|page| page.iter().any(&fits)) {
                Arc::make_mut(page).iter_mut().filter(|row| fits(row)).for_each(&change);
            }
        });
    }

    /// These rows are looked at.
    pub fn look_at(self, range: Range<usize>) {
        self.way.try_update_value(|way| {
            way.upwards = range.start < way.range.start;
            way.range = range;
        });
        self.pump();
    }

    /// Starts the fetches that are needed, as far as fewer than [`AT_ONCE`] are under way.
    fn pump(self) {
        if self.there.try_get_untracked() != Some(true) {
            return;
        }
        while let Some(Trip { pages, wanted, fetch, abort, turn }) = self.next() {
            spawn_local(async move {
                let answer = fetch(wanted, abort.clone()).await;
                if abort.is_off() || self.way.try_with_value(|way| way.turn) != Some(turn) {
                    return;
                }
                match answer {
                    Ok(slice) => {
                        self.failure.try_set(None);
                        self.take(&pages, slice);
                        self.pump();
                    }
                    Err(failure) => self.fail(&pages, failure),
                }
            });
        }
    }

    /// The next pages to fetch, noted as coming.
    fn next(self) -> Option<Trip<T>> {
        let planned = self.rows.try_with_untracked(|rows| {
            self.way.try_update_value(|way| {
                let pages = way.plan(rows)?;
                let (first, count) = (*pages.start(), pages.end() - pages.start() + 1);
                let cursor = way.cursors.get(&first).cloned().unwrap_or_default();
                let offset = if cursor.is_empty() { first * PAGE } else { 0 };
                way.coming.push(pages.clone());
                let wanted = Wanted { cursor, offset, limit: count * PAGE, exact: false };
                Some(Trip { pages, wanted, fetch: way.fetch.clone(), abort: way.abort.clone(), turn: way.turn })
            })
        });
        planned.flatten().flatten()
    }

    /// Puts what came where it belongs.
    fn take(self, pages: &RangeInclusive<usize>, slice: Slice<T>) {
        let (first, last) = (*pages.start(), *pages.end());
        self.rows.try_update(|rows| {
            let known = slice.total.max(if rows.exact { rows.len } else { 0 });
            let end = first * PAGE + slice.rows.len();
            (rows.len, rows.exact) = match (&slice.next, slice.exact) {
                // Skipping more rows than there are says nothing but that.
                (None, true) if slice.rows.is_empty() => (slice.total.min(end), true),
                (None, _) => (end, true),
                (Some(_), true) => (slice.total.max(end), true),
                (Some(_), false) => (known.max(end + 1), rows.exact),
            };
            for (at, chunk) in slice.rows.chunks(PAGE).enumerate() {
                rows.pages.insert(first + at, Arc::new(chunk.to_vec()));
            }
            if slice.next.is_none() {
                let last = rows.len.saturating_sub(1) / PAGE;
                rows.pages.retain(|page, _| *page <= last);
            }
        });
        self.way.try_update_value(|way| {
            way.coming.retain(|coming| coming != pages);
            way.stale.retain(|page| !pages.contains(page));
            match slice.next {
                Some(next) => drop(way.cursors.insert(last + 1, next)),
                None => drop(way.cursors.remove(&(last + 1))),
            }
        });
        self.forget_far_pages();
    }

    fn forget_far_pages(self) {
        let Some(middle) = self.way.try_with_value(|way| (way.range.start + way.range.end) / 2 / PAGE) else { return };
        if self.rows.try_with_untracked(|rows| rows.pages.len() > KEPT) == Some(true) {
            self.rows.update(|rows| rows.pages.retain(|page, _| page.abs_diff(middle) <= KEPT / 3));
        }
    }
}

impl<T> Way<T> {
    /// The pages to fetch next: those that are looked at and lack, then those that have changed, then those beside, most of
    /// them where the rows are going.
    fn plan(&self, rows: &Rows<T>) -> Option<RangeInclusive<usize>> {
        if rows.len == 0 && self.stale.is_empty() || self.coming.len() >= AT_ONCE {
            return None;
        }
        let last = rows.len.saturating_sub(1) / PAGE;
        let (from, to) = ((self.range.start / PAGE).min(last), (self.range.end / PAGE).min(last));
        let comes = |page: usize| self.coming.iter().any(|pages| pages.contains(&page));
        let lacks = |page: &usize| !rows.pages.contains_key(page) && !comes(*page);
        let is_stale = |page: &usize| self.stale.contains(page) && !comes(*page);
        let run = |first: usize, most: usize, fits: &dyn Fn(&usize) -> bool| {
            let end = (first..=last).take(most).take_while(fits).last().unwrap_or(first);
            first..=end
        };
        if let Some(first) = (from..=to).find(lacks) {
            return Some(run(first, MOST.min(to - first + 1), &lacks));
        }
        if let Some(first) = (from..=to).find(is_stale) {
            return Some(run(first, MOST.min(to - first + 1), &is_stale));
        }
        // A page beside never takes the way from one that is looked at.
        if !self.coming.is_empty() {
            return None;
        }
        let ahead = (to + 1..=last.min(to + 2)).find(lacks).map(|first| run(first, 2, &lacks));
        let behind = from.checked_sub(1).filter(lacks).map(|page| page.saturating_sub(1)..=page);
        let behind = behind.map(|pages| if lacks(pages.start()) { pages } else { *pages.end()..=*pages.end() });
        if self.upwards { behind.or(ahead) } else { ahead.or(behind) }
    }
}
