//! A believable data set to look around with: the same every time, with dates around today, loaded and removed as one.

use std::sync::Arc;

use aplomb_access::can;
use aplomb_model::{Capability, Code, Error, Id, Object, ObjectCode, Result};
use aplomb_store::{Batch, Op, Reason};
use serde_json::{Value as Json, json};

use crate::crm::Crm;
use crate::errors::{self, OrInternal, OrStore, forbidden};
use crate::records::plan::Origin;
use crate::sample_data::{Row, rows};
use crate::{Ctx, Map};

/// Document `records`: object and id of everything that was loaded.
const SAMPLE: &str = "sample";
const KEY: &[u8] = b"records";
const CHUNK: usize = 150;

impl Crm {
    pub fn sample_loaded(&self, _ctx: &Ctx) -> Result<bool> {
        Ok(self.inner.view()?.doc(SAMPLE, KEY).or_store()?.is_some())
    }

    /// `{loaded: {company: 30, ...}, seq}`; `Conflict` when it is there already.
    pub fn sample_load(&self, ctx: &Ctx) -> Result<Json> {
        if !can(&ctx.actor, Capability::ManageSettings) {
            return Err(forbidden());
        }
        if self.sample_loaded(ctx)? {
            return Err(Error::new(Code::Conflict, "the sample data is there already"));
        }
        let ctx = ctx.clone().because(SAMPLE);
        let rows = rows(&ctx, self.currency())?;
        let schema = self.schema();
        let object =
            |name: &str| schema.by_name(name).cloned().ok_or_else(|| Error::internal("the sample's object is missing"));
        let mut ids: Vec<(ObjectCode, Id)> = Vec::with_capacity(rows.len());
        let mut counts = Map::new();
        for row in &rows {
            ids.push((object(row.object)?.code, row.id));
            let count = counts.get(row.object).and_then(Json::as_u64).unwrap_or(0);
            counts.insert(row.object.to_owned(), json!(count + 1));
        }
        // first the list of what will be there: half a load can be removed too
        let value = serde_json::to_vec(&ids).or_internal("the sample's list")?;
        let op = Op::Doc { kind: SAMPLE, key: KEY.to_vec(), value: Some(value), logged: false };
        self.inner.commit_docs(&ctx, SAMPLE, vec![op], vec![])?;
        let mut seq = 0;
        for chunk in rows.chunks(CHUNK) {
            seq = self.load_chunk(&ctx, chunk, &object)?;
        }
        Ok(json!({"loaded": counts, "seq": seq}))
    }

    fn load_chunk(&self, ctx: &Ctx, rows: &[Row], object: &dyn Fn(&str) -> Result<Arc<Object>>) -> Result<u64> {
        let ((), seq) = self.inner.write(ctx, SAMPLE, |plan| {
            for row in rows {
                let object = object(row.object)?;
                let given = plan.read_fields(&object, &row.fields)?;
                plan.create(&object, Some(row.id), given, Origin::Import)?;
            }
            Ok(())
        })?;
        Ok(seq)
    }

    /// Everything that was loaded, also what was changed since; for good. `{removed: n, seq}`.
    pub fn sample_remove(&self, ctx: &Ctx) -> Result<Json> {
        if !can(&ctx.actor, Capability::ManageSettings) {
            return Err(forbidden());
        }
        let view = self.inner.view()?;
        let list = view.doc(SAMPLE, KEY).or_store()?.ok_or_else(|| Error::not_found("sample data"))?;
        let ids: Vec<(ObjectCode, Id)> = serde_json::from_slice(&list).or_internal("the sample's list")?;
        drop(view);
        let (mut removed, mut seq) = (0, self.seq());
        for chunk in ids.chunks(CHUNK) {
            let (count, at) = self.purge(ctx, chunk)?;
            removed += count;
            seq = seq.max(at);
        }
        let op = Op::Doc { kind: SAMPLE, key: KEY.to_vec(), value: None, logged: false };
        seq = seq.max(self.inner.commit_docs(ctx, SAMPLE, vec![op], vec![])?);
        Ok(json!({"removed": removed, "seq": seq}))
    }

    fn purge(&self, ctx: &Ctx, ids: &[(ObjectCode, Id)]) -> Result<(usize, u64)> {
        let schema = self.schema();
        let view = self.inner.view()?;
        let mut ops = Vec::new();
        for (code, id) in ids {
            let Some(object) = schema.by_code(*code) else { continue };
            if let Some(record) = view.get(*code, *id).or_store()? {
                ops.push(Op::Purge { record: Arc::new(record), object: object.clone() });
            }
        }
        let count = ops.len();
        if count == 0 {
            return Ok((0, 0));
        }
        let (reason, request) = (Reason::new(SAMPLE), ctx.request.clone());
        let batch = Batch { at: ctx.now, actor: ctx.actor.user, reason, request, ops, asserts: vec![] };
        let seq = self.inner.commit(batch).map_err(|e| errors::store(&schema, e))?;
        Ok((count, seq))
    }
}
