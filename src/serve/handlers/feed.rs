//! Reading the change log.

use aplomb_model::Result;

use crate::call::Call;
use crate::http::answer::Answer;

const BATCHES: usize = 100;
const MOST_BATCHES: usize = 1_000;

pub fn changes(call: &Call) -> Result<Answer> {
    let since = call.seq("since")?.unwrap_or(0);
    Answer::json(&call.open.crm.changes(&call.ctx, since, call.query.limit(BATCHES, MOST_BATCHES)?)?)
}

pub fn audit(call: &Call) -> Result<Answer> {
    let since = call.seq("since")?.unwrap_or(0);
    Answer::json(&call.open.crm.audit(&call.ctx, since, call.query.limit(BATCHES, MOST_BATCHES)?)?)
}
