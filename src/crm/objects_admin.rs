//! Declarations at run time: objects and fields that admins add, and what they change about the standard ones.

use std::sync::Arc;

use aplomb_access::{can, scope};
use aplomb_model::id::{FIRST_CUSTOM_FIELD, FIRST_CUSTOM_OBJECT};
use aplomb_model::json::Reader;
use aplomb_model::{Action, Capability, Code, Error, Field, FieldError, FieldType, Object, Result, Schema, Scope};
use aplomb_store::{Op, View};
use serde_json::{Value as Json, json};

use crate::crm::Crm;
use crate::declared::{self, FieldChanges, OBJECT, OVERLAY, Overlay, SCHEMA};
use crate::errors::{OrInternal, OrStore, forbidden};
use crate::{Ctx, Map};

const MOST_OBJECTS: usize = 200;
const MOST_FIELDS: usize = 500;
const MOST_CHOICES: usize = 2_000;
/// Fields that every object of one's own has as well, with their codes.
const OWNER: u16 = 900;
const TAGS: u16 = 901;
const EXTERNAL_IDS: u16 = 902;

impl Crm {
    /// Those whose records the caller may read, users and teams included.
    pub fn objects(&self, ctx: &Ctx) -> Result<Vec<Arc<Object>>> {
        let readable = |o: &&Arc<Object>| o.internal || scope(&ctx.actor, &o.name, Action::Read) != Scope::None;
        Ok(self.schema().objects().filter(readable).cloned().collect())
    }

    pub fn object(&self, ctx: &Ctx, name: &str) -> Result<Arc<Object>> {
        let objects = self.objects(ctx)?;
        objects.into_iter().find(|o| o.name == name).ok_or_else(|| Error::not_found("object"))
    }

    /// `{name, label, plural, icon?, title, list?, fields: [...]}`; codes are given by the system.
    pub fn object_create(&self, ctx: &Ctx, mut declaration: Map) -> Result<Arc<Object>> {
        self.declare(ctx, |view, schema| {
            for given in ["code", "custom", "internal"] {
                declaration.shift_remove(given);
            }
            let last = declared::counter(view.doc(SCHEMA, b"codes").or_store()?.as_deref());
            let code =
                u16::try_from(last).unwrap_or(0).max(FIRST_CUSTOM_OBJECT - 1).checked_add(1).filter(|c| *c < 60_000);
            let code = code.ok_or_else(|| Error::new(Code::Conflict, "there is no code left for another object"))?;
            let mut json = Json::Object(declaration.clone());
            json["code"] = json!(code);
            number_fields(&mut json, FIRST_CUSTOM_FIELD);
            let object: Object =
                serde_json::from_value(json).map_err(|e| Error::new(Code::Invalid, format!("object: {e}")))?;
            let object = Object { custom: true, ..with_common_fields(object) };
            if schema.by_name(&object.name).is_some() {
                return Err(Error::new(Code::NotUnique, "there is an object of this name"));
            }
            if schema.objects().filter(|o| o.custom).count() >= MOST_OBJECTS {
                return Err(Error::new(
                    Code::Conflict,
                    format!("there can be at most {MOST_OBJECTS} objects of one's own"),
                ));
            }
            check_object(schema, &object)?;
            let codes = Op::Doc {
                kind: SCHEMA,
                key: b"codes".to_vec(),
                value: Some(code.to_string().into_bytes()),
                logged: false,
            };
            Ok((object.name.clone(), vec![whole(&object)?, codes]))
        })
    }

    /// `{label?, plural?, icon?, list?, title?}`; the title of objects of one's own only.
    pub fn object_patch(&self, ctx: &Ctx, name: &str, patch: Map) -> Result<Arc<Object>> {
        self.declare(ctx, |view, schema| {
            let mut object = known(schema, name)?;
            let mut overlay = declared::overlay(view, name)?;
            for (key, value) in &patch {
                let text =
                    || value.as_str().map(str::to_owned).ok_or_else(|| Error::field(key, "type", "must be text"));
                match key.as_str() {
                    "label" => (object.label, overlay.label) = (text()?, Some(text()?)),
                    "plural" => (object.plural, overlay.plural) = (text()?, Some(text()?)),
                    "icon" => (object.icon, overlay.icon) = (text()?, Some(text()?)),
                    "title" if object.custom => object.title = text()?,
                    "list" => {
                        let list: Vec<String> = serde_json::from_value(value.clone())
                            .map_err(|_| Error::field("list", "type", "must be a list of fields"))?;
                        (object.list, overlay.list) = (list.clone(), Some(list));
                    }
                    _ => {
                        return Err(Error::field(
                            key.chars().take(60).collect::<String>(),
                            "read_only",
                            "cannot be changed",
                        ));
                    }
                }
            }
            check_object(schema, &object)?;
            let op = if object.custom { whole(&object)? } else { over(name, &overlay)? };
            Ok((name.to_owned(), vec![op]))
        })
    }

