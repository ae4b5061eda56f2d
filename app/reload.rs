//! What a panic leaves: a page that says so and offers to start again. Built by hand, because the app itself is gone.

use std::panic::{self, PanicHookInfo};

use wasm_bindgen::JsValue;
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
    page.append_child(&link.into())?;
    page.append_child(&element("pre", "stopped-detail", &info.to_string())?.into())?;
    body.set_text_content(None);
    body.append_child(&page.into())?;
    Ok(())
}
