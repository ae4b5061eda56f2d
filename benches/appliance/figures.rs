//! The points that are measured, their goals, and the table of what came out.

use std::collections::BTreeMap;

pub struct Point {
    pub key: &'static str,
    pub label: &'static str,
    pub unit: Unit,
    /// of the issue, for as many contacts
    pub goals: &'static [Goal],
}

/// Holds for runs of `from` to `to` contacts.
pub struct Goal {
    from: u64,
    to: u64,
    value: f64,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Unit {
    Milliseconds,
    Seconds,
    PerSecond,
    Megabytes,
    Bytes,
}

const ANY: u64 = u64::MAX;

const fn goal(value: f64) -> Goal {
    Goal { from: 0, to: ANY, value }
}

const fn up_to(to: u64, value: f64) -> Goal {
    Goal { from: 0, to, value }
}

const fn beyond(from: u64, value: f64) -> Goal {
    Goal { from, to: ANY, value }
}

const fn point(key: &'static str, label: &'static str, unit: Unit, goals: &'static [Goal]) -> Point {
    Point { key, label, unit, goals }
}

use Unit::*;

const SMALL: u64 = 100_000;

pub const POINTS: &[Point] = &[
    point("import", "import of companies and contacts, CSV to searchable", Seconds, &[up_to(SMALL, 30.0)]),
    point("import-rate", "the same, rows/s", PerSecond, &[]),
    point("import-cpu", "the same, processor time", Seconds, &[]),
    point("import-peak", "peak memory during that import", Megabytes, &[up_to(SMALL, 600.0)]),
    point("create-p50", "create over HTTP, a contact as generated, one client, p50", Milliseconds, &[goal(3.0)]),
    point("create-p99", "the same, p99", Milliseconds, &[goal(15.0)]),
    point("creates", "creates/s of the same, 64 clients", PerSecond, &[goal(4_000.0)]),
    point("creates-full", "creates/s, 64 clients, all 50 fields", PerSecond, &[]),
    point("list-p50", "list filtered by two fields, sorted by a third, p50", Milliseconds, &[]),
    point(
        "list-p95",
        "list filtered by two fields, sorted by a third, p95",
        Milliseconds,
        &[up_to(SMALL, 10.0), beyond(SMALL + 1, 50.0)],
    ),
    point("typo-one", "full text, one word with a typo, p95", Milliseconds, &[goal(50.0)]),
    point("typo-two", "full text, two words with typos, p95", Milliseconds, &[goal(50.0)]),
    point("typo-half", "full text, two words, nobody has the second, p95", Milliseconds, &[goal(50.0)]),
    point("name-p50", "list by a name spelt right, p50", Milliseconds, &[]),
    point("get-p50", "get, p50", Milliseconds, &[]),
    point("newest-p50", "list newest first, p50", Milliseconds, &[]),
    point("sums-p50", "count and sum of deals per stage, p50", Milliseconds, &[]),
    point("sums-p95", "count and sum of deals per stage, p95", Milliseconds, &[goal(15.0)]),
    point("get-rate", "16 connections: gets/s", PerSecond, &[up_to(SMALL, 6_000.0)]),
    point("newest-rate", "16 connections: lists newest first/s", PerSecond, &[up_to(SMALL, 800.0)]),
    point("name-rate", "16 connections: name searches/s", PerSecond, &[up_to(SMALL, 500.0)]),
    point("sums-rate", "16 connections: sums per stage/s", PerSecond, &[up_to(SMALL, 400.0)]),
    point("visible", "write to visible in list and search, p95", Milliseconds, &[goal(250.0)]),
    point("start-empty", "start to ready, empty", Seconds, &[]),
    point("start", "start to ready, full, after a clean stop", Seconds, &[goal(3.0)]),
    point("start-killed", "start to ready, full, after kill -9 while 16 clients write", Seconds, &[goal(3.0)]),
    point("idle", "memory, idle, empty", Megabytes, &[goal(120.0)]),
    point("memory", "memory after the list load", Megabytes, &[goal(1_024.0)]),
    point("disk", "bytes on disk a contact: store, log and index", Bytes, &[goal(4_096.0)]),
    point("disk-store", "of these, store and log", Bytes, &[]),
    point("disk-index", "of these, index", Bytes, &[]),
    point("disk-uploads", "uploaded files a contact, kept for some days", Bytes, &[]),
];

/// What one server did.
#[derive(Default)]
pub struct Figures(BTreeMap<&'static str, f64>);

impl Figures {
    pub fn put(&mut self, key: &'static str, value: f64) {
        let point = POINTS.iter().find(|p| p.key == key).expect("a point of the table");
        eprintln!("  {}: {}", point.label, point.unit.show(value));
        self.0.insert(key, value);
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Milliseconds if value < 10.0 => format!("{value:.2} ms"),
            Milliseconds => format!("{value:.0} ms"),
            Seconds => format!("{value:.2} s"),
            PerSecond => format!("{value:.0}"),
            Megabytes => format!("{value:.0} MB"),
            Bytes => format!("{value:.0} B"),
        }
    }

    fn more_is_better(self) -> bool {
        self == PerSecond
    }
}

/// One Markdown table; ratios say how many times better Aplomb is. `contacts` decides which goals hold.
pub fn table(contacts: u64, aplomb: &Figures, pocketbase: Option<&Figures>) -> String {
    let mut out = String::from("| point | goal | Aplomb |");
    if pocketbase.is_some() {
        out.push_str(" PocketBase | ratio |");
    }
    out.push_str(if pocketbase.is_some() { "\n|---|---|---|---|---|\n" } else { "\n|---|---|---|\n" });
    for point in POINTS {
        let Some(value) = aplomb.0.get(point.key) else { continue };
        let goal = point.goals.iter().find(|g| (g.from..=g.to).contains(&contacts)).map(|g| g.value);
        let more = point.unit.more_is_better();
        let missed = goal.is_some_and(|goal| if more { *value < goal } else { *value > goal });
        let goal = goal.map_or("–".to_owned(), |g| point.unit.show(g));
        let mark = if missed { " **missed**" } else { "" };
        out.push_str(&format!("| {} | {goal} | {}{mark} |", point.label, point.unit.show(*value)));
        if let Some(other) = pocketbase {
            match other.0.get(point.key) {
                Some(theirs) => {
                    let ratio = if more { value / theirs } else { theirs / value };
                    out.push_str(&format!(" {} | {ratio:.1} |", point.unit.show(*theirs)));
                }
                None => out.push_str(" – | – |"),
            }
        }
        out.push('\n');
    }
    out
}
