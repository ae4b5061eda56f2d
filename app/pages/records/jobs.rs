//! Work that was started in this browser and goes on behind its pages: how far it is, a way to call it off, and at its end
//! what came of it, with a way back.

use std::cell::Cell;
use std::sync::Arc;

use aplomb_model::Object;
use leptos::{prelude::*, task::spawn_local};
use serde_json::Value as Json;
use wasm_bindgen::JsCast;

use crate::api::{self, Abort, Job, Left, pause};
use crate::kit::{Icon, Progress, Toasts, toasts};
use crate::state::{format, lasting, nav, signed};
use crate::text::{t, tf, tn};

/// Milliseconds between two looks at a job, at first and at most.
const FIRST_LOOK: i32 = 120;
const LAST_LOOK: i32 = 1_000;
/// Looks after which a job was long enough to stay on the page when it is done.
const LONG: u32 = 5;

#[derive(Clone)]
struct Watched {
    job: Job,
    /// what it does, while it does it
    doing: String,
    /// the text of its end, by the number of records that were changed
    done: &'static str,
    looks: u32,
}

thread_local! {
    static WATCHED: ArcRwSignal<Vec<Watched>> = lasting(ArcRwSignal::new(Vec::new()));
    static RESUMED: Cell<bool> = const { Cell::new(false) };
}

fn watched() -> ArcRwSignal<Vec<Watched>> {
    WATCHED.with(Clone::clone)
}

fn amend(id: &str, change: impl FnOnce(&mut Watched)) {
    watched().update(|all| {
        if let Some(watched) = all.iter_mut().find(|w| w.job.id == id) {
            change(watched);
        }
    });
}

fn forget(id: &str) {
    watched().update(|all| all.retain(|w| w.job.id != id));
}

/// Follows a job to its end, whatever page is shown by then, and says what came of it.
pub fn watch(job: Job, doing: String, done: &'static str, toasts: Toasts) {
    let id = job.id.clone();
    watched().update(|all| all.push(Watched { job, doing, done, looks: 0 }));
    spawn_local(async move {
        let mut wait = FIRST_LOOK;
        loop {
            pause(wait).await;
            wait = (wait * 3 / 2).min(LAST_LOOK);
            match api::job(&id).await {
                Ok(job) if job.is_busy() => amend(&id, |w| {
                    w.job = job;
                    w.looks += 1;
                }),
                Ok(job) => {
                    amend(&id, |w| w.job = job);
                    return end(&id, toasts);
                }
                Err(failure) if failure.is("network") => {}
                Err(failure) => {
                    forget(&id);
                    return toasts.refuse(&failure);
                }
            }
        }
    });
}

/// Follows the jobs that were under way when the app was loaded.
fn resume(toasts: Toasts) {
    if RESUMED.replace(true) {
        return;
    }
    spawn_local(async move {
        let Ok(found) = api::jobs(false, "", &Abort::new()).await else { return RESUMED.set(false) };
        for job in found.jobs.into_iter().filter(Job::is_busy) {
            let done = match job.kind.as_str() {
                "bulk" => "bulk.changed",
                "undo" => "job.undone",
                "export" => "job.exported",
                _ => continue,
            };
            if watched().with_untracked(|all| all.iter().all(|w| w.job.id != job.id)) {
                let doing = job.title.clone();
                watch(job, doing, done, toasts);
            }
        }
    });
}

/// What became of it, in a line.
fn outcome(w: &Watched) -> String {
    let job = &w.job;
    let refused = job.counts.refused;
    let left = if refused > 0 { format!(" {}", tn("job.refused", refused)) } else { String::new() };
    match (job.status.as_str(), job.kind.as_str()) {
        ("failed", _) => {
            let detail = job.error.get("detail").and_then(Json::as_str).unwrap_or_default();
            tf("job.stopped", &[("what", &w.doing), ("why", detail)])
        }
        ("cancelled", _) => format!("{}{left}", tn("job.cancelled", job.counts.changed)),
        (_, "export") => tn(w.done, job.progress.done),
        _ => format!("{}{left}", tn(w.done, job.counts.changed)),
    }
}

fn end(id: &str, toasts: Toasts) {
    let Some(w) = watched().with_untracked(|all| all.iter().find(|w| w.job.id == id).cloned()) else { return };
    let text = outcome(&w);
    let failed = w.job.status == "failed";
    if w.job.file.is_some() {
        download(&w.job.id);
    } else if !failed && w.job.counts.refused == 0 && w.looks < LONG {
        forget(id);
    }
    if failed {
        toasts.warn(text);
    } else if w.job.can_undo && w.job.counts.changed > 0 {
        let id = id.to_owned();
        toasts.offer(text, t("undo"), move || undo(&id, toasts));
    } else {
        toasts.say(text);
    }
}

