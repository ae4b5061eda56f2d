//! What can be done with the selected records, however many they are: change a field, give them to somebody, export them,
//! move them to the trash. The server does it behind the page; it can be called off and taken back.

use std::sync::Arc;

use aplomb_model::{Action, Field, Object};
use leptos::{ev, prelude::*, task::spawn_local};
use serde_json::{Map, Value as Json};

use super::chosen::Chosen;
use super::columns::Column;
use super::jobs::watch;
use super::list_url::ListUrl;
use crate::api::{self, Job, Which};
use crate::kit::{Dialog, FieldRow, Icon, Menu, Notice, PlainSelect, Toasts, field, toasts};
use crate::state::signed;
use crate::text::{t, tf, tn};

/// Records that go to the trash without a question.
const UNASKED: u64 = 100;

/// Starts a job and clears the selection, or says why not.
fn start(
    answer: api::Result<Job>,
    doing: String,
    done: &'static str,
    toasts: Toasts,
    chosen: RwSignal<Chosen>,
) -> bool {
    match answer {
        Ok(job) => {
            chosen.try_set(Chosen::default());
            watch(job, doing, done, toasts);
            true
        }
        Err(failure) => {
            toasts.refuse(&failure);
            false
        }
    }
}

#[component]
pub fn BulkBar(
    object: Arc<Object>,
    chosen: RwSignal<Chosen>,
    url: Memo<ListUrl>,
    columns: Memo<Vec<Column>>,
) -> impl IntoView {
    let (toasts, signed) = (toasts(), signed());
    // The field that the form opens with.
    let changing = RwSignal::new(None::<&'static str>);
    let open = RwSignal::new(false);
    let sure = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let name = StoredValue::new(object.name.clone());
    let delete = move || {
        busy.set(true);
        sure.set(false);
        let (which, n) = chosen.with_untracked(|c| (c.which(), c.count()));
        spawn_local(async move {
            let answer = api::bulk_delete(&name.get_value(), &which).await;
            busy.try_set(false);
            start(answer, tn("bulk.deleting", n), "bulk.deleted", toasts, chosen);
        });
    };
    let ask = move |_| if chosen.with_untracked(Chosen::count) > UNASKED { sure.set(true) } else { delete() };
    let export = move |_| {
        let which = chosen.with_untracked(Chosen::which);
        send_export(name.get_value(), "csv", which, url.get_untracked(), shown(columns), toasts);
    };
    let change = move |first: &'static str| {
        changing.set(Some(first));
        open.set(true);
    };
    let may_update = signed.may(&object.name, Action::Update);
    let may_assign = may_update && object.field("owner").is_some_and(field::is_editable);
    let may_delete = signed.may(&object.name, Action::Delete);
    let may_export = signed.may(&object.name, Action::Export);
    let text = move || {
        let (n, all) = chosen.with(|c| (c.count(), c.is_all()));
        tn(if all { "bulk.chosenAll" } else { "bulk.chosen" }, n)
    };
    let button =
        |icon: &'static str, text: &'static str| view! { <Icon name=icon/><span class="wide-only">{t(text)}</span> };
    let form = object.clone();
    view! {
        <Show when=move || chosen.with(|c| c.count() > 0)>
            <div class="bulk-bar card" role="region" aria-label=t("bulk.title") data-testid="bulk">
                <strong role="status">{text}</strong>
                {may_assign.then(|| view! {
                    <button type="button" class="button" aria-label=t("bulk.assign") on:click=move |_| change("owner")>{button("user-round", "bulk.assign")}</button>
                })}
                {may_update.then(|| view! {
                    <button type="button" class="button" aria-label=t("bulk.change") on:click=move |_| change("")>{button("pencil", "bulk.change")}</button>
                })}
                {may_export.then(|| view! {
                    <button type="button" class="button" aria-label=t("list.export") on:click=export>{button("download", "list.export")}</button>
                })}
                {may_delete.then(|| view! {
                    <button type="button" class="button" aria-label=t("record.delete") disabled=move || busy.get() on:click=ask>{button("trash-2", "record.delete")}</button>
                })}
                <button type="button" class="button icon-only" aria-label=t("bulk.clear") title=t("bulk.clear") on:click=move |_| chosen.set(Chosen::default())><Icon name="x"/></button>
            </div>
        </Show>
        <Dialog title=Signal::derive(move || tn("bulk.changeTitle", chosen.with(Chosen::count))) open>
            <ChangeForm object=form.clone() first=changing.get_untracked().unwrap_or_default() chosen open/>
        </Dialog>
        <Dialog title=Signal::derive(move || tn("bulk.sure", chosen.with(Chosen::count))) open=sure>
            <p>{t("bulk.sure.body")}</p>
            <div class="actions">
                <button type="button" class="button" on:click=move |_| sure.set(false)>{t("cancel")}</button>
                <button type="button" class="button primary" autofocus on:click=move |_| delete()>{t("record.delete")}</button>
            </div>
        </Dialog>
    }
}

