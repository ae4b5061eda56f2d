//! One question about the records of an object: compiled once, with the caller's rights inside.

use aplomb_model::query::{Clock, Compiler, Count, Filter, Path, SortKey};
use aplomb_model::schema::system;
use aplomb_model::{Action, Code, Error, Pred, Query, Result, Scope, Timestamp};

use super::{Access, Columns, Render, lists, page_limit};
use crate::crm::{Crm, Inner};
use crate::{Ctx, QueryPage};

/// Most rows that may be left out at the beginning of a list.
const MAX_OFFSET: u32 = 10_000_000;
/// Most of a list that is counted.
const COUNT_UP_TO: usize = 10_000;

/// A query in terms that the store and the index run.
pub(crate) struct Asked {
    pub access: Access,
    pub pred: Pred,
    pub text: Option<String>,
    pub sort: Vec<SortKey>,
    pub limit: usize,
    pub cursor: Option<String>,
    /// rows to leave out at the beginning; none with a cursor
    pub offset: u32,
    pub count_up_to: usize,
}

impl Crm {
    pub fn query(&self, ctx: &Ctx, object: &str, query: &Query) -> Result<QueryPage> {
        let access = self.inner.authorise(ctx, object, Action::Read)?;
        let columns = Columns::parse(&access.object, &query.fields)?;
        let asked = self.inner.ask(ctx, access, query)?;
        if let Some(at) = query.as_of {
            return self.as_of(ctx, asked, query, &columns, at);
        }
        if let Some(seq) = query.after {
            self.inner.caught_up(seq);
        }
        let mut figures = None;
        if !query.group_by.is_empty() || !query.aggregates.is_empty() {
            let page = self.inner.figures(ctx, &asked, query, None)?;
            if !wants_records(query) {
                return Ok(page);
            }
            figures = page.groups;
        }
        let list = lists::list(&self.inner, &asked)?;
        let schema = self.schema();
        let render = Render::new(&self.inner, &schema, &ctx.actor, &list.view)?;
        let records = list.records.iter().map(|r| render.record(&asked.access.object, r, &columns)).collect();
        let total = (query.count != Some(Count::None)).then_some(list.total);
        Ok(QueryPage { records, next: list.next, total, groups: figures, seq: list.seq })
    }

    fn as_of(&self, ctx: &Ctx, asked: Asked, query: &Query, columns: &Columns, at: Timestamp) -> Result<QueryPage> {
        let mut figures = None;
        if !query.group_by.is_empty() || !query.aggregates.is_empty() {
            let page = self.inner.figures(ctx, &asked, query, Some(at))?;
            if !wants_records(query) {
                return Ok(page);
            }
            figures = page.groups;
        }
        let list = super::scan::list(&self.inner, &asked, Some(at))?;
        let schema = self.schema();
        let render = Render::new(&self.inner, &schema, &ctx.actor, &list.view)?;
        let records = list.records.iter().map(|r| render.record(&asked.access.object, r, columns)).collect();
        Ok(QueryPage { records, next: list.next, total: Some(list.total), groups: figures, seq: list.seq })
    }
}

impl Inner {
    pub(crate) fn ask(&self, ctx: &Ctx, access: Access, query: &Query) -> Result<Asked> {
        let schema = self.schema();
        let currency = self.settings().organisation.currency;
        let compiler = Compiler { schema: &schema, clock: clock(ctx), currency, me: ctx.actor.user };
        let pred = match &query.filter {
            Some(filter) => {
                self.paths_allowed(ctx, &access, filter)?;
                compiler.filter(&access.object, filter)?
            }
            None => Pred::Const(true),
        };
        let sort = compiler.sort(&access.object, &query.sort)?;
        for (key, asked) in sort.iter().zip(&query.sort) {
            self.steps_allowed(ctx, &asked.field, &key.path)?;
        }
        let text = query.q.as_deref().map(str::trim).filter(|q| !q.is_empty()).map(|q| q.chars().take(500).collect());
        Ok(Asked {
            sort,
            pred,
            text,
            limit: page_limit(query.limit.map_or(0, |l| l.max(1) as usize)),
            cursor: query.cursor.clone(),
            offset: offset(query)?,
            count_up_to: if query.count == Some(Count::Exact) { usize::MAX } else { COUNT_UP_TO },
            access,
        })
    }

