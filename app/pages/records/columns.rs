//! Which columns a list shows and how wide they are: what the URL says, else what this browser chose last, else what
//! the object declares.

use aplomb_model::{Field, FieldType, Object};
use leptos::prelude::*;

use super::field_of;

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub field: Field,
    /// pixels
    pub width: f64,
}

fn key(object: &str) -> String {
    format!("aplomb-columns-{object}")
}

fn remembered(object: &str) -> String {
    let storage = window().local_storage().ok().flatten();
    storage.and_then(|s| s.get_item(&key(object)).ok().flatten()).unwrap_or_default()
}

/// Makes these columns the ones that a list without a wish shows here.
pub fn remember(object: &str, names: &str) {
    if let Some(storage) = window().local_storage().ok().flatten() {
        let _ =
            if names.is_empty() { storage.remove_item(&key(object)) } else { storage.set_item(&key(object), names) };
    }
}

/// The names that the declaration gives: the title, its list, and when the record was changed last, unless a time says
/// already how fresh it is.
pub fn declared(object: &Object) -> Vec<String> {
    let rest = object.list.iter().filter(|name| **name != object.title && *name != "updatedAt").cloned();
    let mut names: Vec<String> = std::iter::once(object.title.clone()).chain(rest).collect();
    if !names.iter().any(|name| name == "lastTouchAt") {
        names.push("updatedAt".to_owned());
    }
    names
}

/// The names of the columns to show; the title is always the first.
pub fn names(object: &Object, wish: &str) -> Vec<String> {
    let own = if wish.is_empty() { remembered(&object.name) } else { wish.to_owned() };
    let mut names: Vec<String> =
        own.split(',').filter(|name| field_of(object, name).is_some()).map(str::to_owned).collect();
    if names.is_empty() {
        return declared(object);
    }
    names.retain(|name| *name != object.title);
    names.insert(0, object.title.clone());
    names
}

pub fn columns(object: &Object, wish: &str) -> Vec<Column> {
    let column =
        |name: String| field_of(object, &name).map(|field| Column { width: width(&field, &object.title), field });
    names(object, wish).into_iter().filter_map(column).collect()
}

fn width(field: &Field, title: &str) -> f64 {
    use FieldType::*;
    match field.kind {
        _ if field.name == title => 214.0,
        Number | Rating | YesNo | Duration | RollUp | Formula => 98.0,
        Money => 122.0,
        Date | DateTime => 112.0,
        Choice => 132.0,
        Phone => 144.0,
        Email => 196.0,
        Reference if field.target.iter().any(|t| t == "user") => 124.0,
        MultiChoice | Reference | References | PersonName => 150.0,
        Text | LongText | Url | Address | File | GeoPoint => 150.0,
    }
}

/// Fields that can be a column.
pub fn possible(object: &Object) -> Vec<Field> {
    let own = object.live().filter(|f| f.name != "externalIds" && f.name != object.title).cloned();
    own.chain(["createdAt", "updatedAt"].into_iter().filter_map(|name| field_of(object, name))).collect()
}

pub fn is_sortable(field: &Field) -> bool {
    use FieldType::*;
    !field.many && !matches!(field.kind, LongText | Reference | References | File | GeoPoint | MultiChoice)
}

pub fn is_number(field: &Field) -> bool {
    use FieldType::*;
    matches!(field.kind, Number | Money | Duration | Formula | RollUp)
}