/// The names of the fields that the list's columns show.
fn shown(columns: Memo<Vec<Column>>) -> Vec<String> {
    columns.with_untracked(|all| all.iter().map(|c| c.field.name.clone()).collect())
}

fn send_export(object: String, format: &'static str, which: Which, url: ListUrl, fields: Vec<String>, toasts: Toasts) {
    spawn_local(async move {
        match api::export(&object, format, &which, url.effective_sort(), &fields).await {
            Ok(job) => watch(job, t("job.exporting").to_owned(), "job.exported", toasts),
            Err(failure) => toasts.refuse(&failure),
        }
    });
}

/// Everything that the list gives as a file, in the format and with the fields that one chooses.
#[component]
pub fn ExportMenu(object: Arc<Object>, url: Memo<ListUrl>, columns: Memo<Vec<Column>>) -> impl IntoView {
    let toasts = toasts();
    let name = StoredValue::new(object.name.clone());
    let item = move |(format, all, text): (&'static str, bool, &'static str)| {
        let go = move |_| {
            let now = url.get_untracked();
            let which = Which { filter: now.filter.clone(), q: now.q.clone(), ..Which::default() };
            let fields = if all { Vec::new() } else { shown(columns) };
            send_export(name.get_value(), format, which, now, fields, toasts);
        };
        view! { <button type="button" role="menuitem" class="menu-item" on:click=go><Icon name="file-text"/>{t(text)}</button> }
    };
    let items = [("csv", false, "export.csv"), ("csv", true, "export.csvAll"), ("jsonl", true, "export.jsonl")];
    let trigger = || view! { <Icon name="download"/><span class="wide-only">{t("list.export")}</span> };
    view! { <Menu label=t("list.export") class="button" trigger>{items.into_iter().map(item).collect_view()}</Menu> }
}

/// One field and the value that all of them get.
#[component]
fn ChangeForm(
    object: Arc<Object>,
    first: &'static str,
    chosen: RwSignal<Chosen>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let (toasts, signed) = (toasts(), signed());
    let fits = |f: &&Field| field::is_editable(f) && !f.unique && f.name != "externalIds" && f.name != object.title;
    let fields: Vec<Field> = object.live().filter(fits).cloned().collect();
    let options: Vec<(String, String)> = fields.iter().map(|f| (f.name.clone(), f.label.clone())).collect();
    let first = fields.iter().find(|f| f.name == first).or(fields.first()).map(|f| f.name.clone());
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
        let (which, n) = chosen.with_untracked(|c| (c.which(), c.count()));
        let name = name.clone();
        spawn_local(async move {
            let answer = api::bulk_set(&name, &which, Map::from_iter([(field.name.clone(), json)])).await;
            busy.try_set(false);
            match answer {
                Err(f) if f.status == 422 => drop(error.try_set(Some(f.of_any_field(&field.name)))),
                answer => {
                    if start(answer, tn("bulk.changing", n), "bulk.changed", toasts, chosen) {
                        open.try_set(false);
                    }
                }
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
