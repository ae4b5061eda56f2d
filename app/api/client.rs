//! One request: method, path, query, body, headers; one answer. Adds the CSRF token, an idempotency key for POST, and
//! `after` for lists, so that a list shows what this browser has just written. What got lost on the way is sent again
//! where that cannot do anything twice: reads, and POST under the same key.

use std::cell::{Cell, RefCell};

use leptos::prelude::{ArcRwSignal, Update};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{FormData, Headers, Request, RequestCredentials, RequestInit, Response};

use super::{Abort, Failure, Result, pause};

const ROOT: &str = "/api/v1";
/// Milliseconds before a lost request is sent again.
const AGAIN_AFTER: [i32; 3] = [300, 1_000, 2_500];

/// Milliseconds between the attempts of a write that waits, and how many of them.
const PATIENT_STEP: i32 = 2_000;
const PATIENCE: u32 = 450;

/// Told of every refusal that is about the session and not about the request.
type Refusal = Box<dyn Fn(&Failure)>;

thread_local! {
    static CSRF: RefCell<String> = const { RefCell::new(String::new()) };
    static WRITTEN: Cell<u64> = const { Cell::new(0) };
    static REFUSED: RefCell<Option<Refusal>> = const { RefCell::new(None) };
    static WAITING: ArcRwSignal<u32> = crate::state::lasting(ArcRwSignal::new(0));
}

/// How many writes wait until the server can be reached again.
pub fn waiting() -> ArcRwSignal<u32> {
    WAITING.with(Clone::clone)
}

/// The token that every writing request carries.
pub fn set_csrf(token: &str) {
    CSRF.with_borrow_mut(|held| token.clone_into(held));
}

/// Lists show at least what was written up to this position of the log.
pub fn note_written(seq: u64) {
    WRITTEN.set(WRITTEN.get().max(seq));
}

/// Calls `then` whenever the server says that nobody is logged in, or that it is sealed.
pub fn when_refused(then: impl Fn(&Failure) + 'static) {
    REFUSED.with_borrow_mut(|held| *held = Some(Box::new(then)));
}

pub struct Call {
    method: &'static str,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Body,
    headers: Vec<(&'static str, String)>,
    abort: Option<Abort>,
    quiet: bool,
    /// may be sent twice whatever its method
    harmless: bool,
    /// below the root of the server, not of the API
    outside: bool,
    /// how many times to try again while the server cannot be reached
    patience: u32,
}

enum Body {
    None,
    Json(Json),
    Form(FormData),
}

/// An answer with a status below 400.
pub struct Answer {
    pub json: Json,
}

impl Call {
    fn new(method: &'static str, path: impl Into<String>) -> Call {
        let path = path.into();
        Call {
            method,
            path,
            query: Vec::new(),
            body: Body::None,
            headers: Vec::new(),
            abort: None,
            quiet: false,
            harmless: method == "GET",
            outside: false,
            patience: 0,
        }
    }

    pub fn get(path: impl Into<String>) -> Call {
        Call::new("GET", path)
    }

    pub fn post(path: impl Into<String>, body: Json) -> Call {
        Call { body: Body::Json(body), ..Call::new("POST", path) }.header("idempotency-key", key())
    }

    /// A POST that does no harm twice and leaves nothing to be remembered.
    pub fn tell(path: impl Into<String>, body: Json) -> Call {
        Call { body: Body::Json(body), harmless: true, ..Call::new("POST", path) }
    }

    pub fn upload(path: impl Into<String>, form: FormData) -> Call {
        Call { body: Body::Form(form), ..Call::new("POST", path) }
    }

    pub fn patch(path: impl Into<String>, body: Json) -> Call {
        Call { body: Body::Json(body), ..Call::new("PATCH", path) }
    }

    pub fn delete(path: impl Into<String>) -> Call {
        Call::new("DELETE", path)
    }

    /// Adds a parameter unless its value is empty.
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Call {
        let value = value.into();
        if !value.is_empty() {
            self.query.push((name, value));
        }
        self
    }

