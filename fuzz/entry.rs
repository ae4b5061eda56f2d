//! What is done with a file of each format that `learn` reads: it is read and, where it can be, used. The fuzz targets
//! call this, and so do the tests of `learn`, which mutate valid files; nothing here may panic.

use std::io::Cursor;
use std::sync::LazyLock;

use aplomb_learn::choose::{Estimator, Scorer, Settings, Training};
use aplomb_learn::customers::{Purchases, Spending, measure_customers};
use aplomb_learn::events::{Ask, Live, Log, Program};
use aplomb_learn::groups::{IsolationForest, KMeans, Mixture, Points, outliers};
use aplomb_learn::model::{Model, Trained};
use aplomb_learn::offers::{Bandit, Items, measure_items};
use aplomb_learn::series::Ensemble;
use aplomb_learn::survival::{Hazards, Incidence, KaplanMeier, read_spells};
use aplomb_learn::table::{Builder, Cell, CsvOptions, Feature, Kind, Table, read_csv};
use sha2::{Digest, Sha256};

/// Values of a series, numbers of a situation or rows of a table beyond which a run would take long.
const MOST: usize = 300;

/// A format by name, with what is done with its files.
pub type Format = (&'static str, fn(&[u8]));

/// Every format.
pub const FORMATS: [Format; 19] = [
    ("scorer", scorer),
    ("trained", trained),
    ("estimator", estimator),
    ("checkpoint", checkpoint),
    ("hazards", hazards),
    ("incidence", incidence),
    ("kaplan-meier", kaplan_meier),
    ("k-means", k_means),
    ("mixture", mixture),
    ("forest", forest),
    ("items", items),
    ("bandit", bandit),
    ("customers", customers),
    ("series", series),
    ("table", table),
    ("lists", lists),
    ("declaration", declaration),
    ("events", events),
    ("states", states),
];

/// A row of missing cells, one of ordinary and one of extreme ones, with the features of a model.
fn rows_for(features: &[Feature]) -> Option<Table> {
    let mut builder = Builder::new(features.to_vec());
    for turn in 0..3 {
        let cell = |feature: &Feature| match (turn, feature.kind) {
            (0, _) => Cell::Missing,
            (1, Kind::Category) => Cell::Category("north"),
            (_, Kind::Category) => Cell::Category("\u{0}"),
            (turn, Kind::YesNo) => Cell::YesNo(turn == 1),
            (1, _) => Cell::Number(1.5),
            (..) => Cell::Number(-1e300),
        };
        builder.push(&features.iter().map(cell).collect::<Vec<_>>()).ok()?;
    }
    Some(builder.finish())
}

fn points_of(width: usize) -> Option<Points> {
    let width = width.clamp(1, MOST);
    Points::new((0..3 * width).map(|at| [0.0, -1e150, 2.5][at % 3]).collect(), width).ok()
}

pub fn scorer(data: &[u8]) {
    let Ok(scorer) = Scorer::load(data) else { return };
    let Some(table) = rows_for(scorer.features()) else { return };
    let _ = scorer.chances(&table, &[0, 1, 2]);
    let _ = scorer.reasons(&table, 1, 5, &Default::default());
    for row in 0..3 {
        let _ = scorer.score(&table, row);
    }
    let _ = (scorer.conformal().possible(0.5, 0.9), scorer.rarer(), scorer.save());
}

pub fn trained(data: &[u8]) {
    let Ok(model) = Trained::load(data) else { return };
    let Some(table) = rows_for(model.features()) else { return };
    let _ = (model.predict(&table, &[0, 1, 2]), model.contributions(&table, 1), model.contributions(&table, 2));
}

pub fn estimator(data: &[u8]) {
    let Ok(model) = Estimator::load(data) else { return };
    let Some(table) = rows_for(model.features()) else { return };
    let _ = (model.estimates(&table, &[0, 1, 2], 0.8), model.estimates(&table, &[1], f64::NAN), model.save());
    let _ = (model.contributions(&table, 1), model.contributions(&table, 2));
}

/// What the checkpoints are of.
pub static LEARNED: LazyLock<Table> = LazyLock::new(|| {
    let mut builder = Builder::new(vec![Feature::new("days", Kind::Number)]);
    for row in 0..12 {
        let _ = builder.push(&[Cell::Number(f64::from(row % 5))]);
        builder.outcome(row % 3 == 0);
    }
    builder.finish()
});
pub const LEARNED_ROWS: [u32; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/// A checkpoint without its head of mark, format and digest, which would refuse all that was changed.
pub fn checkpoint(data: &[u8]) {
    let head: &[u8] = b"aplomb training\n\x01\0";
    let whole = [head, Sha256::digest(data).as_slice(), data].concat();
    let settings = Settings::default();
    for file in [whole.as_slice(), data] {
        let Ok(training) = Training::resume(&LEARNED, &LEARNED_ROWS, &settings, file) else { continue };
        let _ = (training.progress(), training.checkpoint());
        if let Ok(scorer) = training.finish() {
            let _ = scorer.chances(&LEARNED, &LEARNED_ROWS);
        }
    }
}

pub fn incidence(data: &[u8]) {
    let Ok(model) = Incidence::load(data) else { return };
    let Some(table) = model.risks().first().and_then(|risk| rows_for(risk.features())) else { return };
    for outcome in 0..3 {
        let _ = model.by(&table, &[0, 1, 2], outcome, &[-1.0, 0.0, 0.7, 1e300]);
    }
}

pub fn hazards(data: &[u8]) {
    let Ok(model) = Hazards::load(data) else { return };
    let Some(table) = rows_for(model.features()) else { return };
    let _ = model.survival(&table, &[0, 1, 2], &[-1.0, 0.0, 0.7, 1e300, f64::NAN]);
    let _ = (model.risks(&table, &[0, 1, 2]), model.contributions(&table, 1, 0.5), model.contributions(&table, 2, 1e9));
}

pub fn kaplan_meier(data: &[u8]) {
    let Ok(curve) = serde_json::from_slice::<KaplanMeier>(data) else { return };
    for time in [-1.0, 0.0, 2.5, 1e300, f64::NAN] {
        let _ = (curve.at(time), curve.before(time), curve.time_of(time), curve.interval(time, 2.0));
    }
}

pub fn k_means(data: &[u8]) {
    let Ok(model) = KMeans::load(data) else { return };
    for width in [model.centres[0].len(), 1] {
        let _ = points_of(width).map(|points| model.segments(&points));
    }
}

pub fn mixture(data: &[u8]) {
    let Ok(model) = Mixture::load(data) else { return };
    for width in [model.means[0].len(), 1, 7] {
        let _ = points_of(width).map(|points| (model.segments(&points), model.bic(points.len())));
    }
}

pub fn forest(data: &[u8]) {
    let Ok(model) = IsolationForest::load(data) else { return };
    for width in 1..6 {
        let _ = points_of(width).map(|points| model.scores(&points));
    }
}

pub fn items(data: &[u8]) {
    let Ok(model) = Items::load(data) else { return };
    let _ = model.suggest(&[("i1", 1.0), ("i2", f64::INFINITY), ("nothing", 1.0), ("i3", f64::NAN)], 5);
}

pub fn bandit(data: &[u8]) {
    let Ok(mut model) = Bandit::load(data) else { return };
    let situation = vec![1.0; model.width().min(MOST)];
    let _ = (model.draw(&situation, 1), model.expected(&situation));
    let _ = (model.learn(0, &situation, 1e300), model.learn(usize::MAX, &situation, 1.0), model.draw(&situation, 2));
}

/// Parameters of purchases, of spending, and a customer: `[purchases, spending, customer]`.
pub fn customers(data: &[u8]) {
    let Ok((buys, spends, customer)) = serde_json::from_slice(data) else { return };
    let (buys, spends): (Purchases, Spending) = (buys, spends);
    let _ = (buys.alive(&customer), buys.expected(&customer, 26.0), buys.log_likelihood(&customer));
    let _ = (spends.expected(&customer), spends.log_likelihood(&customer));
    let many = [customer; 12];
    let _ = (aplomb_learn::customers::rfm(&many), Purchases::fit(&many), Spending::fit(&many));
}

/// `{season, values}`.
pub fn series(data: &[u8]) {
    let Ok(given) = serde_json::from_slice::<serde_json::Value>(data) else { return };
    let season = given["season"].as_u64().unwrap_or(1) as usize;
    let values: Vec<f64> =
        given["values"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_f64).collect();
    let values = &values[..values.len().min(MOST)];
    if let Ok(ensemble) = Ensemble::fit(values, &[season], 6) {
        let _ = (ensemble.forecast(9), ensemble.intervals(9, 0.8));
    }
    let _ = outliers(values, &[season], 3.5);
}

pub fn table(data: &[u8]) {
    let source = || Cursor::new(data.to_vec());
    let options = CsvOptions { target: Some("won".into()), time: Some("day".into()), ..CsvOptions::default() };
    for options in [CsvOptions::default(), options] {
        let Ok(read) = read_csv(source(), &options) else { continue };
        let rows: Vec<u32> = (0..read.table.rows().min(MOST) as u32).collect();
        let _ = Points::of(&read.table, &rows);
    }
    let _ = read_spells(source(), "days", "won");
}

/// The lists that suites read: what customers bought, and when.
pub fn lists(data: &[u8]) {
    let _ = (measure_items(Cursor::new(data)), measure_customers(Cursor::new(data), 10, 20));
}

pub fn declaration(data: &[u8]) {
    let Ok(mut program) = Program::compile(&String::from_utf8_lossy(data)) else { return };
    let mut log = Log::new(&program);
    let kinds: Vec<String> = program.events().iter().take(5).cloned().collect();
    for (turn, time) in [0, 86_400_000, i64::MAX, i64::MIN, -5].into_iter().enumerate() {
        for kind in &kinds {
            let size = Cell::Number([1.0, 1e308, 1e308, -1e308, f64::NAN][turn]);
            log.push(&mut program, 1, time, kind, &[("size", size), ("from", Cell::Category("ann"))]);
        }
    }
    let asks = [i64::MIN, 0, 90_000_000, i64::MAX].map(|moment| Ask { entity: 1, moment });
    let made = program.table(&log, &asks);
    for place in 0..made.features().len() {
        assert!((0..asks.len()).all(|row| !made.column(place).number(row).is_infinite()), "no feature is infinite");
    }
}

/// States of features, made with `events.toml`.
pub fn states(data: &[u8]) {
    let Ok(program) = Program::compile(PROGRAM) else { return };
    let Ok(mut live) = Live::load(program, data) else { return };
    live.push(1, 90_000_000, "mail", &[("size", Cell::Number(3.0)), ("from", Cell::Category("ann"))]);
    for (entity, moment) in [(1, i64::MAX), (1, 0), (2, i64::MIN), (7, 100_000_000)] {
        let _ = live.features(entity, moment);
    }
    let _ = live.save();
}

const PROGRAM: &str = include_str!("events.toml");

/// Ten bytes an event: time (8), kind, size.
pub fn events(data: &[u8]) {
    let Ok(program) = Program::compile(PROGRAM) else { return };
    let mut live = Live::new(program);
    for event in data.chunks_exact(10).take(MOST) {
        let mut time = [0; 8];
        time.copy_from_slice(&event[..8]);
        let kind = if event[8].is_multiple_of(2) { "mail" } else { "call" };
        let sizes = [f64::from(event[9]), 1e308, -1e308, f64::INFINITY];
        let fields = [("size", Cell::Number(sizes[usize::from(event[8] / 2) % 4])), ("from", Cell::Category(kind))];
        live.push(1, i64::from_le_bytes(time), kind, &fields);
    }
    for moment in [i64::MIN, 0, i64::MAX] {
        let _ = live.features(1, moment);
    }
}
