//! The saved views that this log-in may see, known to the sidebar and to every list. A server that keeps none leaves the
//! list empty and says so by `known`.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::lasting;
use crate::api::{self, Abort, SavedView};

#[derive(Clone, Copy)]
pub struct Views {
    pub all: RwSignal<Vec<SavedView>>,
    /// whether the server keeps views
    pub known: RwSignal<bool>,
}

impl Views {
    pub fn start() -> Views {
        let views = Views { all: lasting(RwSignal::new(Vec::new())), known: lasting(RwSignal::new(false)) };
        views.fetch();
        views
    }

    pub fn fetch(self) {
        spawn_local(async move {
            if let Ok(all) = api::views("", &Abort::new()).await {
                self.all.try_set(all);
                self.known.try_set(true);
            }
        });
    }

    /// Those of one object: one's own first, then by name.
    pub fn of(self, object: &str) -> Vec<SavedView> {
        let mut views: Vec<SavedView> =
            self.all.with(|all| all.iter().filter(|v| v.object == object).cloned().collect());
        views.sort_by_key(|v| (!v.mine, v.name.to_lowercase()));
        views
    }

    /// The view that opens with a list that is opened without a wish: one's own, else a shared one.
    pub fn default_of(self, object: &str) -> Option<SavedView> {
        self.of(object).into_iter().find(|v| v.is_default)
    }
}

/// The frame's own.
pub fn views() -> Views {
    use_context::<Views>().unwrap_or_else(|| Views { all: RwSignal::new(Vec::new()), known: RwSignal::new(false) })
}
