//! What the style sheet knows and the code must know as well: whether the screen is a phone's, and how tall a row is; and
//! how something comes into view.

use leptos::ev;
use leptos::prelude::*;

use crate::state::{lasting, preferences};

/// The width below which lists become cards; the style sheet says the same.
const PHONE: f64 = 640.0;
const ROW: f64 = 40.0;
const COMPACT_ROW: f64 = 32.0;
const CARD: f64 = 92.0;

#[derive(Clone, Copy)]
pub struct Screen {
    pub phone: RwSignal<bool>,
    pub compact: RwSignal<bool>,
}

impl Screen {
    /// Follows the window; the root provides one.
    pub fn watch() -> Screen {
        let is_phone = || window().inner_width().ok().and_then(|w| w.as_f64()).is_some_and(|w| w <= PHONE);
        let screen = Screen {
            phone: lasting(RwSignal::new(is_phone())),
            compact: lasting(RwSignal::new(preferences::compact())),
        };
        preferences::show_density(preferences::compact());
        window_event_listener(ev::resize, move |_| {
            let now = is_phone();
            if screen.phone.try_get_untracked() == Some(!now) {
                screen.phone.set(now);
            }
        });
        screen
    }

    /// Pixels of a row in a list.
    pub fn row_height(self) -> Signal<f64> {
        Signal::derive(move || match (self.phone.get(), self.compact.get()) {
            (true, _) => CARD,
            (false, true) => COMPACT_ROW,
            (false, false) => ROW,
        })
    }
}

pub fn screen() -> Screen {
    use_context::<Screen>().unwrap_or_else(Screen::watch)
}

/// Scrolls the first element that fits the selector into view with the next frame, no further than needed.
pub fn reveal(selector: impl Into<String>) {
    let selector = selector.into();
    request_animation_frame(move || {
        let Ok(Some(element)) = document().query_selector(&selector) else { return };
        let options = web_sys::ScrollIntoViewOptions::new();
        options.set_block(web_sys::ScrollLogicalPosition::Nearest);
        options.set_inline(web_sys::ScrollLogicalPosition::Nearest);
        element.scroll_into_view_with_scroll_into_view_options(&options);
    });
}
