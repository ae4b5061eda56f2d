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

/// Pixels that a column has at least and at most.
const WIDTHS: (f64, f64) = (64.0, 640.0);

/// The names of the columns to show, each with the width somebody gave it; the title is always the first.
fn wished(object: &Object, wish: &str) -> Vec<(String, Option<f64>)> {
    let own = if wish.is_empty() { remembered(&object.name) } else { wish.to_owned() };
    let part = |part: &str| {
        let (name, width) = part.split_once(':').map_or((part, None), |(name, width)| (name, width.parse().ok()));
        (name.to_owned(), width.map(|w: f64| w.clamp(WIDTHS.0, WIDTHS.1)))
    };
    let mut all: Vec<(String, Option<f64>)> =
        own.split(',').map(part).filter(|(name, _)| field_of(object, name).is_some()).collect();
    if all.is_empty() {
        return declared(object).into_iter().map(|name| (name, None)).collect();
    }
    let title = all.iter().position(|(name, _)| *name == object.title).map(|at| all.remove(at));
    all.insert(0, title.unwrap_or_else(|| (object.title.clone(), None)));
    all
}

/// The names of the columns to show.
pub fn names(object: &Object, wish: &str) -> Vec<String> {
    wished(object, wish).into_iter().map(|(name, _)| name).collect()
}

pub fn columns(object: &Object, wish: &str) -> Vec<Column> {
    let column = |(name, wide): (String, Option<f64>)| {
        let field = field_of(object, &name)?;
        Some(Column { width: wide.unwrap_or_else(|| width(&field, &object.title)), field })
    };
    wished(object, wish).into_iter().filter_map(column).collect()
}

fn written(all: &[(String, Option<f64>)]) -> String {
    let part = |(name, width): &(String, Option<f64>)| match width {
        Some(width) => format!("{name}:{}", width.round()),
        None => name.clone(),
    };
    all.iter().map(part).collect::<Vec<_>>().join(",")
}

/// The wish with these columns in this order; widths stay.
pub fn arranged(object: &Object, wish: &str, names: &[String]) -> String {
    let before = wished(object, wish);
    let width = |name: &String| before.iter().find(|(n, _)| n == name).and_then(|(_, width)| *width);
    written(&names.iter().map(|name| (name.clone(), width(name))).collect::<Vec<_>>())
}

/// The wish with a column of another width, in pixels.
pub fn resized(object: &Object, wish: &str, name: &str, width: f64) -> String {
    let mut all = wished(object, wish);
    if let Some(column) = all.iter_mut().find(|(n, _)| n == name) {
        column.1 = Some(width.clamp(WIDTHS.0, WIDTHS.1));
    }
    written(&all)
}

/// Wide enough for what stands in it and, as far as that is not much more, for its head.
fn width(field: &Field, title: &str) -> f64 {
    use FieldType::*;
    let head = (field.label.chars().count() as f64 * 7.2 + 48.0).min(170.0);
    let body: f64 = match field.kind {
        _ if field.name == title => 168.0,
        Number | Rating | YesNo | Duration | RollUp | Formula => 108.0,
        Money => 122.0,
        Date | DateTime => 118.0,
        Choice => {
            let longest = field.choices.iter().filter(|c| !c.retired).map(|c| c.label.chars().count()).max();
            (longest.unwrap_or_default() as f64 * 6.6 + 46.0).clamp(104.0, 160.0)
        }
        Phone => 158.0,
        Email => 196.0,
        Reference if field.target.iter().any(|t| t == "user") => 104.0,
        MultiChoice | Reference | References | PersonName => 138.0,
        Text | LongText | Url | Address | File | GeoPoint => 146.0,
    };
    body.max(head)
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
