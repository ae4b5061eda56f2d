//! My day: what is due, which deals need a next step, what came in. It says so when there is nothing.

mod first_steps;
mod work;

use aplomb_model::{Action, Filter, Object};
use leptos::prelude::*;
use serde_json::{Value as Json, json};

use crate::kit::Empty;
use crate::state::{format, nav, signed};
use crate::text::{t, tf};

/// One list of the day: what it asks for, and where the whole of it is.
#[derive(Clone)]
struct Question {
    object: &'static str,
    title: &'static str,
    none: &'static str,
    icon: &'static str,
    filter: Json,
    sort: &'static str,
    /// fields that a line shows beside the title
    shown: &'static [&'static str],
}

fn one(field: &str, op: &str, value: Json) -> Json {
    json!({ "field": field, "op": op, "value": value })
}

/// The condition that work is not finished: its stage or status has no outcome that ends it.
fn unfinished(object: &str, field: &str) -> Json {
    let object = signed().object(object);
    let choices = object.as_ref().and_then(|o| o.field(field)).map(|f| f.choices.clone()).unwrap_or_default();
    let ended = choices.into_iter().filter(|c| c.outcome.as_deref().is_some_and(|o| o != "open")).map(|c| c.key);
    one(field, "notIn", json!(ended.collect::<Vec<_>>()))
}

/// What a day is made of.
fn questions() -> Vec<Question> {
    let mine = || one("owner", "eq", json!("me"));
    let open_deal = || unfinished("deal", "stage");
    let open_task = || unfinished("task", "status");
    vec![
        Question {
            object: "task",
            title: "home.due",
            none: "home.due.none",
            icon: "square-check",
            filter: json!({ "and": [mine(), open_task(), one("dueAt", "lte", json!("today"))] }),
            sort: "dueAt",
            shown: &["dueAt", "priority"],
        },
        Question {
            object: "task",
            title: "home.week",
            none: "home.week.none",
            icon: "calendar",
            filter: json!({ "and": [mine(), open_task(), one("dueAt", "gt", json!("today")), one("dueAt", "withinNext", json!("7d"))] }),
            sort: "dueAt",
            shown: &["dueAt", "priority"],
        },
        Question {
            object: "deal",
            title: "home.stepless",
            none: "home.stepless.none",
            icon: "triangle-alert",
            filter: json!({ "and": [mine(), open_deal(), one("nextStep", "isEmpty", json!(true))] }),
            sort: "-amount",
            shown: &["amount", "stage"],
        },
        Question {
            object: "deal",
            title: "home.closing",
            none: "home.closing.none",
            icon: "handshake",
            filter: json!({ "and": [mine(), open_deal(), one("closeDate", "lte", json!("+14d"))] }),
            sort: "closeDate",
            shown: &["closeDate", "amount"],
        },
        Question {
            object: "lead",
            title: "home.leads",
            none: "home.leads.none",
            icon: "target",
            filter: json!({ "and": [mine(), one("createdAt", "withinLast", json!("7d")), one("status", "eq", json!("new"))] }),
            sort: "-createdAt",
            shown: &["createdAt", "score"],
        },
    ]
}

/// Whether the object can be asked this: it has every field that the filter, the order and the line name.
fn fits(question: &Question, object: &Object) -> bool {
    let Ok(filter) = serde_json::from_value::<Filter>(question.filter.clone()) else { return false };
    let there =
        |name: &str| matches!(name, "createdAt" | "updatedAt") || object.field(name).is_some_and(|f| !f.retired);
    let sort = question.sort.trim_start_matches('-');
    let mut named = fields_of(&filter);
    named.push(sort);
    named.into_iter().all(there)
}

fn fields_of(filter: &Filter) -> Vec<&str> {
    match filter {
        Filter::And { and } => and.iter().flat_map(fields_of).collect(),
        Filter::Or { or } => or.iter().flat_map(fields_of).collect(),
        Filter::Not { not } => fields_of(not),
        Filter::Condition(condition) => vec![condition.field.as_str()],
    }
}

#[component]
pub fn HomePage() -> impl IntoView {
    let signed = signed();
    nav::name_tab(|| t("home.title").to_owned());
    let name = signed.session.user.name.split_whitespace().next().unwrap_or_default().to_owned();
    let cards: Vec<_> = questions()
        .into_iter()
        .filter_map(|question| {
            let object =
                signed.object(question.object).filter(|o| signed.may(&o.name, Action::Read) && fits(&question, o))?;
            Some(view! { <work::Work question object/> })
        })
        .collect();
    if signed.objects().is_empty() {
        return view! { <Empty title=t("home.nothing") body=t("home.nothing.body") icon="lock"/> }.into_any();
    }
    let greeting = if name.is_empty() { t("home.title").to_owned() } else { tf("home.hello", &[("name", &name)]) };
    view! {
        <div class="page">
            <header class="page-head"><h1>{greeting}</h1><span class="faint">{format::date(&format::today())}</span></header>
            <first_steps::FirstSteps/>
            <div class="home-grid" data-testid="home">{cards}</div>
        </div>
    }
    .into_any()
}
