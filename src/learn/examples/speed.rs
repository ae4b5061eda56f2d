//! Times features in bulk, scores and reasons on made-up data: `speed [EVENTS] [ENTITIES] [ROWS]`; with rows it trains
//! on so many of 60 numbers instead, with two threads: the trees alone, which `deploy/eval/speed_reference.py` grows on
//! the same numbers, then the whole way of choice, fit and calibration

use std::time::Instant;

use aplomb_learn::choose::{Scorer, Settings};
use aplomb_learn::events::{Ask, Log, Program};
use aplomb_learn::model::{BoostConfig, Boosted, Model};
use aplomb_learn::table::{Builder, Cell, Feature, Kind, Table};
use aplomb_learn::trust::area_under_curve;

const DAY: i64 = 86_400_000;

/// A reproducible stream of numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

#[expect(clippy::disallowed_methods, reason = "times what it runs")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut given = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let events = given.next().transpose()?.unwrap_or(10_000_000);
    let entities = given.next().transpose()?.unwrap_or(100_000);
    if let Some(rows) = given.next().transpose()? {
        return train(rows);
    }
    // those of deals, and twelve more of a customer's
    let more = |(place, feature): (usize, &str)| (place > 0 && place <= 12).then(|| format!("[[feature]]{feature}"));
    let customers = include_str!("../../../assets/features/customer.toml").split("[[feature]]");
    let customers: String = customers.enumerate().filter_map(more).collect();
    let mut program =
        Program::compile(&format!("{}\n{customers}", include_str!("../../../assets/features/deal.toml")))?;
    let mut log = Log::new(&program);
    let mut numbers = Numbers(1);
    let people: Vec<String> = (0..50).map(|person| format!("p{person}")).collect();
    let kinds = program.events().to_vec();
    let start = Instant::now();
    for _ in 0..events {
        let time = (numbers.below(3650) as i64) * DAY + numbers.below(DAY as u64) as i64;
        let size = Cell::Number(numbers.below(1000) as f64 / 100.0);
        let fields = [
            ("direction", Cell::Category(if numbers.below(5) < 2 { "inbound" } else { "outbound" })),
            ("status", Cell::Category(if numbers.below(5) > 0 { "held" } else { "cancelled" })),
            ("person", Cell::Category(&people[numbers.below(50) as usize])),
            ("sentiment", size.clone()),
            ("duration", size.clone()),
            ("by", size.clone()),
            ("discount", size.clone()),
            ("after", size),
        ];
        let kind = &kinds[numbers.below(kinds.len() as u64) as usize];
        log.push(&mut program, numbers.below(entities), time, kind, &fields);
    }
    println!("{events} events in the log: {:.1} s", start.elapsed().as_secs_f64());
    let asks: Vec<Ask> = (0..entities).map(|entity| Ask { entity, moment: 3000 * DAY }).collect();
    let start = Instant::now();
    let table = program.table(&log, &asks);
    let seconds = start.elapsed().as_secs_f64();
    println!("{} features of {} entities: {seconds:.1} s", table.features().len(), table.rows());
    scores(&mut numbers)
}

/// Numbers below `top`; the outcome follows from the first one and from chance.
fn drawn(numbers: &mut Numbers, rows: u64, features: usize, top: u64) -> Result<Table, Box<dyn std::error::Error>> {
    let mut builder = Builder::new((0..features).map(|at| Feature::new(format!("f{at}"), Kind::Number)).collect());
    for _ in 0..rows {
        let cells: Vec<Cell> = (0..features).map(|_| Cell::Number(numbers.below(top) as f64)).collect();
        builder.push(&cells)?;
        let Cell::Number(first) = cells[0] else { continue };
        builder.outcome(first + numbers.below(top) as f64 > 1.1 * top as f64);
    }
    Ok(builder.finish())
}

fn boost(threads: usize) -> BoostConfig {
    BoostConfig {
        trees: 200,
        learning_rate: 0.1,
        leaves: 12,
        leaf_weight: 2.0,
        ridge: 1.0,
        share: 0.8,
        seed: 1,
        threads,
    }
}

#[expect(clippy::disallowed_methods, reason = "times what it runs")]
fn train(rows: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = Numbers(1);
    let table = drawn(&mut numbers, rows, 60, 100_000)?;
    let config = boost(2);
    let all: Vec<u32> = (0..table.rows() as u32).collect();
    let start = Instant::now();
    let model = Boosted::fit(&config, &table, &all)?;
    let trees = model.trees().len();
    println!("{trees} trees of 12 leaves on {rows} rows of 60: {:.1} s", start.elapsed().as_secs_f64());
    let auc = area_under_curve(&model.predict(&table, &all)?, table.outcome()?).unwrap_or(0.5);
    println!("area under the curve on the rows learned from: {auc:.4}");
    drop(model);
    let start = Instant::now();
    let settings = Settings { threads: 2, ..Settings::default() };
    let scorer = Scorer::fit(&table, &all, &settings, &|_, _| true)?;
    println!("{} chosen and fitted: {:.1} s", scorer.recipe().name(), start.elapsed().as_secs_f64());
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "times what it runs")]
fn scores(numbers: &mut Numbers) -> Result<(), Box<dyn std::error::Error>> {
    let table = drawn(numbers, 100_000, 40, 1000)?;
    let config = boost(1);
    let rows: Vec<u32> = (0..table.rows() as u32).collect();
    let start = Instant::now();
    let model = Boosted::fit(&config, &table, &rows)?;
    println!("200 trees of 12 leaves on 100,000 rows of 40: {:.1} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    model.predict(&table, &rows)?;
    println!("100,000 rows scored: {:.2} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    for row in 0..200 {
        model.contributions(&table, row)?.strongest(5);
    }
    println!("one row explained: {:.2} ms", start.elapsed().as_secs_f64() * 1000.0 / 200.0);
    Ok(())
}
