//! The versions of a record: who changed what, and the way back to any of them.

use std::sync::Arc;

use aplomb_model::{Action, Object};
use leptos::{prelude::*, task::spawn_local};
use serde_json::Value as Json;

use crate::api::{self, Record, Version};
use crate::kit::{Empty, Icon, Loaded, Shown, toasts};
use crate::state::{Load, format, load, signed};
use crate::text::{maybe, t, tf};

#[component]
pub fn HistoryTab(object: Arc<Object>, id: String, record: Load<Record>) -> impl IntoView {
    let version = Memo::new(move |_| record.value.with(|r| r.as_ref().map_or(0, |r| r.version)));
    let key = (object.name.clone(), id.clone());
    let history = load(
        move || {
            version.track();
            key.clone()
        },
        |(object, id), abort| async move { api::history(&object, &id, &abort).await },
    );
    let draw = move |history: api::History| {
        if history.entries.is_empty() {
            return view! { <Empty title=t("history.empty") icon="history"/> }.into_any();
        }
        let current = version.get();
        let entry = |v: Version| entry(object.clone(), id.clone(), v, current, record);
        let entries = history.entries.into_iter().map(entry).collect_view();
        view! { <ol class="history" data-testid="history">{entries}</ol> }.into_any()
    };
    view! { <Loaded load=history draw/> }
}

fn entry(object: Arc<Object>, id: String, version: Version, current: u32, record: Load<Record>) -> AnyView {
    let kind = maybe(&format!("kind.{}", version.kind)).map_or_else(|| version.kind.clone(), str::to_owned);
    let who = version
        .actor
        .as_ref()
        .map(|a| a.name.clone())
        .filter(|n| !n.is_empty())
        .unwrap_or_else(|| t("history.system").to_owned());
    let changes = version.changes.into_iter().filter(|change| change.field != "externalIds").map(|change| {
        let shown = |value: Json| match object.field(&change.field) {
            _ if value.is_null() => view! { <span class="none">{t("history.nothing")}</span> }.into_any(),
            Some(field) => view! { <Shown field=field.clone() value flat=true/> }.into_any(),
            None => view! { <span>{format::plain(&value)}</span> }.into_any(),
        };
        let label = match (change.label.as_str(), object.field(&change.field)) {
            ("", Some(field)) => field.label.clone(),
            ("", None) => change.field.clone(),
            (label, _) => label.to_owned(),
        };
        view! {
            <li><span class="faint">{label}": "</span>{shown(change.before)}<span class="arrow" aria-label=t("history.became")><Icon name="arrow-right"/></span>{shown(change.after)}</li>
        }
    });
    let changes = changes.collect_view();
    let n = version.version;
    let may_go_back = n < current && n > 0 && signed().may(&object.name, Action::Update);
    let back = may_go_back.then(|| view! { <BackTo object=object.name.clone() id version=n record/> });
    let exact = format::time(&version.at);
    view! {
        <li class="version">
            <div class="version-head">
                <strong>{tf("history.version", &[("n", &n.to_string())])}</strong>
                <span class="faint small">{kind}" · "{who}" · "<time datetime=version.at.clone() title=exact>{format::ago(&version.at)}</time></span>
                {back}
            </div>
            <ul class="changes">{changes}</ul>
        </li>
    }
    .into_any()
}

#[component]
fn BackTo(object: String, id: String, version: u32, record: Load<Record>) -> impl IntoView {
    let toasts = toasts();
    let busy = RwSignal::new(false);
    let click = move |_| {
        busy.set(true);
        let (object, id) = (object.clone(), id.clone());
        spawn_local(async move {
            let answer = api::undo(&object, &id, version).await;
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    record.again();
                    toasts.say(tf("history.wentBack", &[("n", &version.to_string())]));
                }
                Err(failure) => toasts.refuse(&failure),
            }
        });
    };
    view! {
        <button type="button" class="button small push" data-testid="undo-version" disabled=move || busy.get() on:click=click>
            <Icon name="undo-2"/>{t("history.back")}
        </button>
    }
}
