//! Schemas of who follows what, who is where, and who is told what.

use serde_json::{Map, Value as Json, json};

use super::reference;
use super::schemas::{count, list, object, optional_text, text, time, uuid};

fn yes_or_no() -> Json {
    json!({"type": "boolean"})
}

fn optional_id() -> Json {
    json!({"type": ["string", "null"], "format": "uuid"})
}

fn named() -> Json {
    object(2, &[("id", uuid()), ("name", optional_text())])
}

fn optional_named() -> Json {
    json!({"anyOf": [named(), {"type": "null"}]})
}

pub fn schemas() -> Map<String, Json> {
    let kinds = json!({"enum": ["assigned", "changed", "deleted", "jobDone", "jobFailed", "importDone"]});
    let field = object(2, &[("field", text()), ("label", text())]);
    let notice = object(
        11,
        &[
            ("id", uuid()),
            ("at", time()),
            ("kind", kinds),
            ("object", optional_text()),
            ("record", optional_named()),
            ("job", optional_id()),
            ("import", optional_id()),
            ("actor", optional_named()),
            ("fields", list(field)),
            ("count", count()),
            ("read", yes_or_no()),
        ],
    );
    let notices = [("notices", list(reference("Notice"))), ("unread", count()), ("next", optional_text())];
    let here = [("object", text()), ("id", uuid()), ("field", optional_text()), ("leave", yes_or_no())];
    let other = object(4, &[("id", uuid()), ("name", text()), ("field", optional_text()), ("since", time())]);
    let schemas = [
        ("Notice", notice),
        ("Notices", object(3, &notices)),
        ("ReadNotices", object(0, &[("ids", list(uuid())), ("all", yes_or_no())])),
        ("Unread", object(1, &[("unread", count())])),
        ("Followers", object(2, &[("followers", list(named())), ("following", yes_or_no())])),
        ("Here", object(2, &here)),
        ("Others", object(1, &[("others", list(other))])),
    ];
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}
