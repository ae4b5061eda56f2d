//! Objects and fields as data. One declaration gives the form, the list, the API, the index and the import mapping.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{FieldCode, Id, ObjectCode, Record};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FieldType {
    Text,
    LongText,
    Number,
    Money,
    Date,
    DateTime,
    Choice,
    MultiChoice,
    YesNo,
    Email,
    Phone,
    Url,
    Address,
    PersonName,
    Reference,
    References,
    File,
    GeoPoint,
    Duration,
    Rating,
    Formula,
    RollUp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Choice {
    pub key: String,
    pub label: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// percent, for a deal's stage
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// for a stage or status: `open` (default), `won`, `lost`, `done`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// no longer offered, still readable
    #[serde(default, skip_serializing_if = "is_false")]
    pub retired: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Field {
    pub code: FieldCode,
    /// camelCase name in the API
    pub name: String,
    pub label: String,
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// a list of e-mails, phones or URLs
    #[serde(default, skip_serializing_if = "is_false")]
    pub many: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub unique: bool,
    /// the store keeps a sorted index (look-up by value, lists while the search index rebuilds)
    #[serde(default, skip_serializing_if = "is_false")]
    pub indexed: bool,
    /// personal data: sealed per record in the change log
    #[serde(default, skip_serializing_if = "is_false")]
    pub personal: bool,
    /// set by the system, never by a request
    #[serde(default, skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// a choice list that users and imports may extend (tags)
    #[serde(default, skip_serializing_if = "is_false")]
    pub open: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// names of the objects a reference may point at
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// weight in full-text search, 0 (not searched) to 3
    #[serde(default, skip_serializing_if = "is_zero")]
    pub search: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// added by an admin
    #[serde(default, skip_serializing_if = "is_false")]
    pub custom: bool,
    /// hidden and no longer written; values stay
    #[serde(default, skip_serializing_if = "is_false")]
    pub retired: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Object {
    pub code: ObjectCode,
    pub name: String,
    pub label: String,
    pub plural: String,
    #[serde(default)]
    pub icon: String,
    /// the field that names a record
    pub title: String,
    /// columns of the default list
    #[serde(default)]
    pub list: Vec<String>,
    pub fields: Vec<Field>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub custom: bool,
    /// users, teams and the like: not reached through `/records`
    #[serde(default, skip_serializing_if = "is_false")]
    pub internal: bool,
}

/// All objects, looked up by name and code. Cheap to clone; replaced whole when an admin changes a declaration.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// changes with every change of a declaration
    pub version: u64,
    objects: Arc<BTreeMap<ObjectCode, Arc<Object>>>,
    names: Arc<BTreeMap<String, ObjectCode>>,
}

/// Codes of what every record has beside its own fields, so that a filter, a sort or a column may name it.
pub mod system {
    use crate::FieldCode;

    pub const ID: FieldCode = FieldCode(65_001);
    pub const CREATED_AT: FieldCode = FieldCode(65_002);
    pub const UPDATED_AT: FieldCode = FieldCode(65_003);
    pub const CREATED_BY: FieldCode = FieldCode(65_004);
    pub const UPDATED_BY: FieldCode = FieldCode(65_005);
    pub const VERSION: FieldCode = FieldCode(65_006);

    pub fn by_name(name: &str) -> Option<FieldCode> {
        Some(match name {
            "id" => ID,
            "createdAt" => CREATED_AT,
            "updatedAt" => UPDATED_AT,
            "createdBy" => CREATED_BY,
            "updatedBy" => UPDATED_BY,
            "version" => VERSION,
            _ => return None,
        })
    }
}

impl Schema {
    /// Later objects of the same name or code replace earlier ones.
    pub fn new(version: u64, objects: impl IntoIterator<Item = Object>) -> Schema {
        let objects: BTreeMap<_, _> = objects.into_iter().map(|o| (o.code, Arc::new(o))).collect();
        let names = objects.values().map(|o| (o.name.clone(), o.code)).collect();
        Schema { version, objects: Arc::new(objects), names: Arc::new(names) }
    }

    pub fn by_name(&self, name: &str) -> Option<&Arc<Object>> {
        self.names.get(name).and_then(|code| self.objects.get(code))
    }

    pub fn by_code(&self, code: ObjectCode) -> Option<&Arc<Object>> {
        self.objects.get(&code)
    }

    pub fn objects(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.objects.values()
    }
}

impl Object {
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name)
    }

    pub fn by_code(&self, code: FieldCode) -> Option<&Field> {
        match self.fields.binary_search_by_key(&code, |f| f.code) {
            Ok(at) => self.fields.get(at),
            Err(_) => self.fields.iter().find(|f| f.code == code),
        }
    }

    /// The field that says whose a record is.
    pub fn owner(&self) -> Option<&Field> {
        self.field("owner")
    }

    /// Fields in use.
    pub fn live(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|f| !f.retired)
    }

    /// The name of a record, empty when it has none.
    pub fn title_of(&self, record: &Record) -> String {
        let title = self.field(&self.title).and_then(|f| record.get(f.code));
        title.map(|v| v.text()).unwrap_or_default()
    }

    /// Who owns a record, when its object has an owner field and it is set.
    pub fn owner_of(&self, record: &Record) -> Option<Id> {
        let value = record.get(self.owner()?.code)?;
        value.links().first().map(|l| l.id)
    }
}

fn is_false(b: &bool) -> bool {
    !b
}

fn is_zero(n: &u8) -> bool {
    *n == 0
}
