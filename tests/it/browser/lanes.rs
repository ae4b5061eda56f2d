//! Swim-lanes of a board: rows by the values of a field, each with its count and sum; a card goes from one to another by
//! mouse and by keyboard, and a deal whose stage is offered no longer is still there.

use serde_json::json;

use super::driver::{ALT, Browser, DOWN, ENTER, RIGHT, UP};
use super::{is_sound, log_in, make, stage};
use crate::harness::ADMIN;

fn card(swim: &str, stage: &str, id: &str) -> String {
    format!(
        "return document.querySelector('[data-swim={swim}] [data-stage={stage}] .board-card:not(.leaving) a[href$=\"{id}\"]') !== null"
    )
}

#[test]
fn cards_go_from_one_swim_lane_to_another() {
    let (_home, server, client) = stage();
    let deal = |name: &str, pipeline: &str| {
        let amount = json!({"amount": "1000.00", "currency": "EUR"});
        make(&client, "deal", json!({"name": name, "amount": amount, "stage": "qualification", "pipeline": pipeline}))
    };
    let (first, second, _) = (deal("First", "sales"), deal("Second", "sales"), deal("Third", "renewals"));
    let browser = Browser::start(1920, 900);
    log_in(&browser, &server, ADMIN);
    browser.open(&server.url("/o/deal?view=board&group=pipeline"));
    let head = |swim: &str| browser.find(&format!("[data-swim={swim}] .swim-head")).text();
    browser.until("the first card", &card("sales", "qualification", &first));
    let sales = head("sales");
    assert!(sales.contains("Sales") && sales.contains("2 records") && sales.contains("€2,000"), "{sales}");

    // By mouse both the stage and the value change.
    let from = browser.find(&format!("[data-swim=sales] .board-card:has(a[href$='{first}'])"));
    browser.drag(&from, &browser.find("[data-swim=renewals] [data-stage=proposal] .lane-cards"));
    browser.until("the card in its new place", &card("renewals", "proposal", &first));
    browser.sees("First is now in Proposal");
    browser.until(
        "the sums of before and after",
        "return document.querySelector('[data-swim=renewals] .swim-head').innerText.includes('2 records')",
    );
    let fields = |id: &str| client.get(&format!("/api/v1/records/deal/{id}")).expect(200).body["fields"].clone();
    assert_eq!(
        (fields(&first)["stage"].clone(), fields(&first)["pipeline"].clone()),
        (json!("proposal"), json!("renewals"))
    );

    browser.until("nothing on its way", "return document.querySelector('.leaving, .coming') === null");

    // By keyboard: down to the next swim-lane, across to the next stage; the card keeps the focus.
    browser.script(&format!("document.querySelector('[data-swim=sales] a[href$=\"{second}\"]').focus()"));
    browser.chord(&[ALT], DOWN);
    browser.until("the second card below", &card("renewals", "qualification", &second));
    let has_focus = format!(
        "return document.activeElement.getAttribute('href')?.endsWith('{second}') === true && document.querySelector('.leaving, .coming') === null"
    );
    browser.until("the focus on the card", &has_focus);
    browser.chord(&[ALT], RIGHT);
    browser.until("the second card in the next stage", &card("renewals", "needsAnalysis", &second));
    browser.until("the focus on the card", &has_focus);
    browser.chord(&[ALT], UP);
    browser.until("the second card above", &card("sales", "needsAnalysis", &second));
    browser.sees("Second is now in Sales");
    assert_eq!(fields(&second)["pipeline"], "sales");

    // A swim-lane is closed and opened by its head.
    let toggle = "document.querySelector('[data-swim=renewals] .fold-button').focus()";
    browser.script(toggle);
    browser.keys(ENTER);
    browser.until("a closed swim-lane", "return document.querySelector('[data-swim=renewals] .board-card') === null");
    browser.keys(ENTER);
    browser.find("[data-swim=renewals] .board-card");
    is_sound(&browser);
}

#[test]
fn deals_of_a_stage_that_is_no_longer_offered_are_still_on_the_board() {
    let (_home, server, client) = stage();
    let id = make(&client, "deal", json!({"name": "Left behind", "stage": "commit"}));
    let object = client.get("/api/v1/objects/deal").expect(200);
    let stage = object.body["fields"].as_array().into_iter().flatten().find(|f| f["name"] == "stage").expect("a stage");
    let mut choices = stage["choices"].clone();
    for choice in choices.as_array_mut().into_iter().flatten().filter(|c| c["key"] == "commit") {
        choice["retired"] = json!(true);
    }
    client.patch("/api/v1/objects/deal/fields/stage", json!({ "choices": choices })).expect(200);
    let browser = Browser::start(1920, 900);
    log_in(&browser, &server, ADMIN);
    browser.open(&server.url("/o/deal?view=board"));
    let from = browser.find(&format!("[data-stage=''] .board-card:has(a[href$='{id}'])"));
    browser.sees("Other");
    browser.drag(&from, &browser.find("[data-stage=qualification] .lane-cards"));
    browser.sees("Left behind is now in Qualification");
    browser.until("no other lane", "return document.querySelector('[data-stage=\"\"]') === null");
    is_sound(&browser);
}
