//! wizard -> import -> list -> edit -> search -> logout, with no request to another origin and no CSP violation.

use super::driver::Browser;
use crate::harness::{ADMIN, Home, PASSWORD, Server};
use crate::namespace;

const NAME: &str = "browser::walk::an_admin_sets_up_imports_edits_searches_and_leaves";
const FILE: &str = "tests/fixtures/import/hubspot-contacts.csv";

/// Where there is a loopback and no route to anywhere, if this user may have that.
#[test]
fn an_admin_sets_up_imports_edits_searches_and_leaves() {
    if namespace::inside() || !namespace::run_in(&["--net"], "ip link set lo up", NAME) {
        walk();
    }
}

fn walk() {
    let home = Home::new();
    let server = home.serve(false);
    let browser = Browser::start(1440, 900);
    set_up(&browser, &server);
    import(&browser);
    edit(&browser, &server);
    search(&browser);
    log_out_and_in(&browser);

    let origin = server.url("/");
    let foreign = |url: &String| !url.starts_with(&origin) && !url.starts_with("data:") && !url.starts_with("blob:");
    let elsewhere: Vec<_> = browser.requests().into_iter().filter(foreign).collect();
    assert!(elsewhere.is_empty(), "requests to other origins: {elsewhere:?}");
    let refused = |m: &String| m.contains("Content Security Policy") || m.contains("panicked");
    let violations: Vec<_> = browser.severe_messages().into_iter().filter(refused).collect();
    assert!(violations.is_empty(), "{violations:?}");
}

fn set_up(browser: &Browser, server: &Server) {
    browser.open(&server.url("/"));
    browser.find("#setup-code").type_text(&server.setup_code());
    browser.control("Next").click();
    browser.find("#organisation-name").type_text("Acme");
    browser.control("Next").click();
    browser.find("#admin-name").type_text("Ada Lovelace");
    browser.find("#admin-email").type_text(ADMIN);
    browser.find("#admin-password").type_text(PASSWORD);
    browser.control("Next").click();
    browser.find("#unseal-generate");
    browser.control("Next").click();
    browser.find("#start-import").click();
    browser.control("Set up").click();
    browser.sees("AGE-SECRET-KEY-");
    browser.find("#kit-kept").click();
    browser.control("Continue").click();
}

fn import(browser: &Browser) {
    browser.sees("What does the file hold?");
    let file = std::fs::canonicalize(FILE).expect("the fixture");
    browser.hidden("#import-file").type_text(&file.to_string_lossy());
    browser.find("[data-testid=mapping]");
    browser.find("[data-testid=check]").click();
    browser.find("[data-testid=preview]");
    browser.find("[data-testid=commit]").click();
    browser.find("[data-testid=outcome]");
}

fn edit(browser: &Browser, server: &Server) {
    browser.open(&server.url("/o/contact?sort=name"));
    browser.find("[data-testid=records] tbody tr a").click();
    let title = browser.find("[data-testid=record-title]").text();
    assert!(!title.is_empty());
    browser.find("[data-field=title] .value").click();
    browser.find("[data-field=title] input").clear().type_text("Chief Cartographer\u{e007}");
    browser.sees("Chief Cartographer");
    browser.control("History").click();
    browser.sees("Version 2");
}

fn search(browser: &Browser) {
    browser.find("#global-search").type_text("cartografer");
    browser.find("#found [role=option]");
    browser.find("#global-search").clear().type_text("cartographer\u{e007}");
    browser.sees("Cartographer");
}

fn log_out_and_in(browser: &Browser) {
    browser.find("button[aria-label='Your account']").click();
    browser.find("[data-testid=logout]").click();
    browser.find("#email").type_text(ADMIN);
    browser.find("#password").type_text("not the password");
    browser.find("form button[type=submit]").click();
    browser.sees("is wrong");
    browser.find("#password").clear().type_text(PASSWORD);
    browser.find("form button[type=submit]").click();
    browser.find("#global-search");
}
