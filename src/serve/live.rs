//! The live feed: server-sent events (HTML Living Standard, section 9.2) that name what changed, as far as the caller
//! may see it. The records themselves are asked for again by whoever shows them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use aplomb_crm::{Ctx, News, Via};
use aplomb_model::{Code, Error, Id, Result, Seq};
use futures_util::stream;
use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::call::Call;
use crate::dispatch::blocking;
use crate::edge;
use crate::state::App;

const HEARTBEAT: Duration = Duration::from_secs(15);
/// What waits for a stream that nobody reads; more is dropped, because the page asks again.
const POSTED: usize = 64;

struct Feed {
    call: Arc<Call>,
    news: watch::Receiver<Seq>,
    stopping: watch::Receiver<bool>,
    /// told, or dropped, when the holder opened one stream too many or is logged out
    outdated: oneshot::Receiver<()>,
    post: mpsc::Receiver<Post>,
    /// everything up to here was sent
    seen: Seq,
    waiting: VecDeque<Bytes>,
    /// dropped last: the stream is known to be over by then
    _place: Place,
}

/// Starts a stream after the last event that was seen, from `?since=`, or from now.
pub fn answer(call: Call) -> Result<HttpResponse> {
    let app = call.app.clone();
    let (place, outdated, post) = Place::take(&app, holder(&call), call.user());
    let since = call.head.last_event.or(call.seq("since")?);
    let seen = since.unwrap_or_else(|| call.open.crm.seq());
    let hello = event("hello", seen, &json!({"seq": seen}));
    let (news, stopping) = (app.news(), app.stopping.subscribe());
    let (call, waiting) = (Arc::new(call), VecDeque::from([hello]));
    let feed = Feed { call, news, stopping, outdated, post, seen, waiting, _place: place };
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
            if *self.stopping.borrow() || self.outdated.try_recv() != Err(TryRecvError::Empty) {
                return None;
            }
            let latest = *self.news.borrow_and_update();
            if latest > self.seen {
                self.fetch(latest).await.ok()?;
                continue;
            }
            let changed = async {
                tokio::select! {
                    news = self.news.changed() => news.ok().map(|()| None),
                    post = self.post.recv() => post.map(Some),
                    _ = self.stopping.changed() => None,
                    _ = &mut self.outdated => None,
                }
            };
            match timeout(HEARTBEAT, changed).await {
                Ok(Some(None)) => {}
                Ok(Some(Some(post))) => self.deliver(post).await.ok()?,
                Ok(None) => return None,
                Err(_) if self.is_over() => return None,
                Err(_) => self.waiting.push_back(Bytes::from_static(b": still here\n\n")),
            }
        }
    }

    /// The session has ended meanwhile: it was idle for too long, or its user may log in no more.
    fn is_over(&self) -> bool {
        let token = self.call.head.cookie.as_ref().filter(|_| self.call.session.is_some());
        token.is_some_and(|token| !self.call.open.crm.is_logged_in(edge::now(), token))
    }

    async fn deliver(&mut self, post: Post) -> Result<()> {
        let event = match post {
            Post::Event(event) => event,
            Post::Notices => {
                // many batches of notices make one number
                while let Ok(post) = self.post.try_recv() {
                    self.waiting.extend(if let Post::Event(event) = post { Some(event) } else { None });
                }
                let call = self.call.clone();
                let unread = blocking(move || call.open.crm.notices_unread(&present(&call)?)).await?;
                Bytes::from(format!("event: notice\ndata: {}\n\n", json!({"unread": unread})))
            }
        };
        self.waiting.push_back(event);
        Ok(())
    }

    /// Asks for what is new as the caller stands now: a session that ended or a role that changed counts at once.
    async fn fetch(&mut self, until: Seq) -> Result<()> {
        let (call, seen) = (self.call.clone(), self.seen);
        let news = blocking(move || call.open.crm.news(&present(&call)?, seen, until)).await?;
        if !news.objects.is_empty() {
            self.waiting.push_back(event("change", news.seq, &describe(&news)));
        }
        self.seen = news.seq;
        Ok(())
    }
}

