//! Groups and figures: from the index, or by reading records when there is none for the question. Sums of money in
//! several currencies are brought to the organisation's by its rates.

use std::collections::BTreeSet;

use aplomb_model::{Currency, Result};
use aplomb_store::{Op, View};

use crate::crm::Inner;
use crate::errors::OrStore;

/// Documents: the currencies that occur in records, by code.
const CURRENCY: &str = "currency";

pub(crate) fn load_currencies(view: &View) -> Result<BTreeSet<Currency>> {
    let docs = view.docs(CURRENCY, b"", None, 1_000).or_store()?;
    Ok(docs.iter().filter_map(|(key, _)| std::str::from_utf8(key).ok()?.parse().ok()).collect())
}

/// Those that are new, with the operations that keep them.
pub(crate) fn remember_currencies(inner: &Inner, used: &BTreeSet<Currency>, ops: &mut Vec<Op>) -> Vec<Currency> {
    if used.is_empty() {
        return Vec::new();
    }
    let known = inner.currencies.read();
    let new: Vec<Currency> = used.difference(&known).copied().collect();
    for currency in &new {
        let (key, value) = (currency.as_str().as_bytes().to_vec(), Some(b"1".to_vec()));
        ops.push(Op::Doc { kind: CURRENCY, key, value, logged: false });
    }
    new
}
