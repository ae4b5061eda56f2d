//! The beginning of an import: what, and which file. Below it, the earlier ones.

use leptos::{ev, html, prelude::*, task::spawn_local};
use web_sys::File;

use crate::api::{self, Failure, Import};
use crate::kit::{Badge, Empty, Icon, Loaded, Notice, PlainSelect};
use crate::state::{format, load, nav, router, signed};
use crate::text::{maybe, t, tf, tn};

/// What most people bring first.
const USUAL: [&str; 5] = ["contact", "company", "deal", "lead", "product"];

#[component]
pub fn ImportsPage() -> impl IntoView {
    if !signed().session.can("import") {
        return view! { <Empty title=t("state.hidden") body=t("error.forbidden") icon="lock"/> }.into_any();
    }
    let earlier = load(|| (), |(), abort| async move { api::imports(&abort).await });
    nav::name_tab(|| t("import.title").to_owned());
    view! {
        <div class="page">
            <header class="page-head"><h1>{t("import.title")}</h1></header>
            <section class="card pad"><Choose/></section>
            <section class="card pad" aria-labelledby="earlier">
                <h2 id="earlier">{t("import.earlier")}</h2>
                <Loaded load=earlier draw=list/>
            </section>
        </div>
    }
    .into_any()
}

#[component]
fn Choose() -> impl IntoView {
    let router = router();
    let mut objects = signed().objects();
    objects.sort_by_key(|o| USUAL.iter().position(|name| *name == o.name).unwrap_or(USUAL.len()));
    let wanted =
        router.query().with_untracked(|q| q.get("object")).filter(|name| objects.iter().any(|o| o.name == *name));
    let object = RwSignal::new(wanted.or_else(|| objects.first().map(|o| o.name.clone())).unwrap_or_default());
    let options: Vec<(String, String)> = objects.iter().map(|o| (o.name.clone(), o.plural.clone())).collect();
    let failure = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(None::<String>);
    let over = RwSignal::new(false);
    let input = NodeRef::<html::Input>::new();
    let send = move |file: File| {
        busy.set(Some(file.name()));
        failure.set(None);
        spawn_local(async move {
            let answer = api::upload(&object.get_untracked(), &file).await;
            busy.try_set(None);
            match answer {
                Ok(import) => router.go(&format!("/import/{}", import.id)),
                Err(f) => drop(failure.try_set(Some(f))),
            }
        });
    };
    let on_change = move |_| {
        let file = input.get_untracked().and_then(|input| input.files()).and_then(|files| files.get(0));
        if let Some(file) = file {
            send(file);
        }
    };
    let on_drop = move |event: ev::DragEvent| {
        event.prevent_default();
        over.set(false);
        if let Some(file) = event.data_transfer().and_then(|d| d.files()).and_then(|files| files.get(0)) {
            send(file);
        }
    };
    let on_over = move |event: ev::DragEvent| {
        event.prevent_default();
        over.set(true);
    };
    view! {
        <div class="form">
            {move || failure.get().map(|f| view! { <Notice tone="bad" text=f.message()/> })}
            <PlainSelect id="import-object" label=t("import.object") value=object options=Signal::stored(options)/>
            <div class="drop" class:over=move || over.get() on:drop=on_drop on:dragover=on_over on:dragleave=move |_| over.set(false)>
                <span class="empty-icon"><Icon name="file-up"/></span>
                {move || match busy.get() {
                    Some(name) => view! { <p role="status">{tf("import.reading", &[("file", &name)])}</p> }.into_any(),
                    None => view! { <p>{t("import.drop")}</p> }.into_any(),
                }}
                <label class="button primary" class:disabled=move || busy.get().is_some()>
                    {t("import.choose")}
                    <input class="sr" id="import-file" type="file" accept=".csv,.tsv,.txt,.xlsx,.xls,.ods,.vcf,.jsonl,.ndjson,.json" node_ref=input
                        disabled=move || busy.get().is_some() on:change=on_change/>
                </label>
                <p class="faint small">{t("import.formats")}</p>
            </div>
        </div>
    }
}

fn list(imports: Vec<Import>) -> AnyView {
    if imports.is_empty() {
        return view! { <p class="none">{t("import.earlier.none")}</p> }.into_any();
    }
    let row = |import: Import| {
        let object = signed().object(&import.object).map(|o| o.plural.clone()).unwrap_or(import.object);
        let state = maybe(&format!("import.status.{}", api::status_name(import.status))).unwrap_or_default();
        let color = match import.status {
            api::Status::Done => "green",
            api::Status::Failed => "red",
            s if s.is_busy() => "blue",
            _ => "slate",
        };
        view! {
            <li>
                <a href=format!("/import/{}", import.id)>{import.file_name}</a>
                <span class="faint small">{object}" · "{tn("import.rows", import.rows)}" · "{format::ago(&import.created_at.to_string())}</span>
                <span class="push"><Badge text=state color=color/></span>
            </li>
        }
    };
    view! { <ul class="plain-list">{imports.into_iter().map(row).collect_view()}</ul> }.into_any()
}
