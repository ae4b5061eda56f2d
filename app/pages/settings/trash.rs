//! What was deleted and can still come back, an object at a time.

use leptos::{prelude::*, task::spawn_local};

use crate::api::{self, Page, Record};
use crate::kit::{Empty, Loaded, PlainSelect, toasts};
use crate::state::{format, load, nav, signed};
use crate::text::{t, tf};

#[component]
pub fn TrashSection() -> impl IntoView {
    let toasts = toasts();
    let objects = signed().objects();
    let options: Vec<(String, String)> = objects.iter().map(|o| (o.name.clone(), o.plural.clone())).collect();
    let object = RwSignal::new(options.first().map(|(name, _)| name.clone()).unwrap_or_default());
    let page = load(move || object.get(), |object, abort| async move { api::trashed(&object, &abort).await });
    let restore = Callback::new(move |record: Record| {
        spawn_local(async move {
            match api::restore(&record.object, &record.id).await {
                Ok(()) => {
                    toasts.say(t("trash.restored"));
                    page.again();
                }
                Err(failure) => toasts.refuse(&failure),
            }
        });
    });
    let draw = move |found: Page| {
        if found.records.is_empty() {
            return view! { <Empty title=t("trash.empty") icon="trash-2"/> }.into_any();
        }
        let rows = found.records.into_iter().map(|record| row(record, restore)).collect_view();
        view! { <ul class="plain-list" data-testid="trash">{rows}</ul> }.into_any()
    };
    view! {
        <section class="card pad">
            <h2>{t("settings.trash")}</h2>
            <p class="faint">{t("trash.body")}</p>
            <PlainSelect id="trash-object" label=t("trash.object") value=object options=Signal::stored(options)/>
            <Loaded load=page draw/>
        </section>
    }
}

fn row(record: Record, restore: Callback<Record>) -> AnyView {
    let title_field = signed().object(&record.object).map(|o| o.title.clone()).unwrap_or_default();
    let title = record
        .fields
        .get(&title_field)
        .map(format::plain)
        .filter(|s| !s.is_empty())
        .unwrap_or_else(|| t("unnamed").to_owned());
    let when = record.trashed_at.as_deref().map(|at| tf("trash.when", &[("when", &format::ago(at))]));
    let again = record.clone();
    view! {
        <li>
            <a href=nav::record_url(&record.object, &record.id)>{title}</a>
            <span class="faint small">{when}</span>
            <button type="button" class="button small push" on:click=move |_| restore.run(again.clone())>{t("trash.restore")}</button>
        </li>
    }
    .into_any()
}
