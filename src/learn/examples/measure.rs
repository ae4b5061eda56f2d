//! Measures one set that `deploy/eval/fetch` brought, without the rest of the program: `measure DIR SET...`

use std::fs::File;

use aplomb_learn::choose::{Settings, measure};
use aplomb_learn::table::{CsvOptions, read_csv};

#[expect(clippy::disallowed_methods, reason = "times what it runs")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (dir, sets) = arguments.split_first().ok_or("usage: measure DIR SET...")?;
    for set in sets {
        let manifest: serde_json::Value = serde_json::from_reader(File::open(format!("{dir}/binary/{set}.json"))?)?;
        let text = |key: &str| manifest[key].as_str().map(ToOwned::to_owned);
        let options = CsvOptions { target: text("target"), yes: text("yes"), ..CsvOptions::default() };
        let read = read_csv(File::open(format!("{dir}/binary/{set}.csv"))?, &options)?;
        let folds: Vec<usize> = serde_json::from_value(manifest["folds"].clone())?;
        let start = std::time::Instant::now();
        let measured = measure(&read.table, &folds, &Settings::default(), &|_, _| true)?;
        println!("{set} {:.1} s {}", start.elapsed().as_secs_f64(), serde_json::to_string(&measured)?);
    }
    Ok(())
}
