//! `kill -9` of the running program. Afterwards every acknowledged write is there, none is there by half, lists and
//! records agree, and `aplomb verify` finds nothing.

mod import;
mod writes;

use std::time::{Duration, Instant};

use crate::client::Client;
use crate::harness::{Home, Server};

/// How often the program is killed in each of these tests. `APLOMB_CRASHES` asks for more; then `--nocapture` shows
/// the figures.
fn kills() -> usize {
    std::env::var("APLOMB_CRASHES").ok().and_then(|n| n.parse().ok()).unwrap_or(4)
}

/// From the start of the program to the first yes of `/readyz`, one time a start.
#[derive(Default)]
struct Recovery(Vec<Duration>);

impl Recovery {
    fn start(&mut self, home: &Home, key: &str) -> (Server, Client) {
        let started = Instant::now();
        let server = home.serve(true).ready();
        self.0.push(started.elapsed());
        let client = Client::with_key(&server, key);
        (server, client)
    }

    fn report(mut self, what: &str) {
        self.0.sort();
        let at = |share: usize| self.0[(self.0.len() - 1) * share / 100];
        println!("{what}; start to ready: median {:?}, p95 {:?}, longest {:?}", at(50), at(95), at(100));
    }
}
