//! Narrowing a list: what can be asked of a field, a condition in words, and the panel that makes one more.

use std::sync::Arc;

use aplomb_model::query::{Condition, Op};
use aplomb_model::{Field, FieldType, Object};
use leptos::{ev, prelude::*};
use serde_json::{Value as Json, json};

use super::filter_tree::Join;
use super::{bare_field, field_of};
use crate::kit::{FieldInput, field};
use crate::state::{format, signed};
use crate::text::{maybe, t};

/// A question one can ask of a field: its key in the catalogue (`op.KEY`), and how many values it takes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Question {
    key: &'static str,
    op: Op,
    ask: Ask,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ask {
    Nothing(bool),
    Me,
    One,
    Several,
    Two,
    Span,
}

const fn q(key: &'static str, op: Op, ask: Ask) -> Question {
    Question { key, op, ask }
}

const EMPTY: Question = q("empty", Op::IsEmpty, Ask::Nothing(true));
const FILLED: Question = q("filled", Op::IsEmpty, Ask::Nothing(false));
const IS: Question = q("eq", Op::Eq, Ask::One);
const IS_NOT: Question = q("ne", Op::Ne, Ask::One);

fn questions(field: &Field) -> Vec<Question> {
    use FieldType::*;
    match field.kind {
        Text | LongText | Email | Phone | Url | Address | PersonName => {
            let starts = q("startsWith", Op::StartsWith, Ask::One);
            vec![q("contains", Op::Contains, Ask::One), starts, IS, IS_NOT, EMPTY, FILLED]
        }
        Choice | MultiChoice if field.open && field.choices.is_empty() => vec![IS, IS_NOT, EMPTY, FILLED],
        Choice | MultiChoice => vec![q("in", Op::In, Ask::Several), q("notIn", Op::NotIn, Ask::Several), EMPTY, FILLED],
        Number | Money | Duration | Rating | Formula | RollUp => vec![
            q("gte", Op::Gte, Ask::One),
            q("lte", Op::Lte, Ask::One),
            IS,
            q("between", Op::Between, Ask::Two),
            EMPTY,
            FILLED,
        ],
        Date | DateTime => vec![
            q("withinLast", Op::WithinLast, Ask::Span),
            q("withinNext", Op::WithinNext, Ask::Span),
            q("from", Op::Gte, Ask::One),
            q("until", Op::Lte, Ask::One),
            q("between", Op::Between, Ask::Two),
            EMPTY,
            FILLED,
        ],
        YesNo => vec![IS, EMPTY],
        Reference | References if field.target.iter().any(|t| t == "user") => {
            vec![q("me", Op::Eq, Ask::Me), IS, IS_NOT, EMPTY, FILLED]
        }
        Reference | References => vec![IS, IS_NOT, EMPTY, FILLED],
        File | GeoPoint => vec![EMPTY, FILLED],
    }
}

/// How the value of a condition is typed in: a plain form of the field's own type.
fn value_field(field: &Field, ask: Ask) -> Field {
    use FieldType::*;
    let kind = match field.kind {
        Text | LongText | Email | Phone | Url | Address | PersonName => Text,
        Choice | MultiChoice if ask == Ask::Several => MultiChoice,
        Choice | MultiChoice => Choice,
        Date | DateTime => Date,
        Number | Rating | Formula | RollUp => Number,
        References => Reference,
        other => other,
    };
    let open = ask != Ask::Several && field.open;
    Field {
        choices: field.choices.clone(),
        target: field.target.clone(),
        open,
        ..bare_field(&field.name, &field.label, kind)
    }
}

/// Fields one can filter by: its own, the two times that every record has, and those of what it refers to.
fn filterable(object: &Object) -> Vec<Field> {
    let own = object.live().filter(|f| f.name != "externalIds").cloned();
    let system = ["createdAt", "updatedAt"].into_iter().filter_map(|name| field_of(object, name));
    let mut all: Vec<Field> = own.chain(system).collect();
    for step in object.live().filter(|f| f.kind == FieldType::Reference) {
        let [target] = step.target.as_slice() else { continue };
        let Some(other) = signed().object(target).filter(|o| !o.internal) else { continue };
        let simple =
            |f: &&Field| f.name != "externalIds" && !matches!(f.kind, FieldType::Reference | FieldType::References);
        all.extend(other.live().filter(simple).filter_map(|f| field_of(object, &format!("{}.{}", step.name, f.name))));
    }
    all
}

