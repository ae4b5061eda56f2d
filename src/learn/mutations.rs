//! Every file format with valid files changed at random: bytes flipped, cut or repeated, JSON values swapped or made
//! absurd. The same entry points as those of the fuzz targets, for a compiler without a fuzzer. Nothing may panic.

use std::panic::catch_unwind;

use serde_json::{Value, json};

#[path = "../../fuzz/entry.rs"]
mod entry;

use crate::choose::{Estimator, Scorer, Settings, Training};
use crate::events::{Live, Program};
use crate::groups::{IsolationForest, KMeans, Mixture, Points};
use crate::model::{LogisticConfig, Model, Recipe, Trained};
use crate::numeric::Chance;
use crate::offers::{Bandit, BanditConfig, Items};
use crate::survival::{Hazards, Incidence, KaplanMeier, Spells, SurvivalSettings};
use crate::table::Cell;
use crate::tests::{BOOST, all, rules, sample};

/// Changed files of each valid one.
const CHANGES: u64 = 80;

fn json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("JSON")
}

/// Valid files of every format.
fn valid() -> Vec<(&'static str, Vec<u8>)> {
    let table = sample(120, 3);
    let scorer = Scorer::fit(&table, &all(&table), &Settings::default(), &|_, _| true).expect("fits");
    let trained = [
        Recipe::Boosted(crate::model::BoostConfig { trees: 4, ..BOOST }),
        Recipe::Rules(rules(&[("days", 0.4, 10.0)])),
        Recipe::Logistic(LogisticConfig { ridge: 1.0 }),
    ];
    let trained =
        trained.map(|recipe| Trained::fit(&recipe, &table, &all(&table)).expect("fits").save().expect("saves"));
    let durations: Vec<f64> = (0..120).map(|row| f64::from(row % 17) + 0.5).collect();
    let happened = table.outcome().expect("outcomes").to_vec();
    let spells = Spells { durations: &durations, happened: &happened };
    let hazards = Hazards::fit(&table, spells, &all(&table), &SurvivalSettings::default(), &|_, _| true).expect("fits");
    let mut chance = Chance::new(5);
    let points = Points::new((0..120).map(|_| chance.normal()).collect(), 3).expect("points");
    let values: Vec<f64> = (0..48).map(|at| 10.0 + f64::from(at % 12) + chance.normal()).collect();
    let bandit = BanditConfig { actions: 2, width: 2, baseline: 0, tolerance: 1.0, most_exploring: 0.2, noise: 1.0 };
    let bought: Vec<(u64, String, f64)> = (0..60).map(|at| (at % 12, format!("i{}", at % 7), 1.0)).collect();
    let triples: Vec<(u64, &str, f64)> = bought.iter().map(|(who, item, much)| (*who, item.as_str(), *much)).collect();
    let numbers = json!([
        {"shape": 0.2, "scale": 4.0, "stop": 0.8, "stay": 2.4},
        {"shape": 6.0, "spread": 4.0, "scale": 15.0},
        {"repeats": 2.0, "recency": 30.0, "age": 38.0, "value": 22.0},
    ]);
    let mut files = vec![
        ("scorer", scorer.save().expect("saves")),
        ("hazards", hazards.save().expect("saves")),
        ("checkpoint", checkpoint()),
        ("states", states()),
        ("kaplan-meier", json(&KaplanMeier::fit(spells).expect("fits"))),
        ("k-means", json(&KMeans::fit(&points, 3, 1).expect("fits"))),
        ("mixture", json(&Mixture::fit(&points, 2, 1).expect("fits"))),
        ("forest", json(&IsolationForest::fit(&points, 1).expect("fits"))),
        ("items", json(&Items::fit(&triples, 5.0))),
        ("bandit", json(&Bandit::new(bandit).expect("a bandit"))),
        ("customers", json(&numbers)),
        ("series", json(&json!({"season": 12, "values": values}))),
        ("table", b"day,days,region,won\n2026-01-01,3,north,yes\n2026-01-02,-4e9,south,no\n,NA,,yes\n".to_vec()),
        ("lists", b"customer,item,weight,held\n1,a,1,0\n1,b,2,0\n2,a,1,0\n2,b,5,1\n".to_vec()),
        ("lists", b"customer,day,value\n1,1,5\n1,4,6\n2,3,9\n2,14,9\n".to_vec()),
        ("declaration", include_bytes!("../../fuzz/events.toml").to_vec()),
        ("events", (0..200_u8).collect()),
    ];
    files.extend(estimators().map(|file| ("estimator", file)));
    files.push(("incidence", incidence(&table, &durations)));
    files.extend(trained.into_iter().map(|file| ("trained", file)));
    files
}

