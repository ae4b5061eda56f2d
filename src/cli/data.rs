//! What every command that works next to the data needs: the directory, the secret, and the certainty that no server
//! is using it.

use std::fs::{File, TryLockError};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use aplomb_crm::{Ctx, Random};
use aplomb_serve::data::{self, Condition, Open};
use aplomb_serve::{Caches, edge};
use aplomb_vault::{Secret, Unseal};
use clap::Args;

const SEALED: &str = "the data are sealed: give --unseal-file F";

#[derive(Args)]
pub struct DataArgs {
    /// Data directory
    #[arg(long, env = "APLOMB_DATA", default_value = "aplomb-data", value_name = "DIR")]
    pub data: PathBuf,
    #[command(flatten)]
    pub unseal: UnsealArgs,
}

#[derive(Args)]
pub struct UnsealArgs {
    /// File with the unseal secret: a passphrase on the first line, or an age identity
    #[arg(long, env = "APLOMB_UNSEAL_FILE", value_name = "F")]
    pub unseal_file: Option<PathBuf>,
}

impl UnsealArgs {
    /// The secret from the file or the service manager's credential.
    pub fn given(&self) -> Result<Option<Unseal>> {
        let credential = std::env::var_os("CREDENTIALS_DIRECTORY").map(|dir| PathBuf::from(dir).join("unseal"));
        let path = self.unseal_file.clone().or(credential.filter(|path| path.exists()));
        Ok(path.map(|path| Unseal::from_file(&path)).transpose()?)
    }

    /// The same, else asked for on the terminal; `None` when there is no terminal or nothing was typed.
    pub fn given_or_asked(&self) -> Result<Option<Unseal>> {
        match self.given()? {
            Some(unseal) => Ok(Some(unseal)),
            None if !std::io::stdin().is_terminal() => Ok(None),
            None => {
                let typed = Secret::new(rpassword::prompt_password("Unseal secret: ").context("the terminal")?);
                match typed.expose().trim().is_empty() {
                    true => Ok(None),
                    false => Ok(Some(Unseal::from_text(typed.expose())?)),
                }
            }
        }
    }
}

impl DataArgs {
    /// Opens the directory for a command. Errors: no data, in use, no or a wrong secret.
    pub fn open(&self) -> Result<Open> {
        self.there_is_data()?;
        drop(lock(&self.data)?);
        self.open_with(self.unseal.given_or_asked()?)
    }

    /// The same after reading every sealed file; what is damaged, one line each.
    pub fn open_checked(&self) -> Result<(Open, Vec<String>)> {
        self.there_is_data()?;
        drop(lock(&self.data)?);
        let unseal = self.unseal.given_or_asked()?.context(SEALED)?;
        Ok(data::open_checked(&self.data, &unseal, &Caches::default())?)
    }

    /// The same with a secret that was read already.
    pub fn open_with(&self, unseal: Option<Unseal>) -> Result<Open> {
        drop(lock(&self.data)?);
        Ok(data::open(&self.data, &unseal.context(SEALED)?, &Caches::default())?)
    }

    fn there_is_data(&self) -> Result<()> {
        if data::condition(&self.data)? == Condition::Fresh {
            bail!("{}: there is no data; `aplomb init` or the wizard of `aplomb serve` makes it", self.data.display());
        }
        Ok(())
    }
}

/// Holds the store's own lock, so that nobody opens it meanwhile. Errors: a server is running.
pub fn lock(dir: &Path) -> Result<Option<File>> {
    let path = dir.join("store.redb");
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => bail!(
            "{}: in use by a running server; stop it first, or give --server URL to commands that take it",
            dir.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// The command itself as the actor.
pub fn ctx(reason: &str) -> Ctx {
    let random = Random::system();
    let request = edge::request_id(&random);
    Ctx::system(edge::now(), random, request).because(reason)
}
