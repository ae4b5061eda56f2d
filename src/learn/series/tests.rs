//! Against closed forms, and against what statsforecast and statsmodels said of the same made-up series.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::numeric::Chance;

fn fixture() -> Value {
    serde_json::from_str(include_str!("../fixtures/series.json")).expect("JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).expect("numbers")
}

/// Root mean square of the distances, in parts of that of `b`'s distances from its mean.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    let mean = b.iter().sum::<f64>() / b.len() as f64;
    let off: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    let whole: f64 = b.iter().map(|b| (b - mean).powi(2)).sum();
    assert_eq!(a.len(), b.len());
    (off / whole).sqrt()
}

/// Found by the fuzzer: twice such a season is no number.
#[test]
fn a_season_beyond_all_numbers_is_none() {
    let values: Vec<f64> = (0..40).map(|at| 10.0 + f64::from(at % 12)).collect();
    for season in [usize::MAX, usize::MAX / 2 + 1] {
        assert!(Mstl::fit(&values, &[season]).is_err());
        let form = EtsForm { relative_error: false, trend: Trend::None, season: Season::Additive };
        assert!(Ets::fit_form(&values, season, form).is_err());
        let ensemble = Ensemble::fit(&values, &[season], 6).expect("fits without");
        assert!(ensemble.forecast(6).iter().all(|value| value.is_finite()));
        assert_eq!(scaled_error(&[1.0], &[1.0], &values, season), None);
        let parts = decompose(&values, &[season]).expect("takes apart");
        assert!(parts.seasons[0].iter().all(|value| *value == 0.0));
    }
}

#[test]
fn naive_and_drift_match_their_definitions() {
    let values = [1.0, 5.0, 2.0, 6.0, 3.0, 7.0];
    let cases: [(Box<dyn Forecaster>, Vec<f64>); 4] = [
        (Box::new(SeasonalNaive::fit(&values, 2).expect("fits")), vec![3.0, 7.0, 3.0]),
        (Box::new(SeasonalNaive::fit(&values, 9).expect("fits")), vec![7.0, 7.0, 7.0]),
        (Box::new(Drift::fit(&values, 2).expect("fits")), vec![4.0, 8.0, 5.0]),
        (Box::new(Drift::fit(&values[..2], 1).expect("fits")), vec![9.0, 13.0, 17.0]),
    ];
    for (method, told) in cases {
        assert_eq!(method.forecast(3), told, "{}", method.name());
    }
    assert!(matches!(SeasonalNaive::fit(&[], 1), Err(LearnError::ShortSeries { .. })));
    assert!(matches!(Drift::fit(&[1.0, f64::NAN], 1), Err(LearnError::GapInSeries { at: 1 })));
}

#[test]
fn scaled_error_is_one_for_errors_as_large_as_naive_ones() {
    let learned = [1.0, 2.0, 4.0];
    assert_eq!(scaled_error(&[5.0], &[6.5], &learned, 1), Some(1.0));
    assert_eq!(scaled_error(&[5.0], &[6.5], &[3.0; 4], 1), None);
}

#[test]
fn theta_follows_a_line_at_half_its_slope_from_the_level() {
    let line: Vec<f64> = (0..40).map(|at| 10.0 + 2.0 * f64::from(at)).collect();
    let told = Theta::fit(&line, 1).expect("fits").forecast(5);
    let steps: Vec<f64> = told.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps.iter().all(|step| (step - 1.0).abs() < 1e-9), "{steps:?}");
    let made = fixture();
    let told = Theta::fit(&numbers(&made["values"]), 12).expect("fits").forecast(12);
    let reference = numbers(&made["theta"]);
    let worst = told.iter().zip(&reference).map(|(a, b)| (a / b - 1.0).abs()).fold(0.0, f64::max);
    assert!(worst < 0.01, "{worst}: {told:?} {reference:?}");
}

#[test]
fn decomposition_is_that_of_statsmodels() {
    let made = fixture();
    let values = numbers(&made["values"]);
    let parts = decompose(&values, &[12]).expect("decomposes");
    let off = apart(&parts.seasons[0], &numbers(&made["stl"]["season"]));
    assert!(off < 1e-6, "{off}");
    assert!(apart(&parts.trend, &numbers(&made["stl"]["trend"])) < 1e-6);
    let daily = numbers(&made["daily"]);
    let parts = decompose(&daily, &[7, 30]).expect("decomposes");
    for (season, reference) in parts.seasons.iter().zip(made["mstl"]["seasons"].as_array().expect("two")) {
        assert!(apart(season, &numbers(reference)) < 1e-4, "{}", apart(season, &numbers(reference)));
    }
    assert!(apart(&parts.trend, &numbers(&made["mstl"]["trend"])) < 1e-4);
    for (at, value) in daily.iter().enumerate() {
        let sum = parts.trend[at] + parts.seasons[0][at] + parts.seasons[1][at] + parts.rest[at];
        assert!((sum - value).abs() < 1e-9);
    }
}

#[test]
fn smoothing_forecasts_as_statsforecast_does() {
    let made = fixture();
    for (values, season, reference) in [("values", 12, "ets"), ("flat", 1, "etsFlat")] {
        let values = numbers(&made[values]);
        let model = Ets::fit(&values, season).expect("fits");
        let (told, reference) = (model.forecast(12), numbers(&made[reference]));
        let worst = told.iter().zip(&reference).map(|(a, b)| (a / b - 1.0).abs()).fold(0.0, f64::max);
        assert!(worst < 0.02, "{:?}: {worst}", model.form());
    }
}

