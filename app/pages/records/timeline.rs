//! Everything that happened with a record, newest first.

use leptos::{prelude::*, task::spawn_local};
use serde_json::Value as Json;

use crate::api::{self, Abort, Happening, Record};
use crate::kit::{Badge, Empty, Icon, Trouble, Waiting, toasts};
use crate::state::live::News;
use crate::state::{Load, format, live, load, nav, signed};
use crate::text::{maybe, t, tf};

/// Entries fetched by themselves while somebody searches; more on request.
const MOST_SEARCHED: usize = 1_000;

#[component]
pub fn TimelineTab(object: String, id: String, record: Load<Record>) -> impl IntoView {
    let toasts = toasts();
    let more = RwSignal::new(Vec::<Happening>::new());
    let next = RwSignal::new(None::<String>);
    // A write to the record shows up here as well.
    let version = Memo::new(move |_| record.value.with(|r| r.as_ref().map(|r| r.version)));
    let key = (object.clone(), id.clone());
    let kinds = RwSignal::new(String::new());
    let wanted = RwSignal::new(String::new());
    let first = load(
        move || {
            version.track();
            (key.clone(), kinds.get())
        },
        |((object, id), kinds), abort| async move { api::timeline(&object, &id, &kinds, "", &abort).await },
    );
    if let Some(live) = live() {
        let own = id.clone();
        // A note or a call is a record of its own that points here; what it points at, the feed does not say.
        const KINDS: [&str; 6] = ["note", "task", "call", "meeting", "email", "activity"];
        let related = move |news: &News| {
            news.objects.iter().any(|o| KINDS.contains(&o.as_str())) || news.changes.iter().any(|c| c.id == own)
        };
        live.follow(related, move || first.refresh());
    }
    // When the first page comes anew, what was fetched beyond it stays, unless the two do not meet.
    let mut shown = (String::new(), Vec::<Happening>::new());
    crate::state::watch(move || {
        let Some(page) = first.value.get() else { return };
        let kind = kinds.get_untracked();
        let (kind_before, before) = std::mem::replace(&mut shown, (kind.clone(), page.entries.clone()));
        let mut below = if kind_before == kind { more.get_untracked() } else { Vec::new() };
        if !below.is_empty() {
            let met = before.iter().position(|h| page.entries.last() == Some(h));
            below = met.map(|at| before[at + 1..].iter().chain(&below).cloned().collect()).unwrap_or_default();
        }
        if below.is_empty() {
            next.set(page.next);
        }
        more.set(below);
    });
    let own = id.clone();
    let (fetching, failed) = (RwSignal::new(false), RwSignal::new(false));
    let load_more = move || {
        let Some(cursor) = next.get_untracked().filter(|_| !fetching.get_untracked()) else { return };
        let (object, id) = (object.clone(), id.clone());
        fetching.set(true);
        failed.set(false);
        spawn_local(async move {
            let answer = api::timeline(&object, &id, &kinds.get_untracked(), &cursor, &Abort::new()).await;
            let is_wanted = next.try_with_untracked(|next| *next == Some(cursor)) == Some(true);
            match answer {
                // Another kind was chosen meanwhile, or the first page has come anew.
                Ok(_) if !is_wanted => {}
                Ok(page) => {
                    more.try_update(|list| list.extend(page.entries));
                    next.try_set(page.next);
                }
                Err(failure) => {
                    failed.try_set(true);
                    toasts.refuse(&failure);
                }
            }
            fetching.try_set(false);
        });
    };
    // Who looks for something means all of it, not what happens to be on the page.
    let look_further = load_more.clone();
    crate::state::watch(move || {
        let wants = wanted.with(|text| !text.trim().is_empty())
            && next.with(Option::is_some)
            && !fetching.get()
            && !failed.get();
        if wants && more.with_untracked(Vec::len) < MOST_SEARCHED {
            look_further();
        }
    });
    let entries = move || {
        if let Some(failure) = first.failure.get() {
            return view! { <Trouble failure retry=Callback::new(move |()| first.again())/> }.into_any();
        }
        let Some(page) = first.value.get() else { return view! { <Waiting/> }.into_any() };
        if page.entries.is_empty() {
            return view! { <Empty title=t("timeline.empty") body=t("timeline.empty.body") icon="history"/> }
                .into_any();
        }
        let looked_for = aplomb_model::fold(wanted.get().trim());
        let fits = |h: &Happening| {
            let text = format!("{} {}", h.title, detail_of(h).unwrap_or_default());
            looked_for.is_empty() || aplomb_model::fold(&text).contains(&looked_for)
        };
        let shown: Vec<Happening> = page.entries.into_iter().chain(more.get()).filter(fits).collect();
        if shown.is_empty() {
            return view! { <p class="none">{t("timeline.noMatch")}</p> }.into_any();
        }
        let entries = shown.into_iter().map(|h| happening(h, &own)).collect_view();
        view! { <ol class="timeline" data-testid="timeline">{entries}</ol> }.into_any()
    };
    let option = |kind: &str| {
        let label = match kind {
            "" => t("timeline.all").to_owned(),
            "change" => t("timeline.changes").to_owned(),
            name => signed().object(name).map(|o| o.plural.clone()).unwrap_or_default(),
        };
        (!label.is_empty()).then(|| view! { <option value=kind.to_owned()>{label}</option> })
    };
    let options = ["", "note", "call", "meeting", "email", "task", "change"].map(option).collect_view();
    view! {
        <div class="timeline-tools">
            <select class="input auto" aria-label=t("timeline.kinds") on:change=move |e| kinds.set(event_target_value(&e))>{options}</select>
            <input class="input" type="search" aria-label=t("timeline.search") placeholder=t("timeline.search") autocomplete="off" on:input=move |e| wanted.set(event_target_value(&e))/>
        </div>
        {entries}
        <Show when=move || next.with(Option::is_some)>
            <button type="button" class="button" on:click={ let load_more = load_more.clone(); move |_| load_more() }>{t("timeline.more")}</button>
        </Show>
    }
}

