//! Everything by typing: Ctrl-K opens a box that finds pages, actions and records. The same list of places gives the
//! jumps (`g`, then a letter) and the map of keys that `?` shows.

use leptos::{ev, html, prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;

use crate::api::{self, Abort, pause};
use crate::app::gate;
use crate::kit::{Dialog, Icon, reveal};
use crate::state::{Visit, nav, router, signed, trail};
use crate::text::{t, tf};

/// Milliseconds without a key press before records are looked for.
const STILL: i32 = 25;
/// Milliseconds in which the second key of a jump must come.
const JUMP: f64 = 1_500.0;

/// A page one can go to.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    icon: String,
    label: String,
    url: String,
    /// the letter after `g`
    letter: Option<char>,
}

#[derive(Debug, Clone, PartialEq)]
enum Deed {
    Go(String),
    /// presses a button of the page, found by its test id
    Press(&'static str),
    LogOut,
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    icon: String,
    label: String,
    hint: String,
    deed: Deed,
}

/// Lists, import and settings, each with the first letter of its name that no earlier one has.
fn places() -> Vec<Place> {
    let signed = signed();
    let mut found: Vec<Place> = Vec::new();
    let mut add = |name: &str, icon: &str, label: &str, url: String| {
        let free = |c: &char| c.is_ascii_alphabetic() && !found.iter().any(|p| p.letter == Some(*c));
        let letter = name.to_lowercase().chars().find(free);
        found.push(Place { icon: icon.to_owned(), label: label.to_owned(), url, letter });
    };
    add("home", "house", t("home.nav"), "/".to_owned());
    for object in signed.objects() {
        add(&object.name, &object.icon, &object.plural, nav::list_url(&object.name));
    }
    if signed.session.can("import") {
        add("import", "upload", t("import.title"), "/import".to_owned());
    }
    add("settings", "settings", t("settings.title"), "/settings".to_owned());
    found
}

/// Pages and actions that fit what was typed; all pages when nothing was.
fn fitting(places: &[Place], q: &str) -> Vec<Entry> {
    let wanted = aplomb_model::fold(q);
    let fits = |text: &str| {
        aplomb_model::fold(text).split_whitespace().any(|word| word.starts_with(&wanted))
            || aplomb_model::fold(text).starts_with(&wanted)
    };
    let page = |place: &Place| Entry {
        icon: place.icon.clone(),
        label: place.label.clone(),
        hint: place.letter.map(|c| format!("g {c}")).unwrap_or_default(),
        deed: Deed::Go(place.url.clone()),
    };
    let mut found: Vec<Entry> = on_this_page().into_iter().filter(|e| fits(&e.label)).collect();
    if wanted.is_empty() {
        found.extend(recent());
    }
    found.extend(places.iter().filter(|p| fits(&p.label)).map(page));
    if wanted.is_empty() {
        return found;
    }
    let signed = signed();
    for object in signed.objects() {
        let label = tf("list.create", &[("object", &object.label)]);
        let may = signed.may(&object.name, aplomb_model::Action::Create);
        if may && (fits(&label) || fits(&object.label)) {
            let url = nav::with_query(&nav::list_url(&object.name), &[("new", "1")]);
            found.push(Entry {
                icon: "plus".to_owned(),
                label,
                hint: t("palette.action").to_owned(),
                deed: Deed::Go(url),
            });
        }
    }
    for (section, label, icon) in super::super::settings::sections() {
        if fits(label) {
            let deed = Deed::Go(format!("/settings/{section}"));
            found.push(Entry {
                icon: icon.to_owned(),
                label: label.to_owned(),
                hint: t("settings.title").to_owned(),
                deed,
            });
        }
    }
    if fits(t("frame.logout")) {
        let (icon, label) = ("log-out".to_owned(), t("frame.logout").to_owned());
        found.push(Entry { icon, label, hint: t("palette.action").to_owned(), deed: Deed::LogOut });
    }
    found.truncate(8);
    found
}

/// What can be done with the record that is open: what its page has buttons for.
fn on_this_page() -> Vec<Entry> {
    const DEEDS: [(&str, &str); 7] = [
        ("add-note", "sticky-note"),
        ("add-task", "square-check"),
        ("add-call", "phone"),
        ("add-meeting", "calendar"),
        ("convert", "arrow-right"),
        ("follow", "star"),
        ("delete", "trash-2"),
    ];
    let entry = |(id, icon): (&'static str, &'static str)| {
        let button =
            document().query_selector(&format!("#content [data-testid={id}]:not(:disabled)")).ok().flatten()?;
        let text = button.text_content().filter(|text| !text.is_empty())?;
        let label = if id.starts_with("add-") { tf("list.create", &[("object", &text)]) } else { text };
        Some(Entry { icon: icon.to_owned(), label, hint: t("palette.record").to_owned(), deed: Deed::Press(id) })
    };
    DEEDS.into_iter().filter_map(entry).collect()
}

/// Records that were open before this one.
fn recent() -> Vec<Entry> {
    let path = window().location().pathname().unwrap_or_default();
    let entry = |visit: Visit| {
        let url = nav::record_url(&visit.object, &visit.id);
        let icon = signed().object(&visit.object).map(|o| o.icon.clone()).unwrap_or_default();
        (url != path).then(|| Entry {
            icon,
            label: visit.title,
            hint: t("palette.recent").to_owned(),
            deed: Deed::Go(url),
        })
    };
    trail().recent().into_iter().filter_map(entry).collect()
}

#[component]
pub fn Palette() -> impl IntoView {
    let open = RwSignal::new(false);
    let map = RwSignal::new(false);
    let places = StoredValue::new(places());
    let router = router();
    let jumping = StoredValue::new(0.0f64);
    let handle = window_event_listener(ev::keydown, move |event| {
        if (event.ctrl_key() || event.meta_key()) && event.key().eq_ignore_ascii_case("k") {
            event.prevent_default();
            return open.update(|open| *open = !*open);
        }
        if !nav::is_shortcut(&event) {
            return;
        }
        let now = js_sys::Date::now();
        let key = event.key();
        if now - jumping.get_value() < JUMP {
            jumping.set_value(0.0);
            let place =
                places.with_value(|all| all.iter().find(|p| p.letter.is_some_and(|c| key == c.to_string())).cloned());
            if let Some(place) = place {
                event.prevent_default();
                // A page's own keys must not take the same press.
                event.stop_propagation();
                router.go(&place.url);
            }
        } else if key == "g" {
            jumping.set_value(now);
        } else if key == "?" {
            event.prevent_default();
            map.set(true);
        }
    });
    on_cleanup(move || handle.remove());
    view! {
        <Dialog title=t("palette.title").to_owned() open bare=true><Finder places open/></Dialog>
        <Dialog title=t("keys.map").to_owned() open=map><KeyMap places/></Dialog>
    }
}

#[component]
fn Finder(places: StoredValue<Vec<Place>>, open: RwSignal<bool>) -> impl IntoView {
    let router = router();
    let gate = gate();
    let text = RwSignal::new(String::new());
    let records = RwSignal::new(Vec::<Entry>::new());
    let at = RwSignal::new(0usize);
    let current = StoredValue::new_local(Abort::new());
    let input = NodeRef::<html::Input>::new();
    let signed = signed();
    let find = move || {
        let abort = Abort::new();
        current.update_value(|earlier| std::mem::replace(earlier, abort.clone()).cancel());
        at.set(0);
        if text.with_untracked(|q| q.trim().is_empty()) {
            return records.set(Vec::new());
        }
        let signed = signed.clone();
        spawn_local(async move {
            pause(STILL).await;
            let Some(q) = text.try_get_untracked().filter(|_| !abort.is_off()) else { return };
            if let Ok(hits) = api::search(q.trim(), "", 8, &abort).await {
                let entry = |hit: api::Hit| {
                    let object = signed.object(&hit.object);
                    let icon = object.as_ref().map(|o| o.icon.clone()).unwrap_or_default();
                    let kind = object.map(|o| o.label.clone()).unwrap_or_default();
                    let about = super::search_box::readable(hit.subtitle.as_deref().unwrap_or_default());
                    let hint = if about.is_empty() { kind } else { format!("{kind} · {about}") };
                    Entry { icon, label: hit.title, hint, deed: Deed::Go(nav::record_url(&hit.object, &hit.id)) }
                };
                records.try_set(hits.into_iter().map(entry).collect());
            }
        });
    };
    let entries = Memo::new(move |_| {
        let mut all = places.with_value(|places| fitting(places, text.get().trim()));
        all.extend(records.get());
        all
    });
    let run = move |entry: &Entry| {
        open.set(false);
        match &entry.deed {
            Deed::Go(url) => router.go(url),
            Deed::Press(id) => press(id),
            Deed::LogOut => gate.log_out(),
        }
    };
    let on_key = move |event: ev::KeyboardEvent| {
        let count = entries.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" if count > 0 => at.update(|at| *at = (*at + 1) % count),
            "ArrowUp" if count > 0 => at.update(|at| *at = (*at + count - 1) % count),
            "Enter" => {
                if let Some(entry) = entries.with_untracked(|all| all.get(at.get_untracked()).cloned()) {
                    run(&entry);
                }
            }
            _ => return,
        }
        event.prevent_default();
        reveal(format!("#palette-{}", at.try_get_untracked().unwrap_or_default()));
    };
    let option = move |(i, entry): (usize, Entry)| {
        let own = entry.clone();
        view! {
            <li id=format!("palette-{i}") role="option" class="option" aria-selected=move || (at.get() == i).to_string()
                on:mousedown=move |event| { event.prevent_default(); run(&own); }>
                <span class="palette-entry"><Icon name=entry.icon/><span class="ellipsis" dir="auto">{entry.label}</span></span>
                <span class="faint small">{entry.hint}</span>
            </li>
        }
    };
    crate::state::watch(move || {
        if let Some(input) = input.get() {
            request_animation_frame(move || drop(input.focus()));
        }
    });
    view! {
        <div class="palette" data-testid="palette">
            <div class="palette-box"><Icon name="search"/>
                <input id="palette-input" type="text" role="combobox" autocomplete="off" spellcheck="false" aria-label=t("palette.title") aria-autocomplete="list"
                    aria-expanded="true" aria-controls="palette-list" aria-activedescendant=move || format!("palette-{}", at.get())
                    placeholder=t("palette.placeholder") node_ref=input prop:value=move || text.get() on:keydown=on_key
                    on:input=move |event| { text.set(event_target_value(&event)); find(); }/>
            </div>
            <ul id="palette-list" role="listbox" aria-label=t("search.results")>
                {move || entries.get().into_iter().enumerate().map(option).collect_view()}
                <Show when=move || entries.with(Vec::is_empty)><li class="option faint" role="presentation">{t("search.none")}</li></Show>
            </ul>
        </div>
    }
}

