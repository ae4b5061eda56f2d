//! The OpenAPI 3.1 document, made from the table of routes and the declarations of the objects: what is not in them is
//! not in the document either, and the other way round.

mod imports;
mod jobs;
mod objects;
mod people;
mod schemas;

use std::sync::Arc;

use aplomb_model::Object;
use serde_json::{Map, Value as Json, json};

use crate::routes::{Gives, ROUTES, Route, Takes};

/// Calls that are written out for every object, with the object's own fields.
const PER_OBJECT: [&str; 3] = ["/records/{object}", "/records/{object}/{id}", "/records/{object}/query"];

/// The whole document; `objects` are those the reader may know of.
pub fn document(objects: &[Arc<Object>]) -> Json {
    let mut paths = Map::new();
    let mut schemas = schemas::all();
    schemas.extend(imports::schemas());
    schemas.extend(jobs::schemas());
    schemas.extend(people::schemas());
    for route in ROUTES {
        add(&mut paths, &route.full_path(), route.method, operation(route, None));
    }
    for object in objects.iter().filter(|object| !object.internal) {
        schemas.extend(objects::schemas(object));
        for route in ROUTES.iter().filter(|route| PER_OBJECT.contains(&route.path)) {
            let path = route.full_path().replace("{object}", &object.name);
            add(&mut paths, &path, route.method, operation(route, Some(object)));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Aplomb",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The API of this Aplomb server. Errors are problem documents (RFC 9457) with a stable `code`.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}, {"cookie": [], "csrf": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": parameters(),
            "responses": {"Problem": {
                "description": "What went wrong",
                "headers": {"retry-after": {"schema": {"type": "integer"}, "description": "seconds, at 429 and 503"}},
                "content": {"application/problem+json": {"schema": reference("Problem")}},
            }},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "an API key"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-aplomb"},
                "csrf": {"type": "apiKey", "in": "header", "name": "x-csrf-token", "description": "for calls that change something"},
            },
        },
    })
}

fn add(paths: &mut Map<String, Json>, path: &str, method: &str, operation: Json) {
    let item = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
    if let Json::Object(item) = item {
        item.insert(method.to_lowercase(), operation);
    }
}

