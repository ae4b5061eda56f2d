//! What belongs to a person and not to a page: the notices, and where he is logged in.

use serde_json::json;

use super::driver::{Browser, ENTER};
use super::together::{ROSA, add_rosa};
use super::{is_sound, log_in, make, stage};
use crate::client::Client;
use crate::harness::{ADMIN, PASSWORD};

#[test]
fn a_notice_comes_by_itself_and_is_read() {
    let (_home, server, client) = stage();
    add_rosa(&client);
    let id = make(&client, "company", json!({"name": "Followed Ltd"}));
    let browser = Browser::start(1440, 900);
    log_in(&browser, &server, ADMIN);
    browser.open(&server.url(&format!("/o/company/{id}")));
    let follow = browser.find("[data-testid=follow]:not(:disabled)");
    if follow.text() == "Follow" {
        follow.click();
    }
    browser.until(
        "following",
        "return document.querySelector('[data-testid=follow]').getAttribute('aria-pressed') === 'true'",
    );
    assert_eq!(browser.find("[data-testid=bell]").spoken().1, "Notices");
    let rosa = Client::log_in(&server, ROSA, PASSWORD);
    rosa.patch(&format!("/api/v1/records/company/{id}"), json!({"fields": {"phone": ["+49 30 1234567"]}})).expect(200);
    browser.find("[data-testid=unread]");
    assert_eq!(browser.find("[data-testid=bell]").spoken().1, "Notices, 1 unread");
    browser.go_to("/");
    browser.find("[data-testid=bell]").click();
    let told = browser.find("[data-testid=notices]").text();
    for words in ["Followed Ltd", "Rosa Winkler changed this Company", "Phone"] {
        assert!(told.contains(words), "{words} in {told}");
    }
    browser.find("[data-testid=notices] a").click();
    browser
        .until("its page", "return document.querySelector('[data-testid=record-title]')?.innerText === 'Followed Ltd'");
    browser.until("nothing unread", "return document.querySelector('[data-testid=unread]') === null");
    assert_eq!(client.get("/api/v1/notices").expect(200).body["unread"], 0);
    is_sound(&browser);
}

#[test]
fn signing_out_everywhere_else_leaves_this_browser_alone() {
    let (_home, server, client) = stage();
    let id = make(&client, "company", json!({"name": "Mine"}));
    let (here, there) = (Browser::start(1440, 900), Browser::start(1440, 900));
    for browser in [&here, &there] {
        log_in(browser, &server, ADMIN);
    }
    there.open(&server.url(&format!("/o/company/{id}")));
    there.find("[data-field=name] .value").click();
    there.find("[data-field=name] input").clear().type_text("Not lost");
    here.open(&server.url("/settings/account"));
    here.find("[data-testid=devices]");
    let rows = "return document.querySelectorAll('[data-testid=devices] > li').length";
    // Both browsers, and the session of the test's own calls.
    here.until("three sessions", &format!("{rows} === 3"));
    here.sees("This one");
    here.find("[data-testid=end-sessions]").click();
    here.until("one session", &format!("{rows} === 1"));
    there.keys(ENTER);
    there.sees("Log in again");
    there.until("what was typed", "return document.querySelector('[data-field=name] input').value === 'Not lost'");
    here.open(&server.url("/settings/account"));
    here.sees("This one");
    is_sound(&here);
    is_sound(&there);
}