    /// Only objects of one's own, and only without records.
    pub fn object_delete(&self, ctx: &Ctx, name: &str) -> Result<()> {
        let object = self.schema().by_name(name).cloned().ok_or_else(|| Error::not_found("object"))?;
        if !object.custom {
            return Err(Error::new(Code::Conflict, "a standard object cannot be deleted"));
        }
        let referring = |o: &&Arc<Object>| o.name != name && o.live().any(|f| f.target.iter().any(|t| t == name));
        if self.schema().objects().any(|o| referring(&o)) {
            return Err(Error::new(Code::InUse, "fields of other objects refer to it"));
        }
        self.declare(ctx, |view, _| {
            let trash = view.trash(object.code, None, 1).or_store()?;
            if view.count(object.code).or_store()? > 0 || !trash.is_empty() {
                return Err(Error::new(Code::InUse, "there are records of this object, perhaps in the trash"));
            }
            let op = Op::Doc { kind: OBJECT, key: name.as_bytes().to_vec(), value: None, logged: true };
            Ok(("user".to_owned(), vec![op]))
        })?;
        Ok(())
    }

    pub fn field_create(&self, ctx: &Ctx, object: &str, mut declaration: Map) -> Result<Arc<Object>> {
        self.declare(ctx, |view, schema| {
            let mut owner = known(schema, object)?;
            for given in ["code", "custom", "retired", "readOnly"] {
                declaration.shift_remove(given);
            }
            let last = owner.fields.iter().map(|f| f.code.0).max().unwrap_or(0).max(FIRST_CUSTOM_FIELD - 1);
            let mut json = Json::Object(declaration.clone());
            json["code"] = json!(last + 1);
            let field: Field =
                serde_json::from_value(json).map_err(|e| Error::new(Code::Invalid, format!("field: {e}")))?;
            let field = Field { custom: true, ..field };
            if owner.fields.iter().any(|f| f.name == field.name) {
                return Err(Error::new(Code::NotUnique, "there is, or was, a field of this name"));
            }
            if field.required && field.default.is_none() && view.count(owner.code).or_store()? > 0 {
                return Err(Error::field("required", "value", "cannot be: there are records without a value"));
            }
            if owner.fields.len() >= MOST_FIELDS {
                return Err(Error::new(Code::Conflict, format!("an object has at most {MOST_FIELDS} fields")));
            }
            owner.fields.push(field.clone());
            check_field(schema, &owner, &field)?;
            let op = if owner.custom {
                whole(&owner)?
            } else {
                let mut overlay = declared::overlay(view, object)?;
                overlay.fields.push(field);
                over(object, &overlay)?
            };
            Ok((object.to_owned(), vec![op]))
        })
    }

    /// Everything but the name, the type and what depends on them.
    pub fn field_patch(&self, ctx: &Ctx, object: &str, field: &str, patch: Map) -> Result<Arc<Object>> {
        let changes: FieldChanges = serde_json::from_value(Json::Object(patch))
            .map_err(|e| Error::new(Code::Invalid, format!("field: {e}")))?;
        let after = self.field_change(ctx, object, field, &changes)?;
        if changes.search.is_some() {
            self.inner.follower.index_again(after.code);
        }
        Ok(after)
    }

    /// Values stay in the records and their history; the field is shown no more.
    pub fn field_delete(&self, ctx: &Ctx, object: &str, field: &str) -> Result<Arc<Object>> {
        let declared = self.schema().by_name(object).cloned().ok_or_else(|| Error::not_found("object"))?;
        let found = declared.field(field).ok_or_else(|| Error::not_found("field"))?;
        if !found.custom && !declared.custom {
            return Err(Error::new(Code::Conflict, "a standard field cannot be deleted"));
        }
        if declared.title == field {
            return Err(Error::new(Code::InUse, "the field names the records"));
        }
        let gone =
            FieldChanges { retired: Some(true), required: Some(false), unique: Some(false), ..Default::default() };
        self.field_change(ctx, object, field, &gone)
    }

