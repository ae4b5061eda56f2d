//! `aplomb restore`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use aplomb_vault::Unseal;
use clap::Args;

use super::data::DataArgs;
use super::{archive, log};

#[derive(Args)]
pub struct Restore {
    /// The archive
    #[arg(value_name = "FILE.age", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// File with the age identity that opens the archive; the unseal secret when missing
    #[arg(long, env = "APLOMB_IDENTITY", value_name = "F")]
    identity: Option<PathBuf>,
}

impl Restore {
    pub fn run(self) -> Result<ExitCode> {
        log::for_command();
        let [file] = self.files.as_slice() else { bail!("incremental archives are not available yet: give one file") };
        let opener = match &self.identity {
            Some(path) => Unseal::from_file(path)?,
            None => self.data.unseal.given_or_asked()?.context("give --identity F, or --unseal-file F")?,
        };
        let dir = &self.data.data;
        let count = archive::unpack(file, &opener, dir)?;
        println!("{}: {count} files; the index is built again at the first start", dir.display());
        Ok(ExitCode::SUCCESS)
    }
}
