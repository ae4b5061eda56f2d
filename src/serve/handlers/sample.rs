//! The sample data set.

use aplomb_model::Result;
use serde_json::json;

use crate::call::Call;
use crate::http::answer::Answer;

pub fn state(call: &Call) -> Result<Answer> {
    let settings = call.open.crm.settings(&call.ctx)?;
    let loaded = settings.get("sample").and_then(serde_json::Value::as_bool).unwrap_or(false);
    Answer::json(&json!({"loaded": loaded}))
}

pub fn load(call: &Call) -> Result<Answer> {
    Ok(Answer::json(&call.open.crm.sample_load(&call.ctx)?)?.status(201))
}

pub fn remove(call: &Call) -> Result<Answer> {
    call.open.crm.sample_remove(&call.ctx)?;
    Ok(Answer::empty())
}
