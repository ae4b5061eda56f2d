//! Against lifelines on made-up data, against counting by hand, and on data whose hazards are known.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::numeric::Chance;
use crate::table::{Builder, Cell, Feature, Kind, Table};

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).expect("numbers")
}

/// Exponential times whose rate depends on `risk`, watched for up to 3; `noise` says nothing.
fn made(rows: usize, seed: u64) -> (Table, Vec<f64>, Vec<bool>) {
    let mut chance = Chance::new(seed);
    let names = ["risk", "noise"].map(|name| Feature::new(name, Kind::Number));
    let mut builder = Builder::new(names.to_vec());
    let (mut durations, mut happened) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let (risk, noise) = (chance.normal(), chance.normal());
        builder.push(&[Cell::Number(risk), Cell::Number(noise)]).expect("numbers");
        let lasts = -(1.0 - chance.unit()).ln() * (-risk).exp();
        let watched = 3.0 * chance.unit();
        durations.push(lasts.min(watched));
        happened.push(lasts <= watched);
    }
    (builder.finish(), durations, happened)
}

#[test]
fn kaplan_meier_is_that_of_lifelines() {
    let made: Value = serde_json::from_str(include_str!("../fixtures/survival.json")).expect("JSON");
    let durations = numbers(&made["duration"]);
    let happened: Vec<bool> = numbers(&made["happened"]).into_iter().map(|had| had > 0.0).collect();
    let spells = Spells { durations: &durations, happened: &happened };
    let curve = KaplanMeier::fit(spells).expect("fits");
    let (left, low, high) = (numbers(&made["left"]), numbers(&made["low"]), numbers(&made["high"]));
    for (at, time) in numbers(&made["times"]).into_iter().enumerate() {
        let (from, to) = curve.interval(time, 1.959_963_985);
        for (ours, theirs) in [(curve.at(time), left[at]), (from, low[at]), (to, high[at])] {
            assert!((ours - theirs).abs() < 1e-6, "{time}: {ours} {theirs}");
        }
    }
    let found = concordance(&numbers(&made["risk"]), spells).expect("fits").expect("pairs");
    assert!((found - made["concordance"].as_f64().expect("a number")).abs() < 1e-9, "{found}");
    let text = serde_json::to_string(&curve).expect("saves");
    assert_eq!(serde_json::from_str::<KaplanMeier>(&text).expect("loads"), curve);
}

#[test]
fn proportional_hazards_are_those_of_lifelines() {
    let made: Value = serde_json::from_str(include_str!("../fixtures/survival.json")).expect("JSON");
    let (durations, risk) = (numbers(&made["duration"]), numbers(&made["risk"]));
    let happened: Vec<bool> = numbers(&made["happened"]).into_iter().map(|had| had > 0.0).collect();
    let mut builder = Builder::new(vec![Feature::new("risk", Kind::Number)]);
    risk.iter().for_each(|risk| builder.push(&[Cell::Number(*risk)]).expect("a number"));
    let (table, rows) = (builder.finish(), (0..risk.len() as u32).collect::<Vec<_>>());
    let spells = Spells { durations: &durations, happened: &happened };
    let told = made["cox"].as_f64().expect("a number");
    let free = cox::Cox::weights_under(&table, spells, &rows, 1e-6).expect("fits")[0];
    assert!((free / told - 1.0).abs() < 1e-4, "{free} {told}");
    let held = cox::Cox::weights_under(&table, spells, &rows, 50.0).expect("fits")[0];
    assert!(held > 0.2 * told && held < 0.9 * told, "{held} {told}");
    let fitted = cox::Cox::fit(&table, spells, &rows).expect("fits");
    let factors = fitted.log_factors(&table, &rows).expect("factors");
    let found = concordance(&factors, spells).expect("scores").expect("pairs");
    assert!((found - made["concordance"].as_f64().expect("a number")).abs() < 1e-9, "{found}");
    let why = fitted.contributions(&table, 3).expect("explains");
    assert!((why.score() - factors[3]).abs() < 1e-12);
}

#[test]
fn the_risk_of_all_gives_the_curve_of_all_at_every_time() {
    let (_, durations, happened) = made(300, 9);
    let spells = Spells { durations: &durations, happened: &happened };
    let rows: Vec<u32> = (0..300).collect();
    let curve = KaplanMeier::fit(spells).expect("fits");
    let intervals = Intervals::fit(spells, &rows, 7).expect("fits");
    let risks: Vec<f64> = intervals.log_risks().into_iter().map(f64::exp).collect();
    let last = intervals.bounds()[intervals.count() - 1];
    let times: Vec<f64> = (0..90).map(|at| last * f64::from(at) / 90.0).collect();
    for (time, (place, share)) in times.iter().zip(intervals.passed(&times)) {
        let left = (-risks[..place].iter().sum::<f64>() - share * risks[place]).exp();
        assert!((left - curve.at(*time)).abs() < 1e-9, "{time}: {left}");
    }
    let [(place, share)] = intervals.passed(&[2.0 * last])[..] else { panic!("one time") };
    assert!(place == intervals.count() - 1 && share > 1.0, "the last risk stays: {place} {share}");
}

