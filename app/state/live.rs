//! Other people's changes, as the server's feed names them. One stream for a tab that is looked at; a hidden tab gives
//! its stream back and catches up when it is shown again, because a browser has few connections to give.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::{ev, task::spawn_local};
use serde::Deserialize;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{EventSource, MessageEvent};

use crate::api::{Person, pause};

/// Milliseconds before the first new attempt; twice as long after each failed one.
const FIRST_WAIT: i32 = 1_000;
const LONGEST_WAIT: i32 = 30_000;
/// Attempts that may fail before the page says so.
const SILENT_TRIES: u32 = 2;
/// Milliseconds that changes are gathered before a page asks again.
const GATHER: i32 = 250;

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

#[derive(Clone, Copy)]
pub struct Live {
    news: RwSignal<Option<Arc<News>>>,
    /// the server has not been heard of for a while
    pub lost: RwSignal<bool>,
}

/// The connection, and what it calls.
#[derive(Default)]
struct Wire {
    source: Option<EventSource>,
    on_event: Option<Closure<dyn FnMut(MessageEvent)>>,
    on_error: Option<Closure<dyn FnMut()>>,
    seen: u64,
    tries: u32,
    /// counts connections, so that a late timer knows it is late
    turn: u32,
}

impl Wire {
    fn close(&mut self) {
        self.turn += 1;
        if let Some(source) = self.source.take() {
            source.set_onerror(None);
            source.close();
        }
    }
}

impl Live {
    /// Opens the feed; it closes with the owner that called.
    pub fn start() -> Live {
        let live = Live { news: RwSignal::new(None), lost: RwSignal::new(false) };
        let wire = Rc::new(RefCell::new(Wire::default()));
        let (told, failed) = (Rc::downgrade(&wire), Rc::downgrade(&wire));
        let on_event = Closure::new(move |event: MessageEvent| {
            if let Some(wire) = told.upgrade() {
                live.hear(&wire, &event);
            }
        });
        let on_error = Closure::new(move || {
            if let Some(wire) = failed.upgrade() {
                live.connect_later(&wire);
            }
        });
        wire.replace(Wire { on_event: Some(on_event), on_error: Some(on_error), ..Wire::default() });
        live.connect(&wire);
        let (shown, kept) = (Rc::downgrade(&wire), StoredValue::new_local(wire));
        let handle = window_event_listener(ev::visibilitychange, move |_| {
            let Some(wire) = shown.upgrade() else { return };
            wire.borrow_mut().tries = 0;
            if document().hidden() { wire.borrow_mut().close() } else { live.connect(&wire) }
        });
        on_cleanup(move || {
            handle.remove();
            kept.try_with_value(|wire| wire.borrow_mut().close());
        });
        live
    }

    fn connect(self, wire: &RefCell<Wire>) {
        let mut held = wire.borrow_mut();
        held.close();
        let url = if held.seen > 0 { format!("/api/v1/live?since={}", held.seen) } else { "/api/v1/live".to_owned() };
        let Ok(source) = EventSource::new(&url) else { return };
        if let Some(on_event) = &held.on_event {
            for name in ["hello", "change"] {
                let _ = source.add_event_listener_with_callback(name, on_event.as_ref().unchecked_ref());
            }
        }
        source.set_onerror(held.on_error.as_ref().map(|closure| closure.as_ref().unchecked_ref()));
        held.source = Some(source);
    }

    fn hear(self, wire: &RefCell<Wire>, event: &MessageEvent) {
        let news: News = event.data().as_string().and_then(|s| serde_json::from_str(&s).ok()).unwrap_or_default();
        if let Ok(mut wire) = wire.try_borrow_mut() {
            wire.tries = 0;
            wire.seen = wire.seen.max(news.seq);
        }
        if self.lost.try_get_untracked() == Some(true) {
            self.lost.try_set(false);
        }
        if !news.objects.is_empty() {
            self.news.try_set(Some(Arc::new(news)));
        }
    }

    fn connect_later(self, wire: &Rc<RefCell<Wire>>) {
        let (turn, tries) = {
            let mut held = wire.borrow_mut();
            held.close();
            held.tries += 1;
            (held.turn, held.tries)
        };
        if tries > SILENT_TRIES {
            self.lost.try_set(true);
        }
        let wait = FIRST_WAIT.saturating_mul(1 << tries.min(6)).min(LONGEST_WAIT);
        let wait = wait / 2 + (js_sys::Math::random() * f64::from(wait) / 2.0) as i32;
        let wire = wire.clone();
        spawn_local(async move {
            pause(wait).await;
            let is_due = wire.borrow().turn == turn && !document().hidden();
            if is_due && self.lost.try_get_untracked().is_some() {
                self.connect(&wire);
            }
        });
    }

    /// Calls `then` soon after changes that `wanted` picks, once for many; ends with the owner that called.
    pub fn follow(self, wanted: impl Fn(&News) -> bool + 'static, then: impl Fn() + Clone + 'static) {
        let waiting = RwSignal::new(false);
        Effect::new(move |_| {
            let Some(news) = self.news.get() else { return };
            if waiting.get_untracked() || !wanted(&news) {
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
