//! Schemas of jobs, of the state of the server, and of what hangs on a field.

use serde_json::{Map, Value as Json, json};

use super::reference;
use super::schemas::{count, list, object, one_or_list, optional_text, text, time, uuid};

fn yes_or_no() -> Json {
    json!({"type": "boolean"})
}

fn optional(schema: Json) -> Json {
    json!({"anyOf": [schema, {"type": "null"}]})
}

fn named() -> Json {
    object(2, &[("id", uuid()), ("name", optional_text())])
}

pub fn schemas() -> Map<String, Json> {
    let all = [
        ("Job", job()),
        ("Jobs", jobs()),
        ("Bulk", bulk()),
        ("NewExport", export()),
        ("FieldUses", uses()),
        ("System", system()),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn job() -> Json {
    let errors = list(object(3, &[("field", text()), ("code", text()), ("detail", text())]));
    let refused = object(3, &[("id", uuid()), ("name", optional_text()), ("errors", errors)]);
    let file = object(3, &[("name", text()), ("size", count()), ("mediaType", text())]);
    object(
        17,
        &[
            ("id", uuid()),
            ("kind", json!({"enum": ["bulk", "undo", "export"]})),
            ("object", text()),
            ("title", text()),
            ("status", json!({"enum": ["waiting", "running", "done", "failed", "cancelled", "undone"]})),
            ("progress", object(2, &[("done", count()), ("total", count())])),
            ("counts", object(3, &[("changed", count()), ("unchanged", count()), ("refused", count())])),
            ("refused", list(refused)),
            ("createdAt", time()),
            ("finishedAt", optional(time())),
            ("owner", named()),
            ("canUndo", yes_or_no()),
            ("undoes", optional(uuid())),
            ("undoneBy", optional(uuid())),
            ("file", optional(file)),
            ("error", optional(object(2, &[("code", text()), ("detail", text())]))),
            ("seq", optional(count())),
        ],
    )
}

fn jobs() -> Json {
    let waiting =
        object(4, &[("kind", text()), ("due", time()), ("attempts", count()), ("lastError", optional_text())]);
    object(2, &[("jobs", list(reference("Job"))), ("next", optional(uuid())), ("system", list(waiting))])
}

fn bulk() -> Json {
    object(
        0,
        &[
            ("ids", json!({"type": "array", "items": uuid(), "minItems": 1, "maxItems": 10_000})),
            ("filter", reference("Filter")),
            ("q", text()),
            ("except", json!({"type": "array", "items": uuid(), "maxItems": 10_000})),
            ("set", json!({"type": "object"})),
            ("delete", yes_or_no()),
        ],
    )
}

fn export() -> Json {
    object(
        2,
        &[
            ("object", text()),
            ("format", json!({"enum": ["csv", "jsonl"]})),
            ("filter", reference("Filter")),
            ("q", text()),
            ("sort", one_or_list(text())),
            ("fields", one_or_list(text())),
            ("ids", json!({"type": "array", "items": uuid(), "minItems": 1, "maxItems": 10_000})),
        ],
    )
}

fn uses() -> Json {
    let view = object(4, &[("id", uuid()), ("name", text()), ("object", text()), ("shared", yes_or_no())]);
    let layout = ["title", "subtitle", "columns", "required", "owner"].map(|name| (name, yes_or_no()));
    object(
        11,
        &[
            ("records", count()),
            ("exact", yes_or_no()),
            ("views", list(view)),
            ("otherViews", count()),
            ("layout", object(5, &layout)),
            ("references", list(object(2, &[("object", text()), ("field", text())]))),
            ("unique", yes_or_no()),
            ("indexed", yes_or_no()),
            ("imports", count()),
            ("removable", yes_or_no()),
            ("reasons", list(text())),
        ],
    )
}

fn system() -> Json {
    let index = [
        ("seq", count()),
        ("behind", count()),
        ("rebuilding", yes_or_no()),
        ("documents", count()),
        ("bytes", count()),
    ];
    let store = [("bytes", count()), ("freeBytes", optional(count())), ("writable", yes_or_no())];
    let backup = [("lastAt", optional(time())), ("lastBytes", count()), ("by", optional(named()))];
    object(
        13,
        &[
            ("version", text()),
            ("startedAt", time()),
            ("uptimeSeconds", count()),
            ("seq", count()),
            ("index", object(5, &index)),
            ("store", object(3, &store)),
            ("memory", object(1, &[("bytes", optional(count()))])),
            ("records", json!({"type": "object", "additionalProperties": count()})),
            ("jobs", object(3, &[("waiting", count()), ("failed", count()), ("oldestDue", optional(time()))])),
            ("backup", object(3, &backup)),
            ("sessions", count()),
            ("streams", count()),
            ("tls", json!({"enum": ["auto", "off", "files", "acme"]})),
        ],
    )
}
