//! `aplomb doctor`: what is wrong or slow with a directory, and what to do about it. It changes nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Result;
use aplomb_serve::data::{self as directory, Condition};
use aplomb_serve::{Caches, edge};
use aplomb_vault::{KeyRing, Unseal};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::data::{self, DataArgs};
use super::log;

/// Less than this is too little to work with.
const LITTLE_DISK: u64 = 1 << 30;

#[derive(Args)]
pub struct Doctor {
    #[command(flatten)]
    data: DataArgs,
    /// Print the findings as JSON
    #[arg(long, env = "APLOMB_JSON")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Level {
    Good,
    Note,
    Bad,
}

#[derive(Debug, Serialize)]
struct Finding {
    level: Level,
    what: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    advice: String,
}

impl Finding {
    fn good(what: impl Into<String>) -> Finding {
        Finding { level: Level::Good, what: what.into(), advice: String::new() }
    }

    fn note(what: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { level: Level::Note, what: what.into(), advice: advice.into() }
    }

    fn bad(what: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { level: Level::Bad, what: what.into(), advice: advice.into() }
    }
}

impl Doctor {
    pub fn run(self) -> Result<ExitCode> {
        log::for_command();
        let findings = self.look();
        let bad = findings.iter().any(|finding| finding.level == Level::Bad);
        if self.json {
            println!("{}", json!({"version": env!("CARGO_PKG_VERSION"), "ok": !bad, "findings": findings}));
        } else {
            println!("aplomb {}, {}", env!("CARGO_PKG_VERSION"), self.data.data.display());
            for finding in &findings {
                let sign = match finding.level {
                    Level::Good => "ok  ",
                    Level::Note => "note",
                    Level::Bad => "BAD ",
                };
                println!("{sign}  {}", finding.what);
                if !finding.advice.is_empty() {
                    println!("      -> {}", finding.advice);
                }
            }
        }
        Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    fn look(&self) -> Vec<Finding> {
        let dir = &self.data.data;
        let mut findings = vec![disk(dir)];
        findings.extend(permissions(dir));
        match directory::condition(dir) {
            Err(error) => findings.push(Finding::bad(error.to_string(), "make the directory readable for this user")),
            Ok(Condition::Fresh) => {
                let advice = "run `aplomb init`, or `aplomb serve` and follow the wizard";
                findings.push(Finding::note("there is no data yet", advice));
            }
            Ok(Condition::Sealed) => findings.extend(self.look_inside(dir)),
        }
        findings
    }

    fn look_inside(&self, dir: &Path) -> Vec<Finding> {
        let mut findings = certificate(dir);
        if !KeyRing::exists(dir) {
            let advice = "restore the folder `vault` from a backup: without it nobody can open the store";
            findings.push(Finding::bad("the vault is missing beside the store", advice));
            return findings;
        }
        let unseal = match self.data.unseal.given_or_asked() {
            Ok(Some(unseal)) => unseal,
            Ok(None) => {
                findings.push(Finding::note("sealed, so nothing behind the key was looked at", "give --unseal-file F"));
                return findings;
            }
            Err(error) => {
                findings
                    .push(Finding::bad(format!("the unseal secret cannot be read: {error:#}"), "check --unseal-file"));
                return findings;
            }
        };
        findings.push(match KeyRing::open(dir, &unseal) {
            Ok(_) => Finding::good("the unseal secret opens the vault"),
            Err(error) => Finding::bad(error.to_string(), "use the right secret, or the identity of the recovery kit"),
        });
        match data::lock(dir) {
            Err(error) => findings.push(Finding::note(
                format!("the store was not looked at: {error:#}"),
                "ask the running server instead: GET /readyz and /metrics",
            )),
            Ok(lock) => {
                drop(lock);
                findings.extend(store(dir, &unseal));
            }
        }
        findings
    }
}

fn store(dir: &Path, unseal: &Unseal) -> Vec<Finding> {
    let started = edge::instant();
    let open = match directory::open(dir, unseal, &Caches::default()) {
        Ok(open) => open,
        Err(error) => {
            let advice = "a newer store needs the newer program; a damaged one, `aplomb restore` from a backup";
            return vec![Finding::bad(format!("the store does not open: {error}"), advice)];
        }
    };
    let (took, ready) = (started.elapsed(), open.crm.ready());
    open.crm.close();
    let mut findings =
        vec![Finding::good(format!("the store opens in {} ms at batch {}", took.as_millis(), ready.seq))];
    findings.push(match (ready.rebuilding, ready.seq - ready.search_seq.min(ready.seq)) {
        (true, _) => {
            Finding::note("the index is being rebuilt", "let the server run; lists come from the store meanwhile")
        }
        (false, 0) => Finding::good("the index is up to date"),
        (false, behind) => {
            Finding::note(format!("the index is {behind} batches behind"), "it catches up while the server runs")
        }
    });
    if !open.crm.is_set_up() {
        findings.push(Finding::bad("the first run was not completed", "delete the directory and begin again"));
    }
    findings
}

/// Free space where the directory lies, as `df` says.
fn disk(dir: &Path) -> Finding {
    let nearest = dir.ancestors().find(|path| path.exists() && !path.as_os_str().is_empty());
    let path = nearest.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let output = Command::new("df").arg("-Pk").arg(&path).output().ok();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    match free_bytes(&text) {
        None => Finding::note("free disk space is unknown", ""),
        Some(free) if free < LITTLE_DISK => {
            let advice = "make room or move the directory: writes are refused when the disk is full";
            Finding::bad(format!("{} MiB of disk are free", free >> 20), advice)
        }
        Some(free) => Finding::good(format!("{} GiB of disk are free", free >> 30)),
    }
}

/// The fourth column of the second line of `df -Pk` (POSIX), in KiB there.
fn free_bytes(df: &str) -> Option<u64> {
    df.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok().map(|kib| kib << 10)
}

#[cfg(unix)]
fn permissions(dir: &Path) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(dir).ok()?;
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.permissions().readonly() {
        return Some(Finding::bad("the directory cannot be written", "check owner, mode and mount options"));
    }
    Some(match mode & 0o077 {
        0 => Finding::good("only the owner may enter the directory"),
        _ => Finding::note(
            format!("others may enter the directory (mode {mode:03o})"),
            format!("chmod 700 {}", dir.display()),
        ),
    })
}

#[cfg(not(unix))]
fn permissions(_: &Path) -> Option<Finding> {
    None
}

fn certificate(dir: &Path) -> Vec<Finding> {
    let about = fs::read_to_string(dir.join("tls/leaf.json")).ok();
    let expires = about.and_then(|text| {
        let about: serde_json::Value = serde_json::from_str(&text).ok()?;
        about.get("expires")?.as_str()?.parse::<aplomb_model::Timestamp>().ok()
    });
    expires
        .map(|expires| match expires < edge::now() {
            true => Finding::note(
                format!("the own certificate ended on {}", expires.date()),
                "it is renewed at the next start",
            ),
            false => Finding::good(format!("the own certificate is good until {}", expires.date())),
        })
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn df_is_read() {
        let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 40 60 40% /\n";
        assert_eq!(free_bytes(text), Some(60 << 10));
        assert_eq!(free_bytes(""), None);
    }
}
