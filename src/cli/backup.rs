//! `aplomb backup`.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use aplomb_vault::DEFAULT_WORK;
use aplomb_vault::KeyRing;
use aplomb_vault::envelope::Recipient;
use clap::Args;
use serde_json::json;

use super::data::{self, DataArgs};
use super::{archive, log};

#[derive(Args)]
pub struct Backup {
    #[command(flatten)]
    data: DataArgs,
    /// Where to write the archive
    #[arg(short, long, value_name = "FILE.age")]
    output: PathBuf,
    /// age public key that opens the archive; several may be given. Missing: the unseal secret opens it
    #[arg(long, env = "APLOMB_RECIPIENT", value_name = "AGE", value_delimiter = ',')]
    recipient: Vec<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub fn run(self) -> Result<ExitCode> {
        log::for_command();
        let dir = &self.data.data;
        let Some(lock) = data::lock(dir)? else { bail!("{}: there is no store to back up", dir.display()) };
        let to = self.recipients()?;
        let fresh = self.output.with_extension("age.part");
        let out = File::create(&fresh).with_context(|| fresh.display().to_string())?;
        let packed = archive::pack(dir, &to, &out).and_then(|done| out.sync_all().map(|()| done).map_err(Into::into));
        drop(lock);
        let (files, bytes) = packed.inspect_err(|_| drop(fs::remove_file(&fresh)))?;
        fs::rename(&fresh, &self.output).with_context(|| self.output.display().to_string())?;
        match self.json {
            true => println!("{}", json!({"file": self.output, "files": files, "bytes": bytes})),
            false => println!("{}: {files} files, {bytes} bytes", self.output.display()),
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Those given, else whoever knows the unseal secret; it is tried first, so that the backup can be opened again.
    fn recipients(&self) -> Result<Vec<Recipient>> {
        if !self.recipient.is_empty() {
            return Ok(self.recipient.iter().cloned().map(Recipient::Public).collect());
        }
        let unseal = self.data.unseal.given_or_asked()?.context("give --recipient AGE, or --unseal-file F")?;
        KeyRing::open(&self.data.data, &unseal)?;
        Ok(Recipient::of(&unseal, DEFAULT_WORK)?)
    }
}
