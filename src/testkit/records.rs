//! Small objects and records.

use aplomb_model::value::Link;
use aplomb_model::{Field, FieldCode, FieldType, Id, Object, ObjectCode, PersonName, Record, Schema, Timestamp, Value};

pub const CONTACT: ObjectCode = ObjectCode(1);
pub const COMPANY: ObjectCode = ObjectCode(2);

/// A field with nothing special about it.
pub fn field(code: u16, name: &str, kind: FieldType) -> Field {
    Field {
        code: FieldCode(code),
        name: name.to_owned(),
        label: name.to_owned(),
        kind,
        many: false,
        required: false,
        unique: false,
        indexed: false,
        personal: false,
        read_only: false,
        open: false,
        choices: vec![],
        target: vec![],
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

pub fn object(code: ObjectCode, name: &str, title: &str, fields: Vec<Field>) -> Object {
    Object {
        code,
        name: name.to_owned(),
        label: name.to_owned(),
        plural: format!("{name}s"),
        icon: String::new(),
        title: title.to_owned(),
        list: vec![title.to_owned()],
        fields,
        custom: false,
        internal: false,
    }
}

/// name (1, indexed, personal), email (2, many, unique, personal), company (3, reference), title (4), score (5, indexed),
/// owner (6, reference), source (7, indexed choice), born (8, indexed date)
pub fn contact() -> Object {
    let fields = vec![
        Field { indexed: true, personal: true, search: 3, ..field(1, "name", FieldType::PersonName) },
        Field { many: true, unique: true, personal: true, ..field(2, "email", FieldType::Email) },
        Field { target: vec!["company".into()], ..field(3, "company", FieldType::Reference) },
        field(4, "title", FieldType::Text),
        Field { indexed: true, ..field(5, "score", FieldType::Number) },
        Field { target: vec!["user".into()], ..field(6, "owner", FieldType::Reference) },
        Field { indexed: true, open: true, ..field(7, "source", FieldType::Choice) },
        Field { indexed: true, ..field(8, "born", FieldType::Date) },
    ];
    object(CONTACT, "contact", "name", fields)
}

/// name (1, indexed), domain (2, unique), revenue (3, indexed money), parent (4, reference), notes (5, long text)
pub fn company() -> Object {
    let fields = vec![
        Field { indexed: true, search: 3, ..field(1, "name", FieldType::Text) },
        Field { unique: true, ..field(2, "domain", FieldType::Text) },
        Field { indexed: true, ..field(3, "revenue", FieldType::Money) },
        Field { target: vec!["company".into()], ..field(4, "parent", FieldType::Reference) },
        field(5, "notes", FieldType::LongText),
    ];
    object(COMPANY, "company", "name", fields)
}

pub fn schema() -> Schema {
    Schema::new(1, [contact(), company()])
}

/// A record, field by field.
#[derive(Debug, Clone)]
pub struct RecordBuilder(Record);

impl RecordBuilder {
    pub fn new(object: ObjectCode, id: Id, at: Timestamp) -> RecordBuilder {
        RecordBuilder(Record {
            object,
            id,
            version: 1,
            created_at: at,
            created_by: Id::NIL,
            updated_at: at,
            updated_by: Id::NIL,
            trashed_at: None,
            fields: Default::default(),
        })
    }

    /// Another version of a record.
    pub fn from(record: &Record, at: Timestamp) -> RecordBuilder {
        RecordBuilder(Record { updated_at: at, version: record.version + 1, ..record.clone() })
    }

    pub fn set(mut self, code: u16, value: Value) -> RecordBuilder {
        self.0.fields.set(FieldCode(code), Some(value));
        self
    }

    pub fn clear(mut self, code: u16) -> RecordBuilder {
        self.0.fields.set(FieldCode(code), None);
        self
    }

    pub fn text(self, code: u16, text: &str) -> RecordBuilder {
        self.set(code, Value::Text(text.to_owned()))
    }

    pub fn texts(self, code: u16, texts: &[&str]) -> RecordBuilder {
        self.set(code, Value::Texts(texts.iter().map(|t| (*t).to_owned()).collect()))
    }

    pub fn name(self, code: u16, first: &str, last: &str) -> RecordBuilder {
        self.set(code, Value::Name(PersonName { first: first.to_owned(), last: last.to_owned() }))
    }

    pub fn number(self, code: u16, n: f64) -> RecordBuilder {
        self.set(code, Value::Number(n))
    }

    pub fn link(self, code: u16, object: ObjectCode, id: Id) -> RecordBuilder {
        self.set(code, Value::Ref(Link { object, id }))
    }

    pub fn trashed(mut self, at: Option<Timestamp>) -> RecordBuilder {
        self.0.trashed_at = at;
        self
    }

    pub fn build(self) -> Record {
        self.0
    }
}
