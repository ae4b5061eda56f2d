//! Options from `aplomb.toml`: every long option is a key there, at the top for all commands that have it, or in a
//! table named like one command. The command line wins over the environment, the environment over the file.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{ArgAction, Command, CommandFactory};
use toml::{Table, Value};

use super::Cli;

const FILE: &str = "aplomb.toml";
const VARIABLE: &str = "APLOMB_CONFIG";

/// `aplomb` and `aplomb --listen ...` mean `aplomb serve ...`.
pub fn with_default_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let general = ["-h", "--help", "-V", "--version"].map(OsStr::new);
    let serves = match arguments.get(1) {
        None => true,
        Some(first) => first.as_encoded_bytes().starts_with(b"-") && !general.contains(&first.as_os_str()),
    };
    if serves {
        arguments.insert(arguments.len().min(1), "serve".into());
    }
    arguments
}

/// The parser, with the file's values as defaults. The file is `$APLOMB_CONFIG`, or `aplomb.toml` here, if there is one.
///
/// Errors: a file that cannot be read, a key that no option has.
pub fn with_file(arguments: &[OsString]) -> Result<Command> {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    let path = named.clone().unwrap_or_else(|| PathBuf::from(FILE));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => return Ok(Cli::command()),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    let chosen = arguments.get(1).and_then(|name| name.to_str()).unwrap_or_default();
    apply(Cli::command(), &text, chosen).with_context(|| path.display().to_string())
}

fn apply(mut parser: Command, text: &str, chosen: &str) -> Result<Command> {
    let file: Table = text.parse().context("not valid TOML")?;
    let names: Vec<String> = parser.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let (mut general, mut own) = (Table::new(), Table::new());
    for (key, value) in file {
        match value {
            Value::Table(table) if key == chosen => own = table,
            Value::Table(_) if names.contains(&key) => {}
            Value::Table(_) => bail!("[{key}] is none of the commands {}", names.join(", ")),
            value => _ = general.insert(key, value),
        }
    }
    for key in general.keys() {
        let known = parser.get_subcommands().any(|command| find(command, key).is_some());
        anyhow::ensure!(known, "{key} is no option of any command");
    }
    if let Some(command) = parser.find_subcommand(chosen) {
        let unknown = own.keys().find(|key| find(command, key).is_none());
        anyhow::ensure!(unknown.is_none(), "{} is no option of {chosen}", unknown.map_or("", |key| key));
    }
    general.extend(own);
    for (key, value) in &general {
        let values = texts(value).with_context(|| format!("{key}: give a text, a number, true or false, or a list"))?;
        parser = parser.mut_subcommands(|command| match find(&command, key) {
            Some(id) if command.get_name() == chosen => command.mut_arg(id, |option| {
                let option = option.required(false);
                match option.get_action() {
                    ArgAction::SetTrue => option.default_value(values.concat()),
                    _ => option.default_values(values.clone()),
                }
            }),
            _ => command,
        });
    }
    Ok(parser)
}

/// The id of the option with this long name.
fn find(command: &Command, long: &str) -> Option<clap::Id> {
    command.get_arguments().find(|option| option.get_long() == Some(long)).map(|option| option.get_id().clone())
}

fn texts(value: &Value) -> Option<Vec<String>> {
    Some(match value {
        Value::String(text) => vec![text.clone()],
        Value::Integer(number) => vec![number.to_string()],
        Value::Boolean(yes) => vec![yes.to_string()],
        Value::Array(list) => list.iter().map(texts).collect::<Option<Vec<_>>>()?.concat(),
        _ => return None,
    })
}

/// Reads a small text file, such as a password, without the line's end.
pub fn first_line(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let line = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
    anyhow::ensure!(!line.is_empty(), "{}: the first line is empty", path.display());
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(list: &[&str]) -> Vec<OsString> {
        list.iter().map(OsString::from).collect()
    }

    #[test]
    fn serving_is_the_default() {
        for (given, expect) in [
            (&["aplomb"][..], &["aplomb", "serve"][..]),
            (&["aplomb", "--tls", "off"], &["aplomb", "serve", "--tls", "off"]),
            (&["aplomb", "--help"], &["aplomb", "--help"]),
            (&["aplomb", "verify"], &["aplomb", "verify"]),
        ] {
            assert_eq!(with_default_command(arguments(given)), arguments(expect));
        }
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let file = "data = 'd1'\n[serve]\nlisten = '127.0.0.1:1'\nworkers = 3\n[export]\nall = true\n";
        let read = |given: &[&str], chosen: &str| {
            let matches = apply(Cli::command(), file, chosen).unwrap().try_get_matches_from(given).unwrap();
            matches.subcommand().unwrap().1.clone()
        };
        let served = read(&["aplomb", "serve", "--listen", "127.0.0.1:2"], "serve");
        assert_eq!(served.get_raw("listen").unwrap().next(), Some(OsStr::new("127.0.0.1:2")));
        assert_eq!(served.get_raw("workers").unwrap().next(), Some(OsStr::new("3")));
        assert_eq!(served.get_raw("data").unwrap().next(), Some(OsStr::new("d1")));
        assert!(read(&["aplomb", "export", "-o", "x"], "export").get_flag("all"));
    }

    #[test]
    fn mistyped_keys_are_refused() {
        for (file, part) in
            [("dta = 'x'", "dta"), ("[serv]\nlisten = 'x'", "[serv]"), ("[serve]\nport = 1", "port"), ("x", "TOML")]
        {
            let error = format!("{:#}", apply(Cli::command(), file, "serve").unwrap_err());
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn every_option_can_be_given_in_the_environment() {
        for command in Cli::command().get_subcommands() {
            for option in command.get_arguments() {
                let Some(long) = option.get_long().filter(|long| !["help", "version"].contains(long)) else { continue };
                let variable = option.get_env().unwrap_or_else(|| panic!("--{long} of {}", command.get_name()));
                let own = long.replace('-', "_").to_uppercase();
                let ours = variable.to_str().is_some_and(|name| name.starts_with("APLOMB_") && name.ends_with(&own));
                assert!(ours, "--{long} of {}: {variable:?}", command.get_name());
            }
        }
    }

    #[test]
    fn the_declaration_of_the_commands_holds_together() {
        Cli::command().debug_assert();
    }
}
