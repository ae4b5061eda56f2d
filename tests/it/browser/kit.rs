//! The page of the kit: every part is there, says what it is, and works by keyboard; nothing sticks out at either width, in
//! light, dark, strong contrast and both densities.

use super::driver::{Browser, DOWN, ENTER, ESCAPE, RIGHT};
use super::{is_sound, log_in, stage};
use crate::harness::ADMIN;

const PARTS: [&str; 10] =
    ["Buttons", "Words", "Figures", "Layers", "Ways", "States", "Inputs", "Refused inputs", "Values", "Plain inputs"];

/// What stands wider than the window.
const WIDE: &str = "const w = document.documentElement.clientWidth; return [...document.querySelectorAll('#content *')]\
    .filter(e => { const r = e.getBoundingClientRect(); return r.width > 0 && (r.right > w + 1 || r.left < -1) && !e.closest('.scroll, .tabs, .crumbs, .stages-bar, svg') })\
    .slice(0, 5).map(e => e.outerHTML.slice(0, 160))";

#[test]
fn every_part_of_the_kit_says_what_it_is_and_works_by_keyboard() {
    let (_home, server, _client) = stage();
    let browser = Browser::start(1440, 900);
    log_in(&browser, &server, ADMIN);
    browser.open(&server.url("/kit"));
    browser.find("[data-testid=kit]");
    for part in PARTS {
        let id = part.to_lowercase().replace(' ', "-");
        assert_eq!(browser.find(&format!("#kit-{id}")).spoken(), ("region".to_owned(), part.to_owned()));
    }
    for (css, role, name) in [
        ("#kit-figures .sparkline", "image", "Deals won in seven weeks: from 3 to 12"),
        ("#kit-figures .bars", "table", "Deals by stage"),
        ("#kit-figures progress", "progressbar", "60 percent"),
        (
            "#kit-words .avatars",
            "image",
            "Ada Lovelace, Grace Hopper, شركة الاتصالات المتحدة, 😀, Émilie du Châtelet, Sofia",
        ),
        ("#kit-ways .crumbs", "navigation", "Where you are"),
        ("#kit-inputs [data-field=kitText] input", "textbox", "Text"),
        ("#kit-inputs [data-field=kitChoice] select", "combobox", "Choice"),
        ("#kit-inputs [data-field=kitYesNo] input", "switch", "Yes or no"),
        ("#kit-states .notice.bad", "alert", ""),
    ] {
        let (found_role, found_name) = browser.find(css).spoken();
        assert_eq!((found_role.as_str(), found_name.as_str()), (role, name), "{css}");
    }
    let refused = browser.script("return [...document.querySelectorAll('#kit-refused-inputs .input')].filter(e => e.getAttribute('aria-invalid') !== 'true' && !e.matches('.code')).map(e => e.id)");
    assert_eq!(refused, serde_json::json!([]), "inputs that do not say that they are refused");
    layers(&browser);
    is_sound(&browser);
}

/// Dialog, drawer, popover, menu, tooltip, toast and tabs, without a mouse.
fn layers(browser: &Browser) {
    let focus_on = |id: &str| browser.script(&format!("document.querySelector('[data-testid={id}]').focus()"));
    for (id, name) in [("open-dialog", "A dialog"), ("open-drawer", "A drawer")] {
        focus_on(id);
        browser.keys(ENTER);
        assert_eq!(browser.find("dialog[open]").spoken(), ("dialog".to_owned(), name.to_owned()));
        browser.until("the focus inside", "return document.activeElement.closest('dialog') !== null");
        browser.keys(ESCAPE);
        browser.until("it gone", "return document.querySelector('dialog') === null");
        browser.until("the focus back", &format!("return document.activeElement.dataset.testid === '{id}'"));
    }
    browser.tab_to("Popover");
    browser.keys(ENTER);
    assert_eq!(browser.find(".popover").spoken(), ("dialog".to_owned(), "Popover".to_owned()));
    browser.keys(ESCAPE);
    browser.until("it gone", "return document.querySelector('.popover') === null");
    browser.tab_to("Menu");
    browser.keys(&DOWN.repeat(2));
    browser.until("the second item", "return document.activeElement.innerText === 'Second'");
    assert_eq!(browser.focus().0, "menuitem");
    browser.keys(ESCAPE);
    browser.tab_to("Tooltip");
    assert_eq!(browser.find("[role=tooltip]").text(), "What a control is for");
    browser.keys(ESCAPE);
    browser.until("no tooltip", "return document.querySelector('[role=tooltip]') === null");
    focus_on("toast-undo");
    browser.keys(ENTER);
    browser.sees("It is gone.");
    browser.script("document.activeElement.blur()");
    browser.chord(&[super::driver::CONTROL], "z");
    browser.sees("It is back.");
    browser.script("document.getElementById('tab-one').focus()");
    browser.keys(RIGHT);
    browser.until("the second tab", "return document.querySelector('#kit-ways [role=tabpanel]').id === 'panel-two'");
    assert_eq!(browser.focus(), ("tab".to_owned(), "Two".to_owned()));
}

#[test]
fn nothing_of_the_kit_sticks_out_in_any_look() {
    let (_home, server, _client) = stage();
    for width in [1440, 390] {
        let browser = Browser::start(width, 900);
        log_in(&browser, &server, ADMIN);
        browser.open(&server.url("/kit"));
        browser.find("[data-testid=kit]");
        for (look, check) in [
            ("Light", "return getComputedStyle(document.body).backgroundColor === 'rgb(246, 248, 251)'"),
            ("Dark", "return getComputedStyle(document.body).backgroundColor === 'rgb(11, 17, 29)'"),
            ("Strong contrast", "return getComputedStyle(document.body).backgroundColor === 'rgb(0, 0, 0)'"),
            ("Rows close together", "return document.documentElement.dataset.density === 'compact'"),
        ] {
            browser.control(look).click();
            browser.until(&format!("{look} at {width}"), check);
            assert_eq!(browser.script(WIDE), serde_json::json!([]), "{look} at {width}");
        }
        is_sound(&browser);
    }
}

#[test]
fn a_panic_leaves_a_page_to_reload_and_to_report() {
    let (_home, server, _client) = stage();
    let browser = Browser::start(1440, 900);
    log_in(&browser, &server, ADMIN);
    browser.open(&server.url("/kit"));
    browser.find("[data-testid=panic]").click();
    browser.sees("This page has stopped");
    assert_eq!(browser.find("#stopped").spoken().0, "alert");
    let report = browser.find(".stopped-detail").text();
    assert!(report.contains("stopped on purpose") && report.contains("/kit"), "{report}");
    browser.control("Copy the report").click();
    browser.sees("Copied");
    browser.control("Reload the page").click();
    browser.find("[data-testid=kit]");
}
