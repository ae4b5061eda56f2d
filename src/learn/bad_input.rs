//! Ten kinds of bad data against every family of models. Each cell of the table says what comes of it: a result that
//! holds what it must, or an error that a person can act on. None panics.

use crate::LearnError;
use crate::choose::{AmountCard, Card, Estimator, Scorer, Settings};
use crate::customers::{Customer, Purchases, Spending, lifetime_value, rfm};
use crate::events::{Ask, Live, Log, Program};
use crate::groups::{IsolationForest, KMeans, Mixture, Points, outliers};
use crate::model::{BayesConfig, Boosted, LogisticConfig, Model, Recipe, Ridge, RidgeConfig, Trained};
use crate::numeric::Chance;
use crate::offers::{Bandit, BanditConfig, Items};
use crate::series::Ensemble;
use crate::survival::{Hazards, Spells, SurvivalSettings};
use crate::table::{Builder, Cell, Feature, Kind, Table};
use crate::tests::{BOOST, rules};
use crate::trust::{amount_leaks, leaks};

/// Rows learned from at most; categories keep all their levels.
const MOST: usize = 150;

#[derive(Clone)]
struct Row {
    number: f64,
    category: Option<String>,
    flag: Option<bool>,
    outcome: bool,
    /// Days.
    time: f64,
    weight: f64,
}

struct Case {
    name: &'static str,
    rows: Vec<Row>,
}

impl Case {
    fn table(&self) -> Table {
        let features = [("number", Kind::Number), ("category", Kind::Category), ("flag", Kind::YesNo)];
        let mut builder = Builder::new(features.map(|(name, kind)| Feature::new(name, kind)).to_vec());
        for row in &self.rows {
            let category = row.category.as_deref().map_or(Cell::Missing, Cell::Category);
            let cells = [Cell::Number(row.number), category, row.flag.map_or(Cell::Missing, Cell::YesNo)];
            builder.push(&cells).expect("cells of the right kinds");
            builder.outcome(row.outcome).time(row.time);
        }
        builder.finish()
    }

    /// Those learned from, from all over the table.
    fn learned(&self) -> Vec<u32> {
        (0..self.rows.len() as u32).step_by(self.rows.len().div_ceil(MOST)).collect()
    }
}

fn cases() -> Vec<Case> {
    let mut chance = Chance::new(21);
    let mut row = |at: usize| {
        let number = chance.normal();
        Row {
            number,
            category: Some(["north", "south", "west"][at % 3].to_owned()),
            flag: Some(at.is_multiple_of(2)),
            outcome: chance.normal() < number,
            time: at as f64,
            weight: 1.0 + (at % 4) as f64,
        }
    };
    let good: Vec<Row> = (0..120).map(&mut row).collect();
    let many: Vec<Row> = (0..10_000).map(&mut row).collect();
    let with = |name, rows: &[Row], change: &dyn Fn(usize, &mut Row)| {
        let mut rows = rows.to_vec();
        rows.iter_mut().enumerate().for_each(|(at, row)| change(at, row));
        Case { name, rows }
    };
    let scarce = |at: usize, row: &mut Row| {
        if at % 100 != 7 {
            (row.number, row.category, row.flag) = (f64::NAN, None, None);
        }
    };
    let constant =
        |_: usize, row: &mut Row| (row.number, row.category, row.flag) = (7.0, Some("a".to_owned()), Some(true));
    let told = |_: usize, row: &mut Row| {
        (row.number, row.category) = (f64::from(u8::from(row.outcome)), Some(row.outcome.to_string()));
    };
    let infinite = |at: usize, row: &mut Row| {
        if at.is_multiple_of(3) {
            (row.number, row.weight) = (f64::INFINITY, f64::INFINITY);
        } else if at % 3 == 1 {
            row.number = f64::NEG_INFINITY;
        }
    };
    vec![
        with("good data", &good, &|_, _| {}),
        with("one class", &good, &|_, row| row.outcome = false),
        with("constant columns", &good, &constant),
        with("10,000 categories", &many, &|at, row| row.category = Some(format!("c{at}"))),
        with("infinities", &good, &infinite),
        with("99 % missing", &good, &scarce),
        with("target among the features", &good, &told),
        with("duplicated rows", &good[..4].iter().cycle().take(120).cloned().collect::<Vec<_>>(), &|_, _| {}),
        with("time going backwards", &good, &|_, row| row.time = -row.time),
        with("weights of zero", &good, &|_, row| row.weight = 0.0),
        with("three rows", &good[..3], &|_, _| {}),
    ]
}

