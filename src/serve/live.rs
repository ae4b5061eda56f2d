//! The live feed: server-sent events (HTML Living Standard, section 9.2) that name what changed, as far as the caller
//! may see it. The records themselves are asked for again by whoever shows them.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use aplomb_model::{Code, Error, Id, Result, Seq};
use futures_util::stream;
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::call::Call;
use crate::dispatch::blocking;
use crate::edge;
use crate::state::App;

const HEARTBEAT: Duration = Duration::from_secs(15);
/// Batches sent in one event at most.
const BATCHES: usize = 200;

struct Feed {
    call: Arc<Call>,
    news: watch::Receiver<Seq>,
    stopping: watch::Receiver<bool>,
    /// everything up to here was sent
    seen: Seq,
    waiting: VecDeque<Bytes>,
    _place: Place,
}

/// Starts a stream from `?since=`, or from now.
pub fn answer(call: Call) -> Result<HttpResponse> {
    let app = call.app.clone();
    let holder = call.session.as_ref().map_or(call.user(), |session| session.id);
    let place = Place::take(&app, holder)?;
    let seen = call.seq("since")?.unwrap_or_else(|| call.open.crm.seq());
    let hello = event("hello", seen, &json!({"seq": seen}));
    let (news, stopping) = (app.news(), app.stopping.subscribe());
    let feed = Feed { call: Arc::new(call), news, stopping, seen, waiting: VecDeque::from([hello]), _place: place };
    let body = stream::unfold(feed, |mut feed| async move {
        let bytes = feed.next().await?;
        Some((Ok::<_, io::Error>(bytes), feed))
    });
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, "text/event-stream"));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response.insert_header(("x-accel-buffering", "no"));
    Ok(response.streaming(body))
}

impl Feed {
    /// The next bytes, or `None` when the stream ends: the server stops, or the caller's rights are gone.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.waiting.pop_front() {
                return Some(bytes);
            }
            if *self.stopping.borrow() {
                return None;
            }
            let latest = *self.news.borrow_and_update();
            if latest > self.seen {
                self.fetch().await.ok()?;
                continue;
            }
            let changed = async {
                tokio::select! {
                    news = self.news.changed() => news.is_ok(),
                    _ = self.stopping.changed() => false,
                }
            };
            match timeout(HEARTBEAT, changed).await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(_) => self.waiting.push_back(Bytes::from_static(b": still here\n\n")),
            }
        }
    }

    /// Asks for what is new as the caller stands now: a session that ended or a role that changed counts at once.
    async fn fetch(&mut self) -> Result<()> {
        let (call, seen) = (self.call.clone(), self.seen);
        let (changes, seq) = blocking(move || {
            let crm = &call.open.crm;
            let actor = match (&call.head.bearer, &call.head.cookie) {
                (Some(key), _) => crm.token_actor(edge::now(), key)?,
                (None, Some(token)) => crm.session(edge::now(), token)?.0,
                (None, None) => return Err(Error::new(Code::Unauthenticated, "no session")),
            };
            let ctx = crm.ctx(actor, edge::now(), call.app.random.clone(), &call.request_id);
            let before = crm.seq();
            let changes = crm.changes(&ctx, seen, BATCHES)?;
            let next = changes.get("next").and_then(Json::as_u64);
            Ok((changes, next.unwrap_or(before).max(seen)))
        })
        .await?;
        let list = changes.get("changes").cloned().unwrap_or_default();
        if list.as_array().is_some_and(|list| !list.is_empty()) {
            self.waiting.push_back(event("change", seq, &json!({"seq": seq, "changes": list})));
        }
        self.seen = seq;
        Ok(())
    }
}

fn event(name: &str, id: Seq, data: &Json) -> Bytes {
    Bytes::from(format!("event: {name}\nid: {id}\ndata: {data}\n\n"))
}

/// One of the streams a session or key may hold; given back when the stream ends.
struct Place {
    app: Arc<App>,
    holder: Id,
}

impl Place {
    fn take(app: &Arc<App>, holder: Id) -> Result<Place> {
        let mut open = app.streams.lock();
        let count = open.entry(holder).or_insert(0);
        if *count >= app.config.limits.streams {
            let mut error = Error::new(Code::TooManyRequests, "too many live streams are open already");
            error.retry_after_seconds = Some(15);
            return Err(error);
        }
        *count += 1;
        Ok(Place { app: app.clone(), holder })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.app.streams.lock();
        if let Some(count) = open.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.holder);
            }
        }
    }
}
