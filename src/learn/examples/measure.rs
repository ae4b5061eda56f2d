//! Measures sets that `deploy/eval/fetch` brought, without the rest of the program: `measure DIR SUITE [SET]...`

use std::fs::File;
use std::path::Path;

use aplomb_learn::choose::{Draws, Settings, cold_start, measure};
use aplomb_learn::customers::measure_customers;
use aplomb_learn::groups::{GroupsSet, measure_groups};
use aplomb_learn::offers::measure_items;
use aplomb_learn::series::measure_series;
use aplomb_learn::survival::{SurvivalSettings, measure_survival, read_spells};
use aplomb_learn::table::{CsvOptions, read_csv};
use serde::Deserialize;
use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, suite, sets @ ..] = arguments.as_slice() else { return Err("usage: measure DIR SUITE [SET]...".into()) };
    // the cold starts and what is looked at while tuning are of the binary suite
    let binary = suite.starts_with("cold") || suite.starts_with("tuning");
    let dir = Path::new(dir).join(if binary { "binary" } else { suite });
    for set in names(&dir, sets)? {
        let manifest: Value = serde_json::from_reader(File::open(dir.join(format!("{set}.json")))?)?;
        println!("{set} {}", measured(suite, &dir.join(format!("{set}.csv")), &manifest)?);
    }
    Ok(())
}

fn names(dir: &Path, wanted: &[String]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".json").map(ToOwned::to_owned));
    }
    names.retain(|name| wanted.is_empty() || wanted.contains(name));
    names.sort();
    Ok(names)
}

fn measured(suite: &str, file: &Path, manifest: &Value) -> Result<String> {
    match suite {
        "series" => {
            let values: Vec<f64> = serde_json::from_value(manifest["values"].clone())?;
            let season = manifest["season"].as_u64().ok_or("a series has a season")? as usize;
            Ok(serde_json::to_string(&measure_series(&values, season, 4)?)?)
        }
        "groups" => Ok(serde_json::to_string(&measure_groups(&GroupsSet::deserialize(manifest)?)?)?),
        "survival" => {
            let (table, durations, happened) = read_spells(File::open(file)?, "duration", "happened")?;
            let splits: Vec<Vec<usize>> = serde_json::from_value(manifest["splits"].clone())?;
            let spells = aplomb_learn::survival::Spells { durations: &durations, happened: &happened };
            let settings = SurvivalSettings::default();
            Ok(serde_json::to_string(&measure_survival(&table, spells, &splits, &settings, &|_, _| true)?)?)
        }
        "recommend" => Ok(serde_json::to_string(&measure_items(File::open(file)?)?)?),
        "customers" => {
            let day = |name: &str| manifest[name].as_i64().ok_or("a day");
            Ok(serde_json::to_string(&measure_customers(File::open(file)?, day("cut")?, day("end")?)?)?)
        }
        "binary" | "tuning" | "cold" | "cold-tuning" | "cold-bare" | "cold-bare-tuning" => {
            binary(suite, file, manifest)
        }
        other => Err(format!("there is no suite \"{other}\"").into()),
    }
}

/// `binary`, `cold` and `cold-bare` (without rules) are what is reported; models are tuned on the others.
fn binary(suite: &str, file: &Path, manifest: &Value) -> Result<String> {
    let text = |key: &str| manifest[key].as_str().map(ToOwned::to_owned);
    let options = CsvOptions { target: text("target"), yes: text("yes"), ..CsvOptions::default() };
    let table = read_csv(File::open(file)?, &options)?.table;
    let (tuning, mut settings) = (suite.ends_with("tuning"), Settings::default());
    if !suite.starts_with("cold") {
        let key = if tuning { "tuningFolds" } else { "folds" };
        let folds: Vec<Option<usize>> = serde_json::from_value(manifest[key].clone())?;
        return Ok(serde_json::to_string(&measure(&table, &folds, &settings, &|_, _| true)?)?);
    }
    if !suite.starts_with("cold-bare") {
        settings.rules = serde_json::from_value(manifest["rules"].clone())?;
    }
    let draws = if tuning { Draws::TUNING } else { Draws::MEASURED };
    let start = |outcomes| cold_start(&table, outcomes, draws, &settings, &|_, _| true);
    let all = [20, 50, 200, 1000].into_iter().map(start).collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(serde_json::to_string(&all)?)
}
