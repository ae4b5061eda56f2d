//! Cases and properties of the whole crate; each table is made here, with causes that are known.

use std::io::Cursor;

use proptest::prelude::*;

use crate::LearnError;
use crate::choose::folds;
use crate::model::{
    BayesConfig, BoostConfig, Logistic, LogisticConfig, Model, NaiveBayes, Recipe, Rule, RuleConfig, Rules,
    StackConfig, StackPart, Test, Trained,
};
use crate::numeric::{Chance, sigmoid, solve_positive};
use crate::table::{Builder, Cell, Column, CsvOptions, Feature, Kind, Table, read_csv};
use crate::trust::{
    Calibration, Conformal, Grade, Metrics, Suspicion, area_under_curve, brier, calibration_error, calibration_noise,
    leaks, verdict,
};

pub const BOOST: BoostConfig = BoostConfig {
    trees: 40,
    learning_rate: 0.2,
    leaves: 6,
    leaf_weight: 1.0,
    ridge: 1.0,
    share: 0.8,
    seed: 3,
    threads: 1,
};

fn part(weight: f64) -> StackPart {
    StackPart { recipe: Recipe::Logistic(LogisticConfig { ridge: 1.0 / weight }), weight }
}

fn recipes() -> [Recipe; 5] {
    [
        Recipe::NaiveBayes(BayesConfig { strength: 4.0 }),
        Recipe::Logistic(LogisticConfig { ridge: 1.0 }),
        Recipe::Boosted(BOOST),
        Recipe::Rules(rules(&[("days", 0.4, 10.0)])),
        Recipe::Stack(StackConfig { parts: vec![part(0.5), part(0.25)], offset: -0.1 }),
    ]
}

pub fn rules(list: &[(&str, f64, f64)]) -> RuleConfig {
    let rule = |(name, weight, strength): &(&str, f64, f64)| Rule {
        name: (*name).into(),
        feature: Feature::new(*name, Kind::Number),
        test: Test::AtLeast(0.5),
        weight: *weight,
        strength: *strength,
    };
    RuleConfig { rules: list.iter().map(rule).collect(), base_rate: 0.3, base_strength: 10.0 }
}

fn unit(chance: &mut Chance) -> f64 {
    chance.unit()
}

/// Yes is likelier with more `days` and in the north; `noise` says nothing; some cells are missing.
pub fn sample(rows: usize, seed: u64) -> Table {
    let names = [("days", Kind::Number), ("region", Kind::Category), ("asked", Kind::YesNo), ("noise", Kind::Number)];
    let mut builder = Builder::new(names.map(|(name, kind)| Feature::new(name, kind)).to_vec());
    let mut chance = Chance::new(seed);
    for _ in 0..rows {
        let (days, noise) = (unit(&mut chance), unit(&mut chance));
        let (north, asked) = (chance.next().is_multiple_of(2), chance.next().is_multiple_of(3));
        let region = Cell::Category(if north { "north" } else { "south" });
        let days_cell = if chance.next().is_multiple_of(10) { Cell::Missing } else { Cell::Number(days) };
        builder.push(&[days_cell, region, Cell::YesNo(asked), Cell::Number(noise)]).expect("a row of the right kinds");
        let score = 4.0 * days - 2.5 + if north { 1.0 } else { -1.0 };
        builder.outcome(unit(&mut chance) < sigmoid(score));
    }
    builder.finish()
}

pub fn all(table: &Table) -> Vec<u32> {
    (0..table.rows() as u32).collect()
}

pub fn csv(text: &str, options: &CsvOptions) -> Result<crate::table::CsvTable, LearnError> {
    read_csv(Cursor::new(text.as_bytes().to_vec()), options)
}

pub fn target(name: &str) -> CsvOptions {
    CsvOptions { target: Some(name.into()), ..CsvOptions::default() }
}

#[test]
fn rows_of_another_shape_are_refused() {
    let mut builder = Builder::new(vec![Feature::new("n", Kind::Number)]);
    assert!(builder.push(&[]).is_err() && builder.push(&[Cell::YesNo(true)]).is_err());
    builder.push(&[Cell::Number(f64::INFINITY)]).expect("counts as missing");
    assert!(builder.finish().column(0).is_missing(0));
}

