//! The format of a backup: what it is, then files one after the other, each with its length and checksum, inside an age
//! envelope. What lies in the files stays sealed under the data key; the envelope says who may have them at all.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};

use aplomb_model::Seq;
use aplomb_vault::Unseal;
use aplomb_vault::envelope::{EnvelopeReader, EnvelopeWriter, Recipient};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::BackupError;
use crate::edge::hex;

type Result<T, E = BackupError> = std::result::Result<T, E>;

const MAGIC: &str = "APLOMB BACKUP 2";
const LONGEST_LINE: u64 = 4_096;

/// What an archive holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    pub kind: Kind,
    /// public name of the data key; all backups of one installation share it
    pub key: Option<String>,
    /// of an increment: the batch after which it begins
    pub since: Seq,
    /// the last batch in it, where that is known without the key
    pub until: Option<Seq>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// the whole data directory
    Full,
    /// what changed since another backup
    Increment,
}

/// A file and the name it has in the archive, with slashes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub name: String,
    pub path: PathBuf,
}

/// What went into an archive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Packed {
    pub files: u64,
    pub bytes: u64,
}

/// The line before a file's bytes, the line after them, and the last line of the archive.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    File { path: String, size: u64 },
    Checksum { sha256: String },
    End { files: u64 },
}

/// Writes the files to `out`, sealed to `to`. The caller sees to it that they do not change meanwhile; `progress` hears
/// the bytes written so far.
pub fn pack(
    about: &About,
    entries: &[Entry],
    to: &[Recipient],
    out: impl Write,
    progress: &dyn Fn(u64),
) -> Result<Packed> {
    let out = BufWriter::with_capacity(1 << 20, out);
    let mut archive = EnvelopeWriter::new(to, false, out).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => BackupError::Recipients(error),
        _ => BackupError::Io(error),
    })?;
    writeln!(archive, "{MAGIC}")?;
    line(&mut archive, about)?;
    let mut packed = Packed::default();
    for Entry { name, path } in entries {
        let mut file = File::open(path).map_err(BackupError::file(path))?;
        let size = file.metadata().map_err(BackupError::file(path))?.len();
        line(&mut archive, &Line::File { path: name.clone(), size })?;
        let sha256 = copy(&mut file, &mut archive, size, &|done| progress(packed.bytes + done))?;
        line(&mut archive, &Line::Checksum { sha256 })?;
        packed = Packed { files: packed.files + 1, bytes: packed.bytes + size };
    }
    line(&mut archive, &Line::End { files: packed.files })?;
    archive.finish()?.flush()?;
    Ok(packed)
}

/// Unpacks into `dir`, which must not exist or be empty. After an error the directory is gone again.
pub fn unpack(archive: &Path, opener: &Unseal, dir: &Path) -> Result<(About, Packed)> {
    if !is_empty(dir)? {
        return Err(BackupError::NotEmpty(dir.to_path_buf()));
    }
    let file = File::open(archive).map_err(BackupError::file(archive))?;
    let done = unpack_into(BufReader::with_capacity(1 << 20, file), opener, dir);
    if done.is_err() {
        // The error of unpacking says more than one of tidying up would.
        let _ = fs::remove_dir_all(dir);
    }
    done.map_err(BackupError::of(archive))
}

fn unpack_into(file: impl BufRead, opener: &Unseal, dir: &Path) -> Result<(About, Packed)> {
    let mut archive = BufReader::with_capacity(1 << 20, EnvelopeReader::open(file, opener)?);
    if read_line(&mut archive)? != MAGIC {
        return Err(BackupError::NotABackup);
    }
    let about = parsed(&read_line(&mut archive)?)?;
    private_dir(dir)?;
    let mut packed = Packed::default();
    loop {
        match parsed(&read_line(&mut archive)?)? {
            Line::File { path, size } => {
                let path = dir.join(safe(&path)?);
                if let Some(parent) = path.parent() {
                    private_dir(parent)?;
                }
                let mut out = private_file(&path)?;
                let found = copy(&mut archive, &mut out, size, &|_| {})?;
                out.sync_all()?;
                let Line::Checksum { sha256 } = parsed(&read_line(&mut archive)?)? else {
                    return Err(BackupError::damaged("a checksum is missing"));
                };
                if sha256 != found {
                    return Err(BackupError::damaged(format!("the checksum of {} differs", path.display())));
                }
                packed = Packed { files: packed.files + 1, bytes: packed.bytes + size };
            }
            Line::End { files } if files == packed.files => break,
            _ => return Err(BackupError::damaged("files are missing")),
        }
    }
    match archive.fill_buf()?.is_empty() {
        true => Ok((about, packed)),
        false => Err(BackupError::damaged("something follows the end")),
    }
}

