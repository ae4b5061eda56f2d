//! Fetching what a page shows: again when its key changes, with the earlier answer kept meanwhile, called off when the
//! page goes.

use std::future::Future;
use std::pin::Pin;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{Abort, Failure, Result};

/// What has been fetched so far.
pub struct Load<T: 'static> {
    pub value: RwSignal<Option<T>>,
    pub failure: RwSignal<Option<Failure>>,
    pub busy: RwSignal<bool>,
    again: RwSignal<u32>,
    /// the next fetch neither greys the page out nor reports that it failed
    quiet: StoredValue<bool>,
}

impl<T> Clone for Load<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Load<T> {}

impl<T: Send + Sync + 'static> Load<T> {
    /// Fetches again with the same key.
    pub fn again(self) {
        self.again.try_update(|n| *n += 1);
    }

    /// Fetches again in the background: what is shown stays until there is an answer, and also when there is none.
    pub fn refresh(self) {
        self.quiet.try_set_value(true);
        self.again.try_update(|n| *n += 1);
    }

    /// Takes an answer that came another way, e.g. from a write.
    pub fn set(self, value: T) {
        self.value.try_set(Some(value));
    }
}

/// Runs `fetch` now and whenever `key` changes or [`Load::again`] is called.
pub fn load<K, T, F, Fut>(key: impl Fn() -> K + 'static, fetch: F) -> Load<T>
where
    K: 'static,
    T: Send + Sync + 'static,
    F: Fn(K, Abort) -> Fut + 'static,
    Fut: Future<Output = Result<T>> + 'static,
{
    keep_fetching(Box::new(move |abort| Box::pin(fetch(key(), abort))))
}

type Fetching<T> = Pin<Box<dyn Future<Output = Result<T>>>>;

fn keep_fetching<T: Send + Sync + 'static>(fetch: Box<dyn Fn(Abort) -> Fetching<T>>) -> Load<T> {
    let load = Load {
        value: RwSignal::new(None),
        failure: RwSignal::new(None),
        busy: RwSignal::new(true),
        again: RwSignal::new(0),
        quiet: StoredValue::new(false),
    };
    let current = StoredValue::new_local(Abort::new());
    watch(move || {
        load.again.track();
        let abort = Abort::new();
        let answer = fetch(abort.clone());
        current.update_value(|earlier| std::mem::replace(earlier, abort.clone()).cancel());
        let quiet = load.quiet.get_value();
        load.quiet.set_value(false);
        if !quiet {
            load.busy.set(true);
        }
        spawn_local(async move {
            let answer = answer.await;
            if abort.is_off() {
                return;
            }
            match answer {
                Ok(value) => {
                    load.failure.try_set(None);
                    load.value.try_set(Some(value));
                }
                Err(failure) if quiet || failure.is("aborted") => return,
                Err(failure) => {
                    load.failure.try_set(Some(failure));
                }
            }
            load.busy.try_set(false);
        });
    });
    on_cleanup(move || {
        current.try_update_value(|abort| abort.cancel());
    });
    load
}

/// Runs `run` now and whenever what it has read changes, until the owner that called is gone. An effect of its own would
/// bring a copy of the machinery for each closure; this one is shared by all.
pub fn watch(run: impl FnMut() + 'static) {
    fn start(mut run: Box<dyn FnMut()>) {
        Effect::new(move |_| run());
    }
    start(Box::new(run));
}
