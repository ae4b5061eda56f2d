//! Writing fields of a record that others write as well: what two people changed in different fields goes together, and
//! only a field that both changed is a conflict. A change whose answer was lost is not written twice.

use serde_json::{Map, Value as Json, json};

use super::{Call, Failure, Record, Result};

/// Times that somebody else may be quicker before it is given up.
const TRIES: u32 = 6;

/// Sets fields over what `base` shows. While the server cannot be reached the change waits.
/// Errors: 412 with the record as it is now (see [`there`]) when somebody else changed one of these fields.
pub async fn set_fields(base: &Record, fields: &Map<String, Json>) -> Result<Record> {
    let mut version = base.version;
    let mut left = TRIES;
    loop {
        let path = format!("/records/{}/{}", base.object, base.id);
        let call = Call::patch(path, json!({ "fields": fields })).if_version(version).patient();
        let failure = match call.json::<Record>().await {
            Ok(record) => return Ok(record),
            Err(failure) if failure.status == 412 && left > 0 => failure,
            Err(failure) => return Err(failure),
        };
        let Some(now) = there(&failure) else { return Err(failure) };
        let differing = failure.extra.get("conflicts").and_then(Json::as_array).cloned().unwrap_or_default();
        // Everything stands there as it was sent: the answer to an earlier try was lost.
        if differing.is_empty() {
            return Ok(now);
        }
        let untouched = |conflict: &Json| {
            let name = conflict.get("field").and_then(Json::as_str).unwrap_or_default();
            let (before, current) = (base.fields.get(name), conflict.get("current"));
            before.unwrap_or(&Json::Null) == current.unwrap_or(&Json::Null)
        };
        if !differing.iter().all(untouched) {
            return Err(failure);
        }
        version = now.version;
        left -= 1;
    }
}

/// The record as it is now, out of a refusal for its version.
pub fn there(failure: &Failure) -> Option<Record> {
    serde_json::from_value(failure.extra.get("current")?.clone()).ok()
}