/// Presses a button once the palette is gone.
fn press(id: &'static str) {
    request_animation_frame(move || {
        let found = document().query_selector(&format!("#content [data-testid={id}]")).ok().flatten();
        if let Some(button) = found.and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
            button.click();
        }
    });
}

/// Every key and what it does.
#[component]
fn KeyMap(places: StoredValue<Vec<Place>>) -> impl IntoView {
    const ANYWHERE: [(&str, &str); 5] = [
        ("Ctrl K", "keys.palette"),
        ("/", "keys.search"),
        ("Ctrl Z", "keys.undo"),
        ("?", "keys.help"),
        ("Esc", "keys.escape"),
    ];
    const LISTS: [(&str, &str); 12] = [
        ("↓ ↑ ← →", "keys.move"),
        ("Enter", "keys.write"),
        ("Ctrl Enter", "keys.open"),
        ("F2", "keys.edit"),
        ("Del", "keys.empty"),
        ("Shift ↓ →", "keys.range"),
        ("Ctrl C V", "keys.clipboard"),
        ("x", "keys.select"),
        ("Alt ← →", "keys.width"),
        ("n", "keys.new"),
        ("Home End", "keys.ends"),
        ("PgUp PgDn", "keys.page"),
    ];
    const RECORD: [(&str, &str); 2] = [("[ ]", "keys.beside"), ("Enter", "keys.save")];
    const BOARD: [(&str, &str); 2] = [("← → ↓ ↑", "keys.cards"), ("Alt ← →", "keys.carry")];
    let group = |title: &'static str, keys: &'static [(&'static str, &'static str)]| {
        let row = |(key, text): &(&'static str, &'static str)| view! { <dt><kbd>{*key}</kbd></dt><dd>{t(text)}</dd> };
        view! { <section><h3>{t(title)}</h3><dl class="keys">{keys.iter().map(row).collect_view()}</dl></section> }
    };
    let jump =
        |place: Place| place.letter.map(|c| view! { <dt><kbd>{format!("g {c}")}</kbd></dt><dd>{place.label}</dd> });
    view! {
        <div class="keymap">
            {group("keys.anywhere", &ANYWHERE)}{group("keys.lists", &LISTS)}{group("keys.record", &RECORD)}{group("keys.board", &BOARD)}
            <section><h3>{t("keys.jumps")}</h3><dl class="keys">{places.get_value().into_iter().map(jump).collect_view()}</dl></section>
        </div>
    }
}
