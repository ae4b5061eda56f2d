//! What a caller asks for, checked before a job is made of it: a wrong field is told at once, not after a while.

use aplomb_model::query::{Filter, Sort};
use aplomb_model::{Action, Error, Id, Object, Result};
use serde::Deserialize;
use serde_json::Value as Json;

use super::state::{Kind, Order, Stored};
use crate::crm::Crm;
use crate::records::plan::Plan;
use crate::records::{Columns, Selection};
use crate::{Ctx, Map};

/// Records that may be named one by one.
const MOST_IDS: usize = 10_000;
/// Labels of fields in a title.
const NAMED: usize = 3;

/// A change of many records: those of `ids`, or those that filter and words select (all without both).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NewBulk {
    pub ids: Option<Vec<Id>>,
    pub filter: Option<Filter>,
    pub q: Option<String>,
    /// of those selected, not these
    pub except: Vec<Id>,
    /// null clears
    pub set: Option<Map>,
    /// into the trash
    pub delete: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NewExport {
    pub object: String,
    /// `csv` or `jsonl`
    pub format: String,
    pub filter: Option<Filter>,
    pub q: Option<String>,
    pub sort: Vec<Sort>,
    pub fields: Vec<String>,
    pub ids: Option<Vec<Id>>,
}

impl Crm {
    /// Starts changing or deleting; the job. Each record is decided when its turn comes, by the caller's rights then.
    ///
    /// Errors: `not_found`, `forbidden`; `invalid` naming the member that does not fit.
    pub fn bulk_start(&self, ctx: &Ctx, object: &str, new: NewBulk) -> Result<Json> {
        let action = if new.delete { Action::Delete } else { Action::Update };
        self.inner.authorise(ctx, object, Action::Read)?;
        let access = self.inner.authorise(ctx, object, action)?;
        match (&new.set, new.delete) {
            (Some(_), true) => return Err(Error::field("delete", "conflict", "not together with set")),
            (None, false) => {
                return Err(Error::field("set", "required", "give the new values of fields, or delete: true"));
            }
            _ => {}
        }
        let ids = named(new.ids, new.filter.is_some() || new.q.is_some())?;
        if new.except.len() > MOST_IDS {
            return Err(Error::field("except", "range", format!("at most {MOST_IDS} records")));
        }
        let title = match &new.set {
            Some(set) => {
                self.check_set(ctx, &access.object, set)?;
                format!("Change {}", labels(&access.object, set))
            }
            None => "Move to the trash".to_owned(),
        };
        let order = Order { ids, except: new.except, filter: new.filter, q: new.q, set: new.set, ..Order::default() };
        Selection::new(&self.inner, ctx, object, &order.selection())?;
        let mut job = Stored::new(ctx.new_id(), Kind::Bulk, object, ctx.actor.user, ctx.now);
        job.title = title;
        job.progress.total = order.ids.as_ref().map_or(0, |ids| ids.len() as u64);
        self.enter_job(ctx, job, &order, vec![], vec![])
    }

    /// Starts writing a file; the job. It is kept for 7 days, for the caller.
    ///
    /// Errors: `not_found`, `forbidden`; `invalid` naming the member that does not fit.
    pub fn export_start(&self, ctx: &Ctx, new: NewExport) -> Result<Json> {
        if new.object.is_empty() {
            return Err(Error::field("object", "required", "name the object to export"));
        }
        self.inner.authorise(ctx, &new.object, Action::Read)?;
        let access = self.inner.authorise(ctx, &new.object, Action::Export)?;
        if !matches!(new.format.as_str(), "csv" | "jsonl") {
            return Err(Error::field("format", "value", "must be csv or jsonl"));
        }
        Columns::parse(&access.object, &new.fields)?;
        let ids = named(new.ids, false)?;
        let title = format!("Export {} ({})", access.object.plural, new.format.to_uppercase());
        let order = Order {
            ids,
            filter: new.filter,
            q: new.q,
            format: new.format,
            sort: new.sort,
            fields: new.fields,
            ..Order::default()
        };
        self.inner.ask(ctx, access, &super::export::query(&order))?;
        let mut job = Stored::new(ctx.new_id(), Kind::Export, &new.object, ctx.actor.user, ctx.now);
        job.title = title;
        self.enter_job(ctx, job, &order, vec![], vec![])
    }

    fn check_set(&self, ctx: &Ctx, object: &Object, set: &Map) -> Result<()> {
        if set.is_empty() {
            return Err(Error::field("set", "required", "give at least one field"));
        }
        let under = |e: Error| match e.fields.is_empty() {
            true => e,
            false => Error::invalid(e.fields.into_iter().map(|f| f.under("set")).collect()),
        };
        let changes = Plan::new(&self.inner, ctx)?.read_fields(object, set).map_err(under)?;
        for field in changes.iter().filter(|(_, value)| value.is_some()).filter_map(|(code, _)| object.by_code(*code)) {
            if field.unique {
                return Err(Error::field(
                    format!("set.{}", field.name),
                    "not_unique",
                    "only one record can have a value",
                ));
            }
        }
        Ok(())
    }
}

fn named(ids: Option<Vec<Id>>, selected: bool) -> Result<Option<Vec<Id>>> {
    let Some(mut ids) = ids else { return Ok(None) };
    if selected {
        return Err(Error::field("ids", "conflict", "not together with filter or q"));
    }
    ids.sort_unstable();
    ids.dedup();
    if !(1..=MOST_IDS).contains(&ids.len()) {
        return Err(Error::field("ids", "range", format!("must be 1 to {MOST_IDS} records; a filter takes more")));
    }
    Ok(Some(ids))
}

/// `Stage, Owner`
fn labels(object: &Object, set: &Map) -> String {
    let mut names: Vec<&str> = set.keys().filter_map(|name| object.field(name)).map(|f| f.label.as_str()).collect();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
