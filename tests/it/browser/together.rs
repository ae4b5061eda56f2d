//! People at work at the same time: who else is at a record and in which of its fields, one stream for all tabs of a
//! browser, and edits that wait while the network is gone.

use std::time::{Duration, Instant};

use serde_json::json;

use super::driver::{Browser, ESCAPE};
use super::{is_sound, log_in, make, stage};
use crate::client::Client;
use crate::harness::{ADMIN, PASSWORD};

pub const ROSA: &str = "rosa@acme.example";

/// A second administrator.
pub fn add_rosa(client: &Client) {
    let user = json!({"name": "Rosa Winkler", "email": ROSA, "password": PASSWORD, "roles": ["systemAdmin"]});
    client.post("/api/v1/users", user).expect(201);
}

fn rename(client: &Client, id: &str, name: &str) {
    client.patch(&format!("/api/v1/records/company/{id}"), json!({"fields": {"name": name}})).expect(200);
}

fn titled(name: &str) -> String {
    format!("return document.querySelector('[data-testid=record-title]')?.innerText === {}", json!(name))
}

#[test]
fn people_at_one_record_see_each_other_and_where_they_write() {
    let (_home, server, client) = stage();
    add_rosa(&client);
    let id = make(&client, "company", json!({"name": "Both Ltd"}));
    let (one, two) = (Browser::start(1440, 900), Browser::start(1440, 900));
    for (browser, email) in [(&one, ADMIN), (&two, ROSA)] {
        log_in(browser, &server, email);
        browser.open(&server.url(&format!("/o/company/{id}")));
        browser.find("[data-testid=record-title]");
    }
    assert_eq!(one.find("[data-testid=others] .avatars").spoken().1, "Also here: Rosa Winkler");
    two.find("[data-testid=others] .avatars");
    two.find("[data-field=name] .value").click();
    two.find("[data-field=name] input");
    one.find("[data-field=name] [data-testid=edits]");
    one.sees("Rosa Winkler is changing this");
    two.keys(ESCAPE);
    one.until("nobody in the field", "return document.querySelector('[data-testid=edits]') === null");
    // What she saves is marked here for a while.
    two.find("[data-field=name] .value").click();
    two.find("[data-field=name] input").clear().type_text("Rosa Ltd\u{e007}");
    one.until("her name", &titled("Rosa Ltd"));
    one.find("[data-field=name] .value.fresh");
    two.go_to("/");
    one.until("nobody else", "return document.querySelector('[data-testid=others] .avatars') === null");
    is_sound(&one);
    is_sound(&two);
}

#[test]
fn tabs_share_one_stream_and_another_takes_over() {
    let (_home, server, client) = stage();
    let id = make(&client, "company", json!({"name": "Before"}));
    let browser = Browser::start(1440, 900);
    log_in(&browser, &server, ADMIN);
    let path = server.url(&format!("/o/company/{id}"));
    browser.open(&path);
    browser.find("[data-testid=record-title]");
    let first = browser.tab();
    let second = browser.new_tab();
    browser.open(&path);
    browser.find("[data-testid=record-title]");
    browser.until(
        "one tab that leads, one that waits",
        "navigator.locks.query().then(q => window.locks = `${q.held.length} ${q.pending.length}`); return window.locks === '1 1'",
    );
    // The second hears through the first.
    rename(&client, &id, "Through the other tab");
    browser.until("the new name", &titled("Through the other tab"));
    // The server notices with its next signs of life that the streams of pages that are gone are over.
    let started = Instant::now();
    while client.get("/api/v1/system").expect(200).body["streams"] != 1 {
        assert!(started.elapsed() < Duration::from_secs(120), "each tab has a stream of its own");
        std::thread::sleep(Duration::from_millis(250));
    }
    // The first goes, and what is written before another has its place is not lost.
    browser.switch_to(&first);
    browser.until("the new name there as well", &titled("Through the other tab"));
    browser.close_tab();
    rename(&client, &id, "After it went");
    browser.switch_to(&second);
    browser.until("the name after", &titled("After it went"));
    rename(&client, &id, "By its own stream");
    browser.until("the next name", &titled("By its own stream"));
    is_sound(&browser);
}

#[test]
fn edits_wait_without_a_network_and_conflicts_are_shown_per_field() {
    let (_home, server, client) = stage();
    let id =
        make(&client, "company", json!({"name": "Before", "domain": "before.example", "phone": ["+49 30 1234567"]}));
    let browser = Browser::start(1440, 900);
    log_in(&browser, &server, ADMIN);
    browser.open(&server.url(&format!("/o/company/{id}")));
    browser.find("[data-testid=record-title]");
    browser.set_offline(true);
    for (field, text) in [("name", "Mine"), ("domain", "mine.example")] {
        browser.find(&format!("[data-field={field}] .value")).click();
        browser.find(&format!("[data-field={field}] input")).clear().type_text(&format!("{text}\u{e007}"));
        browser.find(&format!("[data-field={field}] [data-testid=late]"));
        assert!(browser.find(&format!("[data-field={field}] .value")).text().contains(text));
    }
    browser.sees("2 changes wait");
    let path = format!("/api/v1/records/company/{id}");
    client.patch(&path, json!({"fields": {"name": "Theirs", "phone": ["+49 30 7654321"]}})).expect(200);
    browser.set_offline(false);
    // Only the field that both changed is asked about.
    let conflict = browser.find("[data-field=name] [data-testid=conflict]").text();
    assert!(conflict.contains("Theirs") && conflict.contains("Mine"), "{conflict}");
    browser.until("nothing waits", "return document.querySelector('[data-testid=waiting]') === null");
    let now = client.get(&path).expect(200);
    assert_eq!((now.text("/fields/name"), now.text("/fields/domain")), ("Theirs", "mine.example"));
    browser.control("Save mine").click();
    browser.until("mine", &titled("Mine"));
    let now = client.get(&path).expect(200);
    assert_eq!((now.text("/fields/name"), now.text("/fields/domain")), ("Mine", "mine.example"));
    assert_eq!(now.text("/fields/phone/0"), "+49 30 7654321");
    is_sound(&browser);
}
