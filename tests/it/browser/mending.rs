//! An import by keyboard alone: cells that would be refused are written anew in place, what is known already is decided
//! row by row, and the result is taken back.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::driver::{Browser, DOWN, ENTER};
use super::{is_sound, log_in, make, stage};
use crate::client::Client;
use crate::harness::ADMIN;

const FILE: &str = "First name,Last name,Email,Job title\n\
    Grace,Hopper,grace@navy.example,Rear Admiral\n\
    Ada,Lovelace,ada.example.org,Countess\n\
    Jürgen,Weißenböck-Donaudampfschifffahrt,juergen@,Kapitän\n\
    Mary,Somerville,mary@science.example,Polymath\n";

/// Gives the file to the page, as the system's own dialog would.
pub fn give_file(browser: &Browser, path: &Path) {
    browser.hidden("#import-file").type_text(&path.to_string_lossy());
}

/// Waits until the contacts are these, by last name and title; the index follows a moment behind.
fn are_contacts(client: &Client, wanted: &[(&str, &str)]) {
    let is_so = |now: &[(String, String)]| now.iter().map(|(l, t)| (l.as_str(), t.as_str())).eq(wanted.iter().copied());
    let mut left = 600;
    loop {
        let now = contacts(client);
        if is_so(&now) {
            return;
        }
        left -= 1;
        assert!(left > 0, "{now:?} and not {wanted:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn contacts(client: &Client) -> Vec<(String, String)> {
    let all = client.all("contact", &json!({}));
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let mut all: Vec<_> =
        all.iter().map(|c| (text(&c["fields"]["name"]["last"]), text(&c["fields"]["title"]))).collect();
    all.sort();
    all
}

fn walk(width: u32) {
    let (home, server, client) = stage();
    for (first, last, email) in
        [("Grace", "Hopper", "grace@navy.example"), ("Mary", "Somerville", "mary@science.example")]
    {
        make(&client, "contact", json!({"name": {"first": first, "last": last}, "email": [email], "title": "Before"}));
    }
    let path = home.path().join("people.csv");
    std::fs::write(&path, FILE).expect("a file");
    let browser = Browser::start(width, 900);
    log_in(&browser, &server, ADMIN);
    browser.open(&server.url("/import?object=contact"));
    browser.sees("What does the file hold?");
    give_file(&browser, &path);
    browser.find("[data-testid=mapping]");
    browser.tab_to("Known by");
    browser.keys("E");
    browser.tab_to("Check");
    browser.keys(ENTER);
    browser.find("[data-testid=sheet]");
    // The first fault is under the cursor; what is still wrong says so, what is right leads to the next.
    browser.tab_to("Rows to look at");
    while browser.focus().0 != "grid" {
        browser.keys(super::driver::TAB);
        browser.tab_to("Rows to look at");
    }
    let under =
        |text: &str| format!("return document.querySelector('.sheet td.cursor .sheet-text')?.innerText === '{text}'");
    browser.until("the cursor on the first fault", &under("ada.example.org"));
    browser.keys(ENTER);
    browser.until("an input", "return document.activeElement.id === 'import-cell'");
    browser.keys("\u{e010}");
    browser.keys("@");
    browser.keys(ENTER);
    browser.until("the cursor on the next fault", &under("juergen@"));
    browser.keys("j");
    browser.until("an input", "return document.activeElement.id === 'import-cell'");
    browser.keys("uergen@donau.example");
    browser.keys(ENTER);
    browser
        .until("a row that can be taken", "return document.querySelector('.sheet tr.mended[data-row=\"4\"]') !== null");
    browser.until("only one fault", "return document.querySelectorAll('.sheet td.wrong').length === 1");
    browser.keys("n");
    browser.keys(ENTER);
    browser.until("an input", "return document.activeElement.id === 'import-cell'");
    browser.chord(&[super::driver::CONTROL], "a");
    browser.keys("ada@example.org");
    browser.keys(ENTER);
    browser.until("no fault", "return document.querySelectorAll('.sheet td.wrong').length === 0");

    // Grace is left as she is, Mary is updated.
    browser.tab_to("Known already 2");
    browser.keys(ENTER);
    browser.find("#alike-0");
    browser.until(
        "the focus on a pair",
        "document.querySelector('#alike-0').focus(); return document.activeElement.id === 'alike-0'",
    );
    browser.keys("s");
    browser.until(
        "the first decided and the second reached",
        "return document.querySelector('#alike-0.decided') !== null && document.activeElement.id === 'alike-1'",
    );
    browser.keys("u");
    browser.until("both decided", "return document.querySelectorAll('.alike.decided').length === 2");
    browser.keys(DOWN);
    browser.tab_to("Import");
    while browser.focus().0 != "button" {
        browser.keys(super::driver::TAB);
        browser.tab_to("Import");
    }
    browser.keys(ENTER);
    browser.find("[data-testid=outcome]");
    let wanted = [
        ("Hopper", "Before"),
        ("Lovelace", "Countess"),
        ("Somerville", "Polymath"),
        ("Weißenböck-Donaudampfschifffahrt", "Kapitän"),
    ];
    are_contacts(&client, &wanted);
    browser.tab_to("Take it back");
    browser.keys(ENTER);
    browser.sees("2 records removed, 1 put back");
    are_contacts(&client, &[("Hopper", "Before"), ("Somerville", "Before")]);
    is_sound(&browser);
}

#[test]
fn rows_are_mended_and_decided_by_keyboard() {
    walk(1440);
}

#[test]
fn rows_are_mended_and_decided_by_keyboard_on_a_narrow_screen() {
    walk(390);
}
