//! Real files: reopening, locking, formats.

use std::sync::Arc;

use aplomb_testkit::CONTACT;

use super::*;
use crate::{Engine, Options};

fn at_path(dir: &tempfile::TempDir) -> Result<Store, StoreError> {
    Store::open(Options { path: dir.path().join("store.redb"), key: key(), cache_bytes: 8 << 20 })
}

#[test]
fn a_store_is_found_again_and_is_one_process_own() {
    let dir = tempfile::tempdir().unwrap();
    let object = Arc::new(aplomb_testkit::contact());
    let record = contact(1, 0).name(1, "Canary", "Bird").build();
    {
        let store = at_path(&dir).unwrap();
        store.write(0, vec![put(record.clone(), None, &object)]).unwrap();
        assert_eq!(at_path(&dir).err(), Some(StoreError::Locked));
    }
    let bytes = std::fs::read(dir.path().join("store.redb")).unwrap();
    assert!(!bytes.windows(6).any(|w| w == b"Canary" || w == b"canary"));
    let store = at_path(&dir).unwrap();
    assert_eq!(store.seq(), 1);
    assert_eq!(store.snapshot().unwrap().get(CONTACT, id(1)).unwrap(), Some(record));
    assert!(store.stats().bytes > 0);
    drop(store);
    let wrong = DataKey::from_bytes(&[8; 32]);
    let opened = Store::open(Options { path: dir.path().join("store.redb"), key: wrong, cache_bytes: 1 << 20 });
    assert!(matches!(opened.err(), Some(StoreError::Corrupt { .. })));
}

#[test]
fn a_newer_store_is_refused_and_left_alone() {
    let disk = Disk::new();
    open(&disk).unwrap().close();
    let engine = || RedbEngine::open(Box::new(PageDevice::over(disk.clone(), &key().page_keys())), options()).unwrap();
    let format = crate::key::meta("format");
    let newer = engine();
    newer.write(&mut |txn| txn.put(&format, &7u32.to_be_bytes())).unwrap();
    newer.close();
    assert_eq!(open(&disk).err(), Some(StoreError::Newer { found: 7, ours: 2 }));
    assert_eq!(engine().snapshot().unwrap().get(&format).unwrap(), Some(7u32.to_be_bytes().to_vec()));
}

#[test]
fn a_store_of_format_1_is_brought_forward() {
    let disk = Disk::new();
    let object = Arc::new(aplomb_testkit::contact());
    let store = open(&disk).unwrap();
    store.write(0, (1..=3).map(|n| put(contact(n, 0).text(7, "web").build(), None, &object)).collect()).unwrap();
    store.close();
    let device = || Box::new(PageDevice::over(disk.clone(), &key().page_keys()));
    let engine = RedbEngine::open(device(), options()).unwrap();
    engine.as_format_1();
    engine.write(&mut |txn| txn.put(&crate::key::meta("format"), &1u32.to_be_bytes())).unwrap();
    engine.close();
    let store = open(&disk).unwrap();
    assert_sound(&store);
    let web = aplomb_model::query::Scalar::Key("web".into());
    assert_eq!(store.snapshot().unwrap().find(CONTACT, aplomb_model::FieldCode(7), &web, 9).unwrap().len(), 3);
    store.close();
    let engine = RedbEngine::open(device(), options()).unwrap();
    assert!(engine.tables().iter().all(|(name, ..)| name != "5/1"));
}

#[test]
fn an_older_store_is_brought_forward_step_by_step() {
    let engine = RedbEngine::open(Box::new(Disk::new()), options()).unwrap();
    crate::migrate::forward_by(&engine, &[]).unwrap();
    let steps: &[crate::migrate::Step] = &[
        |txn| txn.put(&crate::key::meta("x"), b"1"),
        |txn| {
            let x = txn.reader().get(&crate::key::meta("x"))?;
            txn.put(&crate::key::meta("y"), &x.unwrap_or_default())
        },
    ];
    for _ in 0..2 {
        crate::migrate::forward_by(&engine, steps).unwrap();
    }
    let snapshot = engine.snapshot().unwrap();
    assert_eq!(snapshot.get(&crate::key::meta("y")).unwrap(), Some(b"1".to_vec()));
    assert_eq!(snapshot.get(&crate::key::meta("format")).unwrap(), Some(3u32.to_be_bytes().to_vec()));
    let refused = crate::migrate::forward_by(&engine, &steps[..1]);
    assert_eq!(refused, Err(StoreError::Newer { found: 3, ours: 2 }));
}
