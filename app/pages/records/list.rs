//! The list of an object: search, filter, sort, pages, and a button to make a record.

use std::sync::Arc;

use aplomb_model::{Action, Object};
use leptos::{ev, prelude::*, task::spawn_local};
use leptos_router::hooks::{use_params_map, use_query_map};

use super::filter::FilterBar;
use super::form::CreateDialog;
use super::list_url::ListUrl;
use super::table::Table;
use crate::api::{self, Page, pause};
use crate::kit::{Empty, Icon, Trouble, Waiting};
use crate::state::{Load, load, nav, signed};
use crate::text::{t, tf, tn};

#[component]
pub fn ListPage() -> impl IntoView {
    let params = use_params_map();
    let name = Memo::new(move |_| params.read().get("object").unwrap_or_default());
    let signed = signed();
    move || match signed.object(&name.get()).filter(|o| signed.may(&o.name, Action::Read)) {
        Some(object) => view! { <List object/> }.into_any(),
        None => view! { <Empty title=t("state.hidden") body=t("error.not_found") icon="lock"/> }.into_any(),
    }
}

#[component]
fn List(object: Arc<Object>) -> impl IntoView {
    let navigator = nav::navigator();
    let signed = signed();
    let query = use_query_map();
    let url = Memo::new(move |_| ListUrl::read(&query.read()));
    let page = {
        let object = object.clone();
        load(move || url.get().query(&object), |query, abort| async move { api::list(query, &abort).await })
    };
    let name = object.name.clone();
    let go = Callback::new(move |to: ListUrl| navigator.go(&to.write(&name)));
    let creating = RwSignal::new(false);
    let plural = object.plural.clone();
    nav::name_tab(move || plural.clone());
    let may_create = signed.may(&object.name, Action::Create) && !object.internal;
    let may_import = signed.session.can("import");
    let created = {
        let name = object.name.clone();
        Callback::new(move |record: api::Record| navigator.go(&nav::record_url(&name, &record.id)))
    };
    let count = move || {
        page.value.with(|page| {
            page.as_ref().map(|page| {
                let text = tn("list.count", page.total.count);
                if page.total.exact { text } else { tf("list.more", &[("count", &text)]) }
            })
        })
    };
    let body = {
        let object = object.clone();
        move || body(object.clone(), page, url, go, may_create.then_some(creating), may_import)
    };
    let export = {
        let name = object.name.clone();
        move || nav::with_query(&format!("/api/v1/export/{name}"), &[("format", "csv"), ("filter", &url.get().filter)])
    };
    view! {
        <div class="page">
            <header class="page-head">
                <h1>{object.plural.clone()}</h1>
                <span class="count faint" role="status" data-testid="count">{count}</span>
                <div class="actions">
                    {signed.may(&object.name, Action::Export).then(|| view! {
                        <a class="button" href=export download rel="external"><Icon name="download"/><span class="wide-only">{t("list.export")}</span></a>
                    })}
                    {may_create.then(|| view! {
                        <button type="button" class="button primary" data-testid="create" on:click=move |_| creating.set(true)>
                            <Icon name="plus"/>{tf("list.create", &[("object", &object.label)])}
                        </button>
                    })}
                </div>
            </header>
            <div class="toolbar">
                <TextBox url go/>
                <FilterBar object=object.clone() url go/>
            </div>
            <section class="card table-card" aria-busy=move || page.busy.get().to_string()>{body}</section>
            <Pager page url go/>
        </div>
        <CreateDialog object=object.clone() open=creating on_done=created/>
    }
}

