//! What a key of limited scope may do with what belongs to its user alone: follows, notices, views, jobs.

use aplomb_access::Via;
use aplomb_model::{Action, Result};

use crate::Ctx;
use crate::errors::forbidden;

/// A key that may only read changes nothing of its user's own either. `object`: what it is about, empty for anything.
pub(crate) fn may_change_own(ctx: &Ctx, object: &str) -> Result<()> {
    match &ctx.actor.via {
        Via::Token { scopes, .. } if !scopes.iter().any(|scope| scope.covers(object, Action::Update)) => {
            Err(forbidden())
        }
        _ => Ok(()),
    }
}
