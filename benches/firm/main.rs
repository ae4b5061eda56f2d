//! Whether the models find what is true, where what is true is known: a firm of ten years is simulated, with declared
//! causes behind every deal and every customer, and judged by what its CRM would have seen. The later three years are
//! judged by models that learned from the earlier ones.
//!
//! `cargo bench --bench firm -- [--seeds 1,2,3] [--threads 2] [--small] [--json]`
#![allow(clippy::disallowed_methods, reason = "a benchmark measures wall time")]

mod bookings;
mod chance;
mod churn;
mod customer;
mod deal;
mod deals;
mod firm;
mod report;
mod traces;
mod world;

use std::process::ExitCode;
use std::time::Instant;

use aplomb_learn::LearnError;
use aplomb_learn::choose::Settings;

use firm::Firm;
use report::Run;
use world::{SMALL, Scale, WHOLE};

struct Arguments {
    seeds: Vec<u64>,
    threads: usize,
    scale: Scale,
    json: bool,
}

fn arguments() -> Result<Arguments, String> {
    const USAGE: &str = "--seeds 1,2,3 --threads N --small --json";
    let mut a = Arguments { seeds: vec![1, 2, 3], threads: 2, scale: WHOLE, json: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut next = || words.next().ok_or_else(|| format!("{word} needs a value: {USAGE}"));
        match word.as_str() {
            "--seeds" => {
                let seeds: Result<_, _> = next()?.split(',').map(str::parse).collect();
                a.seeds = seeds.map_err(|_| format!("--seeds needs numbers: {USAGE}"))?;
            }
            "--threads" => a.threads = next()?.parse().map_err(|_| format!("--threads needs a number: {USAGE}"))?,
            "--small" => a.scale = SMALL,
            "--json" => a.json = true,
            // Cargo's own
            "--bench" => {}
            _ => return Err(format!("{word} is unknown: {USAGE}")),
        }
    }
    Ok(a)
}

fn run(seed: u64, scale: Scale, settings: &Settings) -> Result<Run, LearnError> {
    let start = Instant::now();
    let firm = Firm::live(seed, scale);
    let deals = deals::judge(&firm, settings)?;
    let churn = churn::judge(&firm, settings)?;
    let quarters = bookings::judge(&firm, settings)?;
    let events = firm.deals.log.len() + firm.users.log.len() + firm.companies.log.len();
    let seconds = start.elapsed().as_secs_f64();
    Ok(Run { seed, opened: firm.lives.len(), events, deals, churn, quarters, seconds })
}

fn main() -> ExitCode {
    let a = match arguments() {
        Ok(a) => a,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let settings = Settings { threads: a.threads, folds: 3, ..Settings::default() };
    let runs: Result<Vec<Run>, LearnError> = a.seeds.iter().map(|seed| run(*seed, a.scale, &settings)).collect();
    match runs {
        Ok(runs) if a.json => println!("{:#}", report::json(&runs)),
        Ok(runs) => print!("{}", report::text(&runs)),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