/// A condition in words.
pub fn words(object: &Object, condition: &Condition) -> String {
    let Some(field) = field_of(object, &condition.field) else {
        return format!("{} …", condition.field);
    };
    let value = &condition.value;
    let fits = |q: &Question| {
        q.op == condition.op
            && match q.ask {
                Ask::Nothing(wanted) => value.as_bool().unwrap_or(true) == wanted,
                Ask::Me => value.as_str() == Some("me"),
                _ => true,
            }
    };
    let question = questions(&field).into_iter().find(|q| fits(q));
    let is_time = matches!(field.kind, FieldType::Date | FieldType::DateTime);
    let key = question.map_or_else(|| unasked(condition.op, is_time), |q| q.key);
    let op = maybe(&format!("op.{key}")).unwrap_or("…");
    let one = |v: &Json| match field.kind {
        FieldType::Choice | FieldType::MultiChoice => {
            let key = v.as_str().unwrap_or_default();
            field.choices.iter().find(|c| c.key == key).map_or_else(|| key.to_owned(), |c| c.label.clone())
        }
        _ if is_time => day_words(v.as_str().unwrap_or_default()),
        _ => format::plain(v),
    };
    let value = match question.map(|q| q.ask) {
        Some(Ask::Nothing(_) | Ask::Me) => String::new(),
        Some(Ask::Span) => span_words(value.as_str().unwrap_or_default()),
        Some(Ask::Two) => value.as_array().into_iter().flatten().map(one).collect::<Vec<_>>().join(" – "),
        _ => match value {
            Json::Array(items) => items.iter().map(one).collect::<Vec<_>>().join(", "),
            single => one(single),
        },
    };
    format!("{} {op} {value}", field.label).trim_end().to_owned()
}

/// The word for an operator that the form does not offer, but a link or a saved view may hold.
fn unasked(op: Op, is_time: bool) -> &'static str {
    match (op, is_time) {
        (Op::Gt, true) => "after",
        (Op::Lt, true) => "before",
        (Op::Gt, false) => "gt",
        (Op::Lt, false) => "lt",
        (Op::Gte, _) => "gte",
        (Op::Lte, _) => "lte",
        (Op::Eq, _) => "eq",
        (Op::Ne, _) => "ne",
        (Op::In, _) => "in",
        (Op::NotIn, _) => "notIn",
        (Op::Contains, _) => "contains",
        (Op::StartsWith, _) => "startsWith",
        _ => "",
    }
}

/// A day, or how far it lies from today: `+14d` as `today + 14 days`.
fn day_words(day: &str) -> String {
    match (day, day.strip_prefix('+'), day.strip_prefix('-')) {
        ("today", ..) => t("day.today").to_owned(),
        (_, Some(span), _) => format!("{} + {}", t("day.today"), span_words(span)),
        (_, _, Some(span)) => format!("{} − {}", t("day.today"), span_words(span)),
        _ => format::date(day),
    }
}

/// `30d` as `30 days`.
fn span_words(span: &str) -> String {
    let digits = span.trim_end_matches(char::is_alphabetic);
    let unit = maybe(&format!("unit.{}", &span[digits.len()..])).unwrap_or_default();
    format!("{digits} {unit}")
}

