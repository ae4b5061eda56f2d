//! Following records, and notices of what concerns the caller.

use aplomb_crm::ReadNotices;
use aplomb_model::Result;
use serde_json::json;

use crate::call::Call;
use crate::http::answer::Answer;

const NOTICES: usize = 50;
const MOST_NOTICES: usize = 500;

pub fn list(call: &Call) -> Result<Answer> {
    let only_unread = call.query.parsed("unread", "true or false")?.unwrap_or(false);
    let limit = call.query.limit(NOTICES, MOST_NOTICES)?;
    Answer::json(&call.open.crm.notices_list(&call.ctx, only_unread, limit, call.query.get("cursor"))?)
}

pub fn read(call: &Call) -> Result<Answer> {
    let which: ReadNotices = call.json()?;
    Answer::json(&json!({"unread": call.open.crm.notices_read(&call.ctx, &which)?}))
}

pub fn followers(call: &Call) -> Result<Answer> {
    Answer::json(&call.open.crm.followers(&call.ctx, &call.object()?, call.id()?)?)
}

pub fn follow(call: &Call) -> Result<Answer> {
    Answer::json(&call.open.crm.follow(&call.ctx, &call.object()?, call.id()?, true)?)
}

pub fn unfollow(call: &Call) -> Result<Answer> {
    Answer::json(&call.open.crm.follow(&call.ctx, &call.object()?, call.id()?, false)?)
}
