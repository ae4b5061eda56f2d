//! Two browsers on one record: a change shows in the other, and a field that both change is asked about.

use serde_json::json;

use super::driver::{Browser, ENTER};
use super::{is_sound, log_in, make, stage};
use crate::harness::ADMIN;

#[test]
fn two_people_on_one_record_see_each_other_and_are_asked() {
    let (_home, server, client) = stage();
    let id = make(&client, "company", json!({"name": "Both Ltd", "domain": "both.example"}));
    let path = format!("/o/company/{id}");
    let (one, two) = (Browser::start(1440, 900), Browser::start(1440, 900));
    for browser in [&one, &two] {
        log_in(browser, &server, ADMIN);
        browser.open(&server.url(&path));
        browser.find("[data-testid=record-title]");
    }
    // The second begins to write; the first saves meanwhile.
    two.find("[data-field=name] .value").click();
    two.find("[data-field=name] input").clear().type_text("Two Ltd");
    one.find("[data-field=name] .value").click();
    one.find("[data-field=name] input").clear().type_text("One Ltd\u{e007}");
    one.until("the new name", "return document.querySelector('[data-testid=record-title]').innerText === 'One Ltd'");
    two.until(
        "the other's change on the page",
        "return document.querySelector('[data-testid=record-title]').innerText === 'One Ltd'",
    );
    assert_eq!(two.script("return document.querySelector('[data-field=name] input').value"), "Two Ltd");
    two.keys(ENTER);
    let conflict = two.find("[data-testid=conflict]").text();
    assert!(conflict.contains("One Ltd") && conflict.contains("Two Ltd"), "{conflict}");
    two.control("Save mine").click();
    one.until(
        "the second's name in the first",
        "return document.querySelector('[data-testid=record-title]').innerText === 'Two Ltd'",
    );
    let now = client.get(&format!("/api/v1/records/company/{id}")).expect(200);
    assert_eq!(now.text("/fields/name"), "Two Ltd");
    is_sound(&one);
    is_sound(&two);
}
