//! What an import would do, before anything is written: its figures, and the rows that somebody should look at.

use aplomb_model::import::Noted;
use leptos::prelude::*;

use super::alike::Alike;
use super::rows::Rows;
use super::sheet::Sheet;
use crate::api::{self, Import, Preview};
use crate::kit::{Icon, Notice};
use crate::state::{Load, format};
use crate::text::{t, tf};

#[component]
pub fn Checked(first: Import, preview: Preview, import: Load<Import>, outdated: RwSignal<bool>) -> impl IntoView {
    let figures = [
        (t("import.create"), preview.create, "good"),
        (t("import.update"), preview.update, ""),
        (t("import.skipped"), preview.skip, ""),
        (t("import.refused"), preview.refused, "warn"),
        (t("import.companies"), preview.companies_to_create, ""),
        (t("import.together"), preview.together.rows, ""),
        (t("import.apart"), preview.apart.rows, ""),
    ];
    let figures: Vec<_> = figures.into_iter().filter(|(_, n, tone)| *n > 0 || *tone == "good").collect();
    let Noted { refused, duplicate, warning } = first.noted;
    let changed = first.edits + first.decisions;
    let kinds: Vec<(&'static str, u64)> =
        [("refused", refused), ("duplicate", duplicate), ("warning", warning), ("edited", changed)]
            .into_iter()
            .filter(|(_, n)| *n > 0)
            .collect();
    let good = refused == 0 && preview.refused == 0;
    view! {
        <section class="card pad" aria-labelledby="check-title" data-testid="preview">
            <h2 id="check-title">{t("import.checked")}</h2>
            <Figures figures/>
            <Show when=move || outdated.get()><Notice tone="info" text=t("import.outdated")/></Show>
            {preview.warnings.into_iter().map(|text| view! { <Notice tone="warn" text/> }).collect_view()}
            {good.then(|| view! { <Notice tone="good" text=t("import.allGood")/> })}
        </section>
        {(!kinds.is_empty()).then(|| view! { <Look first import kinds outdated/> })}
    }
}

/// Rows by what is to be seen in them: refused ones to be mended, duplicates to be decided.
#[component]
fn Look(
    first: Import,
    import: Load<Import>,
    kinds: Vec<(&'static str, u64)>,
    outdated: RwSignal<bool>,
) -> impl IntoView {
    let shown = RwSignal::new(kinds.first().map(|(kind, _)| *kind).unwrap_or_default());
    let id = first.id.to_string();
    let tab = move |(kind, n): (&'static str, u64)| {
        let (title, body) = words(kind);
        let is_shown = move || shown.get() == kind;
        view! {
            <button type="button" class="segment named" aria-pressed=move || is_shown().to_string() title=body on:click=move |_| shown.set(kind)>
                {title}" "<span class="faint">{format::count(n)}</span>
            </button>
        }
    };
    let first = StoredValue::new(first);
    let own = id.clone();
    let body = move || {
        let kind = shown.get();
        let first = first.get_value();
        let rows = Rows::of(own.clone(), kind);
        let list = if kind == "duplicate" {
            view! { <Alike rows import outdated/> }.into_any()
        } else {
            view! { <Sheet rows columns=first.columns outdated/> }.into_any()
        };
        view! { <p class="faint">{words(kind).1}</p>{list} }
    };
    view! {
        <section class="card pad" aria-label=t("import.look") data-testid="look">
            <div class="section-head look-head">
                <span class="segments" role="group" aria-label=t("import.look")>{kinds.into_iter().map(tab).collect_view()}</span>
                <a class="button small push" href=api::errors_csv(&id) download><Icon name="download"/>{t("import.errors")}</a>
            </div>
            {body}
        </section>
    }
}

fn words(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "refused" => (t("import.rows.refused"), t("import.rows.refused.body")),
        "duplicate" => (t("import.rows.duplicate"), t("import.rows.duplicate.body")),
        "warning" => (t("import.rows.warning"), t("import.rows.warning.body")),
        _ => (t("import.rows.edited"), t("import.rows.edited.body")),
    }
}

/// Numbers with a word each.
#[component]
pub fn Figures(figures: Vec<(&'static str, u64, &'static str)>) -> impl IntoView {
    let one = |(label, n, tone): (&'static str, u64, &'static str)| {
        let tone = if n > 0 { tone } else { "" };
        view! { <div class=format!("figure {tone}")><strong>{format::count(n)}</strong><span class="faint small">{label}</span></div> }
    };
    view! { <div class="figures">{figures.into_iter().map(one).collect_view()}</div> }
}

/// How a row is called.
pub fn row_name(row: u64) -> String {
    tf("import.rowN", &[("n", &row.to_string())])
}
