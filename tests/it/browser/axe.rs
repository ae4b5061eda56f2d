//! axe-core over every page, in light, dark and on a phone, with a picture of each below `target/screens`. The library is not ours to keep: `deploy/test` fetches it, and
//! without it this test says that it was skipped.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::driver::Browser;
use super::{is_sound, log_in, make, stage};
use crate::harness::ADMIN;

fn library() -> Option<String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    std::fs::read_to_string(target.join("axe/axe.min.js")).ok()
}

/// What axe finds serious or critical on the page as it stands.
fn faults(browser: &Browser, axe: &str) -> Vec<String> {
    browser.script(&format!("if (!window.axe) {{ {axe} }}"));
    let found = browser.script_later("const done = arguments[arguments.length - 1]; axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations), e => done([{id: String(e), impact: 'critical', nodes: []}]))");
    let bad = |v: &&Json| matches!(v["impact"].as_str(), Some("serious" | "critical"));
    let text = |v: &Json| {
        let nodes: Vec<String> = v["nodes"]
            .as_array()
            .into_iter()
            .flatten()
            .take(3)
            .map(|n| format!("{} {}", n["html"], n["failureSummary"]))
            .collect();
        format!("{}: {}", v["id"], nodes.join(" | "))
    };
    found.as_array().into_iter().flatten().filter(bad).map(text).collect()
}

#[test]
fn axe_finds_nothing_serious_on_any_page() {
    let Some(axe) = library() else {
        eprintln!("skipped: target/axe/axe.min.js is missing (deploy/test fetches it)");
        return;
    };
    let (_home, server, client) = stage();
    client.post("/api/v1/sample", json!({})).expect(201);
    let deal = make(
        &client,
        "deal",
        json!({"name": "مرحبا 😀 Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft", "stage": "proposal"}),
    );
    let record = format!("/o/deal/{deal}");
    make(&client, "contact", json!({"name": {"first": "Grace", "last": "Hopper"}, "email": ["grace@navy.example"]}));
    // One import with a row that would be refused, one with a row that is known already.
    let import = |email: &str| {
        let file = format!("First name,Last name,Email\nGrace,Hopper,{email}\n");
        let address = client.upload("contact", "people.csv", &file);
        client.patch(&address, json!({"options": {"match": "email"}})).expect(200);
        client.post(&format!("{address}/check"), json!({})).expect(200);
        address.replace("/api/v1/imports/", "/import/")
    };
    let (refused, known) = (import("grace@"), import("grace@navy.example"));
    let pages = [
        "/",
        "/o/contact",
        "/o/deal?view=board",
        "/o/deal?group=stage",
        "/o/deal?view=board&group=owner",
        &record,
        "/search?q=sales",
        "/import",
        &refused,
        &known,
        "/settings/organisation",
        "/kit",
        "/settings/account",
        "/settings/jobs",
        "/settings/backups",
        "/settings/users",
        "/settings/roles",
        "/settings/objects",
        "/settings/audit",
        "/settings/system",
        "/settings/keys",
        "/settings/trash",
        "/o/nonsense",
    ];
    let mut found = Vec::new();
    for (width, themes) in [(1440, ["light", "dark", "dark strong"].as_slice()), (390, ["light"].as_slice())] {
        let browser = Browser::start(width, 900);
        browser.open(&server.url("/"));
        browser.find("#email");
        found.extend(faults(&browser, &axe).into_iter().map(|f| format!("log-in {width}: {f}")));
        log_in(&browser, &server, ADMIN);
        for theme in themes {
            let (colours, contrast) = theme.split_once(' ').unwrap_or((theme, ""));
            let contrast = if contrast.is_empty() { "delete root.contrast" } else { "root.contrast = 'more'" };
            browser.script(&format!(
                "const root = document.documentElement.dataset; root.theme = '{colours}'; {contrast}"
            ));
            for path in pages {
                browser.go_to(path);
                browser.until(
                    "the page's answer",
                    "return document.querySelector('#content .skeleton:not(#kit-states *)') === null && document.querySelector('#content > *') !== null",
                );
                found.extend(faults(&browser, &axe).into_iter().map(|f| format!("{path} {width} {theme}: {f}")));
                let page = path.trim_start_matches('/').replace(['/', '?', '=', '&'], "-").replace(&deal, "one");
                browser.shot(&format!("{}-{width}-{theme}", if page.is_empty() { "home" } else { &page }));
            }
        }
        is_sound(&browser);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
