//! The device against a plain one, under random work, and under redb itself.

use std::fs;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use proptest::prelude::*;
use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase, StorageBackend, TableDefinition};

use crate::xts::{BLOCK, SECTOR};
use crate::{PageDevice, PageKey};

const TABLE: TableDefinition<u64, &[u8]> = TableDefinition::new("records");

fn key(byte: u8) -> PageKey {
    PageKey::from_bytes(std::array::from_fn(|i| byte ^ i as u8))
}

/// A backend whose bytes and writes the test can see.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<DiskState>>);

#[derive(Debug, Default)]
struct DiskState {
    bytes: Vec<u8>,
    writes: Vec<(u64, usize)>,
    full: bool,
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock();
        let offset = offset as usize;
        let found = state.bytes.get(offset..offset + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.lock().bytes.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock();
        if state.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.writes.push((offset, data.len()));
        let offset = offset as usize;
        let room = state.bytes.get_mut(offset..offset + data.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        room.copy_from_slice(data);
        Ok(())
    }
}

#[derive(Clone, Debug)]
enum Step {
    SetLen(u64),
    Write(u64, Vec<u8>),
    Read(u64, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..600),
        (0..3 * SECTOR).prop_map(|len| vec![0; len]),
        (1..4usize, any::<u8>()).prop_map(|(sectors, byte)| vec![byte; sectors * SECTOR]),
    ];
    let at = prop_oneof![0..20_000u64, (0..5u64).prop_map(|n| n * SECTOR as u64)];
    let step = prop_oneof![
        1 => (0..1300u64).prop_map(|blocks| Step::SetLen(blocks * BLOCK as u64)),
        4 => (at.clone(), bytes).prop_map(|(at, bytes)| Step::Write(at, bytes)),
        4 => (at, 0..9000usize).prop_map(|(at, len)| Step::Read(at, len)),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]
    #[test]
    fn behaves_like_a_plain_device(steps in steps()) {
        let plain = InMemoryBackend::new();
        let device = PageDevice::over(Disk::default(), &key(1));
        for step in steps {
            let len = plain.len().unwrap();
            match step {
                Step::SetLen(len) => {
                    plain.set_len(len).unwrap();
                    device.set_len(len).unwrap();
                }
                Step::Write(at, bytes) if at + bytes.len() as u64 <= len => {
                    plain.write(at, &bytes).unwrap();
                    device.write(at, &bytes).unwrap();
                }
                Step::Read(at, count) if at + count as u64 <= len => {
                    let (mut expect, mut found) = (vec![1; count], vec![2; count]);
                    plain.read(at, &mut expect).unwrap();
                    device.read(at, &mut found).unwrap();
                    prop_assert!(expect == found, "{count} bytes at {at}");
                }
                Step::Write(at, bytes) => prop_assert!(bytes.is_empty() || device.write(at, &bytes).is_err()),
                Step::Read(at, count) => prop_assert!(count == 0 || device.read(at, &mut vec![0; count]).is_err()),
            }
            prop_assert_eq!(plain.len().unwrap(), device.len().unwrap());
        }
    }
}

#[test]
fn writes_touch_only_the_blocks_they_cover() {
    let disk = Disk::default();
    let device = PageDevice::over(disk.clone(), &key(1));
    device.set_len(3 * SECTOR as u64).unwrap();
    for (offset, len, expect) in [
        (0, 320, (0, 320)),
        (9, 1, (0, 16)),
        (4090, 12, (4080, 32)),
        (16, 17, (16, 32)),
        (4096, 8192, (4096, 8192)),
        (5, 4096, (0, 4112)),
    ] {
        disk.0.lock().writes.clear();
        device.write(offset, &vec![7; len]).unwrap();
        assert_eq!(disk.0.lock().writes, [expect], "{len} bytes at {offset}");
    }
}

#[test]
fn zeros_that_are_written_are_encrypted_and_gaps_read_as_zeros() {
    let disk = Disk::default();
    let device = PageDevice::over(disk.clone(), &key(1));
    device.set_len(2 * SECTOR as u64).unwrap();
    device.write(32, &[0; 16]).unwrap();
    device.write(SECTOR as u64, &[0; SECTOR]).unwrap();
    let stored = disk.0.lock().bytes.clone();
    assert_ne!(stored[32..48], [0; 16]);
    let distinct: std::collections::HashSet<_> = stored[SECTOR..].chunks(BLOCK).collect();
    assert_eq!(distinct.len(), SECTOR / BLOCK, "equal plaintext blocks look alike");
    let mut found = vec![1; 2 * SECTOR];
    device.read(0, &mut found).unwrap();
    assert_eq!(found, vec![0; 2 * SECTOR]);
}

#[test]
fn odd_lengths_are_refused_and_errors_pass() {
    let disk = Disk::default();
    let device = PageDevice::over(disk.clone(), &key(1));
    assert_eq!(device.set_len(100).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    device.set_len(SECTOR as u64).unwrap();
    for offset in [u64::MAX, u64::MAX - 15, u64::MAX - 16, SECTOR as u64 - 8] {
        assert!(device.read(offset, &mut [0; 16]).is_err(), "reading at {offset}");
        assert!(device.write(offset, &[1; 16]).is_err(), "writing at {offset}");
    }
    disk.0.lock().full = true;
    assert_eq!(device.write(0, &[1; 64]).unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn a_database_lives_on_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let open = |byte| {
        let device = PageDevice::open(&path, &key(byte)).unwrap();
        Database::builder().create_with_backend(device)
    };
    let canary = b"Erika Mustermann, erika@example.org";
    for round in 0..3u64 {
        let database = open(1).unwrap();
        let write = database.begin_write().unwrap();
        {
            let mut table = write.open_table(TABLE).unwrap();
            for n in 0..500 {
                table.insert(round * 500 + n, &canary.repeat(1 + n as usize % 40)[..]).unwrap();
            }
        }
        write.commit().unwrap();
        assert!(open(1).is_err(), "the file is locked while it is open");
    }
    let stored = fs::read(&path).unwrap();
    assert!(!stored.windows(canary.len()).any(|window| window == canary));
    assert!(!stored.windows(4).any(|window| window == b"redb"), "the magic number is visible");
    assert!(open(2).is_err(), "wrong key");
    let database = open(1).unwrap();
    let read = database.begin_read().unwrap();
    let table = read.open_table(TABLE).unwrap();
    for n in [0, 777, 1499] {
        let expect = canary.repeat(1 + n as usize % 500 % 40);
        assert_eq!(table.get(n).unwrap().unwrap().value(), expect);
    }
    assert!(table.get(1500).unwrap().is_none());
}

#[test]
fn refusals_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("absent/store.redb");
    let error = PageDevice::open(&path, &key(1)).err().unwrap();
    assert!(error.is_not_found() && error.to_string().contains("absent/store.redb"), "{error}");
    let path = dir.path().join("store.redb");
    let device = PageDevice::open(&path, &key(1)).unwrap();
    let error = device.read(0, &mut [0; 16]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert!(error.to_string().contains("store.redb"), "{error}");
    assert!(!format!("{device:?}").contains("xts"));
}
