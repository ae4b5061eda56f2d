//! The suites beside the binary one: series, survival, customers, recommendations. Each prints ours, the reference and
//! what is naive.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use aplomb_learn::choose::Settings;
use aplomb_learn::customers::{CustomersMeasured, Totals, measure_customers};
use aplomb_learn::offers::{ItemsMeasured, measure_items};
use aplomb_learn::series::{SeriesMeasured, measure_series};
use aplomb_learn::survival::{
    Spells, SurvivalFigures, SurvivalMeasured, SurvivalSettings, measure_survival, read_spells,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::steps;

/// Years at the end of each series that are forecast.
const ORIGINS: usize = 4;

#[derive(Deserialize)]
struct Series {
    name: String,
    season: usize,
    values: Vec<f64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SeriesLine {
    set: String,
    season: usize,
    measured: SeriesMeasured,
    /// MASE and coverage of AutoETS.
    reference: Option<(f64, f64)>,
}

pub fn series(sets: &Path, json: bool) -> Result<()> {
    let references: Option<Value> = read_if_there(&sets.join("reference/series.json"))?;
    let mut lines = Vec::new();
    for file in files(sets, "series")? {
        let Series { name, season, values } = read(&file)?;
        eprint!("\r{name:<24}");
        let measured = measure_series(&values, season, ORIGINS).with_context(|| name.clone())?;
        let of = |key: &str| references.as_ref().and_then(|all| all["series"][&name][key].as_f64());
        lines.push(SeriesLine { reference: of("mase").zip(of("coverage")), set: name, season, measured });
    }
    eprintln!();
    if json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
        return Ok(());
    }
    println!("{:<24} {:>6} {:>8} {:>8} {:>8} {:>8}", "series", "season", "ours", "AutoETS", "naive", "80 % in");
    for line in &lines {
        let theirs = line.reference.map_or("".to_owned(), |(mase, _)| format!("{mase:.3}"));
        let SeriesMeasured { mase, naive_mase, coverage, .. } = line.measured;
        println!("{:<24} {:>6} {mase:>8.3} {theirs:>8} {naive_mase:>8.3} {coverage:>8.3}", line.set, line.season);
    }
    for (name, season) in [("monthly", Some(12)), ("quarterly", Some(4)), ("all", None)] {
        let part: Vec<&SeriesLine> = lines.iter().filter(|line| season.is_none_or(|one| line.season == one)).collect();
        let mean =
            |of: fn(&SeriesLine) -> f64| part.iter().map(|line| of(line)).sum::<f64>() / part.len().max(1) as f64;
        let values: usize = part.iter().map(|line| line.measured.values).sum();
        let held: f64 = part.iter().map(|line| line.measured.coverage * line.measured.values as f64).sum();
        let theirs = mean(|line| line.reference.map_or(f64::NAN, |(mase, _)| mase));
        let (ours, naive) = (mean(|line| line.measured.mase), mean(|line| line.measured.naive_mase));
        let covered = held / values.max(1) as f64;
        println!(
            "{:<24} {:>6} {ours:>8.3} {theirs:>8.3} {naive:>8.3} {covered:>8.3}",
            format!("mean, {name}"),
            part.len()
        );
    }
    Ok(())
}

#[derive(Deserialize)]
struct Splits {
    name: String,
    /// The fold of each row, several times.
    splits: Vec<Vec<usize>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct SurvivalReference {
    concordance: f64,
    integrated_brier: f64,
    #[serde(default)]
    folds: SurvivalFolds,
}

/// A figure for each fold, split after split.
#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct SurvivalFolds {
    concordance: Vec<f64>,
    integrated_brier: Vec<f64>,
}

#[derive(Serialize)]
struct SurvivalLine {
    set: String,
    rows: usize,
    #[serde(skip)]
    shared: f64,
    measured: SurvivalMeasured,
    reference: Option<SurvivalReference>,
}

pub fn survival(sets: &Path, settings: Settings, json: bool) -> Result<()> {
    let mut lines = Vec::new();
    for file in files(sets, "survival")? {
        let Splits { name, splits } = read(&file)?;
        eprintln!("{name}");
        let source = file.with_extension("csv");
        let opened = File::open(&source).with_context(|| format!("{} cannot be opened", source.display()))?;
        let (table, durations, happened) = read_spells(opened, "duration", "happened")?;
        if splits.iter().any(|split| split.len() != table.rows()) {
            bail!("{} is not the file that its folds were made for; fetch the sets again", source.display());
        }
        let spells = Spells { durations: &durations, happened: &happened };
        let mut choice = SurvivalSettings::default();
        choice.choice.threads = settings.threads;
        let measured = measure_survival(&table, spells, &splits, &choice, &steps)?;
        let reference = read_if_there(&sets.join(format!("reference/survival-{name}.json")))?;
        let folds = measured.folds.len() as f64 / splits.len().max(1) as f64;
        // how many rows a fold has for each that was learned from
        let shared = 1.0 / (folds - 1.0).max(1.0);
        lines.push(SurvivalLine { set: name, rows: table.rows(), shared, measured, reference });
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
        return Ok(());
    }
    println!("{:<10} {:>6} {:<14} {:>17} {:>17}", "set", "rows", "model", "concordance", "integrated Brier");
    for SurvivalLine { set, rows, shared, measured, reference } in &lines {
        let row = |model: &str, concordance: f64, brier: f64| {
            println!("{set:<10} {rows:>6} {model:<14} {concordance:>17.4} {brier:>17.4}");
        };
        row("ours", measured.ours.concordance, measured.ours.integrated_brier);
        if let Some(cox) = reference {
            row("Cox, lifelines", cox.concordance, cox.integrated_brier);
            let of = |figure: fn(&SurvivalFigures) -> f64| measured.folds.iter().map(figure).collect::<Vec<_>>();
            let concordance = difference(&of(|fold| fold.concordance), &cox.folds.concordance, *shared);
            let brier = difference(&of(|fold| fold.integrated_brier), &cox.folds.integrated_brier, *shared);
            println!("{set:<10} {rows:>6} {:<14} {concordance:>17} {brier:>17}", "ours less Cox");
        }
        row("Kaplan-Meier", measured.naive.concordance, measured.naive.integrated_brier);
    }
    Ok(())
}

/// Mean of ours less theirs, with its standard error. `shared` is 0 for figures that do not hang together, and for folds
/// of splits of the same rows the size of a fold in parts of what was learned from (Nadeau and Bengio, Machine Learning
/// 2003; Bouckaert and Frank, PAKDD 2004).
pub fn difference(ours: &[f64], theirs: &[f64], shared: f64) -> String {
    let gains: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours - theirs).collect();
    if gains.len() < 2 || ours.len() != theirs.len() {
        return "unknown".to_owned();
    }
    let count = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / count;
    let variance = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (count - 1.0);
    format!("{mean:+.4} ± {:.4}", (variance * (1.0 / count + shared)).sqrt())
}

