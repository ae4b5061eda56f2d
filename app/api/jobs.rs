//! Work on many records that goes on behind the page: bulk changes, their undo, exports. A job is started, looked at until
//! it ends, called off, taken back, or gives a file.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{Abort, Call, Person, Result};

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Done {
    pub done: u64,
    pub total: u64,
}

/// Records, counted by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Counts {
    pub changed: u64,
    pub unchanged: u64,
    pub refused: u64,
}

/// A record that was left alone, and why.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Left {
    pub id: String,
    #[serde(deserialize_with = "super::or_empty")]
    pub name: String,
    pub errors: Vec<aplomb_model::FieldError>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct JobFile {
    pub name: String,
    /// bytes
    pub size: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Job {
    pub id: String,
    /// `bulk`, `undo` or `export`
    pub kind: String,
    #[serde(deserialize_with = "super::or_empty")]
    pub object: String,
    #[serde(deserialize_with = "super::or_empty")]
    pub title: String,
    /// `waiting`, `running`, `done`, `failed`, `cancelled` or `undone`
    pub status: String,
    pub progress: Done,
    pub counts: Counts,
    /// the first hundred
    pub refused: Vec<Left>,
    pub created_at: String,
    pub finished_at: Option<String>,
    pub owner: Option<Person>,
    pub can_undo: bool,
    pub undone_by: Option<String>,
    pub file: Option<JobFile>,
    /// position of the log behind its last write
    pub seq: Option<u64>,
    /// `{code, detail}`
    pub error: Json,
}

impl Job {
    pub fn is_busy(&self) -> bool {
        matches!(self.status.as_str(), "waiting" | "running")
    }
}

/// Which records: named ones, or all that a filter and a text pick, but some.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Which {
    pub ids: Vec<String>,
    /// JSON of an `aplomb_model::Filter`
    pub filter: String,
    pub q: String,
    pub except: Vec<String>,
}

impl Which {
    fn write(&self, body: &mut Map<String, Json>) {
        if !self.ids.is_empty() {
            body.insert("ids".to_owned(), json!(self.ids));
            return;
        }
        if let Ok(filter) = serde_json::from_str::<Json>(&self.filter) {
            body.insert("filter".to_owned(), filter);
        }
        if !self.q.is_empty() {
            body.insert("q".to_owned(), json!(self.q));
        }
        if !self.except.is_empty() {
            body.insert("except".to_owned(), json!(self.except));
        }
    }
}

async fn start(path: String, which: &Which, mut body: Map<String, Json>) -> Result<Job> {
    which.write(&mut body);
    Call::post(path, Json::Object(body)).json().await
}

/// Sets fields of all of them.
pub async fn bulk_set(object: &str, which: &Which, fields: Map<String, Json>) -> Result<Job> {
    start(format!("/records/{object}/bulk"), which, Map::from_iter([("set".to_owned(), Json::Object(fields))])).await
}

/// Moves all of them to the trash.
pub async fn bulk_delete(object: &str, which: &Which) -> Result<Job> {
    start(format!("/records/{object}/bulk"), which, Map::from_iter([("delete".to_owned(), json!(true))])).await
}

/// Writes them into a file: `csv` or `jsonl`, of these fields, or of all when there are none.
pub async fn export(object: &str, format: &str, which: &Which, sort: &str, fields: &[String]) -> Result<Job> {
    let mut body = Map::from_iter([("object".to_owned(), json!(object)), ("format".to_owned(), json!(format))]);
    if !sort.is_empty() {
        body.insert("sort".to_owned(), json!(sort.split(',').collect::<Vec<_>>()));
    }
    if !fields.is_empty() {
        body.insert("fields".to_owned(), json!(fields));
    }
    start("/exports".to_owned(), which, body).await
}

/// A job as it is now; lists that are asked for afterwards show what it has written.
pub async fn job(id: &str) -> Result<Job> {
    let job: Job = Call::get(format!("/jobs/{id}")).json().await?;
    if let Some(seq) = job.seq {
        super::client::note_written(seq);
    }
    Ok(job)
}

pub async fn cancel_job(id: &str) -> Result<()> {
    Call::post(format!("/jobs/{id}/cancel"), json!({})).done().await
}

/// The job that takes it back.
pub async fn undo_job(id: &str) -> Result<Job> {
    Call::post(format!("/jobs/{id}/undo"), json!({})).json().await
}

/// Where the browser finds the file that a job made.
pub fn job_file(id: &str) -> String {
    format!("/api/v1/jobs/{id}/file")
}

/// A page of jobs, newest first.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Jobs {
    pub jobs: Vec<Job>,
    pub next: Option<String>,
    /// what waits inside the server; only with `all`
    pub system: Vec<Json>,
}

/// One's own jobs, or everybody's with what waits inside the server.
pub async fn jobs(all: bool, cursor: &str, abort: &Abort) -> Result<Jobs> {
    let all = if all { "true" } else { "" };
    Call::get("/jobs").query("all", all).query("cursor", cursor).abort(abort).json().await
}
