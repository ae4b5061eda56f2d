//! The saved views of a list: choosing one, keeping the present address as one, changing and removing it.

use std::sync::Arc;

use aplomb_model::Object;
use leptos::{ev, prelude::*, task::spawn_local};

use super::list_url::ListUrl;
use crate::api::{self, Failure, SavedView};
use crate::kit::{Dialog, Icon, Menu, Notice, Plain, toasts};
use crate::state::{nav, router, signed, views};
use crate::text::{t, tf};

/// The address of a view.
pub fn address(view: &SavedView) -> String {
    format!("{}?{}", nav::list_url(&view.object), view.query)
}

#[component]
pub fn ViewMenu(object: Arc<Object>, url: Memo<ListUrl>) -> impl IntoView {
    let views = views();
    let router = router();
    let editing = RwSignal::new(None::<SavedView>);
    let open = RwSignal::new(false);
    Effect::new(move |_| open.set(editing.with(Option::is_some)));
    Effect::new(move |_| {
        if !open.get() && editing.with_untracked(Option::is_some) {
            editing.set(None);
        }
    });
    let name = object.name.clone();
    let mine = Memo::new(move |_| views.of(&name));
    let shown = Memo::new(move |_| {
        let query = url.with(ListUrl::query_text);
        mine.with(|all| all.iter().find(|v| v.query == query && !query.is_empty()).cloned())
    });
    let trigger = move || {
        let label = shown.get().map_or_else(|| t("views.title").to_owned(), |v| v.name);
        view! { <Icon name="list"/><span class="ellipsis">{label}</span><Icon name="chevron-down"/> }
    };
    let own = object.name.clone();
    let items = move || {
        let item = |view: SavedView| {
            let to = address(&view);
            let badge = if view.shared { t("views.shared") } else { "" };
            view! {
                <button type="button" role="menuitem" class="menu-item" on:click=move |_| router.go(&to)>
                    <Icon name=if view.is_default { "star" } else { "list" }/><span class="ellipsis">{view.name}</span><span class="push faint small">{badge}</span>
                </button>
            }
        };
        let all = mine.get();
        let none = all.is_empty().then(|| view! { <p class="menu-head faint small">{t("views.none")}</p> });
        let plain = nav::with_query(&nav::list_url(&own), &[("plain", "1")]);
        let object = own.clone();
        let keep = move |_| {
            let query = url.with_untracked(ListUrl::query_text);
            editing.set(Some(SavedView { object: object.clone(), query, mine: true, ..SavedView::default() }));
        };
        let change = shown.get().filter(|v| v.mine || signed().session.can("manageSettings")).map(|view| {
            view! { <button type="button" role="menuitem" class="menu-item" on:click=move |_| editing.set(Some(view.clone()))><Icon name="pencil"/>{t("views.change")}</button> }
        });
        view! {
            {none}{all.into_iter().map(item).collect_view()}
            <hr/>
            <button type="button" role="menuitem" class="menu-item" on:click=move |_| router.go(&plain)><Icon name="rotate-ccw"/>{t("views.plain")}</button>
            {change}
            <button type="button" role="menuitem" class="menu-item" data-testid="save-view" on:click=keep><Icon name="plus"/>{t("views.save")}</button>
        }
    };
    let items = StoredValue::new(items);
    view! {
        <Show when=move || views.known.get()>
            <span class="view-menu"><Menu label=t("views.title") class="button" trigger>{move || items.with_value(|items| items())}</Menu></span>
        </Show>
        <Dialog title=t("views.save").to_owned() open>
            {move || editing.get().map(|view| view! { <ViewForm view editing/> })}
        </Dialog>
    }
}

#[component]
fn ViewForm(view: SavedView, editing: RwSignal<Option<SavedView>>) -> impl IntoView {
    let (views, toasts, router) = (views(), toasts(), router());
    let name = RwSignal::new(view.name.clone());
    let shared = RwSignal::new(view.shared);
    let default = RwSignal::new(view.is_default);
    let pinned = RwSignal::new(view.pinned);
    let failure = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(false);
    let known = !view.id.is_empty();
    let id = view.id.clone();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        busy.set(true);
        let view = SavedView {
            name: name.get_untracked().trim().to_owned(),
            shared: shared.get_untracked(),
            is_default: default.get_untracked(),
            pinned: pinned.get_untracked(),
            ..view.clone()
        };
        spawn_local(async move {
            let answer = api::save_view(&view).await;
            busy.try_set(false);
            match answer {
                Ok(saved) => {
                    views.fetch();
                    editing.try_set(None);
                    toasts.say(tf("views.saved", &[("name", &saved.name)]));
                    router.go(&address(&saved));
                }
                Err(f) => drop(failure.try_set(Some(f))),
            }
        });
    };
    let remove = move |_| {
        let id = id.clone();
        spawn_local(async move {
            match api::delete_view(&id).await {
                Ok(()) => {
                    views.fetch();
                    editing.try_set(None);
                }
                Err(f) => drop(failure.try_set(Some(f))),
            }
        });
    };
    let check = |signal: RwSignal<bool>, text: &'static str| {
        view! { <label class="check"><input type="checkbox" prop:checked=move || signal.get() on:change=move |e| signal.set(event_target_checked(&e))/>{t(text)}</label> }
    };
    // What opens by default for everybody is chosen by an admin.
    let may_default = signed().session.can("manageSettings");
    let offers_default = move || may_default || !shared.get();
    Effect::new(move |_| {
        if !offers_default() {
            default.set(false);
        }
    });
    view! {
        <form class="form" on:submit=submit data-testid="view-form">
            {move || failure.get().map(|f| view! { <Notice tone="bad" text=f.message()/> })}
            <Plain id="view-name" label=t("views.name") value=name autofocus=true/>
            {check(shared, "views.isShared")}<Show when=offers_default>{check(default, "views.isDefault")}</Show>{check(pinned, "views.isPinned")}
            <div class="actions">
                {known.then(|| view! { <button type="button" class="button" on:click=remove><Icon name="trash-2"/>{t("views.delete")}</button> })}
                <button type="submit" class="button primary" disabled=move || busy.get()>{t("save")}</button>
            </div>
        </form>
    }
}
