//! What the index is given and what it answers. Shapes only.

use std::path::PathBuf;
use std::sync::Arc;

use aplomb_model::query::{AggregateOp, Bucket, Path, Pred, Scalar, SortKey};
use aplomb_model::{FieldCode, Id, ObjectCode, Record, Seq};
use aplomb_vault::SubKey;

/// Pseudo-fields, so that a rights filter can test what [`DocContext`] gave: `Kind::Id` paths of these codes.
pub const OWNER: FieldCode = FieldCode(65_007);
pub const TEAM: FieldCode = FieldCode(65_008);

pub struct Options {
    pub dir: PathBuf,
    pub key: SubKey,
    /// opened chunks of sealed files
    pub cache_bytes: usize,
    /// most memory of documents that are not yet in a segment
    pub writer_bytes: usize,
    /// indexing threads
    pub threads: usize,
}

/// How the index was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// holds every change up to and including `seq`
    Ready { seq: Seq },
    /// is empty, because it was missing, damaged or of another layout: apply everything from the start
    Rebuild,
}

#[derive(Debug, Clone)]
pub enum Doc {
    /// Adds or replaces. A record in the trash is removed.
    Put(Arc<Record>, DocContext),
    Remove(Id, ObjectCode),
}

/// What the index must know of a record and cannot compute itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocContext {
    pub owner: Option<Id>,
    pub team: Option<Id>,
    /// the record's name, for exact and prefix matches
    pub title: String,
    /// more text to be found by, e.g. the names of referenced records
    pub extra_text: String,
}

#[derive(Debug, Clone)]
pub struct ListQuery {
    pub object: ObjectCode,
    pub pred: Pred,
    /// what the caller may see; inside the query, never after paging
    pub rights: Pred,
    /// full text, in addition to `pred`
    pub text: Option<String>,
    /// ties are broken by id, ascending unless the last key descends; empty: by id descending (newest first),
    /// or by score when there is a `text`
    pub sort: Vec<SortKey>,
    pub limit: usize,
    pub cursor: Option<String>,
    /// rows to leave out at the beginning; not together with a cursor
    pub offset: u64,
    /// counts exactly up to here, then says `exact: false`; `usize::MAX` for an exact count
    pub count_up_to: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub ids: Vec<Id>,
    pub next: Option<String>,
    pub total: Total,
    pub seq: Seq,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    pub count: u64,
    pub exact: bool,
}

#[derive(Debug, Clone)]
pub struct AggregateQuery {
    pub object: ObjectCode,
    pub pred: Pred,
    pub rights: Pred,
    pub text: Option<String>,
    pub group_by: Vec<(Path, Option<Bucket>)>,
    /// operation, field (none for count), percents (0 to 100, for percentiles)
    pub aggregates: Vec<(AggregateOp, Option<Path>, Vec<f64>)>,
    /// most groups; those with the highest count are kept
    pub limit: usize,
    /// seconds east of UTC, for buckets of date-times
    pub zone_offset: i32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// one per `group_by`; `None` for records without a value. A bucket is the first day of it: days for a date,
    /// for a date-time the microseconds of its beginning in the zone. Sorted by key, missing last.
    pub key: Vec<Option<Scalar>>,
    pub count: u64,
    pub values: Vec<AggValue>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum AggValue {
    Number(f64),
    /// exact
    Int(i64),
    /// percent and value
    List(Vec<(f64, f64)>),
    /// min or max of something that is no number
    Scalar(Scalar),
    /// of no values
    None,
}

#[derive(Debug, Clone)]
pub struct TextQuery {
    pub text: String,
    /// where to look, each with the caller's rights
    pub objects: Vec<(ObjectCode, Pred)>,
    pub limit: usize,
    pub cursor: Option<String>,
    pub count_up_to: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TextPage {
    /// best first
    pub hits: Vec<Hit>,
    pub next: Option<String>,
    pub total: Total,
    pub seq: Seq,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    pub object: ObjectCode,
    pub id: Id,
    pub score: f32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    pub documents: u64,
    pub segments: u64,
    pub bytes: u64,
    pub seq: Seq,
}
