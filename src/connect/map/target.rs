//! What a column can fill: a field, a part of one, a reference by some key, an id.

use aplomb_model::query::Part;
use aplomb_model::schema::system;
use aplomb_model::{Field, FieldCode, FieldType, Object, Schema};

use crate::view::TargetView;

/// A column's destination, resolved against the object.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub path: String,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    Field(FieldCode),
    Part(FieldCode, Part),
    /// further first names, put behind the first
    Middle(FieldCode),
    /// the currency of a money field
    Currency(FieldCode),
    /// a record of another object; several for a list of references
    Reference {
        field: FieldCode,
        object: String,
        by: Key,
    },
    /// a user
    Owner(FieldCode),
    /// the record's id in the system the file comes from
    ExternalId,
    /// the record's id here
    Id,
    /// when it was made or last changed in the old system: `system::CREATED_AT`, `system::UPDATED_AT`
    Moment(FieldCode),
    /// who made it there
    Creator,
}

/// By what a referenced record is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// whatever fits: our id, an external id, domain, e-mail, name
    Any,
    Id,
    External,
    Name,
    Domain,
    Email,
}

/// The path of a column that holds the old system's id of the row.
pub const EXTERNAL_ID: &str = "externalId";
/// The path of a column that holds our own id.
pub const ID: &str = "id";
/// Paths of columns that hold what the old system says of the record's past.
const CREATED_AT: &str = "createdAt";
const UPDATED_AT: &str = "updatedAt";
const CREATED_BY: &str = "createdBy";

/// What a path of the mapping means; `None` when the object has no such field.
pub fn resolve(object: &Object, path: &str) -> Option<Target> {
    let place = match path {
        EXTERNAL_ID => Place::ExternalId,
        ID => Place::Id,
        CREATED_AT if object.field(path).is_none() => Place::Moment(system::CREATED_AT),
        UPDATED_AT if object.field(path).is_none() => Place::Moment(system::UPDATED_AT),
        CREATED_BY if object.field(path).is_none() => Place::Creator,
        _ => {
            let (name, part) = path.split_once('.').map_or((path, None), |(n, p)| (n, Some(p)));
            let field = object.field(name).filter(|f| importable(f))?;
            place(field, part)?
        }
    };
    Some(Target { path: path.to_owned(), place })
}

fn place(field: &Field, part: Option<&str>) -> Option<Place> {
    match (field.kind, part) {
        (FieldType::Reference, None) if is_user(field) => Some(Place::Owner(field.code)),
        (FieldType::Reference, Some("email" | "name" | "id")) if is_user(field) => Some(Place::Owner(field.code)),
        (FieldType::Reference | FieldType::References, part) => {
            let (object, key) = match part {
                None => (field.target.first()?, Key::Any),
                Some(part) => match part.split_once('.') {
                    // `related.company.externalId` where several objects may be meant
                    Some((object, key)) => (field.target.iter().find(|t| *t == object)?, by(key)?),
                    None => match field.target.iter().find(|t| *t == part) {
                        Some(object) => (object, Key::Any),
                        None => (field.target.first()?, by(part)?),
                    },
                },
            };
            Some(Place::Reference { field: field.code, object: object.clone(), by: key })
        }
        (FieldType::PersonName, Some("middle")) => Some(Place::Middle(field.code)),
        (FieldType::Money, Some("currency")) => Some(Place::Currency(field.code)),
        (FieldType::Money, Some("amount")) | (_, None) => Some(Place::Field(field.code)),
        (kind, Some(part)) => Part::parse(kind, part).map(|p| Place::Part(field.code, p)),
    }
}

fn by(key: &str) -> Option<Key> {
    Some(match key {
        "id" => Key::Id,
        "externalId" => Key::External,
        "name" => Key::Name,
        "domain" => Key::Domain,
        "email" => Key::Email,
        _ => return None,
    })
}

pub fn importable(field: &Field) -> bool {
    !field.read_only
        && !field.retired
        && field.name != "externalIds"
        && !matches!(field.kind, FieldType::Formula | FieldType::RollUp | FieldType::File)
}

pub fn is_user(field: &Field) -> bool {
    field.target.iter().any(|t| t == "user")
}

/// Everything a column of this object can be mapped to, in the order of the declaration.
pub fn all(schema: &Schema, object: &Object) -> Vec<TargetView> {
    let mut out = Vec::new();
    let mut add = |field: String, label: String, kind: FieldType, required: bool| {
        let kind = serde_json::to_value(kind).ok().and_then(|k| k.as_str().map(str::to_owned)).unwrap_or_default();
        out.push(TargetView { field, label, kind, required });
    };
    for field in object.live().filter(|f| importable(f)) {
        let (name, label) = (&field.name, &field.label);
        add(name.clone(), label.clone(), field.kind, field.required);
        for part in part_names(field.kind) {
            add(format!("{name}.{part}"), format!("{label}: {}", spell(part)), FieldType::Text, false);
        }
        if matches!(field.kind, FieldType::Reference | FieldType::References) && !is_user(field) {
            for target in &field.target {
                let Some(other) = schema.by_name(target) else { continue };
                let prefix = if field.target.len() == 1 { name.clone() } else { format!("{name}.{target}") };
                for key in keys_of(other) {
                    let label = format!("{label}: {} {}", other.label, spell(key));
                    add(format!("{prefix}.{key}"), label, FieldType::Text, false);
                }
            }
        }
    }
    add(EXTERNAL_ID.to_owned(), "ID in the old system".to_owned(), FieldType::Text, false);
    add(ID.to_owned(), "ID in Aplomb".to_owned(), FieldType::Text, false);
    for (path, label, kind) in [
        (CREATED_AT, "Created", FieldType::DateTime),
        (UPDATED_AT, "Last changed", FieldType::DateTime),
        (CREATED_BY, "Created by", FieldType::Reference),
    ] {
        add(path.to_owned(), label.to_owned(), kind, false);
    }
    out
}

fn keys_of(object: &Object) -> Vec<&'static str> {
    let has = |name: &str| object.field(name).is_some();
    let mut keys = vec!["externalId"];
    keys.extend(["name", "domain", "email"].into_iter().filter(|k| has(k)));
    keys
}

fn part_names(kind: FieldType) -> &'static [&'static str] {
    match kind {
        FieldType::PersonName => &["first", "middle", "last"],
        FieldType::Address => &["street", "city", "region", "postalCode", "country"],
        FieldType::Money => &["currency"],
        _ => &[],
    }
}

fn spell(part: &str) -> &str {
    match part {
        "first" => "first name",
        "middle" => "further first names",
        "last" => "last name",
        "postalCode" => "postal code",
        "externalId" => "ID in the old system",
        "email" => "e-mail",
        other => other,
    }
}

/// Whether several columns may fill it: lists grow, long texts are put under each other.
pub fn takes_several(object: &Object, target: &Target) -> bool {
    match &target.place {
        Place::Field(code) => object
            .by_code(*code)
            .is_some_and(|f| f.many || matches!(f.kind, FieldType::MultiChoice | FieldType::LongText)),
        Place::Reference { field, .. } => object.by_code(*field).is_some_and(|f| f.kind == FieldType::References),
        Place::ExternalId => false,
        _ => false,
    }
}