/// Broken off half way, without its mark, format and digest.
fn checkpoint() -> Vec<u8> {
    let settings = Settings::default();
    let mut training = Training::start(&entry::LEARNED, &entry::LEARNED_ROWS, &settings).expect("starts");
    for _ in 0..3 {
        training.step().expect("steps");
    }
    training.checkpoint().expect("saves").split_off(16 + 2 + 32)
}

/// A line and trees.
fn estimators() -> [Vec<u8>; 2] {
    [(9, 1.0), (120, 0.0)].map(|(rows, line)| {
        let table = sample(rows, 3);
        let amount = |row: usize| line * row as f64 + f64::from(u8::from(table.column(0).number(row) > 0.5));
        let table = table.clone().with_amounts((0..rows).map(amount).collect()).expect("finite");
        let fitted = Estimator::fit(&table, &all(&table), &Settings::default(), &|_, _| true);
        fitted.expect("fits").save().expect("saves")
    })
}

fn incidence(table: &crate::table::Table, durations: &[f64]) -> Vec<u8> {
    let ended: Vec<Option<usize>> = (0..durations.len()).map(|row| [Some(0), Some(1), None][row % 3]).collect();
    let settings = SurvivalSettings::default();
    let fitted = Incidence::fit(table, (durations, &ended), &all(table), (2, &settings), &|_, _| true);
    fitted.expect("fits").save().expect("saves")
}

fn states() -> Vec<u8> {
    let mut live = Live::new(Program::compile(include_str!("../../fuzz/events.toml")).expect("compiles"));
    for turn in 0..40_i64 {
        let (kind, from) = (["mail", "call"][turn as usize % 2], ["ann", "bob"][turn as usize % 3 / 2]);
        let fields = [("size", Cell::Number(turn as f64)), ("from", Cell::Category(from))];
        live.push(1 + turn as u64 % 2, turn * 2_000_000, kind, &fields);
    }
    live.save().expect("saves")
}

fn below(chance: &mut Chance, count: usize) -> usize {
    (chance.next() % count.max(1) as u64) as usize
}

/// Bytes flipped, cut out, repeated, or the end left off.
fn scratched(file: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut changed = file.to_vec();
    for _ in 0..=below(chance, 3) {
        let from = below(chance, changed.len());
        let upto = (from + 1 + below(chance, 40)).min(changed.len());
        match below(chance, 5) {
            0 if from < changed.len() => changed[from] ^= 1 << below(chance, 8),
            1 => drop(changed.drain(from..upto)),
            2 => {
                let part = changed[from..upto].to_vec();
                changed.splice(from..from, part);
            }
            3 => changed.truncate(from),
            _ => {
                let absurd: [&[u8]; 6] =
                    [b"1e999", b"-9223372036854775808", b"\xff\xfe", b"\"", b"\n\n,", b"99999999999999999999w"];
                changed.splice(from..from, absurd[below(chance, absurd.len())].iter().copied());
            }
        }
    }
    changed
}

fn absurd(chance: &mut Chance) -> Value {
    let numbers = [0.0, -1.0, 0.5, 1e308, -1e308, 5e-324, 4_294_967_295.0, 4_294_967_296.0];
    match below(chance, 14) {
        at if at < numbers.len() => json!(numbers[at]),
        8 => json!(u64::MAX),
        9 => json!(i64::MIN),
        10 => json!("x".repeat(5000)),
        11 => json!([]),
        12 => json!({}),
        _ => Value::Null,
    }
}

/// One value somewhere in the tree changed: made absurd, an integer one off, doubled, swapped or left out.
fn twist(value: &mut Value, chance: &mut Chance) {
    match value {
        Value::Array(list) if !list.is_empty() => {
            let (at, other) = (below(chance, list.len()), below(chance, list.len()));
            match below(chance, 8) {
                0 => list.swap(at, other),
                1 => drop(list.remove(at)),
                2 => list.push(list[at].clone()),
                3 => list[at] = absurd(chance),
                _ => twist(&mut list[at], chance),
            }
        }
        Value::Object(fields) if !fields.is_empty() => {
            let name = fields.keys().nth(below(chance, fields.len())).cloned().unwrap_or_default();
            match below(chance, 8) {
                0 => drop(fields.remove(&name)),
                1 => drop(fields.insert(name, absurd(chance))),
                _ => fields.get_mut(&name).into_iter().for_each(|inner| twist(inner, chance)),
            }
        }
        Value::Number(number) if number.is_u64() && !chance.next().is_multiple_of(3) => {
            let near = number.as_u64().unwrap_or(0);
            *value = json!(if chance.next().is_multiple_of(2) { near.wrapping_add(1) } else { near.saturating_sub(1) });
        }
        other => *other = absurd(chance),
    }
}

