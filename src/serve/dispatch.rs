//! The way of every API request: which route, what body, who, once only; then one handler on a thread that may block.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, Bytes, Payload};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use aplomb_model::{Code, Error, Id, Result};
use futures_util::{FutureExt, StreamExt};

use crate::call::{Call, Door};
use crate::http::answer::Answer;
use crate::http::encode::Encoding;
use crate::http::head::{Head, IfMatch};
use crate::http::params::Params;
use crate::http::problem;
use crate::rates::Caller;
use crate::routes::{Handler, Route, Takes};
use crate::secure::client_address;
use crate::state::App;
use crate::{change, download, edge, idempotency, live, upload};

/// Set on the request by the outer layer.
#[derive(Clone)]
pub struct RequestId(pub String);

/// Set on the request once the caller is known, for the log.
#[derive(Clone, Copy)]
pub struct User(pub Id);

/// All routes of one path.
pub type Group = &'static [&'static Route];

/// Answers a request for one of the routes of `group`, which share their path.
pub async fn dispatch(group: Group, app: Arc<App>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let method = match request.method().as_str() {
        "HEAD" => "GET",
        "OPTIONS" => return allow(group, HttpResponse::NoContent().finish()),
        other => other,
    };
    let Some(route) = group.iter().find(|route| route.method == method) else {
        let error = Error::new(Code::MethodNotAllowed, format!("this address takes {}", methods(group)));
        return allow(group, problem::response(&error, &request_id));
    };
    let work = AssertUnwindSafe(answer(route, app, &request, payload, &request_id)).catch_unwind();
    match work.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => problem::response(&error, &request_id),
        Err(_) => problem::response(&Error::internal("a handler panicked"), &request_id),
    }
}

fn methods(group: Group) -> String {
    group.iter().map(|route| route.method).collect::<Vec<_>>().join(", ")
}

fn allow(group: Group, mut response: HttpResponse) -> HttpResponse {
    if let Ok(value) = HeaderValue::from_str(&methods(group)) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

async fn answer(
    route: &'static Route,
    app: Arc<App>,
    request: &HttpRequest,
    mut payload: Payload,
    request_id: &str,
) -> Result<HttpResponse> {
    let head = Head::read(request, app.site.cookie_name())?;
    if !route.has_versions() && !matches!(head.if_match, None | Some(IfMatch::Any)) {
        return Err(Error::new(Code::VersionMismatch, "nothing here has versions; leave If-Match out, or send *"));
    }
    if !route.is_safe() && head.bearer.is_none() {
        app.site.check_origin(request.headers())?;
    }
    let client = client_address(request.peer_addr(), request.headers());
    let query = Params::parse(request.query_string())?;
    query.only(route.query)?;
    let body = match route.takes {
        Takes::Form(_) => Bytes::new(),
        takes => body(takes, &head, &mut payload, app.config.limits.json_bytes).await?,
    };
    let path = request.match_info().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let uri = request.uri().to_string();
    let (now, request_id) = (edge::now(), request_id.to_owned());
    let door = Door { app, route, path, query, uri, head, body, client, request_id, now };
    match route.handler {
        Handler::Door(handler) => {
            let (answer, encoding) = blocking(move || {
                door.count(Caller::Address(door.client.address))?;
                let mut answer = if route.guarded { guarded(&door, handler)? } else { handler(&door)? };
                let encoding = answer.encoded(&door.head.accept_encoding);
                Ok((answer, encoding))
            })
            .await?;
            Ok(answer.into_response(encoding))
        }
        Handler::Call(handler) => called(door, handler, request).await,
        Handler::Change(handler) => change::answer(door, handler, request).await,
        Handler::Upload(handler) => upload::answer(enter(door, request).await?, handler, request, payload).await,
        Handler::Download(handler) => download::answer(enter(door, request).await?, handler).await,
        Handler::Live => live::answer(enter(door, request).await?),
    }
}

/// Runs a handler for the caller on a thread that may block.
pub async fn called(
    door: Door,
    handler: impl FnOnce(&Call) -> Result<Answer> + Send + 'static,
    request: &HttpRequest,
) -> Result<HttpResponse> {
    let (user, done) = blocking(move || {
        let call = door.enter()?;
        Ok((call.user(), perform(&call, handler)))
    })
    .await?;
    request.extensions_mut().insert(User(user));
    let (answer, encoding) = done?;
    Ok(answer.into_response(encoding))
}

/// Runs a handler that checks a secret: an address that sends too many wrong ones has to wait.
fn guarded(door: &Door, handler: fn(&Door) -> Result<Answer>) -> Result<Answer> {
    door.app.rates.may_log_in(door.client.address, door.now)?;
    let answer = handler(door);
    let wrong = |error: &Error| matches!(error.code, Code::BadCredentials | Code::TooManyRequests);
    if answer.as_ref().is_err_and(wrong) {
        door.app.rates.wrong_log_in(door.client.address, door.now);
    }
    answer
}

async fn enter(door: Door, request: &HttpRequest) -> Result<Call> {
    let call = blocking(move || door.enter()).await?;
    request.extensions_mut().insert(User(call.user()));
    Ok(call)
}

/// Runs one handler for a caller, at most once for an idempotency key.
pub fn perform(call: &Call, handler: impl FnOnce(&Call) -> Result<Answer>) -> Result<(Answer, Option<Encoding>)> {
    let mut answer = match (&call.head.idempotency_key, call.route.method) {
        (Some(key), "POST") => idempotency::once(call, key, handler)?,
        _ => handler(call)?,
    };
    let has_seq = answer.headers.iter().any(|(name, _)| *name == "x-aplomb-seq");
    if !call.route.is_safe() && !has_seq {
        answer = answer.seq(call.open.crm.seq());
    }
    let encoding = answer.encoded(&call.head.accept_encoding);
    Ok((answer, encoding))
}

/// Runs blocking work; a panic in it is an internal error.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match web::block(work).await {
        Ok(done) => done,
        Err(_) => Err(Error::internal("a handler panicked")),
    }
}

/// Reads a JSON body within the limit, or makes sure that there is none.
async fn body(takes: Takes, head: &Head, payload: &mut Payload, limit: usize) -> Result<Bytes> {
    if head.content_length.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let mut body = web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|e| Error::new(Code::Malformed, format!("the body broke off: {e}")))?;
        if body.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    match takes {
        Takes::Nothing => Ok(Bytes::new()),
        _ if body.is_empty() => Ok(Bytes::new()),
        _ if !head.is_json() => {
            Err(Error::new(Code::UnsupportedMedia, "send the body as JSON, with content-type application/json"))
        }
        _ => Ok(body.freeze()),
    }
}

pub fn too_large(limit: usize) -> Error {
    Error::new(Code::TooLarge, format!("at most {limit} bytes are taken here"))
}