/// A cause that turns around: proportional hazards cannot see it, chances in intervals can.
#[test]
fn the_model_that_tells_unseen_rows_better_weighs_more() {
    let (mut chance, mut builder) = (Chance::new(6), Builder::new(vec![Feature::new("cause", Kind::Number)]));
    let (mut durations, mut happened) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        let cause = chance.unit() - 0.5;
        builder.push(&[Cell::Number(cause)]).expect("a number");
        // those in the middle go late, those at both ends soon
        let lasts = if cause.abs() < 0.25 { 2.0 + chance.unit() } else { 0.2 + chance.unit() };
        durations.push(lasts);
        happened.push(chance.unit() < 0.9);
    }
    let (table, rows) = (builder.finish(), (0..300).collect::<Vec<u32>>());
    let spells = Spells { durations: &durations, happened: &happened };
    let settings = SurvivalSettings { intervals: 4, folds: 2, ..SurvivalSettings::default() };
    let model = Hazards::fit(&table, spells, &rows, &settings, &|_, _| true).expect("fits");
    let Shares { everyone, proportional, discrete } = model.shares();
    assert!(discrete > proportional && discrete > everyone, "{:?}", model.shares());
    assert!((everyone + proportional + discrete - 1.0).abs() < 1e-12);
    // a fit for all rows and one for each fold, each of more than 20 steps: this is in the midst of the folds
    let steps = AtomicUsize::new(0);
    let go_on = |_, _| steps.fetch_add(1, Ordering::Relaxed) < 40;
    let cancelled = Hazards::fit(&table, spells, &rows, &settings, &go_on);
    assert!(matches!(cancelled, Err(LearnError::Cancelled)));
}

#[test]
fn kaplan_meier_by_hand() {
    let spells = Spells { durations: &[1.0, 2.0, 2.0, 3.0], happened: &[true, true, false, true] };
    let curve = KaplanMeier::fit(spells).expect("fits");
    assert_eq!([0.5, 1.0, 2.5, 3.0].map(|time| curve.at(time)), [1.0, 0.75, 0.5, 0.0]);
    assert_eq!((curve.before(1.0), curve.time_of(0.5), curve.time_of(0.1)), (1.0, Some(2.0), Some(3.0)));
    assert_eq!(curve.interval(3.0, 2.0), (0.0, 0.0));
    assert!(KaplanMeier::fit(Spells { durations: &[-1.0], happened: &[true] }).is_err());
    assert!(KaplanMeier::fit(Spells { durations: &[1.0], happened: &[] }).is_err());
}

#[test]
fn brier_of_what_is_known_is_none_and_of_a_coin_a_quarter() {
    let spells = Spells { durations: &[1.0, 3.0], happened: &[true, true] };
    let watch = KaplanMeier::default();
    let grid = [0.5, 2.0, 2.5];
    let known = vec![vec![1.0, 0.0, 0.0], vec![1.0, 1.0, 1.0]];
    assert_eq!(integrated_brier(&known, &grid, spells, &watch).expect("scores"), 0.0);
    let coin = vec![vec![0.5; 3]; 2];
    assert_eq!(integrated_brier(&coin, &grid, spells, &watch).expect("scores"), 0.25);
    assert!(integrated_brier(&known, &grid[..1], spells, &watch).is_err());
    assert!(integrated_brier(&known, &[2.0, 1.0, 0.0], spells, &watch).is_err());
}

