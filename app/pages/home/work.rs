//! One card of the day: a short list, its whole length, and for tasks a box that ticks them off.

use std::sync::Arc;

use aplomb_model::{Action, FieldType, Object};
use leptos::{prelude::*, task::spawn_local};
use serde_json::{Map, json};

use super::Question;
use crate::api::{self, ListQuery, Page, Record};
use crate::kit::{Icon, Loaded, ShownInCell, toasts};
use crate::pages::records::{created_at, title_of, value_of};
use crate::state::{Load, format, live, load, nav, signed};
use crate::text::{t, tf, tn};

const ROWS: u32 = 6;

#[component]
pub fn Work(question: Question, object: Arc<Object>) -> impl IntoView {
    let query = ListQuery {
        object: object.name.clone(),
        filter: question.filter.to_string(),
        sort: question.sort.to_owned(),
        limit: ROWS,
        ..ListQuery::default()
    };
    let all = nav::with_query(&nav::list_url(&object.name), &[("filter", &query.filter), ("sort", &query.sort)]);
    let page = load(move || query.clone(), |query, abort| async move { api::list(query, &abort).await });
    if let Some(live) = live() {
        let name = object.name.clone();
        live.follow(move |news| news.objects.contains(&name), move || page.refresh());
    }
    let count = move || page.value.with(|p| p.as_ref().map(|p| format::count(p.total.count)));
    let draw = {
        let (question, object, all) = (question.clone(), object.clone(), all.clone());
        move |held: Page| {
            if held.records.is_empty() {
                return view! { <p class="none home-none">{t(question.none)}</p> }.into_any();
            }
            let more = held.total.count.saturating_sub(held.records.len() as u64);
            let line = |record: Record| view! { <Line question=question.clone() object=object.clone() record page/> };
            let lines = held.records.into_iter().map(line).collect_view();
            let rest = (more > 0).then(|| view! { <a class="small" href=all.clone()>{tn("home.more", more)}</a> });
            view! { <ul class="home-list">{lines}</ul>{rest} }.into_any()
        }
    };
    view! {
        <section class="card pad home-card" aria-label=t(question.title)>
            <header class="section-head"><span class="hit-icon"><Icon name=question.icon/></span><h2>{t(question.title)}</h2><a class="push faint" href=all>{count}</a></header>
            <Loaded load=page draw rows=3/>
        </section>
    }
}

#[component]
fn Line(question: Question, object: Arc<Object>, record: Record, page: Load<Page>) -> impl IntoView {
    let title = title_of(&object, &record);
    let today = format::today();
    let facts = question.shown.iter().filter_map(|name| {
        let field = object.field(name).cloned().or_else(|| (*name == "createdAt").then(created_at))?;
        let value = value_of(&record, name);
        if value.is_null() {
            return None;
        }
        let day = value.as_str().map(|at| if field.kind == FieldType::DateTime { format::iso_of(at) } else { at.to_owned() });
        let late = matches!(*name, "dueAt" | "closeDate") && day.is_some_and(|day| day < today);
        let due = *name == "dueAt";
        let shown = match value.as_str().filter(|_| due) {
            Some(at) => view! { <span>{format::day(at)}</span> }.into_any(),
            None => view! { <ShownInCell field value=value.clone()/> }.into_any(),
        };
        Some(view! { <span class=if late { "home-fact late" } else { "home-fact" } title=if late { t("card.late") } else { "" }>{shown}</span> })
    });
    let facts = facts.collect_view();
    let tick = (object.name == "task" && signed().may("task", Action::Update))
        .then(|| view! { <Tick record=record.clone() title=title.clone() page/> });
    view! { <li>{tick}<a class="ellipsis" dir="auto" href=nav::record_url(&object.name, &record.id)>{title}</a><span class="push home-facts">{facts}</span></li> }
}

/// Ticks a task off, with a way back.
#[component]
fn Tick(record: Record, title: String, page: Load<Page>) -> impl IntoView {
    let toasts = toasts();
    let label = tf("home.tick", &[("title", &title)]);
    let busy = RwSignal::new(false);
    let change = move |_| {
        busy.set(true);
        let (record, title) = (record.clone(), title.clone());
        spawn_local(async move {
            let fields = Map::from_iter([("status".to_owned(), json!("done"))]);
            let answer = api::update("task", &record.id, record.version, fields).await;
            busy.try_set(false);
            page.refresh();
            match answer {
                Ok(_) => toasts.offer(tf("home.ticked", &[("title", &title)]), t("undo"), move || {
                    let record = record.clone();
                    spawn_local(async move {
                        match api::undo("task", &record.id, record.version).await {
                            Ok(()) => page.refresh(),
                            Err(failure) => toasts.refuse(&failure),
                        }
                    });
                }),
                Err(failure) => toasts.refuse(&failure),
            }
        });
    };
    view! { <input type="checkbox" aria-label=label disabled=move || busy.get() prop:checked=move || busy.get() on:change=change/> }
}
