//! The whole way of a new user without a mouse: wizard, import, list, edit, first deal, board, undo, palette, search,
//! log-out; wide and narrow, light and dark.

use super::driver::{ALT, Browser, CONTROL, DOWN, ENTER, RIGHT, TAB};
use super::{is_sound, leave_by_keys, mending};
use crate::harness::{ADMIN, Home, PASSWORD, Server};

const FILE: &str = "First name,Last name,Email,Job title\n\
    Ada,Lovelace,ada@example.org,Countess\n\
    Jürgen,Weißenböck-Donaudampfschifffahrt,juergen@donau.example,Kapitän 😀\n\
    مريم,الأسطرلابي,maryam@example.org,Astronomer\n";

#[test]
fn wide_and_light() {
    walk(1440, "light");
}

#[test]
fn wide_and_dark() {
    walk(1440, "dark");
}

#[test]
fn narrow_and_light() {
    walk(390, "light");
}

#[test]
fn narrow_and_dark() {
    walk(390, "dark");
}

fn has_focus(browser: &Browser, id: &str) -> bool {
    browser.script("return document.activeElement.id") == id
}

/// Presses a key until an element has the focus.
fn press_until(browser: &Browser, key: &str, id: &str) {
    for _ in 0..60 {
        if has_focus(browser, id) {
            return;
        }
        browser.keys(key);
    }
    panic!("{id} is not reached; the focus is on {:?} at {}", browser.focus(), browser.url());
}

fn begins_at(browser: &Browser, id: &str) {
    browser.until(&format!("the focus on {id}"), &format!("return document.activeElement.id === '{id}'"));
}

fn walk(width: u32, theme: &str) {
    let home = Home::new();
    let path = home.path().join("people.csv");
    std::fs::write(&path, FILE).expect("a file");
    let server = home.serve(false);
    let browser = Browser::start(width, 900);
    browser.open(&server.url("/"));
    browser.find("#setup-code");
    browser.script(&format!("localStorage.setItem('aplomb-theme', '{theme}')"));
    browser.open(&server.url("/"));
    set_up(&browser, &server);
    browser.sees("What does the file hold?");
    mending::give_file(&browser, &path);
    browser.find("[data-testid=mapping]");
    browser.tab_to("Check");
    browser.keys(ENTER);
    browser.find("[data-testid=commit]");
    tab_to_button(&browser, "Import");
    browser.keys(ENTER);
    browser.find("[data-testid=outcome]");
    browser.tab_to("See Contacts");
    browser.keys(ENTER);
    edit(&browser);
    first_deal(&browser);
    search(&browser);
    leave_by_keys(&browser);
    assert_eq!(browser.script("return document.documentElement.dataset.theme"), theme);
    is_sound(&browser);
}

fn tab_to_button(browser: &Browser, name: &str) {
    browser.tab_to(name);
    while browser.focus().0 != "button" {
        browser.keys(TAB);
        browser.tab_to(name);
    }
}

fn set_up(browser: &Browser, server: &Server) {
    browser.find("#setup-code");
    begins_at(browser, "setup-code");
    browser.keys(&server.setup_code());
    browser.keys(ENTER);
    browser.find("#organisation-name");
    begins_at(browser, "organisation-name");
    browser.keys("Acme");
    browser.keys(ENTER);
    browser.find("#admin-name");
    begins_at(browser, "admin-name");
    browser.keys("Ada Lovelace");
    browser.keys(TAB);
    browser.keys(ADMIN);
    browser.keys(TAB);
    browser.keys(PASSWORD);
    browser.keys(ENTER);
    browser.find("#unseal-generate");
    begins_at(browser, "unseal-generate");
    browser.keys(ENTER);
    browser.find("#start-import");
    press_until(browser, DOWN, "start-import");
    browser.keys(ENTER);
    browser.sees("AGE-SECRET-KEY-");
    press_until(browser, TAB, "kit-kept");
    browser.keys(" ");
    browser.tab_to("Continue");
    browser.keys(ENTER);
}

/// Writes a cell of the list and takes it back.
fn edit(browser: &Browser) {
    browser.find("[data-testid=records] tbody tr[data-id]");
    browser.sees("3 records");
    browser.tab_to("Contacts");
    while browser.focus().0 != "grid" {
        browser.keys(TAB);
        browser.tab_to("Contacts");
    }
    browser.keys(DOWN);
    for _ in 0..8 {
        browser.keys(RIGHT);
        if browser.script("return document.querySelector('td.cursor')?.dataset.label === 'Job title'") == true {
            break;
        }
    }
    browser.keys(ENTER);
    browser.until("an editor", "return document.activeElement.closest('.cell-editor') !== null");
    browser.chord(&[CONTROL], "a");
    browser.keys("Cartographer");
    browser.keys(ENTER);
    browser.sees("Cartographer");
    browser.sees("saved");
    browser.chord(&[CONTROL], "z");
    browser.until(
        "the cell as it was",
        "return ![...document.querySelectorAll('td')].some(td => td.innerText === 'Cartographer')",
    );
}

/// `n` makes a deal, the board shows it, Alt with an arrow moves it, Ctrl-Z takes that back.
fn first_deal(browser: &Browser) {
    browser.script("document.activeElement.blur()");
    browser.keys("gd");
    browser.sees("No Deals yet");
    browser.keys("n");
    browser.find("[data-testid=record-form]");
    press_until(browser, TAB, "new-name");
    browser.keys("Sternwarte 😀");
    browser.keys(ENTER);
    browser.find("[data-testid=record-title]");
    browser.script("document.activeElement.blur()");
    browser.keys("gd");
    browser.find("[data-testid=records] tbody tr[data-id]");
    browser.tab_to("Board");
    browser.keys(ENTER);
    browser.find("[data-stage=qualification] .board-card a");
    browser.tab_to("Sternwarte 😀");
    browser.chord(&[ALT], RIGHT);
    browser.sees("is now in Needs analysis");
    browser.until(
        "the card in the next lane",
        "return document.querySelector('[data-stage=needsAnalysis] .board-card a') !== null",
    );
    browser.chord(&[CONTROL], "z");
    browser.until(
        "the card where it was",
        "return document.querySelector('[data-stage=qualification] .board-card:not(.leaving) a') !== null",
    );
}

fn search(browser: &Browser) {
    browser.chord(&[CONTROL], "k");
    begins_at(browser, "palette-input");
    browser.keys("weissenbock");
    browser.until("a hit", "return [...document.querySelectorAll('#palette-list [role=option]')].some(o => o.innerText.includes('Weißenböck'))");
    browser.keys(ENTER);
    browser.until(
        "the contact",
        "return document.querySelector('[data-testid=record-title]')?.innerText.includes('Weißenböck') === true",
    );
    browser.keys("/");
    begins_at(browser, "global-search");
    browser.keys("sternwrte");
    browser.find("#found [role=option]");
    browser.keys(ENTER);
    browser.sees("Sternwarte");
}
