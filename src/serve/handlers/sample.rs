//! The sample data set.

use aplomb_model::Result;
use serde_json::json;

use crate::call::Call;
use crate::http::answer::Answer;

pub fn state(call: &Call) -> Result<Answer> {
    Answer::json(&json!({"loaded": call.open.crm.sample_loaded(&call.ctx)?}))
}

pub fn load(call: &Call) -> Result<Answer> {
    Ok(Answer::json(&call.open.crm.sample_load(&call.ctx)?)?.status(201))
}

pub fn remove(call: &Call) -> Result<Answer> {
    call.open.crm.sample_remove(&call.ctx)?;
    Ok(Answer::empty())
}
