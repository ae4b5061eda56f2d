//! Reasons, drift, counterfactuals and contributions, against the shap package and against data whose causes are known.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::choose::{Scorer, Settings};
use crate::model::{Contributions, Tree, shapley_of};
use crate::numeric::{Chance, sigmoid};
use crate::table::{Builder, Cell, Feature, Kind, Table};

/// Yes is likelier the longer there was no reply and where a manager was met.
fn deals(rows: usize, seed: u64, shift: f64) -> Table {
    let mut silence = Feature::new("silence", Kind::Number);
    silence.unit = Some("days".into());
    let features = vec![silence, Feature::new("manager met", Kind::YesNo), Feature::new("source", Kind::Category)];
    let mut builder = Builder::new(features);
    let mut chance = Chance::new(seed);
    for _ in 0..rows {
        let (days, met) = (shift + (chance.unit() * 20.0).round(), chance.unit() < 0.5);
        let source = ["web", "web", "fair"][(chance.next() % 3) as usize];
        builder.push(&[Cell::Number(days), Cell::YesNo(met), Cell::Category(source)]).expect("of the right kinds");
        builder.outcome(chance.unit() < sigmoid(0.4 * (days - 10.0) - if met { 2.0 } else { -1.0 }));
    }
    builder.finish()
}

fn all(table: &Table) -> Vec<u32> {
    (0..table.rows() as u32).collect()
}

fn scorer(table: &Table) -> Scorer {
    Scorer::fit(table, &all(table), &Settings { folds: 2, ..Settings::default() }, &|_, _| true).expect("fits")
}

#[test]
fn loaded_calibrations_must_rise() {
    let averaged = |scores: &[f64], chances: &[f64], yes| {
        let (scores, chances) = (scores.to_vec(), chances.to_vec());
        Calibration::Averaged { yes, no: 1.0, offset: 0.0, scores, chances }
    };
    let sound = averaged(&[-1.0, 1.0], &[0.2, 0.4], 1.0);
    assert!(sound.is_sound() && (sound.chance(0.0) - 0.4).abs() < 1e-12 && sound.chance(9.0) > sound.chance(8.0));
    let bad = [
        averaged(&[1.0, -1.0], &[0.2, 0.4], 1.0),
        averaged(&[-1.0, 1.0], &[0.4, 0.2], 1.0),
        averaged(&[-1.0, 1.0], &[0.2, 1.4], 1.0),
        averaged(&[-1.0, 1.0], &[0.2], 1.0),
        averaged(&[-1.0, 1.0], &[0.2, 0.4], -1.0),
    ];
    assert!(bad.iter().all(|map| !map.is_sound()));
}

#[test]
fn contributions_of_trees_are_those_of_the_shap_package() {
    let made: Value = serde_json::from_str(include_str!("../fixtures/shapley.json")).expect("JSON");
    let trees: Vec<Tree> = made["trees"].as_array().expect("trees").iter().map(tree).collect();
    let rows: Vec<Vec<f64>> = serde_json::from_value(made["rows"].clone()).expect("rows");
    let values: Vec<Vec<f64>> = serde_json::from_value(made["values"].clone()).expect("values");
    for (row, theirs) in rows.iter().zip(&values) {
        let mut ours = vec![0.0; row.len()];
        let base: f64 = trees.iter().map(|tree| shapley_of(tree, row, &mut ours)).sum();
        assert!((base - made["base"].as_f64().expect("a number")).abs() < 1e-5, "{base}");
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!((ours - theirs).abs() < 1e-5, "{ours} {theirs}");
        }
    }
}

/// A tree of the fixture in our layout.
fn tree(made: &Value) -> Tree {
    let nodes: Vec<Value> = (0..made["values"].as_array().map_or(0, Vec::len))
        .map(|at| {
            let of = |key: &str| made[key][at].clone();
            let mut node = serde_json::json!({"v": of("values"), "c": of("cover")});
            if of("children_left").as_i64() > Some(0) {
                let (left, right) = (of("children_left"), of("children_right"));
                node["s"] =
                    serde_json::json!({"f": of("features"), "t": of("thresholds"), "l": left, "r": right, "m": true});
            }
            node
        })
        .collect();
    serde_json::from_value(serde_json::json!({ "nodes": nodes })).expect("a tree")
}

