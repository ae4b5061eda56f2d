//! An import from upload to revert. The file lies sealed; the state is a document; the work is a job that can be
//! repeated: every row has its id before it is written, so nothing is created twice.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use aplomb_crm::{Crm, Ctx, Map, Random};
use aplomb_model::{Id, Result, Timestamp};
use aplomb_vault::{SealedDir, SealedWriter};

use crate::view::{ImportView, MapTo};

/// The time, for jobs: they have no request to take it from.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Cheap to clone. Make it before `Crm::start_jobs`: it registers the handlers of its jobs.
#[derive(Clone)]
pub struct Imports {
    crm: Crm,
    uploads: Arc<SealedDir>,
    now: Now,
    random: Random,
}

/// A file on its way in, sealed as it comes. Dropped unfinished, it is removed.
pub struct Upload {
    id: Id,
    writer: Option<SealedWriter>,
    uploads: Arc<SealedDir>,
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = bytes;
        todo!()
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[allow(unused_variables)]
impl Imports {
    pub fn new(crm: Crm, uploads: Arc<SealedDir>, now: Now, random: Random) -> Imports {
        Imports { crm, uploads, now, random }
    }

    /// Somewhere to write the file to, piece by piece; then [`Imports::start_upload`].
    pub fn upload(&self, ctx: &Ctx) -> Result<Upload> {
        todo!()
    }

    /// Looks at an uploaded file and guesses the mapping. Blocks for about a second per 100,000 rows.
    pub fn start_upload(&self, ctx: &Ctx, object: &str, file_name: &str, upload: Upload) -> Result<ImportView> {
        todo!()
    }

    /// Both in one, from a reader. At most 1 GiB.
    pub fn start(&self, ctx: &Ctx, object: &str, file_name: &str, reader: &mut dyn Read) -> Result<ImportView> {
        todo!()
    }

    pub fn get(&self, ctx: &Ctx, id: Id) -> Result<ImportView> {
        todo!()
    }

    /// The caller's, or all for whoever manages settings; newest first.
    pub fn list(&self, ctx: &Ctx) -> Result<Vec<ImportView>> {
        todo!()
    }

    /// `options` holds the members of [`crate::Options`] to change.
    pub fn set_mapping(&self, ctx: &Ctx, id: Id, mapping: &[MapTo], options: &Map) -> Result<ImportView> {
        todo!()
    }

    /// Validates every row without writing; the result is `preview` of the view.
    pub fn check(&self, ctx: &Ctx, id: Id) -> Result<ImportView> {
        todo!()
    }

    /// Enqueues the job.
    pub fn commit(&self, ctx: &Ctx, id: Id) -> Result<ImportView> {
        todo!()
    }

    /// Refused rows with the columns of the file and one more, `aplomb_errors`.
    pub fn errors_csv(&self, ctx: &Ctx, id: Id, out: &mut dyn Write) -> Result<()> {
        todo!()
    }

    /// Enqueues taking back all that the import wrote; what others edited since is kept and listed.
    pub fn revert(&self, ctx: &Ctx, id: Id) -> Result<ImportView> {
        todo!()
    }

    /// Blocks until the import is neither queued nor running, or the time is over.
    pub fn wait(&self, ctx: &Ctx, id: Id, timeout: Duration) -> Result<ImportView> {
        todo!()
    }
}
