//! What a panic leaves: a page that says so, offers to start again, and has a report to hand on, which goes nowhere by
//! itself. Built by hand, because the app itself is gone.

use std::panic::{self, PanicHookInfo};

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Element;

use crate::text::t;

/// Shows the reload page at the first panic, and writes every panic to the console.
pub fn install() {
    panic::set_hook(Box::new(|info| {
        web_sys::console::error_1(&JsValue::from_str(&info.to_string()));
        let _ = show(info);
    }));
}

fn show(info: &PanicHookInfo<'_>) -> Result<(), JsValue> {
    let missing = || JsValue::from_str("no document");
    let document = web_sys::window().and_then(|w| w.document()).ok_or_else(missing)?;
    let body = document.body().ok_or_else(missing)?;
    if document.get_element_by_id("stopped").is_some() {
        return Ok(());
    }
    let element = |tag: &str, class: &str, text: &str| -> Result<Element, JsValue> {
        let element = document.create_element(tag)?;
        element.set_class_name(class);
        element.set_text_content(Some(text));
        Ok(element)
    };
    let page = element("main", "stopped card", "")?;
    page.set_id("stopped");
    page.set_attribute("role", "alert")?;
    page.append_child(&element("h1", "", t("stopped.title"))?.into())?;
    page.append_child(&element("p", "", t("stopped.body"))?.into())?;
    let link = element("a", "button primary", t("stopped.reload"))?;
    let here = web_sys::window().and_then(|w| w.location().href().ok()).unwrap_or_else(|| "/".to_owned());
    link.set_attribute("href", &here)?;
    // Not a step inside the app, which is gone.
    link.set_attribute("rel", "external")?;
    page.append_child(&link.into())?;
    let window = web_sys::window().ok_or(JsValue::UNDEFINED)?;
    let agent = window.navigator().user_agent().unwrap_or_default();
    let report = format!("Aplomb {}\n{here}\n{agent}\n{info}", env!("CARGO_PKG_VERSION"));
    let copy = element("button", "button", t("stopped.copy"))?;
    let (copied, text) = (copy.clone(), report.clone());
    // Without a secure context there is no clipboard; the report is selected by hand.
    copy.toggle_attribute_with_force("hidden", !window.is_secure_context())?;
    let click = Closure::<dyn Fn()>::new(move || {
        let _ = window.navigator().clipboard().write_text(&text);
        copied.set_text_content(Some(t("kit.copied")));
    });
    copy.add_event_listener_with_callback("click", click.as_ref().unchecked_ref())?;
    // It lives as long as the page, which is all there is.
    click.forget();
    page.append_child(&copy.into())?;
    page.append_child(&element("pre", "stopped-detail", &report)?.into())?;
    body.set_text_content(None);
    body.append_child(&page.into())?;
    Ok(())
}
