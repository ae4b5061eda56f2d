//! A modal dialog, or a drawer at the side, on the browser's own `dialog` element: it keeps the focus inside and gives it
//! back.

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
    /// stands at the side of the screen and takes its whole height
    #[prop(default = false)]
    drawer: bool,
    #[prop(into, optional)] class: String,
    children: ChildrenFn,
) -> impl IntoView {
    let children = StoredValue::new(children);
    let class = match (bare, drawer) {
        (true, _) => "dialog bare".to_owned(),
        (_, true) => "dialog drawer".to_owned(),
        _ => format!("dialog {class}"),
    };
    view! {
        <Show when=move || open.get()>
            <Inner title open bare class=class.clone()>{children.with_value(|children| children())}</Inner>
        </Show>
    }
}

#[component]
fn Inner(title: Signal<String>, open: RwSignal<bool>, bare: bool, class: String, children: Children) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    crate::state::watch(move || {
        if let Some(dialog) = node.get().filter(|dialog| !dialog.open()) {
            let _ = dialog.show_modal();
            // A form is there to be filled in, so one begins at its first input and not at the cross.
            let first = dialog.query_selector(":not(:has([autofocus])) > form .input").ok().flatten();
            if let Some(first) = first.and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
                let _ = first.focus();
            }
        }
    });
    give_focus_back();
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
        <dialog class=class aria-labelledby="dialog-title" node_ref=node on:cancel=on_cancel on:mousedown=on_click>
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

/// What had the focus before gets it again when the owner that called is gone: a dialog that is taken off the page
/// without being closed leaves it nowhere.
fn give_focus_back() {
    let before = document().active_element().and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok());
    let before = StoredValue::new_local(before);
    on_cleanup(move || {
        let Some(before) = before.try_get_value().flatten() else { return };
        request_animation_frame(move || {
            let lost = document().active_element().is_none_or(|e| e.tag_name() == "BODY");
            if lost && before.is_connected() {
                let _ = before.focus();
            }
        });
    });
}
