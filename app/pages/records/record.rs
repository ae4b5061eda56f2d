//! A record's own page: what it is, what happened with it, what belongs to it.

use std::sync::Arc;

use aplomb_model::{Action, FieldType, Object};
use leptos::{prelude::*, task::spawn_local};

use super::convert::ConvertButton;
use super::fields::Groups;
use super::first_look::FirstLook;
use super::history::HistoryTab;
use super::people_here::{FollowButton, WhoIsHere};
use super::related::{QuickAdd, RelatedTab};
use super::stages::StageBar;
use super::timeline::TimelineTab;
use super::title_of;
use crate::api::{self, Record};
use crate::kit::show::FileAddress;
use crate::kit::{Avatar, Crumbs, Hidden, Icon, Loaded, Notice, Preview, Previewing, Shown, Tabs, toasts};
use crate::state::presence::Presence;
use crate::state::{Load, Route, Visit, format, live, load, nav, router, signed, trail};
use crate::text::{t, tf};

#[component]
pub fn RecordPage() -> impl IntoView {
    let at = router().part(|route, _| match route {
        Route::Record { object, id } => (object.clone(), id.clone()),
        _ => Default::default(),
    });
    let signed = signed();
    move || {
        let (object, id) = at.get();
        match signed.object(&object).filter(|o| signed.may(&o.name, Action::Read)) {
            Some(object) => view! { <OneRecord object id/> }.into_any(),
            None => view! { <Hidden/> }.into_any(),
        }
    }
}

#[component]
fn OneRecord(object: Arc<Object>, id: String) -> impl IntoView {
    let name = object.name.clone();
    let id_of_live = id.clone();
    let record = load(
        move || (name.clone(), id.clone()),
        |(name, id), abort| async move { api::record(&name, &id, &abort).await },
    );
    if let Some(live) = live() {
        let key = StoredValue::new((object.name.clone(), id_of_live));
        live.follow(
            move |news| key.try_with_value(|(object, id)| news.is_about(object, id)).unwrap_or_default(),
            move || record.refresh(),
        );
    }
    // What stays the same while fields change is drawn once; the rest follows the record.
    let there = Memo::new(move |_| record.value.with(|r| r.as_ref().map(|r| r.id.clone())));
    let page = move || match there.get() {
        Some(id) => view! { <Page object=object.clone() id record/> }.into_any(),
        None => view! { <div class="card"><Loaded load=record draw=|_| ().into_any()/></div> }.into_any(),
    };
    view! { <div class="page">{page}</div> }
}

#[component]
fn Page(object: Arc<Object>, id: String, record: Load<Record>) -> impl IntoView {
    let (object_name, own) = (object.name.clone(), id.clone());
    provide_context(FileAddress(Arc::new(move |file, inline| api::file_address(&object_name, &own, file, inline))));
    provide_context(Presence::start(&object.name, &id));
    provide_context(Previewing::new());
    let tab = RwSignal::new("timeline");
    let tabs = vec![("timeline", t("tab.timeline")), ("related", t("tab.related")), ("history", t("tab.history"))];
    let panel = {
        let (object, id) = (object.clone(), id.clone());
        move || {
            let (name, id) = (object.name.clone(), id.clone());
            match tab.get() {
                "history" => view! { <HistoryTab object=object.clone() id record/> }.into_any(),
                "related" => view! { <RelatedTab object=object.clone() id record/> }.into_any(),
                _ => {
                    view! { <QuickAdd object=object.clone() id=id.clone() record/><TimelineTab object=name id record/> }
                        .into_any()
                }
            }
        }
    };
    view! {
        <Head object=object.clone() id=id.clone() record/>
        <StageBar object=object.clone() id=id.clone() record/>
        <FirstLook object=object.clone() id record/>
        <div class="split">
            <section class="card" aria-label=t("record.fields")><Groups object record/></section>
            <section class="card side">
                <Tabs label=t("record.about") tabs chosen=tab/>
                <div role="tabpanel" id=move || format!("panel-{}", tab.get()) aria-labelledby=move || format!("tab-{}", tab.get())>{panel}</div>
            </section>
        </div>
        <Preview/>
    }
}

