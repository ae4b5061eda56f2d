//! The format of a backup: files one after the other, each with its length and checksum, inside an age envelope. What
//! lies in the files stays sealed under the data key; the envelope says who may have them at all.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use aplomb_vault::Unseal;
use aplomb_vault::envelope::{EnvelopeReader, EnvelopeWriter, Recipient};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const MAGIC: &str = "APLOMB BACKUP 1";
/// Derived from the rest: the index is rebuilt after a restore.
const LEFT_OUT: [&str; 1] = ["index"];
const LONGEST_LINE: u64 = 4_096;

/// The line before a file's bytes, the line after them, and the last line of the archive.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    File { path: String, size: u64 },
    Checksum { sha256: String },
    End { files: u64 },
}

/// Writes all of `dir` to `out`; the number of files and bytes. The caller holds the store's lock.
pub fn pack(dir: &Path, to: &[Recipient], out: impl Write) -> Result<(u64, u64)> {
    let mut archive =
        EnvelopeWriter::new(to, false, BufWriter::with_capacity(1 << 20, out)).context("the recipients")?;
    writeln!(archive, "{MAGIC}")?;
    let (mut files, mut bytes) = (0, 0);
    for path in files_of(dir)? {
        let name =
            path.strip_prefix(dir)?.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>();
        let mut file = File::open(&path).with_context(|| path.display().to_string())?;
        let size = file.metadata()?.len();
        line(&mut archive, &Line::File { path: name.join("/"), size })?;
        let sha256 = copy(&mut file, &mut archive, size).with_context(|| path.display().to_string())?;
        line(&mut archive, &Line::Checksum { sha256 })?;
        (files, bytes) = (files + 1, bytes + size);
    }
    line(&mut archive, &Line::End { files })?;
    archive.finish()?.flush()?;
    Ok((files, bytes))
}

/// Unpacks into `dir`, which must not exist or be empty. After an error the directory is gone again.
pub fn unpack(archive: &Path, opener: &Unseal, dir: &Path) -> Result<u64> {
    ensure!(super::data::is_empty(dir)?, "{}: there is data already", dir.display());
    let file = File::open(archive).with_context(|| archive.display().to_string())?;
    let done = unpack_into(BufReader::with_capacity(1 << 20, file), opener, dir);
    if done.is_err() {
        let _ = fs::remove_dir_all(dir);
    }
    done.with_context(|| archive.display().to_string())
}

fn unpack_into(file: impl BufRead, opener: &Unseal, dir: &Path) -> Result<u64> {
    let mut archive = BufReader::with_capacity(1 << 20, EnvelopeReader::open(file, opener)?);
    ensure!(read_line(&mut archive)? == MAGIC, "not a backup of this program, or of a newer one");
    private_dir(dir)?;
    let mut files = 0;
    loop {
        match serde_json::from_str(&read_line(&mut archive)?).context("damaged")? {
            Line::File { path, size } => {
                let path = dir.join(safe(&path)?);
                if let Some(parent) = path.parent() {
                    private_dir(parent)?;
                }
                let mut out = private_file(&path)?;
                let found = copy(&mut archive, &mut out, size)?;
                out.sync_all()?;
                let Line::Checksum { sha256 } = serde_json::from_str(&read_line(&mut archive)?).context("damaged")?
                else {
                    bail!("damaged: a checksum is missing");
                };
                ensure!(sha256 == found, "damaged: the checksum of {} differs", path.display());
                files += 1;
            }
            Line::End { files: expected } if expected == files => break,
            _ => bail!("damaged: files are missing"),
        }
    }
    ensure!(archive.fill_buf()?.is_empty(), "damaged: something follows the end");
    Ok(files)
}

/// Every file below `dir` that belongs into a backup, in order.
fn files_of(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![dir.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let derived = folder == dir && LEFT_OUT.iter().any(|name| entry.file_name() == *name);
            let kind = entry.file_type()?;
            if kind.is_dir() && !derived {
                waiting.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A path below the target, whatever the archive says.
fn safe(name: &str) -> Result<PathBuf> {
    let path = PathBuf::from(name);
    let normal = path.components().all(|part| matches!(part, Component::Normal(_)));
    ensure!(
        normal && !name.is_empty() && !name.contains(['\\', '\0']),
        "damaged: {name:?} is not a path below the directory"
    );
    Ok(path)
}

fn line(out: &mut impl Write, line: &Line) -> Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    Ok(out.write_all(b"\n")?)
}

fn read_line(archive: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    archive.take(LONGEST_LINE).read_line(&mut line)?;
    ensure!(line.ends_with('\n'), "damaged: it breaks off");
    line.pop();
    Ok(line)
}

/// Copies exactly `size` bytes; their SHA-256 as hex.
fn copy(from: &mut impl Read, to: &mut impl Write, size: u64) -> Result<String> {
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
    }
    Ok(aplomb_serve::edge::hex(&hash.finalize()))
}

fn private_dir(dir: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).with_context(|| dir.display().to_string())
}

fn private_file(path: &Path) -> Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aplomb_vault::Secret;

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
        assert_eq!(pack(&dir, &to, File::create(&archive).unwrap()).unwrap(), (2, 600_001));
        (archive, Unseal::Passphrase(secret))
    }

    #[test]
    fn what_is_packed_unpacks_without_what_is_derived() {
        let root = tempfile::tempdir().unwrap();
        let (archive, opener) = packed(root.path());
        let target = root.path().join("restored");
        assert_eq!(unpack(&archive, &opener, &target).unwrap(), 2);
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