/// Field, question, value.
#[component]
pub fn Builder(object: Arc<Object>, joins: Vec<(String, Join)>, add: Callback<(Join, Condition)>) -> impl IntoView {
    let signed = signed();
    let fields = filterable(&object);
    let join = RwSignal::new(0usize);
    let held = joins.clone();
    let joined = move |at: usize| held.get(at).map_or(Join::All, |(_, join)| join.clone());
    let choices = (joins.len() > 1).then(|| {
        let option = |(at, (text, _)): (usize, (String, Join))| view! { <option value=at.to_string()>{text}</option> };
        view! {
            <label class="sr" for="filter-join">{t("filter.join")}</label>
            <select id="filter-join" class="input" on:change=move |e| join.set(event_target_value(&e).parse().unwrap_or(0))>
                {joins.into_iter().enumerate().map(option).collect_view()}
            </select>
        }
    });
    let names: Vec<(String, String)> = fields.iter().map(|f| (f.name.clone(), f.label.clone())).collect();
    let chosen = RwSignal::new(fields.first().map(|f| f.name.clone()).unwrap_or_default());
    let field = Memo::new(move |_| fields.iter().find(|f| f.name == chosen.get()).cloned());
    let asked = RwSignal::new(0usize);
    let question = Memo::new(move |_| field.get().and_then(|f| questions(&f).get(asked.get()).copied()));
    let values = [RwSignal::new(Json::Null), RwSignal::new(Json::Null)];
    let error = RwSignal::new(None::<String>);
    let reset = move || values.iter().for_each(|v| v.set(Json::Null));
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let (Some(field), Some(question)) = (field.get_untracked(), question.get_untracked()) else { return };
        let shape = value_field(&field, question.ask);
        let read = |at: usize| {
            let raw = values[at].get_untracked();
            if shape.kind == FieldType::Reference && raw.is_object() {
                return Ok(raw);
            }
            field::prepare(&signed.schema, signed.currency(), &shape, &raw).map_err(|e| e.detail)
        };
        match condition(&field, question, &read, &values[0].get_untracked()) {
            Ok(condition) => add.run((joined(join.get_untracked()), condition)),
            Err(detail) => error.set(Some(detail)),
        }
    };
    let inputs = move || {
        error.set(None);
        let (Some(field), Some(question)) = (field.get(), question.get()) else { return ().into_any() };
        let shape = value_field(&field, question.ask);
        let problem = Signal::derive(move || error.get());
        let input = move |at: usize| {
            view! { <FieldInput field=shape.clone() value=values[at] id=format!("filter-value-{at}") error=problem/> }
        };
        match question.ask {
            Ask::Nothing(_) | Ask::Me => ().into_any(),
            Ask::Span => view! { <Span value=values[0]/> }.into_any(),
            Ask::Two => view! { <div class="columns">{input(0)}{input(1)}</div> }.into_any(),
            Ask::One | Ask::Several => input(0).into_any(),
        }
    };
    let ops = move || {
        let list = field.get().map(|f| questions(&f)).unwrap_or_default();
        let option = |(at, q): (usize, Question)| {
            let label = maybe(&format!("op.{}", q.key)).unwrap_or(q.key);
            view! { <option value=at.to_string() selected=asked.get_untracked() == at>{label}</option> }
        };
        list.into_iter().enumerate().map(option).collect_view()
    };
    view! {
        <form class="form filter-form" on:submit=submit data-testid="filter-form">
            {choices}
            <label class="sr" for="filter-field">{t("filter.field")}</label>
            <select id="filter-field" class="input" on:change=move |e| { reset(); asked.set(0); chosen.set(event_target_value(&e)); }>
                {names.into_iter().map(|(name, label)| view! { <option value=name>{label}</option> }).collect_view()}
            </select>
            <label class="sr" for="filter-op">{t("filter.op")}</label>
            <select id="filter-op" class="input" on:change=move |e| { reset(); asked.set(event_target_value(&e).parse().unwrap_or(0)); }>{ops}</select>
            <div role="group" id="filter-value-0-label" aria-label=t("filter.value")>{inputs}</div>
            <p class="hint error" id="filter-value-0-note">{move || error.get()}</p>
            <button type="submit" class="button primary">{t("filter.apply")}</button>
        </form>
    }
}

/// The condition that the panel's inputs make.
fn condition(
    field: &Field,
    question: Question,
    read: &dyn Fn(usize) -> Result<Json, String>,
    raw: &Json,
) -> Result<Condition, String> {
    let given = |json: Json| match &json {
        Json::Null => Err(t("filter.missing").to_owned()),
        Json::Array(items) if items.is_empty() => Err(t("filter.missing").to_owned()),
        Json::String(s) if s.is_empty() => Err(t("filter.missing").to_owned()),
        _ => Ok(json),
    };
    let value = match question.ask {
        Ask::Nothing(empty) => Json::Bool(empty),
        Ask::Me => json!("me"),
        Ask::Span => match raw.as_str() {
            Some(span) => json!(span),
            None => json!("7d"),
        },
        Ask::Two => json!([given(read(0)?)?, given(read(1)?)?]),
        Ask::One if field.kind == FieldType::YesNo => Json::Bool(raw.as_bool().unwrap_or(false)),
        Ask::One | Ask::Several => given(read(0)?)?,
    };
    Ok(Condition { field: field.name.clone(), op: question.op, value })
}

/// A number and a unit of time.
#[component]
fn Span(value: RwSignal<Json>) -> impl IntoView {
    const UNITS: [(&str, &str); 4] = [("d", "unit.d"), ("w", "unit.w"), ("mo", "unit.mo"), ("y", "unit.y")];
    let number = RwSignal::new("7".to_owned());
    let unit = RwSignal::new("d".to_owned());
    Effect::new(move |_| {
        let whole: u32 = number.get().parse().unwrap_or(1);
        value.set(json!(format!("{whole}{}", unit.get())));
    });
    view! {
        <span class="with-unit">
            <input class="input short" type="number" min="1" max="9999" aria-label=t("filter.value") prop:value=move || number.get()
                on:input=move |e| number.set(event_target_value(&e))/>
            <select class="input" aria-label=t("filter.unit") on:change=move |e| unit.set(event_target_value(&e))>
                {UNITS.into_iter().map(|(key, text)| view! { <option value=key>{t(text)}</option> }).collect_view()}
            </select>
        </span>
    }
}
