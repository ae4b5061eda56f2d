//! Which secrets open a vault, and what is said when none does.

use std::fs;
use std::path::Path;

use age::secrecy::ExposeSecret;

use crate::{DataKey, KeyRing, Secret, Unseal, VaultError};

const WORK: u8 = 4;

fn pass(text: &str) -> Unseal {
    Unseal::Passphrase(Secret::new(text.into()))
}

fn identity() -> (Unseal, String) {
    let identity = age::x25519::Identity::generate();
    let text = identity.to_string().expose_secret().to_owned();
    (Unseal::Identity(Secret::new(text)), identity.to_public().to_string())
}

fn opens(dir: &Path, unseal: &Unseal, key: &DataKey) -> bool {
    KeyRing::open(dir, unseal).is_ok_and(|found| found.bytes() == key.bytes())
}

#[test]
fn every_recipient_opens_and_nobody_else() {
    let (owner, _) = identity();
    for unseal in [pass("correct horse"), owner] {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        assert!(!KeyRing::exists(dir));
        assert!(matches!(KeyRing::open(dir, &unseal), Err(VaultError::Missing(_))));
        let (ring, key, kit) = KeyRing::create_with_work(dir, &unseal, WORK).unwrap();
        assert!(KeyRing::exists(dir) && ring.id() == key.id());
        assert!(opens(dir, &unseal, &key), "owner");
        assert!(opens(dir, &Unseal::from_text(kit.identity.expose()).unwrap(), &key), "recovery");

        let (second, _) = identity();
        let (third, third_public) = identity();
        for stranger in [&pass("Correct horse"), &identity().0, &second, &third] {
            assert!(matches!(KeyRing::open(dir, stranger), Err(VaultError::WrongSecret)));
        }
        let name = KeyRing::add_recipient(dir, &key, &second).unwrap();
        KeyRing::add_public_recipient(dir, &key, &third_public).unwrap();
        assert!(opens(dir, &second, &key) && opens(dir, &third, &key) && opens(dir, &unseal, &key));
        assert_eq!(ring.names().unwrap().len(), 4);
        ring.remove(&name).unwrap();
        assert!(matches!(KeyRing::open(dir, &second), Err(VaultError::WrongSecret)));
        assert!(matches!(KeyRing::create(dir, &unseal), Err(VaultError::Exists(_))));
        assert!(opens(dir, &unseal, &key), "a second creation changed nothing");
    }
}

#[test]
fn the_last_wrap_and_foreign_keys_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (ring, _, _) = KeyRing::create_with_work(dir.path(), &pass("p"), WORK).unwrap();
    ring.remove("recovery").unwrap();
    assert!(ring.remove("owner").is_err() && ring.remove("../key").is_err());
    let foreign = DataKey::from_bytes(&[1; 32]);
    assert!(KeyRing::add_recipient(dir.path(), &foreign, &identity().0).is_err());
    assert!(KeyRing::add_public_recipient(dir.path(), &foreign, "age1nonsense").is_err());
}

#[test]
fn work_factors_out_of_bounds_are_refused_and_leave_no_vault() {
    let dir = tempfile::tempdir().unwrap();
    for work in [0, crate::MAX_WORK + 1, 64, 255] {
        assert!(KeyRing::create_with_work(dir.path(), &pass("p"), work).is_err());
        assert!(!KeyRing::exists(dir.path()));
    }
    KeyRing::create_with_work(dir.path(), &pass("p"), WORK).unwrap();
}

#[test]
fn damage_is_told_from_a_wrong_secret() {
    let (owner, _) = identity();
    let dir = tempfile::tempdir().unwrap();
    let (ring, key, kit) = KeyRing::create_with_work(dir.path(), &owner, WORK).unwrap();
    let file = dir.path().join("vault/key-owner.age");
    let good = fs::read(&file).unwrap();
    for (what, bytes) in [("torn", &good[..good.len() / 2]), ("empty", &[]), ("other", b"hello\n")] {
        fs::write(&file, bytes).unwrap();
        let recovery = Unseal::from_text(kit.identity.expose()).unwrap();
        assert!(opens(dir.path(), &recovery, &key), "{what}: the other wrap still opens");
    }
    ring.remove("recovery").unwrap_or_else(|_| panic!("two wraps are there"));
    match KeyRing::open(dir.path(), &owner).err().unwrap() {
        error @ VaultError::Damaged { .. } => assert!(error.to_string().contains("key-owner.age")),
        error => panic!("{error}"),
    }
    fs::write(&file, &good).unwrap();
    assert!(opens(dir.path(), &owner, &key));
    fs::write(dir.path().join("vault/key.id"), "00").unwrap();
    assert!(matches!(KeyRing::open(dir.path(), &owner), Err(VaultError::Damaged { .. })), "another vault's id");
    fs::remove_file(dir.path().join("vault/key.id")).unwrap();
    assert!(opens(dir.path(), &owner, &key), "the id is a convenience");
}

#[test]
fn the_stored_key_is_sealed_and_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (_, key, _) = KeyRing::create_with_work(dir.path(), &pass("p"), WORK).unwrap();
    for entry in fs::read_dir(dir.path().join("vault")).unwrap() {
        let entry = entry.unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        assert!(!bytes.windows(32).any(|window| window == key.bytes()), "{:?}", entry.path());
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0);
    }
}

/// A wrap of version 1 as this code wrote it, which every later version must open.
#[test]
fn wraps_of_version_1_open() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("vault")).unwrap();
    fs::write(dir.path().join("vault/key-owner.age"), include_bytes!("fixtures/key-v1.age")).unwrap();
    let key = KeyRing::open(dir.path(), &pass("fixture")).unwrap();
    assert!(key.bytes() == &[7; 32]);
}
