//! How far something is that takes a while.

use leptos::prelude::*;

/// `value` of `most`; without a `value` it only says that something goes on.
#[component]
pub fn Progress(
    #[prop(into)] value: Signal<Option<f64>>,
    #[prop(default = 1.0)] most: f64,
    #[prop(into)] label: String,
) -> impl IntoView {
    view! { <progress class="progress" max=most.to_string() value=move || value.get().map(|v| v.to_string()) aria-label=label></progress> }
}
