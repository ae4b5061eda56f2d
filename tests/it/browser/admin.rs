//! What an administrator looks at: how the server is, what it works on, who is logged in, and what depends on a field.

use serde_json::json;

use super::driver::Browser;
use super::together::{ROSA, add_rosa};
use super::{is_sound, log_in, make, stage};
use crate::client::Client;
use crate::harness::{ADMIN, PASSWORD};

#[test]
fn a_field_is_retired_by_somebody_who_knows_what_depends_on_it() {
    let (_home, server, client) = stage();
    let field = json!({"name": "renewalReason", "label": "Renewal reason", "type": "text", "group": "Deal"});
    client.post("/api/v1/objects/deal/fields", field).expect(201);
    for name in ["One", "Two"] {
        make(&client, "deal", json!({"name": name, "stage": "proposal", "renewalReason": "Because"}));
    }
    let browser = Browser::start(1440, 900);
    log_in(&browser, &server, ADMIN);
    browser.open(&server.url("/settings/objects"));
    browser.find("[data-testid=fields]");
    browser.script("const s = document.getElementById('object'); s.value = 'deal'; s.dispatchEvent(new Event('change', {bubbles: true}))");
    browser.find("button[aria-label='Retire Renewal reason']").click();
    let uses = browser.find("[data-testid=uses]").text();
    assert_eq!(uses.split_whitespace().collect::<Vec<_>>().join(" "), "Records with a value 2");
    browser.find("[data-testid=retire]").click();
    browser.sees("Renewal reason is retired; its values stay");
    let retired = || client.get("/api/v1/objects/deal/fields/renewalReason").expect(200).body["retired"] == true;
    assert!(retired());
    let gone = "return document.querySelector('[data-testid=fields]') !== null && document.querySelector(\"button[aria-label='Retire Renewal reason']\") === null";
    browser.until("the field gone", gone);
    browser.control("Undo").click();
    browser.find("button[aria-label='Retire Renewal reason']");
    assert!(!retired());
    is_sound(&browser);
}

#[test]
fn the_server_says_how_it_is_and_what_it_works_on() {
    let (_home, server, client) = stage();
    for name in ["One", "Two", "Three"] {
        make(&client, "company", json!({"name": name}));
    }
    let change = json!({"filter": {"and": []}, "set": {"industry": "energy"}});
    client.post("/api/v1/records/company/bulk", change).expect(202);
    let browser = Browser::start(1440, 900);
    log_in(&browser, &server, ADMIN);
    browser.open(&server.url("/settings/jobs"));
    browser.find("[data-testid=jobs]");
    browser.sees("3 changed, 0 unchanged, 0 refused");
    browser.open(&server.url("/settings/system"));
    let health = browser.find("[data-testid=health]").text();
    for words in ["Ready", "Takes changes", "Never backed up"] {
        assert!(health.contains(words), "{words} in {health}");
    }
    assert_eq!(browser.find(".bars").spoken(), ("table".to_owned(), "Records".to_owned()));
    assert_eq!(
        browser.script("return document.querySelector('.bars tr').innerText.split(/\\s+/).join(' ')"),
        "Companies 3"
    );
    browser.open(&server.url("/settings/backups"));
    browser.sees("No backup has been made yet.");
    browser.sees("aplomb restore FILE.age");
    is_sound(&browser);
}

#[test]
fn an_administrator_signs_somebody_out() {
    let (_home, server, client) = stage();
    add_rosa(&client);
    let rosa = Client::log_in(&server, ROSA, PASSWORD);
    rosa.get("/api/v1/session").expect(200);
    let browser = Browser::start(1440, 900);
    log_in(&browser, &server, ADMIN);
    // There are people, but no record: the first page says how to begin.
    let steps = browser.find("[data-testid=first-steps]").text();
    for words in ["Import a file", "New Contact", "See the board", "sample data"] {
        assert!(steps.contains(words), "{words} in {steps}");
    }
    browser.control("New Contact").click();
    browser.find("[data-testid=record-form]");
    browser.open(&server.url("/settings/users"));
    browser.find("button[aria-label='Where Rosa Winkler is logged in']").click();
    browser.find("dialog [data-testid=devices]");
    browser.find("dialog [data-testid=end-sessions]").click();
    browser.sees("Not logged in anywhere");
    rosa.get("/api/v1/session").expect(401);
    is_sound(&browser);
}
