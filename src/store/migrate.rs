//! The format of the whole store: set when it is created, brought forward step by step, refused when it is newer.

use crate::StoreError;
use crate::engine::{Engine, Transaction};
use crate::key;

/// A step to the next format. Runs in a transaction of its own, together with the new number.
pub(crate) type Step = fn(&mut dyn Transaction) -> Result<(), StoreError>;

/// `STEPS[n]` leads from format `n + 1` to `n + 2`.
const STEPS: &[Step] = &[
    // the index of a field lies by itself
    |txn| txn.regroup(),
];

/// Makes an empty store one of ours, or brings an older one to the present format.
pub(crate) fn forward(engine: &dyn Engine) -> Result<(), StoreError> {
    forward_by(engine, STEPS)
}

pub(crate) fn forward_by(engine: &dyn Engine, steps: &[Step]) -> Result<(), StoreError> {
    let ours = steps.len() as u32 + 1;
    let found = match engine.snapshot()?.get(&key::meta("format"))? {
        Some(bytes) => {
            bytes.try_into().map(u32::from_be_bytes).map_err(|_| StoreError::corrupt("the format number"))?
        }
        None => return engine.write(&mut |txn| set(txn, ours)),
    };
    if found > ours || found == 0 {
        return Err(StoreError::Newer { found, ours });
    }
    for (step, format) in steps.iter().skip(found as usize - 1).zip(found + 1..) {
        tracing::info!(format, "bringing the store to a newer format");
        engine.write(&mut |txn| {
            step(txn)?;
            set(txn, format)
        })?;
    }
    Ok(())
}

fn set(txn: &mut dyn Transaction, format: u32) -> Result<(), StoreError> {
    txn.put(&key::meta("format"), &format.to_be_bytes())
}
