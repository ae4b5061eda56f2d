//! Light or dark, and how strong the contrast: as the system wishes, or as this browser's user chose.

use leptos::prelude::*;

const KEY: &str = "aplomb-theme";
const CONTRAST: &str = "aplomb-contrast";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    pub fn name(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

/// What this browser remembers.
pub fn stored() -> Theme {
    let name = storage().and_then(|s| s.get_item(KEY).ok().flatten()).unwrap_or_default();
    Theme::ALL.into_iter().find(|t| t.name() == name).unwrap_or(Theme::System)
}

/// Shows a theme and remembers it.
pub fn choose(theme: Theme) {
    show(theme);
    if let Some(storage) = storage() {
        let _ = storage.set_item(KEY, theme.name());
    }
}

/// Sets `data-theme` on the root element; the style sheet does the rest.
pub fn show(theme: Theme) {
    let Some(root) = document().document_element() else { return };
    let _ = match theme {
        Theme::System => root.remove_attribute("data-theme"),
        chosen => root.set_attribute("data-theme", chosen.name()),
    };
}

/// Whether this browser's user wants stronger contrast than the system asks for.
pub fn strong() -> bool {
    storage().is_some_and(|s| s.get_item(CONTRAST).ok().flatten().is_some())
}

/// Stronger contrast or not, shown and remembered.
pub fn set_strong(on: bool) {
    show_strong(on);
    if let Some(storage) = storage() {
        let _ = if on { storage.set_item(CONTRAST, "1") } else { storage.remove_item(CONTRAST) };
    }
}

/// Sets `data-contrast` on the root element; the style sheet does the rest.
pub fn show_strong(on: bool) {
    let Some(root) = document().document_element() else { return };
    let _ = if on { root.set_attribute("data-contrast", "more") } else { root.remove_attribute("data-contrast") };
}
