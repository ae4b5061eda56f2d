//! Schemas of one object, from its declaration.

use aplomb_model::{Field, FieldType, Object};
use serde_json::{Map, Value as Json, json};

use super::{capital, reference};

/// `Contact`, `NewContact`, `ContactChange`, `ContactPage`.
pub fn schemas(object: &Object) -> Vec<(String, Json)> {
    let own = capital(&object.name);
    let (mut read, mut write, mut required) = (Map::new(), Map::new(), Vec::new());
    for field in object.live() {
        read.insert(field.name.clone(), answer(field));
        if !field.read_only {
            write.insert(field.name.clone(), request(field));
        }
        if field.required && field.default.is_none() && !field.read_only {
            required.push(field.name.clone());
        }
    }
    let fields = json!({"type": "object", "properties": write, "required": required, "additionalProperties": false});
    let change = json!({"type": "object", "properties": write, "additionalProperties": false});
    let record = json!({
        "allOf": [reference("RecordHead"), {
            "type": "object",
            "required": ["fields"],
            "properties": {"fields": {"type": "object", "properties": read}},
        }],
    });
    let sent = |fields: Json| json!({"type": "object", "required": ["fields"], "properties": {"fields": fields, "version": {"type": "integer", "minimum": 1}}});
    let page = json!({
        "allOf": [reference("Page"), {
            "type": "object",
            "properties": {"records": {"type": "array", "items": reference(&own)}},
        }],
    });
    vec![
        (own.clone(), record),
        (format!("New{own}"), sent(fields)),
        (format!("{own}Change"), sent(change)),
        (format!("{own}Page"), page),
    ]
}

/// A value as it is sent; null clears it.
fn request(field: &Field) -> Json {
    let schema = match field.kind {
        FieldType::Reference => json!({"oneOf": [{"type": "string", "format": "uuid"}, reference("Reference")]}),
        FieldType::References => {
            json!({"type": "array", "items": {"oneOf": [{"type": "string", "format": "uuid"}, reference("Reference")]}})
        }
        FieldType::Money => json!({"oneOf": [reference("Money"), {"type": "number"}]}),
        FieldType::PersonName => json!({"oneOf": [reference("PersonName"), {"type": "string"}]}),
        _ => value(field),
    };
    describe(field, json!({"anyOf": [schema, {"type": "null"}]}))
}

fn answer(field: &Field) -> Json {
    describe(field, value(field))
}

fn value(field: &Field) -> Json {
    let text = |format: &str| json!({"type": "string", "format": format});
    let list = |item: Json| if field.many { json!({"type": "array", "items": item}) } else { item };
    match field.kind {
        FieldType::Text | FieldType::LongText => match field.max_length {
            Some(length) => json!({"type": "string", "maxLength": length}),
            None => json!({"type": "string"}),
        },
        FieldType::Number | FieldType::Duration | FieldType::Rating | FieldType::Formula | FieldType::RollUp => {
            number(field)
        }
        FieldType::Money => reference("Money"),
        FieldType::Date => text("date"),
        FieldType::DateTime => text("date-time"),
        FieldType::Choice => choices(field),
        FieldType::MultiChoice => json!({"type": "array", "items": choices(field)}),
        FieldType::YesNo => json!({"type": "boolean"}),
        FieldType::Email => list(json!({"type": "string"})),
        FieldType::Phone | FieldType::Url => list(json!({"type": "string"})),
        FieldType::Address => reference("Address"),
        FieldType::PersonName => reference("PersonName"),
        FieldType::Reference => reference("Reference"),
        FieldType::References => json!({"type": "array", "items": reference("Reference")}),
        FieldType::File => json!({"type": "array", "items": reference("FileRef")}),
        FieldType::GeoPoint => reference("GeoPoint"),
    }
}

fn number(field: &Field) -> Json {
    let mut schema = json!({"type": "number"});
    if let Json::Object(members) = &mut schema {
        members.extend(field.min.map(|min| ("minimum".to_owned(), json!(min))));
        members.extend(field.max.map(|max| ("maximum".to_owned(), json!(max))));
    }
    schema
}

/// An open list takes any text; otherwise the keys, retired ones included because old records may hold them.
fn choices(field: &Field) -> Json {
    if field.open || field.choices.is_empty() {
        return json!({"type": "string"});
    }
    json!({"enum": field.choices.iter().map(|choice| &choice.key).collect::<Vec<_>>()})
}

fn describe(field: &Field, schema: Json) -> Json {
    let mut described = json!({"title": field.label});
    if let (Json::Object(members), Json::Object(schema)) = (&mut described, schema) {
        members.extend(schema);
        if !field.help.is_empty() {
            members.insert("description".to_owned(), json!(field.help));
        }
        if field.read_only {
            members.insert("readOnly".to_owned(), json!(true));
        }
        if !field.target.is_empty() {
            members.insert("x-target".to_owned(), json!(field.target));
        }
    }
    described
}
