//! Rows that are a record or an earlier row already, side by side with it, and a decision for each: update it, leave it, or
//! make another. Arrow keys go from one to the next, a letter decides.

use leptos::{ev, prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;

use super::check::row_name;
use super::rows::{More, Rows};
use crate::api::{self, Duplicate, DuplicateOf, Import, ImportRow, OnMatch};
use crate::kit::{show, toasts};
use crate::state::{Load, nav, signed};
use crate::text::{t, tf};

/// Each with the letter that chooses it.
const ACTIONS: [(OnMatch, &str, &str); 3] = [
    (OnMatch::Update, "u", "import.onMatch.update"),
    (OnMatch::Skip, "s", "import.do.skip"),
    (OnMatch::Create, "c", "import.do.create"),
];

#[component]
pub fn Alike(rows: Rows, import: Load<Import>, outdated: RwSignal<bool>) -> impl IntoView {
    let toasts = toasts();
    let count = Memo::new(move |_| rows.list.with(Vec::len));
    let busy = RwSignal::new(false);
    let all = move |(action, _, text): (OnMatch, &'static str, &'static str)| {
        let decide = move |_| {
            busy.set(true);
            spawn_local(async move {
                let answer = api::decide_all(&rows.id.get_value(), action).await;
                busy.try_set(false);
                match answer {
                    Ok(checked) => import.set(checked),
                    Err(failure) => toasts.refuse(&failure),
                }
            });
        };
        view! { <button type="button" class="button small" disabled=move || busy.get() on:click=decide>{t(text)}</button> }
    };
    view! {
        <div class="actions start-actions" role="group" aria-label=t("import.forAll")>
            <span class="faint small">{t("import.forAll")}</span>{ACTIONS.into_iter().map(all).collect_view()}
        </div>
        <p class="faint small wide-only">{t("import.alikeKeys")}</p>
        <div class="alikes" data-testid="alikes">
            <For each=move || 0..count.get() key=|at| *at children=move |at| view! { <Pair at rows outdated/> }/>
        </div>
        <More rows/>
    }
}

fn decide(rows: Rows, row: u64, action: OnMatch, outdated: RwSignal<bool>) {
    outdated.set(true);
    rows.decide(row, action, move |now| {
        let done = now.duplicate.as_ref().map_or(action, |d| d.action);
        let text = ACTIONS.iter().find(|(a, ..)| *a == done).map(|(.., text)| t(text)).unwrap_or_default();
        rows.said.try_set(format!("{}: {text}", row_name(now.row)));
    });
}

#[component]
fn Pair(at: usize, rows: Rows, outdated: RwSignal<bool>) -> impl IntoView {
    let row = Memo::new(move |_| rows.list.with(|list| list.get(at).cloned()));
    let number = row.with_untracked(|row| row.as_ref().map(|r| r.row)).unwrap_or_default();
    let on_key = move |event: ev::KeyboardEvent| {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let key = event.key();
        let step = match key.as_str() {
            "ArrowDown" | "j" => 1,
            "ArrowUp" | "k" => -1,
            letter => {
                let Some((action, ..)) = ACTIONS.iter().find(|(_, own, _)| *own == letter) else { return };
                decide(rows, number, *action, outdated);
                1
            }
        };
        event.prevent_default();
        event.stop_propagation();
        let to = at.checked_add_signed(step).and_then(|to| document().get_element_by_id(&format!("alike-{to}")));
        if let Some(to) = to.and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = to.focus();
        }
    };
    let action = Memo::new(move |_| row.with(|row| row.as_ref().and_then(|r| r.duplicate.as_ref()).map(|d| d.action)));
    let own = Memo::new(move |_| row.with(|row| row.as_ref().is_some_and(|r| r.decision.is_some())));
    let choice = move |(what, letter, text): (OnMatch, &'static str, &'static str)| {
        view! {
            <button type="button" class="segment named" tabindex="-1" aria-keyshortcuts=letter aria-pressed=move || (action.get() == Some(what)).to_string()
                on:click=move |_| decide(rows, number, what, outdated)>{t(text)}</button>
        }
    };
    let title = move || row.with(|row| row.as_ref().map(|r| (row_name(r.row), r.duplicate.clone())));
    let head = move || {
        let (name, Some(duplicate)) = title()? else { return None };
        let by = field_label(&duplicate, &duplicate.matched_by);
        let other = match (duplicate.of, duplicate.id, duplicate.row) {
            (DuplicateOf::Record, Some(id), _) => {
                let href = nav::record_url(&duplicate.object, &id.to_string());
                view! { <a href=href tabindex="-1" dir="auto">{duplicate.name}</a> }.into_any()
            }
            (.., row) => view! { <span dir="auto">{format!("{} ({})", duplicate.name, row.map(row_name).unwrap_or_default())}</span> }.into_any(),
        };
        Some(
            view! { <strong>{name}</strong>" = "{other}<span class="faint small">{tf("import.matchedBy", &[("field", &by)])}</span> },
        )
    };
    view! {
        <article class="alike" id=format!("alike-{at}") tabindex="0" aria-label=move || row.with(|r| r.as_ref().map(spoken)) data-row=number.to_string() class:decided=move || own.get() on:keydown=on_key>
            <header class="alike-head"><p>{head}</p>
                <span class="segments push" role="group" aria-label=t("import.decision")>{ACTIONS.into_iter().map(choice).collect_view()}</span>
            </header>
            {move || row.with(|row| row.as_ref().and_then(|r| r.duplicate.clone())).map(compared)}
        </article>
    }
}

/// The pair in a sentence.
fn spoken(row: &ImportRow) -> String {
    let Some(duplicate) = &row.duplicate else { return row_name(row.row) };
    let action = ACTIONS.iter().find(|(a, ..)| *a == duplicate.action).map(|(.., text)| t(text)).unwrap_or_default();
    format!("{}, {}: {action}", row_name(row.row), duplicate.name)
}

fn field_label(duplicate: &Duplicate, name: &str) -> String {
    let object = signed().object(&duplicate.object);
    object.and_then(|o| o.field(name).map(|f| f.label.clone())).unwrap_or_else(|| name.to_owned())
}

/// What the file says, what is there, what it will be; only where the file says something.
fn compared(duplicate: Duplicate) -> impl IntoView {
    let object = signed().object(&duplicate.object);
    let text = |name: &str, value: &serde_json::Value| match object.as_ref().and_then(|o| o.field(name)) {
        _ if value.is_null() => String::new(),
        Some(field) => show::text(field, value),
        None => crate::state::format::plain(value),
    };
    let line = |field: &aplomb_model::import::DuplicateField| {
        let same = field.incoming == field.existing;
        view! {
            <tr class:same=same>
                <th scope="row">{field.label.clone()}</th>
                <td dir="auto" data-label=t("import.inFile")>{text(&field.field, &field.incoming)}</td>
                <td dir="auto" data-label=t("import.there")>{text(&field.field, &field.existing)}</td>
                <td dir="auto" data-label=t("import.result") class:new-value=field.result != field.existing>{text(&field.field, &field.result)}</td>
            </tr>
        }
    };
    let lines = duplicate.fields.iter().filter(|f| !f.incoming.is_null()).map(line).collect_view();
    view! {
        <table class="table compared">
            <thead><tr><th scope="col">{t("bulk.field")}</th><th scope="col">{t("import.inFile")}</th><th scope="col">{t("import.there")}</th><th scope="col">{t("import.result")}</th></tr></thead>
            <tbody>{lines}</tbody>
        </table>
    }
}
