//! The store over a disk in memory.

mod basics;
mod codec;
mod faults;
mod files;
mod increment;
mod model;
mod speed;
mod time_travel;

use std::sync::Arc;

use aplomb_model::{Id, Object, Record, Timestamp};
use aplomb_testkit::{Disk, RecordBuilder};
use aplomb_vault::{DataKey, PageDevice};

use crate::engine::{RedbEngine, RedbOptions};
use crate::{Batch, Committed, Op, Reason, Store, StoreError};

pub(crate) fn key() -> DataKey {
    DataKey::from_bytes(&[7; 32])
}

pub(crate) fn options() -> RedbOptions {
    RedbOptions { cache_bytes: 4 << 20, free: None }
}

/// A store on the disk, through the encrypting device.
pub(crate) fn open(disk: &Disk) -> Result<Store, StoreError> {
    let device = PageDevice::over(disk.clone(), &key().page_keys());
    Store::open_on(Arc::new(RedbEngine::open(Box::new(device), options())?), &key())
}

pub(crate) fn store() -> Store {
    open(&Disk::new()).unwrap()
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_772_366_400 + seconds)
}

pub(crate) fn id(n: u128) -> Id {
    Id::from_u128(n)
}

pub(crate) fn batch(seconds: i64, ops: Vec<Op>) -> Batch {
    Batch { at: at(seconds), actor: id(900), reason: Reason::new("test"), request: "r1".into(), ops, asserts: vec![] }
}

pub(crate) fn put(record: Record, before: Option<&Record>, object: &Arc<Object>) -> Op {
    Op::Put { record, before: before.map(|b| Arc::new(b.clone())), object: Arc::clone(object) }
}

pub(crate) fn contact(n: u128, seconds: i64) -> RecordBuilder {
    RecordBuilder::new(aplomb_testkit::CONTACT, id(n), at(seconds))
}

impl Store {
    pub(crate) fn write(&self, seconds: i64, ops: Vec<Op>) -> Result<Committed, StoreError> {
        self.commit(batch(seconds, ops))
    }
}

/// Nothing is wrong with the store.
#[track_caller]
pub(crate) fn assert_sound(store: &Store) {
    let report = store.verify(&|_| {}).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
}
