//! `aplomb eval`: the models against the references on public data sets, and the model card of a user's own CSV file.
//! The sets are brought by `deploy/eval/fetch`, the references' figures by `deploy/eval/reference`; this command opens
//! files only.

mod suites;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use aplomb_learn::choose::{Card, Measured, Settings, measure};
use aplomb_learn::table::{CsvOptions, read_csv};
use aplomb_learn::trust::Metrics;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::log;

#[derive(Args)]
pub struct Eval {
    /// The suite to measure; all when missing
    #[arg(value_enum, conflicts_with = "csv")]
    suite: Option<Suite>,
    /// Where `deploy/eval/fetch` put the sets
    #[arg(long, env = "APLOMB_EVAL_SETS", value_name = "DIR", default_value = "eval-sets")]
    sets: PathBuf,
    /// A CSV file of your own with a header, instead of a suite
    #[arg(long, env = "APLOMB_EVAL_CSV", value_name = "FILE", requires = "target")]
    csv: Option<PathBuf>,
    /// Its column with the outcome, of two values
    #[arg(long, env = "APLOMB_EVAL_TARGET", value_name = "COLUMN", requires = "csv")]
    target: Option<String>,
    /// The outcome's value that counts as yes; the rarer one when missing
    #[arg(long, env = "APLOMB_EVAL_YES", value_name = "VALUE", requires = "csv")]
    yes: Option<String>,
    /// Its column with the time of prediction: the model is then tested on later rows than it learned from
    #[arg(long, env = "APLOMB_EVAL_TIME", value_name = "COLUMN", requires = "csv")]
    time: Option<String>,
    /// Its column whose equal values belong together, as the rows of one customer do
    #[arg(long, env = "APLOMB_EVAL_GROUP", value_name = "COLUMN", requires = "csv")]
    group: Option<String>,
    /// A column to leave out
    #[arg(long, env = "APLOMB_EVAL_IGNORE", value_name = "COLUMN", requires = "csv")]
    ignore: Vec<String>,
    /// Threads to use; the result does not depend on it
    #[arg(long, env = "APLOMB_EVAL_THREADS", value_name = "N", default_value_t = 2)]
    threads: usize,
    /// Print the result as JSON
    #[arg(long, env = "APLOMB_JSON")]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Suite {
    /// Churn, attrition, credit, lending, default, loans
    Binary,
    /// Monthly and quarterly series, a year ahead
    Series,
    /// How long until it happens
    Survival,
    /// Purchases and their value, CDNOW
    Customers,
    /// What to offer next, MovieLens
    Recommend,
}

