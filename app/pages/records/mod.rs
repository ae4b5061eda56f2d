//! Records of any object: the list, the form, and the record's own page. All of it follows the object's declaration.

mod board;
mod board_figures;
mod board_lane;
mod board_touch;
mod bulk;
mod card;
mod cell_edit;
mod cell_text;
mod chosen;
mod column_choice;
mod columns;
mod convert;
mod fields;
mod filter;
mod filter_chips;
mod filter_tree;
mod first_look;
mod form;
mod fresh;
mod grid;
mod groups;
mod head;
mod history;
mod jobs;
mod list;
mod list_choices;
mod list_url;
mod move_form;
mod people_here;
mod record;
mod related;
mod stages;
mod table;
mod table_keys;
mod timeline;
pub mod views;

use aplomb_model::{Field, FieldCode, FieldType, Object};
use serde_json::Value as Json;

pub use list::ListPage;
pub use record::RecordPage;

use crate::api::Record;
use crate::state::{format, signed};
use crate::text::t;

/// The name of a record, or a word for having none.
pub fn title_of(object: &Object, record: &Record) -> String {
    let title = record.fields.get(&object.title).map_or_else(|| record.title.clone(), format::plain);
    if title.is_empty() { t("unnamed").to_owned() } else { title }
}

/// What every record has beside its declared fields, as fields of the usual types.
fn system_field(name: &str) -> Option<Field> {
    let (label, kind) = match name {
        "createdAt" => (t("field.createdAt"), FieldType::DateTime),
        "updatedAt" => (t("field.updatedAt"), FieldType::DateTime),
        _ => return None,
    };
    Some(bare_field(name, label, kind))
}

/// When a record was made, as a field.
pub fn created_at() -> Field {
    bare_field("createdAt", t("field.createdAt"), FieldType::DateTime)
}

/// A field with nothing but a name, a label and a type.
pub fn bare_field(name: &str, label: &str, kind: FieldType) -> Field {
    Field {
        code: aplomb_model::schema::system::by_name(name).unwrap_or(FieldCode(u16::MAX)),
        name: name.to_owned(),
        label: label.to_owned(),
        kind,
        many: false,
        required: false,
        unique: false,
        indexed: false,
        personal: false,
        read_only: true,
        open: false,
        choices: Vec::new(),
        target: Vec::new(),
        group: String::new(),
        search: 0,
        max_length: None,
        min: None,
        max: None,
        default: None,
        help: String::new(),
        custom: false,
        retired: false,
    }
}

/// A declared field, one that every record has, or one of a record that this one refers to (`company.industry`).
fn field_of(object: &Object, name: &str) -> Option<Field> {
    if let Some((step, rest)) = name.split_once('.') {
        let step = object.field(step).filter(|f| !f.retired)?;
        let [target] = step.target.as_slice() else { return None };
        let other = signed().object(target)?;
        let field = field_of(&other, rest)?;
        return Some(Field { name: name.to_owned(), label: format!("{} › {}", step.label, field.label), ..field });
    }
    object.field(name).filter(|f| !f.retired).cloned().or_else(|| system_field(name))
}

pub fn value_of(record: &Record, name: &str) -> Json {
    match name {
        "createdAt" => Json::String(record.created_at.clone()),
        "updatedAt" => Json::String(record.updated_at.clone()),
        name => record.fields.get(name).cloned().unwrap_or_default(),
    }
}
