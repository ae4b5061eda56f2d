//! What the server's feed says: other people's changes, who else is here, notices. One stream for all tabs of a browser,
//! because a browser has few connections to give: the tab that leads holds it and tells the others. When it goes another
//! one takes over after the last change it heard of. Where tabs cannot share, each has a stream while it is looked at.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use leptos::prelude::*;
use leptos::{ev, task::spawn_local};
use serde::Deserialize;
use serde_json::Value as Json;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{EventSource, MessageEvent};

use super::lasting;
use super::share::Share;
use crate::api::{self, Person, Present, pause};

/// Milliseconds before the first new attempt; twice as long after each failed one.
const FIRST_WAIT: i32 = 1_000;
const LONGEST_WAIT: i32 = 15_000;
/// Attempts that may fail before the page says so.
const SILENT_TRIES: u32 = 2;
/// Milliseconds that changes are gathered before a page asks again.
const GATHER: i32 = 250;
/// The lock and the channel that tabs share.
const NAME: &str = "aplomb-live";
const EVENTS: [&str; 4] = ["hello", "change", "notice", "presence"];

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Change {
    pub object: String,
    pub id: String,
    pub version: u32,
    pub actor: Option<Person>,
}

/// What one event of the feed says.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct News {
    pub seq: u64,
    pub objects: Vec<String>,
    pub changes: Vec<Change>,
    /// there were more changes than are named
    pub more: bool,
}

impl News {
    /// Whether this record has changed, or may have.
    pub fn is_about(&self, object: &str, id: &str) -> bool {
        let named = |c: &Change| c.object == object && c.id == id;
        self.changes.iter().any(named) || (self.more && self.objects.iter().any(|o| o == object))
    }
}

/// Who else is at a record, as an event says it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Gathering {
    pub object: String,
    pub id: String,
    pub others: Vec<Present>,
}

#[derive(Clone, Copy)]
pub struct Live {
    news: RwSignal<Option<Arc<News>>>,
    /// the server has not been heard of for a while
    pub lost: RwSignal<bool>,
    /// notices that nobody has read, as the server last said
    pub unread: RwSignal<u64>,
    /// counts the times that the feed began anew: what it does not repeat must be asked for again
    pub begun: RwSignal<u32>,
    /// who is at the record of the latest event
    pub gathering: RwSignal<Option<Arc<Gathering>>>,
}

/// The connection, and what it calls.
#[derive(Default)]
struct Wire {
    share: Option<Share>,
    source: Option<EventSource>,
    on_event: Option<Closure<dyn FnMut(MessageEvent)>>,
    on_error: Option<Closure<dyn FnMut()>>,
    leads: bool,
    seen: u64,
    tries: u32,
    /// counts connections, so that a late timer knows it is late
    turn: u32,
}

type Held = Rc<RefCell<Wire>>;

impl Wire {
    fn close(&mut self) {
        self.turn += 1;
        if let Some(source) = self.source.take() {
            source.set_onerror(None);
            source.close();
        }
    }

    fn say(&self, name: &str, data: &str) {
        if let Some(share) = self.share.as_ref().filter(|_| self.leads) {
            share.say(&format!("{name} {data}"));
        }
    }
}

impl Live {
    /// Opens the feed; it closes with the owner that called.
    pub fn start() -> Live {
        let live = Live {
            news: lasting(RwSignal::new(None)),
            lost: lasting(RwSignal::new(false)),
            unread: RwSignal::new(0),
            begun: lasting(RwSignal::new(0)),
            gathering: lasting(RwSignal::new(None)),
        };
        let wire = Held::default();
        let (told, failed) = (Rc::downgrade(&wire), Rc::downgrade(&wire));
        let on_event = Closure::new(move |event: MessageEvent| {
            let data = event.data().as_string().unwrap_or_default();
            live.hear(&told, &event.type_(), &data);
            if let Some(wire) = told.upgrade() {
                wire.borrow().say(&event.type_(), &data);
            }
        });
        let on_error = Closure::new(move || live.connect_later(&failed));
        let (hears, leads) = (Rc::downgrade(&wire), Rc::downgrade(&wire));
        let share = Share::join(
            NAME,
            move |text| live.overhear(&hears, text),
            move || {
                if let Some(wire) = leads.upgrade() {
                    wire.borrow_mut().leads = true;
                    live.connect(&wire);
                }
            },
        );
        let alone = share.is_none();
        share.iter().for_each(|share| share.say("ask "));
        wire.replace(Wire {
            on_event: Some(on_event),
            on_error: Some(on_error),
            share,
            leads: alone,
            ..Wire::default()
        });
        if alone {
            live.connect(&wire);
        }
        let (shown, kept) = (Rc::downgrade(&wire), StoredValue::new_local(Some(wire)));
        let handle = window_event_listener(ev::visibilitychange, move |_| live.shown(&shown, alone));
        on_cleanup(move || {
            handle.remove();
            let wire = kept.try_update_value(Option::take).flatten();
            if let Some(wire) = wire {
                wire.borrow_mut().close();
                // Outside the borrow: giving the lock back must find nothing held.
                let share = wire.borrow_mut().share.take();
                drop(share);
            }
        });
        live
    }

