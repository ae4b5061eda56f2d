//! What happens to what was typed when the session ends, and when the server stops and comes back: nothing is lost.

use serde_json::json;

use super::driver::{Browser, ENTER};
use super::{is_sound, log_in, make, stage};
use crate::harness::{ADMIN, PASSWORD};

const NAME: &str = "return document.querySelector('[data-testid=record-title]').innerText === 'Typed and kept'";

#[test]
fn a_session_that_ends_while_typing_keeps_what_was_typed() {
    let (_home, server, client) = stage();
    let id = make(&client, "company", json!({"name": "Before"}));
    let browser = Browser::start(1440, 900);
    log_in(&browser, &server, ADMIN);
    browser.open(&server.url(&format!("/o/company/{id}")));
    browser.find("[data-field=name] .value").click();
    browser.find("[data-field=name] input").clear().type_text("Typed and kept");
    // The session ends behind the page's back.
    browser.script("const r = new XMLHttpRequest(); r.open('GET', '/api/v1/session', false); r.send(); const csrf = JSON.parse(r.responseText).csrf;\
        const d = new XMLHttpRequest(); d.open('DELETE', '/api/v1/session', false); d.setRequestHeader('x-csrf-token', csrf); d.send();");
    browser.keys(ENTER);
    browser.sees("Log in again");
    browser.find("dialog #email").clear().type_text(ADMIN);
    browser.find("dialog #password").type_text(PASSWORD);
    browser.find("dialog form button[type=submit]").click();
    browser.until("the dialog gone", "return document.querySelector('dialog') === null");
    assert_eq!(browser.script("return document.querySelector('[data-field=name] input').value"), "Typed and kept");
    browser.find("[data-field=name] input").type_text(ENTER);
    browser.until("the name saved", NAME);
    is_sound(&browser);
}

#[test]
fn a_server_that_restarts_under_an_open_page_gets_what_was_written() {
    let (home, server, client) = stage();
    let id = make(&client, "company", json!({"name": "Before"}));
    let port: u16 =
        server.url("").rsplit(':').next().and_then(|p| p.trim_end_matches('/').parse().ok()).expect("a port");
    let browser = Browser::start(1440, 900);
    log_in(&browser, &server, ADMIN);
    browser.open(&server.url(&format!("/o/company/{id}")));
    browser.find("[data-testid=record-title]");
    server.stop();
    browser.find("[data-field=name] .value").click();
    browser.find("[data-field=name] input").clear().type_text("Typed and kept\u{e007}");
    browser.find("[data-testid=waiting]");
    let again = home.serve_on(port, true, |_| {});
    browser.until("the name saved", NAME);
    browser.until("nothing waits", "return document.querySelector('[data-testid=waiting]') === null");
    drop(again);
    is_sound(&browser);
}
