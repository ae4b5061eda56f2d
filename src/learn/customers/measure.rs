//! What the customer models are worth on purchases that came later.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use serde::Serialize;

use super::{Customer, Purchases, Spending};
use crate::LearnError;

/// Sums over all customers.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Totals {
    /// Days on which they bought.
    pub transactions: f64,
    pub value: f64,
}

/// What came out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomersMeasured {
    pub customers: usize,
    pub expected: Totals,
    /// As many a day as before.
    pub naive: Totals,
    pub actual: Totals,
    pub purchases: Purchases,
    pub spending: Spending,
}

/// Reads purchases (CSV with a header: customer, day as a whole number, value), learns from those up to `cut` and
/// compares with those after it up to `end`, of the customers known by then. Errors: no such CSV; as
/// [`Purchases::fit`].
pub fn measure_customers(source: impl Read, cut: i64, end: i64) -> Result<CustomersMeasured, LearnError> {
    let mut purchases: BTreeMap<String, Vec<(i64, f64)>> = BTreeMap::new();
    let malformed = |line: u64, detail: String| LearnError::Csv { line, detail };
    for (at, record) in (2..).zip(csv::Reader::from_reader(source).into_deserialize()) {
        let (customer, day, value): (String, i64, f64) = record.map_err(|error| malformed(at, error.to_string()))?;
        purchases.entry(customer).or_default().push((day, value));
    }
    let known: Vec<(&Vec<(i64, f64)>, Customer)> =
        purchases.values().filter_map(|all| Some((all, Customer::from_purchases(all, cut)?))).collect();
    let customers: Vec<Customer> = known.iter().map(|(_, customer)| *customer).collect();
    let (buys, spends) = (Purchases::fit(&customers)?.model, Spending::fit(&customers)?.model);
    let ahead = (end - cut) as f64;
    let (mut expected, mut naive, mut actual) = (Totals::default(), Totals::default(), Totals::default());
    for (all, customer) in known {
        let (count, worth) = (buys.expected(&customer, ahead), spends.expected(&customer));
        expected.transactions += count;
        expected.value += count * worth;
        let as_before = customer.repeats / customer.age.max(1.0) * ahead;
        naive.transactions += as_before;
        naive.value += as_before * customer.value;
        let later = || all.iter().filter(|(day, _)| (cut + 1..=end).contains(day));
        actual.transactions += later().map(|(day, _)| *day).collect::<BTreeSet<i64>>().len() as f64;
        actual.value += later().map(|(_, value)| value).sum::<f64>();
    }
    Ok(CustomersMeasured { customers: customers.len(), expected, naive, actual, purchases: buys, spending: spends })
}
