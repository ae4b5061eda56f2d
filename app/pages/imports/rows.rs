//! Rows of an import that somebody should look at, a page at a time, and what is changed about them: each change is sent at
//! once, and the row comes back as it would be taken now.

use leptos::{prelude::*, task::spawn_local};

use crate::api::{self, CellEdit, Failure, ImportRow, OnMatch, RowDecision};
use crate::kit::{Trouble, Waiting, toasts};
use crate::text::t;

#[derive(Clone, Copy)]
pub struct Rows {
    pub id: StoredValue<String>,
    kind: &'static str,
    pub list: RwSignal<Vec<ImportRow>>,
    next: RwSignal<Option<String>>,
    failure: RwSignal<Option<Failure>>,
    busy: RwSignal<bool>,
    /// what is read out after a change
    pub said: RwSignal<String>,
}

impl Rows {
    /// The first page of a kind; more on wish.
    pub fn of(id: String, kind: &'static str) -> Rows {
        let rows = Rows {
            id: StoredValue::new(id),
            kind,
            list: RwSignal::new(Vec::new()),
            next: RwSignal::new(None),
            failure: RwSignal::new(None),
            busy: RwSignal::new(false),
            said: RwSignal::new(String::new()),
        };
        rows.more();
        rows
    }

    fn more(self) {
        self.busy.set(true);
        let (id, cursor) = (self.id.get_value(), self.next.get_untracked().unwrap_or_default());
        spawn_local(async move {
            let answer = api::import_rows(&id, self.kind, &cursor).await;
            self.busy.try_set(false);
            match answer {
                Ok(page) => {
                    self.failure.try_set(None);
                    self.next.try_set(page.next.filter(|next| !next.is_empty()));
                    self.list.try_update(|list| list.extend(page.rows));
                }
                Err(failure) => drop(self.failure.try_set(Some(failure))),
            }
        });
    }

    /// Sends a cell's text, or what becomes of a row, and shows the row that comes back; `then` is told of it.
    fn send(self, edits: Vec<CellEdit>, decisions: Vec<RowDecision>, then: impl Fn(&ImportRow) + 'static) {
        let (id, toasts) = (self.id.get_value(), toasts());
        spawn_local(async move {
            match api::mend(&id, &edits, &decisions).await {
                Ok(rows) => {
                    self.list.try_update(|list| {
                        for now in &rows {
                            list.iter_mut().filter(|row| row.row == now.row).for_each(|row| row.clone_from(now));
                        }
                    });
                    rows.iter().for_each(then);
                }
                Err(failure) => toasts.refuse(&failure),
            }
        });
    }

    pub fn edit(self, row: u64, column: usize, value: String, then: impl Fn(&ImportRow) + 'static) {
        self.send(vec![CellEdit { row, column, value: Some(value) }], Vec::new(), then);
    }

    pub fn decide(self, row: u64, action: OnMatch, then: impl Fn(&ImportRow) + 'static) {
        self.send(Vec::new(), vec![RowDecision { row, action: Some(action) }], then);
    }
}

/// What stands below the rows: that they are on their way, that they did not come, that there are more.
#[component]
pub fn More(rows: Rows) -> impl IntoView {
    view! {
        <p class="sr" role="status">{move || rows.said.get()}</p>
        <Show when=move || rows.busy.get() && rows.list.with(Vec::is_empty)><Waiting rows=4/></Show>
        {move || rows.failure.get().map(|failure| view! { <Trouble failure retry=Callback::new(move |()| rows.more())/> })}
        <Show when=move || rows.next.get().is_some()>
            <button type="button" class="button self-start" disabled=move || rows.busy.get() on:click=move |_| rows.more()>{t("import.more")}</button>
        </Show>
    }
}