type Family = fn(&Case) -> Result<(), LearnError>;

const FAMILIES: [(&str, Family); 14] = [
    ("rules", declared),
    ("naive Bayes", naive_bayes),
    ("logistic", logistic),
    ("boosted", boosted),
    ("chosen", chosen),
    ("linear", linear),
    ("boosted amounts", boosted_amounts),
    ("estimated", estimated),
    ("survival", survival),
    ("series", series),
    ("customers", customers),
    ("groups", groups),
    ("offers", offers),
    ("events", events),
];

fn model(case: &Case, recipe: &Recipe) -> Result<(), LearnError> {
    let (table, rows) = (case.table(), case.learned());
    let model = Trained::fit(recipe, &table, &rows)?;
    for (row, score) in rows.iter().zip(model.predict(&table, &rows)?) {
        let why = model.contributions(&table, *row)?;
        assert!(score.is_finite() && (why.score() - score).abs() < 1e-6, "{}: {score} {why:?}", case.name);
    }
    Ok(())
}

fn declared(case: &Case) -> Result<(), LearnError> {
    let mut config = rules(&[("number", 1.0, 5.0)]);
    config.rules[0].weight = case.rows[0].weight.min(3.0);
    config.rules[0].strength = if case.rows[0].weight == 0.0 { 0.0 } else { 5.0 };
    model(case, &Recipe::Rules(config))
}

fn naive_bayes(case: &Case) -> Result<(), LearnError> {
    model(case, &Recipe::NaiveBayes(BayesConfig { strength: 4.0 }))
}

fn logistic(case: &Case) -> Result<(), LearnError> {
    model(case, &Recipe::Logistic(LogisticConfig { ridge: 1.0 }))
}

fn boosted(case: &Case) -> Result<(), LearnError> {
    model(case, &Recipe::Boosted(BOOST))
}

fn chosen(case: &Case) -> Result<(), LearnError> {
    let (table, rows) = (case.table(), case.learned());
    let settings = Settings { folds: 2, ..Settings::default() };
    let scorer = Scorer::fit(&table, &rows, &settings, &|_, _| true)?;
    assert!(scorer.chances(&table, &rows)?.iter().all(|chance| (0.0..=1.0).contains(chance)), "{}", case.name);
    let found = leaks(&table)?;
    assert!(case.name != "target among the features" || found.len() == 2, "{found:?}");
    let card = Card::make(table.picked(&rows), &settings, &|_, _| true)?;
    assert!(!card.verdict.reasons.is_empty(), "{}", case.name);
    Ok(())
}

/// Amounts that the outcome has a part in; one value only where there is one class.
fn with_amounts(case: &Case) -> Result<Table, LearnError> {
    let amount = |row: &Row| match case.name {
        "one class" => 5.0,
        "target among the features" => 7.0 * row.number,
        _ => row.weight.min(9.0) * (5.0 + f64::from(u8::from(row.outcome))),
    };
    case.table().with_amounts(case.rows.iter().map(amount).collect())
}

fn explained(case: &Case, model: &impl Model, table: &Table) -> Result<(), LearnError> {
    for (row, told) in case.learned().iter().zip(model.predict(table, &case.learned())?) {
        let why = model.contributions(table, *row)?;
        let near = (why.score() - told).abs() <= 1e-6 * told.abs().max(1.0);
        assert!(told.is_finite() && near, "{}: {told} {why:?}", case.name);
    }
    Ok(())
}

fn linear(case: &Case) -> Result<(), LearnError> {
    let (table, rows) = (with_amounts(case)?, case.learned());
    let config = RidgeConfig::chosen(&table, &rows)?;
    explained(case, &Ridge::fit(&config, &table, &rows)?, &table)
}

fn boosted_amounts(case: &Case) -> Result<(), LearnError> {
    let table = with_amounts(case)?;
    explained(case, &Boosted::fit_amounts(&BOOST, &table, &case.learned(), &|| true)?, &table)
}

