//! Backups: of a directory at rest, of one that a server is writing to, and what changed since an earlier backup; and
//! putting them together again. The server and the command line both go through here.

pub mod archive;
mod error;
mod restore;

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use aplomb_crm::backup::BackedUp;
use aplomb_crm::{Crm, Ctx};
use aplomb_model::{Code, Error, Seq, Timestamp};
use aplomb_vault::envelope::Recipient;
use aplomb_vault::{KeyRing, SealedDir, SubKey};

pub use archive::{About, Kind, Packed};
use archive::{Entry, files_of};
pub use error::BackupError;
pub use restore::{Restored, restore};

type Result<T, E = BackupError> = std::result::Result<T, E>;

const STORE: &str = "store.redb";
/// Derived from the rest: built again after a restore.
const INDEX: &str = "index";
/// What users exported: kept for days only, and there to be fetched, not to be kept.
const EXPORTS: &str = "exports";
/// Where a backup is prepared, inside the data directory so that files can be linked; emptied at every start.
const STAGE: &str = "backup.tmp";
/// The folder of an increment's rows, and the sealed file in it.
const INCREMENT: &str = "increment";
const ROWS: &str = "rows";
/// Purpose of the key that seals an increment's rows.
pub(crate) const PURPOSE: &str = "backup: increments";
/// Files written up to so much before the earlier backup are taken along again: clocks and long writes.
const SLACK_SECONDS: i64 = 3_600;

/// Makes backups of an open directory, one at a time.
#[derive(Clone)]
pub struct Backups {
    dir: PathBuf,
    crm: Crm,
    rows: SubKey,
    busy: Arc<AtomicBool>,
}

/// A backup that is ready to be packed. Its stage goes away with it.
pub struct Prepared {
    pub about: About,
    entries: Vec<Entry>,
    stage: PathBuf,
    _turn: Turn,
}

/// Held while a backup is made.
struct Turn(Arc<AtomicBool>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Backups {
    /// Removes what an interrupted backup left.
    pub fn new(dir: &Path, crm: Crm, rows: SubKey) -> Backups {
        match fs::remove_dir_all(dir.join(STAGE)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                // A directory that may only be read can still be served.
                tracing::warn!(%error, "what an interrupted backup left cannot be removed");
            }
            _ => {}
        }
        Backups { dir: dir.to_path_buf(), crm, rows, busy: Arc::default() }
    }

    /// Prepares a full backup, or one of what changed after batch `since`, of this moment and while writes go on.
    ///
    /// Errors: `forbidden`, `invalid` for a batch that does not exist yet, `conflict` while another one is made.
    pub fn prepare(&self, ctx: &Ctx, since: Option<Seq>) -> Result<Prepared> {
        self.crm.may_back_up(ctx)?;
        if self.busy.swap(true, Ordering::AcqRel) {
            let mut error = Error::new(Code::Conflict, "another backup is being made");
            error.retry_after_seconds = Some(10);
            return Err(error.into());
        }
        let (turn, stage) = (Turn(self.busy.clone()), self.dir.join(STAGE));
        let mut prepared =
            Prepared { about: self.about(Kind::Full), entries: Vec::new(), stage: stage.clone(), _turn: turn };
        archive::private_dir(&stage)?;
        match since {
            None => self.full(ctx, &mut prepared)?,
            Some(since) => self.increment(ctx, since, &mut prepared)?,
        }
        prepared.entries.sort();
        Ok(prepared)
    }

    fn about(&self, kind: Kind) -> About {
        About { kind, key: Some(self.crm.key_id()), since: 0, until: None }
    }

    fn full(&self, ctx: &Ctx, prepared: &mut Prepared) -> Result<()> {
        // Files are linked before and after: whatever the copy refers to existed at one of the two moments.
        link(&self.dir, &prepared.stage, |_| true)?;
        let copy = prepared.stage.join(STORE);
        let made = self.crm.backup_full(ctx, &copy)?;
        link(&self.dir, &prepared.stage, |_| true)?;
        prepared.about.until = Some(made.until);
        prepared.entries = files_of(&prepared.stage, &[])?;
        Ok(())
    }

    fn increment(&self, ctx: &Ctx, since: Seq, prepared: &mut Prepared) -> Result<()> {
        let folder = prepared.stage.join(INCREMENT);
        let sealed = SealedDir::new(&folder, self.rows.clone(), 0)?;
        let mut writer = BufWriter::with_capacity(1 << 20, sealed.create(ROWS)?);
        let BackedUp { until, since_at, .. } = self.crm.backup_since(ctx, since, &mut writer)?;
        writer.into_inner().map_err(|error| error.into_error())?.finish()?;
        let from = since_at.map_or(i64::MIN, |at| at.seconds() - SLACK_SECONDS);
        link(&self.dir, &prepared.stage, |entry| entry.name.starts_with("vault/") || written_at(entry) >= from)?;
        prepared.about = About { since, until: Some(until), ..self.about(Kind::Increment) };
        prepared.entries = files_of(&prepared.stage, &[])?;
        Ok(())
    }
}

impl Prepared {
    /// Writes the archive. Errors: those of the recipients before the first byte, then those of `out`.
    pub fn pack(&self, to: &[Recipient], out: impl Write, progress: &dyn Fn(u64)) -> Result<Packed> {
        archive::pack(&self.about, &self.entries, to, out, progress)
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.stage)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the stage of a backup cannot be removed now; the next start does it");
        }
    }
}

/// Packs a directory at rest, whose store the caller keeps locked.
pub fn pack_at_rest(
    dir: &Path,
    until: Option<Seq>,
    to: &[Recipient],
    out: impl Write,
    progress: &dyn Fn(u64),
) -> Result<Packed> {
    let id = KeyRing::at(dir)?.id().to_owned();
    let about = About { kind: Kind::Full, key: Some(id).filter(|id| !id.is_empty()), since: 0, until };
    archive::pack(&about, &files_of(dir, &[INDEX, STAGE, EXPORTS])?, to, out, progress)
}

/// Makes the chosen files appear in the stage as they are now; what vanishes meanwhile is left out.
fn link(dir: &Path, stage: &Path, chosen: impl Fn(&Entry) -> bool) -> Result<()> {
    for entry in files_of(dir, &[INDEX, STAGE, STORE, EXPORTS])?.into_iter().filter(chosen) {
        let target = stage.join(&entry.name);
        if let Some(folder) = target.parent() {
            archive::private_dir(folder)?;
        }
        let linked = match fs::hard_link(&entry.path, &target) {
            // Not every file system links.
            Err(error) if !matches!(error.kind(), std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotFound) => {
                fs::copy(&entry.path, &target).map(|_| ())
            }
            linked => linked,
        };
        match linked {
            Err(error) if !matches!(error.kind(), std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotFound) => {
                return Err(BackupError::file(&entry.path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// In seconds; unknown counts as new.
fn written_at(entry: &Entry) -> i64 {
    let modified = fs::metadata(&entry.path).and_then(|metadata| metadata.modified()).ok();
    let since = modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since.map_or(i64::MAX, |age| Timestamp::from_seconds(age.as_secs() as i64).seconds())
}
