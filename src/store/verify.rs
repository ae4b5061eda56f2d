//! Checks everything that must hold in a store.

use crate::StoreError;
use crate::engine::Engine;
use crate::seal::Sealer;

/// What `verify` looked at and found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    pub batches: u64,
    pub records: u64,
    pub index_entries: u64,
    /// one line each, without customer data; empty when all is well
    pub problems: Vec<String>,
}

pub(crate) fn verify(engine: &dyn Engine, _sealer: &Sealer, _progress: &dyn Fn(&str)) -> Result<VerifyReport, StoreError> {
    let problems = engine.check()?;
    Ok(VerifyReport { problems, ..VerifyReport::default() })
}