fn changed(file: &[u8], chance: &mut Chance) -> Vec<u8> {
    match serde_json::from_slice::<Value>(file) {
        Ok(mut value) if !chance.next().is_multiple_of(4) => {
            (0..=below(chance, 3)).for_each(|_| twist(&mut value, chance));
            json(&value)
        }
        _ => scratched(file, chance),
    }
}

fn entry_of(format: &str) -> fn(&[u8]) {
    entry::FORMATS.iter().find(|(name, _)| *name == format).expect("a format of that name").1
}

#[test]
fn no_changed_file_makes_anything_panic() {
    let files = valid();
    for (format, _) in entry::FORMATS {
        assert!(files.iter().any(|(name, _)| *name == format), "{format} has no valid file");
    }
    for (place, (format, file)) in files.iter().enumerate() {
        let run = entry_of(format);
        run(file);
        for turn in 0..CHANGES {
            let mut chance = Chance::new(turn + 1000 * place as u64);
            let hostile = changed(file, &mut chance);
            let text = String::from_utf8_lossy(&hostile).chars().take(600).collect::<String>();
            assert!(catch_unwind(|| run(&hostile)).is_ok(), "{format}, change {turn}: {text}");
        }
    }
}

#[test]
fn deep_and_long_files_are_refused_quickly() {
    let deep = [b"[".repeat(200_000), b"]".repeat(200_000)].concat();
    let object = b"{\"format\":".repeat(100_000);
    let long = [b"{\"format\":1,\"x\":\"".to_vec(), b"y".repeat(4_000_000), b"\"}".to_vec()].concat();
    let wide = [b"a,".repeat(20_000), b"b\n1\n".to_vec()].concat();
    let tables = b"[[feature]]\n".repeat(5_000);
    let dotted = [b"a".to_vec(), b".a".repeat(50_000), b" = 1".to_vec()].concat();
    for (format, run) in entry::FORMATS {
        for file in [&deep, &object, &long, &wide, &tables, &dotted] {
            assert!(catch_unwind(|| run(file)).is_ok(), "{format}");
        }
    }
}

/// What a fuzzer starts from: `APLOMB_FUZZ_SEEDS=DIR cargo test -p aplomb-learn seeds -- --ignored` writes the valid
/// files into a folder for each format.
#[test]
#[ignore = "writes files"]
fn seeds_for_the_fuzzer() {
    let Some(dir) = std::env::var_os("APLOMB_FUZZ_SEEDS").map(std::path::PathBuf::from) else {
        panic!("name the folder in APLOMB_FUZZ_SEEDS");
    };
    for (place, (format, file)) in valid().iter().enumerate() {
        std::fs::create_dir_all(dir.join(format)).expect("a folder");
        std::fs::write(dir.join(format).join(place.to_string()), file).expect("a file");
    }
}

/// A tree whose nodes share their children has as many ways down as there are numbers of so many bits.
#[test]
fn a_tree_whose_branches_meet_again_is_refused() {
    let node = |at: usize| json!({"v": 0.0, "c": 1.0, "s": {"f": 0, "t": 0.0, "l": at + 1, "r": at + 1, "m": true}});
    let mut nodes: Vec<Value> = (0..60).map(node).collect();
    nodes.push(json!({"v": 1.0, "c": 1.0}));
    let table = sample(200, 4);
    let file = Trained::fit(&Recipe::Boosted(BOOST), &table, &all(&table)).expect("fits").save().expect("saves");
    let mut saved: Value = serde_json::from_slice(&file).expect("JSON");
    saved["model"]["fitted"]["trees"][0]["nodes"] = Value::Array(nodes);
    assert!(Trained::load(&json(&saved)).is_err());
}

/// A bandit that would need more memory than there is.
#[test]
fn absurd_sizes_are_refused() {
    let config =
        BanditConfig { actions: 3, width: usize::MAX, baseline: 0, tolerance: 0.0, most_exploring: 0.1, noise: 1.0 };
    assert!(Bandit::new(config).is_err());
    assert!(Bandit::new(BanditConfig { actions: 1 << 40, width: 3, ..config }).is_err());
}
