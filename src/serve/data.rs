//! The data directory as a whole: making it at the first run, opening it with its key. The server and the command
//! line next to the data go through here, so that both see the same directory.

use std::fs;
use std::path::{Path, PathBuf};

use aplomb_connect::Imports;
use aplomb_crm::{Crm, CrmOptions, Random, Setup};
use aplomb_model::{Code, Error, Timestamp};
use aplomb_vault::{DataKey, KeyRing, RecoveryKit, SealedDir, Secret, SubKey, Unseal, VaultError};

use crate::backup::{self, Backups};
use crate::{Caches, edge};

/// While this file lies in the directory, its first run is not complete and nothing in it counts.
const UNFINISHED: &str = "setup.unfinished";
/// What the first run makes.
const MADE: [&str; 7] = ["vault", "vault.new", "store.redb", "index", "uploads", "files", "exports"];
const UPLOADS_CACHE: usize = 8 << 20;

/// An unsealed directory.
#[derive(Clone)]
pub struct Open {
    pub crm: Crm,
    pub imports: Imports,
    pub backups: Backups,
    /// where certificates of an ACME authority lie sealed, and under which key
    pub acme: (PathBuf, SubKey),
}

/// What the first run hands to the admin, once.
pub struct FirstRun {
    pub open: Open,
    pub kit: RecoveryKit,
    /// the passphrase that was made because none was given
    pub passphrase: Option<Secret>,
}

/// What a directory is, seen without its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// nothing in it yet
    Fresh,
    Sealed,
}

#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Crm(#[from] Error),
    #[error("{}: {cause}", path.display())]
    Io { path: PathBuf, cause: std::io::Error },
    #[error("{}: there is data already", .0.display())]
    NotEmpty(PathBuf),
}

/// Whether there is data. Removes what an interrupted first run left: nothing in it was ever acknowledged.
pub fn condition(dir: &Path) -> Result<Condition, DataError> {
    if dir.join(UNFINISHED).exists() {
        clear(dir)?;
    }
    let has_data = KeyRing::exists(dir) || dir.join("store.redb").exists();
    Ok(if has_data { Condition::Sealed } else { Condition::Fresh })
}

/// Opens the store and the index, and starts the threads behind them.
///
/// Errors: a wrong secret, a newer or damaged store, a directory in use by another process.
pub fn open(dir: &Path, unseal: &Unseal, caches: &Caches) -> Result<Open, DataError> {
    let key = KeyRing::open(dir, unseal)?;
    let open = open_idle(dir, key, caches)?;
    start(&open);
    Ok(open)
}

/// The same after reading the vault's files, the index and the uploads, which opening does not: it would make a damaged
/// index again without a word. Gives what is damaged, one line each. No job runs: whoever checks changes nothing.
pub fn open_checked(dir: &Path, unseal: &Unseal, caches: &Caches) -> Result<(Open, Vec<String>), DataError> {
    let key = KeyRing::open(dir, unseal)?;
    let mut problems = KeyRing::verify(dir, &key)?;
    problems.extend(Crm::check_index(dir, &key)?);
    let uploads = SealedDir::new(&dir.join("uploads"), key.subkey("uploads"), 0)?;
    let open = open_idle(dir, key, caches)?;
    // Opening removed what no import has any more.
    let faults = uploads.list()?.into_iter().filter_map(|name| uploads.verify(&name).err());
    problems.extend(faults.map(|fault| fault.to_string()));
    Ok((open, problems))
}

/// Makes vault, store, organisation and first admin. After a failure the directory is as empty as before.
pub fn first_run(
    dir: &Path,
    setup: Setup,
    unseal: Option<&Unseal>,
    caches: &Caches,
    now: Timestamp,
    random: &Random,
) -> Result<FirstRun, DataError> {
    if condition(dir)? != Condition::Fresh {
        return Err(DataError::NotEmpty(dir.to_path_buf()));
    }
    let unfinished = dir.join(UNFINISHED);
    fs::create_dir_all(dir).map_err(io(dir))?;
    restrict(dir)?;
    fs::write(&unfinished, b"").map_err(io(&unfinished))?;
    let done = make(dir, setup, unseal, caches, now, random);
    match done {
        Ok(first) => {
            fs::remove_file(&unfinished).map_err(io(&unfinished))?;
            Ok(first)
        }
        Err(error) => {
            clear(dir)?;
            Err(error)
        }
    }
}

fn make(
    dir: &Path,
    setup: Setup,
    unseal: Option<&Unseal>,
    caches: &Caches,
    now: Timestamp,
    random: &Random,
) -> Result<FirstRun, DataError> {
    let made = unseal.is_none().then(|| Secret::new(edge::code(random, 5)));
    let own = made.clone().map(Unseal::Passphrase);
    let secret = unseal.or(own.as_ref()).ok_or(VaultError::InvalidSecret("there is none"))?;
    let (_, key, kit) = KeyRing::create(dir, secret)?;
    let open = open_idle(dir, key, caches)?;
    if let Err(error) = open.crm.setup(now, random, setup) {
        open.crm.close();
        return Err(error.into());
    }
    start(&open);
    Ok(FirstRun { open, kit, passphrase: made })
}

fn open_idle(dir: &Path, key: DataKey, caches: &Caches) -> Result<Open, DataError> {
    let defaults = CrmOptions::default();
    let or = |bytes: usize, default| if bytes == 0 { default } else { bytes };
    let options = CrmOptions {
        store_cache_bytes: or(caches.store, defaults.store_cache_bytes),
        search_cache_bytes: or(caches.search, defaults.search_cache_bytes),
        ..defaults
    };
    let uploads = SealedDir::new(&dir.join("uploads"), key.subkey("uploads"), UPLOADS_CACHE)?;
    let rows = key.subkey(backup::PURPOSE);
    let acme = (dir.join("acme"), key.subkey("acme"));
    let crm = Crm::open(dir, key, options)?;
    crm.set_exporter(std::sync::Arc::new(aplomb_connect::export_as));
    let backups = Backups::new(dir, crm.clone(), rows);
    let imports = Imports::new(crm.clone(), uploads, std::sync::Arc::new(edge::now), Random::system());
    Ok(Open { crm, imports, backups, acme })
}

/// From now on jobs run that are due.
fn start(open: &Open) {
    open.crm.start_jobs(std::sync::Arc::new(edge::now), Random::system());
    if let Err(error) = open.crm.start_notices(edge::now()) {
        tracing::error!(code = error.code.name(), "nobody is told of changes");
    }
}

fn clear(dir: &Path) -> Result<(), DataError> {
    for name in MADE {
        let path = dir.join(name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io(&path)(e)),
            _ => {}
        }
    }
    let unfinished = dir.join(UNFINISHED);
    fs::remove_file(&unfinished).map_err(io(&unfinished))
}

/// Only the owner may look into the directory.
fn restrict(dir: &Path) -> Result<(), DataError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(io(dir))?;
    }
    Ok(())
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> DataError + '_ {
    move |cause| DataError::Io { path: path.to_path_buf(), cause }
}

impl From<DataError> for Error {
    fn from(error: DataError) -> Error {
        match error {
            DataError::Crm(error) => error,
            DataError::Vault(VaultError::WrongSecret) => {
                Error::new(Code::BadCredentials, "the unseal secret does not open this vault")
            }
            DataError::Vault(VaultError::InvalidSecret(why)) => Error::field("secret", "value", why),
            DataError::NotEmpty(_) => Error::new(Code::Conflict, "there is data already"),
            other => Error::internal(other.to_string()),
        }
    }
}
