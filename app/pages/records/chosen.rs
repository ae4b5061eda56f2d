//! The records that are selected in a list: named ones, or all that the list gives but named ones.

use std::collections::BTreeSet;

use leptos::prelude::*;

use crate::api::{Record, Which};
use crate::kit::Rows;

/// What all rows of a list have in common.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scope {
    pub filter: String,
    pub q: String,
}

#[derive(Clone, Default, PartialEq)]
pub struct Chosen {
    /// everything that this picks, which is so many rows as stand there
    all: Option<(Scope, RwSignal<Rows<Record>>)>,
    /// these records, or with `all` everything but these
    ids: BTreeSet<String>,
}

impl Chosen {
    pub fn everything(scope: Scope, rows: RwSignal<Rows<Record>>) -> Chosen {
        Chosen { all: Some((scope, rows)), ids: BTreeSet::new() }
    }

    /// Whether it is everything of some list.
    pub fn is_all(&self) -> bool {
        self.all.is_some()
    }

    fn is_all_of(&self, scope: &Scope) -> bool {
        self.all.as_ref().is_some_and(|(all, _)| all == scope)
    }

    /// Forgets "everything" of a list that is another one by now.
    pub fn keep_for(&mut self, scope: &Scope) {
        if self.is_all() && !self.is_all_of(scope) {
            *self = Chosen::default();
        }
    }

    /// Whether a record of the list with this scope is selected.
    pub fn has(&self, scope: &Scope, id: &str) -> bool {
        match &self.all {
            Some((all, _)) => all == scope && !self.ids.contains(id),
            None => self.ids.contains(id),
        }
    }

    pub fn toggle(&mut self, scope: &Scope, id: String) {
        self.keep_for(scope);
        if !self.ids.remove(&id) {
            self.ids.insert(id);
        }
    }

    pub fn add(&mut self, scope: &Scope, id: String) {
        self.keep_for(scope);
        match self.is_all() {
            true => drop(self.ids.remove(&id)),
            false => drop(self.ids.insert(id)),
        }
    }

    /// How many records; of "everything" as many as are known by now.
    pub fn count(&self) -> u64 {
        let named = self.ids.len() as u64;
        match &self.all {
            Some((_, rows)) => (rows.try_with(|rows| rows.len).unwrap_or_default() as u64).saturating_sub(named),
            None => named,
        }
    }

    /// How many of the `len` rows of the list with this scope, when it is about this list.
    pub fn count_in(&self, scope: &Scope, len: u64) -> u64 {
        match &self.all {
            Some(_) if !self.is_all_of(scope) => 0,
            _ => self.count().min(len),
        }
    }

    /// The same in the words of the server.
    pub fn which(&self) -> Which {
        let ids = self.ids.iter().cloned().collect();
        match &self.all {
            Some((scope, _)) => {
                Which { ids: Vec::new(), filter: scope.filter.clone(), q: scope.q.clone(), except: ids }
            }
            None => Which { ids, ..Which::default() },
        }
    }
}
