//! Estimates of amounts: which model is chosen, what its card says, and what it reads.

use crate::LearnError;
use crate::choose::{AmountCard, Estimator, Settings};
use crate::numeric::Chance;
use crate::table::{Builder, Cell, Feature, Kind, Table};
use crate::tests::all;
use crate::trust::{AmountMetrics, Grade, Suspicion};

/// Deals whose worth follows from seats (a line, or steps of it), with noise; the worth in another currency, a number
/// for each row, and a word that says nothing.
fn deals(rows: usize, seed: u64, steps: bool, noise: f64) -> Table {
    let names = [("seats", Kind::Number), ("euros", Kind::Number), ("id", Kind::Number), ("owner", Kind::Category)];
    let mut builder = Builder::new(names.map(|(name, kind)| Feature::new(name, kind)).to_vec());
    let (mut chance, mut worth) = (Chance::new(seed), Vec::new());
    for row in 0..rows {
        let seats = (chance.unit() * 100.0).round();
        let high = ((seats / 20.0) as usize).is_multiple_of(2);
        let base = if !steps {
            100.0 * seats
        } else if high {
            9000.0
        } else {
            1000.0
        };
        let amount = (base + noise * chance.normal()).max(0.0);
        let owner = Cell::Category(["ann", "bob"][row % 2]);
        builder
            .push(&[Cell::Number(seats), Cell::Number(amount * 0.9), Cell::Number(row as f64), owner])
            .expect("a row");
        builder.time((row * 7919 % rows) as f64);
        worth.push(amount);
    }
    builder.finish().with_amounts(worth).expect("finite")
}

fn card(table: Table) -> AmountCard {
    AmountCard::make(table, &Settings { folds: 3, ..Settings::default() }, &|_, _| true).expect("a card")
}

#[test]
fn a_card_of_amounts_says_what_a_user_needs() {
    let told = card(deals(1500, 1, true, 800.0));
    let why: Vec<(&str, &Suspicion)> =
        told.left_out.iter().map(|leak| (leak.feature.as_str(), &leak.suspicion)).collect();
    assert!(
        matches!(why.as_slice(), [("euros", Suspicion::KnowsTheAmount { .. }), ("id", Suspicion::NamesTheRow)]),
        "{why:?}"
    );
    assert_eq!((told.rows, told.features, told.learned_from, told.model.as_str()), (1500, 2, 1250, "boosted trees"));
    let held = told.held_out.expect("held out");
    assert_eq!(held.rows, 250);
    assert!(held.mae < 0.3 * held.naive_mae && held.rmse < 0.5 * held.naive_rmse, "{held:?}");
    assert!(held.r_squared.is_some_and(|one| one > 0.8) && held.beats_mean, "{held:?}");
    assert!(held.held.is_some_and(|share| (share - 0.8).abs() < 0.08), "{held:?}");
    assert_eq!(told.verdict.grade, Grade::Ready, "{:?}", told.verdict);
    assert_eq!(told.influences[0].feature, "seats");
    assert!(told.learning_curve.is_some_and(|curve| curve.points.len() == 4));
    assert!(told.amounts.least >= 0.0 && told.amounts.median < told.amounts.most, "{:?}", told.amounts);
    assert!(
        told.candidates[1].decision.starts_with("beats linear regression: error lower by"),
        "{:?}",
        told.candidates
    );
}

#[test]
fn verdicts_on_amounts_say_why() {
    let says = |table: Table, grade: Grade, words: &str| {
        let verdict = card(table).verdict;
        assert!(verdict.grade == grade && verdict.reasons.iter().any(|one| one.contains(words)), "{verdict:?}");
    };
    says(deals(1500, 2, false, 1e6), Grade::NotEnoughData, "cannot be told from saying the mean");
    says(deals(25, 2, false, 10.0), Grade::NotEnoughData, "at least 30 are needed");
    says(deals(1500, 2, true, 50.0), Grade::UseWithCare, "see whether \"seats\" is known before");
    says(deals(150, 2, false, 1500.0), Grade::UseWithCare, "learned from only 125 rows");
    let same = deals(300, 2, false, 1.0).with_amounts(vec![4.0; 300]).expect("finite");
    says(same, Grade::NotEnoughData, "all have the same amount");
}

