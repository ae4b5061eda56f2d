//! Personal values in the change log, sealed under a key per record. Erasing the key erases them, and the hash chain
//! stays whole, because it hashes what is sealed.

use aplomb_model::{FieldCode, Id, ObjectCode, Value};
use aplomb_vault::{DataKey, SubKey};

use crate::StoreError;

pub(crate) type RecordKey = [u8; 32];

/// before and after of one field
type Pair = (Option<Value>, Option<Value>);

#[derive(Clone)]
pub(crate) struct Sealer {
    root: SubKey,
}

impl Sealer {
    pub fn new(key: &DataKey) -> Sealer {
        Sealer { root: key.subkey("store: personal values in the change log") }
    }

    pub fn new_record_key(&self) -> Result<RecordKey, StoreError> {
        random()
    }

    pub fn seal(&self, key: &RecordKey, place: (ObjectCode, Id, u32), values: &[Pair]) -> Result<Vec<u8>, StoreError> {
        let plain =
            postcard::to_allocvec(values).map_err(|e| StoreError::Invalid(format!("cannot be encoded: {e}")))?;
        Ok(self.root.derive(key).seal(random()?, &aad(place), &plain))
    }

    pub fn open(
        &self,
        key: &RecordKey,
        place: (ObjectCode, Id, u32),
        fields: &[FieldCode],
        sealed: &[u8],
    ) -> Result<Vec<Pair>, StoreError> {
        let damaged = || StoreError::corrupt("sealed values in the change log");
        let plain = self.root.derive(key).open(&aad(place), sealed).map_err(|_| damaged())?;
        let values: Vec<Pair> = postcard::from_bytes(&plain).map_err(|_| damaged())?;
        if values.len() == fields.len() { Ok(values) } else { Err(damaged()) }
    }
}

/// Binds sealed values to their place, so that they cannot be moved to another record or version.
fn aad((object, id, version): (ObjectCode, Id, u32)) -> Vec<u8> {
    [&object.0.to_be_bytes()[..], id.as_bytes(), &version.to_be_bytes()].concat()
}

#[expect(clippy::disallowed_methods, reason = "keys and nonces come from the system's randomness")]
fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| StoreError::Io(format!("no randomness from the system: {e}")))?;
    Ok(bytes)
}
