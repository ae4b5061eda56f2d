//! Sums by hand, and that intervals hold what they promise where the truth is drawn.

use proptest::prelude::*;

use super::*;
use crate::numeric::Chance;

const NEW: [f64; 8] = [10.0, 14.0, 9.0, 12.0, 11.0, 15.0, 10.0, 13.0];

fn open(list: &[(f64, f64)]) -> Vec<Open> {
    list.iter().map(|(chance, amount)| Open { chance: *chance, amount: *amount }).collect()
}

#[test]
fn what_is_open_is_summed_by_chance() {
    let told = Forecast::of(&open(&[(0.5, 100.0), (0.2, 50.0), (1.0, 7.0)]), &NEW, 4).expect("forecasts");
    assert!((told.open - 67.0).abs() < 1e-12);
    assert!((told.open_deviation - (0.25 * 1e4 + 0.16 * 2500.0_f64).sqrt()).abs() < 1e-12);
    assert!(told.new > 8.0 && told.new < 16.0 && told.new_deviation > 0.0, "{told:?}");
    assert!(Forecast::of(&open(&[(1.5, 1.0)]), &NEW, 4).is_err());
    assert!(Forecast::of(&open(&[(0.5, f64::NAN)]), &NEW, 4).is_err());
    assert!(Forecast::of(&[], &NEW[..3], 4).is_err());
}

#[test]
fn former_forecasts_that_were_off_as_a_whole_correct_the_next() {
    let told = |deviation: f64| Forecast {
        promised: 100.0,
        open: 100.0,
        new: 0.0,
        open_deviation: deviation,
        new_deviation: 0.0,
    };
    let former = |deviation: f64, came: f64| vec![Former { told: told(deviation), open: came, new: 0.0 }; 8];
    let sure = told(10.0).corrected(&former(10.0, 80.0));
    // noise of 8 * 10^2 in 800^2 against a belief of 15 %
    let belief = 0.0225 / (0.0225 + 800.0 / 640_000.0);
    assert!((sure.open - (100.0 - 20.0 * belief)).abs() < 1e-9, "{sure:?}");
    let unsure = told(10.0).corrected(&former(100.0, 80.0));
    assert!(unsure.open > sure.open && unsure.open < 100.0, "{unsure:?}");
    assert_eq!(told(10.0).corrected(&[]), told(10.0));
    let worthless = Former { told: Forecast { promised: 0.0, ..told(0.0) }, open: 5.0, new: 0.0 };
    assert_eq!(told(10.0).corrected(&[worthless]), told(10.0));
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let mut chance = Chance::new(4);
    let mut draw = || {
        let deals: Vec<(f64, f64)> = (0..200).map(|_| (chance.unit(), 10.0 + 90.0 * chance.unit())).collect();
        // the chances promise a tenth too much, and the periods differ by more than their deals do
        let common = 0.9 + 0.05 * chance.normal();
        let came = deals.iter().filter(|(p, _)| chance.unit() < p * common).map(|(_, amount)| amount).sum::<f64>();
        (Forecast::of(&open(&deals), &[0.0; 8], 1).expect("forecasts"), came)
    };
    let (mut former, mut held, mut near, mut before): (Vec<Former>, _, _, _) = (Vec::new(), 0, 0, 0);
    for period in 0..140 {
        let (told, came) = draw();
        let told = told.corrected(&former);
        let interval = told.interval(&former, 0.8);
        if period >= 40 {
            held += usize::from(interval.low <= came && came <= interval.high);
            near += usize::from((told.open / came - 1.0).abs() < 0.1);
            before += usize::from((told.promised / came - 1.0).abs() < 0.1);
        }
        former.push(Former { told, open: came, new: 0.0 });
    }
    assert!((72..=90).contains(&held), "{held}");
    assert!(near > before + 10, "{near} {before}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn forecasts_are_numbers_or_errors(
        deals in proptest::collection::vec((any::<f64>(), any::<f64>()), 0..6),
        history in proptest::collection::vec(-1e6..1e6_f64, 0..14),
        season in 0..6_usize,
        cover in any::<f64>(),
    ) {
        if let Ok(told) = Forecast::of(&open(&deals), &history, season) {
            let former = [Former { told, open: 1.0, new: 2.0 }; 5];
            let interval = told.corrected(&former).interval(&former, cover);
            prop_assert!(interval.low <= interval.high || !interval.high.is_finite(), "{interval:?}");
        }
    }
}
