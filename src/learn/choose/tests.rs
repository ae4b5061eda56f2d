//! Choosing, cards and saved scorers, with input as bad as it comes.

mod amounts;
mod few;
mod training;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::LearnError;
use crate::model::{BayesConfig, Boosted, LogisticConfig, Model, Recipe, Trained};
use crate::table::{Builder, Cell, CsvOptions, Feature, Kind, Table};
use crate::tests::{BOOST, all, any_table, csv, rules, sample};
use crate::trust::{Grade, Templates};

#[test]
fn time_folds_learn_from_the_past_only() {
    let mut builder = Builder::new(vec![Feature::new("n", Kind::Number)]);
    for row in 0..97_u32 {
        builder.push(&[Cell::Number(0.0)]).expect("a number");
        builder.outcome(row % 2 == 0).time(f64::from(row * 37 % 97 / 3));
    }
    let table = builder.finish();
    let time = table.time().expect("given");
    let made = folds(&table, &all(&table), 4, 1);
    assert_eq!(made.len(), 4);
    for fold in made {
        let last = fold.learn.iter().map(|row| time[*row as usize]).fold(f64::MIN, f64::max);
        assert!(fold.test.iter().all(|row| time[*row as usize] > last));
    }
}

/// Customers come one a day and are looked at every 20 days until they leave.
#[test]
fn time_folds_learn_from_those_who_stayed_as_well() {
    let mut builder = Builder::new(vec![Feature::new("n", Kind::Number)]);
    for customer in 0..200_u32 {
        let looks = 1 + customer * 7 % 5;
        for look in 0..looks {
            builder.push(&[Cell::Number(0.0)]).expect("a number");
            builder.outcome(look + 1 == looks).time(f64::from(customer + 20 * look)).group(&customer.to_string());
        }
    }
    let table = builder.finish();
    let outcome = table.outcome().expect("known");
    for fold in folds(&table, &all(&table), 4, 1) {
        let left = fold.learn.iter().filter(|row| outcome[**row as usize]).count() as f64 / fold.learn.len() as f64;
        // a third of all looks; nearly all of those of customers who are gone
        assert!(left < 0.5, "{left}");
        assert!(!fold.test.is_empty());
    }
}

#[test]
fn a_trained_model_wins_only_where_it_is_better() {
    let table = sample(1500, 9);
    let settings = Settings { rules: Some(rules(&[("noise", 1.0, 20.0)])), ..Settings::default() };
    let choice = choose(&table, &all(&table), &settings, &|_, _| true).expect("chooses");
    assert!(!matches!(choice.recipe, Recipe::Rules(_) | Recipe::NaiveBayes(_)), "{:?}", choice.recipe);
    let few = choose(&table, &all(&table)[..3], &settings, &|_, _| true).expect("chooses");
    assert!(matches!(few.recipe, Recipe::Stack(_)), "{:?}", few.recipe);
    let stopped = choose(&table, &all(&table), &settings, &|done, _| done < 3);
    assert!(matches!(stopped, Err(LearnError::Cancelled)));
    let threads = Settings { threads: 2, ..settings };
    let again = choose(&table, &all(&table), &threads, &|_, _| true).expect("chooses");
    assert_eq!((again.recipe, again.scores), (choice.recipe, choice.scores), "threads change nothing");
}

#[test]
fn a_scorer_comes_back_from_a_file_and_refuses_what_is_not_one() {
    let table = sample(300, 12);
    let scorer = Scorer::fit(&table, &all(&table), &Settings::default(), &|_, _| true).expect("fits");
    let saved = scorer.save().expect("saves");
    let back = Scorer::load(&saved).expect("loads");
    assert_eq!(
        back.chances(&table, &all(&table)).expect("scores"),
        scorer.chances(&table, &all(&table)).expect("scores")
    );
    let newer = String::from_utf8_lossy(&saved).replacen("\"format\":4", "\"format\":9", 1);
    assert!(matches!(Scorer::load(newer.as_bytes()), Err(LearnError::TooNew { found: 9, .. })));
    assert!(Scorer::load(b"{}").is_err() && Scorer::load(&saved[..saved.len() / 2]).is_err());
    let circle = br#"{"kind":"boosted","format":1,"model":{"encoder":{"features":[{"name":"n","kind":"number"}],
        "slots":[{"feature":0,"code":"Plain"}]},"base":0.0,"trees":[{"nodes":[{"v":0.0,"c":1.0,
        "s":{"f":0,"t":0.0,"l":0,"r":0,"m":true}}]}]}}"#;
    assert!(matches!(Boosted::load(circle), Err(LearnError::Malformed(_))), "a tree that never ends");
    let missing = csv("other\n1\n", &CsvOptions::default()).expect("readable").table;
    assert!(matches!(scorer.chances(&missing, &[0]), Err(LearnError::NoFeature(_))));
    assert!(matches!(scorer.score(&table, 9999), Err(LearnError::NoRow { .. })));
}

