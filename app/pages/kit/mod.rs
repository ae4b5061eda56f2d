//! Every part of the screen in all its states, to look at and to be walked by the browser tests. For administrators and
//! development builds.

mod inputs;
mod parts;

use leptos::prelude::*;

use crate::kit::{Hidden, screen};
use crate::state::theme::{self, Theme};
use crate::state::{nav, preferences, signed};
use crate::text::{maybe, t};

#[component]
pub fn KitPage() -> impl IntoView {
    nav::name_tab(|| t("kitpage.title").to_owned());
    if !cfg!(debug_assertions) && !signed().session.can("manageSettings") {
        return view! { <Hidden/> }.into_any();
    }
    view! {
        <div class="page kit-page" data-testid="kit">
            <header class="page-head"><h1>{t("kitpage.title")}</h1><span class="faint">{t("kitpage.body")}</span></header>
            <Looks/>
            {parts::all()}
            {inputs::all()}
        </div>
    }
    .into_any()
}

/// One part with its name.
fn part(name: &'static str, body: impl IntoView + 'static) -> AnyView {
    let id = format!("kit-{}", name.to_lowercase().replace(' ', "-"));
    view! { <section class="card pad" id=id aria-label=name><h2>{name}</h2><div class="kit-part">{body.into_any()}</div></section> }.into_any()
}

/// Light, dark, contrast and density, for this look only: nothing is remembered.
#[component]
fn Looks() -> impl IntoView {
    let strong = RwSignal::new(theme::strong());
    let compact = screen().compact;
    let button = |theme: Theme| {
        let label = maybe(&format!("theme.{}", theme.name())).unwrap_or_default();
        view! { <button type="button" class="button small" on:click=move |_| theme::show(theme)>{label}</button> }
    };
    let contrast = move |_| {
        strong.update(|s| *s = !*s);
        theme::show_strong(strong.get_untracked());
    };
    let density = move |_| {
        compact.update(|c| *c = !*c);
        preferences::show_density(compact.get_untracked());
    };
    view! {
        <div class="toolbar" role="group" aria-label=t("account.looks")>
            {Theme::ALL.map(button).collect_view()}
            <button type="button" class="button small" aria-pressed=move || strong.get().to_string() on:click=contrast>{t("theme.contrast")}</button>
            <button type="button" class="button small" aria-pressed=move || compact.get().to_string() on:click=density>{t("frame.compact")}</button>
        </div>
    }
}
