//! What the index as a whole remembers: how far it has come, and what it was built with.

use std::io;
use std::sync::Arc;

use aplomb_model::{Schema, Seq};
use aplomb_vault::SealedDir;
use serde::{Deserialize, Serialize};

use crate::error::SearchError;
use crate::layout::{LAYOUT, fingerprint};

const NAME: &str = "state";

/// Object, field, and how it is indexed.
pub(crate) type Fingerprint = Vec<(u16, u16, String)>;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    layout: u32,
    engine: u32,
    pub seq: Seq,
    /// with an index of their own
    pub objects: Vec<u16>,
    fields: Fingerprint,
}

impl State {
    pub fn new(seq: Seq, objects: Vec<u16>, schema: &Schema) -> State {
        State { layout: LAYOUT, engine: tantivy::INDEX_FORMAT_VERSION, seq, objects, fields: fingerprint(schema) }
    }

    /// `None` when there is none, or when it is of another layout.
    pub fn read(sealed: &SealedDir, schema: &Schema) -> Result<Option<State>, SearchError> {
        let bytes = match sealed.read_all(NAME) {
            Err(e) if e.is_not_found() => return Ok(None),
            bytes => bytes.map_err(io::Error::from)?,
        };
        let Ok(state) = serde_json::from_slice::<State>(&bytes) else { return Ok(None) };
        let same = state.layout == LAYOUT && state.engine == tantivy::INDEX_FORMAT_VERSION;
        Ok(Some(state).filter(|s| same && compatible(&s.fields, &fingerprint(schema))))
    }

    /// The objects with an index of their own, whatever the layout; none when nothing was committed.
    pub fn named(sealed: &SealedDir) -> Result<Vec<u16>, SearchError> {
        match sealed.read_all(NAME) {
            Err(e) if e.is_not_found() => Ok(Vec::new()),
            bytes => {
                let state: State = serde_json::from_slice(&bytes.map_err(io::Error::from)?).map_err(io::Error::from)?;
                Ok(state.objects)
            }
        }
    }

    pub fn write(&self, sealed: &Arc<SealedDir>) -> Result<(), SearchError> {
        let bytes = serde_json::to_vec(self).map_err(io::Error::from)?;
        Ok(sealed.write_atomic(NAME, &bytes).map_err(io::Error::from)?)
    }

    pub fn exists(sealed: &SealedDir) -> Result<bool, SearchError> {
        Ok(sealed.exists(NAME).map_err(io::Error::from)?)
    }

    pub fn remove(sealed: &SealedDir) -> Result<(), SearchError> {
        match sealed.remove(NAME) {
            Err(e) if e.is_not_found() => Ok(()),
            done => Ok(done.map_err(io::Error::from)?),
        }
    }
}

/// Fields may come and go, but not change how they are indexed.
pub(crate) fn compatible(old: &Fingerprint, new: &Fingerprint) -> bool {
    new.iter().all(|(object, field, how)| {
        let at = old.binary_search_by(|(o, f, _)| (o, f).cmp(&(object, field)));
        at.map_or(true, |at| old[at].2 == *how)
    })
}
