//! What an import would do, before anything is written.

use leptos::prelude::*;

use crate::api::{self, Alike, Preview, Problem};
use crate::kit::{Icon, Notice};
use crate::state::format;
use crate::text::{t, tn};

#[component]
pub fn Checked(preview: Preview, id: String) -> impl IntoView {
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
    view! {
        <section class="card pad" aria-labelledby="check-title" data-testid="preview">
            <h2 id="check-title">{t("import.checked")}</h2>
            <Figures figures/>
            {preview.warnings.into_iter().map(|text| view! { <Notice tone="warn" text/> }).collect_view()}
            <Pairs title=t("import.together.body") alike=preview.together/>
            <Pairs title=t("import.apart.body") alike=preview.apart/>
            <Refused errors=preview.errors refused=preview.refused id/>
        </section>
    }
}

/// Rows that have an address or a domain in common with others, so that one sees what the rule makes of them.
#[component]
fn Pairs(title: &'static str, alike: Alike) -> impl IntoView {
    let row = |pair: aplomb_model::import::Pair| {
        let other = match pair.other_row {
            Some(row) => format!("{} ({} {row})", pair.other, t("import.row")),
            None => pair.other,
        };
        view! {
            <tr>
                <td class="number" data-label=t("import.row")>{pair.row}</td>
                <td data-label=t("import.name")>{pair.name}</td>
                <td data-label=t("import.other")>{other}</td>
                <td data-label=t("import.common")><code class="cell">{pair.value}</code></td>
            </tr>
        }
    };
    let rows = alike.examples.into_iter().map(row).collect_view();
    (alike.rows > 0).then(|| {
        view! {
            <details>
                <summary>{title}" ("{format::count(alike.rows)}")"</summary>
                <div class="scroll">
                    <table class="table">
                        <thead><tr>
                            <th scope="col" class="number">{t("import.row")}</th><th scope="col">{t("import.name")}</th>
                            <th scope="col">{t("import.other")}</th><th scope="col">{t("import.common")}</th>
                        </tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </details>
        }
    })
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

/// The first refused cells, and all of them as a file.
#[component]
pub fn Refused(errors: Vec<Problem>, refused: u64, id: String) -> impl IntoView {
    if refused == 0 && errors.is_empty() {
        return view! { <Notice tone="good" text=t("import.allGood")/> }.into_any();
    }
    let row = |error: Problem| {
        view! {
            <tr>
                <td class="number" data-label=t("import.row")>{error.row}</td>
                <td data-label=t("import.column")>{error.header}</td>
                <td data-label=t("import.value")><code class="cell">{error.value}</code></td>
                <td data-label=t("import.why")>{error.detail}</td>
            </tr>
        }
    };
    let rows = errors.into_iter().take(100).map(row).collect_view();
    view! {
        <Notice tone="warn" text=tn("import.refusedRows", refused)/>
        <div class="scroll tall-scroll" tabindex="0" role="region" aria-label=t("import.refused")>
            <table class="table" data-testid="refused">
                <thead><tr>
                    <th scope="col" class="number">{t("import.row")}</th><th scope="col">{t("import.column")}</th>
                    <th scope="col">{t("import.value")}</th><th scope="col">{t("import.why")}</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        <a class="button self-start" href=api::errors_csv(&id) download rel="external"><Icon name="download"/>{t("import.errors")}</a>
    }
    .into_any()
}
