//! The firm's small sister in seconds: that what the benchmark measures holds together, with floors that a broken model
//! or a broken simulation would not reach.
#![allow(dead_code, reason = "shared with the benchmark")]

mod bookings;
mod chance;
mod churn;
mod customer;
mod deal;
mod deals;
mod firm;
mod traces;
mod world;

use aplomb_learn::choose::Settings;

use firm::Firm;
use world::SMALL;

#[test]
fn a_small_firm_is_understood() {
    let firm = Firm::live(5, SMALL);
    let again = Firm::live(5, SMALL);
    assert_eq!((firm.lives.len(), firm.deals.log.len()), (again.lives.len(), again.deals.log.len()));
    let won = firm.lives.iter().filter(|life| life.won()).count() as f64 / firm.lives.len() as f64;
    assert!((0.1..0.4).contains(&won), "{won}");
    let settings = Settings { threads: 2, folds: 2, ..Settings::default() };
    let deals = deals::judge(&firm, &settings).expect("judges");
    let [ours, oracle] = [&deals.ours, &deals.oracle].map(|metrics| metrics.auc.expect("both outcomes"));
    assert!(
        ours > 0.7 && ours < oracle + 0.02,
        "no better than who knows all, and better than a guess: {ours} {oracle}"
    );
    assert!(deals.ours.brier < deals.naive.brier - 0.02);
    assert!(deals.named > deals.named_always + 0.05 && deals.named > 0.7, "{} {}", deals.named, deals.named_always);
    assert_eq!(deals.by_cause.iter().map(|(_, deals, _)| deals).sum::<usize>(), deals.judged);
    let churn = churn::judge(&firm, &settings).expect("judges");
    let [ours, oracle] = [&churn.ours, &churn.oracle].map(|metrics| metrics.auc.expect("both outcomes"));
    assert!(ours > 0.55 && ours < oracle + 0.05, "{ours} {oracle}");
    assert!(churn.silent > 0 && churn.silent_known > 0.1, "{} {}", churn.silent, churn.silent_known);
}
