//! Everything that happened with a record, newest first.

use leptos::{prelude::*, task::spawn_local};

use crate::api::{self, Abort, Happening, Record};
use crate::kit::{Empty, Icon, Trouble, Waiting, toasts};
use crate::state::{Load, format, load, nav, signed};
use crate::text::{maybe, t};

#[component]
pub fn TimelineTab(object: String, id: String, record: Load<Record>) -> impl IntoView {
    let toasts = toasts();
    let more = RwSignal::new(Vec::<Happening>::new());
    let next = RwSignal::new(None::<String>);
    // A write to the record shows up here as well.
    let version = Memo::new(move |_| record.value.with(|r| r.as_ref().map(|r| r.version)));
    let key = (object.clone(), id.clone());
    let first = load(
        move || {
            version.track();
            key.clone()
        },
        |(object, id), abort| async move { api::timeline(&object, &id, "", &abort).await },
    );
    Effect::new(move |_| {
        more.set(Vec::new());
        next.set(first.value.with(|page| page.as_ref().and_then(|p| p.next.clone())));
    });
    let own = id.clone();
    let load_more = move |_| {
        let Some(cursor) = next.get_untracked() else { return };
        let (object, id) = (object.clone(), id.clone());
        spawn_local(async move {
            match api::timeline(&object, &id, &cursor, &Abort::new()).await {
                Ok(page) => {
                    more.try_update(|list| list.extend(page.entries));
                    next.try_set(page.next);
                }
                Err(failure) => toasts.refuse(&failure),
            }
        });
    };
    let entries = move || {
        if let Some(failure) = first.failure.get() {
            return view! { <Trouble failure retry=Callback::new(move |()| first.again())/> }.into_any();
        }
        let Some(page) = first.value.get() else { return view! { <Waiting/> }.into_any() };
        if page.entries.is_empty() {
            return view! { <Empty title=t("timeline.empty") body=t("timeline.empty.body") icon="history"/> }.into_any();
        }
        let entries = page.entries.into_iter().chain(more.get()).map(|h| happening(h, &own)).collect_view();
        view! { <ol class="timeline" data-testid="timeline">{entries}</ol> }.into_any()
    };
    view! {
        {entries}
        <Show when=move || next.with(Option::is_some)>
            <button type="button" class="button" on:click=load_more.clone()>{t("timeline.more")}</button>
        </Show>
    }
}

fn icon_of(kind: &str) -> &'static str {
    match kind {
        "created" => "plus",
        "updated" | "changed" => "pencil",
        "trashed" | "purged" => "trash-2",
        "restored" => "rotate-ccw",
        "note" => "sticky-note",
        "call" => "phone",
        "meeting" => "calendar",
        "email" => "mail",
        "task" => "square-check",
        "deal" => "handshake",
        "ticket" => "life-buoy",
        "converted" => "arrow-right",
        _ => "activity",
    }
}

fn happening(entry: Happening, own: &str) -> AnyView {
    let kind = maybe(&format!("kind.{}", entry.kind)).map_or_else(|| entry.kind.clone(), str::to_owned);
    let title = if entry.title.is_empty() { kind.clone() } else { entry.title.clone() };
    let has_page = signed().object(&entry.object).is_some_and(|o| !o.internal) && entry.id != own && !entry.id.is_empty();
    let title = if has_page {
        view! { <a href=nav::record_url(&entry.object, &entry.id)>{title}</a> }.into_any()
    } else {
        view! { <span>{title}</span> }.into_any()
    };
    let who = entry.actor.map(|a| a.name).filter(|n| !n.is_empty());
    let detail = match &entry.detail {
        serde_json::Value::String(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    let exact = format::time(&entry.at);
    view! {
        <li class="happening">
            <span class=format!("dot kind-{}", entry.kind) aria-hidden="true"><Icon name=icon_of(&entry.kind)/></span>
            <div>
                <div class="happening-title">{title}</div>
                {detail.map(|text| view! { <p class="happening-detail">{text}</p> })}
                <p class="faint small"><span>{kind}</span>{who.map(|who| format!(" · {who}"))}" · "<time datetime=entry.at.clone() title=exact>{format::ago(&entry.at)}</time></p>
            </div>
        </li>
    }
    .into_any()
}
