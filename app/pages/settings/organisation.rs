//! Name, currency, time zone and language.

use leptos::{ev, prelude::*, task::spawn_local};

use crate::api::{self, Organisation};
use crate::kit::{Loaded, Plain, toasts};
use crate::state::load;
use crate::text::t;

#[component]
pub fn OrganisationSection() -> impl IntoView {
    let held = load(|| (), |(), _| async { api::organisation().await });
    let draw = |o: Organisation| view! { <Form o/> }.into_any();
    view! { <section class="card pad"><h2>{t("settings.organisation")}</h2><Loaded load=held draw/></section> }
}

#[component]
fn Form(o: Organisation) -> impl IntoView {
    let toasts = toasts();
    let name = RwSignal::new(o.name);
    let currency = RwSignal::new(o.currency);
    let zone = RwSignal::new(o.time_zone);
    let language = o.language;
    let busy = RwSignal::new(false);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        busy.set(true);
        let wanted = Organisation {
            name: name.get_untracked(),
            currency: currency.get_untracked().trim().to_uppercase(),
            time_zone: zone.get_untracked(),
            language: language.clone(),
        };
        spawn_local(async move {
            let answer = api::set_organisation(&wanted).await;
            busy.try_set(false);
            match answer {
                Ok(()) => toasts.say(t("settings.saved")),
                Err(failure) => toasts.refuse(&failure),
            }
        });
    };
    view! {
        <form class="form" on:submit=submit>
            <Plain id="organisation-name" label=t("organisation.name") value=name/>
            <div class="columns">
                <Plain id="organisation-currency" label=t("organisation.currency") value=currency hint=t("organisation.currency.hint")/>
                <Plain id="organisation-zone" label=t("organisation.zone") value=zone hint=t("organisation.zone.hint")/>
            </div>
            <div class="actions"><button type="submit" class="button primary" disabled=move || busy.get()>{t("save")}</button></div>
        </form>
    }
}
