//! `aplomb verify`: of a directory, or of a backup (which is unpacked beside its file, sealed as it is, and removed).

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use aplomb_crm::VerifyReport;
use aplomb_serve::Caches;
use aplomb_serve::data as directory;
use clap::Args;
use serde_json::json;

use super::data::DataArgs;
use super::{archive, log};

#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    data: DataArgs,
    /// A backup to check instead of a directory
    #[arg(value_name = "FILE.age")]
    file: Option<PathBuf>,
    /// File with the age identity that opens the backup; the unseal secret when missing
    #[arg(long, env = "APLOMB_IDENTITY", value_name = "F")]
    identity: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub fn run(self) -> Result<ExitCode> {
        log::for_command();
        let report = match &self.file {
            None => check(self.data.open()?)?,
            Some(file) => self.backup(file)?,
        };
        if self.json {
            println!("{}", json!({"ok": report.problems.is_empty(), "report": report}));
        } else {
            println!(
                "checked {} batches, {} records, {} index entries, {} documents",
                report.batches, report.records, report.index_entries, report.documents
            );
            report.problems.iter().for_each(|problem| println!("problem: {problem}"));
            println!("{}", if report.problems.is_empty() { "all is well" } else { "there are problems" });
        }
        Ok(if report.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn backup(&self, file: &Path) -> Result<VerifyReport> {
        let unseal =
            self.data.unseal.given_or_asked()?.context("give --unseal-file F to open what is in the backup")?;
        let opener = match &self.identity {
            Some(path) => aplomb_vault::Unseal::from_file(path)?,
            None => unseal.clone(),
        };
        let beside = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let scratch = Scratch(beside.join(format!(".aplomb-verify-{}", std::process::id())));
        archive::unpack(file, &opener, &scratch.0)?;
        check(directory::open(&scratch.0, &unseal, &Caches::default())?)
    }
}

fn check(open: directory::Open) -> Result<VerifyReport> {
    let report = open.crm.verify(&|step| eprintln!("{step}"));
    open.crm.close();
    Ok(report?)
}

/// A directory that goes away with this value.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
