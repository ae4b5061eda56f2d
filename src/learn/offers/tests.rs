//! Against cosines by hand, and against worlds whose best action is known.

use proptest::prelude::*;

use super::*;
use crate::numeric::Chance;

#[test]
fn items_that_go_together_are_suggested_with_the_reason() {
    let mut bought: Vec<(u64, &str, f64)> = Vec::new();
    for customer in 0..10 {
        bought.extend([(customer, "printer", 1.0), (customer, "ink", 1.0)]);
    }
    bought.extend([(10, "printer", 1.0), (10, "lamp", 1.0), (11, "lamp", 1.0), (11, "desk", 1.0)]);
    let items = Items::fit(&bought, 0.0);
    let found = items.suggest(&[("printer", 1.0), ("unknown", 1.0)], 5);
    assert_eq!((found[0].item.as_str(), found[0].because.as_str()), ("ink", "printer"));
    // each basket of two weighs ln 2 / sqrt 2: ink is held 10 times, printer 11, together 10
    let cosine = 10.0 / (10.0_f64.sqrt() * 11.0_f64.sqrt());
    assert!((found[0].score - cosine * 2.0_f64.ln()).abs() < 1e-6, "{found:?}");
    let shrunk = Items::fit(&bought, 10.0).suggest(&[("printer", 1.0)], 5);
    assert!((shrunk[0].score - cosine * 0.5 * 2.0_f64.ln()).abs() < 1e-6, "{shrunk:?}");
    assert!(
        items.suggest(&[("unknown", 1.0)], 5).is_empty() && Items::fit(&[], 1.0).suggest(&[("a", 1.0)], 1).is_empty()
    );
    let text = serde_json::to_string(&items).expect("saves");
    assert_eq!(serde_json::from_str::<Items>(&text).expect("loads"), items);
}

fn config() -> BanditConfig {
    BanditConfig { actions: 3, width: 1, baseline: 0, tolerance: 0.2, most_exploring: 0.2, noise: 0.5 }
}

/// Action 1 is best where the situation is above 0, action 2 is always bad, the baseline is even.
fn reward(action: usize, situation: f64, chance: &mut Chance) -> f64 {
    let mean = [0.5, 0.5 + 0.4 * situation, -0.5][action];
    mean + 0.2 * chance.normal()
}

#[test]
fn a_bandit_learns_what_is_best_where_without_doing_harm() {
    let mut bandit = Bandit::new(config()).expect("a bandit");
    let mut chance = Chance::new(1);
    let (mut ours, mut baseline, mut harm) = (0.0, 0.0, 0.0);
    for turn in 0..600 {
        let situation = if chance.unit() < 0.5 { 1.0 } else { -1.0 };
        let draw = bandit.draw(&[situation], turn).expect("draws");
        assert!(draw.chance > 0.0 && draw.chance <= 1.0);
        let got = reward(draw.action, situation, &mut chance);
        bandit.learn(draw.action, &[situation], got).expect("learns");
        if turn >= 300 {
            ours += got;
            baseline += 0.5;
            harm += f64::from(u8::from(draw.action == 2));
        }
    }
    assert!(ours > baseline * 1.2, "{ours} {baseline}");
    assert!(harm < 15.0, "{harm}");
    let best = |situation: f64| {
        let expected = bandit.expected(&[situation]).expect("expects");
        (0..3).max_by(|a, b| expected[*a].0.total_cmp(&expected[*b].0)).expect("actions")
    };
    assert_eq!((best(1.0), best(-1.0)), (1, 0));
    assert_eq!(bandit.draw(&[1.0], 7).ok(), bandit.draw(&[1.0], 7).ok());
}

#[test]
fn nothing_is_tried_where_nothing_may_be() {
    let careful = BanditConfig { most_exploring: 0.0, tolerance: 0.0, ..config() };
    let bandit = Bandit::new(careful).expect("a bandit");
    assert!((0..200).all(|seed| bandit.draw(&[1.0], seed).expect("draws").action == 0));
}

#[test]
fn bandits_that_cannot_be_are_refused() {
    let wrong = [
        BanditConfig { actions: 0, ..config() },
        BanditConfig { baseline: 3, ..config() },
        BanditConfig { noise: 0.0, ..config() },
        BanditConfig { most_exploring: 1.5, ..config() },
        BanditConfig { tolerance: f64::NAN, ..config() },
    ];
    assert!(wrong.into_iter().all(|config| Bandit::new(config).is_err()));
    let mut bandit = Bandit::new(config()).expect("a bandit");
    assert!(bandit.draw(&[], 1).is_err() && bandit.draw(&[f64::NAN], 1).is_err());
    assert!(bandit.learn(9, &[0.0], 1.0).is_err() && bandit.learn(0, &[0.0], f64::INFINITY).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_one_has_is_never_suggested(triples in proptest::collection::vec((0..6_u64, 0..8_usize, -1.0..5.0_f64), 0..60)) {
        const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let triples: Vec<(u64, &str, f64)> = triples.into_iter().map(|(who, what, much)| (who, NAMES[what], much)).collect();
        let items = Items::fit(&triples, 5.0);
        let has = [("a", 1.0), ("c", f64::MAX), ("d", -1.0)];
        let found = items.suggest(&has, 9);
        prop_assert!(found.iter().all(|one| has.iter().all(|(name, _)| *name != one.item) && one.score.is_finite()), "{found:?}");
    }
}