#[test]
fn figures_of_amounts_match_hand_computed_values() {
    let between = [Some((0.0, 4.0)), Some((1.0, 2.0)), None, Some((5.0, 9.0))];
    let held = AmountMetrics::of(&[1.0, 2.0, 3.0, 6.0], &between, &[2.0, 4.0, 3.0, 7.0], &[1.0, 2.0, 9.0], 0.8);
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b} {held:?}");
    near(held.mae, 1.0);
    near(held.rmse, 1.5_f64.sqrt());
    near(held.bias, -1.0);
    near(held.naive_mae, 2.0);
    near(held.naive_rmse, ((4.0 + 0.0 + 1.0 + 9.0) / 4.0_f64).sqrt());
    near(held.r_squared.expect("they differ"), 1.0 - 6.0 / 14.0);
    near(held.explained_variance.expect("they differ"), 1.0 - 2.0 / 14.0);
    near(held.held.expect("intervals"), 2.0 / 3.0);
    near(held.width.expect("intervals"), 3.0);
    let none = AmountMetrics::of(&[], &[], &[], &[], 0.8);
    assert_eq!((none.mae, none.r_squared, none.held, none.beats_mean), (0.0, None, None, false));
}

#[test]
fn lines_are_kept_where_trees_are_no_better() {
    let table = deals(600, 3, false, 500.0).without(&[1, 2, 3]);
    let fit = |progress: &(dyn Fn(usize, usize) -> bool + Sync)| {
        Estimator::fit(&table, &all(&table), &Settings::default(), progress)
    };
    let estimator = fit(&|_, _| true).expect("fits");
    assert_eq!(estimator.model(), "linear regression", "{:?}", estimator.candidates());
    assert!(estimator.candidates()[1].decision.starts_with("does not beat"), "{:?}", estimator.candidates());
    let lowest = estimator.estimates(&table, &all(&table), 0.99).expect("estimates").into_iter();
    assert!(lowest.map(|one| one.between.map_or(0.0, |(low, _)| low)).all(|low| low >= 0.0), "nothing is worth less");
    assert!(matches!(fit(&|done, _| done < 2), Err(LearnError::Cancelled)));
    let huge =
        deals(90, 3, false, 1.0).with_amounts((0..90).map(|row| 1e307 * f64::from(row % 9)).collect()).expect("finite");
    let huge = Estimator::fit(&huge, &all(&huge), &Settings::default(), &|_, _| true).expect("lines can");
    assert_eq!(Estimator::load(&huge.save().expect("saves")).expect("loads"), huge);
}

/// A file of format 1, as the program wrote it when there were only lines.
#[test]
fn estimators_of_the_first_format_are_read() {
    let file = r#"{"format":1,"config":{"ridge":3.0},"model":{"encoder":{"features":[{"name":"seats","kind":"number"}],
        "slots":[{"feature":0,"code":{"Scaled":{"mean":50.0,"deviation":20.0,"log":false}}}]},
        "weights":[5000.0,2000.0],"means":[0.0]},"band":{"scores":[1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0,9.0]},"rows":9,"seed":1}"#;
    let estimator = Estimator::load(file.as_bytes()).expect("reads");
    let table = deals(20, 1, false, 1.0);
    let one = estimator.estimates(&table, &[0], 0.8).expect("estimates")[0];
    let seats = table.column(0).number(0);
    assert!((one.amount - (5000.0 + 100.0 * (seats - 50.0))).abs() < 1e-6, "{one:?}");
    assert_eq!(one.between, Some((one.amount - 8.0, one.amount + 8.0)));
    assert_eq!((estimator.model(), estimator.candidates().len()), ("linear regression", 0));
}
