//! The states of [`Live`] in a file, so that a restart goes on where it was without reading all events again.
//!
//! Bytes: `APLV`, the format and the length of the head (little-endian u16, u32), the head as JSON, then for each
//! entity, rising: its id (u64), the times of its first and last event (i64 each), and for each track the number of its events (u32)
//! with time (i64) and value (f64) of each.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::bulk::Live;
use super::declare::{Program, Track};
use super::log::{Words, is_known};
use super::state::{Seen, State};
use crate::LearnError;

const MARK: &[u8; 4] = b"APLV";
/// The newest format of saved states.
const FORMAT: u16 = 1;

/// What the states were made with; codes in the states mean nothing without it.
#[derive(Serialize, Deserialize)]
struct Head {
    entity: String,
    kinds: Vec<String>,
    fields: Vec<String>,
    /// Texts in the order of their codes.
    words: Vec<String>,
    tracks: Vec<Track>,
    states: u64,
}

impl Live {
    /// All states with the words they use, to be sealed by the caller. The same states give the same bytes. Errors: the
    /// head does not fit into 4 GB.
    pub fn save(&self) -> Result<Vec<u8>, LearnError> {
        let program = &self.program;
        let head = Head {
            entity: program.entity.clone(),
            kinds: program.kinds.clone(),
            fields: program.fields.clone(),
            words: program.words.in_order(),
            tracks: program.tracks.clone(),
            states: self.states.len() as u64,
        };
        let head = serde_json::to_vec(&head).map_err(|error| unusable(&error.to_string()))?;
        let length = u32::try_from(head.len()).map_err(|_| unusable("its words take more than 4 GB"))?;
        let mut bytes = MARK.to_vec();
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(head);
        let mut states: Vec<(&u64, &State)> = self.states.iter().collect();
        states.sort_by_key(|(entity, _)| **entity);
        for (entity, state) in states {
            bytes.extend(entity.to_le_bytes());
            bytes.extend(state.oldest.to_le_bytes());
            bytes.extend(state.newest.to_le_bytes());
            for track in &state.tracks {
                bytes.extend((track.len() as u32).to_le_bytes());
                for seen in track {
                    bytes.extend(seen.time.to_le_bytes());
                    bytes.extend(seen.value.to_le_bytes());
                }
            }
        }
        Ok(bytes)
    }

    /// States from [`Live::save`], to go on with `program`, which must look at the same as the one they were made with;
    /// names, units and themes of features may differ. Going on gives the same bits as never having stopped.
    ///
    /// Errors: no such file, of a newer format, cut short, or made with another declaration: read the events again.
    pub fn load(program: Program, bytes: &[u8]) -> Result<Self, LearnError> {
        let mut reader = Reader { rest: bytes };
        if reader.array::<4>()? != *MARK {
            return Err(unusable("the file is not of this kind"));
        }
        let format = u16::from_le_bytes(reader.array()?);
        if format > FORMAT {
            return Err(LearnError::TooNew { found: format, newest: FORMAT });
        }
        let length = u32::from_le_bytes(reader.array()?) as usize;
        let head: Head = serde_json::from_slice(reader.take(length)?).map_err(|error| unusable(&error.to_string()))?;
        let mut live = Self::new(with_words(program, &head)?);
        let mut states = HashMap::new();
        for _ in 0..head.states {
            let entity = u64::from_le_bytes(reader.array()?);
            if states.insert(entity, reader.state(&live.program)?).is_some() {
                return Err(unusable("an entity stands in it twice"));
            }
        }
        live.states = states;
        if reader.rest.is_empty() { Ok(live) } else { Err(unusable("there is more in it than it says")) }
    }
}

/// The program with the words that the states were made with.
fn with_words(mut program: Program, head: &Head) -> Result<Program, LearnError> {
    let same = program.entity == head.entity
        && program.kinds == head.kinds
        && program.fields == head.fields
        && program.tracks == head.tracks;
    let declared = program.words.in_order();
    if !same || !head.words.starts_with(&declared) {
        return Err(unusable("they were made with another declaration"));
    }
    program.words = Words::default();
    for word in &head.words {
        program.words.code(word);
    }
    let twice = program.words.len() < head.words.len();
    if twice { Err(unusable("a word stands in it twice")) } else { Ok(program) }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], LearnError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| unusable("the file is cut short"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], LearnError> {
        self.take(N)?.try_into().map_err(|_| unusable("the file is cut short"))
    }

    fn state(&mut self, program: &Program) -> Result<State, LearnError> {
        let mut state = State::new(program);
        state.oldest = i64::from_le_bytes(self.array()?);
        state.newest = i64::from_le_bytes(self.array()?);
        let words = program.words.len();
        for (track, declared) in state.tracks.iter_mut().zip(&program.tracks) {
            let words = if declared.texts { words } else { 0 };
            let count = u32::from_le_bytes(self.array()?);
            let mut before = state.oldest;
            for _ in 0..count {
                let time = i64::from_le_bytes(self.array()?);
                let value = f64::from_le_bytes(self.array()?);
                if time < before || time > state.newest || !is_known(value, words) {
                    return Err(unusable("its events are not in order"));
                }
                before = time;
                track.push_back(Seen { time, value });
            }
        }
        Ok(state)
    }
}

fn unusable(problem: &str) -> LearnError {
    LearnError::SavedFeatures(problem.to_owned())
}
