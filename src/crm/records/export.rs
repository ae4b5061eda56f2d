//! Everything a query selects, in pages, for those who may export it.

use aplomb_model::{Action, Query, Result};
use serde_json::Value as Json;

use super::{Access, Columns, Render, lists};
use crate::Ctx;
use crate::crm::{Crm, Inner};

/// Records read at a time: each page of an order asks the index anew.
const PAGE: usize = 2_000;

impl Crm {
    /// `each` gets page after page of records; returns how many there were. The rights to read and to export both hold.
    pub fn export(
        &self,
        ctx: &Ctx,
        object: &str,
        query: &Query,
        each: &mut dyn FnMut(Vec<Json>) -> Result<()>,
    ) -> Result<u64> {
        let readable = self.inner.authorise(ctx, object, Action::Read)?;
        let access = self.inner.authorise(ctx, object, Action::Export)?;
        let columns = Columns::parse(&access.object, &query.fields)?;
        let mut asked = self.inner.ask(ctx, access, query)?;
        asked.limit = PAGE;
        if let Some(seq) = query.after {
            self.inner.caught_up(seq);
        }
        let mut count = 0;
        loop {
            let list = match query.as_of {
                Some(at) => super::scan::list(&self.inner, &asked, Some(at))?,
                None => lists::list(&self.inner, &asked)?,
            };
            let page = page(&self.inner, ctx, &readable, &columns, &list)?;
            count += page.len() as u64;
            if !page.is_empty() {
                each(page)?;
            }
            match list.next {
                Some(next) => asked.cursor = Some(next),
                None => return Ok(count),
            }
        }
    }
}

fn page(inner: &Inner, ctx: &Ctx, readable: &Access, columns: &Columns, list: &lists::List) -> Result<Vec<Json>> {
    let schema = inner.schema();
    let render = Render::new(inner, &schema, &ctx.actor, &list.view)?;
    let seen = list.records.iter().filter(|r| readable.admits(r));
    Ok(seen.map(|r| render.record(&readable.object, r, columns)).collect())
}
