//! Searching from anywhere: results while one types, `/` to get here, Enter for the whole page of results.

use leptos::{ev, html, prelude::*, task::spawn_local};

use crate::api::{self, Abort, Hit, pause};
use crate::kit::Icon;
use crate::state::{format, nav, router, signed};
use crate::text::t;

const STILL: i32 = 40;

#[component]
pub fn SearchBox() -> impl IntoView {
    let router = router();
    let text = RwSignal::new(String::new());
    let hits = RwSignal::new(Vec::<Hit>::new());
    let open = RwSignal::new(false);
    let at = RwSignal::new(None::<usize>);
    let current = StoredValue::new_local(Abort::new());
    let input = NodeRef::<html::Input>::new();
    let find = move || {
        let abort = Abort::new();
        current.update_value(|earlier| std::mem::replace(earlier, abort.clone()).cancel());
        if text.with_untracked(|q| q.trim().is_empty()) {
            open.set(false);
            return;
        }
        spawn_local(async move {
            pause(STILL).await;
            let Some(q) = text.try_get_untracked().filter(|_| !abort.is_off()) else { return };
            if let Ok(found) = api::search(q.trim(), "", 8, &abort).await {
                hits.try_set(found);
                at.try_set(None);
                open.try_set(true);
            }
        });
    };
    let close = move || {
        open.set(false);
        text.set(String::new());
        if let Some(input) = input.get_untracked() {
            let _ = input.blur();
        }
    };
    let go = move |hit: &Hit| {
        close();
        router.go(&nav::record_url(&hit.object, &hit.id));
    };
    let on_key = move |event: ev::KeyboardEvent| {
        let count = hits.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" if count > 0 => at.update(|at| *at = Some(at.map_or(0, |i| (i + 1) % count))),
            "ArrowUp" if count > 0 => at.update(|at| *at = Some(at.map_or(count - 1, |i| (i + count - 1) % count))),
            "Enter" => {
                let chosen = at.get_untracked().filter(|_| open.get_untracked());
                match chosen.and_then(|i| hits.with_untracked(|list| list.get(i).cloned())) {
                    Some(hit) => go(&hit),
                    None => {
                        let q = text.get_untracked();
                        close();
                        router.go(&nav::with_query("/search", &[("q", q.trim())]));
                    }
                }
            }
            "Escape" => close(),
            _ => return,
        }
        event.prevent_default();
    };
    focus_on_slash(input);
    let option = move |(i, hit): (usize, Hit)| {
        let own = hit.clone();
        let label = signed().object(&hit.object).map(|o| o.label.clone()).unwrap_or_default();
        let about = hit.subtitle.map(|s| readable(&s)).filter(|s| !s.is_empty()).map(|s| format!(" · {s}"));
        view! {
            <li id=format!("found-{i}") role="option" class="option" aria-selected=move || (at.get() == Some(i)).to_string()
                on:mousedown=move |event| { event.prevent_default(); go(&own); }>
                <span>{hit.title}</span>
                <span class="faint small">{label}{about}</span>
            </li>
        }
    };
    view! {
        <div class="searchbox" role="search" on:focusout=move |_| open.set(false)>
            <Icon name="search"/>
            <input class="input" type="search" id="global-search" role="combobox" autocomplete="off" aria-label=t("search.label") aria-autocomplete="list"
                placeholder=t("search.placeholder") aria-controls="found" aria-expanded=move || open.get().to_string() node_ref=input
                aria-activedescendant=move || at.get().map(|i| format!("found-{i}")) prop:value=move || text.get()
                on:keydown=on_key on:input=move |event| { text.set(event_target_value(&event)); find(); }/>
            <kbd aria-hidden="true">"/"</kbd>
            <ul id="found" class="options card" role="listbox" aria-label=t("search.results") hidden=move || !open.get()>
                {move || hits.get().into_iter().enumerate().map(option).collect_view()}
                <Show when=move || hits.with(Vec::is_empty)><li class="option faint">{t("search.none")}</li></Show>
            </ul>
        </div>
    }
}

/// A line about a hit with its times and amounts in words; the search gives them as they are stored.
pub fn readable(subtitle: &str) -> String {
    let is_time = |s: &str| s.len() >= 20 && s.ends_with('Z') && s.as_bytes().get(10) == Some(&b'T');
    let money = |s: &str| {
        let (amount, currency) = s.split_once(' ')?;
        let is_currency = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
        (is_currency && amount.parse::<f64>().is_ok()).then(|| format::money(amount, currency))
    };
    let part = |s: &str| if is_time(s) { format::day(s) } else { money(s).unwrap_or_else(|| s.to_owned()) };
    subtitle.split(" · ").map(part).collect::<Vec<_>>().join(" · ")
}

/// `/` focuses the box, unless one is typing somewhere.
fn focus_on_slash(input: NodeRef<html::Input>) {
    let handle = window_event_listener(ev::keydown, move |event| {
        if event.key() != "/" || !nav::is_shortcut(&event) {
            return;
        }
        if let Some(input) = input.try_get_untracked().flatten() {
            event.prevent_default();
            let _ = input.focus();
        }
    });
    on_cleanup(move || handle.remove());
}