fn reference(schema: &str) -> Json {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn operation(route: &Route, object: Option<&Object>) -> Json {
    let mut operation = json!({
        "operationId": operation_id(route, object),
        "summary": match object {
            Some(object) => format!("{} ({})", route.summary, object.plural),
            None => route.summary.to_owned(),
        },
        "tags": [tag(route, object)],
        "x-permission": route.permission,
        "responses": responses(route, object),
    });
    let Json::Object(members) = &mut operation else { return operation };
    let parameters = parameters_of(route, object);
    if !parameters.is_empty() {
        members.insert("parameters".to_owned(), json!(parameters));
    }
    if let Some(body) = body(route, object) {
        members.insert("requestBody".to_owned(), body);
    }
    if matches!(route.handler, crate::routes::Handler::Door(_)) {
        members.insert("security".to_owned(), json!([]));
    }
    operation
}

/// `getRecordsByObjectHistory`, with the object's name at the end for its own calls.
fn operation_id(route: &Route, object: Option<&Object>) -> String {
    let mut id = route.method.to_lowercase();
    for segment in route.path.split(['/', '.', '-']).filter(|segment| !segment.is_empty()) {
        let word = segment.trim_matches(['{', '}']);
        id.push_str(if segment.starts_with('{') { "By" } else { "" });
        id.push_str(&capital(word));
    }
    match object {
        Some(object) => format!("{id}_{}", object.name),
        None => id,
    }
}

fn tag(route: &Route, object: Option<&Object>) -> String {
    match object {
        Some(object) => object.name.clone(),
        None => route.path.split('/').nth(1).unwrap_or_default().trim_end_matches(".json").to_owned(),
    }
}

pub(super) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The name of a general schema in the words of an object, when that object has one of its own.
fn schema_for(name: &str, object: Option<&Object>) -> Json {
    let Some(object) = object else { return reference(name) };
    let own = capital(&object.name);
    match name {
        "Record" => reference(&own),
        "NewRecord" => reference(&format!("New{own}")),
        "RecordChange" => reference(&format!("{own}Change")),
        "Page" => reference(&format!("{own}Page")),
        other => reference(other),
    }
}

fn body(route: &Route, object: Option<&Object>) -> Option<Json> {
    let (media_type, schema, required) = match route.takes {
        Takes::Nothing => return None,
        Takes::Json(schema) => ("application/json", schema, true),
        Takes::Maybe(schema) => ("application/json", schema, false),
        Takes::Form(schema) => ("multipart/form-data", schema, true),
    };
    Some(json!({"required": required, "content": {media_type: {"schema": schema_for(schema, object)}}}))
}

fn responses(route: &Route, object: Option<&Object>) -> Json {
    let mut responses = Map::new();
    let mut headers = Map::new();
    if !route.is_safe() {
        headers.insert(
            "x-aplomb-seq".to_owned(),
            json!({"schema": {"type": "integer"}, "description": "the batch that holds the change"}),
        );
    }
    let (status, mut answer) = match route.gives {
        Gives::Nothing => (204, json!({"description": "Done"})),
        Gives::Json(status, schema) => {
            if ["Record", "NewRecord"].contains(&schema) {
                headers.insert("etag".to_owned(), json!({"schema": {"type": "string"}, "description": "the version"}));
            }
            let content = json!({"application/json": {"schema": schema_for(schema, object)}});
            (status, json!({"description": "Done", "content": content}))
        }
        // A schema would be of the whole stream, which never ends; OpenAPI 3.1 has none for one event.
        Gives::Media("text/event-stream") => {
            (200, json!({"description": "Done", "content": {"text/event-stream": {}}}))
        }
        Gives::Media(media_type) => {
            (200, json!({"description": "Done", "content": {media_type: {"schema": {"type": "string"}}}}))
        }
    };
    if let (Json::Object(answer), false) = (&mut answer, headers.is_empty()) {
        answer.insert("headers".to_owned(), Json::Object(headers));
    }
    responses.insert(status.to_string(), answer);
    responses.insert("default".to_owned(), json!({"$ref": "#/components/responses/Problem"}));
    Json::Object(responses)
}

fn parameters_of(route: &Route, object: Option<&Object>) -> Vec<Json> {
    let shared = |name: &str| json!({"$ref": format!("#/components/parameters/{name}")});
    let in_path = route.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut list: Vec<Json> = in_path
        .filter(|name| object.is_none() || *name != "object")
        .map(|name| {
            let schema =
                if name == "id" { json!({"type": "string", "format": "uuid"}) } else { json!({"type": "string"}) };
            json!({"name": name, "in": "path", "required": true, "schema": schema})
        })
        .collect();
    list.extend(route.query.iter().map(|name| shared(name)));
    // The answers of the others hold secrets and are not kept.
    let kept = !matches!(route.handler, crate::routes::Handler::Door(_));
    if route.method == "POST" && kept {
        list.push(shared("Idempotency-Key"));
    }
    if route.has_versions() && !route.is_safe() {
        list.push(shared("If-Match"));
    }
    list
}

/// Parameters that several calls share, by name.
fn parameters() -> Json {
    let number = |from: u64, to: u64| json!({"type": "integer", "minimum": from, "maximum": to});
    let text = || json!({"type": "string"});
    let all = [
        ("filter", text(), "a filter as JSON, e.g. {\"field\":\"stage\",\"op\":\"eq\",\"value\":\"won\"}"),
        ("sort", text(), "fields with commas between them; a minus sorts downward: -updatedAt,name"),
        ("fields", text(), "the columns wanted, with commas between them"),
        ("q", text(), "words to search for"),
        ("limit", number(1, 1_000), "rows to a page"),
        ("cursor", text(), "`next` of the page before"),
        ("offset", number(0, 10_000_000), "rows to leave out at the beginning; not together with cursor"),
        ("after", number(0, i64::MAX as u64), "show at least this batch (x-aplomb-seq of a write)"),
        ("since", number(0, i64::MAX as u64), "what came after this batch"),
        ("count", json!({"enum": ["exact", "none"]}), "an exact total, or none at all"),
        ("asOf", json!({"type": "string", "format": "date-time"}), "as it was at this time"),
        ("kinds", text(), "objects, or `change`, with commas between them"),
        ("object", text(), "name of an object; several with commas between them where more than one fits"),
        ("mode", json!({"enum": ["text"]}), "how to search"),
        ("format", json!({"enum": ["csv", "jsonl"]}), "of the file"),
        (
            "record",
            text(),
            "object and id of a record that refers to the file, e.g. contact/01a1fe92-b174-7ef2-80b4-3fee9682d7ab",
        ),
        ("all", json!({"enum": ["true", "false"]}), "those of everybody, for manageSettings"),
        ("kind", json!({"enum": ["refused", "duplicate", "warning", "edited"]}), "which rows"),
        ("unread", json!({"enum": ["true", "false"]}), "only what was not read yet"),
        ("current", json!({"enum": ["true", "false"]}), "true: the session of this call as well"),
        ("inline", json!({"enum": ["0", "1"]}), "1: pictures, PDF and text to be shown, not kept"),
        ("recipient", text(), "age public keys that open the backup, with commas between them"),
    ];
    let mut parameters = Map::new();
    for (name, schema, description) in all {
        let parameter = json!({"name": name, "in": "query", "schema": schema, "description": description});
        parameters.insert(name.to_owned(), parameter);
    }
    let headers = [
        (
            "Idempotency-Key",
            json!({"type": "string", "minLength": 1, "maxLength": 255}),
            "the same key gives the same answer for 24 hours",
        ),
        ("If-Match", text(), "write only when the record still has this ETag"),
    ];
    for (name, schema, description) in headers {
        let parameter = json!({"name": name, "in": "header", "schema": schema, "description": description});
        parameters.insert(name.to_owned(), parameter);
    }
    Json::Object(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn contact() -> Arc<Object> {
        let field =
            |code: u16, name: &str, kind: &str| json!({"code": code, "name": name, "label": name, "type": kind});
        let object = json!({
            "code": 1, "name": "contact", "label": "Contact", "plural": "Contacts", "title": "name",
            "fields": [field(1, "name", "personName"), field(2, "company", "reference"), field(3, "amount", "money")],
        });
        Arc::new(serde_json::from_value(object).unwrap())
    }

    fn references<'a>(json: &'a Json, found: &mut BTreeSet<&'a str>) {
        match json {
            Json::Object(members) => {
                found.extend(members.get("$ref").and_then(Json::as_str));
                members.values().for_each(|value| references(value, found));
            }
            Json::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_id_is_unique() {
        let document = document(&[contact()]);
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
        let paths = document["paths"].as_object().unwrap();
        let ids: Vec<_> =
            paths.values().flat_map(|p| p.as_object().unwrap().values()).map(|o| &o["operationId"]).collect();
        let unique: BTreeSet<_> = ids.iter().map(|id| id.as_str().unwrap()).collect();
        assert_eq!(unique.len(), ids.len());
    }

    #[test]
    fn the_document_holds_all_routes_and_the_objects_own() {
        let document = document(&[contact()]);
        for route in ROUTES {
            let operation = &document["paths"][route.full_path()][route.method.to_lowercase()];
            assert_eq!(operation["x-permission"], route.permission, "{} {}", route.method, route.path);
        }
        let create = &document["paths"]["/api/v1/records/contact"]["post"];
        let schema = create.pointer("/requestBody/content/application~1json/schema/$ref");
        assert_eq!(schema, Some(&json!("#/components/schemas/NewContact")));
    }
}