#[test]
fn categories_beyond_the_limit_share_a_level() {
    let mut builder = Builder::new(vec![Feature::new("c", Kind::Category)]);
    for row in 0..crate::table::MAX_LEVELS + 500 {
        builder.push(&[Cell::Category(&row.to_string())]).expect("a category");
    }
    let table = builder.finish();
    let Column::Categories { levels, codes } = table.column(0) else { panic!("a category") };
    assert_eq!(levels.len(), crate::table::MAX_LEVELS + 1);
    assert_eq!(codes[codes.len() - 1] as usize, crate::table::MAX_LEVELS);
}

#[test]
fn metrics_match_hand_computed_values() {
    let outcome = [false, false, true, true];
    assert_eq!(area_under_curve(&[0.1, 0.4, 0.35, 0.8], &outcome), Some(0.75));
    assert_eq!(area_under_curve(&[0.5; 4], &outcome), Some(0.5));
    assert_eq!(area_under_curve(&[0.5; 2], &[true, true]), None);
    assert!((brier(&[0.0, 0.5, 0.5, 1.0], &outcome) - 0.125).abs() < 1e-12);
    let tens: Vec<bool> = (0..100).map(|row| row % 10 == 0).collect();
    assert!(calibration_error(&[0.1; 100], &tens) < 1e-12);
    assert!((calibration_error(&[0.4; 100], &tens) - 0.3).abs() < 1e-12);
    let mut chance = Chance::new(8);
    let chances: Vec<f64> = (0..500).map(|_| unit(&mut chance)).collect();
    let drawn = |_| {
        let outcome: Vec<bool> = chances.iter().map(|p| unit(&mut chance) < *p).collect();
        calibration_error(&chances, &outcome)
    };
    let mean = (0..200).map(drawn).sum::<f64>() / 200.0;
    assert!((mean - calibration_noise(&chances)).abs() < 0.002, "{mean}");
}

#[test]
fn cholesky_solves() {
    let x = solve_positive(vec![4.0, 0.0, 2.0, 3.0], vec![2.0, 5.0]).expect("positive definite");
    assert!((x[0] + 0.5).abs() < 1e-12 && (x[1] - 2.0).abs() < 1e-12, "{x:?}");
    assert!(solve_positive(vec![0.0], vec![1.0]).is_none());
}

#[test]
fn every_model_finds_the_causes_and_comes_back_from_a_file() {
    let (learn, test) = (sample(3000, 1), sample(2000, 2));
    let best = {
        let fitted = Logistic::fit(&LogisticConfig { ridge: 1.0 }, &learn, &all(&learn)).expect("fits");
        area_under_curve(&fitted.predict(&test, &all(&test)).expect("scores"), test.outcome().expect("known"))
    };
    assert!(best.is_some_and(|auc| auc > 0.8), "{best:?}");
    for recipe in &recipes()[..3] {
        let model = Trained::fit(recipe, &learn, &all(&learn)).expect("fits");
        let scores = model.predict(&test, &all(&test)).expect("scores");
        let auc = area_under_curve(&scores, test.outcome().expect("known"));
        assert!(auc > best.map(|auc| auc - 0.02), "{}: {auc:?} {best:?}", recipe.name());
        let back = Trained::load(&model.save().expect("saves")).expect("loads");
        assert_eq!(back.predict(&test, &all(&test)).expect("scores"), scores, "{}", recipe.name());
        let again = Trained::fit(recipe, &learn, &all(&learn)).expect("fits");
        assert_eq!(again, model, "{} is reproducible", recipe.name());
    }
}

#[test]
fn contributions_sum_to_the_score() {
    let (learn, test) = (sample(800, 4), sample(50, 5));
    for recipe in recipes() {
        let model = Trained::fit(&recipe, &learn, &all(&learn)).expect("fits");
        let scores = model.predict(&test, &all(&test)).expect("scores");
        for (row, score) in scores.iter().enumerate() {
            let why = model.contributions(&test, row as u32).expect("explains");
            assert!((why.score() - score).abs() < 1e-9, "{}: {} {score}", recipe.name(), why.score());
            assert_eq!(why.parts.len(), model.features().len());
        }
    }
}

