//! Declarations of objects and fields.

use aplomb_model::{Error, Object, Result};
use serde_json::{Value as Json, json};

use crate::call::Call;
use crate::http::answer::Answer;

pub fn list(call: &Call) -> Result<Answer> {
    let objects = call.open.crm.objects(&call.ctx)?;
    Answer::json(&json!({"objects": objects}))
}

pub fn create(call: &Call) -> Result<Answer> {
    let object = call.open.crm.object_create(&call.ctx, call.map()?)?;
    created(&object)
}

pub fn create_named(call: &Call) -> Result<Answer> {
    let mut declaration = call.map()?;
    declaration.insert("name".to_owned(), json!(call.object()?));
    let object = call.open.crm.object_create(&call.ctx, declaration)?;
    created(&object)
}

fn created(object: &Object) -> Result<Answer> {
    Ok(Answer::json(object)?.status(201).header("location", format!("/api/v1/objects/{}", object.name)))
}

pub fn show(call: &Call) -> Result<Answer> {
    Answer::json(&*call.open.crm.object(&call.ctx, &call.object()?)?)
}

pub fn update(call: &Call) -> Result<Answer> {
    Answer::json(&*call.open.crm.object_patch(&call.ctx, &call.object()?, call.map()?)?)
}

pub fn delete(call: &Call) -> Result<Answer> {
    call.open.crm.object_delete(&call.ctx, &call.object()?)?;
    Ok(Answer::empty())
}

pub fn fields(call: &Call) -> Result<Answer> {
    let object = call.open.crm.object(&call.ctx, &call.object()?)?;
    Answer::json(&json!({"fields": object.fields}))
}

pub fn field_show(call: &Call) -> Result<Answer> {
    let object = call.open.crm.object(&call.ctx, &call.object()?)?;
    field(&object, &call.arg::<String>("field")?)
}

/// What hangs on the field; imports are told by those who know them.
pub fn field_uses(call: &Call) -> Result<Answer> {
    let (object, name) = (call.object()?, call.arg::<String>("field")?);
    let mut uses = call.open.crm.field_uses(&call.ctx, &object, &name)?;
    let fills = |path: &str| path == name || path.strip_prefix(&name).is_some_and(|rest| rest.starts_with('.'));
    let imports = call.open.imports.list(&call.ctx).unwrap_or_default();
    let own = imports.iter().filter(|import| import.object == object);
    let count = own.filter(|i| i.columns.iter().any(|c| c.field.as_deref().is_some_and(fills))).count();
    if let Json::Object(members) = &mut uses {
        members.insert("imports".to_owned(), json!(count));
    }
    Answer::json(&uses)
}

pub fn field_create(call: &Call) -> Result<Answer> {
    let declaration = call.map()?;
    let Some(name) = declaration.get("name").and_then(|name| name.as_str()).map(str::to_owned) else {
        return Err(Error::field("name", "required", "a field needs a name"));
    };
    let object = call.open.crm.field_create(&call.ctx, &call.object()?, declaration)?;
    field(&object, &name).map(|answer| answer.status(201))
}

pub fn field_create_named(call: &Call) -> Result<Answer> {
    let (mut declaration, name) = (call.map()?, call.arg::<String>("field")?);
    declaration.insert("name".to_owned(), json!(name));
    let object = call.open.crm.field_create(&call.ctx, &call.object()?, declaration)?;
    field(&object, &name).map(|answer| answer.status(201))
}

pub fn field_update(call: &Call) -> Result<Answer> {
    let name = call.arg::<String>("field")?;
    let object = call.open.crm.field_patch(&call.ctx, &call.object()?, &name, call.map()?)?;
    field(&object, &name)
}

pub fn field_delete(call: &Call) -> Result<Answer> {
    call.open.crm.field_delete(&call.ctx, &call.object()?, &call.arg::<String>("field")?)?;
    Ok(Answer::empty())
}

fn field(object: &Object, name: &str) -> Result<Answer> {
    Answer::json(object.field(name).ok_or_else(|| Error::not_found("field"))?)
}
