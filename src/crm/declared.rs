//! The declarations in force: the standard objects from `assets/objects`, changed and extended by what admins added.

use std::collections::BTreeMap;

use aplomb_model::{Choice, Error, Field, Object, Result, Schema};
use aplomb_store::View;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::errors::{OrInternal, OrStore};

macro_rules! standard {
    ($($name:literal)*) => { &[$(($name, include_str!(concat!("../../assets/objects/", $name, ".toml")))),*] };
}

const STANDARD: &[(&str, &str)] = standard!(
    "contact" "company" "lead" "deal" "activity" "task" "note" "call" "meeting" "email" "ticket" "product" "quote"
    "order" "invoice" "contract" "campaign" "user" "team"
);

/// Documents: whole declarations of custom objects, by name.
pub(crate) const OBJECT: &str = "object";
/// Documents: what admins changed on a standard object, by name.
pub(crate) const OVERLAY: &str = "objectOverlay";
/// Document `version`: a counter; document `codes`: the last code given to an object.
pub(crate) const SCHEMA: &str = "schema";

/// What admins changed on a standard object.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Overlay {
    pub label: Option<String>,
    pub plural: Option<String>,
    pub icon: Option<String>,
    pub list: Option<Vec<String>>,
    /// custom fields, retired ones included
    pub fields: Vec<Field>,
    /// by name of a standard field
    pub changes: BTreeMap<String, FieldChanges>,
}

/// What may be changed about a field without changing its values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct FieldChanges {
    pub label: Option<String>,
    pub group: Option<String>,
    pub help: Option<String>,
    pub required: Option<bool>,
    pub unique: Option<bool>,
    pub indexed: Option<bool>,
    pub personal: Option<bool>,
    pub open: Option<bool>,
    pub search: Option<u8>,
    pub choices: Option<Vec<Choice>>,
    pub default: Option<Json>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub max_length: Option<u32>,
    pub retired: Option<bool>,
}

impl FieldChanges {
    /// Later changes win.
    pub fn merge(&mut self, later: FieldChanges) {
        macro_rules! take { ($($name:ident)*) => { $( if later.$name.is_some() { self.$name = later.$name; } )* } }
        take!(label group help required unique indexed personal open search choices default min max max_length retired);
    }

    pub fn apply(&self, field: &mut Field) {
        macro_rules! set { ($($name:ident)*) => { $( if let Some(v) = &self.$name { field.$name = v.clone(); } )* } }
        set!(label group help required unique indexed personal open search choices retired);
        macro_rules! set_option { ($($name:ident)*) => { $( if self.$name.is_some() { field.$name = self.$name.clone(); } )* } }
        set_option!(min max max_length);
        if let Some(default) = &self.default {
            field.default = (!default.is_null()).then(|| default.clone());
        }
    }
}

impl Overlay {
    pub fn apply(&self, object: &mut Object) {
        for (from, to) in
            [(&self.label, &mut object.label), (&self.plural, &mut object.plural), (&self.icon, &mut object.icon)]
        {
            if let Some(from) = from {
                to.clone_from(from);
            }
        }
        if let Some(list) = &self.list {
            object.list.clone_from(list);
        }
        for (name, changes) in &self.changes {
            if let Some(field) = object.fields.iter_mut().find(|f| &f.name == name) {
                changes.apply(field);
            }
        }
        object.fields.extend(self.fields.iter().cloned());
        object.fields.sort_by_key(|f| f.code);
    }
}

/// The standard objects as they are shipped.
pub(crate) fn standard_objects() -> Result<Vec<Object>> {
    STANDARD
        .iter()
        .map(|(name, text)| {
            let mut object: Object =
                toml::from_str(text).map_err(|e| Error::internal(format!("declaration of {name}: {}", e.message())))?;
            object.fields.sort_by_key(|f| f.code);
            Ok(object)
        })
        .collect()
}

pub(crate) fn overlay(view: &View, name: &str) -> Result<Overlay> {
    match view.doc(OVERLAY, name.as_bytes()).or_store()? {
        None => Ok(Overlay::default()),
        Some(bytes) => serde_json::from_slice(&bytes).or_internal("the declaration"),
    }
}

