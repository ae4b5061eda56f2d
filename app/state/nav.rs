//! Going from page to page. The URL is the state; these are its words.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

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
    crate::state::watch(move || document().set_title(&format!("{} · Aplomb", title())));
}

/// Whether a key press is meant for the page: nobody types, no dialog is open, and no other key is held.
pub fn is_shortcut(event: &leptos::ev::KeyboardEvent) -> bool {
    let held = event.ctrl_key() || event.meta_key() || event.alt_key() || event.default_prevented();
    !held && !is_typing(event.target()) && document().query_selector("dialog[open]").is_ok_and(|d| d.is_none())
}

/// Whether a press goes into something that takes text.
pub fn is_typing(target: Option<web_sys::EventTarget>) -> bool {
    let element = target.and_then(|t| t.dyn_into::<web_sys::Element>().ok());
    element.is_some_and(|e| {
        let is_box =
            e.dyn_ref::<web_sys::HtmlInputElement>().is_some_and(|i| matches!(&*i.type_(), "checkbox" | "radio"));
        matches!(&*e.tag_name(), "INPUT" | "TEXTAREA" | "SELECT") && !is_box || e.has_attribute("contenteditable")
    })
}