/// What `fetch` writes beside each set.
#[derive(Deserialize)]
struct Manifest {
    name: String,
    target: String,
    yes: String,
    folds: Vec<usize>,
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

impl Eval {
    pub fn run(self) -> Result<ExitCode> {
        log::for_command();
        match &self.csv {
            Some(file) => self.card(file),
            None => {
                let all = [Suite::Binary, Suite::Series, Suite::Survival, Suite::Customers, Suite::Recommend];
                let suites = self.suite.map_or(all.to_vec(), |one| vec![one]);
                suites.into_iter().try_for_each(|suite| self.suite(suite))?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }

    fn suite(&self, suite: Suite) -> Result<()> {
        match suite {
            Suite::Binary => self.binary(),
            Suite::Series => suites::series(&self.sets, self.json),
            Suite::Survival => suites::survival(&self.sets, self.settings(), self.json),
            Suite::Customers => suites::customers(&self.sets, self.json),
            Suite::Recommend => suites::recommend(&self.sets, self.json),
        }
    }

    fn settings(&self) -> Settings {
        Settings { threads: self.threads.max(1), ..Settings::default() }
    }

    fn card(&self, file: &Path) -> Result<ExitCode> {
        let options = CsvOptions {
            target: self.target.clone(),
            yes: self.yes.clone(),
            time: self.time.clone(),
            group: self.group.clone(),
            ignore: self.ignore.clone(),
        };
        let source = File::open(file).with_context(|| format!("{} cannot be opened", file.display()))?;
        let read = read_csv(source, &options).with_context(|| file.display().to_string())?;
        let card = Card::make(read.table, &self.settings(), &steps)?;
        if self.json {
            println!("{}", json!({"yes": read.yes, "withoutOutcome": read.without_outcome, "card": card}));
        } else {
            print_card(&card, read.yes.as_deref().unwrap_or("yes"), read.without_outcome);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn binary(&self) -> Result<()> {
        let mut lines = Vec::new();
        for file in suites::files(&self.sets, "binary")? {
            let manifest: Manifest = suites::read(&file)?;
            eprintln!("{}", manifest.name);
            lines.push(self.line(manifest)?);
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&lines)?);
        } else {
            print_table(&lines);
        }
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "the table tells how long each set took")]
    fn line(&self, manifest: Manifest) -> Result<Line> {
        let file = self.sets.join("binary").join(format!("{}.csv", manifest.name));
        let source = File::open(&file).with_context(|| format!("{} cannot be opened", file.display()))?;
        let options = CsvOptions { target: Some(manifest.target), yes: Some(manifest.yes), ..CsvOptions::default() };
        let table = read_csv(source, &options)?.table;
        if table.rows() != manifest.folds.len() {
            bail!("{} is not the file that its folds were made for; fetch the sets again", file.display());
        }
        let start = Instant::now();
        let measured = measure(&table, &manifest.folds, &self.settings(), &steps)?;
        let reference = self.sets.join("reference").join(format!("{}.json", manifest.name));
        let references = suites::read_if_there(&reference)?;
        let seconds = start.elapsed().as_secs_f64();
        Ok(Line { set: manifest.name, rows: table.rows(), seconds, measured, references })
    }
}

/// Progress on stderr; never cancels.
fn steps(done: usize, all: usize) -> bool {
    eprint!("\r{done} of {all} fits{}", if done == all { "\n" } else { "" });
    true
}

fn print_table(lines: &[Line]) {
    println!("{:<10} {:>6} {:<22} {:>6} {:>7} {:>6} {:>7}", "set", "rows", "model", "AUC", "Brier", "ECE", "s");
    for line in lines {
        let row = |model: &str, auc: f64, brier: f64, ece: f64, seconds: Option<f64>| {
            let seconds = seconds.map(|seconds| format!("{seconds:.1}")).unwrap_or_default();
            println!("{:<10} {:>6} {model:<22} {auc:>6.4} {brier:>7.4} {ece:>6.4} {seconds:>7}", line.set, line.rows);
        };
        let metrics = |model: &str, metrics: &Metrics, seconds: Option<f64>| {
            row(model, metrics.auc.unwrap_or(0.5), metrics.brier, metrics.calibration_error, seconds);
        };
        metrics("ours", &line.measured.ours, Some(line.seconds));
        if let Some(References { lightgbm, logistic }) = &line.references {
            row("LightGBM, tuned", lightgbm.auc, lightgbm.brier, lightgbm.ece, Some(lightgbm.seconds));
            row("logistic, scikit-learn", logistic.auc, logistic.brier, logistic.ece, Some(logistic.seconds));
        }
        metrics("naive", &line.measured.naive, None);
    }
    if lines.iter().any(|line| line.references.is_none()) {
        println!("no figures of the references: run `deploy/eval/reference DIR` on the sets' directory");
    }
}

fn print_card(card: &Card, yes: &str, without_outcome: usize) {
    println!("{} rows, {} of them \"{yes}\", {} features", card.rows, card.yes, card.features);
    if without_outcome > 0 {
        println!("{without_outcome} rows without an outcome were left out");
    }
    for leak in &card.left_out {
        println!("left out: {}", leak.sentence());
    }
    println!("model: {}, learned from {} rows", card.model, card.learned_from);
    if let Some(held) = &card.held_out {
        let auc = held.auc.map_or("none".to_owned(), |auc| format!("{auc:.3} ± {:.3}", held.auc_margin.unwrap_or(0.0)));
        println!(
            "on {} rows held out: AUC {auc}, Brier {:.4}, calibration error {:.4} ({:.4} would be chance)",
            held.rows, held.brier, held.calibration_error, held.calibration_noise
        );
    }
    println!("verdict: {}: {}", card.verdict.grade.word(), card.verdict.reasons.join("; "));
    if !card.candidates.is_empty() {
        println!("\nwhat was tried, on rows that the models did not learn from:");
    }
    for candidate in &card.candidates {
        let auc = candidate.metrics.auc.unwrap_or(0.5);
        println!("  {:<40} AUC {auc:.3}  {}", candidate.recipe.name(), candidate.decision);
    }
    if !card.influences.is_empty() {
        println!("\nwhat moves the scores most (log-odds, on average):");
    }
    for influence in card.influences.iter().take(10) {
        println!("  {:<40} {:.3}", influence.feature, influence.strength);
    }
}