#[test]
fn a_card_says_what_matters() {
    let card = Card::make(sample(1200, 13), &Settings::default(), &|_, _| true).expect("a card");
    assert_eq!(card.verdict.grade, Grade::Ready, "{:?}", card.verdict);
    let strongest: Vec<&str> = card.influences.iter().take(2).map(|influence| influence.feature.as_str()).collect();
    assert!(strongest.contains(&"days") && strongest.contains(&"region"), "{strongest:?}");
    let card = Card::make(sample(12, 13), &Settings::default(), &|_, _| true).expect("a card");
    assert_eq!(card.verdict.grade, Grade::NotEnoughData);
}

/// Scorers as each format of the file had them, with the chances of the first ten rows of [`sample`].
const GOLDEN: [&str; 4] = [
    include_str!("../fixtures/scorer-1.json"),
    include_str!("../fixtures/scorer-2.json"),
    include_str!("../fixtures/scorer-3.json"),
    include_str!("../fixtures/scorer-4.json"),
];

#[test]
fn scorers_of_every_format_still_score_the_same() {
    let table = sample(120, 12);
    let rows: Vec<u32> = (0..10).collect();
    for (text, described) in GOLDEN.into_iter().zip([false, true, true, true]) {
        let golden: Value = serde_json::from_str(text).expect("JSON");
        let scorer = Scorer::load(golden["saved"].to_string().as_bytes()).expect("loads");
        let chances: Vec<f64> = serde_json::from_value(golden["chances"].clone()).expect("chances");
        assert_eq!(scorer.chances(&table, &rows).expect("scores"), chances);
        assert_eq!(scorer.landscape().is_some(), described);
        let reasons = scorer.reasons(&table, 0, 3, &Templates::new()).expect("explains");
        assert_eq!(reasons.iter().any(|reason| reason.usual.is_some()), described, "{reasons:?}");
        let next = Scorer::load(&scorer.clone().succeeds(&scorer).save().expect("saves")).expect("loads");
        assert_eq!(next.lineage(), (scorer.lineage().0, Some(scorer.lineage().0)));
    }
}

/// A table of the cells that `cell` gives to each row; every third outcome is yes.
fn table(rows: usize, kind: Kind, cell: impl Fn(usize) -> Cell<'static>) -> Table {
    let mut builder = Builder::new(vec![Feature::new("f", kind), Feature::new("g", Kind::Number)]);
    for row in 0..rows {
        builder.push(&[cell(row), Cell::Number((row * 7 % 11) as f64)]).expect("of the right kind");
        builder.outcome(row % 3 == 0);
    }
    builder.finish()
}

#[test]
fn bad_input_gets_an_honest_card() {
    let one_kind = |yes: bool| {
        let mut builder = Builder::new(vec![Feature::new("f", Kind::Number)]);
        for row in 0..40 {
            builder.push(&[Cell::Number(f64::from(row))]).expect("a number");
            builder.outcome(yes);
        }
        builder.finish()
    };
    let backwards = {
        let mut builder = Builder::new(vec![Feature::new("f", Kind::Number)]);
        for row in 0..60 {
            builder.push(&[Cell::Number(f64::from(row))]).expect("a number");
            builder.outcome(row % 3 == 0).time(-f64::from(row));
        }
        builder.finish()
    };
    let extremes = [f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, f64::NAN, 5e-324];
    let sparse = |row: usize| if row.is_multiple_of(100) { Cell::Number(row as f64) } else { Cell::Missing };
    let cases = [
        ("all yes", one_kind(true)),
        ("all no", one_kind(false)),
        ("constant", table(60, Kind::Number, |_| Cell::Number(4.0))),
        ("infinite", table(60, Kind::Number, |row| Cell::Number(extremes[row % 6]))),
        ("99 % missing", table(400, Kind::Number, sparse)),
        ("all missing", table(60, Kind::Category, |_| Cell::Missing)),
        ("duplicates", table(90, Kind::YesNo, |_| Cell::YesNo(true))),
        ("the target among the features", table(90, Kind::YesNo, |row| Cell::YesNo(row % 3 == 0))),
        ("time going backwards", backwards),
        ("three rows", table(3, Kind::Number, |row| Cell::Number(row as f64))),
        ("one row", table(1, Kind::Number, |row| Cell::Number(row as f64))),
    ];
    for (name, table) in cases {
        let card = Card::make(table, &Settings { folds: 2, ..Settings::default() }, &|_, _| true).expect(name);
        assert_ne!(card.verdict.grade, Grade::Ready, "{name}: {:?}", card.verdict);
        assert!(!card.verdict.reasons.is_empty(), "{name}");
        if name == "the target among the features" {
            assert_eq!(card.left_out.len(), 1, "{:?}", card.left_out);
        }
    }
    let nothing = Builder::new(Vec::new()).finish();
    assert!(matches!(Card::make(nothing, &Settings::default(), &|_, _| true), Err(LearnError::NoOutcomes)));
}

