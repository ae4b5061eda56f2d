//! What stands around every page inside: sidebar, top bar, search box, user menu, and the routes.

mod palette;
mod search_box;
mod sidebar;
mod topbar;

pub use search_box::readable;

use leptos::prelude::*;
use leptos_router::components::{Route, Routes};
use leptos_router::hooks::use_location;
use leptos_router::path;

use crate::api;
use crate::app::gate;
use crate::kit::{Dialog, Empty, Found, Icon, Lookup};
use crate::pages::{imports, records, search, settings, start};
use crate::state::live::Live;
use crate::state::{Signed, Trail, nav};
use crate::text::t;

#[component]
pub fn Frame(signed: Signed) -> impl IntoView {
    provide_context(signed.clone());
    provide_context(nav::make_navigator());
    provide_context(Trail::new());
    let live = Live::start();
    provide_context(live);
    provide_context(lookup(signed));
    let gate = gate();
    let location = use_location();
    let folded = RwSignal::new(false);
    // On a phone the sidebar lies over the page: going somewhere closes it.
    Effect::new(move |_| {
        location.pathname.track();
        folded.set(false);
    });
    let again = Callback::new(move |()| gate.expired.set(false));
    view! {
        <a class="skip" href="#content">{t("frame.skip")}</a>
        <div class="frame" class:open=move || folded.get()>
            <sidebar::Sidebar/>
            <div class="shade" aria-hidden="true" on:click=move |_| folded.set(false)></div>
            <div class="main">
                <topbar::TopBar folded/>
                <Show when=move || live.lost.get()>
                    <p class="offline" role="status"><Icon name="refresh-cw"/>{t("frame.offline")}</p>
                </Show>
                <main id="content" class="content" tabindex="-1">
                    <Routes fallback=|| view! { <Empty title=t("frame.nowhere") body=t("frame.nowhere.body") icon="map-pin"/> }>
                        <Route path=path!("/") view=|| view! { <records::Home/> }.into_any()/>
                        <Route path=path!("/o/:object") view=|| view! { <records::ListPage/> }.into_any()/>
                        <Route path=path!("/o/:object/:id") view=|| view! { <records::RecordPage/> }.into_any()/>
                        <Route path=path!("/import") view=|| view! { <imports::ImportsPage/> }.into_any()/>
                        <Route path=path!("/import/:id") view=|| view! { <imports::ImportPage/> }.into_any()/>
                        <Route path=path!("/search") view=|| view! { <search::SearchPage/> }.into_any()/>
                        <Route path=path!("/settings") view=|| view! { <settings::SettingsPage/> }.into_any()/>
                        <Route path=path!("/settings/:section") view=|| view! { <settings::SettingsPage/> }.into_any()/>
                    </Routes>
                </main>
            </div>
        </div>
        <palette::Palette/>
        <Dialog title=t("login.again").to_owned() open=gate.expired>
            <p class="faint">{t("login.again.body")}</p>
            <start::LogInForm on_done=again/>
        </Dialog>
    }
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
                    hint: if several { label.clone() } else { hit.subtitle.unwrap_or_default() },
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
