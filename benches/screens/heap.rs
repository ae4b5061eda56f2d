//! The heap over a long time of use: list, record, board, palette and search, again and again.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::Line;
use crate::driver::{Browser, CONTROL, ESCAPE};
use crate::harness::Server;
use crate::probe::{devtools, pause};

/// Before this many rounds what is kept for good (pages of lists, fonts) is still being filled.
const WARM: usize = 5;

pub fn measure(browser: &Browser, server: &Server, minutes: u64) -> Vec<Line> {
    browser.open(&server.url("/"));
    there(browser, "[data-testid=home]");
    let started = Instant::now();
    let (mut rounds, mut samples) = (0, Vec::new());
    let mut next = Duration::ZERO;
    while started.elapsed() < Duration::from_secs(minutes * 60) {
        round(browser, rounds);
        rounds += 1;
        if rounds >= WARM && started.elapsed() >= next {
            samples.push(sample(browser));
            println!(
                "after {:.1} min, {rounds} rounds: {}",
                started.elapsed().as_secs_f64() / 60.0,
                samples[samples.len() - 1]
            );
            next = started.elapsed() + Duration::from_secs(60);
        }
    }
    let at = |of: &str, n: usize| samples[n][of].as_f64().unwrap_or(f64::NAN);
    let last = samples.len() - 1;
    let grown = |of: &str, unit: f64| format!("{:.1} -> {:.1}", at(of, 0) / unit, at(of, last) / unit);
    vec![(
        format!(
            "heap over {minutes} min, {rounds} rounds of list, record, board, palette, search: WASM MB, JavaScript MB, nodes"
        ),
        format!("{}, {}, {}", grown("wasm", 1e6), grown("js", 1e6), grown("nodes", 1.0)),
        "no trend",
    )]
}

fn round(browser: &Browser, turn: usize) {
    for path in ["/o/contact?sort=name", "/o/contact?sort=-updatedAt", "/o/company"] {
        browser.go_to(path);
        there(browser, "[data-testid=records] tr[data-id]");
        browser.script(&format!("document.querySelector('.vscroll').scrollTop = {}", 5_000 + turn * 731 % 90_000));
        pause(250);
        browser.until("rows", "return !!document.querySelector('[data-testid=records] tr[data-id] a')");
        browser.script("document.querySelector('[data-testid=records] tr[data-id] a').click()");
        there(browser, "[data-testid=record-title]");
        pause(250);
    }
    browser.go_to("/o/deal?view=board");
    there(browser, ".board-card a");
    pause(300);
    browser.chord(&[CONTROL], "k");
    browser.until("the palette", "return document.activeElement.id === 'palette-input'");
    browser.keys("garci");
    pause(300);
    browser.keys(ESCAPE);
    browser.keys(ESCAPE);
    browser.go_to("/search?q=nowak");
    pause(300);
    browser.go_to("/");
    there(browser, "[data-testid=home]");
}

/// Waits without asking the driver for the element: it would hold it, and all of its page, for good.
fn there(browser: &Browser, css: &str) {
    browser.until(css, &format!("return document.querySelector('{css}') !== null"));
}

/// Bytes of the WASM memory and of the JavaScript heap, and nodes alive, after the garbage was collected.
fn sample(browser: &Browser) -> Json {
    devtools(browser, "HeapProfiler.collectGarbage", json!({}));
    let prototype = devtools(browser, "Runtime.evaluate", json!({"expression": "WebAssembly.Memory.prototype"}));
    let found =
        devtools(browser, "Runtime.queryObjects", json!({"prototypeObjectId": prototype["result"]["objectId"]}));
    let size = "function() { return this.reduce((sum, memory) => sum + memory.buffer.byteLength, 0) }";
    let wasm = devtools(
        browser,
        "Runtime.callFunctionOn",
        json!({"objectId": found["objects"]["objectId"], "functionDeclaration": size, "returnByValue": true}),
    );
    devtools(browser, "Performance.enable", json!({}));
    let metrics = devtools(browser, "Performance.getMetrics", json!({}));
    let metric = |name: &str| {
        let all = metrics["metrics"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().find(|m| m["name"] == name).map_or(Json::Null, |m| m["value"].clone())
    };
    json!({"wasm": wasm["result"]["value"], "js": metric("JSHeapUsedSize"), "nodes": metric("Nodes")})
}