    /// A tab that is alone gives its stream back while it is hidden; one that is shown again looks at once.
    fn shown(self, wire: &Weak<RefCell<Wire>>, alone: bool) {
        let Some(wire) = wire.upgrade() else { return };
        wire.borrow_mut().tries = 0;
        let (leads, closed) = (wire.borrow().leads, wire.borrow().source.is_none());
        if document().hidden() {
            if alone {
                wire.borrow_mut().close();
            }
        } else if leads && closed {
            self.connect(&wire);
        }
    }

    fn connect(self, wire: &RefCell<Wire>) {
        let mut held = wire.borrow_mut();
        held.close();
        let url = if held.seen > 0 { format!("/api/v1/live?since={}", held.seen) } else { "/api/v1/live".to_owned() };
        let Ok(source) = EventSource::new(&url) else { return };
        if let Some(on_event) = &held.on_event {
            for name in EVENTS {
                let _ = source.add_event_listener_with_callback(name, on_event.as_ref().unchecked_ref());
            }
        }
        source.set_onerror(held.on_error.as_ref().map(|closure| closure.as_ref().unchecked_ref()));
        held.source = Some(source);
    }

    /// What another tab says: an event of the feed, that the feed is lost, or that it has just come.
    fn overhear(self, wire: &Weak<RefCell<Wire>>, text: &str) {
        let (name, data) = text.split_once(' ').unwrap_or((text, ""));
        match name {
            "ask" => {
                let Some(wire) = wire.upgrade() else { return };
                let wire = wire.borrow();
                if wire.seen > 0 {
                    wire.say("hello", &format!("{{\"seq\":{}}}", wire.seen));
                }
                if self.lost.try_get_untracked() == Some(true) {
                    wire.say("lost", "");
                }
            }
            "lost" => drop(self.lost.try_set(true)),
            name => self.hear(wire, name, data),
        }
    }

    fn hear(self, wire: &Weak<RefCell<Wire>>, name: &str, data: &str) {
        if self.lost.try_get_untracked() == Some(true) {
            self.lost.try_set(false);
        }
        let data: Json = serde_json::from_str(data).unwrap_or_default();
        match name {
            "notice" => {
                let unread = data.get("unread").and_then(Json::as_u64);
                unread.map(|unread| self.unread.try_set(unread));
            }
            "presence" => {
                let gathering = serde_json::from_value(data).ok().map(Arc::new);
                self.gathering.try_set(gathering);
            }
            _ => {
                if name == "hello" {
                    self.begun.try_update(|n| *n += 1);
                }
                let news: News = serde_json::from_value(data).unwrap_or_default();
                if let Some(wire) = wire.upgrade() {
                    let mut wire = wire.borrow_mut();
                    wire.tries = 0;
                    wire.seen = wire.seen.max(news.seq);
                }
                if !news.objects.is_empty() {
                    self.news.try_set(Some(Arc::new(news)));
                }
            }
        }
    }

    fn connect_later(self, wire: &Weak<RefCell<Wire>>) {
        let Some(wire) = wire.upgrade() else { return };
        let (turn, tries) = {
            let mut held = wire.borrow_mut();
            held.close();
            held.tries += 1;
            (held.turn, held.tries)
        };
        let wait = FIRST_WAIT.saturating_mul(1 << tries.min(6)).min(LONGEST_WAIT);
        let wait = wait / 2 + (js_sys::Math::random() * f64::from(wait) / 2.0) as i32;
        spawn_local(async move {
            // A session that has ended is no lost server: the knock asks for the log-in.
            if tries > SILENT_TRIES && api::knock().await.is_err_and(|failure| failure.status == 0) {
                self.lost.try_set(true);
                wire.borrow().say("lost", "");
            }
            pause(wait).await;
            let is_due = wire.borrow().turn == turn && (wire.borrow().share.is_some() || !document().hidden());
            if is_due && self.lost.try_get_untracked().is_some() {
                self.connect(&wire);
            }
        });
    }

    /// Changes when the feed has begun again after it was lost.
    pub fn again(self) -> Memo<u32> {
        Memo::new(move |_| self.begun.get().max(1))
    }

    /// Calls `then` soon after changes that `wanted` picks, once for many; ends with the owner that called.
    pub fn follow(self, wanted: impl Fn(&News) -> bool + 'static, then: impl Fn() + Clone + 'static) {
        let waiting = RwSignal::new(false);
        let mut seen = self.news.get_untracked();
        crate::state::watch(move || {
            let news = self.news.get();
            let is_old = news.as_ref().map(Arc::as_ptr) == seen.as_ref().map(Arc::as_ptr);
            seen.clone_from(&news);
            if is_old || waiting.get_untracked() || !news.is_some_and(|news| wanted(&news)) {
                return;
            }
            waiting.set(true);
            let then = then.clone();
            spawn_local(async move {
                pause(GATHER).await;
                if waiting.try_set(false).is_none() {
                    then();
                }
            });
        });
    }
}

/// The feed of the frame; pages outside it have none.
pub fn live() -> Option<Live> {
    use_context::<Live>()
}