#[test]
fn rules_start_as_declared_and_follow_the_outcomes() {
    let table = sample(2000, 7);
    let config = rules(&[("days", 0.4, 10.0), ("noise", 2.0, 10.0)]);
    let weights = |rows: &[u32]| -> Vec<f64> {
        Rules::fit(&config, &table, rows).expect("fits").weights().map(|(_, weight)| weight).collect()
    };
    assert_eq!(weights(&[]), [0.4, 2.0]);
    let (few, many) = (weights(&all(&table)[..20]), weights(&all(&table)));
    assert!(many[0] > 1.0 && many[1].abs() < 0.3, "{many:?}");
    assert!((few[1] - 2.0).abs() < (many[1] - 2.0).abs(), "few outcomes move a belief less: {few:?} {many:?}");
    let held = Rules::fit(&config.held(), &table, &all(&table)).expect("fits");
    let declared = Rules::declared(&config).expect("declared");
    let told = |rules: &Rules| rules.predict(&table, &all(&table)).expect("scores");
    assert!(told(&held).iter().zip(told(&declared)).all(|(held, declared)| (held - declared).abs() < 1e-6));
    let mut wrong = config.clone();
    wrong.rules[0].test = Test::Is(true);
    assert!(matches!(Rules::declared(&wrong), Err(LearnError::Rule { .. })));
}

#[test]
fn calibration_makes_overconfident_scores_true() {
    let mut chance = Chance::new(11);
    let honest: Vec<f64> = (0..6000).map(|_| 6.0 * unit(&mut chance) - 4.0).collect();
    let outcome: Vec<bool> = honest.iter().map(|score| unit(&mut chance) < sigmoid(*score)).collect();
    let loud: Vec<f64> = honest.iter().map(|score| 3.0 * score + 1.0).collect();
    let before = calibration_error(&Calibration::None.chances(&loud), &outcome);
    for map in
        [Calibration::fit(&loud, &outcome), Calibration::platt(&loud, &outcome), Calibration::isotonic(&loud, &outcome)]
    {
        let after = calibration_error(&map.chances(&loud), &outcome);
        assert!(before > 0.05 && after < 0.02, "{map:?}: {before} {after}");
    }
    let Calibration::Platt { slope, offset } = Calibration::platt(&loud, &outcome) else { panic!("Platt") };
    assert!((slope - 1.0 / 3.0).abs() < 0.03 && (offset + 1.0 / 3.0).abs() < 0.1, "{slope} {offset}");
    // beta's own shape: ln p weighs 2 and ln (1 - p) a half
    let skewed: Vec<bool> = honest
        .iter()
        .map(|score| {
            let p = sigmoid(*score);
            unit(&mut chance) < sigmoid(2.0 * p.ln() - 0.5 * (1.0 - p).ln() + 0.7)
        })
        .collect();
    let Calibration::Beta { yes, no, offset } = Calibration::beta(&honest, &skewed) else { panic!("beta") };
    assert!((yes - 2.0).abs() < 0.3 && (no - 0.5).abs() < 0.15 && (offset - 0.7).abs() < 0.3, "{yes} {no} {offset}");
    // a shape that beta does not have
    let bent: Vec<f64> = honest.iter().map(|score| score.powi(3)).collect();
    let error = |map: Calibration| calibration_error(&map.chances(&bent), &outcome);
    let (beta, both) = (error(Calibration::beta(&bent, &outcome)), error(Calibration::fit(&bent, &outcome)));
    assert!(both < 0.6 * beta, "{beta} {both}");
    assert_eq!(Calibration::fit(&loud[..12], &[false; 12]), Calibration::None);
    let backwards: Vec<f64> = honest.iter().map(|score| -score).collect();
    let Calibration::Beta { yes, no, .. } = Calibration::beta(&backwards, &outcome) else { panic!("beta") };
    assert_eq!((yes, no), (0.0, 0.0), "no chance falls with the score");
}

