//! The suites of yes/no outcomes: against the references on fixed folds, and with only a few outcomes known.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use aplomb_learn::choose::{ColdStart, Draws, Measured, Settings, cold_start, measure};
use aplomb_learn::model::RuleConfig;
use aplomb_learn::table::{CsvOptions, Table, read_csv};
use aplomb_learn::trust::Metrics;
use serde::{Deserialize, Serialize};

use super::{steps, suites};

/// How far ours may be behind tuned LightGBM, and the calibration error that it must stay under.
const AUC_BEHIND: f64 = 0.005;
const BRIER_BEHIND: f64 = 0.002;
const CALIBRATION: f64 = 0.03;
/// The same for cold starts, against the best of rules, naive Bayes and logistic regression.
const COLD_BEHIND: f64 = 0.01;
const COLD_CALIBRATION: f64 = 0.1;
const OUTCOMES: [usize; 4] = [20, 50, 200, 1000];

/// What `fetch` writes beside each set.
#[derive(Deserialize)]
struct Manifest {
    name: String,
    target: String,
    yes: String,
    /// The fold of each row; a row without one is always learned from.
    folds: Vec<Option<usize>>,
    /// What was believed before any outcome was known.
    rules: Option<RuleConfig>,
}

/// What `reference` writes for each set.
#[derive(Deserialize, Serialize)]
struct References {
    lightgbm: Reference,
    logistic: Reference,
}

#[derive(Deserialize, Serialize)]
struct Reference {
    auc: f64,
    brier: f64,
    ece: f64,
    seconds: f64,
}

#[derive(Serialize)]
struct Line {
    set: String,
    rows: usize,
    seconds: f64,
    #[serde(flatten)]
    measured: Measured,
    references: Option<References>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ColdLine {
    set: String,
    with_rules: bool,
    #[serde(flatten)]
    start: ColdStart,
}

pub fn binary(sets: &Path, settings: &Settings, json: bool) -> Result<()> {
    let mut lines = Vec::new();
    for file in suites::files(sets, "binary")? {
        lines.push(line(sets, &file, settings)?);
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
    } else {
        print_table(&lines);
    }
    Ok(())
}

fn read(file: &Path) -> Result<(Manifest, Table)> {
    let manifest: Manifest = suites::read(file)?;
    eprintln!("{}", manifest.name);
    let source = file.with_extension("csv");
    let opened = File::open(&source).with_context(|| format!("{} cannot be opened", source.display()))?;
    let (target, yes) = (Some(manifest.target.clone()), Some(manifest.yes.clone()));
    let table = read_csv(opened, &CsvOptions { target, yes, ..CsvOptions::default() })?.table;
    if table.rows() != manifest.folds.len() {
        bail!("{} is not the file that its folds were made for; fetch the sets again", source.display());
    }
    Ok((manifest, table))
}

#[expect(clippy::disallowed_methods, reason = "the table tells how long each set took")]
fn line(sets: &Path, file: &Path, settings: &Settings) -> Result<Line> {
    let (manifest, table) = read(file)?;
    let start = Instant::now();
    let measured = measure(&table, &manifest.folds, settings, &steps)?;
    let references = suites::read_if_there(&sets.join("reference").join(format!("{}.json", manifest.name)))?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Line { set: manifest.name, rows: table.rows(), seconds, measured, references })
}

fn print_table(lines: &[Line]) {
    println!("{:<12} {:>6} {:<22} {:>7} {:>7} {:>7} {:>7}", "set", "rows", "model", "AUC", "Brier", "ECE", "s");
    for line in lines {
        let row = |model: &str, figures: [f64; 3], last: String| {
            let [auc, brier, ece] = figures;
            println!("{:<12} {:>6} {model:<22} {auc:>7.4} {brier:>7.4} {ece:>7.4} {last:>7}", line.set, line.rows);
        };
        let took = |seconds: f64| format!("{seconds:.1}");
        let figures = |metrics: &Metrics| [metrics.auc.unwrap_or(0.5), metrics.brier, metrics.calibration_error];
        let ours = figures(&line.measured.ours);
        row("ours", ours, took(line.seconds));
        if let Some(References { lightgbm, logistic }) = &line.references {
            let theirs = [lightgbm.auc, lightgbm.brier, lightgbm.ece];
            row("LightGBM, tuned", theirs, took(lightgbm.seconds));
            row("logistic, scikit-learn", [logistic.auc, logistic.brier, logistic.ece], took(logistic.seconds));
            let off = [ours[0] - theirs[0], ours[1] - theirs[1], ours[2] - theirs[2]];
            let met = off[0] >= -AUC_BEHIND && off[1] <= BRIER_BEHIND && ours[2] < CALIBRATION;
            row("ours less LightGBM", off, word(met));
        }
        row("naive", figures(&line.measured.naive), String::new());
    }
    if lines.iter().any(|line| line.references.is_none()) {
        println!("no figures of the references: run `deploy/eval/reference DIR` on the sets' directory");
    }
}

fn word(met: bool) -> String {
    if met { "met" } else { "missed" }.to_owned()
}

/// Draws of few outcomes from the binary sets, with the sets' rules and without any. The draws are not those that
/// anything was tuned on.
pub fn cold(sets: &Path, settings: &Settings, json: bool) -> Result<()> {
    let mut lines = Vec::new();
    for file in suites::files(sets, "binary")? {
        let (manifest, table) = read(&file)?;
        // the same rows as `leads`, which has its folds by account
        if manifest.name == "leads-split" {
            continue;
        }
        for rules in [manifest.rules, None] {
            let (with_rules, settings) = (rules.is_some(), Settings { rules, ..settings.clone() });
            for outcomes in OUTCOMES {
                let start = cold_start(&table, outcomes, Draws::MEASURED, &settings, &|_, _| true)?;
                lines.push(ColdLine { set: manifest.name.clone(), with_rules, start });
            }
        }
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
    } else {
        print_cold(&lines);
    }
    Ok(())
}

fn print_cold(lines: &[ColdLine]) {
    println!(
        "{:<10} {:<6} {:>8} {:>6} {:>8} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>7}",
        "set", "rules", "outcomes", "ours", "declared", "rules", "Bayes", "line", "less", "ECE", "worst", ">0.1", ""
    );
    for ColdLine { set, with_rules, start } in lines {
        let number = |auc: Option<f64>| auc.map_or("".to_owned(), |auc| format!("{auc:.3}"));
        let less = start.auc - start.best_alone();
        println!(
            "{set:<10} {:<6} {:>8} {:>6.3} {:>8} {:>6} {:>6.3} {:>6.3} {less:>+6.3} {:>6.3} {:>6.3} {:>4.0} % {:>7}",
            if *with_rules { "given" } else { "none" },
            start.outcomes,
            start.auc,
            number(start.declared_rules_auc),
            number(start.rules_auc),
            start.naive_bayes_auc,
            start.logistic_auc,
            start.calibration_error,
            start.worst_calibration_error,
            start.misleading * 100.0,
            word(less >= -COLD_BEHIND && start.calibration_error <= COLD_CALIBRATION)
        );
    }
}
