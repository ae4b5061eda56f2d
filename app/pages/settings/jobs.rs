//! Work that goes on behind the pages: everybody's jobs, and what the server itself has still to do.

use leptos::{prelude::*, task::spawn_local};
use serde_json::Value as Json;

use crate::api::{self, Abort, Job, Jobs};
use crate::kit::{Badge, Empty, Icon, Loaded, Progress, toasts};
use crate::state::{format, load, signed};
use crate::text::{maybe, t, tf};

/// Milliseconds between two looks while something runs.
const LOOK: i32 = 2_000;

#[component]
pub fn JobsSection() -> impl IntoView {
    let toasts = toasts();
    let jobs = load(|| (), |(), abort| async move { api::jobs(true, "", &abort).await });
    let earlier = RwSignal::new(Vec::<Job>::new());
    let next = RwSignal::new(None::<String>);
    let due = StoredValue::new(false);
    crate::state::watch(move || {
        let busy = jobs.value.with(|found| {
            found.as_ref().map(|found| {
                next.set(found.next.clone());
                found.jobs.iter().any(Job::is_busy)
            })
        });
        earlier.set(Vec::new());
        if busy == Some(true) && !due.get_value() {
            due.set_value(true);
            spawn_local(async move {
                api::pause(LOOK).await;
                due.try_set_value(false);
                jobs.refresh();
            });
        }
    });
    let more = move |_| {
        let Some(cursor) = next.get_untracked() else { return };
        spawn_local(async move {
            match api::jobs(true, &cursor, &Abort::new()).await {
                Ok(found) => {
                    earlier.try_update(|all| all.extend(found.jobs));
                    next.try_set(found.next);
                }
                Err(failure) => toasts.refuse(&failure),
            }
        });
    };
    let cancel = Callback::new(move |id: String| {
        spawn_local(async move {
            match api::cancel_job(&id).await {
                Ok(()) => jobs.refresh(),
                Err(failure) => toasts.refuse(&failure),
            }
        });
    });
    let draw = move |found: Jobs| {
        let list: Vec<Job> = found.jobs.into_iter().chain(earlier.get()).collect();
        let shown = if list.is_empty() {
            view! { <Empty title=t("jobs.none") body=t("jobs.none.body") icon="clipboard-list"/> }.into_any()
        } else {
            view! { <ul class="plain-list" data-testid="jobs">{list.into_iter().map(|job| row(job, cancel)).collect_view()}</ul> }.into_any()
        };
        view! { {shown}<h3>{t("jobs.inner")}</h3>{waiting(found.system)} }.into_any()
    };
    view! {
        <section class="card pad">
            <header class="section-head"><h2>{t("settings.jobs")}</h2>
                <button type="button" class="button push" on:click=move |_| jobs.again()><Icon name="refresh-cw"/>{t("system.look")}</button></header>
            <Loaded load=jobs draw/>
            <Show when=move || next.with(Option::is_some)><div class="actions start-actions"><button type="button" class="button" on:click=more>{t("timeline.more")}</button></div></Show>
        </section>
    }
}

fn row(job: Job, cancel: Callback<String>) -> AnyView {
    let object = signed().object(&job.object).map_or_else(|| job.object.clone(), |o| o.plural.clone());
    let kind = maybe(&format!("job.{}", job.kind)).map_or_else(|| job.kind.clone(), str::to_owned);
    let title = if job.title.is_empty() { format!("{kind}: {object}") } else { job.title.clone() };
    let (word, color) = match job.status.as_str() {
        "done" => ("job.done", "green"),
        "failed" => ("job.failed", "red"),
        "cancelled" | "undone" => (if job.status == "undone" { "job.undone" } else { "job.cancelled" }, "amber"),
        "running" => ("job.running", "blue"),
        _ => ("job.waiting", "slate"),
    };
    let who = job.owner.as_ref().map(|o| o.name.clone()).unwrap_or_default();
    let counts = job.counts;
    let counted = (counts.changed + counts.unchanged + counts.refused > 0).then(|| {
        tf(
            "jobs.counts",
            &[
                ("changed", &format::count(counts.changed)),
                ("unchanged", &format::count(counts.unchanged)),
                ("refused", &format::count(counts.refused)),
            ],
        )
    });
    let about: Vec<String> = [Some(who), Some(format::ago(&job.created_at)), counted]
        .into_iter()
        .flatten()
        .filter(|s| !s.is_empty())
        .collect();
    let error = job
        .error
        .get("detail")
        .and_then(serde_json::Value::as_str)
        .map(|text| view! { <p class="hint error">{text.to_owned()}</p> });
    let (done, total) = (job.progress.done as f64, job.progress.total.max(1) as f64);
    let id = job.id.clone();
    let going = job.is_busy().then(|| {
        let label = title.clone();
        view! {
            <Progress value=Signal::stored(Some(done)) most=total label/>
            <button type="button" class="button small" on:click=move |_| cancel.run(id.clone())>{t("jobs.cancel")}</button>
        }
    });
    view! { <li><div class="grow"><strong>{title}</strong><br/><span class="faint small">{about.join(" · ")}</span>{error}</div><Badge text=t(word) color=color/>{going}</li> }.into_any()
}

/// What the server does by itself and has not done yet.
fn waiting(inner: Vec<Json>) -> AnyView {
    if inner.is_empty() {
        return view! { <p class="none">{t("jobs.inner.none")}</p> }.into_any();
    }
    let row = |job: Json| {
        let text = |key: &str| job.get(key).and_then(Json::as_str).filter(|s| !s.is_empty()).map(str::to_owned);
        let kind = text("kind").unwrap_or_default();
        let kind = maybe(&format!("job.{kind}")).map_or(kind, str::to_owned);
        let attempts = job.get("attempts").and_then(Json::as_u64).filter(|n| *n > 0);
        let attempts = attempts.map(|n| tf("jobs.attempts", &[("n", &n.to_string())]));
        let due = text("due").map(|at| tf("timeline.due", &[("when", &format::time(&at))]));
        let about: Vec<String> = [due, attempts].into_iter().flatten().collect();
        view! { <li><div class="grow"><strong>{kind}</strong><br/><span class="faint small">{about.join(" · ")}</span>
        {text("lastError").map(|text| view! { <p class="hint error">{text}</p> })}</div></li> }
    };
    view! { <ul class="plain-list" data-testid="inner-jobs">{inner.into_iter().map(row).collect_view()}</ul> }
        .into_any()
}