/// Every file below `dir`, in order, without the entries of `dir` that are named in `without`.
pub fn files_of(dir: &Path, without: &[&str]) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    let mut waiting = vec![(dir.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = waiting.pop() {
        for entry in fs::read_dir(&folder).map_err(BackupError::file(&folder))? {
            let entry = entry.map_err(BackupError::file(&folder))?;
            let own = entry.file_name().to_string_lossy().into_owned();
            if prefix.is_empty() && without.contains(&own.as_str()) {
                continue;
            }
            let (kind, name) = (entry.file_type().map_err(BackupError::file(&folder))?, format!("{prefix}{own}"));
            if kind.is_dir() {
                waiting.push((entry.path(), format!("{name}/")));
            } else if kind.is_file() {
                found.push(Entry { name, path: entry.path() });
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a directory holds nothing at all, or is not there.
pub fn is_empty(dir: &Path) -> Result<bool> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(BackupError::file(dir)(error)),
    }
}

/// A path below the target, whatever the archive says.
fn safe(name: &str) -> Result<PathBuf> {
    let path = PathBuf::from(name);
    let normal = path.components().all(|part| matches!(part, Component::Normal(_)));
    match normal && !name.is_empty() && !name.contains(['\\', '\0']) {
        true => Ok(path),
        false => Err(BackupError::damaged(format!("{name:?} is not a path below the directory"))),
    }
}

fn line(out: &mut impl Write, line: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *out, line).map_err(io::Error::from)?;
    Ok(out.write_all(b"\n")?)
}

fn parsed<T: serde::de::DeserializeOwned>(line: &str) -> Result<T> {
    serde_json::from_str(line).map_err(|_| BackupError::damaged("a line cannot be read"))
}

fn read_line(archive: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    archive.take(LONGEST_LINE).read_line(&mut line)?;
    match line.pop() {
        Some('\n') => Ok(line),
        _ => Err(BackupError::damaged("it breaks off")),
    }
}

/// Copies exactly `size` bytes; their SHA-256 as hex.
fn copy(from: &mut impl Read, to: &mut impl Write, size: u64, progress: &dyn Fn(u64)) -> Result<String> {
    let (mut left, mut hash, mut buffer) = (size, Sha256::new(), vec![0; 256 << 10]);
    while left > 0 {
        let want = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let n = from.read(&mut buffer[..want])?;
        if n == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        hash.update(&buffer[..n]);
        to.write_all(&buffer[..n])?;
        left -= n as u64;
        progress(size - left);
    }
    Ok(hex(&hash.finalize()))
}

pub(super) fn private_dir(dir: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(BackupError::file(dir))
}

fn private_file(path: &Path) -> Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(BackupError::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aplomb_vault::Secret;

    const ABOUT: About = About { kind: Kind::Full, key: None, since: 0, until: Some(7) };

    fn packed(root: &Path) -> (PathBuf, Unseal) {
        let dir = root.join("data");
        for (name, bytes) in
            [("store.redb", vec![7; 600_000]), ("vault/key.age", b"k".to_vec()), ("index/x", b"derived".to_vec())]
        {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let secret = Secret::new("open sesame".to_owned());
        let archive = root.join("b.age");
        let to = [Recipient::Passphrase(secret.clone(), 2)];
        let entries = files_of(&dir, &["index"]).unwrap();
        let done = pack(&ABOUT, &entries, &to, File::create(&archive).unwrap(), &|_| {}).unwrap();
        assert_eq!(done, Packed { files: 2, bytes: 600_001 });
        (archive, Unseal::Passphrase(secret))
    }

    #[test]
    fn what_is_packed_unpacks_without_what_is_derived() {
        let root = tempfile::tempdir().unwrap();
        let (archive, opener) = packed(root.path());
        let target = root.path().join("restored");
        assert_eq!(unpack(&archive, &opener, &target).unwrap(), (ABOUT, Packed { files: 2, bytes: 600_001 }));
        assert_eq!(fs::read(target.join("store.redb")).unwrap(), vec![7; 600_000]);
        assert!(!target.join("index").exists());
        assert!(unpack(&archive, &opener, &target).is_err(), "a directory with data is refused");
    }

    #[test]
    fn torn_and_altered_archives_leave_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let (archive, opener) = packed(root.path());
        let whole = fs::read(&archive).unwrap();
        let mut altered = whole.clone();
        altered[whole.len() / 2] ^= 1;
        for (at, bytes) in
            [&whole[..whole.len() - 1], &whole[..whole.len() / 2], &whole[..10], &altered].into_iter().enumerate()
        {
            fs::write(&archive, bytes).unwrap();
            let target = root.path().join(format!("t{at}"));
            assert!(unpack(&archive, &opener, &target).is_err(), "case {at}");
            assert!(!target.exists(), "case {at}");
        }
        fs::write(&archive, &whole).unwrap();
        let other = Unseal::Passphrase(Secret::new("wrong".to_owned()));
        assert!(unpack(&archive, &other, &root.path().join("w")).is_err());
    }

    #[test]
    fn paths_stay_below_the_directory() {
        for bad in ["", "../x", "/etc/passwd", "a/../../x", "a\\b", "./x"] {
            assert!(safe(bad).is_err(), "{bad}");
        }
        assert!(safe("vault/key.age").is_ok());
    }
}
