//! The live feed: server-sent events (HTML Living Standard, section 9.2) that name what changed, as far as the caller
//! may see it. The records themselves are asked for again by whoever shows them.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use aplomb_model::{Code, Error, Id, Result, Seq};
use futures_util::stream;
use serde_json::{Value as Json, json};
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::call::Call;
use crate::dispatch::blocking;
use crate::edge;
use crate::state::App;

const HEARTBEAT: Duration = Duration::from_secs(15);
/// Batches sent in one event at most.
const BATCHES: usize = 200;
/// Changes named one by one in an event at most.
const NAMED: usize = 200;

struct Feed {
    call: Arc<Call>,
    news: watch::Receiver<Seq>,
    stopping: watch::Receiver<bool>,
    /// told, or dropped, when the holder opened one stream too many
    outdated: oneshot::Receiver<()>,
    /// everything up to here was sent
    seen: Seq,
    waiting: VecDeque<Bytes>,
    /// dropped last: the stream is known to be over by then
    _place: Place,
}

/// Starts a stream after the last event that was seen, from `?since=`, or from now.
pub fn answer(call: Call) -> Result<HttpResponse> {
    let app = call.app.clone();
    let holder = call.session.as_ref().map_or(call.user(), |session| session.id);
    let (place, outdated) = Place::take(&app, holder);
    let since = call.head.last_event.or(call.seq("since")?);
    let seen = since.unwrap_or_else(|| call.open.crm.seq());
    let hello = event("hello", seen, &json!({"seq": seen}));
    let (news, stopping) = (app.news(), app.stopping.subscribe());
    let feed =
        Feed { call: Arc::new(call), news, stopping, outdated, seen, waiting: VecDeque::from([hello]), _place: place };
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
                self.fetch().await.ok()?;
                continue;
            }
            let changed = async {
                tokio::select! {
                    news = self.news.changed() => news.is_ok(),
                    _ = self.stopping.changed() => false,
                    _ = &mut self.outdated => false,
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
            let changes = crm.changes(&ctx, seen, BATCHES)?;
            let number = |name: &str| changes.get(name).and_then(Json::as_u64).unwrap_or(seen);
            // Without a batch after `seen`, everything that the view holds was seen.
            let seq = if number("next") > seen { number("next") } else { number("seq").max(seen) };
            Ok((changes, seq))
        })
        .await?;
        let data = flatten(seq, &changes);
        if !data["objects"].as_array().is_none_or(Vec::is_empty) {
            self.waiting.push_back(event("change", seq, &data));
        }
        self.seen = seq;
        Ok(())
    }
}

/// `{seq, objects: [names], changes: [{object, id, version, kind, seq, actor}], more}`; after an import only the first
/// changes are named one by one, and `more` is true.
fn flatten(seq: Seq, batches: &Json) -> Json {
    let list = |json: &Json, name: &str| json.get(name).and_then(Json::as_array).cloned().unwrap_or_default();
    let (mut objects, mut changes, mut more) = (BTreeSet::new(), Vec::new(), false);
    for batch in list(batches, "changes") {
        for mut item in list(&batch, "items") {
            objects.extend(item.get("object").and_then(Json::as_str).map(str::to_owned));
            if changes.len() >= NAMED {
                more = true;
                continue;
            }
            if let Json::Object(item) = &mut item {
                item.extend(["seq", "actor"].map(|name| (name.to_owned(), batch[name].clone())));
            }
            changes.push(item);
        }
    }
    json!({"seq": seq, "objects": objects, "changes": changes, "more": more})
}

fn event(name: &str, id: Seq, data: &Json) -> Bytes {
    Bytes::from(format!("event: {name}\nid: {id}\ndata: {data}\n\n"))
}

/// What ends the open streams of a session or key, oldest first.
pub type Streams = VecDeque<oneshot::Sender<()>>;

/// One of the streams a session or key may hold; given back when the stream ends.
struct Place {
    app: Arc<App>,
    holder: Id,
}

impl Place {
    /// One stream too many ends the oldest: most likely nobody listens to it, because its page was loaded again.
    fn take(app: &Arc<App>, holder: Id) -> (Place, oneshot::Receiver<()>) {
        let (end, outdated) = oneshot::channel();
        let mut all = app.streams.lock();
        let open = all.entry(holder).or_default();
        while open.len() >= app.config.limits.streams.max(1) {
            open.pop_front();
        }
        open.push_back(end);
        (Place { app: app.clone(), holder }, outdated)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.app.streams.lock();
        if let Some(open) = all.get_mut(&self.holder) {
            open.retain(|end| !end.is_closed());
            if open.is_empty() {
                all.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_batches_are_summed_up() {
        let item = |id: usize| json!({"object": if id == 0 { "deal" } else { "contact" }, "id": id, "kind": "created"});
        let batch =
            |n: usize| json!({"seq": 7, "actor": {"name": "Ada"}, "items": (0..n).map(item).collect::<Vec<_>>()});
        let small = flatten(7, &json!({"changes": [batch(2)]}));
        assert_eq!(
            small["changes"][1],
            json!({"object": "contact", "id": 1, "kind": "created", "seq": 7, "actor": {"name": "Ada"}})
        );
        assert_eq!((&small["objects"], &small["more"]), (&json!(["contact", "deal"]), &json!(false)));
        let large = flatten(7, &json!({"changes": [batch(NAMED), batch(1)]}));
        assert_eq!((large["changes"].as_array().map(Vec::len), &large["more"]), (Some(NAMED), &json!(true)));
    }

    #[test]
    fn events_have_the_form_of_the_standard() {
        let bytes = event("change", 3, &json!({"seq": 3}));
        assert_eq!(bytes, "event: change\nid: 3\ndata: {\"seq\":3}\n\n".as_bytes());
    }
}
