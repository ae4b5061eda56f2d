//! Making a record: a form out of the object's declaration, checked by the server's own rules before it is sent.

use std::collections::HashMap;
use std::sync::Arc;

use aplomb_model::{Field, Object};
use leptos::{ev, prelude::*, task::spawn_local};
use serde_json::{Map, Value as Json};

use crate::api::{self, Failure, Record};
use crate::kit::{Dialog, FieldRow, Notice, field};
use crate::state::signed;
use crate::text::{t, tf};

/// The form in a dialog. `given` are values that are filled in already.
#[component]
pub fn CreateDialog(
    object: Arc<Object>,
    open: RwSignal<bool>,
    on_done: Callback<Record>,
    #[prop(optional)] given: Map<String, Json>,
) -> impl IntoView {
    let title = tf("list.create", &[("object", &object.label)]);
    view! {
        <Dialog title open>
            <RecordForm object=object.clone() given=given.clone() on_done=Callback::new(move |record| { open.set(false); on_done.run(record); })/>
        </Dialog>
    }
}

/// Fields that a new record's form shows at once: required, the title, the list's columns.
fn comes_first(object: &Object, field: &Field) -> bool {
    field.required || field.name == object.title || object.list.contains(&field.name)
}

#[derive(Clone)]
struct Entry {
    field: Field,
    value: RwSignal<Json>,
    first: bool,
}

#[component]
fn RecordForm(object: Arc<Object>, given: Map<String, Json>, on_done: Callback<Record>) -> impl IntoView {
    let signed = signed();
    let all = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<Failure>);
    let errors = RwSignal::new(HashMap::<String, String>::new());
    let entry = |field: &Field| {
        let value = given.get(&field.name).or(field.default.as_ref()).cloned().unwrap_or_default();
        let first = comes_first(&object, field) || given.contains_key(&field.name);
        Entry { field: field.clone(), value: RwSignal::new(value), first }
    };
    let mut entries: Vec<Entry> =
        object.live().filter(|f| field::is_editable(f) && f.name != "externalIds").map(entry).collect();
    entries.sort_by_key(|e| (!e.first, e.field.name != object.title));
    let has_more = entries.iter().any(|e| !e.first);
    let sent = entries.clone();
    let name = object.name.clone();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        failure.set(None);
        let fields = match gather(&sent, &signed) {
            Ok(fields) => fields,
            Err(found) => {
                if sent.iter().any(|e| !e.first && found.contains_key(&e.field.name)) {
                    all.set(true);
                }
                errors.set(found);
                return;
            }
        };
        errors.set(HashMap::new());
        busy.set(true);
        let (name, sent) = (name.clone(), sent.clone());
        spawn_local(async move {
            let answer = api::create(&name, fields).await;
            busy.try_set(false);
            match answer {
                Ok(record) => {
                    on_done.try_run(record);
                }
                Err(f) => {
                    let of = |e: &Entry| f.of_field(&e.field.name).map(|text| (e.field.name.clone(), text));
                    errors.try_set(sent.iter().filter_map(of).collect());
                    failure.try_set(Some(f));
                }
            }
        });
    };
    let row = move |entry: Entry| {
        let name = entry.field.name.clone();
        let error = Signal::derive(move || errors.with(|errors| errors.get(&name).cloned()));
        let id = format!("new-{}", entry.field.name);
        view! {
            <div hidden=move || !entry.first && !all.get()>
                <FieldRow field=entry.field.clone() value=entry.value error id/>
            </div>
        }
    };
    view! {
        <form class="form" on:submit=submit novalidate data-testid="record-form">
            {move || failure.get().map(|f| view! { <Notice tone="bad" text=f.message()/> })}
            {entries.into_iter().map(row).collect_view()}
            <div class="actions sticky">
                <Show when=move || has_more && !all.get()>
                    <button type="button" class="button link" on:click=move |_| all.set(true)>{t("form.all")}</button>
                </Show>
                <button type="submit" class="button primary" disabled=move || busy.get()>{t("form.create")}</button>
            </div>
        </form>
    }
}

/// The values to send, or what is wrong with which field.
fn gather(entries: &[Entry], signed: &crate::state::Signed) -> Result<Map<String, Json>, HashMap<String, String>> {
    let mut fields = Map::new();
    let mut errors = HashMap::new();
    for entry in entries {
        let value = entry.value.get_untracked();
        match field::prepare(&signed.schema, signed.currency(), &entry.field, &value) {
            Ok(Json::Null) => {}
            Ok(value) => drop(fields.insert(entry.field.name.clone(), value)),
            Err(error) => drop(errors.insert(
                entry.field.name.clone(),
                tf("form.wrong", &[("field", &entry.field.label), ("detail", &error.detail)]),
            )),
        }
    }
    if errors.is_empty() { Ok(fields) } else { Err(errors) }
}
