//! What a caller gives for a record, read against the declaration: every wrong field is named at once.

use aplomb_model::json::Reader;
use aplomb_model::schema::system;
use aplomb_model::{Error, FieldCode, FieldError, Object, Result, Value};

use super::plan::Plan;
use crate::Map;

/// A field and its new value; `None` clears.
pub(crate) type Changes = Vec<(FieldCode, Option<Value>)>;

impl Plan<'_> {
    pub fn read_fields(&self, object: &Object, fields: &Map) -> Result<Changes> {
        let reader = Reader { schema: &self.schema, currency: self.settings.organisation.currency };
        let mut changes = Changes::new();
        let mut errors = Vec::new();
        for (name, json) in fields {
            match read_one(&reader, object, name, json) {
                Ok(change) => changes.push(change),
                Err(e) => errors.push(e),
            }
        }
        if errors.is_empty() { Ok(changes) } else { Err(Error::invalid(errors)) }
    }

    /// Defaults of fields that were not named.
    pub fn defaults(&self, object: &Object, given: &Changes) -> Changes {
        let reader = Reader { schema: &self.schema, currency: self.settings.organisation.currency };
        let absent = object.live().filter(|f| given.iter().all(|(code, _)| *code != f.code));
        absent
            .filter_map(|f| {
                let value = reader.read(f, f.default.as_ref()?).ok()??;
                Some((f.code, Some(value)))
            })
            .collect()
    }
}

fn read_one(
    reader: &Reader<'_>,
    object: &Object,
    name: &str,
    json: &serde_json::Value,
) -> Result<(FieldCode, Option<Value>), FieldError> {
    let shown = || name.chars().take(100).collect::<String>();
    let Some(field) = object.live().find(|f| f.name == name) else {
        return Err(if system::by_name(name).is_some() {
            FieldError::new(name, "read_only", "is set by the system")
        } else {
            FieldError::new(shown(), "unknown_field", format!("{} has no such field", object.name))
        });
    };
    if field.read_only {
        return Err(FieldError::new(name, "read_only", "is set by the system"));
    }
    Ok((field.code, reader.read(field, json)?))
}
