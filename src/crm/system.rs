//! What whoever looks after the server sees of it: how much there is, what waits, when it was last backed up.

use aplomb_access::can;
use aplomb_model::{Capability, Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::Ctx;
use crate::crm::Crm;
use crate::errors::{OrInternal, OrStore, forbidden};

/// Documents: the last complete backup.
const BACKUP: &str = "lastBackup";
const KEY: &[u8] = b"last";
/// Jobs that are looked at.
const MOST_JOBS: usize = 10_000;
const PAGE: usize = 500;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LastBackup {
    /// of this document's form
    version: u8,
    at: Timestamp,
    bytes: u64,
    by: aplomb_model::Id,
}

impl Crm {
    /// The part of `GET /system` that store, index and documents tell. Errors: `forbidden` without `readMetrics`.
    pub fn system(&self, ctx: &Ctx) -> Result<Json> {
        if !can(&ctx.actor, Capability::ReadMetrics) {
            return Err(forbidden());
        }
        let (store, index) = self.stats();
        let view = self.inner.view()?;
        let mut records = serde_json::Map::new();
        for object in self.schema().objects().filter(|o| !o.internal) {
            records.insert(object.name.clone(), json!(view.count(object.code).or_store()?));
        }
        let jobs = view.jobs(MOST_JOBS).or_store()?;
        let backup = view.doc(BACKUP, KEY).or_store()?;
        let backup = match backup {
            Some(bytes) => {
                let last: LastBackup = serde_json::from_slice(&bytes).or_internal("the last backup")?;
                let by = json!({"id": last.by, "name": self.inner.directory()?.name(last.by)});
                json!({"lastAt": last.at, "lastBytes": last.bytes, "by": by})
            }
            None => json!({"lastAt": null, "lastBytes": 0, "by": null}),
        };
        let seq = view.seq();
        Ok(json!({
            "seq": seq,
            "index": {
                "seq": index.seq,
                "behind": seq.saturating_sub(index.seq),
                "rebuilding": self.inner.follower.rebuilding(),
                "documents": index.documents,
                "bytes": index.bytes,
            },
            "store": {"bytes": store.bytes, "writable": store.writable},
            "records": records,
            "jobs": {
                "waiting": jobs.len(),
                "failed": jobs.iter().filter(|j| j.last_error.is_some()).count(),
                "oldestDue": jobs.iter().map(|j| j.due).min(),
            },
            "backup": backup,
            "sessions": self.live_sessions(ctx.now)?,
        }))
    }

    /// Notes that a backup was handed over as a whole.
    pub fn backed_up(&self, ctx: &Ctx, bytes: u64) -> Result<()> {
        self.may_back_up(ctx)?;
        let last = LastBackup { version: 1, at: ctx.now, bytes, by: ctx.actor.user };
        let value = serde_json::to_vec(&last).or_internal("the last backup")?;
        self.put_doc(ctx, BACKUP, KEY, Some(value)).map(drop)
    }

    fn live_sessions(&self, now: Timestamp) -> Result<u64> {
        let (view, mut count, mut after) = (self.inner.view()?, 0, None::<Vec<u8>>);
        loop {
            let page = view.docs(crate::sessions::SESSION, b"", after.as_deref(), PAGE).or_store()?;
            count += page.iter().filter(|(_, bytes)| crate::sessions::is_alive(bytes, now)).count() as u64;
            match page.last() {
                Some((key, _)) if page.len() == PAGE => after = Some(key.clone()),
                _ => return Ok(count),
            }
        }
    }
}
