//! The data key of a directory, wrapped once per unseal secret in `DIR/vault/key-NAME.age`. One file per
//! secret, because age lets a passphrase stand only alone; each can be opened with the `age` tool too. Beside it
//! lies its MAC under the data key, so that damage is noticed before the secret is needed.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret;
use age::x25519;
use zeroize::{Zeroize, Zeroizing};

use crate::envelope::{EnvelopeReader, EnvelopeWriter, OpenError, Recipient};
use crate::keys::random;
use crate::{DataKey, Secret, Unseal, VaultError, files};

/// scrypt's work factor (log2 of N) for passphrases: 64 MiB and some 0.2 s.
pub const DEFAULT_WORK: u8 = 16;
/// The highest work factor that is written or accepted: 1 GiB of memory.
pub const MAX_WORK: u8 = 20;

const FOLDER: &str = "vault";
const NEW_FOLDER: &str = "vault.new";
const ID_FILE: &str = "key.id";
const VERSION: u8 = 1;
/// Version byte and data key.
const PAYLOAD: usize = 33;
/// What the MACs of the wraps are keyed for.
const MAC_PURPOSE: &str = "wraps";

/// A second way in, to be printed and locked away; shown once and not stored.
pub struct RecoveryKit {
    /// `AGE-SECRET-KEY-1...`, which opens the vault like the unseal secret.
    pub identity: Secret,
    /// The public half, `age1...`.
    pub recipient: String,
}

/// The wrapped keys of one data directory.
pub struct KeyRing {
    folder: PathBuf,
    id: String,
}

impl KeyRing {
    /// Makes a data key for `dir`, wraps it to `unseal` and to a fresh recovery identity, and stores both.
    /// All of it appears at once or not at all.
    ///
    /// Errors: [`VaultError::Exists`], [`VaultError::InvalidSecret`], I/O.
    pub fn create(dir: &Path, unseal: &Unseal) -> Result<(KeyRing, DataKey, RecoveryKit), VaultError> {
        KeyRing::create_with_work(dir, unseal, DEFAULT_WORK)
    }

    /// The same with another work factor (log2, 1 to [`MAX_WORK`]) for a passphrase.
    pub fn create_with_work(
        dir: &Path,
        unseal: &Unseal,
        log_n: u8,
    ) -> Result<(KeyRing, DataKey, RecoveryKit), VaultError> {
        if KeyRing::exists(dir) {
            return Err(VaultError::Exists(dir.to_path_buf()));
        }
        let key = DataKey::generate()?;
        let recovery = x25519::Identity::generate();
        let kit = RecoveryKit {
            identity: Secret::new(recovery.to_string().expose_secret().to_owned()),
            recipient: recovery.to_public().to_string(),
        };
        let (fresh, folder) = (dir.join(NEW_FOLDER), dir.join(FOLDER));
        match fs::remove_dir_all(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(VaultError::io(&fresh)(error)),
            _ => files::create_dir(&fresh)?,
        }
        write_wrap(&fresh.join("key-owner.age"), &key, &Recipient::of(unseal, log_n)?)?;
        write_wrap(&fresh.join("key-recovery.age"), &key, &[Recipient::Public(kit.recipient.clone())])?;
        files::write_new(&fresh.join(ID_FILE), format!("{}\n", key.id()).as_bytes())?;
        files::sync_dir(&fresh)?;
        fs::rename(&fresh, &folder).map_err(VaultError::io(&folder))?;
        files::sync_dir(dir)?;
        Ok((KeyRing { folder, id: key.id() }, key, kit))
    }