    fn field_change(&self, ctx: &Ctx, object: &str, field: &str, changes: &FieldChanges) -> Result<Arc<Object>> {
        self.declare(ctx, |view, schema| {
            let mut owner = known(schema, object)?;
            let found = owner.fields.iter_mut().find(|f| f.name == field).ok_or_else(|| Error::not_found("field"))?;
            let newly_strict =
                changes.unique == Some(true) && !found.unique || changes.required == Some(true) && !found.required;
            changes.apply(found);
            let found = found.clone();
            if newly_strict && found.unique && view.count(owner.code).or_store()? > 0 {
                return Err(Error::field("unique", "value", "cannot be made unique while there are records"));
            }
            check_field(schema, &owner, &found)?;
            let op = if owner.custom {
                whole(&owner)?
            } else {
                let mut overlay = declared::overlay(view, object)?;
                match overlay.fields.iter_mut().find(|f| f.name == field) {
                    Some(own) => *own = found,
                    None => overlay.changes.entry(field.to_owned()).or_default().merge(changes.clone()),
                }
                over(object, &overlay)?
            };
            Ok((object.to_owned(), vec![op]))
        })
    }

    /// One change of a declaration at a time: write it, then put it into force in the store, the index and here.
    fn declare(
        &self,
        ctx: &Ctx,
        mut change: impl FnMut(&View, &Schema) -> Result<(String, Vec<Op>)>,
    ) -> Result<Arc<Object>> {
        if !can(&ctx.actor, Capability::ManageSchema) {
            return Err(forbidden());
        }
        let _turn = self.inner.declaring.lock();
        let view = self.inner.view()?;
        let (name, mut ops) = change(&view, &self.schema())?;
        let version = (declared::version(&view)? + 1).to_string().into_bytes();
        ops.push(Op::Doc { kind: SCHEMA, key: b"version".to_vec(), value: Some(version), logged: false });
        drop(view);
        self.inner.commit_docs(ctx, "schema", ops, vec![])?;
        let schema = declared::load(&self.inner.view()?)?;
        self.inner.store.declare(&schema).or_store()?;
        self.inner.index.set_schema(schema.clone());
        *self.inner.schema.write() = schema.clone();
        self.inner.forget_directory();
        schema.by_name(&name).cloned().ok_or_else(|| Error::not_found("object"))
    }
}

fn known(schema: &Schema, name: &str) -> Result<Object> {
    let object = schema.by_name(name).filter(|o| !o.internal).ok_or_else(|| Error::not_found("object"))?;
    Ok((**object).clone())
}

fn whole(object: &Object) -> Result<Op> {
    let value = serde_json::to_vec(object).or_internal("the declaration")?;
    Ok(Op::Doc { kind: OBJECT, key: object.name.as_bytes().to_vec(), value: Some(value), logged: true })
}

fn over(name: &str, overlay: &Overlay) -> Result<Op> {
    let value = serde_json::to_vec(overlay).or_internal("the declaration")?;
    Ok(Op::Doc { kind: OVERLAY, key: name.as_bytes().to_vec(), value: Some(value), logged: true })
}

fn number_fields(json: &mut Json, first: u16) {
    let fields = json.get_mut("fields").and_then(Json::as_array_mut);
    for (at, field) in fields.into_iter().flatten().enumerate().take(MOST_FIELDS) {
        if let Json::Object(field) = field {
            field.insert("code".into(), json!(first + at as u16));
            field.insert("custom".into(), json!(true));
            field.shift_remove("readOnly");
        }
    }
}

fn with_common_fields(mut object: Object) -> Object {
    let common = [
        json!({"code": OWNER, "name": "owner", "label": "Owner", "type": "reference", "target": ["user"], "indexed": true, "group": "Ownership"}),
        json!({"code": TAGS, "name": "tags", "label": "Tags", "type": "multiChoice", "open": true, "indexed": true, "search": 1, "group": "Ownership"}),
        json!({"code": EXTERNAL_IDS, "name": "externalIds", "label": "IDs in other systems", "type": "multiChoice", "open": true, "indexed": true, "group": "System"}),
    ];
    for field in common.into_iter().filter_map(|j| serde_json::from_value::<Field>(j).ok()) {
        if object.field(&field.name).is_none() {
            object.fields.push(field);
        }
    }
    object.fields.sort_by_key(|f| f.code);
    object
}

