//! Linear regression against sums done by hand, trees against forust's own loop, and stacks.

use super::encode::Link;
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

/// The loop is ours; the trees are those that forust's own loop grows, on one thread and on several.
#[test]
fn trees_are_those_of_forust() {
    let (rows, columns) = (60_000, 7);
    let mut chance = Chance::new(9);
    let numbers: Vec<f64> =
        (0..rows * columns).map(|at| if at % 31 == 0 { f64::NAN } else { (chance.normal() * 20.0).round() }).collect();
    let amounts: Vec<f64> = (0..rows).map(|row| numbers[row + 20].max(-1e3) / 20.0 + chance.normal()).collect();
    let yes: Vec<f64> = amounts.iter().map(|amount| f64::from(u8::from(*amount > 0.5))).collect();
    for (link, target, few) in [(Link::Logit, &yes, 500), (Link::Identity, &amounts, 500), (Link::Logit, &yes, rows)] {
        let config = BoostConfig { trees: 4, threads: 2, ..crate::tests::BOOST };
        let part: Vec<f64> =
            (0..columns).flat_map(|column| &numbers[column * rows..column * rows + few]).copied().collect();
        let data = forust_ml::Matrix::new(&part, few, columns);
        let ours = grow::trees(&config, link, &data, &target[..few], &|| true).expect("grows");
        let mut theirs = forust_ml::GradientBooster::default()
            .set_objective_type(match link {
                Link::Logit => forust_ml::objective::ObjectiveType::LogLoss,
                Link::Identity => forust_ml::objective::ObjectiveType::SquaredLoss,
            })
            .set_iterations(config.trees)
            .set_learning_rate(config.learning_rate)
            .set_max_depth(16)
            .set_max_leaves(config.leaves)
            .set_l2(config.ridge)
            .set_min_leaf_weight(config.leaf_weight)
            .set_subsample(config.share)
            .set_sample_method(forust_ml::sampler::SampleMethod::Random)
            .set_colsample_bytree(f64::from(config.share))
            .set_initialize_base_score(true)
            .set_nbins(255)
            .set_seed(config.seed)
            .set_parallel(false);
        theirs.grow_policy = forust_ml::gradientbooster::GrowPolicy::LossGuide;
        theirs.fit(&data, &target[..few], &vec![1.0; few], None).expect("fits");
        let told =
            |trees: &[forust_ml::tree::Tree]| format!("{:?}", trees.iter().map(boost::frozen).collect::<Vec<_>>());
        assert!(ours.len() == 4 && ours.iter().all(|tree| tree.nodes.len() > 1), "{link:?}");
        assert_eq!(told(&ours), told(&theirs.trees), "{link:?} on {few} rows");
    }
}

#[test]
fn trees_of_amounts_find_what_made_them() {
    let (learn, test) = (amounts(2000, 1, 0.1), amounts(200, 2, 0.1));
    let config = BoostConfig { trees: 150, leaf_weight: 5.0, ..crate::tests::BOOST };
    let model = Boosted::fit_amounts(&config, &learn, &all(&learn), &|| true).expect("fits");
    let told = model.predict(&test, &all(&test)).expect("predicts");
    let missed = told.iter().zip(test.amounts().expect("known")).map(|(told, is)| (told - is).abs());
    assert!(missed.sum::<f64>() / 200.0 < 0.25);
    for row in 0..20 {
        let why = model.contributions(&test, row).expect("explains");
        assert!((why.score() - told[row as usize]).abs() < 1e-6);
    }
    assert_eq!(Boosted::load(&model.save().expect("saves")).expect("loads"), model);
    assert!(matches!(Boosted::fit_amounts(&config, &sample(9, 1), &[0], &|| true), Err(LearnError::NoOutcomes)));
    assert!(matches!(Boosted::fit_amounts(&config, &learn, &[], &|| true), Err(LearnError::FewRows { .. })));
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let twice = || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 2;
    assert!(matches!(Boosted::fit_amounts(&config, &learn, &all(&learn), &twice), Err(LearnError::Cancelled)));
    // far from 0, single precision would leave nothing of the differences
    let far: Vec<f64> = learn.amounts().expect("known").iter().map(|amount| 1e9 + amount).collect();
    let far = learn.with_amounts(far).expect("finite");
    let model = Boosted::fit_amounts(&config, &far, &all(&far), &|| true).expect("fits");
    let told_far = model.predict(&test, &all(&test)).expect("predicts");
    assert!(told.iter().zip(told_far).all(|(told, far)| (far - 1e9 - told).abs() < 0.1));
}

/// A category of many levels is one number, the mean amount of the level.
#[test]
fn trees_of_amounts_know_the_mean_of_a_level() {
    let (mut builder, mut worth, mut chance) =
        (Builder::new(vec![Feature::new("seller", Kind::Category)]), Vec::new(), Chance::new(3));
    for row in 0..3000_usize {
        builder.push(&[Cell::Category(&format!("s{}", row / 100))]).expect("a category");
        worth.push(100.0 * (row / 100) as f64 + chance.normal());
    }
    let table = builder.finish().with_amounts(worth).expect("finite");
    let config = BoostConfig { trees: 200, leaf_weight: 5.0, ..crate::tests::BOOST };
    let model = Boosted::fit_amounts(&config, &table, &all(&table), &|| true).expect("fits");
    let told = model.predict(&table, &all(&table)).expect("predicts");
    let missed = told.iter().zip(table.amounts().expect("known")).map(|(told, is)| (told - is).abs());
    // the mean of all would miss by 750, a level's neighbour by 100
    assert!(missed.sum::<f64>() / 3000.0 < 120.0);
}

/// Rows of ten lanes in turn: the levels come back with the period of the parts that rates are learned in.
#[test]
fn trees_see_a_category_that_comes_back_every_tenth_row() {
    let (mut builder, mut outcome) = (Builder::new(vec![Feature::new("lane", Kind::Category)]), Vec::new());
    let mut chance = Chance::new(3);
    for row in 0..2_000 {
        builder.push(&[Cell::Category(&format!("lane {}", row % 10))]).expect("of the right kind");
        outcome.push(chance.unit() < if row % 10 == 9 { 0.8 } else { 0.2 });
    }
    let table = builder.finish().with_outcome(outcome);
    let model = Boosted::fit(&crate::tests::BOOST, &table, &all(&table)).expect("fits");
    let lanes: Vec<u32> = (0..10).collect();
    let told = model.predict(&table, &lanes).expect("predicts");
    assert!(told[9] > 1.0 && told[..9].iter().all(|told| *told < -0.7), "{told:?}");
}
