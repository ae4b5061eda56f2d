//! Against lifetimes on made-up customers, and against what follows from the models' definitions.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn fixture() -> (Vec<Customer>, Value) {
    let made: Value = serde_json::from_str(include_str!("../fixtures/customers.json")).expect("JSON");
    let rows: Vec<[f64; 4]> = serde_json::from_value(made["rows"].clone()).expect("rows");
    let customer = |[repeats, recency, age, value]: [f64; 4]| Customer { repeats, recency, age, value };
    (rows.into_iter().map(customer).collect(), made)
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).expect("numbers")
}

#[test]
fn purchases_are_those_of_lifetimes() {
    let (customers, made) = fixture();
    let [shape, scale, stop, stay] = numbers(&made["buys"])[..] else { panic!("four parameters") };
    let theirs = Purchases { shape, scale, stop, stay };
    let (expected, alive) = (numbers(&made["expected"]), numbers(&made["alive"]));
    for (at, customer) in customers.iter().enumerate() {
        let (buys, lives) = (theirs.expected(customer, 26.0), theirs.alive(customer));
        assert!((buys / expected[at] - 1.0).abs() < 1e-5, "{customer:?}: {buys} {}", expected[at]);
        assert!((lives - alive[at]).abs() < 1e-6, "{customer:?}: {lives} {}", alive[at]);
    }
    let ours = Purchases::fit(&customers).expect("fits");
    let reached: f64 = customers.iter().map(|customer| theirs.log_likelihood(customer)).sum();
    assert!(ours.log_likelihood >= reached - 1e-3, "{} {reached}", ours.log_likelihood);
    let total = |model: &Purchases| customers.iter().map(|customer| model.expected(customer, 26.0)).sum::<f64>();
    assert!((total(&ours.model) / total(&theirs) - 1.0).abs() < 0.01, "{} {}", total(&ours.model), total(&theirs));
}

#[test]
fn spending_is_that_of_lifetimes() {
    let (customers, made) = fixture();
    let [shape, spread, scale] = numbers(&made["spends"])[..] else { panic!("three parameters") };
    let theirs = Spending { shape, spread, scale };
    for (customer, worth) in customers.iter().zip(numbers(&made["worth"])) {
        assert!((theirs.expected(customer) / worth - 1.0).abs() < 1e-6, "{customer:?} {worth}");
    }
    let ours = Spending::fit(&customers).expect("fits");
    let paid = customers.iter().filter(|customer| customer.value > 0.0);
    let reached: f64 = paid.map(|customer| theirs.log_likelihood(customer)).sum();
    assert!(ours.log_likelihood >= reached - 1e-3, "{} {reached}", ours.log_likelihood);
}

#[test]
fn a_lifetime_is_worth_its_discounted_purchases() {
    let (customers, _) = fixture();
    let (buys, spends) =
        (Purchases::fit(&customers).expect("fits").model, Spending::fit(&customers).expect("fits").model);
    let customer = customers.iter().find(|customer| customer.repeats > 2.0).expect("one");
    let plain = lifetime_value(&buys, &spends, customer, 4, (6.5, 0.0, 1.0));
    assert!((plain / (buys.expected(customer, 26.0) * spends.expected(customer)) - 1.0).abs() < 1e-9);
    assert!(lifetime_value(&buys, &spends, customer, 4, (6.5, 0.1, 1.0)) < plain);
}

#[test]
fn customers_come_from_purchases() {
    let customer = Customer::from_purchases(&[(5, 2.0), (1, 9.0), (5, 4.0), (8, 2.0), (20, 7.0)], 10);
    assert_eq!(customer, Some(Customer { repeats: 2.0, recency: 7.0, age: 9.0, value: 4.0 }));
    assert_eq!(Customer::from_purchases(&[(20, 7.0)], 10), None);
}

#[test]
fn who_bought_lately_and_often_is_a_champion() {
    let customer = |repeats, recency, value| Customer { repeats, recency, age: 100.0, value };
    let mut all: Vec<Customer> = (0..8).map(|at| customer(f64::from(at), f64::from(at) * 10.0, 5.0)).collect();
    all.push(customer(20.0, 99.0, 50.0));
    all.push(customer(15.0, 5.0, 50.0));
    let scored = rfm(&all);
    assert_eq!((scored[8].recency, scored[8].frequency, scored[8].money), (5, 5, 5));
    assert_eq!(
        (scored[8].segment, scored[9].segment, scored[0].segment),
        (Segment::Champion, Segment::AtRisk, Segment::Lost)
    );
    assert!(rfm(&[]).is_empty());
}

fn any_customer() -> impl Strategy<Value = Customer> {
    (0..30_u8, 0.01..1.0_f64, 0.1..500.0_f64, 0.0..1e4_f64).prop_map(|(repeats, share, age, value)| {
        let repeats = f64::from(repeats);
        let (recency, value) = if repeats > 0.0 { (age * share, value) } else { (0.0, 0.0) };
        Customer { repeats, recency, age, value }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn expectations_are_numbers_that_grow_with_time(
        customer in any_customer(),
        parameters in proptest::array::uniform4(0.05..20.0_f64),
    ) {
        let [shape, scale, stop, stay] = parameters;
        let model = Purchases { shape, scale, stop, stay };
        let (near, far) = (model.expected(&customer, 5.0), model.expected(&customer, 50.0));
        prop_assert!(near >= -1e-9 && far >= near - 1e-9, "{near} {far}");
        prop_assert!((0.0..=1.0).contains(&model.alive(&customer)) || stay + customer.repeats <= 1.0);
    }

    #[test]
    fn any_customers_are_fitted_or_refused(customers in proptest::collection::vec(any_customer(), 0..14)) {
        if let Ok(fit) = Purchases::fit(&customers) {
            prop_assert!(fit.log_likelihood.is_finite());
        }
        if let Ok(fit) = Spending::fit(&customers) {
            prop_assert!(customers.iter().all(|customer| fit.model.expected(customer).is_finite()));
        }
        prop_assert_eq!(rfm(&customers).len(), customers.len());
    }

    #[test]
    fn impossible_customers_are_refused(value in prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(-1.0)]) {
        let customer = Customer { repeats: value, recency: 0.0, age: 1.0, value: 0.0 };
        prop_assert!(Purchases::fit(&vec![customer; 20]).is_err(), "repeats of {}", value);
    }
}
