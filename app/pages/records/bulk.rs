//! What can be done with several records at once: change a field, move to the trash. All of them or none, with a way
//! back.

use std::collections::BTreeSet;
use std::sync::Arc;

use aplomb_model::{Action, Field, Object};
use leptos::{ev, prelude::*, task::spawn_local};
use serde_json::{Map, Value as Json};

use crate::api::{self, Record};
use crate::kit::{Dialog, FieldRow, Icon, Notice, Paged, PlainSelect, field, toasts};
use crate::state::signed;
use crate::text::{t, tf, tn};

#[component]
pub fn BulkBar(object: Arc<Object>, rows: Paged<Record>, chosen: RwSignal<BTreeSet<String>>) -> impl IntoView {
    let toasts = toasts();
    let signed = signed();
    let editing = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let name = StoredValue::new(object.name.clone());
    let delete = move |_| {
        let ids: Vec<String> = chosen.get_untracked().into_iter().collect();
        busy.set(true);
        spawn_local(async move {
            let answer = api::batch("delete", &name.get_value(), &ids, Map::new()).await;
            busy.try_set(false);
            match answer {
                Ok(_) => {
                    chosen.try_set(BTreeSet::new());
                    rows.refresh();
                    toasts.offer(tn("bulk.deleted", ids.len() as u64), t("undo"), move || {
                        let (ids, name) = (ids.clone(), name.try_get_value().unwrap_or_default());
                        spawn_local(async move {
                            match api::batch("restore", &name, &ids, Map::new()).await {
                                Ok(_) => rows.refresh(),
                                Err(failure) => toasts.refuse(&failure),
                            }
                        });
                    });
                }
                Err(failure) => toasts.refuse(&failure),
            }
        });
    };
    let (may_update, may_delete) = (signed.may(&object.name, Action::Update), signed.may(&object.name, Action::Delete));
    let form = object.clone();
    view! {
        <Show when=move || chosen.with(|c| !c.is_empty())>
            <div class="bulk-bar card" role="region" aria-label=t("bulk.title") data-testid="bulk">
                <strong role="status">{move || tn("bulk.chosen", chosen.with(BTreeSet::len) as u64)}</strong>
                {may_update.then(|| view! {
                    <button type="button" class="button" on:click=move |_| editing.set(true)><Icon name="pencil"/>{t("bulk.change")}</button>
                })}
                {may_delete.then(|| view! {
                    <button type="button" class="button" disabled=move || busy.get() on:click=delete><Icon name="trash-2"/>{t("record.delete")}</button>
                })}
                <button type="button" class="button icon-only" aria-label=t("bulk.clear") title=t("bulk.clear") on:click=move |_| chosen.set(BTreeSet::new())><Icon name="x"/></button>
            </div>
        </Show>
        <Dialog title=Signal::derive(move || tn("bulk.changeTitle", chosen.with(BTreeSet::len) as u64)) open=editing>
            <ChangeForm object=form.clone() rows chosen open=editing/>
        </Dialog>
    }
}

/// One field and the value that all of them get.
#[component]
fn ChangeForm(
    object: Arc<Object>,
    rows: Paged<Record>,
    chosen: RwSignal<BTreeSet<String>>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let toasts = toasts();
    let signed = signed();
    let fits = |f: &&Field| field::is_editable(f) && !f.unique && f.name != "externalIds" && f.name != object.title;
    let fields: Vec<Field> = object.live().filter(fits).cloned().collect();
    let options: Vec<(String, String)> = fields.iter().map(|f| (f.name.clone(), f.label.clone())).collect();
    let first = fields.iter().find(|f| f.name == "owner").or(fields.first()).map(|f| f.name.clone());
    let wanted = RwSignal::new(first.unwrap_or_default());
    let value = RwSignal::new(Json::Null);
    let error = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let chosen_field = Memo::new(move |_| fields.iter().find(|f| f.name == wanted.get()).cloned());
    let input = move || {
        value.set(Json::Null);
        error.set(None);
        let field = chosen_field.get()?;
        Some(view! { <FieldRow field value error=Signal::derive(move || error.get()) id="bulk-value"/> })
    };
    let name = object.name.clone();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let Some(field) = chosen_field.get_untracked() else { return };
        let json = match field::prepare(&signed.schema, signed.currency(), &field, &value.get_untracked()) {
            Ok(json) => json,
            Err(e) => return error.set(Some(tf("form.wrong", &[("field", &field.label), ("detail", &e.detail)]))),
        };
        busy.set(true);
        let ids: Vec<String> = chosen.get_untracked().into_iter().collect();
        let name = name.clone();
        spawn_local(async move {
            let answer = api::batch("update", &name, &ids, Map::from_iter([(field.name.clone(), json)])).await;
            busy.try_set(false);
            match answer {
                Ok(versions) => {
                    open.try_set(false);
                    chosen.try_set(BTreeSet::new());
                    rows.refresh();
                    let text = tn("bulk.changed", versions.len() as u64);
                    toasts.offer(text, t("undo"), move || {
                        let (name, versions) = (name.clone(), versions.clone());
                        spawn_local(async move {
                            for (id, version) in versions {
                                if let Err(failure) = api::undo(&name, &id, version.saturating_sub(1).max(1)).await {
                                    return toasts.refuse(&failure);
                                }
                            }
                            rows.refresh();
                        });
                    });
                }
                Err(f) => drop(error.try_set(Some(f.of_any_field(&field.name)))),
            }
        });
    };
    view! {
        <form class="form" on:submit=submit data-testid="bulk-form" novalidate>
            <PlainSelect id="bulk-field" label=t("bulk.field") value=wanted options=Signal::stored(options)/>
            {input}
            <Notice text=t("bulk.all")/>
            <div class="actions"><button type="submit" class="button primary" disabled=move || busy.get()>{t("bulk.apply")}</button></div>
        </form>
    }
}
