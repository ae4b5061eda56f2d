//! The same key gives the same answer for 24 hours. A program that lost the answer asks again and changes nothing.
//! Calls that hand out a secret to somebody unknown so far (log-in, first run, unsealing) are left out: their answers
//! must not be kept.

use aplomb_model::{Code, Error, Result, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::call::Call;
use crate::data::Open;
use crate::edge::hex;
use crate::http::answer::{Answer, JSON};
use crate::state::App;
use crate::upload::{Digested, Form};

const KIND: &str = "idempotency";
const KEPT_DAYS: i64 = 1;
/// Only these headers are part of an answer that is given again.
const HEADERS: [&str; 3] = ["etag", "location", "x-aplomb-seq"];
/// Documents looked at in one go when old ones are removed.
const PAGE: usize = 500;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    at: Timestamp,
    /// of method, address and body or form
    fingerprint: String,
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// Calls `handler` unless this key has an answer already.
///
/// Errors: `idempotency_mismatch` for another request under the same key; `conflict` while the first still runs.
pub fn once(call: &Call, key: &str, handler: impl FnOnce(&Call) -> Result<Answer>) -> Result<Answer> {
    let (name, fingerprint) = (name(call, key), fingerprint(call, &[]));
    let _mine = UnderWay::new(&call.app, &name)?;
    if let Some(stored) = find(call, &name)? {
        return replay(stored, &fingerprint);
    }
    let answer = handler(call)?;
    keep(call, &name, fingerprint, &answer)?;
    Ok(answer)
}

/// The same for a file, which is compared once it has arrived; a repeated one is read and not kept.
pub fn once_uploaded(
    call: &Call,
    key: &str,
    form: Form,
    handler: impl FnOnce(&Call, Form) -> Result<Answer>,
) -> Result<Answer> {
    let (name, digest) = (name(call, key), form.digest());
    let arrived = |digest: &Digested| fingerprint(call, digest.get().map_or(&[], |digest| digest.as_slice()));
    let _mine = UnderWay::new(&call.app, &name)?;
    if let Some(stored) = find(call, &name)? {
        form.finish()?;
        return replay(stored, &arrived(&digest));
    }
    let answer = handler(call, form)?;
    keep(call, &name, arrived(&digest), &answer)?;
    Ok(answer)
}

fn name(call: &Call, key: &str) -> Vec<u8> {
    let mut name = call.user().as_bytes().to_vec();
    name.extend_from_slice(&Sha256::digest(key.as_bytes())[..16]);
    name
}

fn keep(call: &Call, name: &[u8], fingerprint: String, answer: &Answer) -> Result<()> {
    let kept = HEADERS.iter().filter_map(|name| answer.headers.iter().find(|(n, _)| n == name));
    let stored = Stored {
        at: call.now,
        fingerprint,
        status: answer.status,
        headers: kept.map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        body: String::from_utf8_lossy(&answer.body).into_owned(),
    };
    let bytes = serde_json::to_vec(&stored).map_err(|e| Error::internal(format!("idempotent answer: {e}")))?;
    call.open.crm.put_doc(&call.ctx, KIND, name, Some(bytes)).map(drop)
}

fn fingerprint(call: &Call, uploaded: &[u8]) -> String {
    let mut hash = Sha256::new();
    for part in [call.route.method.as_bytes(), call.uri.as_bytes(), &call.body, uploaded] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

fn find(call: &Call, name: &[u8]) -> Result<Option<Stored>> {
    let bytes = call.open.crm.get_doc(KIND, name)?;
    let stored: Option<Stored> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    Ok(stored.filter(|stored| stored.at.plus_days(KEPT_DAYS) > call.now))
}

fn replay(stored: Stored, fingerprint: &str) -> Result<Answer> {
    if stored.fingerprint != fingerprint {
        return Err(Error::new(Code::IdempotencyMismatch, "take another key for another request"));
    }
    let answer = Answer::new(stored.status, JSON, stored.body).header("idempotency-replayed", "true");
    let known = |name: &str| HEADERS.into_iter().find(|known| *known == name);
    let headers = stored.headers.into_iter().filter_map(|(name, value)| Some((known(&name)?, value)));
    Ok(headers.fold(answer, |answer, (name, value)| answer.header(name, value)))
}

/// Removes answers that are no longer kept; called now and then.
pub fn forget_old(open: &Open, ctx: &aplomb_crm::Ctx) -> Result<()> {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = open.crm.list_docs(KIND, &[], after.as_deref(), PAGE)?;
        for (name, bytes) in &page {
            let stored: Option<Stored> = serde_json::from_slice(bytes).ok();
            if stored.is_none_or(|stored| stored.at.plus_days(KEPT_DAYS) <= ctx.now) {
                open.crm.put_doc(ctx, KIND, name, None)?;
            }
        }
        match page.last() {
            Some((name, _)) if page.len() == PAGE => after = Some(name.clone()),
            _ => return Ok(()),
        }
    }
}

/// Marks a key as being worked on until dropped.
struct UnderWay<'a> {
    app: &'a App,
    name: Vec<u8>,
}

impl<'a> UnderWay<'a> {
    fn new(app: &'a App, name: &[u8]) -> Result<UnderWay<'a>> {
        if !app.under_way.lock().insert(name.to_vec()) {
            let mut error = Error::new(Code::Conflict, "the first request with this key is still running");
            error.retry_after_seconds = Some(1);
            return Err(error);
        }
        Ok(UnderWay { app, name: name.to_vec() })
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.app.under_way.lock().remove(&self.name);
    }
}
