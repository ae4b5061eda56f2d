//! What must be said before a card may go to another stage, such as why a deal was lost.

use std::collections::HashMap;

use aplomb_model::{Field, Object};
use leptos::{ev, prelude::*};
use serde_json::{Map, Value as Json};

use crate::api::{Failure, Record};
use crate::kit::{FieldRow, Notice, field};
use crate::state::signed;
use crate::text::{t, tf};

/// What is asked before a record enters a stage: why it was lost, and to whom.
pub fn reasons(object: &Object, field: &Field, to: &str) -> Vec<Field> {
    let lost = field.choices.iter().any(|c| c.key == to && c.outcome.as_deref() == Some("lost"));
    match object.field("lostReason").filter(|_| lost) {
        Some(reason) => [Some(reason), object.field("competitor")].into_iter().flatten().cloned().collect(),
        None => Vec::new(),
    }
}

/// The fields without which the server did not let a record enter a stage.
pub fn lacking(object: &Object, field: &Field, failure: &Failure) -> Vec<Field> {
    let named = |f: &&Field| f.name != field.name && failure.of_field(&f.name).is_some();
    object.live().filter(named).cloned().collect()
}

/// Asks for `fields`, the first of which must be given.
#[component]
pub fn MoveForm(
    record: Record,
    fields: Vec<Field>,
    failure: Option<Failure>,
    done: Callback<Map<String, Json>>,
) -> impl IntoView {
    let signed = signed();
    let errors = RwSignal::new(HashMap::<String, String>::new());
    // The first is why we ask; the others may stay empty.
    let entries: Vec<(Field, RwSignal<Json>)> = fields
        .iter()
        .enumerate()
        .map(|(at, f)| {
            let held = record.fields.get(&f.name).cloned().unwrap_or_default();
            (Field { required: f.required || at == 0, ..f.clone() }, RwSignal::new(held))
        })
        .collect();
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
            done.run(fields);
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
