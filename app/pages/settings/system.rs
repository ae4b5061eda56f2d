//! How the server is: whether it takes writes, whether search has caught up, how much room there is, what waits.

use leptos::prelude::*;

use crate::api::{self, Readiness, System};
use crate::kit::{Badge, Bar, BarChart, Icon, Loaded};
use crate::state::{format, load, signed};
use crate::text::{t, tf, tn};

/// Bars of the chart of records.
const MOST_BARS: usize = 10;

#[component]
pub fn SystemSection() -> impl IntoView {
    let state = load(|| (), |(), _| async { Ok((api::readiness().await?, api::system().await?)) });
    let draw =
        move |(ready, system): (Readiness, System)| view! { {marks(ready, &system)}{facts(ready, &system)} }.into_any();
    let records = move || state.value.with(|s| s.as_ref().map(|(_, system)| chart(system)));
    view! {
        <section class="card pad">
            <header class="section-head"><h2>{t("settings.system")}</h2>
                <button type="button" class="button push" on:click=move |_| state.again()><Icon name="refresh-cw"/>{t("system.look")}</button>
            </header>
            <Loaded load=state draw/>
        </section>
        {records}
    }
}

/// What is well and what is not, in a few words.
fn marks(ready: Readiness, system: &System) -> AnyView {
    let behind = ready.seq.saturating_sub(ready.search_seq);
    let mark = |(good, yes, no): (bool, &'static str, &'static str)| {
        let (text, color) = if good { (t(yes), "green") } else { (t(no), "amber") };
        view! { <li><Badge text color/></li> }
    };
    let marks = [
        (ready.ready, "system.ready", "system.notReady"),
        (ready.writable, "system.writable", "system.readOnly"),
        (!ready.rebuilding && behind == 0, "system.caughtUp", "system.behind"),
        (system.jobs.failed == 0, "system.noneFailed", "system.someFailed"),
        (system.backup.last_at.is_some(), "system.backedUp", "system.neverBackedUp"),
    ];
    view! { <ul class="badges" data-testid="health">{marks.map(mark).collect_view()}</ul> }.into_any()
}

fn facts(ready: Readiness, system: &System) -> AnyView {
    let behind = ready.seq.saturating_sub(ready.search_seq);
    let room = match system.store.free_bytes {
        Some(free) => {
            tf("system.room", &[("used", &format::bytes(system.store.bytes)), ("free", &format::bytes(free))])
        }
        None => format::bytes(system.store.bytes),
    };
    let jobs = tf(
        "system.jobs",
        &[("waiting", &format::count(system.jobs.waiting)), ("failed", &format::count(system.jobs.failed))],
    );
    let people = tf(
        "system.people",
        &[("sessions", &format::count(system.sessions)), ("streams", &format::count(system.streams))],
    );
    let backup = system.backup.last_at.as_deref().map_or_else(|| t("backup.never").to_owned(), format::time);
    let facts = [
        ("system.version", system.version.clone()),
        ("system.since", format!("{} ({})", format::time(&system.started_at), format::span(system.uptime_seconds))),
        ("system.log", tf("system.seq", &[("seq", &format::count(ready.seq)), ("behind", &format::count(behind))])),
        ("system.documents", format::count(system.index.documents)),
        ("system.store", room),
        ("system.memory", format::bytes(system.memory.bytes)),
        ("system.work", jobs),
        ("system.who", people),
        ("system.lastBackup", backup),
    ];
    let fact = |(key, text): (&'static str, String)| view! { <dt>{t(key)}</dt><dd>{text}</dd> };
    view! { <dl class="facts" data-testid="system">{facts.map(fact).collect_view()}</dl> }.into_any()
}

/// How many records of each object there are, the most first.
fn chart(system: &System) -> AnyView {
    let signed = signed();
    let mut counted: Vec<(String, u64)> =
        system.records.iter().filter(|(_, n)| **n > 0).map(|(name, n)| (name.clone(), *n)).collect();
    counted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let rest = counted.len().saturating_sub(MOST_BARS);
    let bar = |(name, n): (String, u64)| Bar {
        label: signed.object(&name).map_or(name, |o| o.plural.clone()),
        value: n as f64,
        text: format::count(n),
    };
    let bars: Vec<Bar> = counted.into_iter().take(MOST_BARS).map(bar).collect();
    if bars.is_empty() {
        return ().into_any();
    }
    let more = (rest > 0).then(|| view! { <p class="faint small">{tn("system.moreObjects", rest as u64)}</p> });
    view! { <section class="card pad"><h2>{t("system.records")}</h2><BarChart bars label=t("system.records")/>{more}</section> }.into_any()
}
