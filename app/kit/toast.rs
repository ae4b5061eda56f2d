//! Short messages in the corner, read out by screen readers, with one action at most (undo).

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};

use super::Icon;
use crate::api::{Failure, pause};
use crate::text::t;

const SECONDS: i32 = 8;

type Action = (String, Arc<dyn Fn() + Send + Sync>);

#[derive(Clone)]
struct Toast {
    id: u32,
    text: String,
    bad: bool,
    action: Option<Action>,
}

/// Where messages go; belongs to the root, so it outlives every page.
#[derive(Clone, Copy)]
pub struct Toasts {
    list: RwSignal<Vec<Toast>>,
    next: StoredValue<u32>,
}

impl Toasts {
    pub fn new() -> Toasts {
        Toasts { list: RwSignal::new(Vec::new()), next: StoredValue::new(0) }
    }

    pub fn say(self, text: impl Into<String>) {
        self.add(text.into(), false, None);
    }

    /// Something did not work, in words.
    pub fn warn(self, text: impl Into<String>) {
        self.add(text.into(), true, None);
    }

    /// Takes back what the latest message offers to take back; whether there was one.
    pub fn run_latest(self) -> bool {
        let latest = self.list.with_untracked(|list| list.iter().rev().find(|toast| toast.action.is_some()).cloned());
        let Some(Toast { id, action: Some((_, run)), .. }) = latest else { return false };
        self.remove(id);
        run();
        true
    }

    pub fn refuse(self, failure: &Failure) {
        if !failure.is("aborted") {
            self.add(failure.message(), true, None);
        }
    }

    pub fn offer(self, text: impl Into<String>, action: impl Into<String>, run: impl Fn() + Send + Sync + 'static) {
        self.add(text.into(), false, Some((action.into(), Arc::new(run))));
    }

    fn add(self, text: String, bad: bool, action: Option<Action>) {
        let id = self.next.try_update_value(|n| {
            *n += 1;
            *n
        });
        let id = id.unwrap_or_default();
        self.list.update(|list| list.push(Toast { id, text, bad, action }));
        spawn_local(async move {
            pause(SECONDS * 1000).await;
            self.remove(id);
        });
    }

    fn remove(self, id: u32) {
        self.list.try_update(|list| list.retain(|toast| toast.id != id));
    }
}

pub fn toasts() -> Toasts {
    use_context::<Toasts>().unwrap_or_else(Toasts::new)
}

/// The corner itself; one on the page.
#[component]
pub fn ToastRegion() -> impl IntoView {
    let toasts = toasts();
    let one = move |toast: Toast| {
        let id = toast.id;
        let class = if toast.bad { "toast bad" } else { "toast" };
        let icon = if toast.bad { "circle-alert" } else { "circle-check" };
        let action = toast.action.map(|(label, run)| {
            let click = move |_| {
                toasts.remove(id);
                run();
            };
            view! { <button type="button" class="button link" on:click=click>{label}</button> }
        });
        view! {
            <div class=class data-testid="toast">
                <Icon name=icon/>
                <span class="grow">{toast.text}</span>
                {action}
                <button type="button" class="button icon-only" aria-label=t("dismiss") on:click=move |_| toasts.remove(id)>
                    <Icon name="x"/>
                </button>
            </div>
        }
    };
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || toasts.list.get() key=|toast| toast.id children=one/>
        </div>
    }
}
