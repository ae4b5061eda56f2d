//! From the key press or click to the painted answer.

use crate::driver::{ALT, Browser, CONTROL, DOWN, ENTER, ESCAPE, RIGHT};
use crate::harness::Server;
use crate::probe::{click_at, pause, summary, timed};
use crate::{Line, probe};

const TIMES: usize = 30;
const ROWS: &str = "[data-testid=records] tr[data-id]";
/// Words that some of the generated contacts have.
const WORDS: [&str; 6] = ["müller", "garcia", "nowak", "tanaka", "o'brien", "virtanen"];

pub fn measure(browser: &Browser, server: &Server) -> Vec<Line> {
    let goal = "100 ms";
    let mut lines = Vec::new();
    let mut add = |what: &str, values: Vec<f64>| {
        let line = (format!("{what}; p50 / p95 / longest of {}", values.len()), summary(values), goal);
        println!("{}: {}", line.0, line.1);
        lines.push(line);
    };
    add("open a record", open_records(browser, server));
    add("sort a list", sorts(browser, server));
    add("filter a list", filters(browser, server));
    add("results of the palette", palette(browser, server));
    let (keys, mouse) = moves(browser, server);
    add("move a card by keyboard, board of 2,000", keys);
    add("drop a card, board of 2,000", mouse);
    lines
}

fn list(browser: &Browser, server: &Server, path: &str) {
    browser.open(&server.url(path));
    browser.find(ROWS);
    pause(600);
}

fn open_records(browser: &Browser, server: &Server) -> Vec<f64> {
    list(browser, server, "/o/contact?sort=-updatedAt");
    let drawn = "return !!document.querySelector('[data-testid=record-title]')?.innerText \
                 && document.querySelectorAll('[data-field]').length > 5";
    let one = |turn: usize| {
        browser.script("document.querySelector('[data-testid=records]').focus()");
        browser.keys(&DOWN.repeat(1 + turn % 7));
        let millis = timed(browser, &["keydown"], "Enter", drawn, || browser.chord(&[CONTROL], ENTER));
        pause(300);
        browser.script("history.back()");
        browser.find(ROWS);
        pause(400);
        millis
    };
    (0..TIMES).map(one).collect()
}

fn sorts(browser: &Browser, server: &Server) -> Vec<f64> {
    list(browser, server, "/o/contact");
    let heads = browser.script("return document.querySelectorAll('[data-testid=records] th[aria-colindex] button, [data-testid=records] th button').length");
    let heads = heads.as_u64().unwrap_or(1).max(1) as usize;
    let one = |turn: usize| {
        let before = browser.script(&format!("{}; return probe.first()", probe::SCRIPT));
        let until = format!("return probe.first() !== null && probe.first() !== {before}");
        let click = format!(
            "const b = document.querySelectorAll('[data-testid=records] th button')[{}]; \
             const r = b.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]",
            turn % heads.min(4)
        );
        let at = browser.script(&click);
        let millis = timed(browser, &["mouseup"], "", &until, || click_at(browser, &at));
        pause(250);
        millis
    };
    (0..TIMES).map(one).collect()
}

fn filters(browser: &Browser, server: &Server) -> Vec<f64> {
    let one = |turn: usize| {
        list(browser, server, "/o/contact?sort=-updatedAt");
        let before = browser.script(&format!("{}; return probe.first()", probe::SCRIPT));
        browser.control("Filter").click();
        browser.find("#filter-value-0").type_text(WORDS[turn % WORDS.len()]);
        let until = format!(
            "return !!document.querySelector('[data-testid=filter-chip]') && probe.first() !== null && probe.first() !== {before}"
        );
        timed(browser, &["keydown"], "Enter", &until, || browser.keys(ENTER))
    };
    (0..TIMES).map(one).collect()
}

fn palette(browser: &Browser, server: &Server) -> Vec<f64> {
    list(browser, server, "/o/contact");
    let one = |turn: usize| {
        browser.chord(&[CONTROL], "k");
        browser.until("the palette", "return document.activeElement.id === 'palette-input'");
        let word = WORDS[turn % WORDS.len()];
        let last = word.chars().last().map(String::from).unwrap_or_default();
        let until = format!(
            "const plain = text => text.normalize('NFKD').replace(/\\p{{M}}/gu, '').toLowerCase(); \
             return [...document.querySelectorAll('#palette-list [role=option]')].some(o => plain(o.innerText).includes(plain({word:?})))"
        );
        let millis = timed(browser, &["keydown"], &last, &until, || browser.keys(word));
        browser.keys(ESCAPE);
        browser.keys(ESCAPE);
        pause(200);
        millis
    };
    (0..TIMES).map(one).collect()
}

/// There and back between the first two lanes.
fn moves(browser: &Browser, server: &Server) -> (Vec<f64>, Vec<f64>) {
    browser.open(&server.url("/o/deal?view=board"));
    browser.find(".board-card a");
    pause(1_500);
    let lanes = browser.script("return [...document.querySelectorAll('[data-stage]')].map(l => l.dataset.stage)");
    let lane = |at: usize| lanes[at].as_str().unwrap_or_default().to_owned();
    let (from, to) = (lane(0), lane(1));
    let card = |stage: &str| format!("[data-stage={stage}] .board-card:has(a)");
    let (mut keys, mut mouse) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let href = href(browser, &card(&from));
        let there = format!("return !!document.querySelector('[data-stage={to}] .board-card a[href=\"{href}\"]')");
        browser.script(&format!("document.querySelector('[data-stage={from}] a[href=\"{href}\"]').focus()"));
        keys.push(timed(browser, &["keydown"], "ArrowRight", &there, || browser.chord(&[ALT], RIGHT)));
        pause(700);
        let href = self::href(browser, &card(&from));
        let there = format!("return !!document.querySelector('[data-stage={to}] .board-card a[href=\"{href}\"]')");
        let (lifted, lane) = (
            browser.find(&format!("[data-stage={from}] .board-card:has(a[href=\"{href}\"])")),
            browser.find(&format!("[data-stage={to}] .lane-cards")),
        );
        mouse.push(timed(browser, &["drop", "pointerup", "mouseup"], "", &there, || browser.drag(&lifted, &lane)));
        pause(700);
    }
    (keys, mouse)
}

fn href(browser: &Browser, card: &str) -> String {
    let href = browser.script(&format!("return document.querySelector('{card} a').getAttribute('href')"));
    href.as_str().expect("a card").to_owned()
}
