//! An import at work, and what came of it.

use leptos::{prelude::*, task::spawn_local};

use super::check::Figures;
use super::one::follow;
use crate::api::{self, Import, Reverted, Status};
use crate::kit::{Icon, Notice, Progress, toasts};
use crate::state::{Load, format, nav, signed};
use crate::text::{t, tf, tn};

#[component]
pub fn Running(import: Import) -> impl IntoView {
    let progress = import.progress;
    let total = progress.total.max(import.rows).max(1);
    let words = tf("import.progress", &[("done", &format::count(progress.done)), ("total", &format::count(total))]);
    let title = match import.status {
        Status::Queued => t("import.status.queued"),
        Status::Reverting => t("import.status.reverting"),
        _ => t("import.status.running"),
    };
    view! {
        <section class="card pad" data-testid="running">
            <h2>{title}</h2>
            <Progress value=Signal::stored(Some(progress.done as f64)) most=total as f64 label=title/>
            <p role="status">{words}</p>
            <p class="faint small">{t("import.leave")}</p>
        </section>
    }
}

#[component]
pub fn Outcome(first: Import, import: Load<Import>) -> impl IntoView {
    let toasts = toasts();
    let progress = first.progress;
    let id = first.id.to_string();
    let busy = RwSignal::new(false);
    let revert = {
        let id = id.clone();
        move |_| {
            busy.set(true);
            let id = id.clone();
            spawn_local(async move {
                let answer = api::revert(&id).await;
                busy.try_set(false);
                follow(import, answer, toasts);
            });
        }
    };
    let (tone, title) = match first.status {
        Status::Failed => ("bad", t("import.status.failed")),
        Status::Reverted => ("info", t("import.status.reverted")),
        _ => ("good", t("import.done")),
    };
    let title = first.error.clone().map_or_else(|| title.to_owned(), |error| format!("{title}: {error}"));
    let figures = vec![
        (t("import.created"), progress.created, "good"),
        (t("import.updated"), progress.updated, ""),
        (t("import.skipped"), progress.skipped, ""),
        (t("import.refused"), progress.refused, "warn"),
        (t("import.companies"), progress.companies_created, ""),
    ];
    let plural = signed().object(&first.object).map(|o| o.plural.clone()).unwrap_or_default();
    let errors = (progress.refused > 0).then(|| {
        view! { <a class="button" href=api::errors_csv(&id) download><Icon name="download"/>{t("import.errors")}</a> }
    });
    let may_revert = first.status != Status::Reverted;
    view! {
        <section class="card pad" data-testid="outcome">
            <Notice tone text=title/>
            <Figures figures/>
            {first.revert.clone().map(|report| view! { <Report report/> })}
            <div class="actions start-actions">
                <a class="button primary" href=nav::list_url(&first.object)>{tf("import.see", &[("objects", &plural)])}</a>
                {errors}
                {may_revert.then(|| view! {
                    <button type="button" class="button" data-testid="revert" disabled=move || busy.get() on:click=revert>
                        <Icon name="undo-2"/>{t("import.revert")}
                    </button>
                })}
            </div>
        </section>
    }
}

/// What taking it back did, and which records were left alone.
#[component]
fn Report(report: Reverted) -> impl IntoView {
    let text = tf(
        "import.reverted",
        &[("removed", &format::count(report.removed)), ("restored", &format::count(report.restored))],
    );
    let edited = report.edited.into_iter().map(|record| {
        view! { <li><a href=nav::record_url(&record.object, &record.id.to_string())>{record.title}</a><span class="faint small">{record.detail}</span></li> }
    });
    let edited = edited.collect_view();
    view! {
        <p>{text}</p>
        {(report.kept > 0).then(|| view! {
            <Notice tone="warn" text=tn("import.kept", report.kept)/>
            <ul class="plain-list">{edited}</ul>
        })}
    }
}