/// Takes a job back, as a job of its own.
fn undo(id: &str, toasts: Toasts) {
    let id = id.to_owned();
    spawn_local(async move {
        match api::undo_job(&id).await {
            Ok(job) => {
                forget(&id);
                watch(job, t("job.undoing").to_owned(), "job.undone", toasts);
            }
            Err(failure) => toasts.refuse(&failure),
        }
    });
}

/// Has the browser save the file that a job made.
fn download(id: &str) {
    let Ok(link) = document().create_element("a") else { return };
    if let Ok(link) = link.dyn_into::<web_sys::HtmlAnchorElement>() {
        link.set_href(&api::job_file(id));
        link.set_download("");
        link.click();
    }
}

/// The jobs about one object that are under way, or have something to say; `on_end` when one has come to its end.
#[component]
pub fn JobStrip(object: Arc<Object>, on_end: Callback<()>) -> impl IntoView {
    let toasts = toasts();
    resume(toasts);
    let all = watched();
    let (name, me) = (object.name.clone(), signed().session.user.id.clone());
    let own = Memo::new(move |_| {
        let is_own = |w: &&Watched| w.job.object == name && w.job.owner.as_ref().is_none_or(|owner| owner.id == me);
        all.with(|all| all.iter().filter(is_own).map(|w| w.job.id.clone()).collect::<Vec<_>>())
    });
    let all = watched();
    let busy = Memo::new(move |_| all.with(|all| all.iter().filter(|w| w.job.is_busy()).count()));
    Effect::new(move |before: Option<usize>| {
        let now = busy.get();
        if before.is_some_and(|before| before > now) {
            on_end.run(());
        }
        now
    });
    view! {
        <Show when=move || own.with(|own| !own.is_empty())>
            <section class="jobs card" aria-label=t("job.title") data-testid="jobs">
                <For each=move || own.get() key=String::clone children=move |id| view! { <Line id toasts/> }/>
            </section>
        </Show>
    }
}

#[component]
fn Line(id: String, toasts: Toasts) -> impl IntoView {
    let all = watched();
    let wanted = id.clone();
    let watched =
        Memo::new(move |_| all.with(|all| all.iter().find(|w| w.job.id == wanted).cloned()).map(Arc::new).map(Shared));
    let draw = move || {
        let Shared(w) = watched.get()?;
        let (job, own) = (w.job.clone(), id.clone());
        if job.is_busy() {
            let (done, total) = (job.progress.done, job.progress.total);
            let known = total > 0;
            let figures =
                known.then(|| tf("job.progress", &[("done", &format::count(done)), ("total", &format::count(total))]));
            let share = Signal::stored(known.then_some(done as f64));
            let cancel = move |_| {
                let own = own.clone();
                spawn_local(async move {
                    if let Err(failure) = api::cancel_job(&own).await {
                        toasts.refuse(&failure);
                    }
                });
            };
            return Some(
                view! {
                    <p class="job"><span class="ellipsis">{w.doing.clone()}</span>
                        <Progress value=share most=total.max(1) as f64 label=w.doing.clone()/>
                        <span class="faint small nowrap">{figures}</span>
                        <button type="button" class="button small" on:click=cancel>{t("job.cancel")}</button>
                    </p>
                }
                .into_any(),
            );
        }
        let (taken, dropped) = (own.clone(), own.clone());
        let file = job.file.as_ref().map(|file| {
            view! { <a class="button small" href=api::job_file(&own) download=file.name.clone()><Icon name="download"/>{t("job.download")}</a> }
        });
        let back = (job.can_undo && job.counts.changed > 0).then(|| {
            view! { <button type="button" class="button small" on:click=move |_| undo(&taken, toasts)><Icon name="undo-2"/>{t("undo")}</button> }
        });
        let left = (!job.refused.is_empty()).then(|| refused(&job));
        Some(view! {
            <div class="job"><span role="status">{outcome(&w)}</span><span class="push"></span>{file}{back}
                <button type="button" class="button icon-only" aria-label=t("dismiss") on:click=move |_| forget(&dropped)><Icon name="x"/></button>
                {left}
            </div>
        }.into_any())
    };
    view! { {draw} }
}

/// Never equal to an earlier one, so that every look is shown.
#[derive(Clone)]
struct Shared(Arc<Watched>);

impl PartialEq for Shared {
    fn eq(&self, other: &Shared) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The records that were left alone, and why.
fn refused(job: &Job) -> impl IntoView {
    let line = |left: &Left| {
        let why = left.errors.iter().map(|e| e.detail.clone()).collect::<Vec<_>>().join("; ");
        view! { <li><a href=nav::record_url(&job.object, &left.id)>{left.name.clone()}</a>" "<span class="faint small">{why}</span></li> }
    };
    view! {
        <details class="job-left"><summary>{tn("job.refused", job.counts.refused)}</summary>
            <ul class="plain-list">{job.refused.iter().map(line).collect_view()}</ul>
        </details>
    }
}
