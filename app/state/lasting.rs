//! Signals that outlive pages. A signal of the reactive graph keeps a shell of each reader for as long as it lives, also
//! of those that went with their page; over a day of work that adds up.

use std::cell::RefCell;

use leptos::prelude::*;
use leptos::reactive::graph::Source;

type Sweep = Box<dyn Fn() -> bool>;

thread_local! {
    static ALL: RefCell<Vec<Sweep>> = const { RefCell::new(Vec::new()) };
}

/// A signal that [`sweep`] takes care of.
pub fn lasting<S: Notify + Source + IsDisposed + Clone + 'static>(signal: S) -> S {
    let own = signal.clone();
    let sweep = move || {
        let is_there = !own.is_disposed();
        if is_there {
            own.notify();
            own.clear_subscribers();
        }
        is_there
    };
    ALL.with(|all| all.borrow_mut().push(Box::new(sweep)));
    signal
}

/// Has every lasting signal forget who reads it. Readers that are still there are told to read again, by which the
/// signal knows them.
pub fn sweep() {
    let all = ALL.with(RefCell::take);
    let left: Vec<Sweep> = all.into_iter().filter(|sweep| sweep()).collect();
    ALL.with(|all| all.borrow_mut().extend(left));
}
