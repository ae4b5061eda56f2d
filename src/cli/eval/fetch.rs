//! Brings public sets that are not there yet, by the script that pins them. Nothing else of `aplomb eval` needs a network.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

const FETCH: &str = "deploy/eval/fetch";
const REFERENCE: &str = "deploy/eval/reference";

/// Runs the script when it is below the working directory and one of `folders` is missing. Errors: it fails.
pub fn missing<'a>(sets: &Path, mut folders: impl Iterator<Item = &'a str>) -> Result<()> {
    if Path::new(FETCH).is_file() && folders.any(|folder| !sets.join(folder).is_dir()) {
        eprintln!("{FETCH} brings the sets into {}", sets.display());
        let status =
            Command::new(Path::new(".").join(FETCH)).arg(sets).stdin(Stdio::null()).stdout(Stdio::null()).status();
        let status = status.with_context(|| format!("{FETCH} cannot be run"))?;
        ensure!(status.success(), "{FETCH} did not bring the sets; what it says is above");
    }
    if sets.is_dir() && !sets.join("reference").is_dir() {
        eprintln!("the references are not measured yet: {REFERENCE} {}", sets.display());
    }
    Ok(())
}
