//! The way to every list, to import and to settings.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::kit::Icon;
use crate::state::{nav, signed};
use crate::text::t;

#[component]
pub fn Sidebar() -> impl IntoView {
    let signed = signed();
    let objects = signed.objects().into_iter().map(|object| {
        view! { <Item href=nav::list_url(&object.name) icon=object.icon.clone() label=object.plural.clone()/> }
    });
    let objects = objects.collect_view();
    view! {
        <nav class="sidebar" id="sidebar" aria-label=t("frame.navigation")>
            <a class="brand" href="/"><span class="brand-mark" aria-hidden="true">"A"</span>
                <span class="ellipsis">{signed.session.organisation.name.clone()}</span>
            </a>
            <ul class="nav">{objects}</ul>
            <ul class="nav nav-end">
                {signed.session.can("import").then(|| view! { <Item href="/import" icon="upload" label=t("import.title")/> })}
                <Item href="/settings" icon="settings" label=t("settings.title")/>
            </ul>
        </nav>
    }
}

#[component]
fn Item(#[prop(into)] href: String, #[prop(into)] icon: String, #[prop(into)] label: String) -> impl IntoView {
    let path = use_location().pathname;
    let own = href.clone();
    let is_here = move || {
        path.with(|path| path.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    view! {
        <li><a class="nav-item" href=href aria-current=move || is_here().then_some("page")><Icon name=icon/><span class="ellipsis">{label}</span></a></li>
    }
}