#[test]
fn conformal_sets_hold_the_truth_as_often_as_promised() {
    let draw = |seed| {
        let mut chance = Chance::new(seed);
        let chances: Vec<f64> = (0..4000).map(|_| unit(&mut chance)).collect();
        let outcome: Vec<bool> = chances.iter().map(|p| unit(&mut chance) < *p).collect();
        (chances, outcome)
    };
    let (chances, outcome) = draw(1);
    let conformal = Conformal::fit(&chances, &outcome);
    let (chances, outcome) = draw(2);
    for cover in [0.8, 0.9] {
        let held = chances.iter().zip(&outcome).filter(|(chance, yes)| {
            let possible = conformal.possible(**chance, cover);
            if **yes { possible.yes } else { possible.no }
        });
        let share = held.count() as f64 / chances.len() as f64;
        assert!((share - cover).abs() < 0.02, "{cover}: {share}");
    }
    let nothing = Conformal::fit(&[], &[]).possible(0.3, 0.9);
    assert!(nothing.yes && nothing.no);
}

#[test]
fn leaks_are_found_and_honest_features_are_not() {
    let mut text = String::from("id,name,result,late,days,won\n");
    let mut chance = Chance::new(5);
    for row in 0..400 {
        let days = unit(&mut chance);
        let won = unit(&mut chance) < days;
        let paid = if won { 100.0 + days } else { days };
        text += &format!(
            "{row},customer {row},{paid},2026-01-{:02},{days},{}\n",
            row % 28 + 1,
            if won { "yes" } else { "no" }
        );
    }
    let read = csv(&text, &target("won")).expect("readable");
    let found = leaks(&read.table).expect("outcomes");
    let names: Vec<&str> = found.iter().map(|leak| leak.feature.as_str()).collect();
    assert_eq!(names, ["id", "name", "result"]);
    let by_time = CsvOptions { time: Some("asked".into()), ..target("won") };
    let text: String = text
        .lines()
        .enumerate()
        .map(|(line, text)| if line == 0 { format!("asked,{text}\n") } else { format!("2026-01-10,{text}\n") })
        .collect();
    let found = leaks(&csv(&text, &by_time).expect("readable").table).expect("outcomes");
    assert!(
        found.iter().any(|leak| leak.feature == "late" && matches!(leak.suspicion, Suspicion::FromAfterwards { .. }))
    );
}

#[test]
fn verdicts_say_why() {
    let figures = |rows: usize, yes: usize, good: bool| {
        let outcome: Vec<bool> = (0..rows).map(|row| row < yes).collect();
        let share = yes as f64 / rows as f64;
        let chance = |row: usize| if good { if row < yes { 0.75 } else { 0.1 } } else { share };
        Metrics::of(&(0..rows).map(chance).collect::<Vec<_>>(), &outcome)
    };
    let cases = [
        (figures(500, 100, true), 400, Grade::UseWithCare, "off by"),
        (figures(500, 100, true), 20, Grade::UseWithCare, "only 20 of"),
        (figures(500, 100, false), 400, Grade::NotEnoughData, "told from chance"),
        (figures(500, 100, true), 5, Grade::NotEnoughData, "at least 10"),
        (figures(10, 0, true), 400, Grade::NotEnoughData, "one kind only"),
    ];
    for (metrics, learned, grade, reason) in cases {
        let verdict = verdict(&metrics, learned, None);
        assert_eq!(verdict.grade, grade, "{metrics:?}");
        assert!(verdict.reasons[0].contains(reason), "{verdict:?}");
    }
}

