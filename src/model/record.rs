//! A record: an object's fields with their values, and who wrote them when.

use serde::{Deserialize, Serialize};

use crate::value::Link;
use crate::{FieldCode, Id, ObjectCode, Timestamp, Value};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub object: ObjectCode,
    pub id: Id,
    /// 1 when created, one more with every write
    pub version: u32,
    pub created_at: Timestamp,
    pub created_by: Id,
    pub updated_at: Timestamp,
    pub updated_by: Id,
    /// when it went into the trash
    pub trashed_at: Option<Timestamp>,
    pub fields: Fields,
}

/// Values by field, sorted by code; a field without a value is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(Vec<(FieldCode, Value)>);

impl Fields {
    pub fn get(&self, code: FieldCode) -> Option<&Value> {
        self.0.binary_search_by_key(&code, |(c, _)| *c).ok().map(|at| &self.0[at].1)
    }

    /// Sets or, with `None`, clears; returns what was there.
    pub fn set(&mut self, code: FieldCode, value: Option<Value>) -> Option<Value> {
        match (self.0.binary_search_by_key(&code, |(c, _)| *c), value) {
            (Ok(at), Some(value)) => Some(std::mem::replace(&mut self.0[at].1, value)),
            (Ok(at), None) => Some(self.0.remove(at).1),
            (Err(at), Some(value)) => {
                self.0.insert(at, (code, value));
                None
            }
            (Err(_), None) => None,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (FieldCode, &Value)> {
        self.0.iter().map(|(code, value)| (*code, value))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(FieldCode, Value)> for Fields {
    fn from_iter<T: IntoIterator<Item = (FieldCode, Value)>>(iter: T) -> Fields {
        let mut fields = Fields::default();
        for (code, value) in iter {
            fields.set(code, Some(value));
        }
        fields
    }
}

impl Record {
    pub fn get(&self, code: FieldCode) -> Option<&Value> {
        self.fields.get(code)
    }

    pub fn link(&self) -> Link {
        Link { object: self.object, id: self.id }
    }
}

impl IntoIterator for Fields {
    type Item = (FieldCode, Value);
    type IntoIter = std::vec::IntoIter<(FieldCode, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
