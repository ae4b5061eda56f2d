//! The command `aplomb`: reads arguments, environment and `aplomb.toml`, sets up the log, and runs one command.

mod cli;
mod embedded;

use std::process::ExitCode;

use clap::FromArgMatches;

use crate::cli::Cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::memory::keep_out_of_files();
    let arguments = cli::settings::with_default_command(std::env::args_os().collect());
    let command = match cli::settings::with_file(&arguments) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("error: {}", cli::told(&error));
            return ExitCode::from(cli::USAGE);
        }
    };
    let matches = command.get_matches_from(arguments);
    let parsed = match Cli::from_arg_matches(&matches) {
        Ok(parsed) => parsed,
        Err(error) => error.exit(),
    };
    match parsed.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", cli::told(&error));
            if error.is::<cli::Misused>() { ExitCode::from(cli::USAGE) } else { ExitCode::FAILURE }
        }
    }
}