#[test]
fn reasons_name_value_and_usual_with_units() {
    let table = deals(600, 1, 0.0);
    let scorer = scorer(&table);
    let row = (0..600).find(|row| table.column(0).number(*row as usize) >= 18.0).expect("a silent one");
    let templates = Templates::from([("silence".to_owned(), "no reply for {value}, usual is {usual}".to_owned())]);
    let found = scorer.reasons(&table, row, 3, &templates).expect("explains");
    let days = table.column(0).number(row as usize);
    let silence = found.iter().find(|reason| reason.feature == "silence").expect("a reason");
    assert_eq!(silence.sentence, format!("no reply for {days} days, usual is 10 days"));
    assert!(silence.part > 0.0 && found.len() <= 3, "{found:?}");
    let plain = scorer.reasons(&table, row, 3, &Templates::new()).expect("explains");
    assert!(
        plain.iter().any(|reason| reason.sentence == format!("silence is {days} days, usual is 10 days")),
        "{plain:?}"
    );
    let missing = crate::table::read_csv(std::io::Cursor::new("silence\nNA\n"), &Default::default()).expect("readable");
    let features = [Feature::new("silence", Kind::Category)];
    let why = Contributions { base: 0.0, parts: vec![1.0] };
    let told = reasons(&why, &features, &[], (&missing.table, 0), (1, &templates)).expect("explains");
    assert_eq!(told[0].sentence, "silence is not known");
}

#[test]
fn features_of_one_theme_are_one_reason() {
    let names = [("a", Some("talk")), ("b", None), ("c", Some("talk")), ("d", Some("price")), ("e", Some("price"))];
    let about = |theme: Option<&str>, feature: Feature| theme.map_or(feature.clone(), |theme| feature.about(theme));
    let features = names.map(|(name, theme)| about(theme, Feature::new(name, Kind::Number)));
    let mut builder = Builder::new(features.to_vec());
    builder.push(&[1.0, 2.0, 3.0, 4.0, 5.0].map(Cell::Number)).expect("numbers");
    let table = builder.finish();
    let told = |parts: &[f64], count| {
        let why = Contributions { base: 0.0, parts: parts.to_vec() };
        reasons(&why, &features, &[], (&table, 0), (count, &Templates::new()))
    };
    let found = told(&[-0.4, 0.5, -0.3, 0.6, -0.6], 3).expect("explains");
    let said: Vec<(Option<&str>, &str, f64)> =
        found.iter().map(|reason| (reason.theme.as_deref(), reason.feature.as_str(), reason.part)).collect();
    // price says nothing in all; talk beats what no single feature of it does
    assert_eq!(said, [(Some("talk"), "a", -0.7), (None, "b", 0.5)]);
    let mixed = told(&[0.9, 0.0, -1.0, 0.0, 0.0], 1).expect("explains");
    assert_eq!((mixed[0].feature.as_str(), mixed[0].sentence.as_str()), ("c", "c is 3"));
    assert!(told(&[0.0; 6], 3).is_err());
    let mut stands = features.clone();
    stands[1].context = true;
    let why = Contributions { base: 0.0, parts: vec![0.1, 9.0, 0.0, 0.0, 0.0] };
    let found = reasons(&why, &stands, &[], (&table, 0), (3, &Templates::new())).expect("explains");
    assert_eq!(found.iter().map(|reason| reason.feature.as_str()).collect::<Vec<_>>(), ["a"]);
}

