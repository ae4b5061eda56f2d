//! Where in the app one is. The address in the browser's bar is the state: links, the browser's own buttons and
//! [`Router::go`] change it, and [`Router::route`] tells which page it names.

use std::mem::discriminant;

use leptos::reactive::graph::Source;
use leptos::{ev, prelude::*};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlAnchorElement, UrlSearchParams};

/// The pages inside, with what their addresses say besides the query.
#[derive(Debug, Clone, PartialEq)]
pub enum Route {
    Home,
    List { object: String },
    Record { object: String, id: String },
    Imports,
    Import { id: String },
    Search,
    Kit,
    Settings { section: String },
    Nowhere,
}

impl Route {
    fn at(path: &str) -> Route {
        let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts[..] {
            [] => Route::Home,
            ["o", object] => Route::List { object: object.to_owned() },
            ["o", object, id] => Route::Record { object: object.to_owned(), id: id.to_owned() },
            ["import"] => Route::Imports,
            ["import", id] => Route::Import { id: id.to_owned() },
            ["search"] => Route::Search,
            ["kit"] => Route::Kit,
            ["settings"] => Route::Settings { section: String::new() },
            ["settings", section] => Route::Settings { section: section.to_owned() },
            _ => Route::Nowhere,
        }
    }
}

/// What stands behind the `?`, in its order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    fn read(search: &str) -> Query {
        let mut pairs = Vec::new();
        if let Ok(params) = UrlSearchParams::new_with_str(search) {
            for pair in js_sys::Array::from(&params).iter() {
                let pair = js_sys::Array::from(&pair);
                let text = |at| pair.get(at).as_string().unwrap_or_default();
                pairs.push((text(0), text(1)));
            }
        }
        Query(pairs)
    }

    /// The first value of that name.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The address, read and changed; context of everything below [`crate::app::App`].
#[derive(Clone, Copy)]
pub struct Router {
    address: RwSignal<(Route, Query)>,
    pub path: RwSignal<String>,
}

impl Router {
    /// Follows the browser from now on, for as long as the app runs.
    pub fn start() -> Router {
        let router =
            Router { address: RwSignal::new((Route::Nowhere, Query::default())), path: RwSignal::new(String::new()) };
        router.read();
        window_event_listener(ev::popstate, move |_| router.read());
        window_event_listener(ev::click, move |event| router.follow(&event));
        router
    }

    /// Whoever reads the address is told that it is another one, and is known again by reading it; the pages that are
    /// gone are not.
    fn read(self) {
        let location = window().location();
        let path = location.pathname().unwrap_or_default();
        let now = (Route::at(&path), Query::read(&location.search().unwrap_or_default()));
        if self.address.with_untracked(|before| *before != now) {
            self.address.set(now);
            self.address.clear_subscribers();
        }
        if self.path.with_untracked(|before| *before != path) {
            self.path.set(path);
            self.path.clear_subscribers();
        }
    }

    pub fn go(self, to: &str) {
        self.change(to, false);
    }

    /// The same, without a step in the browser's history.
    pub fn replace(self, to: &str) {
        self.change(to, true);
    }

    fn change(self, to: &str, replace: bool) {
        let Ok(history) = window().history() else { return };
        let done = if replace || to == here() {
            history.replace_state_with_url(&JsValue::NULL, "", Some(to))
        } else {
            history.push_state_with_url(&JsValue::NULL, "", Some(to))
        };
        if done.is_ok() {
            self.read();
            window().scroll_to_with_x_and_y(0.0, 0.0);
        }
    }

    /// A plain click on a link to another page of the app goes there without loading anything.
    fn follow(self, event: &ev::MouseEvent) {
        let held = event.meta_key() || event.alt_key() || event.ctrl_key() || event.shift_key();
        if event.default_prevented() || event.button() != 0 || held {
            return;
        }
        let target = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
        let link = target.and_then(|e| e.closest("a[href]").ok().flatten());
        let Some(link) = link.and_then(|e| e.dyn_into::<HtmlAnchorElement>().ok()) else { return };
        let external = link.rel().split(' ').any(|word| word == "external");
        let elsewhere = external || !link.target().is_empty() || link.has_attribute("download");
        if elsewhere || Ok(link.origin()) != window().location().origin() || !link.hash().is_empty() {
            return;
        }
        event.prevent_default();
        self.go(&format!("{}{}", link.pathname(), link.search()));
    }

    /// Where one is; whoever asks is told when another kind of page is to be shown, not when the same one shows something
    /// else.
    pub fn route(self) -> impl Fn() -> Route + Copy {
        let kind = Memo::new(move |_| self.address.with(|(route, _)| discriminant(route)));
        move || {
            // A memo that nobody has read follows nothing.
            kind.get();
            self.now()
        }
    }

    fn now(self) -> Route {
        self.address.with_untracked(|(route, _)| route.clone())
    }

    /// A part of the address, as long as it names the kind of page it names now: a page that is left does not see where
    /// one goes.
    pub fn part<T: Clone + PartialEq + Send + Sync + 'static>(self, read: fn(&Route, &Query) -> T) -> Memo<T> {
        let kind = discriminant(&self.now());
        Memo::new(move |before: Option<&T>| {
            self.address.with(|(route, query)| match before {
                Some(before) if discriminant(route) != kind => before.clone(),
                _ => read(route, query),
            })
        })
    }

    /// The query of the page that calls.
    pub fn query(self) -> Memo<Query> {
        self.part(|_, query| query.clone())
    }
}

pub fn router() -> Router {
    expect_context::<Router>()
}

fn here() -> String {
    let location = window().location();
    location.pathname().unwrap_or_default() + &location.search().unwrap_or_default()
}

fn decode(part: &str) -> String {
    js_sys::decode_uri_component(part).map_or_else(|_| part.to_owned(), String::from)
}
