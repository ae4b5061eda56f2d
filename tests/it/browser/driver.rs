//! A small WebDriver client (W3C WebDriver, chromedriver of Debian) over plain sockets to loopback.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value as Json, json};

const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
pub const TAB: &str = "\u{e004}";
pub const ENTER: &str = "\u{e007}";
pub const ESCAPE: &str = "\u{e00c}";
pub const CONTROL: &str = "\u{e009}";
pub const ALT: &str = "\u{e00a}";
pub const SHIFT: &str = "\u{e008}";
pub const UP: &str = "\u{e013}";
pub const RIGHT: &str = "\u{e014}";
pub const DOWN: &str = "\u{e015}";
/// Long enough for a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(60);

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
            "goog:chromeOptions": {"args": ["--headless=new", "--force-prefers-reduced-motion", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
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

    /// Opens another tab, goes to it, and names it.
    pub fn new_tab(&self) -> String {
        let tab = self.post("/window/new", json!({"type": "tab"}))["handle"].as_str().unwrap_or_default().to_owned();
        self.switch_to(&tab);
        tab
    }

    /// The tab that commands go to.
    pub fn tab(&self) -> String {
        self.get("/window").as_str().unwrap_or_default().to_owned()
    }

    pub fn switch_to(&self, tab: &str) {
        self.post("/window", json!({"handle": tab}));
    }

    pub fn close_tab(&self) {
        call("DELETE", &format!("{}/window", self.session), None).expect("the tab closes");
    }

    /// Takes the network away from the browser, or gives it back.
    pub fn set_offline(&self, offline: bool) {
        let through = if offline { 0 } else { -1 };
        let conditions =
            json!({"offline": offline, "latency": 0, "download_throughput": through, "upload_throughput": through});
        self.post("/chromium/network_conditions", json!({"network_conditions": conditions}));
    }

    /// Goes to another page of the app without loading it again.
    pub fn go_to(&self, path: &str) {
        // The page that was there is gone after the second frame.
        self.script_later(&format!(
            "const done = arguments[0]; history.pushState(null, '', {}); dispatchEvent(new PopStateEvent('popstate')); requestAnimationFrame(() => requestAnimationFrame(() => done(true)))",
            json!(path)
        ));
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

    /// Presses keys one after another, where the focus is; `held` stays down meanwhile.
    pub fn chord(&self, held: &[&str], keys: &str) {
        let press = |key: &str| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})];
        let mut actions: Vec<Json> = held.iter().map(|key| json!({"type": "keyDown", "value": key})).collect();
        actions.extend(keys.chars().flat_map(|c| press(&c.to_string())));
        actions.extend(held.iter().rev().map(|key| json!({"type": "keyUp", "value": key})));
        self.post("/actions", json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}));
    }

    pub fn keys(&self, keys: &str) {
        self.chord(&[], keys);
    }

    /// Carries one element onto another with the mouse, as a person does: press, a few moves, release.
    pub fn drag(&self, from: &Element<'_>, to: &Element<'_>) {
        let at = |element: &Element<'_>, millis: u32| json!({"type": "pointerMove", "duration": millis, "x": 0, "y": 0, "origin": {ELEMENT: element.path.trim_start_matches("/element/")}});
        let near = json!({"type": "pointerMove", "duration": 60, "x": 12, "y": 6, "origin": "pointer"});
        let actions = json!([at(from, 0), {"type": "pointerDown", "button": 0}, near, at(to, 150), near, {"type": "pointerUp", "button": 0}]);
        self.post("/actions", json!({"actions": [{"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}]}));
    }

    /// What has the focus: its role and its name, as assistive technology hears them.
    pub fn focus(&self) -> (String, String) {
        let active = self.get("/element/active");
        let path = format!("/element/{}", active[ELEMENT].as_str().unwrap_or_default());
        Element { browser: self, way: ("css selector", ":focus".to_owned()), path }.spoken()
    }

    /// Presses Tab until what has the focus has this name; for when the way there is not the point.
    pub fn tab_to(&self, name: &str) {
        let (mut seen, started) = (Vec::new(), Instant::now());
        while seen.len() < 80 || started.elapsed() < PATIENCE {
            let (role, here) = self.focus();
            if here == name {
                return;
            }
            seen.push(format!("{role} {here}"));
            self.keys(TAB);
        }
        seen.truncate(80);
        panic!("Tab never came to {name:?} at {}; it went over {seen:#?}", self.url());
    }

    /// Waits until a script gives true; one that fails, because something is not there yet, is run again.
    pub fn until(&self, what: &str, code: &str) {
        let url = format!("{}/execute/sync", self.session);
        let is_true = || call("POST", &url, Some(&json!({"script": code, "args": []}))).is_ok_and(|got| got == true);
        self.wait(what, || is_true().then_some(()));
    }

    /// Runs JavaScript that ends by calling its last argument.
    pub fn script_later(&self, code: &str) -> Json {
        self.post("/execute/async", json!({"script": code, "args": []}))
    }

    /// Keeps a picture of the page as `screens/NAME.png` below the target directory.
    pub fn shot(&self, name: &str) {
        let screens =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from).join("screens");
        let picture = self.get("/screenshot");
        let bytes = BASE64_STANDARD.decode(picture.as_str().unwrap_or_default()).unwrap_or_default();
        let kept =
            std::fs::create_dir_all(&screens).and_then(|()| std::fs::write(screens.join(format!("{name}.png")), bytes));
        if let Err(error) = kept {
            eprintln!("{name}.png: {error}");
        }
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
                self.shot(&format!("failed-{}", std::process::id()));
                panic!("waited in vain for {what} at {}\n{}\n{:?}", self.url(), self.text(), self.severe_messages());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn find_now(&self, using: &'static str, value: &str) -> Option<Element<'_>> {
        self.elements(using, value).into_iter().find(Element::is_shown)
    }

    fn elements(&self, using: &'static str, value: &str) -> Vec<Element<'_>> {
        let url = format!("{}/elements", self.session);
        let found = call("POST", &url, Some(&json!({"using": using, "value": value}))).unwrap_or_default();
        let element = |e: &Json| {
            let path = format!("/element/{}", e[ELEMENT].as_str()?);
            Some(Element { browser: self, way: (using, value.to_owned()), path })
        };
        found.as_array().into_iter().flatten().filter_map(element).collect()
    }

    fn get(&self, path: &str) -> Json {
        call("GET", &format!("{}{path}", self.session), None).unwrap_or_default()
    }

    /// A command of the session, by its path.
    pub fn post(&self, path: &str, body: Json) -> Json {
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
    /// how it was found: a page that is drawn anew has another one in its place
    way: (&'static str, String),
    path: String,
}

impl Element<'_> {
    pub fn click(&self) {
        self.act("POST", "click", Some(&json!({})));
    }

    pub fn clear(&self) -> &Self {
        self.act("POST", "clear", Some(&json!({})));
        self
    }

    pub fn type_text(&self, text: &str) -> &Self {
        self.act("POST", "value", Some(&json!({"text": text})));
        self
    }

    pub fn text(&self) -> String {
        self.act("GET", "text", None).as_str().unwrap_or_default().to_owned()
    }

    /// Role and name in the accessibility tree.
    pub fn spoken(&self) -> (String, String) {
        let part = |part: &str| self.act("GET", part, None).as_str().unwrap_or_default().to_owned();
        (part("computedrole"), part("computedlabel"))
    }

    /// Runs a command of the element once it can be done: not while something lies over it, and with what stands in its
    /// place when it has been drawn anew.
    fn act(&self, method: &str, command: &str, body: Option<&Json>) -> Json {
        let mut path = self.path.clone();
        self.browser.wait(&format!("{command} at {}", self.way.1), || {
            let done = call(method, &format!("{}{path}/{command}", self.browser.session), body);
            if done.is_err()
                && let Some(there) = self.browser.find_now(self.way.0, &self.way.1)
            {
                path = there.path;
            }
            done.ok()
        })
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
