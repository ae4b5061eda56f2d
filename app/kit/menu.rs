//! What opens beside its button: a menu of actions, or a panel with anything in it. Both close on Escape and when one
//! turns to something else, and give the focus back to the button.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, Node};

/// A button that opens a list of `role="menuitem"` buttons or links; arrow keys move between them.
#[component]
pub fn Menu(
    #[prop(into)] label: String,
    #[prop(into, optional)] class: String,
    #[prop(into)] trigger: ViewFn,
    children: ChildrenFn,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let root = NodeRef::<html::Div>::new();
    let button = NodeRef::<html::Button>::new();
    let panel = NodeRef::<html::Div>::new();
    keep_on_screen(panel);
    close_outside(root, open);
    let focus_item = move |step: i32| focus_by(root, step);
    let on_key = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Escape" if open.get_untracked() => {
            event.stop_propagation();
            open.set(false);
            focus(button);
        }
        "ArrowDown" | "ArrowUp" => {
            event.prevent_default();
            open.set(true);
            let step = if event.key() == "ArrowDown" { 1 } else { -1 };
            request_animation_frame(move || focus_item(step));
        }
        _ => {}
    };
    view! {
        <div class="menu" node_ref=root on:keydown=on_key on:focusout=move |event| leave(root, open, &event)>
            <button type="button" class=class aria-haspopup="menu" aria-label=label.clone() node_ref=button
                aria-expanded=move || open.get().to_string() on:click=move |_| open.update(|o| *o = !*o)>
                {trigger.run()}
            </button>
            <Show when=move || open.get()>
                <div class="menu-list card" role="menu" node_ref=panel tabindex="-1" aria-label=label.clone() on:click=move |_| open.set(false)>
                    {children()}
                </div>
            </Show>
        </div>
    }
}

/// A button that opens a panel.
#[component]
pub fn Popover(
    #[prop(into)] label: String,
    #[prop(into, optional)] class: String,
    open: RwSignal<bool>,
    #[prop(into)] trigger: ViewFn,
    children: ChildrenFn,
) -> impl IntoView {
    let root = NodeRef::<html::Div>::new();
    let panel = NodeRef::<html::Div>::new();
    keep_on_screen(panel);
    close_outside(root, open);
    let button = NodeRef::<html::Button>::new();
    let on_key = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" && open.get_untracked() {
            event.stop_propagation();
            open.set(false);
            focus(button);
        }
    };
    view! {
        <div class="menu" node_ref=root on:keydown=on_key on:focusout=move |event| leave(root, open, &event)>
            <button type="button" class=class aria-haspopup="dialog" aria-label=label.clone() title=label.clone() node_ref=button
                aria-expanded=move || open.get().to_string() on:click=move |_| open.update(|o| *o = !*o)>
                {trigger.run()}
            </button>
            <Show when=move || open.get()>
                <div class="popover card" role="dialog" node_ref=panel tabindex="-1" aria-label=label.clone()>{children()}</div>
            </Show>
        </div>
    }
}

/// Moves what has just opened back onto the screen when it stands out at its right.
fn keep_on_screen(panel: NodeRef<html::Div>) {
    crate::state::watch(move || {
        let Some(panel) = panel.get() else { return };
        request_animation_frame(move || {
            // Not the window's: a phone makes that wider by what stands out.
            let width = document().document_element().map_or(f64::MAX, |page| f64::from(page.client_width()));
            let place = panel.get_bounding_client_rect();
            let out = (place.right() + 8.0 - width).max(0.0).min((place.left() - 8.0).max(0.0));
            if out > 0.0 {
                let panel: &HtmlElement = panel.as_ref();
                let _ = panel.style().set_property("translate", &format!("-{out}px"));
            }
        });
    });
}

fn focus(button: NodeRef<html::Button>) {
    if let Some(button) = button.get_untracked() {
        let _ = button.focus();
    }
}

/// Closes when somebody presses beside it, on something that takes no focus.
fn close_outside(root: NodeRef<html::Div>, open: RwSignal<bool>) {
    let handle = window_event_listener(ev::pointerdown, move |event| {
        let target = event.target().and_then(|t| t.dyn_into::<Node>().ok());
        let inside = root.try_get_untracked().flatten().is_some_and(|root| root.contains(target.as_ref()));
        if open.try_get_untracked() == Some(true) && !inside {
            open.set(false);
        }
    });
    on_cleanup(move || handle.remove());
}

/// Closes when the focus goes to somewhere else on the page.
fn leave(root: NodeRef<html::Div>, open: RwSignal<bool>, event: &ev::FocusEvent) {
    let Some(to) = event.related_target().and_then(|t| t.dyn_into::<Node>().ok()) else { return };
    if root.get_untracked().is_some_and(|root| !root.contains(Some(&to))) {
        open.set(false);
    }
}

fn focus_by(root: NodeRef<html::Div>, step: i32) {
    let Some(root) = root.get_untracked() else { return };
    let root: &Element = root.as_ref();
    let Ok(items) = root.query_selector_all("[role^=menuitem]") else { return };
    let count = items.length() as i32;
    let active = document().active_element();
    let at = (0..count).find(|i| {
        let item = items.item(*i as u32).and_then(|n| n.dyn_into::<web_sys::Element>().ok());
        item.is_some() && item == active
    });
    let next = match at {
        Some(at) => (at + step).rem_euclid(count.max(1)),
        None if step > 0 => 0,
        None => count - 1,
    };
    if let Some(item) = items.item(next.max(0) as u32).and_then(|n| n.dyn_into::<HtmlElement>().ok()) {
        let _ = item.focus();
    }
}