/// A discount is there from the second stage on, where most are won whatever it is.
#[test]
fn what_only_the_stage_explains_is_no_reason() {
    let stage = Feature { context: true, ..Feature::new("stage", Kind::Category) };
    let mut builder =
        Builder::new(vec![stage, Feature::new("discount", Kind::Number), Feature::new("noise", Kind::Number)]);
    let mut chance = Chance::new(2);
    for row in 0..600 {
        let late = row % 2 == 0;
        let discount = 30.0 * chance.unit();
        let cell = if late { Cell::Number(discount) } else { Cell::Missing };
        let stage = Cell::Category(if late { "offer" } else { "first talk" });
        builder.push(&[stage, cell, Cell::Number(chance.unit())]).expect("of the right kinds");
        builder.outcome(chance.unit() < if late { sigmoid(2.0 - 0.1 * (discount - 15.0)) } else { 0.2 });
    }
    let table = builder.finish();
    let scorer = scorer(&table);
    let part = |row: u32, feature: &str| {
        let found = scorer.reasons(&table, row, 9, &Templates::new()).expect("explains");
        found.iter().find(|reason| reason.feature == feature).map_or(0.0, |reason| reason.part)
    };
    let raw = scorer.score(&table, 1).expect("scores").contributions.parts[1];
    assert!(raw.abs() > 0.1 && part(1, "discount").abs() < 0.05, "{raw} {}", part(1, "discount"));
    assert_eq!(part(1, "stage"), 0.0);
    let discount = |row: &u32| table.column(1).number(*row as usize);
    let high = all(&table).into_iter().find(|row| discount(row) > 28.0).expect("a high one");
    let low = all(&table).into_iter().find(|row| discount(row) < 2.0).expect("a low one");
    assert!(part(high, "discount") < -0.3 && part(low, "discount") > 0.3);
    let back = Scorer::load(&scorer.save().expect("saves")).expect("loads");
    assert_eq!(
        back.reasons(&table, 0, 9, &Templates::new()).expect("explains"),
        scorer.reasons(&table, 0, 9, &Templates::new()).expect("explains")
    );
}

#[test]
fn numbers_read_as_people_write_them() {
    let of = |kind, unit: Option<&str>| Feature { unit: unit.map(ToOwned::to_owned), ..Feature::new("f", kind) };
    let cases = [
        (of(Kind::Number, Some("EUR")), 1_234_567.4, "1,234,567 EUR"),
        (of(Kind::Number, None), 0.123_456, "0.123"),
        (of(Kind::Number, None), -2500.0, "-2,500"),
        (of(Kind::Number, None), 0.0, "0"),
        (of(Kind::Number, None), 100.0, "100"),
        (of(Kind::Number, None), 12.34, "12.3"),
        (of(Kind::Number, None), 1e300, "1.00e300"),
        (of(Kind::Duration, None), 2.0, "2 days"),
        (of(Kind::Date, None), 20_454.3, "2026-01-01"),
        (of(Kind::Date, None), 1e12, "1,000,000,000,000"),
    ];
    for (feature, value, text) in cases {
        assert_eq!(number_text(&feature, value), text);
    }
}

#[test]
fn drift_is_found_where_it_is() {
    let (before, same, moved) = (deals(800, 1, 0.0), deals(800, 2, 0.0), deals(800, 3, 6.0));
    let landscape = Landscape::of(&before, &all(&before));
    let quiet = landscape.drift(&same, &all(&same)).expect("looks");
    assert!(quiet.iter().all(|drift| drift.shift == Shift::None), "{quiet:?}");
    let loud = landscape.drift(&moved, &all(&moved)).expect("looks");
    assert_eq!((loud[0].feature.as_str(), loud[0].shift), ("silence", Shift::Strong), "{loud:?}");
    assert!(loud[1..].iter().all(|drift| drift.shift == Shift::None), "{loud:?}");
    // (0.5 - 0.25) ln 2 + (0.5 - 0.75) ln (2 / 3), without what chance gives
    let index = stability_index(&[5e6, 5e6], &[2.5e6, 7.5e6]);
    assert!((index - (0.25 * 2.0_f64.ln() - 0.25 * (2.0_f64 / 3.0).ln())).abs() < 1e-5, "{index}");
    let periods = calibration_over_time(&[3.0, 1.0, 2.0, 4.0], &[0.9, 0.2, 0.2, 0.9], &[false, false, false, true], 2);
    assert_eq!((periods[0].told, periods[0].came, periods[1].told, periods[1].came), (0.2, 0.0, 0.9, 0.5));
}

