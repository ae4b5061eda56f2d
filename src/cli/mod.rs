//! The command line, one file for each command. Results go to stdout, progress and logs to stderr; exit code 0 is
//! done, 1 the work failed, 2 wrong usage.

mod backup;
mod data;
mod doctor;
mod eval;
mod export;
mod import;
mod init;
mod log;
pub mod memory;
mod remote;
mod restore;
mod serve;
pub mod settings;
mod token;
mod verify;

use std::fmt;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Exit code for wrong usage.
pub const USAGE: u8 = 2;

/// Options that do not go together, which only the command itself can tell.
#[derive(Debug)]
pub struct Misused(pub &'static str);

impl fmt::Display for Misused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Misused {}

/// An error with its causes, without those that the message before repeats.
pub fn told(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if told.ends_with(&cause) {
            continue;
        }
        if !told.is_empty() {
            told += ": ";
        }
        told += &cause;
    }
    told
}

/// An AI-first CRM in one self-contained binary.
#[derive(Parser)]
#[command(name = "aplomb", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the pages and the API (the default)
    Serve(serve::Serve),
    /// First run without a browser; refuses a directory that has data
    Init(init::Init),
    /// Make an API key and print it, once, alone on the last line
    Token(token::Token),
    /// Import a file: CSV, XLSX, vCard, JSON Lines
    Import(import::Import),
    /// Export records to files
    Export(export::Export),
    /// Write an encrypted archive of a data directory or a running server, or of what changed since another
    Backup(backup::Backup),
    /// Put a backup, and increments after it, into a new directory
    Restore(restore::Restore),
    /// Check every page, chain and index of a directory or a backup
    Verify(verify::Verify),
    /// What is wrong or slow, and what to do about it
    Doctor(doctor::Doctor),
    /// Measure the models: on public sets, or on a CSV file of your own
    Eval(eval::Eval),
}

impl Cli {
    /// Errors: the work failed.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Serve(command) => command.run(),
            Command::Init(command) => command.run(),
            Command::Token(command) => command.run(),
            Command::Import(command) => command.run(),
            Command::Export(command) => command.run(),
            Command::Backup(command) => command.run(),
            Command::Restore(command) => command.run(),
            Command::Verify(command) => command.run(),
            Command::Doctor(command) => command.run(),
            Command::Eval(command) => command.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::told;

    #[test]
    fn causes_are_told_once() {
        for (error, expect) in [
            (anyhow!("no room"), "no room"),
            (anyhow!("no room").context("a.csv"), "a.csv: no room"),
            (anyhow!("no room").context("a.csv: no room"), "a.csv: no room"),
            (anyhow!("no room").context("a.csv: no room").context("import"), "import: a.csv: no room"),
        ] {
            assert_eq!(told(&error), expect);
        }
    }
}
