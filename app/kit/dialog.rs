//! A modal dialog on the browser's own `dialog` element: it keeps the focus inside and gives it back.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

use super::Icon;
use crate::text::t;

/// Shown while `open`; Escape, the cross and a click beside it close it.
#[component]
pub fn Dialog(
    #[prop(into)] title: Signal<String>,
    open: RwSignal<bool>,
    /// nothing but its content: the title is for those who listen
    #[prop(default = false)]
    bare: bool,
    children: ChildrenFn,
) -> impl IntoView {
    let children = StoredValue::new(children);
    view! {
        <Show when=move || open.get()>
            <Inner title open bare>{children.with_value(|children| children())}</Inner>
        </Show>
    }
}

#[component]
fn Inner(title: Signal<String>, open: RwSignal<bool>, bare: bool, children: Children) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = node.get().filter(|dialog| !dialog.open()) {
            let _ = dialog.show_modal();
        }
    });
    let on_cancel = move |event: ev::Event| {
        event.prevent_default();
        open.set(false);
    };
    let on_click = move |event: ev::MouseEvent| {
        let beside = event.target().and_then(|t| t.dyn_into::<web_sys::HtmlDialogElement>().ok()).is_some();
        if beside {
            open.set(false);
        }
    };
    view! {
        <dialog class="dialog" class:bare=bare aria-labelledby="dialog-title" node_ref=node on:cancel=on_cancel on:mousedown=on_click>
            <div class="dialog-body">
                <header class=if bare { "sr" } else { "dialog-head" }>
                    <h2 id="dialog-title">{move || title.get()}</h2>
                    {(!bare).then(|| view! {
                        <button type="button" class="button icon-only" aria-label=t("close") on:click=move |_| open.set(false)><Icon name="x"/></button>
                    })}
                </header>
                {children()}
            </div>
        </dialog>
    }
}
