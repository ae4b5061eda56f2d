//! What a page shows when it has nothing to show: waiting, empty, refused.

use leptos::prelude::*;

use super::Icon;
use crate::api::Failure;
use crate::state::Load;
use crate::text::t;

/// Grey bars where something will be.
#[component]
pub fn Waiting(#[prop(default = 5)] rows: usize) -> impl IntoView {
    view! {
        <div class="skeleton" role="status" aria-label=t("loading")>
            {(0..rows).map(|_| view! { <div class="bar"></div> }).collect_view()}
        </div>
    }
}

/// Nothing here yet, and what to do about it.
#[component]
pub fn Empty(
    #[prop(into)] title: String,
    #[prop(into, optional)] body: String,
    #[prop(into, default = "inbox".to_owned())] icon: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty" data-testid="empty">
            <span class="empty-icon"><Icon name=icon/></span>
            <h2>{title}</h2>
            {(!body.is_empty()).then(|| view! { <p>{body}</p> })}
            {children.map(|children| view! { <div class="empty-actions">{children()}</div> })}
        </div>
    }
}

/// A page that does not exist for who looks, with a way out.
#[component]
pub fn Hidden() -> impl IntoView {
    view! {
        <Empty title=t("state.hidden") body=t("error.not_found") icon="lock">
            <a class="button" href="/">{t("home.title")}</a>
        </Empty>
    }
}

/// A refused or lost request, with a way to try again, or out.
#[component]
pub fn Trouble(failure: Failure, #[prop(optional)] retry: Option<Callback<()>>) -> impl IntoView {
    let hidden = failure.is("forbidden") || failure.is("not_found");
    let icon = if hidden { "lock" } else { "triangle-alert" };
    let title = if hidden { t("state.hidden") } else { t("state.failed") };
    let request = failure.request_id.clone();
    view! {
        <div class="empty" role="alert" data-testid="trouble">
            <span class="empty-icon warn"><Icon name=icon/></span>
            <h2>{title}</h2>
            <p>{failure.message()}</p>
            {(!request.is_empty()).then(|| view! { <p class="faint small">{t("state.request")} " " <code>{request}</code></p> })}
            <div class="empty-actions">
                {retry.filter(|_| !hidden).map(|retry| view! {
                    <button type="button" class="button" on:click=move |_| retry.run(())>{t("retry")}</button>
                })}
                {hidden.then(|| view! { <a class="button" href="/">{t("home.title")}</a> })}
            </div>
        </div>
    }
}

/// A line of information, a warning or an error inside a page.
#[component]
pub fn Notice(#[prop(into)] text: String, #[prop(into, default = "info".to_owned())] tone: String) -> impl IntoView {
    let icon = match tone.as_str() {
        "good" => "circle-check",
        "warn" => "triangle-alert",
        "bad" => "circle-alert",
        _ => "info",
    };
    let role = if tone == "bad" { "alert" } else { "note" };
    view! { <div class=format!("notice {tone}") role=role><Icon name=icon/><span>{text}</span></div> }
}

/// Draws what a [`Load`] has: bars, trouble, or the value by `draw`, which runs again when the value changes.
#[component]
pub fn Loaded<T, F>(load: Load<T>, draw: F, #[prop(default = 5)] rows: usize) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    F: Fn(T) -> AnyView + Send + Sync + 'static,
{
    move || match (load.value.get(), load.failure.get()) {
        (_, Some(failure)) => view! { <Trouble failure retry=Callback::new(move |()| load.again())/> }.into_any(),
        (Some(value), None) => draw(value),
        (None, None) => view! { <Waiting rows/> }.into_any(),
    }
}