/// Tables as bad as they come: constant, empty, extreme or duplicated columns, few rows, outcomes of one kind.
pub fn any_table() -> impl Strategy<Value = Table> {
    let number = prop_oneof![
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE),
        Just(1.0),
        -1e300..1e300_f64,
        -3.0..3.0_f64
    ];
    let row = (number.clone(), number, 0..40_u8, any::<Option<bool>>(), any::<bool>(), 0..5_u8);
    (proptest::collection::vec(row, 1..60), any::<[bool; 4]>()).prop_map(
        |(rows, [constant, empty, one_kind, timed])| {
            let kinds = [Kind::Number, Kind::Date, Kind::Category, Kind::YesNo];
            let features = kinds.iter().enumerate().map(|(at, kind)| Feature::new(format!("f{at}"), *kind)).collect();
            let mut builder = Builder::new(features);
            for (first, second, level, flag, outcome, group) in rows {
                let cells = [
                    Cell::Number(if constant { 7.0 } else { first }),
                    if empty { Cell::Missing } else { Cell::Number(second) },
                    Cell::Category(&level.to_string()),
                    flag.map_or(Cell::Missing, Cell::YesNo),
                ];
                builder.push(&cells).expect("cells of the right kinds");
                builder.outcome(outcome && !one_kind);
                if timed {
                    builder.time(-f64::from(level)).group(&group.to_string());
                }
            }
            builder.finish()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_table_makes_a_model_panic(table in any_table()) {
        let rows = all(&table);
        for recipe in [Recipe::NaiveBayes(BayesConfig { strength: 4.0 }), Recipe::Logistic(LogisticConfig { ridge: 0.5 }), Recipe::Boosted(BOOST)] {
            let Ok(model) = Trained::fit(&recipe, &table, &rows) else { continue };
            let scores = model.predict(&table, &rows).expect("its own table");
            for (row, score) in scores.iter().enumerate() {
                prop_assert!(score.is_finite(), "{}", recipe.name());
                let why = model.contributions(&table, row as u32).expect("its own table");
                prop_assert!((why.score() - score).abs() < 1e-6 * (1.0 + score.abs()), "{}", recipe.name());
            }
            prop_assert!(Trained::load(&model.save().expect("saves")).expect("loads") == model);
        }
    }

    #[test]
    fn folds_keep_rows_and_groups_apart(table in any_table(), count in 2..6_usize) {
        for fold in folds(&table, &all(&table), count, 1) {
            prop_assert!(fold.test.iter().all(|row| !fold.learn.contains(row)));
            if let Some(group) = table.group() {
                let tested: Vec<u32> = fold.test.iter().map(|row| group[*row as usize]).collect();
                prop_assert!(fold.learn.iter().all(|row| !tested.contains(&group[*row as usize])));
            }
        }
    }

    #[test]
    fn calibration_keeps_the_order_and_stays_a_chance(rows in proptest::collection::vec((-20.0..20.0_f64, any::<bool>()), 1..80)) {
        let (scores, outcome): (Vec<f64>, Vec<bool>) = rows.into_iter().unzip();
        for map in [Calibration::fit(&scores, &outcome), Calibration::isotonic(&scores, &outcome), Calibration::beta(&scores, &outcome)] {
            let mut sorted = scores.clone();
            sorted.sort_by(f64::total_cmp);
            let chances = map.chances(&sorted);
            prop_assert!(chances.iter().all(|chance| (0.0..=1.0).contains(chance)), "{map:?}");
            prop_assert!(chances.windows(2).all(|pair| pair[0] <= pair[1] + 1e-12), "{map:?}");
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[a-c0-9,\"\n.NA-]{0,200}") {
        if let Ok(read) = csv(&text, &CsvOptions::default()) {
            for place in 0..read.table.features().len() {
                if let Column::Numbers(values) = read.table.column(place) {
                    prop_assert!(values.iter().all(|value| !value.is_infinite()));
                }
            }
        }
    }
}

/// A naive Bayes model of one bin never says more than its counts allow.
#[test]
fn naive_bayes_weighs_counts_with_its_prior() {
    let read = csv("c,y\na,yes\na,yes\nb,no\nb,no\n", &target("y")).expect("readable");
    let model = NaiveBayes::fit(&BayesConfig { strength: 2.0 }, &read.table, &[0, 1, 2, 3]).expect("fits");
    let why = model.contributions(&read.table, 0).expect("explains");
    assert_eq!(why.base, 0.0);
    // (2 + 2 * 0.5) / (2 + 2) against (0 + 2 * 0.5) / (2 + 2)
    assert!((why.parts[0] - 3.0_f64.ln()).abs() < 1e-12, "{why:?}");
}
