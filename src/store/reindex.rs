//! Building and dropping the index of a field when its declaration changed.

use std::collections::BTreeSet;
use std::ops::Bound;

use aplomb_model::{FieldCode, ObjectCode};

use crate::StoreError;
use crate::codec;
use crate::engine::{Transaction, scan_prefix};
use crate::key::{self, Space, after_prefix};
use crate::layout::Layout;

/// Rows read before the entries they give are written.
const CHUNK: usize = 2_000;

/// Drops the entries of fields that `new` does not have as `old` had them, and makes those that `old` lacks.
/// A field that becomes unique keeps the twins it has; only later writes are refused.
pub(crate) fn change(
    txn: &mut dyn Transaction,
    object: ObjectCode,
    old: &Layout,
    new: &Layout,
) -> Result<(), StoreError> {
    let kind = |layout: &Layout, code: &FieldCode| layout.fields.get(code).map(|i| i.kind);
    for code in old.fields.keys().filter(|code| kind(old, code) != kind(new, code)) {
        drop_field(txn, object, *code)?;
    }
    let missing: BTreeSet<FieldCode> =
        new.fields.keys().filter(|code| kind(old, code) != kind(new, code)).copied().collect();
    if missing.is_empty() { Ok(()) } else { build(txn, object, new, &missing) }
}

fn drop_field(txn: &mut dyn Transaction, object: ObjectCode, field: FieldCode) -> Result<(), StoreError> {
    loop {
        let mut keys = Vec::new();
        scan_prefix(txn.reader(), &key::index_field(object, field), false, &mut |key, _| {
            keys.push(key.to_vec());
            Ok(keys.len() < CHUNK)
        })?;
        keys.iter().try_for_each(|key| txn.delete(key))?;
        if keys.len() < CHUNK {
            return Ok(());
        }
    }
}

fn build(
    txn: &mut dyn Transaction,
    object: ObjectCode,
    layout: &Layout,
    fields: &BTreeSet<FieldCode>,
) -> Result<(), StoreError> {
    let prefix = key::object(Space::Record, object);
    let end = after_prefix(&prefix);
    let mut from = Bound::Included(prefix.clone());
    loop {
        let mut entries = Vec::new();
        let mut last = None;
        let mut rows = 0;
        let max = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        txn.reader().scan((from.as_ref().map(Vec::as_slice), max), false, &mut |k, v| {
            let id = key::id_at_end(k).ok_or_else(|| StoreError::corrupt("key of a record"))?;
            let record = codec::decode_record(object, id, v)?;
            let of_new_field = |entry: &Vec<u8>| {
                entry[0] == Space::Index as u8 && key::u16_at(entry, 3).is_some_and(|c| fields.contains(&FieldCode(c)))
            };
            entries.extend(layout.entries(&record).into_iter().filter(of_new_field));
            last = Some(k.to_vec());
            rows += 1;
            Ok(rows < CHUNK)
        })?;
        entries.sort();
        entries.iter().try_for_each(|entry| txn.put(entry, &[]))?;
        match last {
            Some(key) if rows == CHUNK => from = Bound::Excluded(key),
            _ => return Ok(()),
        }
    }
}