#[test]
fn smoothing_recovers_a_noiseless_season() {
    let values: Vec<f64> = (0..48).map(|at| 20.0 + f64::from(at) + [0.0, 5.0, -3.0, -2.0][at as usize % 4]).collect();
    let told = Ets::fit(&values, 4).expect("fits").forecast(4);
    for (step, told) in told.iter().enumerate() {
        let truth = 68.0 + step as f64 + [0.0, 5.0, -3.0, -2.0][step];
        assert!((told - truth).abs() < 0.1, "{told} {truth}");
    }
}

/// A level with trend, season and noise.
fn made(count: usize, season: usize, noise: f64, seed: u64) -> Vec<f64> {
    let mut chance = Chance::new(seed);
    let turn = |at: usize| (at as f64 * std::f64::consts::TAU / season as f64).sin();
    (0..count).map(|at| 100.0 + 0.4 * at as f64 + 15.0 * turn(at) + noise * chance.normal()).collect()
}

#[test]
fn an_ensemble_beats_naive_and_its_intervals_hold_what_they_promise() {
    let (mut held, mut all, mut better) = (0.0, 0.0, 0);
    for seed in 0..6 {
        let measured = measure_series(&made(64, 4, 4.0, seed), 4, 3).expect("measures");
        held += measured.coverage * measured.values as f64;
        all += measured.values as f64;
        better += usize::from(measured.mase < measured.naive_mase);
    }
    assert!((0.65..=0.95).contains(&(held / all)), "{}", held / all);
    assert!(better >= 4, "{better} of 6");
}

#[test]
fn weights_say_which_method_was_right() {
    let ensemble = Ensemble::fit(&made(60, 4, 0.5, 3), &[4], 4).expect("fits");
    let share: f64 = ensemble.weights().iter().map(|weight| weight.share).sum();
    assert!((share - 1.0).abs() < 1e-9);
    let of = |name: &str| ensemble.weights().iter().find(|weight| weight.method == name).map(|weight| weight.share);
    assert!(of("exponential smoothing") > of("seasonal naive"), "{:?}", ensemble.weights());
    let short = Ensemble::fit(&[3.0, 4.0, 5.0, 6.0], &[12], 3).expect("fits");
    assert!(short.intervals(3, 0.8).is_none() && short.forecast(3).iter().all(|value| value.is_finite()));
}

#[test]
fn reconciled_forecasts_agree_and_weigh_errors() {
    let tree = Hierarchy::new(vec![vec![0, 1]], 2).expect("a tree");
    let told = vec![vec![12.0], vec![4.0], vec![5.0]];
    // ordinary least squares spreads the gap of 3 evenly over total and parts
    let equal = tree.reconcile(&told, Weighting::Equal).expect("agrees");
    assert!((equal[0][0] - 11.0).abs() < 1e-9 && (equal[1][0] - 5.0).abs() < 1e-9, "{equal:?}");
    let parts = tree.reconcile(&told, Weighting::BottomUp).expect("agrees");
    assert_eq!((parts[0][0], parts[1][0]), (9.0, 4.0));
    // uncorrelated errors of variances 1, 1 and 4: the gap is shared as 1 : 1 : 4
    let errors = [vec![1.0, -1.0, 1.0, -1.0], vec![1.0, 1.0, -1.0, -1.0], vec![2.0, -2.0, -2.0, 2.0]];
    let mint = tree.reconcile(&told, Weighting::Errors(&errors)).expect("agrees");
    assert!((mint[0][0] - 11.5).abs() < 1e-9 && (mint[2][0] - 7.0).abs() < 1e-9, "{mint:?}");
    assert!(Hierarchy::new(vec![vec![2]], 2).is_err() && Hierarchy::new(vec![], 0).is_err());
    assert!(tree.reconcile(&told[..2], Weighting::Equal).is_err());
    assert!(tree.reconcile(&told, Weighting::Errors(&vec![vec![0.0; 4]; 3])).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_series_makes_an_ensemble_panic(
        values in proptest::collection::vec(prop_oneof![Just(0.0), Just(1e300), Just(-1e300), Just(1e-300), -5.0..5.0_f64, Just(f64::NAN)], 0..40),
        season in 0..14_usize,
        steps in 0..9_usize,
    ) {
        if let Ok(ensemble) = Ensemble::fit(&values, &[season], steps) {
            prop_assert_eq!(ensemble.forecast(steps).len(), steps);
            if let Some(intervals) = ensemble.intervals(steps, 0.8) {
                prop_assert!(intervals.iter().all(|interval| interval.high >= interval.low || interval.mean.is_nan()));
            }
        } else {
            prop_assert!(values.len() < 4 || values.iter().any(|value| value.is_nan()));
        }
    }

    #[test]
    fn reconciled_forecasts_always_agree(told in proptest::collection::vec(-1e6..1e6_f64, 7), seed in 0..1000_u64) {
        let tree = Hierarchy::new(vec![vec![0, 1, 2, 3], vec![0, 1], vec![2, 3]], 4).expect("a tree");
        let mut chance = Chance::new(seed);
        let errors: Vec<Vec<f64>> = (0..7).map(|_| (0..12).map(|_| chance.normal()).collect()).collect();
        let told: Vec<Vec<f64>> = told.into_iter().map(|value| vec![value]).collect();
        for weighting in [Weighting::BottomUp, Weighting::Equal, Weighting::Errors(&errors)] {
            let agreed = tree.reconcile(&told, weighting).expect("agrees");
            let parts: Vec<f64> = agreed[3..].iter().map(|series| series[0]).collect();
            for (whole, sum) in agreed.iter().zip(tree.sums(&parts)) {
                prop_assert!((whole[0] - sum).abs() < 1e-6 * (1.0 + sum.abs()));
            }
        }
    }
}
