//! Who else is at a record now, and who wants to hear of it.

use leptos::{prelude::*, task::spawn_local};

use crate::api::{self, Followers};
use crate::kit::{Avatars, Icon, toasts};
use crate::state::presence::presence;
use crate::state::{load, signed};
use crate::text::{t, tf};

#[component]
pub fn WhoIsHere() -> impl IntoView {
    let Some(presence) = presence() else { return ().into_any() };
    let names = Memo::new(move |_| presence.others.get().into_iter().map(|p| p.name).collect::<Vec<_>>());
    let label = Signal::derive(move || tf("presence.here", &[("names", &names.get().join(", "))]));
    view! {
        <span role="status" data-testid="others">
            <Show when=move || !names.with(Vec::is_empty)><Avatars names label/></Show>
        </span>
    }
    .into_any()
}

#[component]
pub fn FollowButton(object: String, id: String) -> impl IntoView {
    let toasts = toasts();
    let key = StoredValue::new((object, id));
    let held =
        load(move || key.get_value(), |(object, id), abort| async move { api::followers(&object, &id, &abort).await });
    let following = Memo::new(move |_| held.value.with(|f| f.as_ref().is_some_and(|f| f.following)));
    let change = move |_| {
        let on = !following.get_untracked();
        let (object, id) = key.get_value();
        spawn_local(async move {
            match api::follow(&object, &id, on).await {
                Ok(now) => held.set(now),
                Err(failure) => toasts.refuse(&failure),
            }
        });
    };
    let own = signed().session.user.id.clone();
    let tip = move || {
        let named = |f: &Followers| {
            let names: Vec<String> = f.followers.iter().filter(|p| p.id != own).map(|p| p.name.clone()).collect();
            (!names.is_empty()).then(|| tf("follow.who", &[("names", &names.join(", "))]))
        };
        held.value.with(|f| f.as_ref().and_then(named)).unwrap_or_else(|| t("follow.hint").to_owned())
    };
    view! {
        <button type="button" class="button" data-testid="follow" aria-pressed=move || following.get().to_string() title=tip disabled=move || held.value.with(Option::is_none) on:click=change>
            <Icon name="star"/>{move || if following.get() { t("follow.following") } else { t("follow.follow") }}
        </button>
    }
}