    /// Whether `dir` holds a vault, be it one that is damaged or may not be read.
    pub fn exists(dir: &Path) -> bool {
        match fs::read_dir(dir.join(FOLDER)) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Unwraps the data key of `dir`.
    ///
    /// Errors: [`VaultError::Missing`] without a vault; [`VaultError::WrongSecret`] when the secret opens
    /// none of the wraps; [`VaultError::Damaged`] naming the file when no readable wrap is left to try, or
    /// the key is not the one that `key.id` names.
    pub fn open(dir: &Path, unseal: &Unseal) -> Result<DataKey, VaultError> {
        let folder = dir.join(FOLDER);
        if let Unseal::Identity(secret) = unseal {
            Unseal::identities(secret)?;
        }
        let (mut tried, mut damage) = (false, None);
        for path in wraps(&folder)? {
            match read_wrap(&path, unseal) {
                Ok(key) => return check_id(&folder, key),
                Err(VaultError::WrongSecret) => tried = true,
                Err(error) => damage = damage.or(Some(error)),
            }
        }
        match damage {
            Some(error) if !tried => Err(error),
            _ if tried => Err(VaultError::WrongSecret),
            _ => Err(VaultError::Missing(dir.to_path_buf())),
        }
    }

    /// The ring of a directory, to look at or change its wraps.
    ///
    /// Errors: [`VaultError::Missing`], I/O.
    pub fn at(dir: &Path) -> Result<KeyRing, VaultError> {
        let folder = dir.join(FOLDER);
        if !KeyRing::exists(dir) {
            return Err(VaultError::Missing(dir.to_path_buf()));
        }
        let id = read_id(&folder)?.unwrap_or_default();
        Ok(KeyRing { folder, id })
    }

    /// The data key's public name ([`DataKey::id`]); empty when `key.id` is lost.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The names of the wraps, sorted: `owner`, `recovery` and those added.
    pub fn names(&self) -> Result<Vec<String>, VaultError> {
        let paths = wraps(&self.folder)?;
        let name = |path: &PathBuf| Some(path.file_stem()?.to_str()?.strip_prefix("key-")?.to_owned());
        Ok(paths.iter().filter_map(name).collect())
    }

    /// Lets a further secret open the vault of `dir`. Returns the wrap's name.
    ///
    /// Errors: [`VaultError::Missing`]; [`VaultError::InvalidSecret`] also when `key` is not this vault's.
    pub fn add_recipient(dir: &Path, key: &DataKey, unseal: &Unseal) -> Result<String, VaultError> {
        KeyRing::at(dir)?.add(key, &Recipient::of(unseal, DEFAULT_WORK)?)
    }

    /// The same for a public key, `age1...`, whose identity need not be here.
    pub fn add_public_recipient(dir: &Path, key: &DataKey, recipient: &str) -> Result<String, VaultError> {
        KeyRing::at(dir)?.add(key, &[Recipient::Public(recipient.to_owned())])
    }

    /// Wraps `key` to `recipients` in a new file of this ring. Returns its name.
    pub fn add(&self, key: &DataKey, recipients: &[Recipient]) -> Result<String, VaultError> {
        if !self.id.is_empty() && self.id != key.id() {
            return Err(VaultError::InvalidSecret("the data key belongs to another vault"));
        }
        let mut tag = [0; 4];
        random(&mut tag)?;
        let name: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
        write_wrap(&self.folder.join(format!("key-{name}.age")), key, recipients)?;
        files::sync_dir(&self.folder)?;
        Ok(name)
    }

    /// Reads the files of `dir`'s vault and gives what is altered, one line each. A wrap without a MAC, made before
    /// there were any, is not judged.
    ///
    /// Errors: I/O.
    pub fn verify(dir: &Path, key: &DataKey) -> Result<Vec<String>, VaultError> {
        let folder = dir.join(FOLDER);
        let mut faults = Vec::new();
        let mut judge = |path: &Path, found: &[u8], expected: &str| {
            if found != expected.as_bytes() {
                faults.push(VaultError::damaged(path, "altered").to_string());
            }
        };
        for path in wraps(&folder)? {
            let wrap = fs::read(&path).map_err(VaultError::io(&path))?;
            match fs::read(mac_path(&path)) {
                Ok(mac) => judge(&path, &mac, &mac_of(&path, key, &wrap)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(VaultError::io(&mac_path(&path))(error)),
            }
        }
        let path = folder.join(ID_FILE);
        let id = fs::read(&path).map_err(VaultError::io(&path))?;
        judge(&path, &id, &format!("{}\n", key.id()));
        Ok(faults)
    }

    /// Takes a wrap away; its secret no longer opens the vault. The last one stays.
    ///
    /// Errors: [`VaultError::InvalidName`] for an unknown or the last name, I/O.
    pub fn remove(&self, name: &str) -> Result<(), VaultError> {
        let names = self.names()?;
        if names.len() < 2 || !names.iter().any(|one| one == name) {
            return Err(VaultError::InvalidName(name.to_owned()));
        }
        let path = self.folder.join(format!("key-{name}.age"));
        fs::remove_file(&path).map_err(VaultError::io(&path))?;
        match fs::remove_file(mac_path(&path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(VaultError::io(&mac_path(&path))(error)),
            _ => files::sync_dir(&self.folder),
        }
    }
}

fn wraps(folder: &Path) -> Result<Vec<PathBuf>, VaultError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(VaultError::io(folder)(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let name = entry.map_err(VaultError::io(folder))?.file_name();
        if name.to_str().is_some_and(|name| name.starts_with("key-") && name.ends_with(".age")) {
            paths.push(folder.join(name));
        }
    }
    paths.sort();
    Ok(paths)
}

fn write_wrap(path: &Path, key: &DataKey, recipients: &[Recipient]) -> Result<(), VaultError> {
    let mut payload = Zeroizing::new([VERSION; PAYLOAD]);
    payload[1..].copy_from_slice(key.bytes());
    let seal = || {
        let mut writer = EnvelopeWriter::new(recipients, true, Vec::new())?;
        writer.write_all(&payload[..])?;
        writer.finish()
    };
    let sealed = seal().map_err(|error| match error.downcast::<VaultError>() {
        Ok(error) => error,
        Err(source) => VaultError::io(path)(source),
    })?;
    files::write_new(&mac_path(path), mac_of(path, key, &sealed).as_bytes())?;
    files::write_new(path, &sealed)
}

fn mac_path(wrap: &Path) -> PathBuf {
    wrap.with_extension("mac")
}

/// In hex, of the wrap's name and bytes.
fn mac_of(wrap: &Path, key: &DataKey, bytes: &[u8]) -> String {
    let name = wrap.file_name().unwrap_or_default().as_encoded_bytes();
    let mac = key.subkey(MAC_PURPOSE).mac(&[name, b"\0", bytes].concat());
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_wrap(path: &Path, unseal: &Unseal) -> Result<DataKey, VaultError> {
    let damaged = || VaultError::damaged(path, "the wrapped key is torn or altered");
    let sealed = fs::read(path).map_err(VaultError::io(path))?;
    let reader = EnvelopeReader::open(&sealed[..], unseal).map_err(|error| match error {
        OpenError::NoMatch => VaultError::WrongSecret,
        OpenError::Damaged => damaged(),
        OpenError::Io(source) => VaultError::io(path)(source),
        OpenError::Secret(error) => error,
    })?;
    let mut payload = Zeroizing::new(Vec::with_capacity(2 * PAYLOAD));
    reader.take(2 * PAYLOAD as u64).read_to_end(&mut payload).map_err(|_| damaged())?;
    match payload.split_first() {
        Some((&VERSION, key)) => {
            let mut key: [u8; 32] = key.try_into().map_err(|_| damaged())?;
            let unwrapped = DataKey::from_bytes(&key);
            key.zeroize();
            Ok(unwrapped)
        }
        Some((version, _)) => Err(VaultError::damaged(path, format!("wrapped key of unknown version {version}"))),
        None => Err(damaged()),
    }
}

fn read_id(folder: &Path) -> Result<Option<String>, VaultError> {
    let path = folder.join(ID_FILE);
    match fs::read_to_string(&path) {
        Ok(id) => Ok(Some(id.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(VaultError::io(&path)(error)),
    }
}

fn check_id(folder: &Path, key: DataKey) -> Result<DataKey, VaultError> {
    match read_id(folder)? {
        Some(id) if id != key.id() => {
            Err(VaultError::damaged(&folder.join(ID_FILE), "names another key than the one unwrapped"))
        }
        _ => Ok(key),
    }
}
