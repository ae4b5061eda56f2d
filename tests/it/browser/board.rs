//! Deals on the board by mouse: a card is carried to another stage, a loss asks for its reason, and both are taken back.

use serde_json::json;

use super::driver::Browser;
use super::{is_sound, log_in, make, stage};
use crate::harness::ADMIN;

const COUNT: &str = "document.querySelectorAll('[data-stage=STAGE] .board-card:not(.leaving) a').length";

fn cards(stage: &str, n: usize) -> String {
    format!("return {} === {n}", COUNT.replace("STAGE", stage))
}

#[test]
fn cards_are_carried_and_come_back() {
    let (_home, server, client) = stage();
    let deal = |name: &str| {
        make(
            &client,
            "deal",
            json!({"name": name, "amount": {"amount": "1000.00", "currency": "EUR"}, "stage": "qualification"}),
        )
    };
    let (first, _) = (deal("Carried"), deal("Lost one"));
    let browser = Browser::start(1920, 900);
    log_in(&browser, &server, ADMIN);
    browser.open(&server.url("/o/deal?view=board"));
    browser.until("two cards", &cards("qualification", 2));
    browser.sees("€2,000");
    let from = browser.find(&format!("[data-stage=qualification] .board-card:has(a[href$='{first}'])"));
    browser.drag(&from, &browser.find("[data-stage=proposal] .lane-cards"));
    browser.until("the card in its new lane", &cards("proposal", 1));
    browser.sees("is now in Proposal");
    let at = |id: &str| client.get(&format!("/api/v1/records/deal/{id}")).expect(200).text("/fields/stage").to_owned();
    assert_eq!(at(&first), "proposal");
    browser.find("[data-testid=toast] button.link").click();
    browser.until("the card where it was", &cards("qualification", 2));
    assert_eq!(at(&first), "qualification");

    let from = browser.find(&format!("[data-stage=qualification] .board-card:has(a[href$='{first}'])"));
    browser.drag(&from, &browser.find("[data-stage=lost] .lane-cards"));
    browser.find("[data-testid=move-form]");
    assert_eq!(at(&first), "qualification");
    browser.find("#move-lostReason").type_text("Price");
    browser.control("Move").click();
    browser.until("the card among the lost", &cards("lost", 1));
    browser.sees("is now in Lost");
    assert_eq!(at(&first), "lost");
    is_sound(&browser);
}
