//! A small WebDriver client (W3C WebDriver, chromedriver of Debian) over plain sockets to loopback.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Browser {
    driver: Child,
    session: String,
}

impl Browser {
    /// Starts chromedriver on a free port and a headless Chromium of the given size.
    pub fn start(width: u32, height: u32) -> Browser {
        let port = crate::harness::free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed (deploy/test installs it)");
        let mut browser = Browser { driver, session: String::new() };
        let base = format!("http://127.0.0.1:{port}");
        let options = json!({"capabilities": {"alwaysMatch": {
            "acceptInsecureCerts": true,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "goog:chromeOptions": {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                format!("--window-size={width},{height}")]}}}});
        let started = Instant::now();
        loop {
            if let Ok(answer) = call("POST", &format!("{base}/session"), Some(&options)) {
                let id = answer["sessionId"].as_str().expect("a session id").to_owned();
                browser.session = format!("{base}/session/{id}");
                return browser;
            }
            assert!(started.elapsed() < PATIENCE, "chromedriver does not answer");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub fn open(&self, url: &str) {
        self.post("/url", json!({"url": url}));
    }

    pub fn url(&self) -> String {
        self.get("/url").as_str().unwrap_or_default().to_owned()
    }

    /// Runs JavaScript and gives what it returns.
    pub fn script(&self, code: &str) -> Json {
        self.post("/execute/sync", json!({"script": code, "args": []}))
    }

    /// Waits until an element is there and shown.
    pub fn find(&self, css: &str) -> Element<'_> {
        self.wait(&format!("an element {css}"), || self.find_now("css selector", css))
    }

    /// Waits for an element that may be out of sight, such as a styled file input.
    pub fn hidden(&self, css: &str) -> Element<'_> {
        self.wait(&format!("an element {css}"), || self.elements("css selector", css).into_iter().next())
    }

    /// Waits for a control by its text or accessible name: a button, a link, a tab.
    pub fn control(&self, name: &str) -> Element<'_> {
        let x = format!(
            "//*[self::button or self::a or @role='button' or @role='tab' or @role='menuitem' or self::summary]\
             [normalize-space(.)='{name}' or @aria-label='{name}']"
        );
        self.wait(&format!("a control named {name}"), || self.find_now("xpath", &x))
    }

    /// Waits until the page shows a text.
    pub fn sees(&self, text: &str) {
        self.wait(&format!("the text {text:?}"), || self.text().contains(text).then_some(()));
    }

    pub fn text(&self) -> String {
        self.script("return document.body ? document.body.innerText : ''").as_str().unwrap_or_default().to_owned()
    }

    /// Everything the console said at level SEVERE.
    pub fn severe_messages(&self) -> Vec<String> {
        let log = self.post("/se/log", json!({"type": "browser"}));
        let severe = |e: &&Json| e["level"] == "SEVERE";
        let entries = log.as_array().map(Vec::as_slice).unwrap_or_default();
        entries.iter().filter(severe).filter_map(|e| e["message"].as_str().map(str::to_owned)).collect()
    }

    /// URLs of every request so far.
    pub fn requests(&self) -> Vec<String> {
        let log = self.post("/se/log", json!({"type": "performance"}));
        let entries = log.as_array().map(Vec::as_slice).unwrap_or_default();
        let message = |e: &Json| serde_json::from_str::<Json>(e["message"].as_str()?).ok();
        let url = |m: Json| {
            let sent = m["message"]["method"] == "Network.requestWillBeSent";
            sent.then(|| m["message"]["params"]["request"]["url"].as_str().map(str::to_owned)).flatten()
        };
        entries.iter().filter_map(message).filter_map(url).collect()
    }

    fn wait<T>(&self, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(found) = probe() {
                return found;
            }
            if started.elapsed() > PATIENCE {
                panic!("waited in vain for {what} at {}\n{}\n{:?}", self.url(), self.text(), self.severe_messages());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn find_now(&self, using: &str, value: &str) -> Option<Element<'_>> {
        self.elements(using, value).into_iter().find(Element::is_shown)
    }

    fn elements(&self, using: &str, value: &str) -> Vec<Element<'_>> {
        let url = format!("{}/elements", self.session);
        let found = call("POST", &url, Some(&json!({"using": using, "value": value}))).unwrap_or_default();
        let element = |e: &Json| Some(Element { browser: self, path: format!("/element/{}", e[ELEMENT].as_str()?) });
        found.as_array().into_iter().flatten().filter_map(element).collect()
    }

    fn get(&self, path: &str) -> Json {
        call("GET", &format!("{}{path}", self.session), None).unwrap_or_default()
    }

    fn post(&self, path: &str, body: Json) -> Json {
        call("POST", &format!("{}{path}", self.session), Some(&body)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = call("DELETE", &self.session, None);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

pub struct Element<'b> {
    browser: &'b Browser,
    path: String,
}

impl Element<'_> {
    pub fn click(&self) {
        self.browser.post(&format!("{}/click", self.path), json!({}));
    }

    pub fn clear(&self) -> &Self {
        self.browser.post(&format!("{}/clear", self.path), json!({}));
        self
    }

    pub fn type_text(&self, text: &str) -> &Self {
        self.browser.post(&format!("{}/value", self.path), json!({"text": text}));
        self
    }

    pub fn text(&self) -> String {
        self.browser.get(&format!("{}/text", self.path)).as_str().unwrap_or_default().to_owned()
    }

    fn is_shown(&self) -> bool {
        self.browser.get(&format!("{}/displayed", self.path)) == true
    }
}

fn call(method: &str, url: &str, body: Option<&Json>) -> Result<Json, String> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
    let answer = match (method, body) {
        ("POST", Some(body)) => agent.post(url).send_json(body),
        ("DELETE", _) => agent.delete(url).call(),
        _ => agent.get(url).call(),
    };
    let json: Json = answer.map_err(|e| e.to_string())?.body_mut().read_json().map_err(|e| e.to_string())?;
    match json["value"].get("error") {
        Some(error) => Err(format!("{error}: {}", json["value"]["message"])),
        None => Ok(json["value"].clone()),
    }
}
