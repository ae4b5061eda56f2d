//! Who did what: the change log, newest first.

use leptos::prelude::*;

use crate::api::{self, Logged};
use crate::kit::{Empty, Loaded};
use crate::state::{format, load, nav, signed};
use crate::text::{maybe, t, tf, tn};

const PAGE: u64 = 50;

#[component]
pub fn AuditSection() -> impl IntoView {
    let before = RwSignal::new(0u64);
    let entries = load(
        move || before.get(),
        |before, _| async move {
            let end = if before == 0 { api::readiness().await?.seq } else { before };
            let mut all = api::audit(end.saturating_sub(PAGE), PAGE).await?;
            all.retain(|entry| entry.seq <= end);
            all.reverse();
            Ok(all)
        },
    );
    let draw = move |all: Vec<Logged>| {
        if all.is_empty() {
            return view! { <Empty title=t("history.empty") icon="history"/> }.into_any();
        }
        let first = all.last().map_or(0, |e| e.seq);
        let earlier = (first > 1).then(|| view! { <button type="button" class="button" on:click=move |_| before.set(first - 1)>{t("audit.earlier")}</button> });
        let latest = (before.get_untracked() > 0).then(|| view! { <button type="button" class="button" on:click=move |_| before.set(0)>{t("audit.latest")}</button> });
        let rows = all.into_iter().map(entry).collect_view();
        view! { <ol class="audit" data-testid="audit">{rows}</ol><div class="actions start-actions">{latest}{earlier}</div> }.into_any()
    };
    view! { <section class="card pad"><h2>{t("settings.audit")}</h2><p class="faint">{t("audit.body")}</p><Loaded load=entries draw/></section> }
}

fn entry(entry: Logged) -> AnyView {
    let who = entry.actor.map(|a| a.name).filter(|n| !n.is_empty()).unwrap_or_else(|| t("history.system").to_owned());
    let what = |item: &api::LoggedItem| {
        let object = signed().object(&item.object);
        let label = object.as_ref().map_or_else(|| item.object.clone(), |o| o.label.clone());
        let kind = maybe(&format!("kind.{}", item.kind)).map_or_else(|| item.kind.clone(), str::to_owned);
        let fields: Vec<String> = item
            .fields
            .iter()
            .map(|name| object.as_ref().and_then(|o| o.field(name)).map_or_else(|| name.clone(), |f| f.label.clone()))
            .collect();
        let detail = if fields.is_empty() { String::new() } else { format!(": {}", fields.join(", ")) };
        let has_page = object.is_some_and(|o| !o.internal);
        let text = format!("{label} {}", kind.to_lowercase());
        let link = if has_page {
            view! { <a href=nav::record_url(&item.object, &item.id)>{text}</a> }.into_any()
        } else {
            view! { <span>{text}</span> }.into_any()
        };
        view! { <li>{link}<span class="faint">{detail}</span></li> }
    };
    let shown = entry.items.iter().take(3).map(what).collect_view();
    let more = entry.count.saturating_sub(3);
    let documents =
        entry.documents.iter().filter_map(|d| Some(tf("audit.document", &[("kind", d.get("kind")?.as_str()?)])));
    let documents = documents.map(|text| view! { <li class="faint">{text}</li> }).collect_view();
    let exact = format::time(&entry.at);
    view! {
        <li><span class="faint small audit-when"><time datetime=entry.at.clone() title=exact>{format::ago(&entry.at)}</time>" · "{who}" · "{tf("audit.seq", &[("n", &entry.seq.to_string())])}</span>
            <ul>{shown}{documents}</ul>{(more > 0 && entry.count > 3).then(|| view! { <p class="faint small">{tn("home.more", more)}</p> })}</li>
    }
    .into_any()
}
