//! The people who may log in.

use leptos::{ev, prelude::*, task::spawn_local};
use serde_json::Value as Json;

use super::devices::DeviceList;
use crate::api::{self, Failure, RoleView, User};
use crate::kit::{Avatar, Badge, Dialog, Icon, Loaded, Notice, Plain, PlainSelect, Secret, Strength, toasts};
use crate::state::load;
use crate::text::{t, tf};

#[component]
pub fn UsersSection() -> impl IntoView {
    let people = load(|| (), |(), _| async { Ok((api::users().await?, api::roles().await?)) });
    let creating = RwSignal::new(false);
    let done = Callback::new(move |()| {
        creating.set(false);
        people.again();
    });
    let roles =
        Signal::derive(move || people.value.with(|p| p.as_ref().map(|(_, roles)| roles.clone()).unwrap_or_default()));
    // Whose sessions are shown: id and name.
    let looking = RwSignal::new(None::<(String, String)>);
    let sessions = RwSignal::new(false);
    let look = Callback::new(move |user: (String, String)| {
        looking.set(Some(user));
        sessions.set(true);
    });
    let whose = Signal::derive(move || {
        looking.with(|l| tf("users.sessionsOf", &[("name", l.as_ref().map_or("", |(_, name)| name))]))
    });
    let draw = move |(users, roles): (Vec<User>, Vec<RoleView>)| {
        let rows = users.into_iter().map(|user| row(user, &roles, look)).collect_view();
        view! { <ul class="plain-list" data-testid="users">{rows}</ul> }.into_any()
    };
    view! {
        <section class="card pad">
            <header class="section-head">
                <h2>{t("settings.users")}</h2>
                <button type="button" class="button primary push" on:click=move |_| creating.set(true)><Icon name="user-plus"/>{t("users.create")}</button>
            </header>
            <Loaded load=people draw/>
        </section>
        <Dialog title=t("users.create").to_owned() open=creating><UserForm roles done/></Dialog>
        <Dialog title=whose open=sessions>{move || looking.get().map(|(id, _)| view! { <DeviceList user=id/> })}</Dialog>
    }
}

fn row(user: User, roles: &[RoleView], look: Callback<(String, String)>) -> AnyView {
    let label = |json: &Json| {
        let key = json.as_str().or_else(|| json.get("key").and_then(Json::as_str)).unwrap_or_default();
        roles.iter().find(|r| r.key == key).map_or_else(|| key.to_owned(), |r| r.label.clone())
    };
    let badges = user.roles.iter().map(|role| view! { <Badge text=label(role)/> }).collect_view();
    let off = (user.active == Some(false)).then(|| view! { <Badge text=t("users.inactive") color="amber"/> });
    let (tip, whose) = (tf("users.sessionsOf", &[("name", &user.name)]), (user.id.clone(), user.name.clone()));
    view! {
        <li><Avatar name=user.name.clone()/><div><strong dir="auto">{user.name}</strong><br/><span class="faint small">{user.email}</span></div>
            <span class="push badges">{badges}{off}
                <button type="button" class="button icon-only" aria-label=tip.clone() title=tip on:click=move |_| look.run(whose.clone())><Icon name="monitor"/></button></span></li>
    }
    .into_any()
}

#[component]
fn UserForm(roles: Signal<Vec<RoleView>>, done: Callback<()>) -> impl IntoView {
    let toasts = toasts();
    let name = RwSignal::new(String::new());
    let email = RwSignal::new(String::new());
    let password = RwSignal::new(String::new());
    let first = roles
        .with_untracked(|roles| roles.iter().find(|r| r.key == "salesRep").or(roles.first()).map(|r| r.key.clone()));
    let role = RwSignal::new(first.unwrap_or_default());
    let options = Signal::derive(move || roles.get().into_iter().map(|r| (r.key, r.label)).collect::<Vec<_>>());
    let failure = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(false);
    let of =
        move |field: &'static str| Signal::derive(move || failure.with(|f| f.as_ref().and_then(|f| f.of_field(field))));
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        busy.set(true);
        let (n, e, p, r) =
            (name.get_untracked(), email.get_untracked(), password.get_untracked(), role.get_untracked());
        spawn_local(async move {
            let answer = api::create_user(n.trim(), e.trim(), &p, &r).await;
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    toasts.say(tf("users.created", &[("name", n.trim())]));
                    done.try_run(());
                }
                Err(f) => drop(failure.try_set(Some(f))),
            }
        });
    };
    view! {
        <form class="form" on:submit=submit>
            {move || failure.get().map(|f| view! { <Notice tone="bad" text=f.message()/> })}
            <Plain id="user-name" label=t("person.name") value=name error=of("name")/>
            <Plain id="user-email" label=t("person.email") value=email kind="email" error=of("email")/>
            <Secret id="user-password" label=t("person.password") value=password autocomplete="new-password" hint=t("users.password.hint")/>
            <Strength value=password/>
            <PlainSelect id="user-role" label=t("users.role") value=role options/>
            <div class="actions"><button type="submit" class="button primary" disabled=move || busy.get()>{t("users.submit")}</button></div>
        </form>
    }
}