fn estimated(case: &Case) -> Result<(), LearnError> {
    let (table, rows) = (with_amounts(case)?, case.learned());
    let settings = Settings { folds: 2, ..Settings::default() };
    let estimator = Estimator::fit(&table, &rows, &settings, &|_, _| true)?;
    for one in estimator.estimates(&table, &rows, 0.8)? {
        let fits = one.between.is_none_or(|(low, high)| low <= one.amount && one.amount <= high);
        assert!(one.amount.is_finite() && fits, "{}: {one:?}", case.name);
    }
    let found = amount_leaks(&table)?;
    assert!(case.name != "target among the features" || found.len() == 1, "{found:?}");
    let card = AmountCard::make(table.picked(&rows), &settings, &|_, _| true)?;
    assert!(!card.verdict.reasons.is_empty(), "{}", case.name);
    Ok(())
}

fn survival(case: &Case) -> Result<(), LearnError> {
    let (table, rows) = (case.table(), case.learned());
    let durations: Vec<f64> = (0..case.rows.len()).map(|at| (1 + at % 9) as f64 * case.rows[at].weight).collect();
    let happened: Vec<bool> = case.rows.iter().map(|row| row.outcome).collect();
    let choice = Settings { folds: 2, ..SurvivalSettings::default().choice };
    let settings = SurvivalSettings { intervals: 3, folds: 2, choice };
    let spells = Spells { durations: &durations, happened: &happened };
    let model = Hazards::fit(&table, spells, &rows, &settings, &|_, _| true)?;
    for curve in model.survival(&table, &rows, &[0.0, 1.0, 5.0, 1e6])? {
        let falls = curve.windows(2).all(|pair| pair[0] >= pair[1]);
        assert!(falls && curve.iter().all(|left| (0.0..=1.0).contains(left)), "{}: {curve:?}", case.name);
    }
    assert!(model.risks(&table, &rows)?.iter().all(|risk| risk.is_finite()), "{}", case.name);
    let why = model.contributions(&table, rows[0], 1.0)?;
    assert!(why.score().is_finite(), "{}: {why:?}", case.name);
    Ok(())
}

fn series(case: &Case) -> Result<(), LearnError> {
    let values: Vec<f64> = case.learned().iter().map(|row| case.rows[*row as usize].number).collect();
    let found = outliers(&values, &[12], 3.5);
    let ensemble = Ensemble::fit(&values, &[12], 6)?;
    assert!(ensemble.forecast(6).iter().all(|value| value.is_finite()), "{}", case.name);
    let within = ensemble.intervals(6, 0.8).unwrap_or_default();
    assert!(within.iter().all(|one| one.low <= one.mean && one.mean <= one.high), "{}: {within:?}", case.name);
    found.map(|_| ())
}

fn customers(case: &Case) -> Result<(), LearnError> {
    let all: Vec<Customer> = (0..case.rows.len().div_ceil(4))
        .filter_map(|who| {
            let own = case.rows.iter().skip(4 * who).take(1 + who % 4);
            let bought: Vec<(i64, f64)> = own.map(|row| (row.time as i64, row.weight)).collect();
            Customer::from_purchases(&bought, 10_001)
        })
        .take(MOST)
        .collect();
    assert_eq!(rfm(&all).len(), all.len());
    let (buys, spends) = (Purchases::fit(&all)?.model, Spending::fit(&all)?.model);
    for customer in &all {
        let alive = buys.alive(customer);
        let worth = lifetime_value(&buys, &spends, customer, 4, (13.0, 0.01, 0.5));
        assert!((0.0..=1.0).contains(&alive) && worth.is_finite(), "{}: {alive} {worth}", case.name);
    }
    Ok(())
}

fn groups(case: &Case) -> Result<(), LearnError> {
    let points = Points::of(&case.table(), &case.learned())?;
    let near = KMeans::fit_best(&points, 4, 1)?;
    assert!(near.segments(&points).iter().all(|segment| *segment < near.centres.len()), "{}", case.name);
    let mixture = Mixture::fit_best(&points, 3, 1)?;
    let chances = mixture.chances(&points).ok_or(LearnError::NotFinite)?;
    assert!(chances.iter().all(|chance| (0.0..=1.0).contains(chance)), "{}", case.name);
    let scores = IsolationForest::fit(&points, 1)?.scores(&points)?;
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)), "{}", case.name);
    Ok(())
}

