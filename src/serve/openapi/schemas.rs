//! Schemas that do not depend on the declarations of objects.

use serde_json::{Map, Value as Json, json};

use super::reference;

pub(super) fn text() -> Json {
    json!({"type": "string"})
}

pub(super) fn optional_text() -> Json {
    json!({"type": ["string", "null"]})
}

pub(super) fn uuid() -> Json {
    json!({"type": "string", "format": "uuid"})
}

pub(super) fn time() -> Json {
    json!({"type": "string", "format": "date-time"})
}

pub(super) fn count() -> Json {
    json!({"type": "integer", "minimum": 0})
}

pub(super) fn list(items: Json) -> Json {
    json!({"type": "array", "items": items})
}

/// A single one stands for a list of it.
pub(super) fn one_or_list(item: Json) -> Json {
    json!({"anyOf": [item.clone(), list(item)]})
}

/// An object with these members, of which the first `required` are always there.
pub(super) fn object(required: usize, members: &[(&str, Json)]) -> Json {
    let names: Vec<_> = members.iter().take(required).map(|(name, _)| *name).collect();
    let properties: Map<String, Json> =
        members.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if let (Json::Object(schema), false) = (&mut schema, names.is_empty()) {
        schema.insert("required".to_owned(), json!(names));
    }
    schema
}

pub(super) fn wrapped(name: &str, item: &str) -> Json {
    object(1, &[(name, list(reference(item)))])
}

