//! Work on many records: all that match are changed, given a file, moved to the trash, and taken back; a list is entered
//! far from its start.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::driver::{Browser, CONTROL, DOWN};
use super::{is_sound, log_in, stage};
use crate::client::Client;
use crate::harness::ADMIN;

/// Makes `n` deals in batches.
fn make_many(client: &Client, n: usize) {
    let deal = |at: usize| json!({"op": "create", "object": "deal", "fields": {"name": format!("Deal {at:05}"), "stage": "qualification"}});
    for first in (0..n).step_by(1_000) {
        let operations: Vec<Json> = (first..n.min(first + 1_000)).map(deal).collect();
        client.post("/api/v1/records/batch", json!({ "operations": operations })).expect(200);
    }
}

/// Waits until so many deals are of a pipeline; the index follows a moment behind.
fn has_come_to(client: &Client, pipeline: &str, wanted: u64) {
    let query = json!({"filter": {"and": [{"field": "pipeline", "op": "eq", "value": pipeline}]}, "count": "exact", "limit": 1});
    let count = || client.post("/api/v1/records/deal/query", query.clone()).expect(200).body["total"]["count"].as_u64();
    let mut left = 600;
    while count() != Some(wanted) {
        left -= 1;
        assert!(left > 0, "{pipeline}: {:?}", count());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn all_that_match_are_changed_written_to_a_file_deleted_and_taken_back() {
    let (_home, server, client) = stage();
    make_many(&client, 120);
    let browser = Browser::start(1440, 900);
    log_in(&browser, &server, ADMIN);
    browser.open(&server.url("/o/deal?sort=name"));
    browser.find("[data-testid=records] tbody tr[data-id]");
    // Everything but one.
    browser.find("thead input[type=checkbox]").click();
    browser.sees("120 selected, all that match");
    browser.find("[data-testid=records] tbody tr[data-id] input").click();
    browser.sees("119 selected");
    browser.control("Change a field").click();
    browser.find("#bulk-field").type_text("Pipeline");
    browser.find("#bulk-value").type_text("Renewals");
    browser.control("Change").click();
    browser.sees("119 records changed.");
    browser.control("Undo").click();
    browser.sees("119 records are as they were.");
    has_come_to(&client, "renewals", 0);

    browser.find("button[aria-label=Export]").click();
    browser.control("CSV with these columns").click();
    browser.sees("The file holds 120 records.");
    let file = browser.script("const a = document.querySelector('[data-testid=jobs] a[download]'); const r = new XMLHttpRequest(); r.open('GET', a.href, false); r.send(); return r.responseText");
    let lines: Vec<&str> = file.as_str().unwrap_or_default().lines().collect();
    assert_eq!(lines.len(), 121, "{:?}", lines.first());

    // Many at once are asked for before they go.
    browser.find("thead input[type=checkbox]").click();
    browser.find("[data-testid=bulk] button[aria-label=Delete]").click();
    browser.sees("Move 120 records to the trash?");
    browser.find("dialog .button.primary").click();
    browser.sees("120 records are in the trash.");
    browser.sees("No Deals yet");
    browser.script("document.activeElement.blur()");
    browser.chord(&[CONTROL], "z");
    browser.sees("120 records are as they were.");
    browser.find("[data-testid=records] tbody tr[data-id]");
    is_sound(&browser);
}

#[test]
fn a_list_is_entered_anywhere_without_walking_there() {
    const IN_THE_MIDDLE: &str = "const rows = [...document.querySelectorAll('[data-testid=records] tbody tr:not(.gap)')];\
        return rows.length > 8 && rows.every(row => row.dataset.id && +row.getAttribute('aria-rowindex') > 1400)";
    let (_home, server, client) = stage();
    make_many(&client, 3_000);
    let browser = Browser::start(1440, 900);
    log_in(&browser, &server, ADMIN);
    browser.open(&server.url("/o/deal?sort=name"));
    browser.sees("Deal 00000");
    browser.sees("3,000 records");
    let asked = || {
        browser
            .script(
                "return performance.getEntriesByType('resource').filter(e => e.name.includes('/records/deal?')).length",
            )
            .as_u64()
            .unwrap_or_default()
    };
    let before = asked();
    // The thumb is brought to the middle of the list; the pages before it are not fetched.
    browser.script("const box = document.querySelector('.vscroll'); box.scrollTop = box.scrollHeight / 2");
    browser.until("rows where the thumb rests", IN_THE_MIDDLE);
    assert!(asked() - before < 8, "{} requests", asked() - before);
    assert!(browser.text().contains("Deal 014") || browser.text().contains("Deal 015"));
    browser.find("[data-testid=records]").click();
    browser.keys("\u{e010}");
    browser.sees("Deal 02999");
    browser.keys("\u{e011}");
    browser.sees("Deal 00000");
    browser.keys(DOWN);
    is_sound(&browser);
}