    pub(super) fn path(&self, ctx: &Ctx, access: &Access, text: &str) -> Result<Path> {
        let schema = self.schema();
        let currency = self.settings().organisation.currency;
        let compiler = Compiler { schema: &schema, clock: clock(ctx), currency, me: ctx.actor.user };
        let path = compiler
            .path(&access.object, text)
            .map_err(|e| Error { code: Code::BadFilter, ..Error::invalid(vec![e]) })?;
        self.steps_allowed(ctx, text, &path)?;
        Ok(path)
    }

    /// A condition on another object's field would tell what its records hold: only whoever may read all of them may ask.
    fn paths_allowed(&self, ctx: &Ctx, access: &Access, filter: &Filter) -> Result<()> {
        match filter {
            Filter::And { and: list } | Filter::Or { or: list } => {
                list.iter().try_for_each(|f| self.paths_allowed(ctx, access, f))
            }
            Filter::Not { not } => self.paths_allowed(ctx, access, not),
            Filter::Condition(c) if c.field.contains('.') => self.path(ctx, access, &c.field).map(|_| ()),
            Filter::Condition(_) => Ok(()),
        }
    }

    fn steps_allowed(&self, ctx: &Ctx, text: &str, path: &Path) -> Result<()> {
        let schema = self.schema();
        for (_, code) in &path.steps {
            let Some(object) = schema.by_code(*code) else { continue };
            if !object.internal && aplomb_access::scope(&ctx.actor, &object.name, Action::Read) != Scope::All {
                let e =
                    aplomb_model::FieldError::new(text, "not_allowed", "leads to records that you may not all read");
                return Err(Error { code: Code::BadFilter, ..Error::invalid(vec![e]) });
            }
        }
        Ok(())
    }
}

fn offset(query: &Query) -> Result<u32> {
    match query.offset.unwrap_or(0) {
        0 => Ok(0),
        _ if query.cursor.is_some() => Err(Error::field("offset", "conflict", "not together with a cursor")),
        offset if offset > MAX_OFFSET => {
            Err(Error::field("offset", "range", format!("must be a number from 0 to {MAX_OFFSET}")))
        }
        offset => Ok(offset),
    }
}

/// Totals stand beside the records they are of; groups come alone, since their `limit` is of groups, unless fields
/// of records or a page of them are asked for: then it is of records.
pub(super) fn wants_records(query: &Query) -> bool {
    let asked = !query.fields.is_empty() || query.cursor.is_some() || query.offset.is_some();
    query.limit != Some(0) && (asked || query.group_by.is_empty() && query.limit.is_some())
}

pub(super) fn clock(ctx: &Ctx) -> Clock {
    Clock { now: ctx.now, today: ctx.now.plus_seconds(i64::from(ctx.offset)).date(), offset: ctx.offset }
}

/// How the store can give a list without the index: which of its orders, and whether from the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreOrder {
    Id { descending: bool },
    Index { field: aplomb_model::FieldCode, descending: bool },
}

impl Asked {
    /// A list of everything in an order that the store keeps needs no index.
    pub fn store_order(&self) -> Option<StoreOrder> {
        if self.offset > 0 || self.pred != Pred::Const(true) || self.text.is_some() || !self.access.all() {
            return None;
        }
        match self.sort.as_slice() {
            [] => Some(StoreOrder::Id { descending: true }),
            [key] if key.path.field == system::ID => Some(StoreOrder::Id { descending: key.descending }),
            [key] if matches!(key.path.field, system::CREATED_AT | system::UPDATED_AT) => {
                Some(StoreOrder::Index { field: key.path.field, descending: key.descending })
            }
            _ => None,
        }
    }
}
