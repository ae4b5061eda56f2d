//! A record's own page: what it is, what happened with it, what belongs to it.

use std::sync::Arc;

use aplomb_model::{Action, FieldType, Object};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_params_map;

use super::convert::ConvertButton;
use super::fields::Groups;
use super::history::HistoryTab;
use super::related::RelatedTab;
use super::timeline::TimelineTab;
use super::title_of;
use crate::api::{self, Record};
use crate::kit::{Avatar, Empty, Icon, Loaded, Notice, Shown, Tabs, toasts};
use crate::state::{Load, format, load, nav, signed};
use crate::text::{t, tf};

#[component]
pub fn RecordPage() -> impl IntoView {
    let params = use_params_map();
    let at = Memo::new(move |_| {
        let params = params.read();
        (params.get("object").unwrap_or_default(), params.get("id").unwrap_or_default())
    });
    let signed = signed();
    move || {
        let (object, id) = at.get();
        match signed.object(&object).filter(|o| signed.may(&o.name, Action::Read)) {
            Some(object) => view! { <OneRecord object id/> }.into_any(),
            None => view! { <Empty title=t("state.hidden") body=t("error.not_found") icon="lock"/> }.into_any(),
        }
    }
}

#[component]
fn OneRecord(object: Arc<Object>, id: String) -> impl IntoView {
    let name = object.name.clone();
    let record = load(
        move || (name.clone(), id.clone()),
        |(name, id), abort| async move { api::record(&name, &id, &abort).await },
    );
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
    let tab = RwSignal::new("timeline");
    let tabs = vec![("timeline", t("tab.timeline")), ("related", t("tab.related")), ("history", t("tab.history"))];
    let panel = {
        let (object, id) = (object.clone(), id.clone());
        move || {
            let (name, id) = (object.name.clone(), id.clone());
            match tab.get() {
                "history" => view! { <HistoryTab object=object.clone() id record/> }.into_any(),
                "related" => view! { <RelatedTab object=object.clone() id record/> }.into_any(),
                _ => view! { <TimelineTab object=name id record/> }.into_any(),
            }
        }
    };
    view! {
        <Head object=object.clone() id record/>
        <div class="split">
            <section class="card" aria-label=t("record.fields")><Groups object record/></section>
            <section class="card side">
                <Tabs label=t("record.about") tabs chosen=tab/>
                <div role="tabpanel" id=move || format!("panel-{}", tab.get()) aria-labelledby=move || format!("tab-{}", tab.get())>{panel}</div>
            </section>
        </div>
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
    let trashed = move || record.value.with(|r| r.as_ref().is_some_and(|r| r.trashed_at.is_some()));
    let convert = (object.name == "lead" && signed.may("lead", Action::Update)).then(|| {
        view! { <ConvertButton id=id.clone() record/> }
    });
    let delete =
        signed.may(&object.name, Action::Delete).then(|| view! { <DeleteButton object=object.clone() id title/> });
    view! {
        <nav class="crumbs" aria-label=t("record.where")>
            <a href=nav::list_url(&object.name)>{object.plural.clone()}</a><Icon name="chevron-right"/><span aria-current="page" class="ellipsis">{move || title.get()}</span>
        </nav>
        <header class="page-head record-head">
            {move || view! { <Avatar name=title.get()/> }}
            <div class="grow">
                <h1 data-testid="record-title">{move || title.get()}</h1>
                <p class="faint small">{changed}</p>
            </div>
            <div class="badges">{marks}</div>
            <div class="actions">{convert}{delete}</div>
        </header>
        <Show when=trashed><Notice tone="warn" text=t("record.trashed")/></Show>
    }
}

#[component]
fn DeleteButton(object: Arc<Object>, id: String, title: Memo<String>) -> impl IntoView {
    let navigator = nav::navigator();
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
                    navigator.go(&nav::list_url(&name));
                    toasts.offer(tf("record.deleted", &[("title", &title)]), t("undo"), move || {
                        let (name, id) = (name.clone(), id.clone());
                        spawn_local(async move {
                            match api::restore(&name, &id).await {
                                Ok(()) => navigator.go(&nav::record_url(&name, &id)),
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
