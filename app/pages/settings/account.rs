//! One's own account: the name, the password, how the screen looks, and where one is logged in.

use leptos::{ev, prelude::*, task::spawn_local};
use serde_json::json;

use super::devices::Devices;
use crate::api::{self, Failure};
use crate::app::gate;
use crate::kit::{Notice, Plain, PlainSelect, Secret, Strength, screen, toasts};
use crate::state::theme::{self, Theme};
use crate::state::{preferences, signed};
use crate::text::{maybe, t};

#[component]
pub fn AccountSection() -> impl IntoView {
    view! { <Person/><Password/><Looks/><Devices/> }
}

#[component]
fn Person() -> impl IntoView {
    let (toasts, gate) = (toasts(), gate());
    let user = signed().session.user.clone();
    let name = RwSignal::new(user.name.clone());
    let failure = RwSignal::new(None::<Failure>);
    let id = StoredValue::new(user.id.clone());
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        spawn_local(async move {
            match api::change_self(&id.get_value(), json!({ "name": name.get_untracked().trim() })).await {
                Ok(()) => {
                    toasts.say(t("settings.saved"));
                    gate.open();
                }
                Err(f) => drop(failure.try_set(Some(f))),
            }
        });
    };
    let error = Signal::derive(move || failure.with(|f| f.as_ref().map(|f| f.of_any_field("name"))));
    view! {
        <section class="card pad">
            <h2>{t("settings.account")}</h2><p class="faint">{user.email}</p>
            <form class="inline-form two" on:submit=submit>
                <Plain id="own-name" label=t("person.name") value=name autocomplete="name" error/>
                <button type="submit" class="button primary">{t("save")}</button>
            </form>
        </section>
    }
}

#[component]
fn Password() -> impl IntoView {
    let toasts = toasts();
    let id = StoredValue::new(signed().session.user.id.clone());
    let (current, new) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let failure = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(false);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        busy.set(true);
        failure.set(None);
        let change = json!({ "currentPassword": current.get_untracked(), "password": new.get_untracked() });
        spawn_local(async move {
            let answer = api::change_self(&id.get_value(), change).await;
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    toasts.say(t("account.password.changed"));
                    current.try_set(String::new());
                    new.try_set(String::new());
                }
                Err(f) => drop(failure.try_set(Some(f))),
            }
        });
    };
    let words = |f: Failure| {
        let said = ["currentPassword", "password"].into_iter().find_map(|field| f.of_field(field).map(|s| (field, s)));
        said.map_or_else(
            || f.message(),
            |(field, text)| {
                format!(
                    "{}: {text}",
                    t(if field == "password" { "account.password.new" } else { "account.password.current" })
                )
            },
        )
    };
    view! {
        <section class="card pad">
            <h2>{t("account.password")}</h2>
            <form class="form" on:submit=submit data-testid="password-form">
                {move || failure.get().map(|f| view! { <Notice tone="bad" text=words(f)/> })}
                <Secret id="current-password" label=t("account.password.current") value=current autocomplete="current-password"/>
                <Secret id="new-password" label=t("account.password.new") value=new autocomplete="new-password" hint=t("setup.password.hint")/>
                <Strength value=new/>
                <div class="actions start-actions"><button type="submit" class="button" disabled=move || busy.get()>{t("account.password.change")}</button></div>
            </form>
        </section>
    }
}

/// What the user's menu offers as well, in full words.
#[component]
fn Looks() -> impl IntoView {
    let theme = RwSignal::new(theme::stored().name().to_owned());
    let strong = RwSignal::new(theme::strong());
    let compact = screen().compact;
    Effect::new(move |before: Option<()>| {
        let chosen = theme.get();
        if before.is_some() {
            Theme::ALL.into_iter().filter(|t| t.name() == chosen).for_each(theme::choose);
        }
    });
    let label = |theme: Theme| maybe(&format!("theme.{}", theme.name())).unwrap_or_default().to_owned();
    let themes: Vec<(String, String)> = Theme::ALL.into_iter().map(|t| (t.name().to_owned(), label(t))).collect();
    let set_strong = move |event: ev::Event| {
        strong.set(event_target_checked(&event));
        theme::set_strong(strong.get_untracked());
    };
    let set_compact = move |event: ev::Event| {
        compact.set(event_target_checked(&event));
        preferences::set_compact(compact.get_untracked());
    };
    view! {
        <section class="card pad">
            <h2>{t("account.looks")}</h2><p class="faint small">{t("account.looks.body")}</p>
            <PlainSelect id="theme" label=t("account.theme") value=theme options=Signal::stored(themes)/>
            <label class="check"><input type="checkbox" prop:checked=move || strong.get() on:change=set_strong/>{t("theme.contrast")}</label>
            <label class="check"><input type="checkbox" prop:checked=move || compact.get() on:change=set_compact/>{t("frame.compact")}</label>
        </section>
    }
}
