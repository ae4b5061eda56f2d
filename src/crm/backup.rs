//! Backups of the store: a copy of one moment, what changed after a batch, and putting both together again. Which files
//! go along, and to whom all of it is sealed, is for the caller.

use std::io::{Read, Write};
use std::path::Path;

use aplomb_access::can;
use aplomb_model::{Capability, Code, Error, Result, Seq, Timestamp};
use aplomb_store::{IncrementError, Options};
use aplomb_vault::DataKey;

use crate::Ctx;
use crate::crm::Crm;
use crate::errors::{self, OrStore};

/// Page cache of a store that is only being copied or restored.
const CACHE: usize = 64 << 20;

/// The batches that a backup leads from (0: a full one) and to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackedUp {
    pub since: Seq,
    pub until: Seq,
    /// when batch `since` was written
    pub since_at: Option<Timestamp>,
}

impl Crm {
    /// Errors: `forbidden` without the capability `backup`.
    pub fn may_back_up(&self, ctx: &Ctx) -> Result<()> {
        if can(&ctx.actor, Capability::Backup) { Ok(()) } else { Err(errors::forbidden()) }
    }

    /// Writes the store as it is now to a new file, sealed under the same key, while writes go on.
    pub fn backup_full(&self, ctx: &Ctx, path: &Path) -> Result<BackedUp> {
        self.may_back_up(ctx)?;
        let options = Options { path: path.to_path_buf(), key: self.inner.key.clone(), cache_bytes: CACHE };
        let until = self.inner.store.copy_to(&options).or_store()?;
        Ok(BackedUp { since: 0, until, since_at: None })
    }

    /// Writes what changed after batch `since`. Errors: `invalid` for a batch that does not exist yet.
    pub fn backup_since(&self, ctx: &Ctx, since: Seq, out: &mut dyn Write) -> Result<BackedUp> {
        self.may_back_up(ctx)?;
        let written = self.inner.store.increment(since, out).map_err(error)?;
        Ok(BackedUp { since, until: written.until, since_at: self.time_of(since)? })
    }

    fn time_of(&self, seq: Seq) -> Result<Option<Timestamp>> {
        let Some(before) = seq.checked_sub(1) else { return Ok(None) };
        let changes = self.inner.view()?.changes(before, 1).or_store()?;
        Ok(changes.first().map(|change| change.at))
    }

    /// The public name of the data key: backups of one installation share it.
    pub fn key_id(&self) -> String {
        self.inner.key.id()
    }
}

/// Applies what [`Crm::backup_since`] wrote to the store of a directory that nobody has open. After an error the
/// directory is of no use.
///
/// Errors: `conflict` when increments are missing between, or it belongs to another history.
pub fn apply_increment(dir: &Path, key: DataKey, input: &mut dyn Read) -> Result<BackedUp> {
    let options = Options { path: dir.join("store.redb"), key, cache_bytes: CACHE };
    let applied = aplomb_store::apply_increment(&options, input).map_err(error)?;
    Ok(BackedUp { since: applied.since, until: applied.until, since_at: None })
}

fn error(error: IncrementError) -> Error {
    let text = error.to_string();
    match error {
        IncrementError::NotYet { .. } => Error::field("since", "value", text),
        IncrementError::Store(error) => errors::plain(error),
        IncrementError::Io(error) => Error::internal(format!("backup: {error}")),
        _ => Error::new(Code::Conflict, text),
    }
}
