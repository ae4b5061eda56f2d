//! Linear regression against sums done by hand, and stacks.

use super::*;
use crate::numeric::Chance;
use crate::table::{Builder, Cell, Feature, Kind};
use crate::tests::{all, sample};

/// 3 + 2 per deviation of the first number, -5 in the south, and noise.
fn amounts(rows: usize, seed: u64, noise: f64) -> Table {
    let features = vec![Feature::new("n", Kind::Number), Feature::new("region", Kind::Category)];
    let (mut builder, mut chance, mut amounts) = (Builder::new(features), Chance::new(seed), Vec::new());
    for _ in 0..rows {
        let (number, south) = (chance.normal(), chance.unit() < 0.5);
        let region = if south { "south" } else { "north" };
        builder.push(&[Cell::Number(number), Cell::Category(region)]).expect("of the right kinds");
        amounts.push(3.0 + 2.0 * number - if south { 5.0 } else { 0.0 } + noise * chance.normal());
    }
    builder.finish().with_amounts(amounts).expect("finite")
}

#[test]
fn ridge_finds_what_made_the_amounts() {
    let (learn, test) = (amounts(500, 1, 0.1), amounts(200, 2, 0.1));
    let model = Ridge::fit(&RidgeConfig { ridge: 0.1 }, &learn, &all(&learn)).expect("fits");
    let told = model.predict(&test, &all(&test)).expect("predicts");
    let missed = told.iter().zip(test.amounts().expect("known")).map(|(told, is)| (told - is).abs());
    assert!(missed.sum::<f64>() / 200.0 < 0.1);
    for row in 0..20 {
        let why = model.contributions(&test, row).expect("explains");
        assert!((why.score() - told[row as usize]).abs() < 1e-9);
    }
    let back = Ridge::load(&model.save().expect("saves")).expect("loads");
    assert_eq!(back, model);
    assert!(matches!(Logistic::load(&model.save().expect("saves")), Err(LearnError::OtherKind { .. })));
    let held = Ridge::fit(&RidgeConfig { ridge: 1e9 }, &learn, &all(&learn)).expect("fits");
    let mean = learn.amounts().expect("known").iter().sum::<f64>() / 500.0;
    let told = held.predict(&test, &all(&test)).expect("predicts");
    assert!(told.iter().all(|told| (told - mean).abs() < 1e-3), "a great penalty leaves the mean");
}

#[test]
fn the_left_out_error_is_that_of_fits_without_the_row() {
    let table = amounts(25, 5, 2.0);
    let mut best = (f64::INFINITY, 0.0);
    for ridge in [0.1, 1.0, 3.0, 10.0, 30.0, 100.0] {
        // all rows keep the encoder, so rows are weighed out rather than taken out: solve the normal equations by hand
        let x: Vec<[f64; 4]> = (0..25)
            .map(|row| {
                let model = Ridge::fit(&RidgeConfig { ridge: 1.0 }, &table, &all(&table)).expect("fits");
                let mut slots = [1.0, 0.0, 0.0, 0.0];
                model.slots(&table, row, &mut slots[1..]);
                slots
            })
            .collect();
        let amounts = table.amounts().expect("known");
        let mut error = 0.0;
        for left in 0..25 {
            let (mut a, mut b) = (vec![0.0; 16], vec![0.0; 4]);
            for row in (0..25).filter(|row| *row != left) {
                for i in 0..4 {
                    b[i] += x[row][i] * amounts[row];
                    (0..4).for_each(|j| a[i * 4 + j] += x[row][i] * x[row][j]);
                }
            }
            (1..4).for_each(|i| a[i * 5] += ridge);
            let weights = crate::numeric::solve_positive(a, b).expect("solves");
            let told: f64 = weights.iter().zip(x[left]).map(|(weight, value)| weight * value).sum();
            error += (told - amounts[left]).powi(2);
        }
        if error < best.0 {
            best = (error, ridge);
        }
    }
    assert_eq!(RidgeConfig::chosen(&table, &all(&table)).expect("chooses").ridge, best.1);
}

#[test]
fn ridge_refuses_what_it_cannot_learn_from() {
    let table = amounts(10, 1, 1.0);
    let config = RidgeConfig { ridge: 1.0 };
    assert!(matches!(Ridge::fit(&config, &table, &[0, 1]), Err(LearnError::FewRows { have: 2, least: 3 })));
    assert!(matches!(Ridge::fit(&config, &table, &[0, 1, 99]), Err(LearnError::NoRow { .. })));
    assert!(matches!(Ridge::fit(&config, &sample(10, 1), &[0, 1, 2]), Err(LearnError::NoOutcomes)));
    assert!(matches!(sample(2, 1).with_amounts(vec![1.0, f64::NAN]), Err(LearnError::OutOfRange { at: 1, .. })));
    assert!(matches!(sample(2, 1).with_amounts(vec![1.0]), Err(LearnError::UnequalLengths { .. })));
    let huge = sample(5, 1).with_amounts(vec![f64::MAX, 1.0, -1.0, 0.0, f64::MIN]).expect("finite");
    let told = Ridge::fit(&config, &huge, &[0, 1, 2, 3, 4]).and_then(|model| model.predict(&huge, &[0]));
    assert!(told.is_err() || told.is_ok_and(|told| told[0].is_finite()));
}

#[test]
fn a_stack_is_the_weighted_sum_of_its_parts() {
    let table = sample(200, 3);
    let rows = all(&table);
    let parts = [Recipe::NaiveBayes(BayesConfig { strength: 4.0 }), Recipe::Logistic(LogisticConfig { ridge: 1.0 })];
    let said: Vec<Vec<f64>> = parts
        .iter()
        .map(|recipe| Trained::fit(recipe, &table, &rows).expect("fits").predict(&table, &rows).expect("scores"))
        .collect();
    let weighed = parts.into_iter().zip([0.25, 0.5]).map(|(recipe, weight)| StackPart { recipe, weight }).collect();
    let stack = Stack::fit(&StackConfig { parts: weighed, offset: -1.0 }, &table, &rows).expect("fits");
    let scores = stack.predict(&table, &rows).expect("scores");
    for (row, score) in scores.iter().enumerate() {
        assert!((score - (-1.0 + 0.25 * said[0][row] + 0.5 * said[1][row])).abs() < 1e-12);
    }
    assert_eq!(Stack::load(&stack.save().expect("saves")).expect("loads"), stack);
    let wrong = StackConfig { parts: Vec::new(), offset: f64::NAN };
    assert!(matches!(Stack::fit(&wrong, &table, &rows), Err(LearnError::Malformed(_))));
}
