//! Sealed files: what is written is read, whatever is changed is noticed, and the cache stays bounded.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use crate::seal_format::{CHUNK, HEADER, SEALED};
use crate::{DataKey, SealedDir, SubKey, VaultError};

fn key(byte: u8) -> SubKey {
    DataKey::from_bytes(&[byte; 32]).subkey("sealed")
}

fn dir(path: &Path) -> Arc<SealedDir> {
    SealedDir::new(path, key(1), 1 << 20).unwrap()
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len as u32).flat_map(|i| (i.wrapping_mul(2_654_435_761)).to_le_bytes()[..1].to_vec()).collect()
}

fn write(dir: &SealedDir, name: &str, bytes: &[u8]) {
    let mut writer = dir.create(name).unwrap();
    for piece in bytes.chunks(10_007) {
        writer.write_all(piece).unwrap();
    }
    assert_eq!(writer.finish().unwrap(), bytes.len() as u64);
    assert_eq!(writer.finish().unwrap(), bytes.len() as u64, "finishing twice");
    assert!(writer.write_all(b"more").is_err());
}

#[test]
fn every_length_around_chunks_is_read_back() {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    for len in [0, 1, 15, 16, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 20 * CHUNK + 5] {
        let (name, bytes) = (format!("f{len}"), pattern(len));
        write(&dir, &name, &bytes);
        dir.write_atomic(&format!("a{len}"), &bytes).unwrap();
        for name in [name, format!("a{len}")] {
            let file = dir.open(&name).unwrap();
            assert_eq!(file.len(), len as u64);
            assert!(*file.read(0..len as u64).unwrap() == bytes[..], "{name}");
            assert!(dir.read_all(&name).unwrap() == bytes);
            assert_eq!(dir.verify(&name).unwrap(), len as u64);
            assert!(matches!(file.read(0..len as u64 + 1), Err(VaultError::OutOfRange { .. })));
            assert!(file.read(len as u64..len as u64).unwrap().is_empty());
        }
        assert!(dir.create(&format!("f{len}")).is_err(), "written twice");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() })]
    #[test]
    fn ranges_are_those_of_the_plaintext(
        len in 1..6 * CHUNK,
        cache in prop_oneof![Just(0usize), 1usize..2_000_000],
        ranges in prop::collection::vec((any::<prop::sample::Index>(), 0..3 * CHUNK), 1..30),
    ) {
        let temp = tempfile::tempdir().unwrap();
        let dir = SealedDir::new(temp.path(), key(1), cache).unwrap();
        let bytes = pattern(len);
        dir.write_atomic("f", &bytes).unwrap();
        let file = dir.open("f").unwrap();
        for (start, count) in ranges {
            let start = start.index(len);
            let end = (start + count).min(len);
            for _ in 0..2 {
                let found = file.read(start as u64..end as u64).unwrap();
                prop_assert!(*found == bytes[start..end], "{start}..{end}");
            }
            prop_assert!(dir.cache_bytes_used() <= cache);
        }
    }
}

#[test]
fn any_alteration_is_an_error_that_names_the_file() {
    let temp = tempfile::tempdir().unwrap();
    let sealed = dir(temp.path());
    let bytes = pattern(3 * CHUNK + 100);
    write(&sealed, "f", &bytes);
    drop(sealed);
    let path = temp.path().join("f");
    let good = fs::read(&path).unwrap();
    let chunk = |n: usize| HEADER + n * SEALED..(HEADER + (n + 1) * SEALED).min(good.len());
    let mut cases: Vec<(String, Vec<u8>)> = Vec::new();
    for at in [0, 7, 8, HEADER - 1, HEADER, HEADER + SEALED - 1, HEADER + SEALED, good.len() - 1] {
        let mut altered = good.clone();
        altered[at] ^= 0x40;
        cases.push((format!("byte {at} altered"), altered));
    }
    for len in
        [0, 1, HEADER, HEADER + 15, HEADER + SEALED, HEADER + 3 * SEALED, HEADER + 3 * SEALED + 16, good.len() - 1]
    {
        cases.push((format!("cut to {len}"), good[..len].to_vec()));
    }
    let mut swapped = good.clone();
    swapped[chunk(0)].copy_from_slice(&good[chunk(1)]);
    swapped[chunk(1)].copy_from_slice(&good[chunk(0)]);
    cases.push(("chunks swapped".into(), swapped));
    cases.push(("chunk left out".into(), [&good[..chunk(1).start], &good[chunk(2).start..]].concat()));
    cases.push(("bytes appended".into(), [&good[..], &[0; 20]].concat()));
    cases.push(("torn, zeros behind".into(), {
        let mut torn = good.clone();
        torn[HEADER + SEALED + 100..].fill(0);
        torn
    }));
    for (what, altered) in cases {
        fs::write(&path, &altered).unwrap();
        let dir = dir(temp.path());
        let errors = [
            dir.verify("f").err(),
            dir.read_all("f").err(),
            dir.open("f").and_then(|file| file.read(0..file.len()).map(|_| ())).err(),
        ];
        for error in errors {
            let error = error.unwrap_or_else(|| panic!("{what} was not noticed"));
            assert!(matches!(error, VaultError::Damaged { .. }), "{what}: {error}");
            assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
        }
    }
    fs::write(&path, &good).unwrap();
    assert!(dir(temp.path()).read_all("f").unwrap() == bytes);
}

