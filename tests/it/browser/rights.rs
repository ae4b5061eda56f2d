//! What people see who may do less: a sales representative, and somebody who may only look. No button that would be
//! refused, a plain word where there is nothing for them.

use serde_json::json;

use super::driver::Browser;
use super::{is_sound, log_in, make, stage};
use crate::harness::PASSWORD;

#[test]
fn who_may_only_look_sees_no_way_to_write() {
    let (_home, server, client) = stage();
    let id = make(&client, "company", json!({"name": "Seen by all"}));
    for (email, role) in [("look@acme.example", "executive"), ("rep@acme.example", "salesRep")] {
        client
            .post("/api/v1/users", json!({"name": role, "email": email, "password": PASSWORD, "roles": [role]}))
            .expect(201);
    }
    let browser = Browser::start(1440, 900);
    log_in(&browser, &server, "look@acme.example");
    browser.find("[data-testid=home]");
    browser.open(&server.url("/o/company"));
    browser.find("[data-testid=records] tbody tr[data-id]");
    let none = |css: &str| {
        assert_eq!(browser.script(&format!("return document.querySelectorAll({css:?}).length")), 0, "{css}")
    };
    none("[data-testid=create]");
    none(".check-cell");
    browser.script("document.getElementById('records').focus()");
    browser.keys("\u{e015}\u{e014}\u{e032}");
    none(".cell-editor");
    browser.open(&server.url(&format!("/o/company/{id}")));
    browser.find("[data-testid=record-title]");
    none("[data-testid=delete]");
    none(".pencil");
    for (path, words) in [
        ("/import", "Nothing to see here"),
        ("/settings/users", "Nothing to see here"),
        ("/o/nonsense", "Nothing to see here"),
        ("/o/company/00000000-0000-7000-8000-000000000000", "Nothing to see here"),
    ] {
        browser.open(&server.url(path));
        browser.sees(words);
    }
    browser.find("button[aria-label='Your account']").click();
    browser.find("[data-testid=logout]").click();
    browser.find("#email");

    log_in(&browser, &server, "rep@acme.example");
    browser.open(&server.url("/o/company"));
    browser.find("[data-testid=create]");
    // What opens by default for everybody is not his to choose.
    browser.open(&server.url("/o/company?sort=name"));
    browser.find("[data-testid=records] tbody tr[data-id]");
    browser.find("button[aria-label=Views]").click();
    browser.find("[data-testid=save-view]").click();
    browser.sees("Opens when the list is opened");
    browser.find("[data-testid=view-form] input[type=checkbox]").click();
    browser.until(
        "no default for everybody",
        "return !document.querySelector('[data-testid=view-form]').innerText.includes('Opens when')",
    );
    // A rep may change companies of his team only: the refusal is said, and the old value stays.
    browser.open(&server.url(&format!("/o/company/{id}")));
    browser.find("[data-field=name] .value").click();
    browser.find("[data-field=name] input").clear().type_text("Mine now\u{e007}");
    browser.sees("You may not do this");
    browser.keys("\u{e00c}");
    assert_eq!(browser.find("[data-testid=record-title]").text(), "Seen by all");
    is_sound(&browser);
}
