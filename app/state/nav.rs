//! Going from page to page. The URL is the state; these are its words.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

pub fn list_url(object: &str) -> String {
    format!("/o/{object}")
}

pub fn record_url(object: &str, id: &str) -> String {
    format!("/o/{object}/{id}")
}

/// Text as part of a URL.
pub fn encode(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

/// A path with the parameters that are not empty.
pub fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let given: Vec<String> = query
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    if given.is_empty() { path.to_owned() } else { format!("{path}?{}", given.join("&")) }
}

/// Names the browser's tab while the page that calls is open.
pub fn name_tab(title: impl Fn() -> String + 'static) {
    Effect::new(move |_| document().set_title(&format!("{} · Aplomb", title())));
}

type Going = Box<dyn Fn(&str) + Send + Sync>;

/// Goes to a path of the app.
#[derive(Clone, Copy)]
pub struct Navigator(StoredValue<Going>);

impl Navigator {
    pub fn go(self, path: &str) {
        self.0.try_with_value(|go| go(path));
    }
}

/// The frame's own, which outlives its pages.
pub fn navigator() -> Navigator {
    use_context::<Navigator>().unwrap_or_else(make_navigator)
}

/// A new one; only below the router.
pub fn make_navigator() -> Navigator {
    let navigate = use_navigate();
    Navigator(StoredValue::new(Box::new(move |path: &str| navigate(path, NavigateOptions::default()))))
}
