//! The suite of clusters, anomalies and odd moments: ours beside scikit-learn and statsmodels on labelled sets.

use std::path::Path;

use anyhow::{Context, Result};
use aplomb_learn::groups::{GroupsMeasured, GroupsSet, measure_groups};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::suites::{difference, files, read, read_if_there};

#[derive(Deserialize)]
struct Labelled {
    name: String,
    #[serde(flatten)]
    set: GroupsSet,
}

#[derive(Serialize)]
struct Line {
    set: String,
    measured: GroupsMeasured,
    reference: Option<Value>,
}

pub fn groups(sets: &Path, json: bool) -> Result<()> {
    let mut lines = Vec::new();
    for file in files(sets, "groups")? {
        let Labelled { name, set } = read(&file)?;
        eprintln!("{name}");
        let measured = measure_groups(&set).with_context(|| name.clone())?;
        let kept = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let reference = read_if_there(&sets.join(format!("reference/groups-{kept}")))?;
        lines.push(Line { set: kept.trim_end_matches(".json").to_owned(), measured, reference });
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
        return Ok(());
    }
    println!("{:<20} {:<34} {:>7} {:>9} {:>7} {:>16}", "set", "figure", "ours", "reference", "naive", "off");
    lines.iter().for_each(print);
    Ok(())
}

fn print(Line { set, measured, reference }: &Line) {
    let of = |key: &str| reference.as_ref().and_then(|all| all[key].as_f64());
    let line = |figure: &str, ours: f64, key: &str, (naive, off): (f64, String)| {
        let theirs = of(key).map_or(String::new(), |theirs| format!("{theirs:.4}"));
        println!("{set:<20} {figure:<34} {ours:>7.4} {theirs:>9} {naive:>7.4} {off:>16}");
    };
    let row = |figure: &str, ours: f64, key: &str| {
        let off = of(key).map_or(String::new(), |theirs| format!("{:+.4}", ours - theirs));
        line(figure, ours, key, (0.0, off));
    };
    match measured {
        GroupsMeasured::Clusters { k_means, mixture, k_means_chosen, k_means_count, mixture_chosen, mixture_count } => {
            let chosen = |name: &str, ours: &usize, key: &str| {
                let theirs = of(key).map_or(String::new(), |count| format!(", reference {count}"));
                format!("Rand, {name}, chosen {ours}{theirs}")
            };
            row("Rand, k-means", *k_means, "kMeans");
            row("Rand, mixture", *mixture, "mixture");
            row(&chosen("k-means", k_means_count, "kMeansCount"), *k_means_chosen, "kMeansChosen");
            row(&chosen("mixture", mixture_count, "mixtureCount"), *mixture_chosen, "mixtureChosen");
        }
        GroupsMeasured::Odd { precision, each, naive } => {
            let theirs = reference.as_ref().and_then(|all| Vec::<f64>::deserialize(&all["each"]).ok());
            let off = theirs.map_or(String::new(), |theirs| difference(each, &theirs, 0.0));
            line("average precision", *precision, "precision", (*naive, off));
        }
    }
}
