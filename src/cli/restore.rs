//! `aplomb restore`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use aplomb_serve::backup::restore;
use aplomb_vault::Unseal;
use clap::Args;
use serde_json::json;

use super::data::DataArgs;
use super::log;

#[derive(Args)]
pub struct Restore {
    /// The full backup, then the increments after it in order
    #[arg(value_name = "FILE.age", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// File with the age identity that opens the archives; the unseal secret when missing
    #[arg(long, env = "APLOMB_IDENTITY", value_name = "F")]
    identity: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long, env = "APLOMB_JSON")]
    json: bool,
}

impl Restore {
    pub fn run(self) -> Result<ExitCode> {
        log::for_command();
        let (opener, unseal) = match &self.identity {
            Some(path) => (Unseal::from_file(path)?, self.data.unseal.given()?),
            None => {
                let unseal = self.data.unseal.given_or_asked()?.context("give --identity F, or --unseal-file F")?;
                (unseal.clone(), Some(unseal))
            }
        };
        let dir = &self.data.data;
        let restored = restore(&self.files, &opener, unseal.as_ref(), dir)?;
        if self.json {
            let answer = json!({
                "data": dir, "archives": restored.archives, "files": restored.files, "seq": restored.seq,
            });
            println!("{answer}");
        } else {
            let upto = restored.seq.map_or(String::new(), |seq| format!(" up to batch {seq}"));
            println!("{}: {} files{upto}; the index is built again at the first start", dir.display(), restored.files);
        }
        Ok(ExitCode::SUCCESS)
    }
}
