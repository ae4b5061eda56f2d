//! Which fields of an object have an index. Kept in the store, so that indexes can be checked and rebuilt without the
//! declarations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aplomb_model::query::{Kind, scalars};
use aplomb_model::schema::system;
use aplomb_model::{FieldCode, Object, ObjectCode, Record};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::engine::{Snapshot, scan_prefix};
use crate::key::{self, Space};

/// The indexes of one object, by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    pub fields: BTreeMap<FieldCode, Indexed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Indexed {
    pub kind: Kind,
    pub unique: bool,
}

/// The indexes of all objects. `version` counts changes, so that a batch prepared for others is noticed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layouts {
    pub version: u64,
    pub objects: BTreeMap<ObjectCode, Arc<Layout>>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    code: FieldCode,
    kind: u8,
    unique: bool,
}

const FORMAT: u8 = 1;
const KINDS: [Kind; 7] = [Kind::Bool, Kind::Int, Kind::Number, Kind::Text, Kind::Key, Kind::Id, Kind::Opaque];

impl Layout {
    pub fn of(object: &Object) -> Layout {
        let indexed = object.fields.iter().filter(|f| f.indexed || f.unique);
        let fields = indexed.map(|f| (f.code, Indexed { kind: Kind::of(f.kind), unique: f.unique }));
        Layout { fields: fields.filter(|(_, i)| i.kind != Kind::Opaque).collect() }
    }

    /// Fields that `wanted` has and this lacks, or has otherwise.
    pub fn lacks(&self, wanted: &Layout) -> Vec<FieldCode> {
        wanted.fields.iter().filter(|(code, i)| self.fields.get(code) != Some(i)).map(|(code, _)| *code).collect()
    }

    /// The keys of a live record's index entries: of this layout's fields, the system's times and its references.
    pub fn entries(&self, record: &Record) -> BTreeSet<Vec<u8>> {
        let mut keys = BTreeSet::new();
        let mut add = |field: FieldCode, value: &[u8]| {
            let mut key = key::index_value(record.object, field, value);
            key.extend_from_slice(record.id.as_bytes());
            keys.insert(key);
        };
        for (code, value) in record.fields.iter() {
            if let Some(indexed) = self.fields.get(&code) {
                for scalar in scalars(value, None, indexed.kind) {
                    add(code, &key::encode_scalar(&scalar));
                }
            }
        }
        for (code, at) in [(system::CREATED_AT, record.created_at), (system::UPDATED_AT, record.updated_at)] {
            add(code, &key::encode_scalar(&aplomb_model::query::Scalar::Int(at.micros())));
        }
        for (code, value) in record.fields.iter() {
            keys.extend(value.links().iter().map(|l| key::reference(l.id, record.object, code, record.id)));
        }
        keys
    }

    /// The field of an index key when it must be unique.
    pub fn unique_field(&self, entry: &[u8]) -> Option<FieldCode> {
        if entry.first() != Some(&(Space::Index as u8)) {
            return None;
        }
        let code = FieldCode(key::u16_at(entry, 3)?);
        self.fields.get(&code).filter(|i| i.unique).map(|_| code)
    }

    pub fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let rows = self.fields.iter().map(|(code, i)| Row {
            code: *code,
            kind: KINDS.iter().position(|k| *k == i.kind).unwrap_or(KINDS.len()) as u8,
            unique: i.unique,
        });
        postcard::to_extend(&rows.collect::<Vec<_>>(), vec![FORMAT])
            .map_err(|e| StoreError::Invalid(format!("layout: {e}")))
    }

    pub fn decode(bytes: &[u8]) -> Result<Layout, StoreError> {
        let rows: Vec<Row> = match bytes.split_first() {
            Some((&FORMAT, rest)) => postcard::from_bytes(rest).ok(),
            _ => None,
        }
        .ok_or_else(|| StoreError::corrupt("the list of an object's indexes"))?;
        let mut layout = Layout::default();
        for row in rows {
            let kind = *KINDS.get(row.kind as usize).ok_or_else(|| StoreError::corrupt("kind of an index"))?;
            layout.fields.insert(row.code, Indexed { kind, unique: row.unique });
        }
        Ok(layout)
    }
}

impl Layouts {
    pub fn load(snapshot: &dyn Snapshot) -> Result<Layouts, StoreError> {
        let mut layouts = Layouts::default();
        let prefix = key::meta("layout");
        scan_prefix(snapshot, &prefix, false, &mut |k, v| {
            let code = key::u16_at(k, prefix.len()).ok_or_else(|| StoreError::corrupt("key of a layout"))?;
            layouts.objects.insert(ObjectCode(code), Arc::new(Layout::decode(v)?));
            Ok(true)
        })?;
        Ok(layouts)
    }

    pub fn of(&self, object: ObjectCode) -> Option<&Arc<Layout>> {
        self.objects.get(&object)
    }
}
