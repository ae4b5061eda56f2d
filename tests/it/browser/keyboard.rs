//! The walk without a mouse: list, cells, undo, record, board, palette, search, log-out. Each step asserts what assistive
//! technology hears.

use serde_json::json;

use super::driver::{ALT, Browser, CONTROL, DOWN, ENTER, ESCAPE, RIGHT, SHIFT, TAB, UP};
use super::{is_sound, leave_by_keys, make, stage};
use crate::harness::ADMIN;

#[test]
fn everything_is_done_by_keyboard_alone() {
    walk(1440);
}

#[test]
fn everything_is_done_by_keyboard_alone_on_a_narrow_screen() {
    walk(390);
}

fn walk(width: u32) {
    let (_home, server, client) = stage();
    let company = make(&client, "company", json!({"name": "Höhlenforschungsgesellschaft Südwestfalen"}));
    for (name, amount) in [("Alpha", "100.00"), ("Beta", "200.00"), ("Gamma", "300.00")] {
        make(
            &client,
            "deal",
            json!({"name": name, "amount": {"amount": amount, "currency": "EUR"}, "company": company, "stage": "qualification"}),
        );
    }
    let browser = Browser::start(width, 900);
    browser.open(&server.url("/"));
    browser.find("#email");
    browser.until("the focus in the e-mail box", "return document.activeElement.id === 'email'");
    browser.keys(ADMIN);
    browser.keys(TAB);
    browser.keys(crate::harness::PASSWORD);
    browser.keys(ENTER);
    browser.find("[data-testid=home]");
    // `g d` goes to the deals; Tab leads to the table.
    browser.keys("gd");
    browser.find("[data-testid=records] tbody tr[data-id]");
    browser.open(&server.url("/o/deal?sort=name"));
    browser.find("[data-testid=records] tbody tr[data-id]");
    browser.tab_to("Deals");
    while browser.focus().0 != "grid" {
        browser.keys(TAB);
        browser.tab_to("Deals");
    }
    cells(&browser);
    palette_and_search(&browser);
    board(&browser);
    leave_by_keys(&browser);
    is_sound(&browser);
}

/// Writes an amount, sees the next cell, takes it back, copies a cell over two others.
fn cells(browser: &Browser) {
    browser.keys(&format!("{DOWN}{RIGHT}{RIGHT}"));
    let under = "return document.querySelector('td.cursor')?.innerText ?? ''";
    browser.until("the amount under the cursor", "return document.querySelector('td.cursor')?.innerText === '€100.00'");
    browser.keys(ENTER);
    browser.until("an editor", "return document.activeElement.closest('.cell-editor') !== null");
    assert_eq!(browser.focus(), ("textbox".to_owned(), "Amount".to_owned()));
    browser.chord(&[CONTROL], "a");
    browser.keys("not money");
    browser.keys(ENTER);
    browser.until(
        "a refusal beside the cell",
        "return (document.querySelector('.cell-editor [role=alert]')?.innerText ?? '') !== ''",
    );
    browser.chord(&[CONTROL], "a");
    browser.keys("150.5");
    browser.keys(ENTER);
    browser.sees("€150.50");
    browser.sees("Amount of Alpha saved");
    assert_eq!(browser.script(under), "€200.00");
    assert_eq!(browser.focus().0, "grid");
    browser.chord(&[CONTROL], "z");
    browser.sees("€100.00");
    // Mark two cells and paste one over both.
    browser.chord(&[CONTROL], "c");
    browser.sees("1 row copied");
    browser.keys(UP);
    browser.chord(&[SHIFT], &DOWN.repeat(2));
    browser.chord(&[CONTROL], "v");
    browser.sees("3 cells written");
    browser.until(
        "three equal amounts",
        "return [...document.querySelectorAll('td.number')].filter(td => td.innerText === '€200.00').length === 3",
    );
    browser.chord(&[CONTROL], "z");
    browser.sees("€300.00");
    // `x` selects the rows of the range.
    browser.keys("x");
    browser.sees("3 selected");
    browser.keys(&ESCAPE.repeat(2));
    browser.chord(&[CONTROL], ENTER);
    browser.find("[data-testid=record-title]");
}

fn palette_and_search(browser: &Browser) {
    browser.chord(&[CONTROL], "k");
    browser.until("the palette", "return document.activeElement.id === 'palette-input'");
    assert_eq!(browser.focus().0, "combobox");
    browser.keys("hohlenforschung");
    browser.until("the company among the hits", "return [...document.querySelectorAll('#palette-list [role=option]')].some(o => o.innerText.includes('Höhlenforschung'))");
    browser.keys(ENTER);
    browser.until(
        "its page",
        "return document.querySelector('[data-testid=record-title]')?.innerText.startsWith('Höhlen')",
    );
    browser.keys("/");
    browser.until("the search box", "return document.activeElement.id === 'global-search'");
    browser.keys("gama");
    browser.find("#found [role=option]");
    browser.keys(ENTER);
    browser.sees("Gamma");
    browser.script("document.activeElement.blur()");
    browser.keys("?");
    browser.sees("Ctrl K");
    browser.keys(ESCAPE);
}

/// Alt with an arrow carries a card, and the message takes it back.
fn board(browser: &Browser) {
    let url = browser.url();
    let origin = url.split("/o/").next().and_then(|u| u.split("/search").next()).unwrap_or_default().to_owned();
    browser.open(&format!("{origin}/o/deal?view=board"));
    browser.find("[data-stage=qualification] .board-card a");
    browser.script("document.querySelector('[data-stage=qualification] .board-card a').focus()");
    browser.chord(&[ALT], RIGHT);
    browser.sees("Needs analysis");
    browser.until(
        "one card in the next lane",
        "return document.querySelectorAll('[data-stage=needsAnalysis] .board-card a').length === 1",
    );
    browser.find("[data-testid=toast] button.link");
    browser.script("document.activeElement.blur()");
    browser.chord(&[CONTROL], "z");
    browser.until(
        "three cards where they were",
        "return document.querySelectorAll('[data-stage=qualification] .board-card a').length === 3",
    );
}
