//! Records: the authorised handle, and a module per thing that can be done with them.

mod batch;
mod bulk;
mod changes;
mod export;
mod figures;
mod history;
mod input;
mod lists;
pub(crate) mod plan;
mod query;
mod render;
mod scan;
mod scan_figures;
mod search;
mod selection;
mod stages;
mod take_back;
mod timeline;
mod versions;
mod write;

use std::sync::Arc;

use aplomb_access::{Denied, Permit, RowFilter, decide, read_filter};
use aplomb_model::query::{Check, Kind, Path, Scalar, Test};
use aplomb_model::schema::system;
use aplomb_model::{Action, Error, Id, Object, Pred, Record, Result};
use aplomb_store::View;

pub(crate) use bulk::refused;
pub(crate) use changes::show as show_change;
pub(crate) use render::{Columns, Render};
pub(crate) use selection::{Selected, Selection};
pub(crate) use take_back::take_back;
pub use write::Begun;
pub(crate) use write::{check_version, writable};

use crate::Ctx;
use crate::crm::Inner;
use crate::errors::{self, OrStore, denied};

/// Most rows of one page.
pub(crate) const MAX_LIMIT: usize = 500;
pub(crate) const DEFAULT_LIMIT: usize = 50;

/// An object and the proof of what the caller may do with its records. There is no other way to them.
#[derive(Clone)]
pub(crate) struct Access {
    pub object: Arc<Object>,
    permit: Permit,
}

impl Inner {
    /// `NotFound` for an object the caller may not know of, `Forbidden` for an action he may not do.
    pub fn authorise(&self, ctx: &Ctx, name: &str, action: Action) -> Result<Access> {
        let schema = self.schema();
        let object = schema.by_name(name).filter(|o| !o.internal).ok_or_else(|| Error::not_found("object"))?;
        let permit = decide(&ctx.actor, object, action).map_err(denied)?;
        Ok(Access { object: object.clone(), permit })
    }

    /// The same for an object already looked up; `None` when nothing is allowed.
    pub fn access(&self, ctx: &Ctx, object: &Arc<Object>, action: Action) -> Option<Access> {
        let permit = decide(&ctx.actor, object, action).ok()?;
        Some(Access { object: object.clone(), permit })
    }
}

impl Access {
    /// The rights as a condition of a query.
    pub fn rights(&self) -> Pred {
        rights(&self.object, self.permit.rows())
    }

    pub fn all(&self) -> bool {
        *self.permit.rows() == RowFilter::All
    }

    pub fn admits(&self, record: &Record) -> bool {
        self.permit.admits(holder(&self.object, record))
    }

    /// A record in or out of the trash; `None` also when the caller may not see it.
    pub fn load(&self, view: &View, id: Id) -> Result<Option<Record>> {
        let record = view.get(self.object.code, id).or_store()?;
        Ok(record.filter(|r| self.admits(r)))
    }
}

/// Whose a record is for the purpose of rights: its owner's, or its creator's where there are no owners.
pub(crate) fn holder(object: &Object, record: &Record) -> Option<Id> {
    match object.owner() {
        Some(_) => object.owner_of(record),
        None => Some(record.created_by),
    }
}

fn rights(object: &Object, rows: &RowFilter) -> Pred {
    match rows {
        RowFilter::All => Pred::Const(true),
        RowFilter::None => Pred::Const(false),
        RowFilter::Owners(owners) => {
            let (field, field_type) = match object.owner() {
                Some(f) => (f.code, Some(f.kind)),
                None => (system::CREATED_BY, None),
            };
            let path = Path { steps: vec![], field, part: None, kind: Kind::Id, field_type };
            Pred::Test(Test { path, check: Check::In(owners.iter().map(|id| Scalar::Id(*id)).collect()) })
        }
    }
}

/// Whether the caller may do this with this record; the record is known to be visible to him.
pub(crate) fn may(ctx: &Ctx, object: &Object, action: Action, record: &Record) -> Result<()> {
    let rows = read_filter(&ctx.actor, object, action);
    if rows.admits(holder(object, record)) {
        return Ok(());
    }
    let visible = read_filter(&ctx.actor, object, Action::Read).admits(holder(object, record));
    Err(if visible { errors::forbidden() } else { denied(Denied { action, visible }) })
}

pub(crate) fn page_limit(limit: usize) -> usize {
    if limit == 0 { DEFAULT_LIMIT } else { limit.min(MAX_LIMIT) }
}
