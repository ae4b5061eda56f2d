//! The script that measures inside the page, and the statistics of what it found.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::driver::Browser;

pub const SCRIPT: &str = include_str!("probe.js");
const PATIENCE: Duration = Duration::from_secs(20);

/// Milliseconds from the last event of these kinds (and key, unless that is empty) to the paint after `until` holds.
pub fn timed(browser: &Browser, kinds: &[&str], key: &str, until: &str, act: impl FnOnce()) -> f64 {
    let kinds = json!(kinds);
    browser.script(&format!("{SCRIPT}; probe.arm({kinds}, {key:?}, () => {{ {until} }})"));
    act();
    let started = Instant::now();
    loop {
        if let Some(millis) = browser.script("return probe.millis()").as_f64() {
            return millis;
        }
        assert!(started.elapsed() < PATIENCE, "never came: {until}\n{}", browser.text());
        pause(20);
    }
}

/// Presses the mouse at a place of the window, `[x, y]` in CSS pixels.
pub fn click_at(browser: &Browser, place: &Json) {
    let whole = |at: usize| place[at].as_f64().map(f64::round);
    let to = json!({"type": "pointerMove", "duration": 0, "x": whole(0), "y": whole(1)});
    let actions = json!([to, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]);
    let mouse = json!({"pointerType": "mouse"});
    browser.post(
        "/actions",
        json!({"actions": [{"type": "pointer", "id": "mouse", "parameters": mouse, "actions": actions}]}),
    );
}

/// One command of the DevTools protocol.
pub fn devtools(browser: &Browser, command: &str, parameters: Json) -> Json {
    browser.post("/goog/cdp/execute", json!({"cmd": command, "params": parameters}))
}

pub fn pause(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

/// The p-th percentile, nearest rank.
pub fn percentile(values: &mut [f64], p: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (p / 100.0 * values.len() as f64).ceil() as usize;
    values.get(rank.max(1) - 1).copied().unwrap_or(f64::NAN)
}

/// `p50 / p95 / longest`, in milliseconds.
pub fn summary(mut values: Vec<f64>) -> String {
    let p = |values: &mut Vec<f64>, p| percentile(values, p);
    format!("{:.0} / {:.0} / {:.0} ms", p(&mut values, 50.0), p(&mut values, 95.0), p(&mut values, 100.0))
}
