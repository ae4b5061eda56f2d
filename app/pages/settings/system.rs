//! How the server is: whether it takes writes, whether search has caught up; and a backup of this moment.

use leptos::{ev, prelude::*};

use crate::api::{self, Readiness};
use crate::kit::{Badge, Icon, Loaded, Plain};
use crate::state::{format, load, nav, signed};
use crate::text::{t, tf};

#[component]
pub fn SystemSection() -> impl IntoView {
    let state = load(|| (), |(), _| async { api::readiness().await });
    let line = |good: bool, yes: &'static str, no: &'static str| {
        let (text, color) = if good { (t(yes), "green") } else { (t(no), "amber") };
        view! { <li><Badge text color/></li> }
    };
    let draw = move |r: Readiness| {
        let behind = r.seq.saturating_sub(r.search_seq);
        view! {
            <ul class="badges" data-testid="health">
                {line(r.ready, "system.ready", "system.notReady")}{line(r.writable, "system.writable", "system.readOnly")}
                {line(!r.rebuilding && behind == 0, "system.caughtUp", "system.behind")}
            </ul>
            <p class="faint">{tf("system.seq", &[("seq", &format::count(r.seq)), ("behind", &format::count(behind))])}</p>
        }
        .into_any()
    };
    let may_back_up = signed().session.can("backup");
    view! {
        <section class="card pad">
            <header class="section-head"><h2>{t("settings.system")}</h2>
                <button type="button" class="button push" on:click=move |_| state.again()><Icon name="refresh-cw"/>{t("system.look")}</button>
            </header>
            <Loaded load=state draw rows=2/>
        </section>
        {may_back_up.then(|| view! { <Backup/> })}
    }
}

/// The file is sealed to an age recipient, so that it can lie anywhere.
#[component]
fn Backup() -> impl IntoView {
    let recipient = RwSignal::new(String::new());
    let error = RwSignal::new(None::<String>);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let to = recipient.get_untracked().trim().to_owned();
        if !to.starts_with("age1") {
            return error.set(Some(t("system.recipient.wrong").to_owned()));
        }
        error.set(None);
        let _ = window().location().assign(&nav::with_query("/api/v1/backup", &[("recipient", &to)]));
    };
    view! {
        <section class="card pad">
            <h2>{t("system.backup")}</h2>
            <p class="faint">{t("system.backup.body")}</p>
            <form class="form" on:submit=submit>
                <Plain id="backup-recipient" label=t("system.recipient") value=recipient hint=t("system.recipient.hint") error=Signal::derive(move || error.get())/>
                <div class="actions start-actions"><button type="submit" class="button"><Icon name="download"/>{t("system.download")}</button></div>
            </form>
        </section>
    }
}
