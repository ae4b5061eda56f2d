//! Files coming in as `multipart/form-data`: sealed piece by piece as they arrive, never in the clear on the disk.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse};
use aplomb_model::{Code, Error, Result};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::call::Call;
use crate::dispatch::blocking;
use crate::http::answer::Answer;
use crate::http::streams::{self, ChannelReader};
use crate::idempotency;

/// Longest silence of a sender.
const PATIENCE: Duration = Duration::from_secs(30);
const MAX_TEXT: usize = 64 << 10;
const MAX_TEXTS: usize = 32;

/// A form with one file.
pub struct Form {
    pub file: ChannelReader,
    rest: oneshot::Receiver<Result<Fields>>,
    digest: Digested,
}

/// What names and content of a form come to, once it has arrived whole.
pub type Digested = Arc<OnceLock<[u8; 32]>>;

/// What stands beside the file; known once the whole form has arrived.
#[derive(Debug, Default)]
pub struct Fields {
    pub file_name: String,
    pub texts: BTreeMap<String, String>,
}

impl Form {
    /// Waits for the end of the form. Errors: what was wrong with it.
    pub fn finish(self) -> Result<Fields> {
        drop(self.file);
        self.rest.blocking_recv().unwrap_or_else(|_| Err(Error::new(Code::Malformed, "the form broke off")))
    }

    pub fn digest(&self) -> Digested {
        self.digest.clone()
    }
}

pub async fn answer(
    call: Call,
    handler: fn(&Call, Form) -> Result<Answer>,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    let limit = call.app.config.limits.upload_bytes;
    let declared = call.head.content_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    if !declared.starts_with("multipart/form-data") {
        return Err(Error::new(Code::UnsupportedMedia, "send multipart/form-data with a part named `file`"));
    }
    if call.head.content_length.is_some_and(|length| length > limit.saturating_add(1 << 20)) {
        return Err(too_large(limit));
    }
    let (chunks, file) = streams::reader();
    let (done, rest) = oneshot::channel();
    let digest = Digested::default();
    let form = Form { file, rest, digest: digest.clone() };
    let multipart = Multipart::new(request.headers(), payload);
    // Only a repeated request is compared.
    let mut hash = call.head.idempotency_key.is_some().then(Sha256::new);
    let feed = async move {
        let fields = receive(multipart, &chunks, limit, &mut hash).await;
        if let Some(hash) = hash {
            let _ = digest.set(hash.finalize().into());
        }
        if fields.is_err() {
            let _ = chunks.send(Err(io::Error::other("the form is not valid"))).await;
        }
        drop(chunks);
        let _ = done.send(fields);
    };
    let work = blocking(move || {
        let mut answer = match call.head.idempotency_key.clone() {
            Some(key) => idempotency::once_uploaded(&call, &key, form, handler)?,
            None => handler(&call, form)?,
        };
        let encoding = answer.encoded(&call.head.accept_encoding);
        Ok((answer.seq(call.open.crm.seq()), encoding))
    });
    let ((), worked) = futures_util::future::join(feed, work).await;
    let (answer, encoding) = worked?;
    Ok(answer.into_response(encoding))
}

type Chunks = mpsc::Sender<io::Result<Bytes>>;

async fn receive(mut multipart: Multipart, chunks: &Chunks, limit: u64, hash: &mut Option<Sha256>) -> Result<Fields> {
    let (mut fields, mut has_file) = (Fields::default(), false);
    while let Some(field) = patient(multipart.next()).await? {
        let field = field.map_err(malformed)?;
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.content_disposition().and_then(|d| d.get_filename()).map(str::to_owned);
        match (name.as_str(), file_name) {
            ("file", file_name) if !has_file => {
                has_file = true;
                fields.file_name = file_name.unwrap_or_default();
                name_in(hash, &fields.file_name);
                forward(field, chunks, limit, hash).await?;
            }
            (_, Some(_)) => return Err(Error::field(name, "unexpected", "one file, in the part `file`, is taken")),
            (_, None) if fields.texts.len() >= MAX_TEXTS => return Err(Error::new(Code::TooLarge, "too many parts")),
            (_, None) => {
                let text = text(field).await?;
                name_in(hash, &name);
                name_in(hash, &text);
                fields.texts.insert(name, text);
            }
        }
    }
    match has_file {
        true => Ok(fields),
        false => Err(Error::field("file", "required", "the form has no part `file`")),
    }
}

/// With its length, so that no two forms come to the same.
fn name_in(hash: &mut Option<Sha256>, text: &str) {
    if let Some(hash) = hash {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
}

async fn forward(mut field: Field, chunks: &Chunks, limit: u64, hash: &mut Option<Sha256>) -> Result<()> {
    let mut total = 0u64;
    while let Some(chunk) = patient(field.next()).await? {
        let chunk = chunk.map_err(malformed)?;
        total += chunk.len() as u64;
        if total > limit {
            return Err(too_large(limit));
        }
        if let Some(hash) = hash {
            hash.update(&chunk);
        }
        // When the handler has given up, the rest is read and dropped, so that its answer can be received.
        let _ = chunks.send(Ok(chunk)).await;
    }
    if let Some(hash) = hash {
        hash.update(total.to_le_bytes());
    }
    Ok(())
}

async fn text(mut field: Field) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = patient(field.next()).await? {
        bytes.extend_from_slice(&chunk.map_err(malformed)?);
        if bytes.len() > MAX_TEXT {
            return Err(Error::new(Code::TooLarge, "a text part of the form is too long"));
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::new(Code::Malformed, "a text part of the form is not UTF-8"))
}

async fn patient<T>(next: impl Future<Output = T>) -> Result<T> {
    timeout(PATIENCE, next).await.map_err(|_| Error::new(Code::Malformed, "the upload stopped arriving"))
}

fn malformed(error: MultipartError) -> Error {
    Error::new(Code::Malformed, format!("the form cannot be read: {error}"))
}

fn too_large(limit: u64) -> Error {
    Error::new(Code::TooLarge, format!("an upload may have at most {limit} bytes"))
}

/// Why what arrived could not be written.
pub fn failed(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::new(Code::DiskFull, "no room for the file"),
        io::ErrorKind::ReadOnlyFilesystem => Error::new(Code::ReadOnly, "the data directory cannot be written"),
        io::ErrorKind::FileTooLarge => Error::new(Code::TooLarge, "the file is too large"),
        _ => Error::internal(format!("upload: {error}")),
    }
}
