//! Icons out of the one sprite.

use leptos::prelude::*;

/// Decorative: the words beside it, or the button's label, say what it means.
#[component]
pub fn Icon(#[prop(into)] name: String) -> impl IntoView {
    let name = if name.is_empty() { "circle".to_owned() } else { name };
    view! {
        <svg class="icon" aria-hidden="true" focusable="false">
            <use href=format!("/icons/sprite.svg#{name}")></use>
        </svg>
    }
}
