//! What stands around every page inside: sidebar, top bar, search box, user menu, and the routes.

mod notices;
mod palette;
mod search_box;
mod sidebar;
mod topbar;

pub use search_box::readable;

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

use crate::api;
use crate::app::gate;
use crate::kit::{Dialog, Empty, Found, Icon, Lookup, toasts};
use crate::pages::{home, imports, kit, records, search, settings, start};
use crate::state::live::Live;
use crate::state::{Route, Signed, Trail, Views, nav, preferences, router, sweep};
use crate::text::{t, tn};

#[component]
pub fn Frame(signed: Signed) -> impl IntoView {
    let email = signed.session.user.email.clone();
    provide_context(signed.clone());
    provide_context(Trail::new());
    provide_context(Views::start());
    let live = Live::start();
    provide_context(live);
    provide_context(lookup(signed));
    let gate = gate();
    let router = router();
    let folded = RwSignal::new(false);
    // On a phone the sidebar lies over the page: going somewhere closes it.
    crate::state::watch(move || {
        router.path.track();
        folded.set(false);
        sweep();
    });
    keep_focus(router.path);
    undo_by_key();
    hold_what_waits();
    let again = Callback::new(move |()| gate.expired.set(false));
    let narrow = RwSignal::new(preferences::narrow());
    let route = router.route();
    let page = move || {
        match route() {
        Route::Home => view! { <home::HomePage/> }.into_any(),
        Route::List { .. } => view! { <records::ListPage/> }.into_any(),
        Route::Record { .. } => view! { <records::RecordPage/> }.into_any(),
        Route::Imports => view! { <imports::ImportsPage/> }.into_any(),
        Route::Import { .. } => view! { <imports::ImportPage/> }.into_any(),
        Route::Search => view! { <search::SearchPage/> }.into_any(),
        Route::Kit => view! { <kit::KitPage/> }.into_any(),
        Route::Settings { .. } => view! { <settings::SettingsPage/> }.into_any(),
        Route::Nowhere => {
            view! { <Empty title=t("frame.nowhere") body=t("frame.nowhere.body") icon="map-pin"><a class="button" href="/">{t("home.title")}</a></Empty> }.into_any()
        }
    }
    };
    view! {
        <a class="skip" href="#content">{t("frame.skip")}</a>
        <div class="frame" class:open=move || folded.get() class:narrow=move || narrow.get()>
            <sidebar::Sidebar narrow/>
            <div class="shade" aria-hidden="true" on:click=move |_| folded.set(false)></div>
            <div class="main">
                <topbar::TopBar folded/>
                <Show when=move || api::waiting().get() != 0>
                    <p class="offline" role="status" data-testid="waiting"><Icon name="clock"/>{move || tn("frame.waiting", u64::from(api::waiting().get()))}</p>
                </Show>
                <Show when=move || live.lost.get()>
                    <p class="offline" role="status"><Icon name="refresh-cw"/>{t("frame.offline")}</p>
                </Show>
                <main id="content" class="content" tabindex="-1">
                    {page}
                </main>
            </div>
        </div>
        <palette::Palette/>
        <Dialog title=t("login.again").to_owned() open=gate.expired>
            <p class="faint">{t("login.again.body")}</p>
            <start::LogInForm on_done=again known=email.clone()/>
        </Dialog>
    }
}

/// A page that goes takes the focus with it: the next one gets it, so that a keyboard goes on there.
fn keep_focus(path: RwSignal<String>) {
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        if before.is_some_and(|before| before != now) {
            request_animation_frame(move || {
                let lost = document().active_element().is_none_or(|e| e.tag_name() == "BODY");
                let content = document().get_element_by_id("content");
                if let Some(content) = content.filter(|_| lost).and_then(|c| c.dyn_into::<web_sys::HtmlElement>().ok())
                {
                    let _ = content.focus();
                }
            });
        }
        now
    });
}

/// A tab that is closed while changes wait for the server asks first: they are kept in its memory alone.
fn hold_what_waits() {
    let handle = window_event_listener(ev::beforeunload, move |event| {
        if api::waiting().get_untracked() > 0 {
            event.prevent_default();
        }
    });
    on_cleanup(move || handle.remove());
}

/// Ctrl-Z takes back what the latest message offers to take back, unless somebody types.
fn undo_by_key() {
    let toasts = toasts();
    let handle = window_event_listener(ev::keydown, move |event| {
        let asked = (event.ctrl_key() || event.meta_key()) && !event.shift_key() && event.key() == "z";
        if asked && !nav::is_typing(event.target()) && toasts.run_latest() {
            event.prevent_default();
        }
    });
    on_cleanup(move || handle.remove());
}

/// How reference fields find records: by the search, users by their list.
fn lookup(signed: Signed) -> Lookup {
    Lookup::new(move |targets, q, abort| {
        let signed = signed.clone();
        let targets =
            if targets.is_empty() { signed.objects().iter().map(|o| o.name.clone()).collect() } else { targets };
        Box::pin(async move {
            let several = targets.len() > 1;
            let mut found = Vec::new();
            for target in targets.iter().take(6) {
                let object = signed.object(target);
                let title = object.as_ref().map(|o| o.title.clone()).unwrap_or_default();
                let hits = match api::look_up(target, &title, &q, &abort).await {
                    Err(failure) if several && !failure.is("aborted") => continue,
                    hits => hits?,
                };
                let label = object.filter(|_| several).map(|o| o.label.clone()).unwrap_or_default();
                found.extend(hits.into_iter().map(|hit| Found {
                    hint: if several { label.clone() } else { search_box::readable(&hit.subtitle.unwrap_or_default()) },
                    object: hit.object,
                    id: hit.id,
                    name: hit.title,
                }));
            }
            found.truncate(20);
            Ok(found)
        })
    })
}
