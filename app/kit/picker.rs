//! Choosing a record by name: a combobox after the WAI-ARIA pattern. How records are found comes in as a [`Lookup`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use leptos::{ev, html, prelude::*, task::spawn_local};

use crate::api::{Abort, Result, pause};
use crate::text::t;

/// Something that can be chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub object: String,
    pub id: String,
    pub name: String,
    pub hint: String,
}

type Finding = Pin<Box<dyn Future<Output = Result<Vec<Found>>>>>;

/// Finds what fits a text among some kinds of records; given as context by the frame.
#[derive(Clone)]
pub struct Lookup(Arc<dyn Fn(Vec<String>, String, Abort) -> Finding + Send + Sync>);

impl Lookup {
    pub fn new(find: impl Fn(Vec<String>, String, Abort) -> Finding + Send + Sync + 'static) -> Lookup {
        Lookup(Arc::new(find))
    }
}

/// Milliseconds without a key press before a search goes out.
const STILL: i32 = 60;

/// Calls `on_pick` with what was chosen, then empties itself.
#[component]
pub fn Picker(
    #[prop(into)] id: String,
    targets: Vec<String>,
    #[prop(into)] label: String,
    on_pick: Callback<Found>,
    #[prop(into, optional)] invalid: Signal<bool>,
) -> impl IntoView {
    let lookup = use_context::<Lookup>();
    let text = RwSignal::new(String::new());
    let found = RwSignal::new(Vec::<Found>::new());
    let open = RwSignal::new(false);
    let at = RwSignal::new(0usize);
    let current = StoredValue::new_local(Abort::new());
    let input = NodeRef::<html::Input>::new();
    let search = move || {
        let Some(lookup) = lookup.clone() else { return };
        let abort = Abort::new();
        current.update_value(|earlier| std::mem::replace(earlier, abort.clone()).cancel());
        let targets = targets.clone();
        spawn_local(async move {
            pause(STILL).await;
            let Some(q) = text.try_get_untracked().filter(|_| !abort.is_off()) else { return };
            if let Ok(list) = (lookup.0)(targets, q, abort.clone()).await
                && !abort.is_off()
            {
                found.try_set(list);
                at.try_set(0);
                open.try_set(true);
            }
        });
    };
    let pick = move |choice: Found| {
        open.set(false);
        text.set(String::new());
        on_pick.run(choice);
    };
    let on_key = move |event: ev::KeyboardEvent| {
        let count = found.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" if count > 0 => at.update(|at| *at = (*at + 1) % count),
            "ArrowUp" if count > 0 => at.update(|at| *at = (*at + count - 1) % count),
            "Enter" if open.get_untracked() => {
                if let Some(choice) = found.with_untracked(|list| list.get(at.get_untracked()).cloned()) {
                    pick(choice);
                }
            }
            "Escape" if open.get_untracked() => open.set(false),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let list_id = format!("{id}-list");
    let option_id = {
        let list_id = list_id.clone();
        move |i: usize| format!("{list_id}-{i}")
    };
    let active = {
        let option_id = option_id.clone();
        move || open.get().then(|| option_id(at.get()))
    };
    let search_on_focus = search.clone();
    let options = move || {
        let option = |(i, choice): (usize, Found)| {
            let own = choice.clone();
            view! {
                <li id=option_id(i) role="option" class="option" aria-selected=move || (at.get() == i).to_string()
                    on:mousedown=move |event| { event.prevent_default(); pick(own.clone()); }>
                    <span>{choice.name}</span>
                    <span class="faint small">{choice.hint}</span>
                </li>
            }
        };
        found.get().into_iter().enumerate().map(option).collect_view()
    };
    view! {
        <div class="picker" on:focusout=move |_| open.set(false)>
            <input id=id class="input" type="text" role="combobox" autocomplete="off" aria-label=label aria-autocomplete="list"
                aria-controls=list_id.clone() aria-expanded=move || open.get().to_string() aria-activedescendant=active
                aria-invalid=move || invalid.get().to_string() placeholder=t("picker.placeholder") node_ref=input
                prop:value=move || text.get() on:keydown=on_key on:focus=move |_| search_on_focus()
                on:input=move |event| { text.set(event_target_value(&event)); search(); }/>
            <ul id=list_id class="options card" role="listbox" aria-label=t("picker.results") hidden=move || !open.get()>
                {options}
                <Show when=move || found.with(Vec::is_empty)><li class="option faint">{t("picker.none")}</li></Show>
            </ul>
        </div>
    }
}
