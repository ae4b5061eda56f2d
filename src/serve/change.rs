//! Changes of single records: decided at the desk, answered when they are on disk. No thread waits in between, so a
//! thousand callers who write at once share a few threads and each commit's one sync.

use std::sync::Arc;

use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use aplomb_crm::{Change, RecordView, is_numbered};
use aplomb_model::{Error, Id, Result};
use tokio::sync::oneshot;

use crate::call::{Call, Door};
use crate::dispatch::{User, blocking, called, perform};
use crate::http::answer::Answer;
use crate::http::encode::Encoding;

/// What a caller wants changed, and how he is told of it.
pub struct Wanted {
    pub change: Change,
    pub answer: fn(&RecordView) -> Result<Answer>,
}

pub type Handler = fn(&Call) -> Result<Wanted>;

/// How far the desk came.
enum Told {
    Done(Answer, Option<Encoding>),
    /// another write was quicker
    Anew(Arc<Call>),
}

type Sender = oneshot::Sender<(Option<Id>, Result<Told>)>;

pub async fn answer(door: Door, handler: Handler, request: &HttpRequest) -> Result<HttpResponse> {
    // the desk is not for work that waits
    if door.head.idempotency_key.is_some() || door.object().is_ok_and(|object| is_numbered(&object)) {
        return called(door, move |call| whole(call, handler), request).await;
    }
    let (sender, told) = oneshot::channel();
    let app = door.app.clone();
    app.desk.run(move || start(door, handler, sender));
    let (user, told) = told.await.map_err(|_| Error::internal("a handler panicked"))?;
    if let Some(user) = user {
        request.extensions_mut().insert(User(user));
    }
    let (answer, encoding) = match told? {
        Told::Done(answer, encoding) => (answer, encoding),
        Told::Anew(call) => blocking(move || perform(&call, |call| whole(call, handler))).await?,
    };
    Ok(answer.into_response(encoding))
}

/// The same on one thread that waits.
fn whole(call: &Call, handler: Handler) -> Result<Answer> {
    let wanted = handler(call)?;
    let view = call.open.crm.change(&call.ctx, &wanted.change)?;
    Ok((wanted.answer)(&view)?.seq(view.seq))
}

fn start(door: Door, handler: Handler, sender: Sender) {
    let call = match door.enter() {
        Ok(call) => Arc::new(call),
        Err(e) => return tell(sender, None, Err(e)),
    };
    let user = Some(call.user());
    let decided = handler(&call).and_then(|wanted| {
        let begun = call.open.crm.begin(&call.ctx, &wanted.change)?;
        let mut answer = (wanted.answer)(&begun.view)?;
        let encoding = answer.encoded(&call.head.accept_encoding);
        Ok((begun, answer, encoding))
    });
    let (begun, answer, encoding) = match decided {
        Ok(decided) => decided,
        Err(e) => return tell(sender, user, Err(e)),
    };
    let kept = call.clone();
    begun.submit(move |done| {
        let told = done.map(|seq| match seq {
            Some(seq) => Told::Done(answer.seq(seq), encoding),
            None => Told::Anew(kept),
        });
        tell(sender, user, told);
    });
}

/// Nobody listens when the caller went away; what was handed over is written all the same.
fn tell(sender: Sender, user: Option<Id>, told: Result<Told>) {
    let _ = sender.send((user, told));
}
