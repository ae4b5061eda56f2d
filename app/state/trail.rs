//! Where one has been: the list one came from, so that going back finds it where it stood and a record's page can lead
//! to the next one, and the records one had open.

use std::collections::HashMap;

use leptos::prelude::*;

/// Lists whose place is remembered.
const REMEMBERED: usize = 50;
/// Records that were opened last.
const RECENT: usize = 6;

/// A record that was opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    pub object: String,
    pub id: String,
    pub title: String,
}

#[derive(Debug, Clone, Default)]
struct Held {
    /// by URL of a list: pixels from its top
    tops: HashMap<String, f64>,
    /// the list that was left last: its URL, its object and its records
    list: String,
    object: String,
    ids: Vec<String>,
    /// latest first
    recent: Vec<Visit>,
}

#[derive(Clone, Copy)]
pub struct Trail(StoredValue<Held>);

impl Trail {
    pub fn new() -> Trail {
        Trail(StoredValue::new(Held::default()))
    }

    /// To be called when a list is left.
    pub fn leave(self, list: &str, object: &str, top: f64, ids: Vec<String>) {
        self.0.try_update_value(|held| {
            if held.tops.len() >= REMEMBERED {
                held.tops.clear();
            }
            held.tops.insert(list.to_owned(), top);
            (held.list, held.object, held.ids) = (list.to_owned(), object.to_owned(), ids);
        });
    }

    /// To be called when a record is open and its name known.
    pub fn visit(self, visit: Visit) {
        self.0.try_update_value(|held| {
            held.recent.retain(|v| v.id != visit.id);
            held.recent.insert(0, visit);
            held.recent.truncate(RECENT);
        });
    }

    /// Records that were opened, the latest first.
    pub fn recent(self) -> Vec<Visit> {
        self.0.try_with_value(|held| held.recent.clone()).unwrap_or_default()
    }

    /// Pixels from the top where a list was left.
    pub fn top_of(self, list: &str) -> f64 {
        self.0.try_with_value(|held| held.tops.get(list).copied()).flatten().unwrap_or_default()
    }

    /// The URL of the list of this object that was left last.
    pub fn list_of(self, object: &str) -> Option<String> {
        self.0.try_with_value(|held| (held.object == object).then(|| held.list.clone())).flatten()
    }

    /// The records before and after one in that list.
    pub fn beside(self, object: &str, id: &str) -> (Option<String>, Option<String>) {
        let found = self.0.try_with_value(|held| {
            let at = held.ids.iter().position(|other| other == id).filter(|_| held.object == object)?;
            let before = at.checked_sub(1).and_then(|at| held.ids.get(at)).cloned();
            Some((before, held.ids.get(at + 1).cloned()))
        });
        found.flatten().unwrap_or_default()
    }
}

/// The frame's own.
pub fn trail() -> Trail {
    use_context::<Trail>().unwrap_or_else(Trail::new)
}
