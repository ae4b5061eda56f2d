//! Tabs after the WAI-ARIA pattern: one is chosen, arrow keys move.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

/// `tabs` are keys and labels; the panel's id is `panel-KEY`.
#[component]
pub fn Tabs(
    #[prop(into)] label: String,
    tabs: Vec<(&'static str, &'static str)>,
    chosen: RwSignal<&'static str>,
) -> impl IntoView {
    let keys: Vec<&'static str> = tabs.iter().map(|(key, _)| *key).collect();
    let on_key = move |event: ev::KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowRight" => 1,
            "ArrowLeft" => keys.len() - 1,
            _ => return,
        };
        let at = keys.iter().position(|key| *key == chosen.get_untracked()).unwrap_or(0);
        let next = keys[(at + step) % keys.len()];
        chosen.set(next);
        let node = document().get_element_by_id(&format!("tab-{next}"));
        if let Some(tab) = node.and_then(|n| n.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = tab.focus();
        }
    };
    let one = move |(key, text): (&'static str, &'static str)| {
        let is_chosen = move || chosen.get() == key;
        view! {
            <button type="button" role="tab" class="tab" id=format!("tab-{key}") aria-controls=format!("panel-{key}")
                aria-selected=move || is_chosen().to_string() tabindex=move || if is_chosen() { "0" } else { "-1" }
                on:click=move |_| chosen.set(key)>{text}</button>
        }
    };
    view! { <div class="tabs" role="tablist" aria-label=label on:keydown=on_key>{tabs.into_iter().map(one).collect_view()}</div> }
}
