//! Makes the README's figures: starts the release binary on an empty directory, imports generated contacts of 50 filled
//! fields, measures from outside over HTTP and checks every kind of answer; PocketBase beside it with the same client.
//!
//! `cargo bench --bench appliance -- --contacts N --dir DIR --generator FILE [--pocketbase BINARY]`
#![allow(clippy::disallowed_methods, reason = "a benchmark measures wall time and polls")]

mod aplomb;
mod checks;
mod columns;
mod data;
mod figures;
mod http;
mod load;
mod pocketbase;
mod process;
mod questions;
mod run;
mod subject;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use aplomb::Aplomb;
use pocketbase::PocketBase;
use run::Run;

struct Arguments {
    contacts: u64,
    dir: PathBuf,
    generator: PathBuf,
    pocketbase: Option<PathBuf>,
}

fn arguments() -> Result<Arguments> {
    let mut a = Arguments {
        contacts: 100_000,
        dir: std::env::temp_dir().join("aplomb-bench"),
        generator: "gen_crm.py".into(),
        pocketbase: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut next = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--contacts" => a.contacts = next()?.parse().context("--contacts needs a number")?,
            "--dir" => a.dir = next()?.into(),
            "--generator" => a.generator = next()?.into(),
            "--pocketbase" => a.pocketbase = Some(next()?.into()),
            // Cargo's own
            "--bench" => {}
            _ => bail!("{word} is unknown: --contacts N --dir DIR --generator FILE [--pocketbase BINARY]"),
        }
    }
    Ok(a)
}

fn main() -> Result<ExitCode> {
    let a = arguments()?;
    std::fs::create_dir_all(&a.dir)?;
    let data = data::prepare(&a.dir, &a.generator, a.contacts)?;
    let bytes = std::fs::metadata(&data.contacts)?.len();
    println!("{} contacts, {:.1} filled fields each, {} bytes of CSV\n", data.rows.len(), data.filled, bytes);

    let (server, ready) = Aplomb::new(&a.dir)?;
    let mut aplomb = Run::new(Box::new(server), &data, ready);
    aplomb.all()?;
    let mut right = aplomb.checks.done();
    let mut beside = None;
    if let Some(binary) = &a.pocketbase {
        let (server, ready) = PocketBase::new(binary, &a.dir)?;
        let run = beside.insert(Run::new(Box::new(server), &data, ready));
        run.all()?;
        right &= run.checks.done();
    }
    println!("\n{}", figures::table(a.contacts, &aplomb.figures, beside.as_ref().map(|run| &run.figures)));
    if beside.is_some() {
        println!("PocketBase does not sync its commits, checks no duplicates, and knows no typos.");
    }
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
