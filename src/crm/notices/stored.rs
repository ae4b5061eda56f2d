//! A notice as it is kept: whom it is for, what happened, and nothing of what the records hold.

use aplomb_model::{FieldCode, Id, ObjectCode, Result, Seq, Timestamp};
use aplomb_store::{Op, View};
use serde::{Deserialize, Serialize};

use crate::errors::{OrInternal, OrStore};

/// Documents by user, then the inverted id, so that the newest come first.
pub(super) const NOTICE: &str = "notice";
const VERSION: u8 = 1;
/// Notices of one user.
pub(super) const MOST: usize = 1_000;
pub(super) const KEPT_DAYS: i64 = 90;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Kind {
    Assigned,
    Changed,
    Deleted,
    JobDone,
    JobFailed,
    ImportDone,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stored {
    /// of this document's form
    pub version: u8,
    pub id: Id,
    pub at: Timestamp,
    pub kind: Kind,
    pub object: Option<ObjectCode>,
    /// `None` when it is about several
    pub record: Option<Id>,
    pub job: Option<Id>,
    pub import: Option<Id>,
    /// the system when nil
    pub actor: Id,
    pub fields: Vec<FieldCode>,
    /// records it is about
    pub count: u64,
    pub read: bool,
    /// further events of this group are added to the notice as long as nobody has read it
    pub group: String,
    /// the last batch it is about, while it is made
    #[serde(skip)]
    pub seq: Seq,
}

impl Stored {
    pub fn new(id: Id, at: Timestamp, kind: Kind, actor: Id) -> Stored {
        Stored {
            version: VERSION,
            id,
            at,
            kind,
            object: None,
            record: None,
            job: None,
            import: None,
            actor,
            fields: Vec::new(),
            count: 1,
            read: false,
            group: String::new(),
            seq: 0,
        }
    }

    pub fn put(&self, user: Id) -> Result<Op> {
        let value = serde_json::to_vec(self).or_internal("a notice")?;
        Ok(Op::Doc { kind: NOTICE, key: key(user, self.id), value: Some(value), logged: false })
    }
}

pub(super) fn key(user: Id, id: Id) -> Vec<u8> {
    user.as_bytes().iter().copied().chain(id.as_bytes().iter().map(|byte| !byte)).collect()
}

pub(super) fn remove(key: Vec<u8>) -> Op {
    Op::Doc { kind: NOTICE, key, value: None, logged: false }
}

/// Of one user, newest first, after the one with this id.
pub(super) fn page(view: &View, user: Id, after: Option<Id>, limit: usize) -> Result<Vec<Stored>> {
    let after = after.map(|id| key(user, id));
    let docs = view.docs(NOTICE, user.as_bytes(), after.as_deref(), limit).or_store()?;
    docs.iter().map(|(_, bytes)| serde_json::from_slice(bytes).or_internal("a notice")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the first version wrote must be read by every later one.
    #[test]
    fn the_first_version_is_read() {
        let bytes = br#"{"version":1,"id":"019cf1a3-0000-7000-8000-000000000001","at":"2026-03-18T10:00:00Z","kind":"jobFailed","object":7,"record":null,"job":"019cf1a3-0000-7000-8000-000000000002","import":null,"actor":"00000000-0000-0000-0000-000000000000","fields":[3],"count":12,"read":true,"group":"bulk:x"}"#;
        let notice: Stored = serde_json::from_slice(bytes).expect("a notice");
        assert_eq!(
            (notice.kind, notice.count, notice.read, notice.object),
            (Kind::JobFailed, 12, true, Some(ObjectCode(7)))
        );
        assert_eq!(serde_json::to_vec(&notice).expect("JSON"), bytes);
    }

    #[test]
    fn newer_notices_come_first() {
        let user = Id::from_u128(7);
        assert!(key(user, Id::from_u128(2)) < key(user, Id::from_u128(1)));
        assert!(key(user, Id::from_u128(1)).starts_with(user.as_bytes()));
    }
}
