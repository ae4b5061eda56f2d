//! Few outcomes: the vote of simple models, cold starts, learning curves, and amounts with intervals.

use crate::LearnError;
use crate::choose::vote::{parts, weigh};
use crate::choose::{Card, Draws, Estimator, Scorer, Settings, choose, cold_start, learning_curve};
use crate::model::{LogisticConfig, Model, Recipe, Trained};
use crate::numeric::{Chance, sigmoid};
use crate::table::{Builder, Cell, Feature, Kind, Table};
use crate::tests::{all, rules, sample};
use crate::trust::{Grade, Outlook};

fn with_rules() -> Settings {
    Settings { rules: Some(rules(&[("days", 1.0, 10.0)])), ..Settings::default() }
}

#[test]
fn a_vote_follows_the_part_that_is_right() {
    let mut chance = Chance::new(4);
    let truth: Vec<f64> = (0..2000).map(|_| 2.0 * chance.normal()).collect();
    let outcome: Vec<bool> = truth.iter().map(|score| chance.unit() < sigmoid(score - 1.0)).collect();
    let noise: Vec<f64> = (0..2000).map(|_| chance.normal()).collect();
    let against: Vec<f64> = truth.iter().map(|score| -score + chance.normal()).collect();
    let said = [truth, noise, against];
    let settings = Settings::default();
    let many = weigh(&said, &outcome, &[0.3, 0.3, 0.3], &settings).expect("weighs");
    assert!((many.parts[0] - 1.0).abs() < 0.15 && many.parts[1] < 0.15, "{many:?}");
    assert_eq!(many.parts[2], 0.0, "no weight is negative");
    assert!((many.offset + 1.0).abs() < 0.15, "{many:?}");
    let first: Vec<Vec<f64>> = said.iter().map(|part| part[..6].to_vec()).collect();
    let few = weigh(&first, &outcome[..6], &[0.3, 0.3, 0.3], &settings).expect("weighs");
    let chance = |row| few.parts.iter().zip(&first).map(|(weight, part)| weight * part[row]).sum::<f64>() + few.offset;
    let mean = (0..6).map(|row| sigmoid(chance(row))).sum::<f64>() / 6.0;
    let yes = outcome[..6].iter().filter(|yes| **yes).count() as f64;
    assert!((mean - (yes + 0.2 * 4.0) / 10.0).abs() < 1e-9, "four rows of one in five are believed: {mean}");
    let moved = |weights: &[f64]| (weights[0] - 0.3).abs();
    assert!(moved(&few.parts) < moved(&many.parts) / 2.0, "few rows move a belief less: {few:?}");
    let none = weigh(&[vec![], vec![], vec![]], &[], &[0.3, 0.2, 0.1], &settings).expect("weighs");
    assert!((none.parts[1] - 0.2).abs() < 1e-9 && (none.offset - (0.2_f64 / 0.8).ln()).abs() < 1e-6, "{none:?}");
}

#[test]
fn few_outcomes_are_voted_on_and_none_leave_the_rules() {
    let table = sample(400, 9);
    let outcome = table.outcome().expect("known");
    let side = |wanted: bool, count: usize| -> Vec<u32> {
        all(&table).into_iter().filter(|row| outcome[*row as usize] == wanted).take(count).collect()
    };
    let few: Vec<u32> = side(true, 6).into_iter().chain(side(false, 20)).collect();
    let choice = choose(&table, &few, &with_rules(), &|_, _| true).expect("chooses");
    let Recipe::Stack(stack) = &choice.recipe else { panic!("{:?}", choice.recipe) };
    assert_eq!((stack.parts.len(), choice.candidates.len(), choice.scores.len()), (3, 4, 26));
    assert!(choice.candidates[0].decision.contains("in the vote"), "{:?}", choice.candidates[0]);
    // the chances of one kind of outcome are held near what was believed
    let scorer = Scorer::fit(&table, &side(false, 20), &with_rules(), &|_, _| true).expect("fits");
    let chances = scorer.chances(&table, &all(&table)).expect("scores");
    let mean = chances.iter().sum::<f64>() / chances.len() as f64;
    assert!(mean > 0.02 && mean < 0.3, "{mean}");
    assert!(!format!("{:?}", scorer.recipe()).contains("Logistic"), "a line needs both kinds");
    let one = choose(&table, &[0], &Settings::default(), &|_, _| true).expect("chooses");
    assert!(matches!(one.recipe, Recipe::NaiveBayes(_)) && one.candidates.is_empty());
    assert!(matches!(choose(&table, &[9999], &with_rules(), &|_, _| true), Err(LearnError::NoRow { .. })));
    assert_eq!(parts(&with_rules(), 0).len(), 2);
}

