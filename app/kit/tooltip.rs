//! What a control with a `title` is for, shown to the keyboard as well: one bubble for the whole page, after the WAI-ARIA
//! pattern. It comes with the focus and the pointer and goes with Escape.

use js_sys::{Function, Reflect};
use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::Element;

const CONTROLS: &str = "button, a, summary, [role=button]";

/// What is shown: the text, and where its lower or upper edge is.
#[derive(Clone, PartialEq)]
struct Tip {
    text: String,
    left: f64,
    top: f64,
}

/// The text of a control. The browser's own bubble would come on top of ours, so the text moves to `data-tip`.
fn text_of(control: &Element) -> Option<String> {
    if let Some(text) = control.get_attribute("title").filter(|text| !text.is_empty()) {
        let _ = control.remove_attribute("title");
        let _ = control.set_attribute("data-tip", &text);
        let named = control.has_attribute("aria-label") || control.text_content().is_some_and(|t| !t.trim().is_empty());
        let name = if named { "aria-description" } else { "aria-label" };
        if control.get_attribute("aria-label").as_deref() != Some(text.as_str()) {
            let _ = control.set_attribute(name, &text);
        }
    }
    control.get_attribute("data-tip")
}

#[component]
pub fn Tooltips() -> impl IntoView {
    let tip = RwSignal::new(None::<Tip>);
    let show = move |target: Option<web_sys::EventTarget>, by_key: bool| {
        let control =
            target.and_then(|t| t.dyn_into::<Element>().ok()).and_then(|e| e.closest(CONTROLS).ok().flatten());
        let control = control.filter(|c| !by_key || c.matches(":focus-visible").unwrap_or_default());
        let found = control.and_then(|control| {
            let place = control.get_bounding_client_rect();
            let width = window().inner_width().ok()?.as_f64()?;
            let left = (place.left() + place.width() / 2.0).clamp(70.0, (width - 70.0).max(70.0));
            Some(Tip { text: text_of(&control)?, left, top: place.bottom() + 6.0 })
        });
        if tip.with_untracked(|held| *held != found) {
            tip.set(found);
        }
    };
    let over = window_event_listener(ev::mouseover, move |event| show(event.target(), false));
    let focus = window_event_listener(ev::focusin, move |event| show(event.target(), true));
    let away = window_event_listener(ev::focusout, move |_| tip.set(None));
    let press = window_event_listener(ev::pointerdown, move |_| tip.set(None));
    let key = window_event_listener(ev::keydown, move |event| {
        if event.key() == "Escape" && tip.with_untracked(Option::is_some) {
            tip.set(None);
        }
    });
    let bubble = NodeRef::<html::Div>::new();
    // Above an open dialog as well: that is what the browser's own popover layer is for.
    crate::state::watch(move || {
        let Some(bubble) = bubble.get() else { return };
        let show = Reflect::get(&bubble, &"showPopover".into()).ok().and_then(|f| f.dyn_into::<Function>().ok());
        show.map(|show| show.call0(&bubble));
    });
    on_cleanup(move || [over, focus, away, press, key].into_iter().for_each(|handle| handle.remove()));
    move || {
        tip.get().map(|tip| {
            let (left, top) = (format!("{:.0}px", tip.left), format!("{:.0}px", tip.top));
            view! { <div class="tooltip" role="tooltip" popover="manual" node_ref=bubble style:left=left style:top=top>{tip.text}</div> }
        })
    }
}