    /// Shows at least what this browser has written.
    pub fn after_writes(self) -> Call {
        let seq = WRITTEN.get();
        if seq == 0 { self } else { self.query("after", seq.to_string()) }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Call {
        self.headers.push((name, value.into()));
        self
    }

    /// Only when the record still has this version.
    pub fn if_version(self, version: u32) -> Call {
        self.header("if-match", format!("\"{version}\""))
    }

    pub fn abort(mut self, abort: &Abort) -> Call {
        self.abort = Some(abort.clone());
        self
    }

    /// Asks for what lies beside the API: health and readiness.
    pub fn outside(mut self) -> Call {
        self.outside = true;
        self
    }

    /// Waits for the server for minutes when it cannot be reached.
    pub fn patient(mut self) -> Call {
        self.patience = PATIENCE;
        self
    }

    /// Does not send the user to the log-in page when refused.
    pub fn quiet(mut self) -> Call {
        self.quiet = true;
        self
    }

    /// Whether sending it twice does what sending it once does.
    fn may_repeat(&self) -> bool {
        self.harmless || self.headers.iter().any(|(name, _)| *name == "idempotency-key")
    }

    fn url(&self) -> String {
        let root = if self.outside { "" } else { ROOT };
        let mut url = format!("{root}{}", self.path);
        for (at, (name, value)) in self.query.iter().enumerate() {
            url.push(if at == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            url.push_str(&String::from(js_sys::encode_uri_component(value)));
        }
        url
    }

    fn request(&self) -> Result<Request, JsValue> {
        let headers = Headers::new()?;
        headers.set("accept", "application/json")?;
        if self.method != "GET" {
            CSRF.with_borrow(|token| headers.set("x-csrf-token", token))?;
        }
        for (name, value) in &self.headers {
            headers.set(name, value)?;
        }
        let init = RequestInit::new();
        init.set_method(self.method);
        init.set_credentials(RequestCredentials::SameOrigin);
        match &self.body {
            Body::None => {}
            Body::Json(json) => {
                headers.set("content-type", "application/json")?;
                init.set_body(&JsValue::from_str(&json.to_string()));
            }
            Body::Form(form) => init.set_body(form),
        }
        init.set_headers(&headers);
        if let Some(signal) = self.abort.as_ref().and_then(Abort::signal) {
            init.set_signal(Some(&signal));
        }
        Request::new_with_str_and_init(&self.url(), &init)
    }

    pub async fn send(self) -> Result<Answer> {
        let is_off = || self.abort.as_ref().is_some_and(Abort::is_off);
        let mut result = self.fetch().await;
        let mut repeated = false;
        for millis in AGAIN_AFTER {
            // A repeated POST meets itself while the first is still being worked on.
            let lost = |failure: &Failure| failure.is("network") || (repeated && failure.is("conflict"));
            if !result.as_ref().is_err_and(lost) || is_off() || !self.may_repeat() {
                break;
            }
            pause(millis).await;
            repeated = true;
            result = self.fetch().await;
        }
        // A change of a record waits for the server: with its version it cannot be done twice unnoticed.
        if self.patience > 0 && result.as_ref().is_err_and(|failure| failure.is("network")) {
            waiting().update(|n| *n += 1);
            for _ in 0..self.patience {
                pause(PATIENT_STEP).await;
                result = self.fetch().await;
                if is_off() || !result.as_ref().is_err_and(|failure| failure.is("network")) {
                    break;
                }
            }
            waiting().update(|n| *n -= 1);
        }
        if is_off() {
            return Err(Failure::aborted());
        }
        if let (Err(failure), false) = (&result, self.quiet)
            && (failure.is("unauthenticated") || failure.is("sealed"))
        {
            REFUSED.with_borrow(|then| then.iter().for_each(|then| then(failure)));
        }
        result
    }

    async fn fetch(&self) -> Result<Answer> {
        let lost = |_: JsValue| Failure::network();
        let window = web_sys::window().ok_or_else(Failure::network)?;
        let request = self.request().map_err(lost)?;
        let response = JsFuture::from(window.fetch_with_request(&request)).await.map_err(lost)?;
        let response: Response = response.dyn_into().map_err(lost)?;
        // As bytes: a string from JavaScript would take three times its room while it comes over.
        let buffer = JsFuture::from(response.array_buffer().map_err(lost)?).await.map_err(lost)?;
        let body = js_sys::Uint8Array::new(&buffer).to_vec();
        let status = response.status();
        if status >= 400 {
            return Err(Failure::from_answer(status, &String::from_utf8_lossy(&body)));
        }
        if let Some(seq) = response.headers().get("x-aplomb-seq").ok().flatten().and_then(|s| s.parse().ok()) {
            note_written(seq);
        }
        let json = if body.is_empty() { Json::Null } else { read(&body)? };
        Ok(Answer { json })
    }

    /// Sends, and reads the answer as a `T`.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let answer = self.send().await?;
        serde_json::from_value(answer.json).map_err(|e| Failure::unreadable(&e.to_string()))
    }

    /// Sends, and forgets the answer.
    pub async fn done(self) -> Result<()> {
        self.send().await.map(|_| ())
    }
}

fn read(body: &[u8]) -> Result<Json> {
    serde_json::from_slice(body).map_err(|e| Failure::unreadable(&e.to_string()))
}

/// 106 random bits: the same key must never go out twice, nothing more depends on it.
fn key() -> String {
    let part = || (js_sys::Math::random() * 9_007_199_254_740_992.0) as u64;
    format!("{:014x}{:014x}", part(), part())
}