#[test]
fn a_cold_start_is_no_worse_than_the_best_alone() {
    let draws = Draws { count: 6, seed: 77 };
    let start = cold_start(&sample(1500, 21), 30, draws, &with_rules(), &|_, _| true).expect("measures");
    assert_eq!((start.draws, start.outcomes), (6, 30));
    assert!(start.auc > start.best_alone() - 0.02, "{start:?}");
    assert!(start.worst_auc < start.auc && start.worst_calibration_error > start.calibration_error);
    assert!(start.declared_rules_auc.is_some_and(|auc| auc > 0.6), "{start:?}");
    let bare = cold_start(&sample(1500, 21), 30, draws, &Settings::default(), &|_, _| true).expect("measures");
    assert!(bare.rules_auc.is_none() && bare.auc < start.auc, "{bare:?}");
    let rare = cold_start(&sample(1500, 21), 1, draws, &with_rules(), &|_, _| true).expect("measures");
    assert_eq!((rare.one_sided, rare.logistic_auc), (6, 0.5), "{rare:?}");
}

/// Yes follows from all of `width` numbers together, a little from each.
fn wide(rows: usize, width: usize, seed: u64) -> Table {
    let mut builder = Builder::new((0..width).map(|at| Feature::new(format!("f{at}"), Kind::Number)).collect());
    let mut chance = Chance::new(seed);
    for _ in 0..rows {
        let numbers: Vec<f64> = (0..width).map(|_| chance.normal()).collect();
        builder.push(&numbers.iter().map(|number| Cell::Number(*number)).collect::<Vec<_>>()).expect("numbers");
        let score = numbers.iter().sum::<f64>() * 4.0 / (width as f64).sqrt();
        builder.outcome(chance.unit() < crate::numeric::sigmoid(score));
    }
    builder.finish()
}

#[test]
fn a_learning_curve_tells_what_twice_the_data_would_bring() {
    let recipe = Recipe::Logistic(LogisticConfig { ridge: 1.0 });
    let curve = |table: &Table, learned: usize| {
        let rows = all(table);
        let (learn, test) = rows.split_at(learned);
        learning_curve(&recipe, table, (learn, test), 1, &|_, _| true).expect("draws").expect("a curve")
    };
    let table = wide(4160, 60, 1);
    let rising = curve(&table, 160);
    assert_eq!(rising.outlook, Outlook::Rising, "{rising:?}");
    // the promise is kept: the gain that it tells comes with twice the rows
    let twice = Trained::fit(&recipe, &table, &all(&table)[..320]).expect("fits");
    let test = &all(&table)[320..];
    let actual: Vec<bool> = test.iter().map(|row| table.outcome().expect("known")[*row as usize]).collect();
    let auc = crate::trust::area_under_curve(&twice.predict(&table, test).expect("scores"), &actual).expect("both");
    let told = rising.points[3].mean() + rising.gain;
    assert!((auc - told).abs() < 0.03, "{auc} {told}");
    let flat = curve(&sample(4000, 2), 3000);
    assert_eq!(flat.outlook, Outlook::Flat, "{flat:?}");
    assert!(flat.sentence().contains("hardly help") && rising.sentence().contains("would help"));
    let none = learning_curve(&recipe, &table, (&[0, 1], &all(&table)[2..]), 1, &|_, _| true).expect("draws");
    assert!(none.is_none());
}

#[test]
fn a_card_says_whether_more_data_would_help() {
    let card =
        Card::make(wide(260, 60, 3), &Settings { folds: 2, ..Settings::default() }, &|_, _| true).expect("a card");
    assert_ne!(card.verdict.grade, Grade::Ready, "{:?}", card.verdict);
    let last = card.verdict.reasons.last().expect("a reason");
    assert!(last.contains("more data would help"), "{:?}", card.verdict);
    assert_eq!(card.learning_curve.map(|curve| curve.points.len()), Some(4));
}

#[test]
fn estimates_come_with_intervals_that_hold() {
    let made = |rows: usize, seed| {
        let table = wide(rows, 4, seed);
        let mut chance = Chance::new(seed + 100);
        let amount = |row: usize| 50.0 + 10.0 * table.column(1).number(row) + 5.0 * chance.normal();
        let amounts = (0..rows).map(amount).collect();
        table.with_amounts(amounts).expect("finite")
    };
    let (learn, test) = (made(1600, 1), made(2000, 2));
    let estimator = Estimator::fit(&learn, &all(&learn), &Settings::default(), &|_, _| true).expect("fits");
    let back = Estimator::load(&estimator.save().expect("saves")).expect("loads");
    assert_eq!(back, estimator);
    for cover in [0.8, 0.95] {
        let estimates = back.estimates(&test, &all(&test), cover).expect("estimates");
        let amounts = test.amounts().expect("known");
        let held = estimates
            .iter()
            .zip(amounts)
            .filter(|(estimate, amount)| estimate.between.is_some_and(|(low, high)| (low..=high).contains(*amount)));
        let share = held.count() as f64 / amounts.len() as f64;
        assert!((share - cover).abs() < 0.03, "{cover}: {share}");
    }
    let few = Estimator::fit(&learn, &[0, 1, 2, 3], &Settings::default(), &|_, _| true).expect("fits");
    assert_eq!(few.estimates(&test, &[0], 0.95).expect("estimates")[0].between, None, "too few to promise");
    assert!(matches!(Estimator::load(b"{}"), Err(LearnError::Malformed(_))));
    let newer = String::from_utf8_lossy(&estimator.save().expect("saves")).replacen("\"format\":2", "\"format\":3", 1);
    assert!(matches!(Estimator::load(newer.as_bytes()), Err(LearnError::TooNew { .. })));
}
