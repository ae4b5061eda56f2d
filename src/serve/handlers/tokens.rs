//! API keys.

use aplomb_model::Result;
use serde_json::{Value as Json, json};

use crate::call::Call;
use crate::http::answer::Answer;

pub fn list(call: &Call) -> Result<Answer> {
    Answer::json(&json!({"tokens": call.open.crm.tokens_list(&call.ctx)?}))
}

/// The key stands in the answer as `key` and, as some clients expect, as `token`.
pub fn create(call: &Call) -> Result<Answer> {
    let mut token = call.open.crm.token_create(&call.ctx, call.json()?)?;
    if let Json::Object(token) = &mut token
        && let Some(key) = token.get("key").cloned()
    {
        token.insert("token".to_owned(), key);
    }
    Ok(Answer::json(&token)?.status(201).secret())
}

pub fn revoke(call: &Call) -> Result<Answer> {
    call.open.crm.token_revoke(&call.ctx, call.id()?)?;
    Ok(Answer::empty())
}