/// The caller as he stands now. Errors: he is logged out.
fn present(call: &Call) -> Result<Ctx> {
    let (crm, now) = (&call.open.crm, edge::now());
    let actor = match (&call.head.bearer, &call.head.cookie) {
        (Some(key), _) => crm.token_actor(now, key)?,
        (None, Some(token)) => crm.session(now, token)?.0,
        (None, None) => return Err(Error::new(Code::Unauthenticated, "no session")),
    };
    Ok(crm.ctx(actor, now, call.app.random.clone(), &call.request_id))
}

/// `{seq, objects: [names], changes: [{object, id, version, kind, fields, seq, actor}], more}`
fn describe(news: &News) -> Json {
    json!({"seq": news.seq, "objects": news.objects, "changes": news.changes, "more": news.more})
}

fn event(name: &str, id: Seq, data: &Json) -> Bytes {
    Bytes::from(format!("event: {name}\nid: {id}\ndata: {data}\n\n"))
}

/// What a stream is sent beside the changes.
#[derive(Clone)]
pub enum Post {
    Event(Bytes),
    /// the caller has new notices, or has read some
    Notices,
}

/// Whose streams and presence a call belongs to: a session or a key.
pub fn holder(call: &Call) -> Id {
    match (&call.session, &call.ctx.actor.via) {
        (Some(session), _) => session.id,
        (None, Via::Token { id, .. } | Via::Session(id)) => *id,
        (None, Via::System) => call.user(),
    }
}

/// Ends the streams of sessions that were ended.
pub fn end(app: &App, sessions: &[Id]) {
    let mut all = app.streams.0.lock();
    for session in sessions {
        // dropping the senders ends them
        all.remove(session);
    }
}

/// The open streams.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<BTreeMap<Id, Held>>>);

/// Those of one session or key, oldest first.
struct Held {
    user: Id,
    open: VecDeque<Listener>,
}

struct Listener {
    end: oneshot::Sender<()>,
    post: mpsc::Sender<Post>,
}

impl Streams {
    /// How many are open.
    pub fn count(&self) -> usize {
        self.0.lock().values().map(|held| held.open.len()).sum()
    }

    /// Sends something to the streams of a session or key.
    pub fn post(&self, holder: Id, post: &Post) {
        self.0.lock().get(&holder).iter().for_each(|held| held.send(post));
    }

    /// The same to all streams of some users.
    pub fn post_to_users(&self, users: &BTreeSet<Id>, post: &Post) {
        self.0.lock().values().filter(|held| users.contains(&held.user)).for_each(|held| held.send(post));
    }
}

impl Held {
    fn send(&self, post: &Post) {
        for listener in &self.open {
            let _ = listener.post.try_send(post.clone());
        }
    }
}

/// One of the streams a session or key may hold; given back when the stream ends.
struct Place {
    app: Arc<App>,
    holder: Id,
}

impl Place {
    /// One stream too many ends the oldest: most likely nobody listens to it, because its page was loaded again.
    fn take(app: &Arc<App>, holder: Id, user: Id) -> (Place, oneshot::Receiver<()>, mpsc::Receiver<Post>) {
        let ((end, outdated), (post, posted)) = (oneshot::channel(), mpsc::channel(POSTED));
        let mut all = app.streams.0.lock();
        let open = &mut all.entry(holder).or_insert_with(|| Held { user, open: VecDeque::new() }).open;
        while open.len() >= app.config.limits.streams.max(1) {
            open.pop_front();
        }
        open.push_back(Listener { end, post });
        (Place { app: app.clone(), holder }, outdated, posted)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.app.streams.0.lock();
        if let Some(held) = all.get_mut(&self.holder) {
            held.open.retain(|listener| !listener.end.is_closed());
            if held.open.is_empty() {
                all.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_the_form_of_the_standard() {
        let bytes = event("change", 3, &json!({"seq": 3}));
        assert_eq!(bytes, "event: change\nid: 3\ndata: {\"seq\":3}\n\n".as_bytes());
    }
}
