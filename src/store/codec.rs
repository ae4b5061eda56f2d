//! The stored forms of records, log rows and the rest. Every row starts with a format byte; a new form gets a new
//! byte, and the old ones stay readable: `fixtures` holds one of each.

use aplomb_model::record::Fields;
use aplomb_model::{FieldCode, Id, ObjectCode, Record, Seq, Timestamp, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{ChangeKind, DocChange, Job, Reason, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

const RECORD: u8 = 1;
const LOG: u8 = 1;
const HEAD: u8 = 1;
const JOB: u8 = 1;
const HISTORY: u8 = 1;

/// What stays the same is not written twice: object and id are in the key.
#[derive(Serialize, Deserialize)]
struct StoredRecord<F> {
    version: u32,
    created_at: i64,
    created_by: Id,
    /// microseconds from `created_at`
    updated_after: i64,
    /// when not `created_by`
    updated_by: Option<Id>,
    trashed_at: Option<Timestamp>,
    fields: F,
}

/// First 16 bytes of the SHA-256 of a record's stored form.
pub(crate) type State = [u8; 16];

pub(crate) fn encode_record(record: &Record) -> Result<Vec<u8>> {
    let created_at = record.created_at.micros();
    let stored = StoredRecord {
        version: record.version,
        created_at,
        created_by: record.created_by,
        updated_after: record.updated_at.micros().wrapping_sub(created_at),
        updated_by: (record.updated_by != record.created_by).then_some(record.updated_by),
        trashed_at: record.trashed_at,
        fields: &record.fields,
    };
    encode(RECORD, &stored, 1024)
}

pub(crate) fn decode_record(object: ObjectCode, id: Id, bytes: &[u8]) -> Result<Record> {
    let stored: StoredRecord<Fields> = decode(RECORD, bytes, "a record")?;
    Ok(Record {
        object,
        id,
        version: stored.version,
        created_at: Timestamp::from_micros(stored.created_at),
        created_by: stored.created_by,
        updated_at: Timestamp::from_micros(stored.created_at.wrapping_add(stored.updated_after)),
        updated_by: stored.updated_by.unwrap_or(stored.created_by),
        trashed_at: stored.trashed_at,
        fields: stored.fields,
    })
}

/// The version alone, without reading the rest.
pub(crate) fn decode_version(bytes: &[u8]) -> Result<u32> {
    match bytes.split_first() {
        Some((&RECORD, rest)) => postcard::take_from_bytes(rest).map(|(version, _)| version).ok(),
        _ => None,
    }
    .ok_or_else(|| StoreError::corrupt("a record"))
}

pub(crate) fn state(stored: &[u8]) -> State {
    let mut state = [0; 16];
    state.copy_from_slice(&Sha256::digest(stored)[..16]);
    state
}

/// The part of a log row that does not depend on its place in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LogBody {
    pub at: Timestamp,
    pub actor: Id,
    pub reason: Reason,
    pub request: String,
    pub items: Vec<LogItem>,
    pub docs: Vec<DocChange>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LogItem {
    pub object: ObjectCode,
    pub id: Id,
    pub version: u32,
    pub kind: ChangeKind,
    /// of the record afterwards; zeros after a purge
    pub state: State,
    /// what leads back to the version before; none of a creation or a purge
    pub back: Option<Back>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Back {
    pub updated_at: Timestamp,
    pub updated_by: Id,
    pub trashed_at: Option<Timestamp>,
    /// field, before, after
    pub changes: Vec<(FieldCode, Option<Value>, Option<Value>)>,
    /// the fields whose values are in `sealed`
    pub personal: Vec<FieldCode>,
    /// before and after of each, under the record's key
    pub sealed: Vec<u8>,
}

pub(crate) type Chain = [u8; 32];

/// The last row of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub seq: Seq,
    pub chain: Chain,
}

impl Head {
    /// SHA-256 over the chain so far, the place and the hash of the body, which was made off the writer's thread.
    pub fn next(&self, body_hash: &[u8; 32]) -> Head {
        let seq = self.seq + 1;
        let mut hash = Sha256::new();
        hash.update(self.chain);
        hash.update(seq.to_be_bytes());
        hash.update(body_hash);
        Head { seq, chain: hash.finalize().into() }
    }

    pub fn encode(&self) -> Result<Vec<u8>> {
        encode(HEAD, self, 48)
    }

    pub fn decode(bytes: &[u8]) -> Result<Head> {
        decode(HEAD, bytes, "the head of the log")
    }
}

pub(crate) fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Format byte and body; [`log_row`] puts the chain between them.
pub(crate) fn encode_log(body: &LogBody) -> Result<Vec<u8>> {
    encode(LOG, body, 256)
}

/// The row: format byte, chain, body.
pub(crate) fn log_row(encoded: &[u8], chain: &Chain) -> Vec<u8> {
    let mut row = Vec::with_capacity(encoded.len() + chain.len());
    row.extend_from_slice(&encoded[..1]);
    row.extend_from_slice(chain);
    row.extend_from_slice(&encoded[1..]);
    row
}

/// Takes a row apart into its chain and what [`encode_log`] made.
pub(crate) fn split_log_row(row: &[u8]) -> Result<(Chain, Vec<u8>)> {
    let damaged = || StoreError::corrupt("a row of the change log");
    let (format, rest) = row.split_first().ok_or_else(damaged)?;
    let (chain, body) = rest.split_first_chunk::<32>().ok_or_else(damaged)?;
    let mut encoded = Vec::with_capacity(1 + body.len());
    encoded.push(*format);
    encoded.extend_from_slice(body);
    Ok((*chain, encoded))
}

pub(crate) fn decode_log(row: &[u8]) -> Result<LogBody> {
    let body = row.get(..1).zip(row.get(33..)).ok_or_else(|| StoreError::corrupt("a row of the change log"))?;
    decode_from(LOG, body.0[0], body.1, "a row of the change log")
}

/// When and where in its batch a record was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HistoryRow {
    pub at: Timestamp,
    /// positions in the log row's items, ascending
    pub items: Vec<u32>,
}

pub(crate) fn encode_history(row: &HistoryRow) -> Result<Vec<u8>> {
    encode(HISTORY, row, 16)
}

pub(crate) fn decode_history(bytes: &[u8]) -> Result<HistoryRow> {
    decode(HISTORY, bytes, "a history row")
}

pub(crate) fn encode_job(job: &Job) -> Result<Vec<u8>> {
    encode(JOB, job, 128)
}

pub(crate) fn decode_job(bytes: &[u8]) -> Result<Job> {
    decode(JOB, bytes, "a job")
}

pub(crate) fn encode_count(count: u64) -> Vec<u8> {
    count.to_be_bytes().to_vec()
}

pub(crate) fn decode_count(bytes: &[u8]) -> Result<u64> {
    bytes.try_into().map(u64::from_be_bytes).map_err(|_| StoreError::corrupt("a counter"))
}

fn encode<T: Serialize>(format: u8, value: &T, capacity: usize) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(capacity);
    out.push(format);
    postcard::to_extend(value, out).map_err(|e| StoreError::Invalid(format!("cannot be encoded: {e}")))
}

fn decode<T: DeserializeOwned>(format: u8, bytes: &[u8], what: &str) -> Result<T> {
    let (found, rest) = bytes.split_first().ok_or_else(|| StoreError::corrupt(what))?;
    decode_from(format, *found, rest, what)
}

fn decode_from<T: DeserializeOwned>(format: u8, found: u8, bytes: &[u8], what: &str) -> Result<T> {
    if found != format {
        return Err(StoreError::corrupt(format!("{what}: unknown format {found}")));
    }
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(StoreError::corrupt(format!("{what}: too long"))),
        Err(_) => Err(StoreError::corrupt(what)),
    }
}
