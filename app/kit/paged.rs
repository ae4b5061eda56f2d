//! A list of any length, of which only the pages somebody looks at are fetched. Pages are found by cursors, from the
//! start and from the end; one far from both is asked for by its offset or, where the server knows none, walked to.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{Abort, Failure, Result};

/// Rows on a page.
pub const PAGE: usize = 100;
/// Pages fetched at once on the way to a far one.
const STRIDE: usize = 5;
/// Pages kept; those farthest from what is looked at go first.
const KEPT: usize = 120;

/// What is asked for: `limit` rows after `cursor`, or after skipping `offset` rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    pub cursor: String,
    pub offset: usize,
    /// in the opposite order, so from the end
    pub backward: bool,
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
    /// by page: the cursor that leads to it; by page counted from the end: the same in the opposite order
    cursors: HashMap<usize, String>,
    from_end: HashMap<usize, String>,
    stale: HashSet<usize>,
    busy: bool,
    range: Range<usize>,
    skips: bool,
    /// the order can be turned round
    turns: bool,
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

/// How a page is got.
enum Plan {
    Forward { page: usize, pages: usize, cursor: String, offset: usize },
    Backward { from_end: usize, pages: usize, cursor: String },
}

impl<T: Clone + Send + Sync + 'static> Paged<T> {
    pub fn new() -> Paged<T> {
        let none: Fetch<T> = Rc::new(|_, _| Box::pin(async { Err(Failure::aborted()) }));
        let way = Way {
            fetch: none,
            cursors: HashMap::new(),
            from_end: HashMap::new(),
            stale: HashSet::new(),
            busy: false,
            range: 0..1,
            skips: true,
            turns: true,
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

    /// Another list: its first page is fetched, and what was there stays until that has come. `turns` says whether
    /// `fetch` can give the opposite order.
    pub fn ask<Fut>(self, turns: bool, fetch: impl Fn(Wanted, Abort) -> Fut + 'static)
    where
        Fut: Future<Output = Result<Slice<T>>> + 'static,
    {
        self.way.update_value(|way| {
            way.fetch = Rc::new(move |wanted, abort| Box::pin(fetch(wanted, abort)));
            way.range = 0..1;
            way.turns = turns;
        });
        self.start();
    }

    /// The same list from its start, after a failure.
    pub fn start(self) {
        self.busy.set(true);
        let fresh = self.way.try_update_value(|way| {
            way.abort.cancel();
            way.abort = Abort::new();
            way.cursors = HashMap::from([(0, String::new())]);
            way.from_end = HashMap::from([(0, String::new())]);
            way.stale.clear();
            way.busy = true;
            way.turn += 1;
            (way.fetch.clone(), way.abort.clone(), way.turn)
        });
        let Some((fetch, abort, turn)) = fresh else { return };
        spawn_local(async move {
            let answer = fetch(Wanted { limit: PAGE, ..Wanted::default() }, abort.clone()).await;
            if abort.is_off() {
                return;
            }
            self.way.try_update_value(|way| way.busy = false);
            self.busy.try_set(false);
            match answer {
                Ok(slice) => {
                    self.failure.try_set(None);
                    self.rows.try_update(|rows| rows.pages.clear());
                    self.there.try_set(true);
                    let inexact = !slice.exact;
                    self.take(&Plan::Forward { page: 0, pages: 1, cursor: String::new(), offset: 0 }, slice);
                    if inexact {
                        self.count(fetch, abort, turn).await;
                    }
                    self.pump();
                }
                Err(failure) if failure.is("aborted") => {}
                Err(failure) => drop(self.failure.try_set(Some(failure))),
            }
        });
    }

    /// The exact length, when the first answer only said "at least".
    async fn count(self, fetch: Fetch<T>, abort: Abort, turn: u32) {
        self.pump();
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
        let known: Vec<usize> = self.rows.with_untracked(|rows| rows.pages.keys().copied().collect());
        self.way.try_update_value(|way| way.stale.extend(known));
        self.pump();
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
        self.way.try_update_value(|way| way.range = range);
        self.pump();
    }

    /// Starts the next fetch, if one is needed and none is under way.
    fn pump(self) {
        if !self.there.get_untracked() {
            return;
        }
        let plan = self.rows.with_untracked(|rows| {
            self.way.try_update_value(|way| {
                let plan = if way.busy { None } else { way.plan(rows) };
                way.busy |= plan.is_some();
                plan.map(|plan| (plan, way.fetch.clone(), way.abort.clone(), way.turn))
            })
        });
        let Some(Some((plan, fetch, abort, turn))) = plan else { return };
        let wanted = match &plan {
            Plan::Forward { pages, cursor, offset, .. } => {
                Wanted { cursor: cursor.clone(), offset: *offset, limit: pages * PAGE, ..Wanted::default() }
            }
            Plan::Backward { from_end, pages, cursor } => {
                let last = self.rows.with_untracked(|rows| rows.len.wrapping_sub(1) % PAGE + 1);
                let limit = if *from_end == 0 { last + (pages - 1) * PAGE } else { pages * PAGE };
                Wanted { cursor: cursor.clone(), backward: true, limit, ..Wanted::default() }
            }
        };
        let skipped = wanted.offset > 0;
        spawn_local(async move {
            let answer = fetch(wanted, abort.clone()).await;
            let current = self.way.try_update_value(|way| {
                let current = way.turn == turn;
                way.busy &= !current;
                current
            });
            if current != Some(true) || abort.is_off() {
                return;
            }
            match answer {
                Ok(slice) => {
                    self.failure.try_set(None);
                    self.take(&plan, slice);
                    self.pump();
                }
                // A server that knows no offset says that the parameter is wrong.
                Err(failure) if skipped && (400..500).contains(&failure.status) => {
                    self.way.try_update_value(|way| way.skips = false);
                    self.pump();
                }
                Err(failure) if failure.is("aborted") => {}
                Err(failure) => drop(self.failure.try_set(Some(failure))),
            }
        });
    }

    /// Puts what came where it belongs.
    fn take(self, plan: &Plan, slice: Slice<T>) {
        let pages = self.rows.try_update(|rows| {
            let known = slice.total.max(if rows.exact { rows.len } else { 0 });
            match plan {
                Plan::Forward { page, .. } => {
                    let end = page * PAGE + slice.rows.len();
                    (rows.len, rows.exact) = match (&slice.next, slice.exact) {
                        (None, _) => (end, true),
                        (Some(_), true) => (slice.total.max(end), true),
                        (Some(_), false) => (known.max(end + 1), rows.exact),
                    };
                    let chunks = slice.rows.chunks(PAGE).enumerate();
                    let came: Vec<usize> = chunks
                        .map(|(at, chunk)| {
                            rows.pages.insert(page + at, Arc::new(chunk.to_vec()));
                            page + at
                        })
                        .collect();
                    if slice.next.is_none() {
                        let last = end.saturating_sub(1) / PAGE;
                        rows.pages.retain(|page, _| *page <= last);
                    }
                    came
                }
                Plan::Backward { from_end, .. } => {
                    let mut all = slice.rows;
                    all.reverse();
                    let last_page = rows.len.saturating_sub(1) / PAGE;
                    let end = if *from_end == 0 { rows.len } else { (last_page + 1 - from_end) * PAGE };
                    let start = end.saturating_sub(all.len());
                    let first = start.div_ceil(PAGE);
                    let mut came = Vec::new();
                    for page in first..=last_page.saturating_sub(*from_end) {
                        let (from, to) = (page * PAGE - start, ((page + 1) * PAGE).min(end) - start);
                        if let Some(chunk) = all.get(from..to) {
                            rows.pages.insert(page, Arc::new(chunk.to_vec()));
                            came.push(page);
                        }
                    }
                    came
                }
            }
        });
        let Some(came) = pages else { return };
        self.way.try_update_value(|way| {
            for page in &came {
                way.stale.remove(page);
            }
            let (cursors, at) = match plan {
                Plan::Forward { page, pages, .. } => (&mut way.cursors, page + pages),
                Plan::Backward { from_end, pages, .. } => (&mut way.from_end, from_end + pages),
            };
            match slice.next {
                Some(next) => drop(cursors.insert(at, next)),
                None => drop(cursors.remove(&at)),
            }
        });
        self.forget_far_pages();
    }

    fn forget_far_pages(self) {
        let Some(middle) = self.way.try_with_value(|way| (way.range.start + way.range.end) / 2 / PAGE) else { return };
        let too_many = self.rows.with_untracked(|rows| rows.pages.len() > KEPT);
        if too_many {
            self.rows.update(|rows| rows.pages.retain(|page, _| page.abs_diff(middle) <= KEPT / 3));
        }
    }
}

impl<T> Way<T> {
    /// The first page that is looked at and not there, or one beside, and the way to it.
    fn plan(&self, rows: &Rows<T>) -> Option<Plan> {
        if rows.len == 0 {
            return None;
        }
        let last = (rows.len - 1) / PAGE;
        let (from, to) = ((self.range.start / PAGE).min(last), (self.range.end / PAGE).min(last));
        let lacks = |page: &usize| !rows.pages.contains_key(page);
        let beside = [(to + 1).min(last), from.saturating_sub(1)];
        let page = (from..=to)
            .find(lacks)
            .or_else(|| (from..=to).find(|page| self.stale.contains(page)))
            .or_else(|| beside.into_iter().find(lacks))?;
        let from_end = last - page;
        if let Some(cursor) = self.cursors.get(&page) {
            return Some(Plan::Forward { page, pages: 1, cursor: cursor.clone(), offset: 0 });
        }
        if let Some(cursor) = self.from_end.get(&from_end).filter(|_| rows.exact && self.turns) {
            return Some(Plan::Backward { from_end, pages: 1, cursor: cursor.clone() });
        }
        if self.skips {
            return Some(Plan::Forward { page, pages: 1, cursor: String::new(), offset: page * PAGE });
        }
        let nearest = |known: &HashMap<usize, String>, to: usize| {
            known.keys().copied().filter(|k| *k <= to).max().map(|k| (to - k, k))
        };
        let head = nearest(&self.cursors, page);
        let tail = nearest(&self.from_end, from_end).filter(|_| rows.exact && self.turns);
        let stride = |distance: usize| distance.clamp(1, STRIDE);
        match (head, tail) {
            (Some((near, _)), Some((far, at))) if far < near => {
                let cursor = self.from_end.get(&at).cloned().unwrap_or_default();
                Some(Plan::Backward { from_end: at, pages: stride(far), cursor })
            }
            (Some((distance, at)), _) => {
                let cursor = self.cursors.get(&at).cloned().unwrap_or_default();
                Some(Plan::Forward { page: at, pages: stride(distance), cursor, offset: 0 })
            }
            _ => None,
        }
    }
}