#[test]
fn other_keys_names_and_unfinished_files_do_not_open() {
    let temp = tempfile::tempdir().unwrap();
    let sealed = dir(temp.path());
    write(&sealed, "a", b"first");
    write(&sealed, "b", b"other");
    let other_key = SealedDir::new(temp.path(), key(2), 0).unwrap();
    assert!(matches!(other_key.open("a"), Err(VaultError::Damaged { .. })));
    fs::rename(temp.path().join("a"), temp.path().join("c")).unwrap();
    fs::rename(temp.path().join("b"), temp.path().join("a")).unwrap();
    fs::rename(temp.path().join("c"), temp.path().join("b")).unwrap();
    for name in ["a", "b"] {
        assert!(matches!(sealed.open(name), Err(VaultError::Damaged { .. })), "swapped files");
    }
    let mut writer = sealed.create("unfinished").unwrap();
    writer.write_all(&pattern(3 * CHUNK)).unwrap();
    drop(writer);
    assert!(sealed.exists("unfinished").unwrap());
    assert!(matches!(sealed.open("unfinished"), Err(VaultError::Damaged { .. })));
}

#[test]
fn repeated_reads_share_memory_and_removal_empties_the_cache() {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    write(&dir, "f", &pattern(4 * CHUNK));
    let file = dir.open("f").unwrap();
    for range in [10..CHUNK as u64 - 10, 100..3 * CHUNK as u64] {
        let (one, two) = (file.read(range.clone()).unwrap(), file.read(range).unwrap());
        assert!(std::ptr::eq(&one[0], &two[0]));
        let (bytes, part) = two.into_parts();
        assert_eq!(&bytes[part], &*one);
    }
    let again = dir.open("f").unwrap();
    assert!(std::ptr::eq(&file.read(0..9999).unwrap()[0], &again.read(0..9999).unwrap()[0]));
    drop((file, again));
    assert!(dir.cache_bytes_used() > 0);
    let open = dir.open("f").unwrap();
    dir.remove("f").unwrap();
    assert_eq!(dir.cache_bytes_used(), 0);
    assert!(*open.read(0..30_000).unwrap() == pattern(30_000)[..], "still readable to those who have it open");
    assert_eq!(dir.cache_bytes_used(), 0);
    assert!(dir.open("f").err().unwrap().is_not_found());
    assert!(dir.remove("f").err().unwrap().is_not_found());
}

#[test]
fn replacing_is_atomic_and_seen_at_once() {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    dir.write_atomic("meta", b"one").unwrap();
    let old = dir.open("meta").unwrap();
    assert_eq!(&*old.read(0..3).unwrap(), b"one");
    dir.write_atomic("meta", b"second").unwrap();
    assert_eq!(&*dir.open("meta").unwrap().read(0..6).unwrap(), b"second");
    assert_eq!(&*old.read(0..3).unwrap(), b"one", "an opening keeps what it opened");
    assert_eq!(dir.list().unwrap(), ["meta"]);
    fs::write(temp.path().join(".new-left"), b"over").unwrap();
    SealedDir::new(temp.path(), key(1), 0).unwrap();
    assert!(!temp.path().join(".new-left").exists());
}

#[test]
fn names_stay_inside_the_directory() {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    for name in ["", ".", "..", "../x", "a/b", "a\\b", "a\0b", ".new-1", "a\n", &"x".repeat(201)] {
        assert!(matches!(dir.create(name), Err(VaultError::InvalidName(_))), "{name:?}");
        assert!(matches!(dir.read_all(name), Err(VaultError::InvalidName(_))), "{name:?}");
    }
    write(&dir, "Größe 1.bin", b"x");
    assert_eq!(dir.list().unwrap(), ["Größe 1.bin"]);
}

#[test]
fn a_full_disk_is_an_error_that_names_the_file() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    let mut writer = dir.create("f").unwrap();
    writer.redirect(fs::OpenOptions::new().write(true).open(full).unwrap());
    let error = writer.write_all(&pattern(3 * CHUNK)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(error.to_string().contains(&temp.path().join("f").display().to_string()), "{error}");
    assert!(writer.finish().is_err(), "nothing may follow a failed write");
}

#[test]
fn plaintext_does_not_occur_on_disk() {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    let canary = b"Erika Mustermann <erika@example.org>";
    write(&dir, "f", &canary.repeat(5000));
    dir.write_atomic("g", canary).unwrap();
    for name in ["f", "g"] {
        let stored = fs::read(temp.path().join(name)).unwrap();
        assert!(!stored.windows(8).any(|window| window == &canary[..8]));
    }
}

#[test]
fn readers_run_in_parallel() {
    let temp = tempfile::tempdir().unwrap();
    let dir = SealedDir::new(temp.path(), key(1), 30_0000).unwrap();
    let bytes = pattern(12 * CHUNK);
    write(&dir, "f", &bytes);
    std::thread::scope(|scope| {
        for worker in 0..4usize {
            let (dir, bytes) = (&dir, &bytes);
            scope.spawn(move || {
                for round in 0..60 {
                    let start = (worker * 7919 + round * 104_729) % bytes.len();
                    let end = (start + 1 + round * 4001).min(bytes.len());
                    let found = dir.open("f").unwrap().read(start as u64..end as u64).unwrap();
                    assert!(*found == bytes[start..end]);
                }
            });
        }
    });
}

/// A file of version 1 as this code wrote it, which every later version must read.
#[test]
fn files_of_version_1_are_read() {
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("fixture"), include_bytes!("fixtures/sealed-v1.bin")).unwrap();
    assert_eq!(dir(temp.path()).read_all("fixture").unwrap(), b"sealed for ever");
    fs::write(temp.path().join("fixture"), b"APLSEAL\x02aaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbb").unwrap();
    let error = dir(temp.path()).read_all("fixture").unwrap_err();
    assert!(error.to_string().contains("unknown version 2"), "{error}");
}
