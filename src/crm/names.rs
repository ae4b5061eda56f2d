//! What records are called, for whoever shows references to them.

use std::collections::BTreeSet;

use aplomb_model::Result;
use aplomb_model::value::Link;

use crate::Ctx;
use crate::crm::{Crm, Names};
use crate::records::Render;

impl Crm {
    /// `None` for a record that is not there or that the caller may not see.
    pub fn names_of(&self, ctx: &Ctx, links: BTreeSet<Link>) -> Result<Names> {
        let (schema, view) = (self.schema(), self.inner.view()?);
        let render = Render::new(&self.inner, &schema, &ctx.actor, &view)?;
        Ok(links.into_iter().map(|link| (link, render.name(link))).collect())
    }
}
