//! Calling a request off when its page is gone, and waiting.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal};

/// Calls off the requests that carry its signal. Clones share the same switch.
#[derive(Clone)]
pub struct Abort {
    off: Rc<Cell<bool>>,
    controller: Option<AbortController>,
}

impl Abort {
    pub fn new() -> Abort {
        Abort { off: Rc::new(Cell::new(false)), controller: AbortController::new().ok() }
    }

    pub fn cancel(&self) {
        self.off.set(true);
        if let Some(controller) = &self.controller {
            controller.abort();
        }
    }

    pub fn is_off(&self) -> bool {
        self.off.get()
    }

    pub fn signal(&self) -> Option<AbortSignal> {
        self.controller.as_ref().map(AbortController::signal)
    }
}

/// Waits for some milliseconds.
pub async fn pause(millis: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        if let Some(window) = web_sys::window() {
            let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, millis);
        }
    });
    let _: Result<JsValue, JsValue> = JsFuture::from(promise).await;
}
