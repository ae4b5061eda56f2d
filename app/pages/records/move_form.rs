//! What must be said before a card may go to another stage, such as why a deal was lost.

use std::collections::HashMap;

use aplomb_model::Field;
use leptos::{ev, prelude::*};
use serde_json::{Map, Value as Json};

use super::board::{Asking, Board};
use crate::kit::{FieldRow, Notice, field};
use crate::state::signed;
use crate::text::{t, tf};

#[component]
pub fn MoveForm(asking: Asking, board: Board) -> impl IntoView {
    let signed = signed();
    let errors = RwSignal::new(HashMap::<String, String>::new());
    // The first is why we ask; the others may stay empty.
    let entries: Vec<(Field, RwSignal<Json>)> = asking
        .fields
        .iter()
        .enumerate()
        .map(|(at, f)| {
            let held = asking.record.fields.get(&f.name).cloned().unwrap_or_default();
            (Field { required: f.required || at == 0, ..f.clone() }, RwSignal::new(held))
        })
        .collect();
    let failure = asking.failure.clone();
    let sent = entries.clone();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let (mut fields, mut wrong) = (Map::new(), HashMap::new());
        for (field, value) in &sent {
            match field::prepare(&signed.schema, signed.currency(), field, &value.get_untracked()) {
                Ok(Json::Null) => {}
                Ok(json) => drop(fields.insert(field.name.clone(), json)),
                Err(e) => {
                    let text = tf("form.wrong", &[("field", &field.label), ("detail", &e.detail)]);
                    wrong.insert(field.name.clone(), text);
                }
            }
        }
        if wrong.is_empty() {
            board.asking.set(None);
            board.send(asking.record.clone(), &asking.to, fields);
        } else {
            errors.set(wrong);
        }
    };
    let row = move |(field, value): (Field, RwSignal<Json>)| {
        let name = field.name.clone();
        let error = Signal::derive(move || errors.with(|errors| errors.get(&name).cloned()));
        let id = format!("move-{}", field.name);
        view! { <FieldRow field value error id/> }
    };
    view! {
        <form class="form" on:submit=submit novalidate data-testid="move-form">
            {failure.map(|f| view! { <Notice tone="bad" text=f.message()/> })}
            {entries.into_iter().map(row).collect_view()}
            <div class="actions"><button type="submit" class="button primary">{t("board.move")}</button></div>
        </form>
    }
}
