//! Against scikit-learn on made-up points, and against data whose segments and oddities are known.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::numeric::Chance;

fn fixture() -> Value {
    serde_json::from_str(include_str!("../fixtures/groups.json")).expect("JSON")
}

fn points(value: &Value) -> Points {
    let rows: Vec<[f64; 2]> = serde_json::from_value(value.clone()).expect("points");
    Points::new(rows.into_iter().flatten().collect(), 2).expect("points")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn centres_and_mixtures_are_as_good_as_those_of_scikit_learn() {
    let made = fixture();
    let (points, truth): (Points, Vec<usize>) =
        (points(&made["points"]), serde_json::from_value(made["truth"].clone()).expect("segments"));
    let near = KMeans::fit(&points, 3, 1).expect("fits");
    assert!((near.spread / number(&made["inertia"]) - 1.0).abs() < 1e-6, "{}", near.spread);
    let found = near.segments(&points);
    assert!(adjusted_rand(&found, &truth) >= number(&made["kMeansRand"]) - 0.01);
    let judged = silhouette(&points, &found, 1000, 1).expect("segments");
    assert!((judged - number(&made["silhouette"])).abs() < 1e-9, "{judged}");
    let mixture = Mixture::fit(&points, 3, 1).expect("fits");
    assert!((mixture.log_likelihood - number(&made["logLikelihood"])).abs() < 0.1, "{}", mixture.log_likelihood);
    let found = mixture.segments(&points).expect("segments");
    assert!(adjusted_rand(&found, &truth) >= number(&made["mixtureRand"]) - 0.01);
    assert_eq!(KMeans::fit_best(&points, 6, 1).expect("fits").centres.len(), 3);
    assert_eq!(Mixture::fit_best(&points, 6, 1).expect("fits").shares.len(), 3);
}

#[test]
fn a_forest_finds_the_odd_ones_as_scikit_learn_does() {
    let made = fixture();
    let odd = points(&made["odd"]);
    let mean = (0..5).map(|seed| {
        let scores = IsolationForest::fit(&odd, seed).expect("fits").scores(&odd).expect("scores");
        let labels: Vec<bool> = (0..odd.len()).map(|row| row >= 180).collect();
        average_precision(&scores, &labels).expect("odd ones")
    });
    let precision = mean.sum::<f64>() / 5.0;
    assert!(precision > number(&made["precision"]) - 0.02, "{precision} {}", made["precision"]);
}

#[test]
fn average_precision_matches_hand_computed_values() {
    let odd = [true, false, true, false];
    // found at places 1 and 3
    let found = average_precision(&[0.9, 0.8, 0.7, 0.1], &odd).expect("odd ones");
    assert!((found - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12, "{found}");
    assert_eq!(average_precision(&[0.5; 4], &odd), Some(0.5));
    assert_eq!((average_precision(&[0.5; 4], &[false; 4]), average_precision(&[0.5], &odd)), (None, None));
}

#[test]
fn labelled_sets_are_measured() {
    let made = fixture();
    let rows: Vec<[f64; 2]> = serde_json::from_value(made["points"].clone()).expect("points");
    let labels: Vec<usize> = serde_json::from_value(made["truth"].clone()).expect("segments");
    let values: Vec<f64> = rows.into_iter().flatten().collect();
    let set = GroupsSet::Clusters { width: 2, count: 3, values: values.clone(), labels };
    let GroupsMeasured::Clusters { k_means, mixture, k_means_count, mixture_count, .. } =
        measure_groups(&set).expect("measures")
    else {
        panic!("clusters")
    };
    assert!(k_means > 0.9 && mixture > 0.9 && (k_means_count, mixture_count) == (3, 3), "{k_means} {mixture}");
    let series: Vec<f64> =
        (0..96).map(|at| [5.0, 9.0, 2.0, 7.0][at % 4] + if at == 50 { 8.0 } else { (at % 7) as f64 / 9.0 }).collect();
    let labels: Vec<usize> = (0..96).map(|at| usize::from(at == 50)).collect();
    let other = Draw { values: series[..88].to_vec(), labels: labels[..88].to_vec() };
    let draws = vec![Draw { values: series, labels }, other];
    let found = measure_groups(&GroupsSet::Moments { season: 4, draws }).expect("measures");
    assert_eq!(found, GroupsMeasured::Odd { precision: 1.0, each: vec![1.0, 1.0], naive: 2.0 / 184.0 });
    assert!(measure_groups(&GroupsSet::Anomalies { width: 2, values, labels: vec![1] }).is_err());
}

#[test]
fn all_rows_alike_are_no_mixture() {
    let alike = Points::new(vec![1.0; 240], 2).expect("points");
    assert!(matches!(Mixture::fit_best(&alike, 3, 1), Err(LearnError::AllAlike)));
}

#[test]
fn agreement_is_one_for_the_same_and_none_for_chance() {
    assert_eq!(adjusted_rand(&[0, 0, 1, 1], &[1, 1, 0, 0]), 1.0);
    assert_eq!(adjusted_rand(&[0, 0, 1, 1], &[0, 0, 0, 0]), 0.0);
    // by hand from the contingency table of Hubert and Arabie: cells 2, 1, 1 of pairs 1, 0, 0
    let by_hand = (1.0 - 3.0 * 2.0 / 6.0) / ((3.0 + 2.0) / 2.0 - 3.0 * 2.0 / 6.0);
    assert!((adjusted_rand(&[0, 0, 0, 1], &[0, 0, 1, 1]) - by_hand).abs() < 1e-12);
}

#[test]
fn moments_that_stand_out_are_found_and_no_others() {
    let mut chance = Chance::new(3);
    let turn = |at: usize| (at as f64 * std::f64::consts::TAU / 12.0).sin();
    let mut values: Vec<f64> = (0..96).map(|at| 50.0 + 0.2 * at as f64 + 10.0 * turn(at) + chance.normal()).collect();
    values[40] += 15.0;
    values[70] -= 12.0;
    let found = outliers(&values, &[12], 5.0).expect("looks");
    assert_eq!(found.iter().map(|outlier| outlier.at).collect::<Vec<_>>(), [40, 70], "{found:?}");
    assert!(found[0].deviations > 5.0 && found[1].deviations < -5.0);
    let mut flat = vec![7.0; 30];
    assert!(outliers(&flat, &[], 3.5).expect("looks").is_empty());
    flat[12] = 9.0;
    assert!(outliers(&flat, &[], 3.5).expect("looks").iter().any(|outlier| outlier.at == 12));
}

#[test]
fn what_is_usual_grows_with_the_series() {
    let mut chance = Chance::new(8);
    let grown = |at: usize| 10.0 * (at as f64 / 60.0).exp();
    let mut values: Vec<f64> = (0..144).map(|at| grown(at) * (1.0 + 0.03 * chance.normal())).collect();
    let early = 20;
    values[early] += 0.3 * grown(early);
    let moments = unusual(&values, &[12]).expect("looks");
    let far = |at: usize| moments[at].deviations.abs();
    assert!((0..144).all(|at| at == early || far(at) < far(early)), "{}", far(early));
    let off = |at: usize| (moments[at].value - moments[at].expected).abs();
    assert!((0..144).any(|at| off(at) > off(early)), "it is the farthest anyhow: a test of nothing");
}

#[test]
fn points_come_from_tables() {
    let csv = "size,kind\n1,a\n2,a\n3,b\n4,b\n5,a\n6,b\n7,a\n8,b\n9,a\n10,b\n";
    let table = crate::table::read_csv(std::io::Cursor::new(csv), &Default::default()).expect("readable").table;
    let points = Points::of(&table, &(0..10).collect::<Vec<_>>()).expect("points");
    assert_eq!((points.len(), points.width()), (10, 3));
    assert!(
        Points::of(&table, &[99]).is_err()
            && Points::new(vec![1.0], 0).is_err()
            && Points::new(vec![f64::NAN], 1).is_err()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_points_make_anything_panic(
        values in proptest::collection::vec(prop_oneof![Just(0.0), Just(1e150), -3.0..3.0_f64], 0..40),
        width in 1..4_usize,
        count in 0..6_usize,
    ) {
        let whole = values.len() / width * width;
        let points = Points::new(values[..whole].to_vec(), width).expect("points");
        if let Ok(near) = KMeans::fit(&points, count, 1) {
            prop_assert_eq!(near.segments(&points).len(), points.len());
        }
        let _ = KMeans::fit_best(&points, count, 1);
        if let Ok(mixture) = Mixture::fit(&points, count.max(1), 1) {
            prop_assert!((mixture.shares.iter().sum::<f64>() - 1.0).abs() < 1e-6);
        }
        let _ = Mixture::fit_best(&points, count, 1);
        if let Ok(forest) = IsolationForest::fit(&points, 1) {
            prop_assert!(forest.scores(&points).expect("scores").iter().all(|score| (0.0..=1.0).contains(score)));
        }
    }
}
