//! Saved views.

use aplomb_model::Result;
use serde_json::json;

use crate::call::Call;
use crate::http::answer::Answer;

pub fn list(call: &Call) -> Result<Answer> {
    let object = call.query.get("object").filter(|name| !name.is_empty());
    Answer::json(&json!({"views": call.open.crm.views_list(&call.ctx, object)?}))
}

pub fn create(call: &Call) -> Result<Answer> {
    Ok(Answer::json(&call.open.crm.view_create(&call.ctx, call.json()?)?)?.status(201))
}

pub fn update(call: &Call) -> Result<Answer> {
    Answer::json(&call.open.crm.view_update(&call.ctx, call.id()?, call.json()?)?)
}

pub fn delete(call: &Call) -> Result<Answer> {
    call.open.crm.view_delete(&call.ctx, call.id()?)?;
    Ok(Answer::empty())
}