#[test]
fn hazards_find_who_goes_first_and_when() {
    let (table, durations, happened) = made(400, 3);
    let spells = Spells { durations: &durations, happened: &happened };
    let rows: Vec<u32> = (0..400).collect();
    let settings = SurvivalSettings { intervals: 6, folds: 2, ..SurvivalSettings::default() };
    let model = Hazards::fit(&table, spells, &rows, &settings, &|_, _| true).expect("fits");
    let (test, lasts, had) = made(400, 4);
    let held = Spells { durations: &lasts, happened: &had };
    let found = concordance(&model.risks(&test, &rows).expect("risks"), held).expect("scores").expect("pairs");
    let risk: Vec<f64> = rows.iter().map(|row| test.column(0).number(*row as usize)).collect();
    let best = concordance(&risk, held).expect("scores").expect("pairs");
    assert!(found > best - 0.02, "{found} {best}");
    let curves = model.survival(&test, &rows, &[0.0, 0.3, 1.0, 9.0]).expect("curves");
    let (mut told, mut truth) = (0.0, 0.0);
    for (row, curve) in curves.iter().enumerate() {
        assert!(curve[0] == 1.0 && curve.windows(2).all(|pair| pair[0] >= pair[1]), "{curve:?}");
        told += curve[1] / 400.0;
        truth += (-0.3 * risk[row].exp()).exp() / 400.0;
    }
    assert!((told - truth).abs() < 0.05, "{told} {truth}");
    let why = model.contributions(&test, 0, 0.5).expect("explains");
    assert_eq!(why.strongest(1)[0].0, 0, "{why:?}");
    let back = Hazards::load(&model.save().expect("saves")).expect("loads");
    assert_eq!(back.survival(&test, &rows[..5], &[0.4]).ok(), model.survival(&test, &rows[..5], &[0.4]).ok());
    assert!(Hazards::load(b"{\"bounds\":[]}").is_err());
    assert!(matches!(model.survival(&test, &[9999], &[1.0]), Err(LearnError::NoRow { .. })));
    let never = vec![false; 400];
    let none = Spells { durations: &durations, happened: &never };
    assert!(Hazards::fit(&table, none, &rows, &settings, &|_, _| true).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn concordance_is_what_counting_pairs_gives(
        rows in proptest::collection::vec((0..6_u8, 0..5_u8, any::<bool>()), 1..30),
    ) {
        let durations: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
        let risks: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
        let happened: Vec<bool> = rows.iter().map(|row| row.2).collect();
        let (mut right, mut pairs) = (0.0, 0.0);
        for a in 0..rows.len() {
            for b in 0..rows.len() {
                let first = durations[a] < durations[b] || (durations[a] == durations[b] && !happened[b]);
                if happened[a] && first {
                    pairs += 1.0;
                    right += if risks[a] > risks[b] { 1.0 } else if risks[a] == risks[b] { 0.5 } else { 0.0 };
                }
            }
        }
        let found = concordance(&risks, Spells { durations: &durations, happened: &happened }).expect("scores");
        prop_assert_eq!(found, (pairs > 0.0).then(|| right / pairs));
    }
}

/// Half of the deals are won at a rate of 0.05 a day and lost at 0.03, the others at 0.01 and 0.07; looking ends at 30.
#[test]
fn competing_outcomes_share_the_risk() {
    let rates = [(0.05, 0.03), (0.01, 0.07)];
    let mut builder = Builder::new(vec![Feature::new("warm", Kind::YesNo)]);
    let mut chance = Chance::new(5);
    let (mut durations, mut ended) = (Vec::new(), Vec::new());
    for row in 0..600 {
        let (won, lost) = rates[row % 2];
        builder.push(&[Cell::YesNo(row % 2 == 0)]).expect("a flag");
        let lasted: f64 = -(1.0 - chance.unit()).ln() / (won + lost);
        let outcome = usize::from(chance.unit() >= won / (won + lost));
        durations.push(lasted.min(30.0));
        ended.push((lasted < 30.0).then_some(outcome));
    }
    let table = builder.finish();
    let rows: Vec<u32> = (0..600).collect();
    let settings = SurvivalSettings { intervals: 2, ..SurvivalSettings::default() };
    let fit =
        |ended: &[Option<usize>]| Incidence::fit(&table, (&durations, ended), &rows, (2, &settings), &|_, _| true);
    let model = fit(&ended).expect("fits");
    let times = [0.0, 10.0, 30.0];
    let (won, lost) =
        (model.by(&table, &[0, 1], 0, &times).expect("says"), model.by(&table, &[0, 1], 1, &times).expect("says"));
    for (row, (win, lose)) in rates.into_iter().enumerate() {
        for (at, time) in times.into_iter().enumerate() {
            let truth = win / (win + lose) * (1.0 - (-(win + lose) * time).exp());
            assert!((won[row][at] - truth).abs() < 0.08, "{row} {time}: {} {truth}", won[row][at]);
            assert!(won[row][at] + lost[row][at] <= 1.0);
        }
    }
    let back = Incidence::load(&model.save().expect("saves")).expect("loads");
    assert_eq!(back.by(&table, &[0], 0, &times).expect("says"), [won[0].clone()]);
    assert!(model.by(&table, &[0], 2, &times).is_err() && Incidence::load(b"{}").is_err());
    assert!(matches!(fit(&vec![Some(2); 600]), Err(crate::LearnError::OutOfRange { at: 0, .. })));
}
