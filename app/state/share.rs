//! What the tabs of one browser share: one of them leads and the others hear from it. Who leads is decided by a web lock,
//! which the browser takes from a tab that goes; what is said goes over a broadcast channel. It knows nothing of what is
//! said. Both need a secure context: without them every tab is on its own, and [`Share::join`] gives none.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortController, MessageEvent};

#[wasm_bindgen]
extern "C" {
    type BroadcastChannel;
    #[wasm_bindgen(constructor, catch)]
    fn new(name: &str) -> Result<BroadcastChannel, JsValue>;
    #[wasm_bindgen(method, catch, js_name = postMessage)]
    fn post(this: &BroadcastChannel, text: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, setter = onmessage)]
    fn set_onmessage(this: &BroadcastChannel, then: &JsValue);
    #[wasm_bindgen(method)]
    fn close(this: &BroadcastChannel);
    #[wasm_bindgen(catch, js_namespace = ["navigator", "locks"], js_name = request)]
    fn request_lock(name: &str, options: &JsValue, then: &Function) -> Result<Promise, JsValue>;
}

pub struct Share {
    channel: BroadcastChannel,
    asking: Option<AbortController>,
    /// ends the leadership
    release: Rc<RefCell<Option<Function>>>,
    _on_text: Closure<dyn FnMut(MessageEvent)>,
    _on_lead: Closure<dyn FnMut() -> Promise>,
    _on_end: Closure<dyn FnMut(JsValue)>,
}

impl Share {
    /// `hear` is called with what other tabs say, `lead` once, when this tab is the one that leads.
    pub fn join(name: &str, hear: impl Fn(&str) + 'static, lead: impl Fn() + 'static) -> Option<Share> {
        let channel = BroadcastChannel::new(name).ok()?;
        let on_text = Closure::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                hear(&text);
            }
        });
        channel.set_onmessage(on_text.as_ref());
        let release = Rc::new(RefCell::new(None));
        let held = release.clone();
        let on_lead: Closure<dyn FnMut() -> Promise> = Closure::new(move || {
            let promise = Promise::new(&mut |resolve, _| drop(held.replace(Some(resolve))));
            lead();
            promise
        });
        // The request is called off with the page; that is no error.
        let on_end: Closure<dyn FnMut(JsValue)> = Closure::new(|_| ());
        let asking = AbortController::new().ok();
        let options = Object::new();
        if let Some(asking) = &asking {
            Reflect::set(&options, &"signal".into(), &asking.signal()).ok()?;
        }
        let asked = request_lock(name, &options, on_lead.as_ref().unchecked_ref()).ok();
        let Some(asked) = asked else {
            channel.close();
            return None;
        };
        let _ = asked.catch(&on_end);
        Some(Share { channel, asking, release, _on_text: on_text, _on_lead: on_lead, _on_end: on_end })
    }

    pub fn say(&self, text: &str) {
        let _ = self.channel.post(text);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.channel.set_onmessage(&JsValue::NULL);
        self.channel.close();
        match self.release.take() {
            Some(release) => drop(release.call0(&JsValue::NULL)),
            None => self.asking.iter().for_each(AbortController::abort),
        }
    }
}
