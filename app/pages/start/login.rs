//! Logging in, as a page and over a page whose session has ended.

use leptos::{ev, prelude::*, task::spawn_local};

use super::Start;
use crate::api::{self, Failure};
use crate::app::gate;
use crate::kit::{Notice, Plain, Secret};
use crate::text::t;

#[component]
pub fn LogIn() -> impl IntoView {
    let gate = gate();
    view! { <Start title=t("login.title").to_owned()><LogInForm on_done=Callback::new(move |()| gate.open())/></Start> }
}

#[component]
pub fn LogInForm(
    on_done: Callback<()>,
    /// who is asked, when that is known
    #[prop(optional)]
    known: String,
) -> impl IntoView {
    let is_known = !known.is_empty();
    let email = RwSignal::new(known);
    let password = RwSignal::new(String::new());
    let failure = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(false);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        busy.set(true);
        failure.set(None);
        spawn_local(async move {
            let answer = api::log_in(email.get_untracked().trim(), &password.get_untracked()).await;
            busy.try_set(false);
            match answer {
                Ok(_) => {
                    on_done.try_run(());
                }
                Err(f) => {
                    failure.try_set(Some(f));
                }
            }
        });
    };
    view! {
        <form class="form" on:submit=submit data-testid="login">
            {move || failure.get().map(|f| view! { <Notice tone="bad" text=f.message()/> })}
            <Plain id="email" label=t("person.email") value=email kind="email" autocomplete="username" autofocus=!is_known/>
            <Secret id="password" label=t("person.password") value=password autocomplete="current-password" autofocus=is_known/>
            <button type="submit" class="button primary wide" disabled=move || busy.get()>{t("login.submit")}</button>
        </form>
    }
}
