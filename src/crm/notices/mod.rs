//! What concerns a user although somebody else did it: a record he follows or owns was changed, one was given to him,
//! his own jobs and imports ended. Made by a follower of the change log whose cursor is written in the batch of the
//! notices, so that a restart loses and doubles none. A notice holds no customer data: what it shows is looked up when
//! it is read, with the reader's rights at that moment.

mod decide;
mod follow;
mod followed;
mod gather;
mod read;
mod stored;

use std::collections::BTreeSet;

use aplomb_model::{Id, Result, Seq};
use aplomb_store::Op;
use parking_lot::Mutex;

pub use decide::ImportEnd;
pub use read::ReadNotices;

use crate::crm::Crm;
use crate::{BulkDoc, Ctx};
use followed::Followed;

/// Told of the users who have new notices; `false` ends the subscription. Must not block.
pub type NoticeWatcher = Box<dyn Fn(&BTreeSet<Id>) -> bool + Send + Sync>;

#[derive(Default)]
pub(crate) struct Notices {
    followed: Followed,
    thread: follow::Thread,
    /// held while stored notices are read to be changed
    gate: Mutex<()>,
    watchers: Mutex<Vec<NoticeWatcher>>,
}

impl Notices {
    pub fn stop(&self) {
        self.thread.stop();
    }

    fn tell(&self, users: &BTreeSet<Id>) {
        self.watchers.lock().retain(|watcher| watcher(users));
    }
}

impl Crm {
    /// Writes documents of an import that has ended, and its end into the log, in one batch.
    pub fn import_ended(&self, ctx: &Ctx, docs: Vec<BulkDoc>, end: &ImportEnd) -> Result<Seq> {
        let put = |d: BulkDoc| Op::Doc { kind: d.kind, key: d.key, value: d.value, logged: false };
        let (kind, key) = (decide::IMPORT_END, end.id.as_bytes().to_vec());
        let logged = Op::Doc { kind, key, value: Some(end.bytes()?), logged: true };
        self.inner.commit_docs(ctx, "import", docs.into_iter().map(put).chain([logged]).collect(), vec![])
    }

    /// Calls `watcher` after notices were made, until it returns false.
    pub fn watch_notices(&self, watcher: NoticeWatcher) {
        self.inner.notices.watchers.lock().push(watcher);
    }
}
