//! Makes the README's figures of the user interface: starts the release binary on generated data, opens it in headless
//! Chromium, and times from the key press to the painted answer, what stays blank while a list is scrolled, what a first
//! visit transfers, how the heap grows, and how soon fifty live streams tell of a change.
//!
//! `cargo bench --bench screens -- --contacts N --dir DIR --generator FILE [--minutes M] [--only PART]`; `--minutes` is for
//! the heap, PART one of `first`, `keys`, `scroll`, `streams`, `heap`.
#![allow(clippy::disallowed_methods, reason = "a benchmark measures wall time and polls")]

#[path = "../../tests/it/client.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod client;
#[path = "../../tests/it/browser/driver.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod driver;
mod first;
#[path = "../../tests/it/harness.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod harness;
mod heap;
mod keys;
mod probe;
mod scroll;
mod streams;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use client::Client;
use driver::Browser;
use harness::{ADMIN, Home, PASSWORD, Server};

const DEALS: usize = 2_000;

struct Arguments {
    contacts: usize,
    dir: PathBuf,
    generator: PathBuf,
    minutes: u64,
    only: Option<String>,
}

fn arguments() -> Arguments {
    let mut a = Arguments {
        contacts: 100_000,
        dir: std::env::temp_dir().join("aplomb-screens"),
        generator: "gen_crm.py".into(),
        minutes: 0,
        only: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut next = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        match word.as_str() {
            "--contacts" => a.contacts = next().parse().expect("--contacts needs a number"),
            "--dir" => a.dir = next().into(),
            "--generator" => a.generator = next().into(),
            "--minutes" => a.minutes = next().parse().expect("--minutes needs a number"),
            "--only" => a.only = Some(next()),
            // Cargo's own
            "--bench" => {}
            _ => panic!("{word} is unknown: --contacts N --dir DIR --generator FILE [--minutes M] [--only PART]"),
        }
    }
    a
}

/// A directory that holds the generated companies, contacts and deals; made once, and used again by later runs.
fn filled(a: &Arguments) -> Home {
    let csv = a.dir.join(format!("screens-csv-{}", a.contacts));
    let data = a.dir.join(format!("screens-data-{}", a.contacts));
    if data.exists() {
        let mut home = Home::new();
        home.data = data;
        return home;
    }
    let (companies, contacts, deals) = ((a.contacts / 5).to_string(), a.contacts.to_string(), DEALS.to_string());
    let made = Command::new("python3")
        .arg(&a.generator)
        .arg("--out")
        .arg(&csv)
        .args(["--companies", &companies, "--contacts", &contacts, "--deals", &deals, "--activities", "1"])
        .stdout(Stdio::null())
        .status();
    assert!(made.is_ok_and(|status| status.success()), "the generator failed; name it with --generator");
    let home = Home::set_up_at(data);
    for (object, file) in [("company", "companies"), ("contact", "contacts"), ("deal", "deals")] {
        import(&home, object, &csv.join(format!("{file}.csv")));
    }
    home
}

/// Rows that are refused do not matter here.
fn import(home: &Home, object: &str, file: &Path) {
    let output = home.command("import").args(["--object", object]).arg(file).output().expect("aplomb runs");
    println!("{}", String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default());
}

pub fn log_in(browser: &Browser, server: &Server) {
    browser.open(&server.url("/"));
    browser.find("#email").type_text(ADMIN);
    browser.find("#password").type_text(PASSWORD);
    browser.find("form button[type=submit]").click();
    browser.find("#global-search");
}

/// A line of the table: what, the figure in words, the goal.
pub type Line = (String, String, &'static str);

fn main() {
    let a = arguments();
    std::fs::create_dir_all(&a.dir).expect("--dir");
    let home = filled(&a);
    let server = home.serve(true).ready();
    let client = Client::log_in(&server, ADMIN, PASSWORD);
    let wanted = |part: &str| a.only.as_deref().is_none_or(|only| only == part);
    let mut lines = Vec::new();
    if wanted("first") {
        lines.extend(first::measure(&server));
    }
    let browser = Browser::start(1440, 900);
    log_in(&browser, &server);
    if wanted("keys") {
        lines.extend(keys::measure(&browser, &server));
    }
    if wanted("scroll") {
        lines.extend(scroll::measure(&browser, &server));
    }
    if wanted("streams") {
        lines.extend(streams::measure(&server, &client));
    }
    if wanted("heap") && a.minutes > 0 {
        lines.extend(heap::measure(&browser, &server, a.minutes));
    }
    println!("\n| {} contacts, {DEALS} deals | measured | goal |\n|---|---|---|", a.contacts);
    for (what, figure, goal) in lines {
        println!("| {what} | {figure} | {goal} |");
    }
}
