//! People's ways through the product, in headless Chromium.

mod account;
mod admin;
mod axe;
mod board;
mod driver;
mod keep;
mod keyboard;
mod kit;
mod lanes;
mod lost;
mod many;
mod mending;
mod rights;
mod together;
mod two;
mod walk;
mod whole;

use serde_json::{Value as Json, json};

use crate::client::Client;
use crate::harness::{ADMIN, Home, PASSWORD, Server};
use driver::{Browser, DOWN, ENTER};

/// A server on a new directory, and the administrator's calls to it.
fn stage() -> (Home, Server, Client) {
    let home = Home::set_up();
    let server = home.serve(true);
    let client = Client::log_in(&server, ADMIN, PASSWORD);
    (home, server, client)
}

fn make(client: &Client, object: &str, fields: Json) -> String {
    let answer = client.post(&format!("/api/v1/records/{object}"), json!({"fields": fields})).expect(201);
    answer.text("/id").to_owned()
}

fn log_in(browser: &Browser, server: &Server, email: &str) {
    browser.open(&server.url("/"));
    browser.find("#email").type_text(email);
    browser.find("#password").type_text(PASSWORD);
    browser.find("form button[type=submit]").click();
    browser.find("#global-search");
}

/// Logs out through the account menu without a mouse.
fn leave_by_keys(browser: &Browser) {
    browser.script("document.activeElement.blur()");
    browser.tab_to("Your account");
    browser.keys(ENTER);
    browser.keys(&DOWN.repeat(7));
    browser.until("the way out", "return document.activeElement.dataset.testid === 'logout'");
    browser.keys(ENTER);
    browser.find("#email");
}

/// Nothing panicked, and the content security policy refused nothing.
fn is_sound(browser: &Browser) {
    let bad = |m: &String| m.contains("Content Security Policy") || m.contains("panicked");
    let found: Vec<String> = browser.severe_messages().into_iter().filter(bad).collect();
    assert!(found.is_empty(), "{found:#?}");
}
