//! `aplomb verify`: of a directory, or of a backup (which is unpacked beside its file, sealed as it is, and removed).

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use aplomb_crm::VerifyReport;
use aplomb_serve::Caches;
use aplomb_serve::backup::restore;
use aplomb_serve::data as directory;
use clap::Args;
use serde_json::json;

use super::data::DataArgs;
use super::log;

#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    data: DataArgs,
    /// A backup to check instead of a directory; increments after the full one, in order
    #[arg(value_name = "FILE.age")]
    files: Vec<PathBuf>,
    /// File with the age identity that opens the backup; the unseal secret when missing
    #[arg(long, env = "APLOMB_IDENTITY", value_name = "F")]
    identity: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long, env = "APLOMB_JSON")]
    json: bool,
}

impl Verify {
    pub fn run(self) -> Result<ExitCode> {
        log::for_command();
        let report = match self.files.first() {
            None => check(self.data.open_checked()?)?,
            Some(first) => self.backup(first)?,
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

    fn backup(&self, first: &Path) -> Result<VerifyReport> {
        let unseal =
            self.data.unseal.given_or_asked()?.context("give --unseal-file F to open what is in the backup")?;
        let opener = match &self.identity {
            Some(path) => aplomb_vault::Unseal::from_file(path)?,
            None => unseal.clone(),
        };
        let beside = first.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let scratch = Scratch(beside.join(format!(".aplomb-verify-{}", std::process::id())));
        restore(&self.files, &opener, Some(&unseal), &scratch.0)?;
        check(directory::open_checked(&scratch.0, &unseal, &Caches::default())?)
    }
}

/// With the damage that was found before opening.
fn check((open, damage): (directory::Open, Vec<String>)) -> Result<VerifyReport> {
    let report = open.crm.verify(&|step| eprintln!("{step}"));
    open.crm.close();
    let mut report = report?;
    report.problems.splice(0..0, damage);
    Ok(report)
}

/// A directory that goes away with this value.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
