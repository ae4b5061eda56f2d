//! What was learned, as JSON with the number of its format in it, to be sealed by the caller.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::LearnError;

/// Errors: a number in it is not finite.
pub fn write<T: Serialize>(learned: &T) -> Result<Vec<u8>, LearnError> {
    serde_json::to_vec(learned).map_err(malformed)
}

/// What [`write`] gave, its format looked at before its content. Errors: not such JSON, or of a format after `newest`.
pub fn read<T: DeserializeOwned>(bytes: &[u8], newest: u16) -> Result<T, LearnError> {
    #[derive(Deserialize)]
    struct Head {
        format: u16,
    }
    let Head { format } = serde_json::from_slice(bytes).map_err(malformed)?;
    if format > newest {
        return Err(LearnError::TooNew { found: format, newest });
    }
    serde_json::from_slice(bytes).map_err(malformed)
}

fn malformed(error: serde_json::Error) -> LearnError {
    LearnError::Malformed(error.to_string())
}
