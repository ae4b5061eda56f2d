//! What people keep: a filtered list as a view that opens by itself, and a file in a record.

use serde_json::json;

use super::driver::Browser;
use super::{is_sound, log_in, make, stage};
use crate::harness::ADMIN;

#[test]
fn a_view_is_kept_and_opens_with_its_list() {
    let (_home, server, client) = stage();
    for (name, stage) in [("Early", "qualification"), ("Late", "negotiation")] {
        make(&client, "deal", json!({"name": name, "stage": stage}));
    }
    let browser = Browser::start(1440, 900);
    log_in(&browser, &server, ADMIN);
    let filter = "%7B%22and%22%3A%5B%7B%22field%22%3A%22stage%22%2C%22op%22%3A%22in%22%2C%22value%22%3A%5B%22negotiation%22%5D%7D%5D%7D";
    browser.open(&server.url(&format!("/o/deal?filter={filter}&sort=name")));
    browser.sees("1 record");
    browser.sees("Stage is any of Negotiation");
    browser.find("button[aria-label=Views]").click();
    browser.find("[data-testid=save-view]").click();
    browser.find("#view-name").type_text("Nearly there");
    browser.script(
        "document.querySelectorAll('[data-testid=view-form] input[type=checkbox]').forEach(box => box.click())",
    );
    browser.control("Save").click();
    browser.sees("View “Nearly there” saved");
    browser.open(&server.url("/o/deal"));
    browser.sees("1 record");
    browser.until("the view's address", "return location.search.includes('negotiation')");
    browser.open(&server.url("/o/deal?plain=1"));
    browser.sees("2 records");
    browser.find(".nav-pinned a").click();
    browser.sees("1 record");
    is_sound(&browser);
}

#[test]
fn a_file_is_put_into_a_record_and_found_again() {
    let (home, server, client) = stage();
    let id = make(&client, "company", json!({"name": "With papers"}));
    let file = home.path().join("offer.txt");
    std::fs::write(&file, "The offer in words.").expect("a file");
    let browser = Browser::start(1440, 900);
    log_in(&browser, &server, ADMIN);
    browser.open(&server.url(&format!("/o/company/{id}")));
    browser.find("[data-testid=show-empty]").click();
    browser.find("[data-field=files] .value").click();
    browser.hidden("[data-field=files] input[type=file]").type_text(&file.to_string_lossy());
    browser.until(
        "the file in the editor",
        "return document.querySelector('[data-field=files] .file-drop li')?.innerText.includes('offer.txt')",
    );
    browser.find("[data-field=files] .button.primary").click();
    let link = browser.find("[data-field=files] .file-link");
    assert!(link.text().contains("offer.txt"));
    link.click();
    assert_eq!(browser.find("[data-testid=preview] pre").text(), "The offer in words.");
    browser.keys("\u{e00c}");
    browser.until("the preview gone", "return document.querySelector('dialog') === null");
    let got = browser.script("const a = document.querySelector('[data-field=files] .file-link'); const r = new XMLHttpRequest(); r.open('GET', a.href, false); r.send(); return r.responseText");
    assert_eq!(got, "The offer in words.");
    is_sound(&browser);
}
