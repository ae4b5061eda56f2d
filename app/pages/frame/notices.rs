//! The bell: what happened to what concerns one, in a drawer; how many one has not read, on the bell.

use leptos::{prelude::*, task::spawn_local};

use crate::api::{self, Abort, Told};
use crate::kit::{Avatar, Dialog, Empty, Icon, Trouble, Waiting, toasts};
use crate::state::{Load, format, live, load, nav, signed};
use crate::text::{maybe, t, tf, tn};

const ROWS: u32 = 30;

#[component]
pub fn Bell() -> impl IntoView {
    let Some(live) = live() else { return ().into_any() };
    let open = RwSignal::new(false);
    let again = live.again();
    crate::state::watch(move || {
        again.track();
        spawn_local(async move {
            if let Ok(found) = api::notices(1, "", &Abort::new()).await {
                live.unread.try_set(found.unread);
            }
        });
    });
    let unread = live.unread;
    let label = move || match unread.get() {
        0 => t("notices.title").to_owned(),
        n => format!("{}, {}", t("notices.title"), tn("notices.unread", n)),
    };
    let count = move || match unread.get() {
        0 => None,
        n => Some(
            view! { <span class="unread" aria-hidden="true" data-testid="unread">{if n > 99 { "99+".to_owned() } else { n.to_string() }}</span> },
        ),
    };
    view! {
        <button type="button" class="button icon-only bell" data-testid="bell" aria-haspopup="dialog" aria-label=label title=t("notices.title") on:click=move |_| open.set(true)>
            <Icon name="bell"/>{count}
        </button>
        <Dialog title=t("notices.title").to_owned() open drawer=true><Notices open unread/></Dialog>
    }
    .into_any()
}

#[component]
fn Notices(open: RwSignal<bool>, unread: RwSignal<u64>) -> impl IntoView {
    let toasts = toasts();
    // What one looks at changes when something new comes, not when one reads it.
    let fresh = Memo::new(move |before: Option<&u64>| before.map_or(unread.get(), |held| (*held).max(unread.get())));
    let page = load(move || fresh.track(), |(), abort| async move { api::notices(ROWS, "", &abort).await });
    let earlier = RwSignal::new(Vec::<Told>::new());
    let next = RwSignal::new(None::<String>);
    crate::state::watch(move || {
        earlier.set(Vec::new());
        next.set(page.value.with(|p| p.as_ref().and_then(|p| p.next.clone())));
    });
    let more = move |_| {
        let Some(cursor) = next.get_untracked() else { return };
        spawn_local(async move {
            match api::notices(ROWS, &cursor, &Abort::new()).await {
                Ok(found) => {
                    earlier.try_update(|list| list.extend(found.notices));
                    next.try_set(found.next);
                }
                Err(failure) => toasts.refuse(&failure),
            }
        });
    };
    let read = Callback::new(move |ids: Vec<String>| {
        spawn_local(async move {
            match api::read_notices(&ids).await {
                Ok(left) => {
                    unread.try_set(left);
                    page.refresh();
                }
                Err(failure) => toasts.refuse(&failure),
            }
        });
    });
    let rows = move || rows(page, earlier, open, read);
    view! {
        <div class="actions start-actions">
            <button type="button" class="button small" data-testid="read-all" disabled=move || unread.get() == 0 on:click=move |_| read.run(Vec::new())><Icon name="check-check"/>{t("notices.readAll")}</button>
        </div>
        {rows}
        <Show when=move || next.with(Option::is_some)><button type="button" class="button" on:click=more>{t("timeline.more")}</button></Show>
    }
}

fn rows(
    page: Load<api::Notices>,
    earlier: RwSignal<Vec<Told>>,
    open: RwSignal<bool>,
    read: Callback<Vec<String>>,
) -> AnyView {
    if let Some(failure) = page.failure.get() {
        return view! { <Trouble failure retry=Callback::new(move |()| page.again())/> }.into_any();
    }
    let Some(found) = page.value.get() else { return view! { <Waiting/> }.into_any() };
    if found.notices.is_empty() {
        return view! { <Empty title=t("notices.none") body=t("notices.none.body") icon="bell"/> }.into_any();
    }
    let rows = found.notices.into_iter().chain(earlier.get()).map(|told| row(told, open, read)).collect_view();
    view! { <ol class="notices" data-testid="notices">{rows}</ol> }.into_any()
}

/// What happened, in a sentence.
fn sentence(told: &Told) -> String {
    let object = signed().object(&told.object);
    let word = |plural: bool| {
        object.as_ref().map_or_else(|| told.object.clone(), |o| if plural { o.plural.clone() } else { o.label.clone() })
    };
    let who = told.actor.as_ref().map(|a| a.name.clone()).filter(|n| !n.is_empty());
    let who = who.unwrap_or_else(|| t("history.system").to_owned());
    let form = if told.count > 1 { "other" } else { "one" };
    let text = maybe(&format!("notice.{}.{form}", told.kind)).unwrap_or("{who}: {object}");
    let values = [("{who}", who), ("{object}", word(told.count > 1)), ("{n}", format::count(told.count))];
    values.into_iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, &value))
}

fn row(told: Told, open: RwSignal<bool>, read: Callback<Vec<String>>) -> AnyView {
    let text = sentence(&told);
    let name = told.record.as_ref().map(|r| r.name.clone()).filter(|n| !n.is_empty());
    let url = match (&told.record, &told.import) {
        (Some(record), _) => Some(nav::record_url(&told.object, &record.id)),
        (None, Some(import)) => Some(format!("/import/{import}")),
        (None, None) if told.count > 1 && !told.object.is_empty() => Some(nav::list_url(&told.object)),
        (None, None) => None,
    };
    let id = told.id.clone();
    let go = move |_| {
        open.set(false);
        read.run(vec![id.clone()]);
    };
    let title = match (url, name.clone().unwrap_or_else(|| text.clone())) {
        (Some(url), label) => view! { <a href=url dir="auto" on:click=go>{label}</a> }.into_any(),
        (None, label) => view! { <span dir="auto">{label}</span> }.into_any(),
    };
    let fields: Vec<String> =
        told.fields.into_iter().map(|f| if f.label.is_empty() { f.field } else { f.label }).collect();
    let about = (!fields.is_empty()).then(|| view! { <p class="small">{fields.join(", ")}</p> });
    let face = told.actor.as_ref().filter(|a| !a.name.is_empty()).map_or_else(
        || view! { <span class="dot" aria-hidden="true"><Icon name="activity"/></span> }.into_any(),
        |actor| view! { <Avatar name=actor.name.clone()/> }.into_any(),
    );
    let (own, exact) = (told.id.clone(), format::time(&told.at));
    let mark = (!told.read).then(|| {
        let label = tf("notices.read", &[("title", &name.clone().unwrap_or_default())]);
        view! { <button type="button" class="button icon-only" aria-label=label title=t("notices.readOne") on:click=move |_| read.run(vec![own.clone()])><Icon name="check"/></button> }
    });
    view! {
        <li class="told" class:unread=!told.read>{face}
            <div><p><strong>{title}</strong></p>{name.is_some().then(|| view! { <p class="small">{text}</p> })}{about}
                <p class="faint small"><time datetime=told.at.clone() title=exact>{format::ago(&told.at)}</time></p></div>
            {mark}</li>
    }
    .into_any()
}
