//! What a training has done so far, as bytes that the caller keeps: a training that goes on from them ends as one that
//! was never interrupted. Layout: a mark, the format (2 bytes, little-endian), SHA-256 of the rest, the length of a
//! JSON head (8 bytes), the head, then the scores as 8-byte floats.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::contest::Scores;
use super::plan::Plan;
use crate::LearnError;
use crate::model::{Model, Trained};

const MARK: &[u8; 16] = b"aplomb training\n";
const FORMAT: u16 = 1;
const DIGEST: usize = 32;
const WORD: usize = 8;

/// Which training it is of: SHA-256 of the rows, and of models and folds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    pub data: String,
    pub plan: [u8; DIGEST],
}

/// Scores of the units that are done, in the order of [`Plan::units`], and the final model.
#[derive(Default)]
pub struct Done {
    pub units: Vec<Option<Scores>>,
    pub trained: Option<Trained>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    identity: Identity,
    /// Place of a unit, and why it failed if it did.
    units: Vec<(usize, Option<String>)>,
    trained: Option<Trained>,
}

/// Errors: a number in the model is not finite.
pub fn write(identity: &Identity, done: &Done) -> Result<Vec<u8>, LearnError> {
    let (mut units, mut scores) = (Vec::new(), Vec::new());
    for (place, unit) in done.units.iter().enumerate() {
        match unit {
            Some(Ok(stages)) => {
                units.push((place, None));
                scores.extend(stages.iter().flatten().flat_map(|score| score.to_le_bytes()));
            }
            Some(Err(why)) => units.push((place, Some(why.clone()))),
            None => {}
        }
    }
    let head = Head { identity: identity.clone(), units, trained: done.trained.clone() };
    let head = serde_json::to_vec(&head).map_err(|error| LearnError::Malformed(error.to_string()))?;
    let mut body = (head.len() as u64).to_le_bytes().to_vec();
    body.extend(head);
    body.extend(scores);
    let mut bytes = MARK.to_vec();
    bytes.extend(FORMAT.to_le_bytes());
    bytes.extend(Sha256::digest(&body));
    bytes.extend(body);
    Ok(bytes)
}

/// Errors: no checkpoint, of another format, altered, or of another training.
pub fn read(bytes: &[u8], identity: &Identity, plan: &Plan) -> Result<Done, LearnError> {
    let rest = bytes.strip_prefix(MARK).ok_or(LearnError::NoCheckpoint)?;
    let (format, rest) = rest.split_first_chunk::<2>().ok_or(LearnError::NoCheckpoint)?;
    let found = u16::from_le_bytes(*format);
    if found != FORMAT {
        return Err(LearnError::CheckpointFormat { found, known: FORMAT });
    }
    let altered = || LearnError::AlteredCheckpoint;
    let (digest, body) = rest.split_first_chunk::<DIGEST>().ok_or_else(altered)?;
    if Sha256::digest(body).as_slice() != digest {
        return Err(altered());
    }
    let (length, rest) = body.split_first_chunk::<WORD>().ok_or_else(altered)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| altered())?;
    let (head, scores) = rest.split_at_checked(length).ok_or_else(altered)?;
    let head: Head = serde_json::from_slice(head).map_err(|_| altered())?;
    if head.identity.data != identity.data {
        return Err(LearnError::OtherCheckpoint("table, or other rows of it"));
    }
    if head.identity.plan != identity.plan {
        return Err(LearnError::OtherCheckpoint("choice of settings, or version of the program"));
    }
    if let Some(trained) = &head.trained {
        trained.check()?;
    }
    let units = units(head.units, scores, plan).ok_or_else(altered)?;
    Ok(Done { units, trained: head.trained })
}

/// `None` when the scores are not those of the units.
fn units(listed: Vec<(usize, Option<String>)>, scores: &[u8], plan: &Plan) -> Option<Vec<Option<Scores>>> {
    let all = plan.units();
    let mut units: Vec<Option<Scores>> = vec![None; all.len()];
    let mut words = scores.chunks_exact(WORD).filter_map(|word| word.try_into().ok()).map(f64::from_le_bytes);
    for (place, failed) in listed {
        let unit = *all.get(place)?;
        let given = match failed {
            Some(why) => Err(why),
            None => {
                let rows = plan.fold(unit).test.len();
                let mut stages = Vec::with_capacity(plan.stages(unit));
                for _ in 0..plan.stages(unit) {
                    let stage: Vec<f64> = words.by_ref().take(rows).collect();
                    (stage.len() == rows).then(|| stages.push(stage))?;
                }
                Ok(stages)
            }
        };
        if units[place].replace(given).is_some() {
            return None;
        }
    }
    (words.next().is_none() && scores.len().is_multiple_of(WORD)).then_some(units)
}
