//! The list one came from: where it stood, so that going back finds it there, and its records in their order, so that
//! a record's page can lead to the next one.

use std::collections::HashMap;

use leptos::prelude::*;

/// Lists whose place is remembered.
const REMEMBERED: usize = 50;

#[derive(Debug, Clone, Default)]
struct Held {
    /// by URL of a list: pixels from its top
    tops: HashMap<String, f64>,
    /// the list that was left last: its URL, its object and its records
    list: String,
    object: String,
    ids: Vec<String>,
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