#[test]
fn a_counterfactual_moves_only_what_can_be_moved() {
    let table = deals(600, 5, 0.0);
    let (scorer, past) = (scorer(&table), all(&table));
    let chances = scorer.chances(&table, &past).expect("scores");
    let row = (0..600).max_by(|a, b| chances[*a].total_cmp(&chances[*b])).expect("rows") as u32;
    let lever = |feature: &str, way| Lever { feature: feature.into(), way };
    let look = |levers: &[Lever], target| counterfactual(&scorer, (&table, row), &past, levers, target).expect("looks");
    let levers = [lever("silence", Way::Down), lever("manager met", Way::Any)];
    let found = look(&levers, 0.5).expect("there is one");
    assert!(found.chance <= 0.5 && found.changes.iter().all(|change| change.feature != "source"), "{found:?}");
    let deeper = look(&levers, 0.1).expect("there is one");
    assert!(deeper.effort >= found.effort, "{found:?} {deeper:?}");
    assert_eq!(look(&[lever("silence", Way::Up)], 0.1), None, "it cannot get better that way");
    assert_eq!(look(&[], 0.5), None);
}

#[test]
fn past_cases_like_this_one_share_its_cells() {
    let table = deals(300, 6, 0.0);
    let near = similar(&table, 7, &all(&table), &[1.0, 1.0, 1.0], 3).expect("looks");
    assert!(near.len() == 3 && near.iter().all(|neighbour| neighbour.row != 7));
    for neighbour in near {
        assert_eq!(table.column(1).text(7), table.column(1).text(neighbour.row as usize));
        assert!(neighbour.distance < 0.1);
    }
    assert!(similar(&table, 7, &[], &[1.0], 3).is_err() && similar(&table, 999, &[], &[1.0; 3], 3).is_err());
}

#[test]
fn groups_are_compared() {
    let table = deals(400, 8, 0.0);
    let chances: Vec<f64> = (0..400).map(|row| if table.column(1).number(row) > 0.5 { 0.9 } else { 0.1 }).collect();
    let figures = fairness(table.column(1), &chances, table.outcome().expect("known"), 0.5);
    assert_eq!(figures.iter().map(|group| group.group.as_str()).collect::<Vec<_>>(), ["no", "yes"]);
    assert_eq!((figures[0].chosen, figures[1].chosen, figures[1].found), (0.0, 1.0, Some(1.0)));
}

#[test]
fn error_bands_hold_what_they_promise() {
    let draw = |seed| {
        let mut chance = Chance::new(seed);
        let difficulty: Vec<f64> = (0..2000).map(|_| 0.5 + chance.unit()).collect();
        let actual: Vec<f64> = difficulty.iter().map(|size| size * chance.normal()).collect();
        (vec![0.0; 2000], actual, difficulty)
    };
    let (told, actual, difficulty) = draw(1);
    let band = ErrorBand::fit(&told, &actual, &difficulty);
    let (_, actual, difficulty) = draw(2);
    let held =
        actual.iter().zip(&difficulty).filter(|(is, size)| is.abs() <= band.half_width(0.8, **size).expect("enough"));
    let share = held.count() as f64 / 2000.0;
    assert!((share - 0.8).abs() < 0.03, "{share}");
    assert_eq!(
        ErrorBand::fit(&told[..3], &actual[..3], &difficulty[..3]).half_width(0.9, 1.0),
        None,
        "three rows cannot"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn numbers_always_have_a_text(value in any::<f64>(), date in any::<bool>()) {
        let feature = Feature::new("f", if date { Kind::Date } else { Kind::Number });
        prop_assert!(!number_text(&feature, value).is_empty());
    }

    #[test]
    fn the_stability_index_is_a_number_that_is_not_negative(counts in proptest::collection::vec((0..50_u8, 0..50_u8), 0..12)) {
        let (before, now): (Vec<f64>, Vec<f64>) = counts.into_iter().map(|(a, b)| (f64::from(a), f64::from(b))).unzip();
        prop_assert!(stability_index(&before, &now) >= 0.0);
    }
}