pub fn all() -> Map<String, Json> {
    let parts = [problems(), values(), records(), queries(), sessions(), declarations(), administration()];
    parts.into_iter().flatten().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

type Named = Vec<(&'static str, Json)>;

fn problems() -> Named {
    let field_error = object(3, &[("field", text()), ("code", text()), ("detail", text())]);
    let problem = object(
        7,
        &[
            ("type", text()),
            ("title", text()),
            ("status", json!({"type": "integer"})),
            ("code", json!({"enum": aplomb_model::Code::ALL.iter().map(|code| code.name()).collect::<Vec<_>>()})),
            ("detail", text()),
            ("errors", list(reference("FieldError"))),
            ("requestId", text()),
        ],
    );
    vec![
        ("Any", json!({"type": "object"})),
        ("Empty", json!({"type": "object"})),
        ("FieldError", field_error),
        ("Problem", problem),
        (
            "Readiness",
            object(
                5,
                &[
                    ("ready", json!({"type": "boolean"})),
                    ("writable", json!({"type": "boolean"})),
                    ("seq", count()),
                    ("searchSeq", count()),
                    ("rebuilding", json!({"type": "boolean"})),
                ],
            ),
        ),
    ]
}

fn values() -> Named {
    let address = ["street", "city", "region", "postalCode", "country"].map(|part| (part, text()));
    vec![
        (
            "Money",
            object(
                2,
                &[
                    ("amount", json!({"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$"})),
                    ("currency", json!({"type": "string", "pattern": "^[A-Z]{3}$"})),
                ],
            ),
        ),
        ("PersonName", object(0, &[("first", text()), ("last", text())])),
        ("Address", object(0, &address)),
        ("GeoPoint", object(2, &[("lat", json!({"type": "number"})), ("lon", json!({"type": "number"}))])),
        ("Reference", object(1, &[("id", uuid()), ("object", text()), ("name", text())])),
    ]
}

fn records() -> Named {
    let head = [
        ("id", uuid()),
        ("object", text()),
        ("version", json!({"type": "integer", "minimum": 1})),
        ("createdAt", time()),
        ("updatedAt", time()),
        ("createdBy", json!({})),
        ("updatedBy", json!({})),
        ("trashedAt", json!({"type": ["string", "null"], "format": "date-time"})),
    ];
    let fields = ("fields", json!({"type": "object"}));
    let record = object(5, &[head.as_slice(), std::slice::from_ref(&fields)].concat());
    let sent = object(1, &[fields.clone(), ("version", json!({"type": "integer", "minimum": 1}))]);
    let total = object(2, &[("count", count()), ("exact", json!({"type": "boolean"}))]);
    let page = object(
        2,
        &[
            ("records", list(json!({"type": "object"}))),
            ("next", optional_text()),
            ("total", total),
            ("groups", list(json!({"type": "object"}))),
            ("seq", count()),
        ],
    );
    let operation = object(
        2,
        &[
            ("op", json!({"enum": ["create", "update", "upsert", "delete", "restore"]})),
            ("object", text()),
            ("id", uuid()),
            ("match", text()),
            ("version", json!({"type": "integer", "minimum": 1})),
            fields,
        ],
    );
    let operations = json!({"type": "array", "items": reference("BatchOperation"), "maxItems": 1000});
    vec![
        ("RecordHead", object(5, &head)),
        ("Record", record),
        ("NewRecord", sent.clone()),
        ("RecordChange", sent),
        ("Page", page),
        ("BatchOperation", operation),
        ("Batch", json!({"oneOf": [operations, object(1, &[("operations", operations.clone())])]})),
        ("BatchDone", object(2, &[("results", list(json!({"type": "object"}))), ("seq", count())])),
        ("Undo", object(1, &[("version", json!({"type": "integer", "minimum": 1, "maximum": u32::MAX}))])),
        ("Entries", object(2, &[("entries", list(json!({"type": "object"}))), ("next", json!({}))])),
        ("Changes", object(1, &[("changes", list(json!({"type": "object"}))), ("next", json!({}))])),
        (
            "ConvertLead",
            object(
                0,
                &[
                    ("createDeal", json!({"type": "boolean"})),
                    ("dealName", text()),
                    ("dealAmount", json!({})),
                    ("companyId", uuid()),
                    ("contactId", uuid()),
                    ("version", json!({"type": "integer"})),
                ],
            ),
        ),
        ("Converted", object(0, &["lead", "contact", "company", "deal"].map(|name| (name, json!({}))))),
        (
            "SearchResults",
            object(1, &[("results", list(json!({"type": "object"}))), ("next", optional_text()), ("seq", count())]),
        ),
    ]
}

fn queries() -> Named {
    let operators = json!({"enum": [
        "eq", "ne", "gt", "gte", "lt", "lte", "in", "notIn", "contains", "startsWith", "isEmpty", "between", "withinLast", "withinNext",
    ]});
    let condition = object(2, &[("field", text()), ("op", operators), ("value", json!({}))]);
    let filter = json!({"oneOf": [
        condition,
        object(1, &[("and", list(reference("Filter")))]),
        object(1, &[("or", list(reference("Filter")))]),
        object(1, &[("not", reference("Filter"))]),
    ]});
    let bucket = json!({"enum": ["day", "week", "month", "quarter", "year"]});
    let group = json!({"oneOf": [text(), object(2, &[("field", text()), ("bucket", bucket)])]});
    let operations = json!({"enum": ["count", "sum", "avg", "min", "max", "percentiles", "distinct"]});
    let aggregate = object(
        1,
        &[("op", operations), ("field", text()), ("as", text()), ("percents", list(json!({"type": "number"})))],
    );
    let query = object(
        0,
        &[
            ("filter", reference("Filter")),
            ("sort", one_or_list(text())),
            ("fields", one_or_list(text())),
            ("groupBy", one_or_list(group)),
            ("aggregates", one_or_list(aggregate)),
            ("limit", json!({"type": "integer", "minimum": 1, "maximum": 500})),
            ("cursor", optional_text()),
            ("offset", json!({"type": "integer", "minimum": 0, "maximum": 10_000_000})),
            ("asOf", time()),
            ("q", text()),
            ("after", count()),
            ("count", json!({"enum": ["exact", "none"]})),
        ],
    );
    vec![("Filter", filter), ("Query", query)]
}

fn sessions() -> Named {
    let organisation = object(1, &[("name", text()), ("currency", text()), ("timeZone", text()), ("language", text())]);
    let admin = object(3, &[("name", text()), ("email", text()), ("password", text())]);
    let setup = object(
        3,
        &[
            ("code", text()),
            ("organisation", organisation.clone()),
            ("admin", admin),
            ("unseal", object(0, &[("passphrase", text())])),
            ("start", json!({"enum": ["empty", "sample", "import"]})),
        ],
    );
    let session = object(
        2,
        &[
            ("user", json!({"type": "object"})),
            ("roles", list(json!({}))),
            ("organisation", organisation),
            ("permissions", json!({"type": "object"})),
            ("capabilities", list(text())),
            ("csrf", text()),
            ("expiresAt", time()),
        ],
    );
    let device = object(
        7,
        &[
            ("id", uuid()),
            ("createdAt", time()),
            ("usedAt", time()),
            ("expiresAt", time()),
            ("device", text()),
            ("address", text()),
            ("current", json!({"type": "boolean"})),
        ],
    );
    let kit = object(2, &[("identity", text()), ("text", text()), ("recipient", text())]);
    vec![
        (
            "SetupState",
            object(
                2,
                &[
                    ("required", json!({"type": "boolean"})),
                    ("sealed", json!({"type": "boolean"})),
                    ("unsealSecretGiven", json!({"type": "boolean"})),
                ],
            ),
        ),
        ("Setup", setup),
        (
            "SetupDone",
            object(2, &[("recoveryKit", kit), ("session", reference("Session")), ("unsealPassphrase", text())]),
        ),
        ("SetupCode", object(1, &[("code", text())])),
        ("Unseal", object(1, &[("secret", text())])),
        ("LogIn", object(2, &[("email", text()), ("password", text()), ("code", text())])),
        ("Session", session),
        ("Sessions", object(1, &[("sessions", list(device))])),
    ]
}

fn declarations() -> Named {
    let choice = object(
        1,
        &[
            ("key", text()),
            ("label", text()),
            ("color", text()),
            ("probability", json!({"type": "number"})),
            ("outcome", text()),
            ("retired", json!({"type": "boolean"})),
        ],
    );
    let field = [
        ("name", text()),
        ("label", text()),
        ("type", text()),
        ("many", json!({"type": "boolean"})),
        ("required", json!({"type": "boolean"})),
        ("unique", json!({"type": "boolean"})),
        ("indexed", json!({"type": "boolean"})),
        ("personal", json!({"type": "boolean"})),
        ("choices", list(choice)),
        ("target", list(text())),
        ("group", text()),
        ("help", text()),
        ("maxLength", json!({"type": "integer"})),
        ("min", json!({"type": "number"})),
        ("max", json!({"type": "number"})),
        ("default", json!({})),
    ];
    let object_members = [
        ("name", text()),
        ("label", text()),
        ("plural", text()),
        ("icon", text()),
        ("title", text()),
        ("list", list(text())),
        ("fields", list(reference("Field"))),
        ("custom", json!({"type": "boolean"})),
    ];
    vec![
        ("Field", object(3, &field)),
        ("FieldDeclaration", object(0, &field)),
        ("Fields", wrapped("fields", "Field")),
        ("Object", object(3, &object_members)),
        ("ObjectDeclaration", object(0, &object_members)),
        ("Objects", wrapped("objects", "Object")),
    ]
}

fn administration() -> Named {
    let user = object(
        0,
        &[
            ("id", uuid()),
            ("name", text()),
            ("email", text()),
            ("roles", list(text())),
            ("teams", list(json!({}))),
            ("active", json!({"type": "boolean"})),
            ("password", json!({"type": "string", "writeOnly": true})),
        ],
    );
    let team = object(0, &[("id", uuid()), ("name", text()), ("members", list(json!({})))]);
    let role = object(
        0,
        &[
            ("key", text()),
            ("label", text()),
            ("description", text()),
            ("objects", json!({"type": "object"})),
            ("capabilities", list(text())),
            ("custom", json!({"type": "boolean"})),
        ],
    );
    let token = object(
        0,
        &[
            ("id", uuid()),
            ("name", text()),
            ("scopes", list(text())),
            ("createdAt", time()),
            ("expiresAt", json!({"type": ["string", "null"]})),
            ("key", text()),
            ("token", text()),
        ],
    );
    let flag = || json!({"type": "boolean"});
    let view = object(
        11,
        &[
            ("id", uuid()),
            ("object", text()),
            ("name", text()),
            ("query", text()),
            ("shared", flag()),
            ("isDefault", flag()),
            ("pinned", flag()),
            ("owner", json!({"type": "object"})),
            ("mine", flag()),
            ("createdAt", time()),
            ("updatedAt", time()),
        ],
    );
    let chosen = [("query", text()), ("shared", flag()), ("isDefault", flag()), ("pinned", flag())];
    let new_view = object(2, &[&[("object", text()), ("name", text())], &chosen[..]].concat());
    let view_change = object(0, &[&[("name", text())], &chosen[..]].concat());
    let new_token = object(1, &[("name", text()), ("user", uuid()), ("scopes", list(text())), ("expiresAt", time())]);
    vec![
        ("User", user),
        ("Users", wrapped("users", "User")),
        ("Team", team),
        ("Teams", wrapped("teams", "Team")),
        ("Role", role),
        ("Roles", wrapped("roles", "Role")),
        ("View", view),
        ("Views", wrapped("views", "View")),
        ("NewView", new_view),
        ("ViewChange", view_change),
        ("Token", token),
        ("Tokens", wrapped("tokens", "Token")),
        ("NewToken", new_token),
        ("Settings", json!({"type": "object"})),
    ]
}
