//! A first visit: bytes that are transferred before the app runs, and when its first page is drawn.

use serde_json::json;

use crate::driver::Browser;
use crate::harness::Server;
use crate::probe::devtools;
use crate::{Line, log_in, probe};

const VISITS: usize = 5;
/// Runs before the page's own scripts.
const WATCH: &str = "const look = () => document.querySelector('#email, [data-testid=home]')
    ? new Promise((done) => { const c = new MessageChannel(); c.port1.onmessage = () => { window.drawnAt = performance.now(); done(); }; c.port2.postMessage(0); })
    : requestAnimationFrame(look); requestAnimationFrame(look);";

pub fn measure(server: &Server) -> Vec<Line> {
    let (mut login, mut home, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..VISITS {
        let browser = Browser::start(1440, 900);
        devtools(&browser, "Page.enable", json!({}));
        devtools(&browser, "Page.addScriptToEvaluateOnNewDocument", json!({"source": WATCH}));
        browser.open(&server.url("/"));
        login.push(drawn(&browser));
        bytes = transferred(&browser);
        log_in(&browser, server);
        devtools(&browser, "Network.clearBrowserCache", json!({}));
        browser.open(&server.url("/"));
        home.push(drawn(&browser));
    }
    let kilobytes = format!("{:.0} KB", bytes as f64 / 1_000.0);
    vec![
        ("transferred before the first page runs (scripts, WASM, styles, fonts, icons)".into(), kilobytes, "800 KB"),
        ("first page drawn, cold cache: log-in; p50 / p95 / longest".into(), probe::summary(login), "1,500 ms"),
        ("first page drawn, cold cache: home; p50 / p95 / longest".into(), probe::summary(home), "1,500 ms"),
    ]
}

fn drawn(browser: &Browser) -> f64 {
    browser.until("the first page", "return window.drawnAt !== undefined");
    browser.script("return window.drawnAt").as_f64().expect("a time")
}

/// Compressed bytes of the page and everything it loaded that is no answer of the API.
fn transferred(browser: &Browser) -> u64 {
    probe::pause(500);
    let sum = browser.script(
        "return performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))
            .filter(e => !e.name.includes('/api/')).reduce((sum, e) => sum + e.encodedBodySize, 0)",
    );
    sum.as_u64().or(sum.as_f64().map(|n| n as u64)).unwrap_or_else(|| panic!("no sizes: {sum}"))
}
