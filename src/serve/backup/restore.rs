//! From archives to a data directory: the full backup, then increments in order, each of which must continue what is
//! there. The index is left out of backups and built again at the first start.

use std::fs;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use aplomb_crm::backup::apply_increment;
use aplomb_model::Seq;
use aplomb_vault::{DataKey, KeyRing, SealedDir, SealedFile, Unseal};

use super::archive::{About, Kind, files_of, is_empty, private_dir, unpack};
use super::{BackupError, INCREMENT, PURPOSE, ROWS};

type Result<T, E = BackupError> = std::result::Result<T, E>;

/// Where an increment is unpacked, inside the new directory.
const UNPACKED: &str = "restore.tmp";
const CHUNK: u64 = 64 << 10;

/// What was put together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    pub archives: u64,
    pub files: u64,
    /// the last batch, where it is known without the key
    pub seq: Option<Seq>,
}

/// Restores into `dir`, which must not exist or be empty. `opener` opens the archives; the vault of the full backup is
/// opened with `unseal`, or else with `opener`, but only when there are increments. After an error the directory is gone.
pub fn restore(archives: &[PathBuf], opener: &Unseal, unseal: Option<&Unseal>, dir: &Path) -> Result<Restored> {
    let existed = dir.exists();
    if !is_empty(dir)? {
        return Err(BackupError::NotEmpty(dir.to_path_buf()));
    }
    let done = put_together(archives, opener, unseal, dir);
    if done.is_err() {
        // The error of restoring says more than one of tidying up would.
        let _ = fs::remove_dir_all(dir);
        if existed {
            let _ = private_dir(dir);
        }
    }
    done
}

fn put_together(archives: &[PathBuf], opener: &Unseal, unseal: Option<&Unseal>, dir: &Path) -> Result<Restored> {
    let Some((first, increments)) = archives.split_first() else {
        return Err(BackupError::DoesNotFit("give a full backup first".into()));
    };
    let (about, packed) = unpack(first, opener, dir)?;
    if about.kind != Kind::Full {
        let why = format!("{}: an increment cannot stand alone; give the full backup before it", first.display());
        return Err(BackupError::DoesNotFit(why));
    }
    let mut restored = Restored { archives: 1, files: packed.files, seq: about.until };
    if increments.is_empty() {
        return Ok(restored);
    }
    let key = open_vault(dir, opener, unseal)?;
    for archive in increments {
        let (files, until) = increment(archive, opener, &key, dir).map_err(|error| match error {
            named @ BackupError::Archive { .. } => named,
            other => BackupError::of(archive)(other),
        })?;
        restored = Restored { archives: restored.archives + 1, files: restored.files + files, seq: Some(until) };
    }
    Ok(restored)
}

fn open_vault(dir: &Path, opener: &Unseal, unseal: Option<&Unseal>) -> Result<DataKey> {
    match unseal.map(|unseal| KeyRing::open(dir, unseal)) {
        Some(opened) => Ok(opened?),
        None => KeyRing::open(dir, opener).map_err(|_| {
            let why = "increments are applied under the data key: give --unseal-file F as well";
            BackupError::DoesNotFit(why.into())
        }),
    }
}

fn increment(archive: &Path, opener: &Unseal, key: &DataKey, dir: &Path) -> Result<(u64, Seq)> {
    let unpacked = dir.join(UNPACKED);
    let (about, packed) = unpack(archive, opener, &unpacked)?;
    check(&about, key)?;
    let sealed = SealedDir::new(&unpacked.join(INCREMENT), key.subkey(PURPOSE), 0)?;
    let mut rows = BufReader::with_capacity(CHUNK as usize, Reading { file: sealed.open(ROWS)?, at: 0 });
    let applied = apply_increment(dir, key.clone(), &mut rows)?;
    drop((rows, sealed));
    for entry in files_of(&unpacked, &[INCREMENT])? {
        let target = dir.join(&entry.name);
        if let Some(folder) = target.parent() {
            private_dir(folder)?;
        }
        fs::rename(&entry.path, &target).map_err(BackupError::file(&target))?;
    }
    fs::remove_dir_all(&unpacked).map_err(BackupError::file(&unpacked))?;
    Ok((packed.files, applied.until))
}

fn check(about: &About, key: &DataKey) -> Result<()> {
    match about.kind {
        Kind::Full => Err(BackupError::DoesNotFit("a full backup must be the first archive".into())),
        Kind::Increment if about.key.as_ref().is_some_and(|id| *id != key.id()) => {
            Err(BackupError::DoesNotFit("this increment is of another installation".into()))
        }
        Kind::Increment => Ok(()),
    }
}

/// Reads a sealed file from front to back.
struct Reading {
    file: SealedFile,
    at: u64,
}

impl Read for Reading {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // Whole chunks at a time are asked for; what fits is taken.
        let end = self.file.len().min((self.at / CHUNK + 1) * CHUNK).min(self.at + out.len() as u64);
        let bytes = self.file.read(self.at..end).map_err(io::Error::other)?;
        out[..bytes.len()].copy_from_slice(&bytes);
        self.at = end;
        Ok(bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use aplomb_vault::Secret;
    use aplomb_vault::envelope::Recipient;

    use super::super::archive::pack;
    use super::*;

    #[test]
    fn archives_in_the_wrong_place_are_refused_and_nothing_is_left() {
        let root = tempfile::tempdir().unwrap();
        let secret = Secret::new("open sesame".to_owned());
        let opener = Unseal::Passphrase(secret.clone());
        let made = |name: &str, kind| {
            let path = root.path().join(name);
            let about = About { kind, key: None, since: 3, until: Some(5) };
            pack(&about, &[], &[Recipient::Passphrase(secret.clone(), 2)], File::create(&path).unwrap(), &|_| {})
                .unwrap();
            path
        };
        let (full, increment) = (made("full.age", Kind::Full), made("inc.age", Kind::Increment));
        for (archives, part) in [
            (vec![], "full backup first"),
            (vec![increment.clone()], "cannot stand alone"),
            (vec![full.clone(), increment], "--unseal-file"),
        ] {
            let dir = root.path().join("new");
            let error = restore(&archives, &opener, None, &dir).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
            assert!(!dir.exists());
        }
        assert_eq!(restore(&[full], &opener, None, &root.path().join("good")).unwrap().seq, Some(5));
    }

    #[test]
    fn sealed_rows_are_read_as_they_were_written() {
        use std::io::Write;
        let dir = tempfile::tempdir().unwrap();
        let key = DataKey::from_bytes(&[3; 32]);
        let sealed = SealedDir::new(&dir.path().join("s"), key.subkey(PURPOSE), 0).unwrap();
        let plain: Vec<u8> = (0..200_001u32).map(|n| n as u8).collect();
        let mut writer = sealed.create(ROWS).unwrap();
        writer.write_all(&plain).unwrap();
        writer.finish().unwrap();
        let reading = || Reading { file: sealed.open(ROWS).unwrap(), at: 0 };
        let mut read = Vec::new();
        reading().read_to_end(&mut read).unwrap();
        assert!(read == plain);
        let mut odd = vec![0; 70_001];
        reading().read_exact(&mut odd).unwrap();
        assert!(odd == plain[..70_001]);
    }
}