/// Standard objects with their overlays, then custom objects.
pub(crate) fn load(view: &View) -> Result<Schema> {
    let mut objects = standard_objects()?;
    for object in &mut objects {
        overlay(view, &object.name)?.apply(object);
    }
    for (_, bytes) in view.docs(OBJECT, b"", None, 10_000).or_store()? {
        objects.push(serde_json::from_slice(&bytes).or_internal("the declaration of an object")?);
    }
    Ok(Schema::new(version(view)?, objects))
}

pub(crate) fn version(view: &View) -> Result<u64> {
    Ok(counter(view.doc(SCHEMA, b"version").or_store()?.as_deref()))
}

pub(crate) fn counter(bytes: Option<&[u8]>) -> u64 {
    bytes.and_then(|b| std::str::from_utf8(b).ok()).and_then(|t| t.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aplomb_model::json::Reader;
    use aplomb_model::{Currency, FieldType};

    use super::*;

    #[test]
    fn standard_declarations_are_sound() {
        let objects = standard_objects().unwrap();
        let schema = Schema::new(1, objects.clone());
        let names: BTreeSet<_> = objects.iter().map(|o| o.name.clone()).collect();
        let codes: BTreeSet<_> = objects.iter().map(|o| o.code).collect();
        assert_eq!(names.len(), STANDARD.len());
        assert_eq!(codes.len(), STANDARD.len());
        let reader = Reader { schema: &schema, currency: Currency::EUR };
        for object in &objects {
            let at = |name: &str| format!("{}.{name}", object.name);
            let fields: BTreeSet<_> = object.fields.iter().map(|f| f.code).collect();
            let labels: BTreeSet<_> = object.fields.iter().map(|f| &f.name).collect();
            assert_eq!((fields.len(), labels.len()), (object.fields.len(), object.fields.len()), "{}", object.name);
            assert!(object.field(&object.title).is_some(), "title of {}", object.name);
            assert!(object.internal || object.owner().is_some(), "{}", at("owner"));
            assert!(
                object.internal || object.field("externalIds").is_some_and(|f| f.indexed && f.open),
                "{}",
                at("externalIds")
            );
            for name in &object.list {
                let known = object.field(name).is_some() || aplomb_model::schema::system::by_name(name).is_some();
                assert!(known, "{}", at(name));
            }
            for field in &object.fields {
                let reference = matches!(field.kind, FieldType::Reference | FieldType::References);
                assert_eq!(reference, !field.target.is_empty(), "{}", at(&field.name));
                assert!(field.target.iter().all(|t| names.contains(t)), "{}", at(&field.name));
                let choices: BTreeSet<_> = field.choices.iter().map(|c| &c.key).collect();
                assert_eq!(choices.len(), field.choices.len(), "{}", at(&field.name));
                if let Some(default) = &field.default {
                    assert!(reader.read(field, default).is_ok_and(|v| v.is_some()), "default of {}", at(&field.name));
                }
                assert!(field.code.0 < aplomb_model::id::FIRST_CUSTOM_FIELD && !field.custom);
            }
        }
    }

    #[test]
    fn stages_have_probabilities_and_ends() {
        let schema = Schema::new(1, standard_objects().unwrap());
        let stage = schema.by_name("deal").and_then(|o| o.field("stage").cloned()).unwrap();
        assert!(stage.choices.iter().all(|c| c.probability.is_some() && c.outcome.is_some()));
        for outcome in ["open", "won", "lost"] {
            assert!(stage.choices.iter().any(|c| c.outcome.as_deref() == Some(outcome)), "{outcome}");
        }
    }

    #[test]
    fn an_overlay_changes_and_extends() {
        let mut contact = standard_objects().unwrap().remove(0);
        let before = contact.fields.len();
        let overlay: Overlay = serde_json::from_str(
            r#"{"label":"Person","fields":[{"code":1000,"name":"shoeSize","label":"Shoe size","type":"number","custom":true}],
                "changes":{"title":{"label":"Position","required":true}}}"#,
        )
        .unwrap();
        overlay.apply(&mut contact);
        assert_eq!((contact.label.as_str(), contact.fields.len()), ("Person", before + 1));
        assert!(contact.field("title").is_some_and(|f| f.required && f.label == "Position"));
    }
}
