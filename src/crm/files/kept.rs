//! What is known of a file: a document by its id, and while no record refers to it a second one by time, so that what
//! nobody wants is found without looking at all files.

use aplomb_model::value::Link;
use aplomb_model::{FileRef, Id, Result, Timestamp};
use aplomb_store::{Assert, Op, View};
use serde::{Deserialize, Serialize};

use crate::errors::{OrInternal, OrStore};

/// Documents: [`Kept`], by the file's id.
const KEPT: &str = "file";
/// Documents without content, by time and id: files that no record refers to.
const LOOSE: &str = "looseFile";
const PAGE: usize = 500;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Kept {
    /// of this document's form
    version: u8,
    pub file: FileRef,
    uploader: Id,
    /// records that refer to it
    holders: Vec<Link>,
    /// since when none does
    loose_since: Option<Timestamp>,
}

impl Kept {
    pub fn new(file: FileRef, uploader: Id, now: Timestamp) -> Kept {
        Kept { version: 1, file, uploader, holders: Vec::new(), loose_since: Some(now) }
    }

    pub fn load(view: &View, id: Id) -> Result<Option<Kept>> {
        let bytes = view.doc(KEPT, id.as_bytes()).or_store()?;
        bytes.map(|bytes| Kept::read(&bytes)).transpose()
    }

    fn read(bytes: &[u8]) -> Result<Kept> {
        serde_json::from_slice(bytes).or_internal("what is known of a file")
    }

    /// Every file, in pages.
    pub fn each(view: &View, mut look: impl FnMut(Kept)) -> Result<()> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = view.docs(KEPT, &[], after.as_deref(), PAGE).or_store()?;
            for (_, bytes) in &page {
                look(Kept::read(bytes)?);
            }
            match page.last() {
                Some((key, _)) if page.len() == PAGE => after = Some(key.clone()),
                _ => return Ok(()),
            }
        }
    }

    /// Files that no record has referred to since before `end`, oldest first; a page of them.
    pub fn loose_before(view: &View, end: Timestamp) -> Result<Vec<Id>> {
        let page = view.docs(LOOSE, &[], None, PAGE).or_store()?;
        let old = page.iter().take_while(|(key, _)| key.as_slice() < time_key(end).as_slice());
        Ok(old.filter_map(|(key, _)| Id::from_slice(key.get(8..)?)).collect())
    }

    /// Nobody's but the uploader's.
    pub fn is_of(&self, user: Id) -> bool {
        self.uploader == user && self.holders.is_empty()
    }

    pub fn uploaded_by(&self, user: Id) -> bool {
        self.uploader == user
    }

    pub fn is_loose(&self) -> bool {
        self.holders.is_empty()
    }

    pub fn hold(&mut self, record: Link) {
        self.loose_since = None;
        if !self.holders.contains(&record) {
            self.holders.push(record);
        }
    }

    pub fn let_go(&mut self, record: Link, now: Timestamp) {
        self.holders.retain(|holder| *holder != record);
        if self.holders.is_empty() {
            self.loose_since = Some(now);
        }
    }

    /// What writes it, in the place of `before`.
    pub fn put(&self, before: Option<&Kept>) -> Vec<Op> {
        let value = serde_json::to_vec(self).ok();
        let mut ops = vec![doc(KEPT, self.file.id.as_bytes().to_vec(), value)];
        let (old, new) = (before.and_then(Kept::loose_key), self.loose_key());
        if old != new {
            ops.extend(old.map(|key| doc(LOOSE, key, None)));
            ops.extend(new.map(|key| doc(LOOSE, key, Some(Vec::new()))));
        }
        ops
    }

    /// What removes it.
    pub fn delete(&self) -> Vec<Op> {
        let loose = self.loose_key().map(|key| doc(LOOSE, key, None));
        [doc(KEPT, self.file.id.as_bytes().to_vec(), None)].into_iter().chain(loose).collect()
    }

    /// That nobody has changed it meanwhile.
    pub fn unchanged(&self) -> Assert {
        let value = serde_json::to_vec(self).ok();
        Assert::DocIs { kind: KEPT, key: self.file.id.as_bytes().to_vec(), hash_or_value: value }
    }

    fn loose_key(&self) -> Option<Vec<u8>> {
        let mut key = time_key(self.loose_since?).to_vec();
        key.extend_from_slice(self.file.id.as_bytes());
        Some(key)
    }
}

/// Sorts by time.
fn time_key(at: Timestamp) -> [u8; 8] {
    at.micros().max(0).to_be_bytes()
}

fn doc(kind: &'static str, key: Vec<u8>, value: Option<Vec<u8>>) -> Op {
    Op::Doc { kind, key, value, logged: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As version 1 wrote it.
    const FIRST: &str = r#"{"version":1,"file":{"id":"01a1fe92-b174-7ef2-80b4-3fee9682d7ab","name":"a.pdf","size":7,"mediaType":"application/pdf"},"uploader":"01a1fe92-b174-7ef2-80b4-3fee9682d7ac","holders":[{"object":1,"id":"01a1fe92-b174-7ef2-80b4-3fee9682d7ad"}],"looseSince":null}"#;

    #[test]
    fn documents_of_the_first_version_are_read() {
        let kept = Kept::read(FIRST.as_bytes()).unwrap();
        assert_eq!((kept.file.size, kept.is_loose()), (7, false));
        assert_eq!(serde_json::to_string(&kept).unwrap(), FIRST);
    }

    #[test]
    fn a_file_is_loose_only_while_nobody_holds_it() {
        let kept = Kept::read(FIRST.as_bytes()).unwrap();
        let holder = kept.holders[0];
        let other = Link { id: Id::MAX, ..holder };
        let mut after = kept.clone();
        after.hold(other);
        after.let_go(holder, Timestamp::from_seconds(5));
        assert!(!after.is_loose() && after.loose_key().is_none());
        after.let_go(other, Timestamp::from_seconds(5));
        assert_eq!(after.put(Some(&kept)).len(), 2, "itself, and the entry by time");
        assert_eq!(after.delete().len(), 2);
        assert!(after.is_of(after.uploader) && !after.is_of(Id::MAX));
    }
}
