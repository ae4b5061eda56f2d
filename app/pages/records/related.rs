//! Records that refer to this one, an object at a time, each with a button to make one more.

use std::sync::Arc;

use aplomb_model::query::{Condition, Op};
use aplomb_model::{Action, Field, FieldType, Filter, Object};
use leptos::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::form::CreateDialog;
use super::{field_of, title_of, value_of};
use crate::api::{self, ListQuery, Page, Record};
use crate::kit::{Icon, Loaded, Shown};
use crate::state::{Load, load, nav, signed};
use crate::text::{t, tf};

const ROWS: u32 = 5;

/// Every object with a field that may point at `target`; the first such field of each.
fn referring(objects: &[Arc<Object>], target: &str) -> Vec<(Arc<Object>, Field)> {
    let points = |f: &&Field| {
        matches!(f.kind, FieldType::Reference | FieldType::References)
            && f.target.iter().any(|t| t == target)
            && !f.read_only
    };
    objects.iter().filter_map(|o| Some((o.clone(), o.live().find(points)?.clone()))).collect()
}

#[component]
pub fn RelatedTab(object: Arc<Object>, id: String, record: Load<Record>) -> impl IntoView {
    let title = record.value.with_untracked(|r| r.as_ref().map(|r| title_of(&object, r)).unwrap_or_default());
    let sections = referring(&signed().objects(), &object.name).into_iter().map(|(other, field)| {
        view! { <Section other field target=object.name.clone() id=id.clone() title=title.clone()/> }
    });
    view! { <div class="related">{sections.collect_view()}</div> }
}

/// What one notes down about a record most often, a button each, with the record filled in.
#[component]
pub fn QuickAdd(object: Arc<Object>, id: String, record: Load<Record>) -> impl IntoView {
    const OFTEN: [&str; 4] = ["note", "task", "call", "meeting"];
    let title = record.value.with_untracked(|r| r.as_ref().map(|r| title_of(&object, r)).unwrap_or_default());
    let reference = json!({ "id": id, "object": object.name, "name": title });
    let all = referring(&signed().objects(), &object.name);
    let done = Callback::new(move |_: Record| record.refresh());
    let button = |name: &&str| {
        let (other, field) = all.iter().find(|(o, _)| o.name == *name && signed().may(name, Action::Create))?.clone();
        let creating = RwSignal::new(false);
        let value = if field.kind == FieldType::References { json!([reference]) } else { reference.clone() };
        let given = Map::from_iter([(field.name, value)]);
        Some(view! {
            <button type="button" class="button small" data-testid=format!("add-{name}") on:click=move |_| creating.set(true)><Icon name=other.icon.clone()/>{other.label.clone()}</button>
            <CreateDialog object=other open=creating on_done=done given/>
        })
    };
    view! { <div class="actions start-actions" role="group" aria-label=t("record.note")>{OFTEN.iter().filter_map(button).collect_view()}</div> }
}

#[component]
fn Section(other: Arc<Object>, field: Field, target: String, id: String, title: String) -> impl IntoView {
    let reference = json!({ "id": id, "object": target, "name": title });
    let condition = |value: Json| {
        let one = Filter::Condition(Condition { field: field.name.clone(), op: Op::Eq, value });
        serde_json::to_string(&Filter::And { and: vec![one] }).unwrap_or_default()
    };
    let query = ListQuery {
        object: other.name.clone(),
        filter: condition(json!(id)),
        sort: "-updatedAt".to_owned(),
        limit: ROWS,
        ..ListQuery::default()
    };
    let all = nav::with_query(&nav::list_url(&other.name), &[("filter", &condition(reference.clone()))]);
    let page = load(move || query.clone(), |query, abort| async move { api::list(query, &abort).await });
    let creating = RwSignal::new(false);
    let given = Map::from_iter([(
        field.name.clone(),
        if field.kind == FieldType::References { json!([reference]) } else { reference },
    )]);
    let done = Callback::new(move |_: Record| page.again());
    let create = signed().may(&other.name, Action::Create).then(|| {
        let label = tf("list.create", &[("object", &other.label)]);
        view! {
            <button type="button" class="button icon-only" aria-label=label.clone() title=label on:click=move |_| creating.set(true)><Icon name="plus"/></button>
            <CreateDialog object=other.clone() open=creating on_done=done given=given.clone()/>
        }
    });
    let draw = {
        let other = other.clone();
        move |page: Page| rows(&other, page, &all)
    };
    view! {
        <section class="related-section">
            <header><Icon name=other.icon.clone()/><h3>{other.plural.clone()}</h3><span class="push">{create}</span></header>
            <Loaded load=page draw rows=1/>
        </section>
    }
}

fn rows(object: &Object, page: Page, all: &str) -> AnyView {
    if page.records.is_empty() {
        return view! { <p class="none small">{t("related.none")}</p> }.into_any();
    }
    let more = (page.next.is_some() || page.total.count > page.records.len() as u64).then(|| {
        view! { <a class="small" href=all.to_owned()>{tf("related.all", &[("n", &page.total.count.to_string())])}</a> }
    });
    let aside = object
        .list
        .iter()
        .filter(|name| **name != object.title)
        .filter_map(|name| field_of(object, name))
        .find(|f| !matches!(f.kind, FieldType::Reference | FieldType::References | FieldType::LongText));
    let row = |record: Record| {
        let title = title_of(object, &record);
        let beside = aside.clone().map(|field| {
            let value = value_of(&record, &field.name);
            view! { <span class="push small"><Shown field value flat=true/></span> }
        });
        view! { <li><a class="ellipsis" href=nav::record_url(&object.name, &record.id)>{title}</a>{beside}</li> }
    };
    view! { <ul class="related-rows">{page.records.into_iter().map(row).collect_view()}</ul>{more} }.into_any()
}
