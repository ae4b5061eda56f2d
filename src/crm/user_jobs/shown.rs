//! A job as its reader may see it: records are named only to those who may read them now.

use aplomb_model::{Action, Result};
use aplomb_store::View;
use serde_json::{Value as Json, json};

use super::state::{Refused, Stored};
use crate::Ctx;
use crate::crm::Inner;
use crate::records::Access;

impl Inner {
    /// The `Job` of the API.
    pub(super) fn show_job(&self, ctx: &Ctx, view: &View, job: &Stored) -> Result<Json> {
        let directory = self.directory()?;
        let schema = self.schema();
        let access = schema.by_name(&job.object).and_then(|o| self.access(ctx, o, Action::Read));
        let refused: Vec<Json> =
            job.refused.iter().map(|r| refused(view, access.as_ref(), r)).collect::<Result<_>>()?;
        Ok(json!({
            "id": job.id,
            "kind": job.kind,
            "object": job.object,
            "title": job.title,
            "status": job.status,
            "progress": job.progress,
            "counts": job.counts,
            "refused": refused,
            "createdAt": job.created_at,
            "finishedAt": job.finished_at,
            "owner": {"id": job.owner, "name": directory.name(job.owner)},
            "canUndo": job.can_undo(),
            "undoes": job.undoes,
            "undoneBy": job.undone_by,
            "file": job.file,
            "error": job.error,
            "seq": job.until,
        }))
    }
}

fn refused(view: &View, access: Option<&Access>, refused: &Refused) -> Result<Json> {
    let record = access.map(|a| a.load(view, refused.id)).transpose()?.flatten();
    let name = access.zip(record).map(|(a, r)| a.object.title_of(&r));
    Ok(json!({"id": refused.id, "name": name, "errors": refused.errors}))
}