fn offers(case: &Case) -> Result<(), LearnError> {
    let rows: Vec<&Row> = case.learned().iter().map(|row| &case.rows[*row as usize]).collect();
    let item = |row: &&Row| row.category.clone().unwrap_or_default();
    let bought: Vec<(u64, String, f64)> =
        (0..).map(|at: u64| at / 3).zip(&rows).map(|(who, row)| (who, item(row), row.weight)).collect();
    let triples: Vec<(u64, &str, f64)> = bought.iter().map(|(who, item, much)| (*who, item.as_str(), *much)).collect();
    let suggested = Items::fit(&triples, 5.0).suggest(&[(&item(&rows[0]), 1.0)], 3);
    assert!(suggested.iter().all(|one| one.score.is_finite() && one.item != item(&rows[0])), "{suggested:?}");
    let config = BanditConfig { actions: 2, width: 1, baseline: 0, tolerance: 1.0, most_exploring: 0.2, noise: 1.0 };
    let mut bandit = Bandit::new(config)?;
    for row in rows {
        bandit.learn(usize::from(row.outcome), &[row.number], row.weight)?;
    }
    let draw = bandit.draw(&[1.0], 1)?;
    assert!(draw.action < 2 && draw.chance > 0.0 && draw.chance <= 1.0, "{draw:?}");
    Ok(())
}

fn events(case: &Case) -> Result<(), LearnError> {
    let mut program = Program::compile(include_str!("../../fuzz/events.toml"))?;
    let (mut log, mut live) = (Log::new(&program), Live::new(program.clone()));
    for row in case.rows.iter().take(MOST) {
        let category = row.category.as_deref().map_or(Cell::Missing, Cell::Category);
        let fields = [("size", Cell::Number(row.number)), ("from", category)];
        let (time, kind) = ((row.time * 86_400_000.0) as i64, if row.outcome { "mail" } else { "call" });
        log.push(&mut program, 1, time, kind, &fields);
        live.push(1, time, kind, &fields);
    }
    let moment = 20_000 * 86_400_000;
    let table = program.table(&log, &[Ask { entity: 1, moment }]);
    let bulk: Vec<u64> = (0..table.features().len()).map(|place| table.column(place).number(0).to_bits()).collect();
    let kept: Vec<u64> = live.features(1, moment)?.into_iter().map(f64::to_bits).collect();
    assert_eq!(bulk, kept, "{}", case.name);
    assert!(bulk.iter().all(|bits| !f64::from_bits(*bits).is_infinite()), "{}", case.name);
    Ok(())
}

const NO_YES: &str = "0 outcomes are yes and 120 are no";

/// What does not end in a result: the case, the family, and words of the error.
const REFUSED: [(&str, &str, &str); 14] = [
    ("one class", "logistic", NO_YES),
    ("one class", "boosted", NO_YES),
    ("one class", "survival", "0 rows to which it happened"),
    ("constant columns", "groups", "all rows are alike"),
    ("infinities", "survival", "duration 0 is inf"),
    ("infinities", "series", "value 0 of the series is no number"),
    ("infinities", "customers", "value 2 is inf"),
    ("infinities", "offers", "situation 0 is inf"),
    ("99 % missing", "series", "value 0 of the series is no number"),
    ("99 % missing", "offers", "situation 0 is NaN"),
    ("weights of zero", "survival", "0 rows to which it happened after time 0"),
    ("weights of zero", "customers", "0 customers who bought again for a value above 0"),
    ("three rows", "series", "the series has 3 values"),
    ("three rows", "customers", "1 customers; at least 10"),
];

#[test]
fn bad_data_gives_an_honest_result_or_a_clear_error() {
    for case in cases() {
        for (name, family) in FAMILIES {
            let refused = REFUSED.iter().find(|(of, by, _)| (*of, *by) == (case.name, name));
            match (family(&case), refused) {
                (Ok(()), None) => {}
                (Err(error), Some((.., words))) => {
                    assert!(error.to_string().contains(words), "{}, {name}: {error}", case.name);
                }
                (result, refused) => panic!("{}, {name}: {result:?}, where {refused:?} was expected", case.name),
            }
        }
    }
}