fn body(
    object: Arc<Object>,
    page: Load<Page>,
    url: Memo<ListUrl>,
    go: Callback<ListUrl>,
    creating: Option<RwSignal<bool>>,
    may_import: bool,
) -> AnyView {
    if let Some(failure) = page.failure.get() {
        return view! { <Trouble failure retry=Callback::new(move |()| page.again())/> }.into_any();
    }
    let Some(found) = page.value.get() else { return view! { <Waiting rows=8/> }.into_any() };
    if !found.records.is_empty() {
        return view! { <Table object records=found.records url go/> }.into_any();
    }
    if url.with(ListUrl::is_narrowed) {
        return view! {
            <Empty title=t("list.noMatch") body=t("list.noMatch.body") icon="search">
                <button type="button" class="button" on:click=move |_| go.run(url.get_untracked().without_filter())>{t("filter.clear")}</button>
            </Empty>
        }
        .into_any();
    }
    let create = creating.map(|open| {
        let label = tf("list.create", &[("object", &object.label)]);
        view! { <button type="button" class="button primary" on:click=move |_| open.set(true)>{label}</button> }
    });
    let import = may_import.then(|| {
        let href = nav::with_query("/import", &[("object", &object.name)]);
        view! { <a class="button" href=href>{t("list.import")}</a> }
    });
    let title = tf("list.empty", &[("objects", &object.plural)]);
    view! { <Empty title body=t("list.empty.body") icon=object.icon.clone()>{create}{import}</Empty> }.into_any()
}

/// The list's own full-text box; what is typed goes into the URL after a moment.
#[component]
fn TextBox(url: Memo<ListUrl>, go: Callback<ListUrl>) -> impl IntoView {
    let navigate_to = move |q: &str| {
        let now = url.get_untracked();
        if now.q != q {
            go.run(now.with_q(q));
        }
    };
    let text = RwSignal::new(url.get_untracked().q);
    let from_url = Memo::new(move |_| url.with(|url| url.q.clone()));
    Effect::new(move |_| text.set(from_url.get()));
    let turn = StoredValue::new(0u32);
    let on_input = move |event: ev::Event| {
        text.set(event_target_value(&event));
        let mine = turn.with_value(|n| n + 1);
        turn.set_value(mine);
        spawn_local(async move {
            pause(250).await;
            if turn.try_get_value() == Some(mine) {
                navigate_to(text.get_untracked().trim());
            }
        });
    };
    view! {
        <label class="textbox">
            <span class="sr">{t("list.search")}</span>
            <Icon name="search"/>
            <input class="input" type="search" id="list-search" placeholder=t("list.search") autocomplete="off"
                prop:value=move || text.get() on:input=on_input/>
        </label>
    }
}

/// Next and previous. A cursor only leads forward, so the way back is remembered.
#[component]
fn Pager(page: Load<Page>, url: Memo<ListUrl>, go: Callback<ListUrl>) -> impl IntoView {
    let trail = StoredValue::new(vec![String::new()]);
    let next = move || page.value.with(|p| p.as_ref().and_then(|p| p.next.clone()).filter(|n| !n.is_empty()));
    let forward = move |_| {
        let now = url.get_untracked();
        let Some(cursor) = next() else { return };
        trail.update_value(|trail| {
            trail.resize(now.page.max(1), String::new());
            if let Some(last) = trail.last_mut() {
                now.cursor.clone_into(last);
            }
        });
        go.run(ListUrl { cursor, page: now.page + 1, ..now });
    };
    let back = move |_| {
        let now = url.get_untracked();
        let known = trail.with_value(|trail| trail.get(now.page.wrapping_sub(2)).cloned()).filter(|c| !c.is_empty());
        let page = if known.is_some() { now.page - 1 } else { 1 };
        go.run(ListUrl { cursor: known.unwrap_or_default(), page, ..now });
    };
    let is_first = move || url.with(|url| url.page <= 1);
    let is_needed = move || !is_first() || next().is_some();
    view! {
        <Show when=is_needed>
            <nav class="pager" aria-label=t("list.pages")>
                <button type="button" class="button" disabled=is_first on:click=back><Icon name="chevron-left"/>{t("previous")}</button>
                <span class="faint small">{move || tf("list.page", &[("n", &url.with(|u| u.page).to_string())])}</span>
                <button type="button" class="button" disabled=move || next().is_none() on:click=forward>{t("next")}<Icon name="chevron-right"/></button>
            </nav>
        </Show>
    }
}