fn is_name(name: &str) -> bool {
    name.len() <= 60
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn check_label(label: &str, field: &str, errors: &mut Vec<FieldError>) {
    if label.trim().is_empty() || label.chars().count() > 100 {
        errors.push(FieldError::new(field, "value", "must have 1 to 100 characters"));
    }
}

fn check_object(schema: &Schema, object: &Object) -> Result<()> {
    let mut errors = Vec::new();
    if !is_name(&object.name) {
        errors.push(FieldError::new("name", "value", "must be a camelCase name of letters and digits"));
    }
    check_label(&object.label, "label", &mut errors);
    check_label(&object.plural, "plural", &mut errors);
    if object
        .field(&object.title)
        .is_none_or(|f| f.retired || !matches!(f.kind, FieldType::Text | FieldType::PersonName))
    {
        errors.push(FieldError::new("title", "value", "must be a text field of the object"));
    }
    let known = |name: &String| object.field(name).is_some() || aplomb_model::schema::system::by_name(name).is_some();
    if object.list.len() > 50 || !object.list.iter().all(known) {
        errors.push(FieldError::new("list", "value", "must name fields of the object, at most 50"));
    }
    let mut names: Vec<&str> = object.fields.iter().map(|f| f.name.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) || object.fields.len() > MOST_FIELDS {
        errors.push(FieldError::new("fields", "value", format!("names must differ; at most {MOST_FIELDS} fields")));
    }
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    object.fields.iter().try_for_each(|f| check_field(schema, object, f))
}

fn check_field(schema: &Schema, object: &Object, field: &Field) -> Result<()> {
    let mut errors = Vec::new();
    let mut test = |ok: bool, name: &str, detail: &str| {
        if !ok {
            errors.push(FieldError::new(format!("{}.{name}", field.name), "value", detail));
        }
    };
    let reserved = aplomb_model::schema::system::by_name(&field.name).is_some();
    test(is_name(&field.name) && !reserved, "name", "must be a camelCase name of letters and digits");
    test(
        !field.label.trim().is_empty() && field.label.chars().count() <= 100,
        "label",
        "must have 1 to 100 characters",
    );
    test(field.search <= 3, "search", "must be 0 to 3");
    let reference = matches!(field.kind, FieldType::Reference | FieldType::References);
    test(reference || field.target.is_empty(), "target", "is for references only");
    test(!reference || !field.target.is_empty(), "target", "is required for a reference");
    let exists = |name: &String| *name == object.name || schema.by_name(name).is_some();
    test(field.target.iter().all(exists), "target", "must name objects");
    let chosen = matches!(field.kind, FieldType::Choice | FieldType::MultiChoice);
    test(chosen || (field.choices.is_empty() && !field.open), "choices", "are for choice fields only");
    test(!chosen || field.open || !field.choices.is_empty(), "choices", "at least one is required");
    let keys: std::collections::BTreeSet<&str> = field.choices.iter().map(|c| c.key.as_str()).collect();
    test(
        keys.len() == field.choices.len() && field.choices.len() <= MOST_CHOICES,
        "choices",
        "keys must differ; at most 2000",
    );
    let short = |c: &aplomb_model::Choice| {
        !c.key.is_empty() && c.key.len() <= 100 && !c.label.is_empty() && c.label.len() <= 400
    };
    test(field.choices.iter().all(short), "choices", "every choice needs a key and a label");
    let listed = matches!(field.kind, FieldType::Email | FieldType::Phone | FieldType::Url);
    test(listed || !field.many, "many", "is for e-mail, phone and URL fields only");
    let computed = matches!(field.kind, FieldType::Formula | FieldType::RollUp);
    test(!computed, "type", "cannot be declared; declare a number, money or date field and fill it by API or import");
    let span = field.min.zip(field.max).is_none_or(|(min, max)| min <= max);
    test(span, "min", "must not be above max");
    let default_ok = field
        .default
        .as_ref()
        .is_none_or(|d| Reader { schema, currency: aplomb_model::Currency::EUR }.read(field, d).is_ok());
    test(default_ok, "default", "is not a value of this field");
    if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
}