#[component]
fn Head(object: Arc<Object>, id: String, record: Load<Record>) -> impl IntoView {
    let signed = signed();
    let title = {
        let object = object.clone();
        Memo::new(move |_| record.value.with(|r| r.as_ref().map(|r| title_of(&object, r)).unwrap_or_default()))
    };
    nav::name_tab(move || title.get());
    let (trail, visited) = (trail(), (object.name.clone(), id.clone()));
    crate::state::watch(move || {
        let (object, id) = visited.clone();
        trail.visit(Visit { object, id, title: title.get() });
    });
    let marks = {
        let object = object.clone();
        move || {
            let record = record.value.get()?;
            let mark = |name: &&str| {
                let field = object.field(name).filter(|f| f.kind == FieldType::Choice)?.clone();
                let value = record.fields.get(*name)?.clone();
                Some(view! { <Shown field value/> })
            };
            Some(["stage", "status", "lifecycle", "priority"].iter().filter_map(mark).collect_view())
        }
    };
    let changed = move || {
        record.value.with(|r| {
            r.as_ref().map(|r| {
                let by = format::plain(&r.updated_by);
                if by.is_empty() || by.len() == 36 {
                    tf("record.changed", &[("when", &format::ago(&r.updated_at))])
                } else {
                    tf("record.changedBy", &[("when", &format::ago(&r.updated_at)), ("who", &by)])
                }
            })
        })
    };
    let back = trail.list_of(&object.name).unwrap_or_else(|| nav::list_url(&object.name));
    let trashed = move || record.value.with(|r| r.as_ref().is_some_and(|r| r.trashed_at.is_some()));
    let convert = (object.name == "lead" && signed.may("lead", Action::Update)).then(|| {
        view! { <ConvertButton id=id.clone() record/> }
    });
    let delete = signed
        .may(&object.name, Action::Delete)
        .then(|| view! { <DeleteButton object=object.clone() id=id.clone() title/> });
    let (name, own) = (object.name.clone(), id.clone());
    view! {
        <Crumbs above=vec![(back, object.plural.clone())] here=title><Beside object=name id=own/></Crumbs>
        <header class="page-head record-head">
            {move || view! { <Avatar name=title.get()/> }}
            <div class="grow">
                <h1 data-testid="record-title" dir="auto">{move || title.get()}</h1>
                <p class="faint small">{changed}</p>
            </div>
            <div class="badges">{marks}</div>
            <WhoIsHere/>
            <div class="actions"><FollowButton object=object.name.clone() id=id.clone()/>{convert}{delete}</div>
        </header>
        <Show when=trashed><Notice tone="warn" text=t("record.trashed")/></Show>
    }
}

/// The way to the records before and after this one in the list one came from, also by the keys `[` and `]`.
#[component]
fn Beside(object: String, id: String) -> impl IntoView {
    let router = router();
    let (before, after) = trail().beside(&object, &id);
    if before.is_none() && after.is_none() {
        return ().into_any();
    }
    let urls = [before, after].map(|id| id.map(|id| nav::record_url(&object, &id)));
    let by_key = urls.clone();
    let handle = window_event_listener(leptos::ev::keydown, move |event| {
        let at = match event.key().as_str() {
            "[" => 0,
            "]" => 1,
            _ => return,
        };
        if let Some(url) = by_key[at].as_ref().filter(|_| nav::is_shortcut(&event)) {
            router.go(url);
        }
    });
    on_cleanup(move || handle.remove());
    let words = [("record.before", "chevron-left", "["), ("record.after", "chevron-right", "]")];
    let link = |(url, (text, icon, key)): (Option<String>, (&'static str, &'static str, &'static str))| {
        match url {
        Some(url) => view! { <a class="button icon-only" href=url aria-label=t(text) title=t(text) aria-keyshortcuts=key><Icon name=icon/></a> }.into_any(),
        None => view! { <span class="button icon-only disabled" aria-hidden="true"><Icon name=icon/></span> }.into_any(),
    }
    };
    view! { <span class="push nowrap beside">{urls.into_iter().zip(words).map(link).collect_view()}</span> }.into_any()
}

#[component]
fn DeleteButton(object: Arc<Object>, id: String, title: Memo<String>) -> impl IntoView {
    let router = router();
    let toasts = toasts();
    let busy = RwSignal::new(false);
    let delete = move |_| {
        busy.set(true);
        let (name, id, title) = (object.name.clone(), id.clone(), title.get_untracked());
        spawn_local(async move {
            let answer = api::trash(&name, &id).await;
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    router.go(&nav::list_url(&name));
                    toasts.offer(tf("record.deleted", &[("title", &title)]), t("undo"), move || {
                        let (name, id) = (name.clone(), id.clone());
                        spawn_local(async move {
                            match api::restore(&name, &id).await {
                                Ok(()) => router.go(&nav::record_url(&name, &id)),
                                Err(failure) => toasts.refuse(&failure),
                            }
                        });
                    });
                }
                Err(failure) => toasts.refuse(&failure),
            }
        });
    };
    view! {
        <button type="button" class="button" data-testid="delete" disabled=move || busy.get() on:click=delete>
            <Icon name="trash-2"/>{t("record.delete")}
        </button>
    }
}
