//! What this browser's user likes: a narrow sidebar, rows close together. Kept in the browser.

use leptos::prelude::*;

const NARROW: &str = "aplomb-narrow";
const COMPACT: &str = "aplomb-compact";

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

fn is_set(key: &str) -> bool {
    storage().and_then(|s| s.get_item(key).ok().flatten()).is_some()
}

fn set(key: &str, on: bool) {
    if let Some(storage) = storage() {
        let _ = if on { storage.set_item(key, "1") } else { storage.remove_item(key) };
    }
}

pub fn narrow() -> bool {
    is_set(NARROW)
}

pub fn set_narrow(on: bool) {
    set(NARROW, on);
}

pub fn compact() -> bool {
    is_set(COMPACT)
}

/// Rows close together or not; the style sheet follows `data-density`.
pub fn set_compact(on: bool) {
    set(COMPACT, on);
    show_density(on);
}

pub fn show_density(compact: bool) {
    let Some(root) = document().document_element() else { return };
    let _ = if compact { root.set_attribute("data-density", "compact") } else { root.remove_attribute("data-density") };
}
