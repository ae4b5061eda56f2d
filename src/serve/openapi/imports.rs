//! Schemas of imports, their rows, and uploaded files.

use serde_json::{Map, Value as Json, json};

use super::reference;
use super::schemas::{count, list, object, optional_text, text, uuid, wrapped};

pub fn schemas() -> Map<String, Json> {
    let import = object(
        4,
        &[
            ("id", uuid()),
            ("object", text()),
            ("fileName", text()),
            ("status", text()),
            ("format", text()),
            ("vendor", optional_text()),
            ("columns", list(json!({"type": "object"}))),
            ("options", json!({"type": "object"})),
            ("progress", json!({"type": "object"})),
            ("preview", json!({"type": ["object", "null"]})),
            ("outdated", json!({"type": "boolean"})),
            ("edits", count()),
            ("decisions", count()),
            ("noted", object(3, &[("refused", count()), ("duplicate", count()), ("warning", count())])),
            ("rows", count()),
            ("changedRows", list(reference("ImportRow"))),
        ],
    );
    let optional_count = || json!({"type": ["integer", "null"], "minimum": 0});
    let action = || json!({"enum": ["update", "skip", "create", null]});
    let edit = object(2, &[("row", count()), ("column", count()), ("value", optional_text())]);
    let decision = object(1, &[("row", count()), ("action", action())]);
    let problem = object(
        5,
        &[
            ("column", optional_count()),
            ("field", optional_text()),
            ("code", text()),
            ("detail", text()),
            ("warning", json!({"type": "boolean"})),
        ],
    );
    let side = object(
        5,
        &[
            ("field", text()),
            ("label", text()),
            ("incoming", json!({})),
            ("existing", json!({})),
            ("result", json!({})),
        ],
    );
    let mut duplicate = object(
        8,
        &[
            ("of", json!({"enum": ["record", "row"]})),
            ("object", text()),
            ("id", json!({"type": ["string", "null"], "format": "uuid"})),
            ("name", text()),
            ("row", optional_count()),
            ("matchedBy", text()),
            ("fields", list(side)),
            ("action", action()),
        ],
    );
    duplicate["type"] = json!(["object", "null"]);
    let row = object(
        7,
        &[
            ("row", count()),
            ("cells", list(text())),
            ("problems", list(problem)),
            ("edits", list(count())),
            ("originals", list(text())),
            ("duplicate", duplicate),
            ("decision", action()),
        ],
    );
    let map_to = object(1, &[("column", count()), ("field", optional_text())]);
    let schemas = [
        ("Import", import),
        ("Imports", wrapped("imports", "Import")),
        ("FileUpload", object(1, &[("file", json!({"type": "string", "format": "binary"}))])),
        ("FileRef", object(1, &[("id", uuid()), ("name", text()), ("size", count()), ("mediaType", text())])),
        ("ImportUpload", object(1, &[("file", json!({"type": "string", "format": "binary"})), ("object", text())])),
        (
            "ImportChange",
            object(
                0,
                &[
                    ("mapping", list(map_to)),
                    ("options", json!({"type": "object"})),
                    ("edits", list(edit)),
                    ("decisions", list(decision)),
                ],
            ),
        ),
        ("ImportRow", row),
        (
            "ImportRows",
            object(3, &[("rows", list(reference("ImportRow"))), ("total", count()), ("next", optional_text())]),
        ),
        ("SampleState", object(1, &[("loaded", json!({"type": "boolean"}))])),
    ];
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}
