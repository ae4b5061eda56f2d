//! Backups: when the last one was made, one of this moment, and how to bring one back.

use leptos::{ev, prelude::*, task::spawn_local};

use crate::api::{self, BackupState, pause};
use crate::kit::{Icon, Notice, Plain};
use crate::state::{format, load, nav, signed};
use crate::text::{t, tf};

/// Milliseconds after which a download that was started may have come to its end.
const LOOK_AFTER: i32 = 4_000;

/// The file is sealed to an age recipient, so that it can lie anywhere.
#[component]
pub fn BackupsSection() -> impl IntoView {
    let recipient = RwSignal::new(String::new());
    let error = RwSignal::new(None::<String>);
    let knows = signed().session.can("readMetrics");
    let state = load(
        || (),
        move |(), _| async move { if knows { api::system().await.map(|s| Some(s.backup)) } else { Ok(None) } },
    );
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let to = recipient.get_untracked().trim().to_owned();
        if !to.starts_with("age1") {
            return error.set(Some(t("system.recipient.wrong").to_owned()));
        }
        error.set(None);
        let _ = window().location().assign(&nav::with_query("/api/v1/backup", &[("recipient", &to)]));
        spawn_local(async move {
            pause(LOOK_AFTER).await;
            state.refresh();
        });
    };
    let last = move || state.value.get().flatten().map(last);
    view! {
        <section class="card pad">
            <h2>{t("system.backup")}</h2>
            {last}
            <p class="faint">{t("system.backup.body")}</p>
            <form class="form" on:submit=submit>
                <Plain id="backup-recipient" label=t("system.recipient") value=recipient hint=t("system.recipient.hint") error=Signal::derive(move || error.get())/>
                <div class="actions start-actions"><button type="submit" class="button primary"><Icon name="download"/>{t("system.download")}</button></div>
            </form>
        </section>
        <section class="card pad">
            <h2>{t("backup.restore")}</h2>
            <p class="faint">{t("backup.restore.body")}</p>
            <ol class="steps">
                <li>{t("backup.restore.verify")}" "<code>"aplomb verify FILE.age"</code></li>
                <li>{t("backup.restore.run")}" "<code>"aplomb restore FILE.age --data NEWDIR --identity KEY"</code></li>
                <li>{t("backup.restore.serve")}" "<code>"aplomb serve --data NEWDIR"</code></li>
            </ol>
            <p class="faint small">{t("backup.restore.incremental")}</p>
        </section>
    }
}

fn last(backup: BackupState) -> AnyView {
    let Some(at) = backup.last_at else { return view! { <Notice tone="warn" text=t("backup.never")/> }.into_any() };
    let size = backup.last_bytes.map(format::bytes).unwrap_or_default();
    let who = format::plain(&backup.by);
    let text = tf("backup.last", &[("when", &format::time(&at)), ("ago", &format::ago(&at)), ("size", &size)]);
    let who = (!who.is_empty()).then(|| format!(" · {who}"));
    view! { <p data-testid="last-backup">{text}<span class="faint">{who}</span></p> }.into_any()
}
