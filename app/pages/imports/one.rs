//! One import, by where it stands: mapping, check, progress, result.

use leptos::{prelude::*, task::spawn_local};

use super::mapping::Mapping;
use super::progress::{Outcome, Running};
use crate::api::{self, Import, Status, pause};
use crate::kit::{Icon, Loaded, Notice};
use crate::state::{Load, Route, load, router, signed};
use crate::text::{t, tn};

/// Milliseconds between two looks at a running import.
const LOOK: i32 = 700;

#[component]
pub fn ImportPage() -> impl IntoView {
    let id = router().part(|route, _| match route {
        Route::Import { id } => id.clone(),
        _ => String::new(),
    });
    let import = load(move || id.get(), |id, abort| async move { api::import(&id, &abort).await });
    // Looks again and again while the server works; each answer starts the next wait.
    Effect::new(move |_| {
        if import.value.with(|i| i.as_ref().is_some_and(|i| i.status.is_busy())) {
            spawn_local(async move {
                pause(LOOK).await;
                import.again();
            });
        }
    });
    let draw = move |i: Import| {
        let step = match i.status {
            Status::Mapping | Status::Checked => view! { <Mapping first=i.clone() import/> }.into_any(),
            Status::Queued | Status::Running | Status::Reverting => view! { <Running import=i.clone()/> }.into_any(),
            Status::Done | Status::Failed | Status::Reverted => view! { <Outcome first=i.clone() import/> }.into_any(),
        };
        view! { <Head import=i/> {step} }.into_any()
    };
    view! {
        <div class="page">
            <nav class="crumbs" aria-label=t("record.where")><a href="/import">{t("import.title")}</a><Icon name="chevron-right"/>
                <span class="ellipsis" aria-current="page">{move || import.value.with(|i| i.as_ref().map(|i| i.file_name.clone()))}</span>
            </nav>
            <Loaded load=import draw/>
        </div>
    }
}

/// What kind of file it is, in a line.
#[component]
fn Head(import: Import) -> impl IntoView {
    let object = signed().object(&import.object).map(|o| o.plural.clone()).unwrap_or(import.object.clone());
    let mut facts = vec![object, tn("import.rows", import.rows), api::format_name(import.format).to_owned()];
    facts.extend(import.vendor.clone());
    facts.extend(import.encoding.clone());
    view! {
        <header class="page-head"><h1 class="ellipsis">{import.file_name}</h1></header>
        <p class="faint">{facts.join(" · ")}</p>
        {import.warnings.into_iter().map(|text| view! { <Notice tone="warn" text/> }).collect_view()}
    }
}

/// After a write: takes its answer, or says what was wrong.
pub(super) fn follow(import: Load<Import>, answer: api::Result<()>, toasts: crate::kit::Toasts) {
    match answer {
        Ok(()) => import.again(),
        Err(failure) => toasts.refuse(&failure),
    }
}
