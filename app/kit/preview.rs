//! A file looked at without leaving the page: pictures and text. Everything else opens in a tab of its own.

use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

use super::{Dialog, Icon, Notice, Waiting};
use crate::text::{t, tf};

/// Characters of a text that are shown.
const MOST: usize = 200_000;

/// A file by its name, its media type, and where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Previewed {
    pub name: String,
    pub kind: String,
    pub url: String,
}

impl Previewed {
    pub fn is_picture(kind: &str) -> bool {
        matches!(kind, "image/png" | "image/jpeg" | "image/gif" | "image/webp")
    }

    /// Whether it can be looked at in the page.
    pub fn is_shown(kind: &str) -> bool {
        Previewed::is_picture(kind) || kind.starts_with("text/plain") || kind == "text/csv"
    }
}

/// What is looked at now; context of a page that shows files.
#[derive(Clone, Copy)]
pub struct Previewing(RwSignal<Option<Previewed>>);

impl Previewing {
    pub fn new() -> Previewing {
        Previewing(RwSignal::new(None))
    }

    pub fn show(self, file: Previewed) {
        self.0.set(Some(file));
    }
}

/// The dialog; one on a page that shows files.
#[component]
pub fn Preview() -> impl IntoView {
    let Some(Previewing(shown)) = use_context::<Previewing>() else { return ().into_any() };
    let open = RwSignal::new(false);
    crate::state::watch(move || open.set(shown.with(Option::is_some)));
    crate::state::watch(move || {
        if !open.get() && shown.with_untracked(Option::is_some) {
            shown.set(None);
        }
    });
    let title = Signal::derive(move || shown.with(|f| f.as_ref().map(|f| f.name.clone()).unwrap_or_default()));
    let body = move || {
        shown.get().map(|file| {
            let url = file.url.clone();
            let content = if Previewed::is_picture(&file.kind) {
                view! { <img src=file.url alt=tf("file.preview", &[("name", &file.name)])/> }.into_any()
            } else {
                view! { <Text url=file.url/> }.into_any()
            };
            view! { <div class="preview-body" data-testid="preview">{content}</div>
                <div class="actions start-actions"><a class="button" href=url target="_blank" rel="external noopener"><Icon name="link"/>{t("file.open")}</a></div> }
        })
    };
    view! { <Dialog title open class="preview">{body}</Dialog> }.into_any()
}

async fn fetch(url: &str) -> Option<String> {
    let answer = JsFuture::from(window().fetch_with_str(url)).await.ok()?;
    let answer: web_sys::Response = answer.dyn_into().ok()?;
    let text = answer.ok().then(|| answer.text().ok()).flatten()?;
    JsFuture::from(text).await.ok()?.as_string()
}

#[component]
fn Text(url: String) -> impl IntoView {
    let text = RwSignal::new(None::<Option<String>>);
    spawn_local(async move {
        let found = fetch(&url).await.map(|s| s.chars().take(MOST).collect());
        text.try_set(Some(found));
    });
    move || match text.get() {
        None => view! { <Waiting rows=3/> }.into_any(),
        Some(Some(text)) => view! { <pre class="kit" tabindex="0" dir="auto">{text}</pre> }.into_any(),
        Some(None) => view! { <Notice tone="bad" text=t("file.noPreview")/> }.into_any(),
    }
}
