//! What stays blank while a list is scrolled.

use serde_json::json;

use crate::Line;
use crate::driver::{Browser, CONTROL};
use crate::harness::Server;
use crate::probe::{SCRIPT, pause};

const END: &str = "\u{e010}";
const HOME: &str = "\u{e011}";

pub fn measure(browser: &Browser, server: &Server) -> Vec<Line> {
    let mut lines = Vec::new();
    for (object, path) in [("by time", "/o/contact?sort=-updatedAt"), ("by name", "/o/contact?sort=name")] {
        let mut add = |how: &str, act: &dyn Fn()| {
            browser.open(&server.url(path));
            browser.find("[data-testid=records] tr[data-id]");
            pause(1_500);
            browser.script(&format!("{SCRIPT}; probe.watchRows()"));
            act();
            pause(1_500);
            let longest = browser.script("return probe.longest").as_f64().unwrap_or(f64::NAN);
            let line = (format!("longest blank row, sorted {object}, {how}"), format!("{longest:.0} ms"), "150 ms");
            println!("{}: {}", line.0, line.1);
            lines.push(line);
        };
        add("wheel, 60 notches", &|| wheel(browser));
        add("thumb drawn to ten places", &|| thumb(browser));
        add("Ctrl+End and Ctrl+Home", &|| ends(browser));
    }
    lines
}

fn wheel(browser: &Browser) {
    let notch =
        json!({"type": "scroll", "x": 700, "y": 500, "deltaX": 0, "deltaY": 360, "duration": 40, "origin": "viewport"});
    for _ in 0..6 {
        browser.post(
            "/actions",
            json!({"actions": [{"type": "wheel", "id": "wheel", "actions": vec![notch.clone(); 10]}]}),
        );
    }
}

/// Draws the thumb in steps of a frame, as a hand does, and rests at each of ten places.
fn thumb(browser: &Browser) {
    for place in 1..=10 {
        let aim = f64::from(place * 37 % 100) / 100.0;
        browser.script_later(&format!(
            "const done = arguments[arguments.length - 1], box = document.querySelector('.vscroll'); \
             const from = box.scrollTop, to = (box.scrollHeight - box.clientHeight) * {aim}; let step = 0; \
             const move = () => {{ box.scrollTop = from + (to - from) * ++step / 20; step < 20 ? requestAnimationFrame(move) : done() }}; \
             requestAnimationFrame(move)"
        ));
        pause(500);
    }
}

fn ends(browser: &Browser) {
    browser.script("document.querySelector('[data-testid=records]').focus()");
    for key in [END, HOME, END, HOME] {
        browser.chord(&[CONTROL], key);
        pause(700);
    }
}
