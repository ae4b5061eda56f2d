//! Sample data: in with one click, out with another.

use leptos::{prelude::*, task::spawn_local};

use crate::api;
use crate::kit::{Icon, Loaded, toasts};
use crate::state::load;
use crate::text::t;

#[component]
pub fn SampleSection() -> impl IntoView {
    let toasts = toasts();
    let loaded = load(|| (), |(), _| async { api::sample_loaded().await });
    let busy = RwSignal::new(false);
    let change = move |there: bool| {
        busy.set(true);
        spawn_local(async move {
            let answer = if there { api::remove_sample().await } else { api::load_sample().await };
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    toasts.say(if there { t("sample.removed") } else { t("sample.loaded") });
                    loaded.again();
                }
                Err(failure) => toasts.refuse(&failure),
            }
        });
    };
    let draw = move |there: bool| {
        let (icon, label) = if there { ("trash-2", t("sample.remove")) } else { ("box", t("sample.load")) };
        view! {
            <p>{if there { t("sample.there") } else { t("sample.body") }}</p>
            <div class="actions start-actions">
                <button type="button" class="button" class:primary=!there data-testid="sample" disabled=move || busy.get() on:click=move |_| change(there)>
                    <Icon name=icon/>{move || if busy.get() { t("working") } else { label }}
                </button>
            </div>
        }
        .into_any()
    };
    view! { <section class="card pad"><h2>{t("settings.sample")}</h2><Loaded load=loaded draw rows=2/></section> }
}