#[derive(Deserialize)]
struct HoldOut {
    name: String,
    cut: i64,
    end: i64,
}

#[derive(Serialize)]
struct CustomersLine {
    set: String,
    measured: CustomersMeasured,
    reference: Option<Value>,
}

pub fn customers(sets: &Path, json: bool) -> Result<()> {
    let mut lines = Vec::new();
    for file in files(sets, "customers")? {
        let HoldOut { name, cut, end } = read(&file)?;
        let source = file.with_extension("csv");
        let opened = File::open(&source).with_context(|| format!("{} cannot be opened", source.display()))?;
        let measured = measure_customers(opened, cut, end).with_context(|| name.clone())?;
        let reference = read_if_there(&sets.join("reference/customers.json"))?;
        lines.push(CustomersLine { set: name, measured, reference });
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
        return Ok(());
    }
    println!("{:<10} {:<10} {:>12} {:>12}", "set", "", "transactions", "value");
    for CustomersLine { set, measured, reference } in &lines {
        let row = |name: &str, transactions: f64, value: f64| {
            println!("{set:<10} {name:<10} {transactions:>12.1} {value:>12.0}");
        };
        let totals = |name: &str, Totals { transactions, value }: Totals| row(name, transactions, value);
        totals("ours", measured.expected);
        if let Some(theirs) = reference {
            let of = |key: &str| theirs[key].as_f64().unwrap_or(f64::NAN);
            row("lifetimes", of("transactions"), of("value"));
        }
        totals("as before", measured.naive);
        totals("came", measured.actual);
    }
    Ok(())
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Serialize)]
struct RecommendLine {
    set: String,
    measured: ItemsMeasured,
    /// Recall of each recommender of implicit.
    reference: Option<BTreeMap<String, f64>>,
}

pub fn recommend(sets: &Path, json: bool) -> Result<()> {
    let mut lines = Vec::new();
    for file in files(sets, "recommend")? {
        let Named { name } = read(&file)?;
        let source = file.with_extension("csv");
        let opened = File::open(&source).with_context(|| format!("{} cannot be opened", source.display()))?;
        let measured = measure_items(opened).with_context(|| name.clone())?;
        let reference = read_if_there(&sets.join("reference/recommend.json"))?;
        lines.push(RecommendLine { set: name, measured, reference });
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
        return Ok(());
    }
    println!("{:<10} {:<16} {:>9}", "set", "", "recall@10");
    for RecommendLine { set, measured, reference } in &lines {
        let row = |name: &str, recall: f64| println!("{set:<10} {name:<16} {recall:>9.4}");
        row("ours", measured.recall);
        for (name, recall) in reference.iter().flatten() {
            row(&format!("implicit, {name}"), *recall);
        }
        row("what most have", measured.naive);
    }
    Ok(())
}

/// The JSON files of a suite, in the order of their names.
pub fn files(sets: &Path, suite: &str) -> Result<Vec<PathBuf>> {
    let dir = sets.join(suite);
    let missing =
        || format!("no sets in {}; `deploy/eval/fetch {}` of a checkout brings them", dir.display(), sets.display());
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&dir).with_context(missing)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    if files.is_empty() {
        bail!(missing());
    }
    Ok(files)
}

pub fn read<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let opened = File::open(file).with_context(|| format!("{} cannot be opened", file.display()))?;
    serde_json::from_reader(opened).with_context(|| file.display().to_string())
}

/// `None` when the file is not there.
pub fn read_if_there<T: DeserializeOwned>(file: &Path) -> Result<Option<T>> {
    if file.exists() { read(file).map(Some) } else { Ok(None) }
}
