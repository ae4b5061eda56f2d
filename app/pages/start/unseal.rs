//! The only page of a sealed server.

use leptos::{ev, prelude::*, task::spawn_local};

use super::Start;
use crate::api::{self, Failure};
use crate::app::gate;
use crate::kit::{Notice, Secret};
use crate::text::t;

#[component]
pub fn Unseal() -> impl IntoView {
    let gate = gate();
    let secret = RwSignal::new(String::new());
    let failure = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(false);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        busy.set(true);
        failure.set(None);
        spawn_local(async move {
            let answer = api::unseal(secret.get_untracked().trim()).await;
            busy.try_set(false);
            match answer {
                Ok(()) => gate.open(),
                Err(f) => {
                    failure.try_set(Some(f));
                }
            }
        });
    };
    view! {
        <Start title=t("unseal.title").to_owned()>
            <p class="faint">{t("unseal.body")}</p>
            <form class="form" on:submit=submit data-testid="unseal">
                {move || failure.get().map(|f| view! { <Notice tone="bad" text=f.message()/> })}
                <Secret id="secret" label=t("unseal.secret") value=secret hint=t("unseal.hint")/>
                <button type="submit" class="button primary wide" disabled=move || busy.get()>{t("unseal.submit")}</button>
            </form>
        </Start>
    }
}