#[test]
fn ten_thousand_categories_are_learned_from() {
    let names: Vec<String> = (0..10_000).map(|row| format!("c{row}")).collect();
    let mut builder = Builder::new(vec![Feature::new("c", Kind::Category)]);
    for (row, name) in names.iter().enumerate() {
        builder.push(&[Cell::Category(name)]).expect("a category");
        builder.outcome(row % 3 == 0);
    }
    let table = builder.finish();
    let boosted = crate::model::BoostConfig { trees: 3, ..BOOST };
    let bayes = Recipe::NaiveBayes(BayesConfig { strength: 4.0 });
    for recipe in [bayes, Recipe::Logistic(LogisticConfig { ridge: 1.0 }), Recipe::Boosted(boosted)] {
        let model = Trained::fit(&recipe, &table, &all(&table)).expect("fits");
        let scores = model.predict(&table, &all(&table)).expect("scores");
        // each level is seen once, so none says much: the scores stay near the overall log-odds
        let worst = scores.iter().map(|score| (score + 2.0_f64.ln()).abs()).fold(0.0, f64::max);
        assert!(worst < 1.0, "{}: {worst}", recipe.name());
    }
}

/// Changes one leaf or list of a JSON value: the `place`-th, counted from the start.
fn spoil(value: &mut Value, place: &mut usize, with: &Value) -> bool {
    let here = *place == 0;
    *place = place.wrapping_sub(1);
    match value {
        Value::Array(list) if here && !with.is_null() => drop(list.pop()),
        Value::Array(list) if !here => return list.iter_mut().any(|part| spoil(part, place, with)),
        Value::Object(map) if !here => return map.values_mut().any(|part| spoil(part, place, with)),
        value if here => *value = with.clone(),
        _ => return false,
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_spoiled_file_is_refused_or_scores(place in 0..6000_usize, with in 0..7_usize, format in 1..3_usize) {
        let golden: Value = serde_json::from_str(GOLDEN[format]).expect("JSON");
        let mut saved = golden["saved"].clone();
        let with = [Value::Null, (-1).into(), 4_000_000_000_u64.into(), 1e308.into(), "x".into(), 0.into(), true.into()][with].clone();
        let spoiled = spoil(&mut saved, &mut place.clone(), &with);
        let table = sample(20, 1);
        if let Ok(scorer) = Scorer::load(saved.to_string().as_bytes()) {
            let _ = scorer.chances(&table, &all(&table));
            let _ = scorer.score(&table, 0);
            let _ = scorer.reasons(&table, 0, 3, &Templates::new());
            let _ = scorer.conformal().possible(0.3, 0.9);
            let _ = scorer.landscape().map(|landscape| landscape.drift(&table, &all(&table)));
        } else {
            prop_assert!(spoiled);
        }
    }

    #[test]
    fn any_bytes_are_a_scorer_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        prop_assert!(Scorer::load(&bytes).is_err() && Trained::load(&bytes).is_err() && Estimator::load(&bytes).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_table_makes_a_card_panic(table in any_table()) {
        let card = Card::make(table, &Settings { folds: 2, ..Settings::default() }, &|_, _| true);
        prop_assert!(card.is_ok_and(|card| !card.verdict.reasons.is_empty()));
    }
}
