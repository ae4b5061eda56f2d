//! The results of a search, a whole page of them; the words and the object are in the URL.

use leptos::{ev, prelude::*};

use super::frame::readable;
use crate::api::{self, Hit, Snippet};
use crate::kit::{Empty, Icon, Loaded};
use crate::state::{load, nav, router, signed};
use crate::text::{t, tf, tn};

const ROWS: u32 = 50;

#[component]
pub fn SearchPage() -> impl IntoView {
    let router = router();
    let asked = router.part(|_, query| (query.get("q").unwrap_or_default(), query.get("object").unwrap_or_default()));
    let hits = load(
        move || asked.get(),
        |(q, object), abort| async move {
            if q.trim().is_empty() { Ok(Vec::new()) } else { api::search(&q, &object, ROWS, &abort).await }
        },
    );
    let text = RwSignal::new(String::new());
    crate::state::watch(move || text.set(asked.get().0));
    let go = move |q: &str, object: &str| router.go(&nav::with_query("/search", &[("q", q), ("object", object)]));
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        go(text.get_untracked().trim(), &asked.get_untracked().1);
    };
    let option = move |(name, label): (String, String)| {
        let own = name.clone();
        view! { <option value=name selected=move || asked.get().1 == own>{label}</option> }
    };
    let objects = signed().objects().into_iter().map(|o| (o.name.clone(), o.plural.clone()));
    let options = objects.map(option).collect_view();
    let draw = move |hits: Vec<Hit>| {
        let q = asked.get_untracked().0;
        match (hits.is_empty(), q.is_empty()) {
            (true, true) => view! { <Empty title=t("search.start") icon="search"/> }.into_any(),
            (true, false) => {
                view! { <Empty title=tf("search.nothing", &[("q", &q)]) body=t("search.nothing.body") icon="search"/> }
                    .into_any()
            }
            _ => {
                let count = tn("search.count", hits.len() as u64);
                view! { <p class="faint small" role="status">{count}</p><ul class="hits" data-testid="hits">{hits.into_iter().map(row).collect_view()}</ul> }.into_any()
            }
        }
    };
    nav::name_tab(|| t("search.title").to_owned());
    view! {
        <div class="page">
            <header class="page-head"><h1>{t("search.title")}</h1></header>
            <form class="toolbar" on:submit=submit>
                <label class="textbox grow"><span class="sr">{t("search.label")}</span><Icon name="search"/>
                    <input class="input" type="search" id="search-q" prop:value=move || text.get() on:input=move |e| text.set(event_target_value(&e))/>
                </label>
                <label class="sr" for="search-object">{t("search.object")}</label>
                <select class="input auto" id="search-object" on:change=move |e| go(&asked.get_untracked().0, &event_target_value(&e))>
                    <option value="">{t("search.everything")}</option>{options}
                </select>
                <button type="submit" class="button primary">{t("search.submit")}</button>
            </form>
            <section class="card pad"><Loaded load=hits draw/></section>
        </div>
    }
}

fn row(hit: Hit) -> AnyView {
    let object = signed().object(&hit.object);
    let icon = object.as_ref().map(|o| o.icon.clone()).unwrap_or_default();
    let label = object.map(|o| o.label.clone()).unwrap_or_default();
    let snippet = hit.snippet.map(|snippet| view! { <p class="snippet">{pieces(&snippet)}</p> });
    let subtitle = hit.subtitle.filter(|s| !s.is_empty()).map(|s| format!(" · {}", readable(&s)));
    let title = if hit.title.is_empty() { t("unnamed").to_owned() } else { hit.title };
    view! {
        <li>
            <span class="hit-icon"><Icon name=icon/></span>
            <div class="grow">
                <a href=nav::record_url(&hit.object, &hit.id)>{title}</a>
                <span class="faint small">" "{label}{subtitle}</span>
                {snippet}
            </div>
        </li>
    }
    .into_any()
}

fn pieces(snippet: &Snippet) -> impl IntoView + use<> {
    let piece = |(text, marked): (String, bool)| {
        if marked { view! { <mark>{text}</mark> }.into_any() } else { text.into_any() }
    };
    snippet.pieces().into_iter().map(piece).collect_view()
}