fn icon_of(kind: &str) -> &'static str {
    match kind {
        "created" => "plus",
        "updated" | "changed" => "pencil",
        "trashed" | "purged" => "trash-2",
        "restored" => "rotate-ccw",
        "note" => "sticky-note",
        "call" => "phone",
        "meeting" => "calendar",
        "email" => "mail",
        "task" => "square-check",
        "deal" => "handshake",
        "ticket" => "life-buoy",
        "converted" => "arrow-right",
        _ => "activity",
    }
}

/// What was done: for a change the word of its kind, else the name of the object.
fn kind_of(entry: &Happening) -> (String, String) {
    let key = if entry.kind == "change" { entry.title.clone() } else { entry.kind.clone() };
    let label = maybe(&format!("kind.{key}")).map(str::to_owned);
    let label = label.or_else(|| signed().object(&key).map(|o| o.label.clone()));
    (key.clone(), label.unwrap_or(key))
}

/// A line about the entry: what a person wrote, or which fields changed.
fn detail_of(entry: &Happening) -> Option<String> {
    let text = |json: &Json| json.as_str().filter(|s| !s.is_empty()).map(str::to_owned);
    if entry.kind != "change" {
        return text(&entry.detail).or_else(|| text(entry.detail.get("text")?));
    }
    if entry.title == "created" {
        return None;
    }
    let changes = entry.detail.get("changes")?.as_array()?;
    let label = |change: &Json| text(change.get("label")?);
    let labels: Vec<String> = changes.iter().filter_map(label).collect();
    (!labels.is_empty()).then(|| labels.join(", "))
}

/// Small facts of a piece of work: its outcome, when it is due, how much it is about.
fn facts_of(entry: &Happening) -> Vec<String> {
    let member = |key: &str| entry.detail.get(key).filter(|v| !v.is_null());
    let mut facts: Vec<String> = ["kind", "direction", "outcome", "status", "location", "amount"]
        .into_iter()
        .filter(|_| entry.kind != "change")
        .filter_map(|key| member(key).map(format::plain))
        .collect();
    facts.extend(member("duration").and_then(Json::as_f64).map(format::duration));
    facts.extend(member("dueAt").and_then(Json::as_str).map(|at| tf("timeline.due", &[("when", &format::day(at))])));
    facts.retain(|fact| !fact.is_empty());
    facts
}

fn happening(entry: Happening, own: &str) -> AnyView {
    let (key, kind) = kind_of(&entry);
    let named = !entry.title.is_empty() && entry.kind != "change";
    let title = if named { entry.title.clone() } else { kind.clone() };
    let (detail, facts) = (detail_of(&entry), facts_of(&entry));
    let badges = (!facts.is_empty()).then(|| {
        view! { <div class="badges">{facts.into_iter().map(|fact| view! { <Badge text=fact/> }).collect_view()}</div> }
    });
    let has_page =
        signed().object(&entry.object).is_some_and(|o| !o.internal) && entry.id != own && !entry.id.is_empty();
    let title = if has_page {
        view! { <a href=nav::record_url(&entry.object, &entry.id)>{title}</a> }.into_any()
    } else {
        view! { <span>{title}</span> }.into_any()
    };
    let who = entry.actor.map(|a| a.name).filter(|n| !n.is_empty());
    let about: String = [named.then_some(kind), who].into_iter().flatten().map(|part| format!("{part} · ")).collect();
    let exact = format::time(&entry.at);
    view! {
        <li class="happening">
            <span class=format!("dot kind-{key}") aria-hidden="true"><Icon name=icon_of(&key)/></span>
            <div>
                <div class="happening-title">{title}</div>
                {detail.map(|text| view! { <p class="happening-detail">{text}</p> })}
                {badges}
                <p class="faint small">{about}<time datetime=entry.at.clone() title=exact>{format::ago(&entry.at)}</time></p>
            </div>
        </li>
    }
    .into_any()
}
