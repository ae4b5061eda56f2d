//! The one integration binary. What can be tested inside a crate is tested there; here stands what needs the finished
//! program (its HTTP interface, its command line, a browser) or looks at the workspace as a whole.

#![allow(clippy::disallowed_methods, reason = "tests of the running program wait for it in real time")]

mod api;
mod browser;
mod client;
mod eval;
mod faults;
mod graph;
mod harness;
mod licences;
mod metadata;
mod namespace;
mod texts;

// Tests of the running program, a folder per way in: `api/` speaks HTTP to it, `browser/` drives Chromium,
// `faults/` kills it and takes its disk away, `access/` asks for what must be refused, `upgrade/` opens old fixtures.
