//! The pages before anybody is logged in.

mod kit;
mod login;
mod setup;
mod unseal;

use leptos::prelude::*;

pub use login::{LogIn, LogInForm};
pub use setup::SetUp;
pub use unseal::Unseal;

/// A card in the middle with the name above it.
#[component]
fn Start(
    #[prop(into)] title: Signal<String>,
    #[prop(default = false)] wide: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <main class=if wide { "start wide" } else { "start" }>
            <div class="brand"><span class="brand-mark" aria-hidden="true">"A"</span>"Aplomb"</div>
            <section class="card start-card">
                <h1>{move || title.get()}</h1>
                {children()}
            </section>
        </main>
    }
}
