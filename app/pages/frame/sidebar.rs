//! The way to every list, to import and to settings.

use leptos::prelude::*;

use crate::kit::Icon;
use crate::pages::records::views as saved;
use crate::state::{nav, preferences, router, signed, views};
use crate::text::t;

#[component]
pub fn Sidebar(narrow: RwSignal<bool>) -> impl IntoView {
    let signed = signed();
    let views = views();
    let pinned = move || {
        let mut all: Vec<_> = views.all.get().into_iter().filter(|v| v.pinned).collect();
        all.sort_by_key(|v| v.name.to_lowercase());
        let list =
            all.into_iter().map(|v| view! { <Item href=saved::address(&v) icon="pin" label=v.name/> }).collect_view();
        view! { <ul class="nav nav-pinned" aria-label=t("views.pinned")>{list}</ul> }
    };
    let fold = move |_| {
        narrow.update(|n| *n = !*n);
        preferences::set_narrow(narrow.get_untracked());
    };
    let fold_label = move || if narrow.get() { t("frame.unfold") } else { t("frame.fold") };
    let objects = signed.objects().into_iter().map(|object| {
        view! { <Item href=nav::list_url(&object.name) icon=object.icon.clone() label=object.plural.clone()/> }
    });
    let objects = objects.collect_view();
    view! {
        <nav class="sidebar" id="sidebar" aria-label=t("frame.navigation")>
            <a class="brand" href="/"><span class="brand-mark" aria-hidden="true">"A"</span>
                <span class="ellipsis">{signed.session.organisation.name.clone()}</span>
            </a>
            <ul class="nav"><Item href="/" icon="house" label=t("home.nav")/></ul>
            <Show when=move || views.all.with(|all| all.iter().any(|v| v.pinned))>{pinned}</Show>
            <ul class="nav">{objects}</ul>
            <ul class="nav nav-end">
                {signed.session.can("import").then(|| view! { <Item href="/import" icon="upload" label=t("import.title")/> })}
                <Item href="/settings" icon="settings" label=t("settings.title")/>
                <li class="fold-item"><button type="button" class="nav-item fold" aria-label=fold_label title=fold_label on:click=fold><Icon name="panel-left"/><span>{t("frame.fold")}</span></button></li>
            </ul>
        </nav>
    }
}

#[component]
fn Item(#[prop(into)] href: String, #[prop(into)] icon: String, #[prop(into)] label: String) -> impl IntoView {
    let path = router().path;
    let (own, tip) = (href.clone(), label.clone());
    let is_here = move || {
        let begins = |path: &String| {
            let rest = path.strip_prefix(own.as_str());
            rest.is_some_and(|rest| rest.is_empty() || (own != "/" && rest.starts_with('/')))
        };
        path.with(begins)
    };
    view! {
        <li><a class="nav-item" href=href title=tip aria-current=move || is_here().then_some("page")><Icon name=icon/><span class="ellipsis">{label}</span></a></li>
    }
}
