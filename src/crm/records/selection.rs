//! What a query selects, as ids page by page in the order of ids: for work that changes the records while it goes
//! through them. What is created meanwhile is not part of it.

use std::cell::RefCell;
use std::collections::HashMap;

use aplomb_model::query::{Count, Sort};
use aplomb_model::value::Link;
use aplomb_model::{Action, Id, Query, Record, Result};

use super::lists;
use super::plan::Plan;
use super::query::Asked;
use crate::Ctx;
use crate::crm::Inner;
use crate::errors::OrStore;

/// A query that was read once, to be asked page by page.
pub(crate) struct Selection(Asked);

pub(crate) struct Selected {
    pub ids: Vec<Id>,
    /// to go on from
    pub next: Option<String>,
    /// of the whole
    pub total: u64,
}

impl Selection {
    /// Filter and words of the query, for what the caller may read. `ctx.now` is what relative times count from.
    pub fn new(inner: &Inner, ctx: &Ctx, object: &str, query: &Query) -> Result<Selection> {
        let access = inner.authorise(ctx, object, Action::Read)?;
        let sort = vec![Sort { field: "id".to_owned(), descending: false }];
        let query = Query { sort, count: Some(Count::Exact), cursor: None, ..query.clone() };
        Ok(Selection(inner.ask(ctx, access, &query)?))
    }

    /// False while the index is built again and the store alone would have to read everything for each page.
    pub fn ready(&self, inner: &Inner) -> bool {
        !inner.follower.rebuilding() || self.0.store_order().is_some()
    }

    pub fn page(&mut self, inner: &Inner, cursor: Option<String>, limit: usize) -> Result<Selected> {
        (self.0.cursor, self.0.limit) = (cursor, limit);
        let list = lists::list(inner, &self.0)?;
        Ok(Selected { ids: list.records.iter().map(|r| r.id).collect(), next: list.next, total: list.total.count })
    }

    /// Whether the record, as the plan sees it, is still one of those selected. Words are not looked for again.
    pub fn still_holds(&self, plan: &Plan<'_>, id: Id) -> Result<bool> {
        let Some(record) = plan.live(self.0.access.object.code, id)? else { return Ok(false) };
        let seen: RefCell<HashMap<Link, Option<Record>>> = RefCell::default();
        let read = |link: Link| plan.view.get(link.object, link.id).or_store().ok().flatten();
        let look_up = |link: Link| {
            let live = || read(link).filter(|r| r.trashed_at.is_none());
            seen.borrow_mut().entry(link).or_insert_with(live).clone()
        };
        Ok(self.0.pred.matches(&record, &look_up))
    }
}
