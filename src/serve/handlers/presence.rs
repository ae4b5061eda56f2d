//! Who else is at a record.

use aplomb_model::{Error, Id, Result};
use serde::Deserialize;
use serde_json::json;

use crate::call::Call;
use crate::http::answer::Answer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Here {
    object: String,
    id: Id,
    /// the field that is being changed
    #[serde(default)]
    field: Option<String>,
    #[serde(default)]
    leave: bool,
}

pub fn stay(call: &Call) -> Result<Answer> {
    let Here { object, id, field, leave } = call.json()?;
    let presence = &call.app.presence;
    if leave {
        presence.leave(call, &(object, id))?;
        return Answer::json(&json!({"others": []}));
    }
    let declared = call.open.crm.readable(&call.ctx, &object, id)?;
    if let Some(name) = &field
        && !declared.live().any(|f| f.name == *name)
    {
        return Err(Error::field("field", "unknown_field", format!("{object} has no such field")));
    }
    Answer::json(&json!({"others": presence.stay(call, (object, id), field)?}))
}
