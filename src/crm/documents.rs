//! Documents that belong to other crates: imports, answers to idempotent requests. Not records, not in the history.

use aplomb_model::{Result, Seq};
use aplomb_store::Op;

use crate::crm::Crm;
use crate::errors::OrStore;
use crate::{BulkDoc, Ctx};

impl Crm {
    pub fn get_doc(&self, kind: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.inner.view()?.doc(kind, key).or_store()
    }

    /// `None` removes.
    pub fn put_doc(&self, ctx: &Ctx, kind: &'static str, key: &[u8], value: Option<Vec<u8>>) -> Result<Seq> {
        let op = Op::Doc { kind, key: key.to_vec(), value, logged: false };
        self.inner.commit_docs(ctx, kind, vec![op], vec![])
    }

    /// All of them or none.
    pub fn put_docs(&self, ctx: &Ctx, reason: &str, docs: Vec<BulkDoc>) -> Result<Seq> {
        let put = |d: BulkDoc| Op::Doc { kind: d.kind, key: d.key, value: d.value, logged: false };
        self.inner.commit_docs(ctx, reason, docs.into_iter().map(put).collect(), vec![])
    }

    /// By key, after `after`.
    pub fn list_docs(
        &self,
        kind: &'static str,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.inner.view()?.docs(kind, prefix, after, limit).or_store()
    }
}
