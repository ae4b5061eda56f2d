//! What the people who work with a kind of record look for first, in one line under its name.

use std::sync::Arc;

use aplomb_model::{Action, Field, FieldType, Object};
use leptos::prelude::*;
use serde_json::{Value as Json, json};

use super::title_of;
use crate::api::{self, Record};
use crate::kit::{Badge, Shown};
use crate::state::{Load, format, live, load, nav, signed};
use crate::text::t;

/// Fields by object; of others the first columns of their list.
const FIRST: [(&str, &[&str]); 4] = [
    ("contact", &["email", "phone", "title", "company", "lastTouchAt", "owner"]),
    ("company", &["domain", "phone", "industry", "employees", "lastTouchAt", "owner"]),
    ("deal", &["amount", "closeDate", "probability", "nextStep", "company", "owner"]),
    ("lead", &["companyName", "email", "phone", "score", "source", "owner"]),
];
const MOST: usize = 6;

fn fields(object: &Object) -> Vec<Field> {
    let known = FIRST.into_iter().find(|(name, _)| *name == object.name).map(|(_, fields)| fields);
    let names: Vec<&str> = match known {
        Some(fields) => fields.to_vec(),
        None => object.list.iter().map(String::as_str).filter(|name| *name != object.title).take(MOST).collect(),
    };
    names.into_iter().filter_map(|name| object.field(name).filter(|f| !f.retired).cloned()).collect()
}

#[component]
pub fn FirstLook(object: Arc<Object>, id: String, record: Load<Record>) -> impl IntoView {
    let fields = fields(&object);
    if fields.is_empty() {
        return ().into_any();
    }
    let is_deal = object.name == "deal";
    let deals = open_deals(&object, &id, record);
    let one = move |field: Field| {
        let name = field.name.clone();
        let value = Memo::new(move |_| {
            record.value.with(|r| r.as_ref().and_then(|r| r.fields.get(&name).cloned()).unwrap_or_default())
        });
        let label = field.label.clone();
        let shown = move || {
            let value = value.get();
            let warning = match (field.name.as_str(), value.is_null()) {
                ("nextStep", true) if is_deal && is_open(record) => Some("card.noStep"),
                ("closeDate", false)
                    if is_deal && is_open(record) && value.as_str() < Some(format::today().as_str()) =>
                {
                    Some("card.late")
                }
                _ => None,
            };
            let warning = warning.map(|key| view! { <Badge text=t(key) color="amber"/> });
            let shown = match (value.is_null(), field.kind) {
                (true, _) if warning.is_some() => ().into_any(),
                (true, _) => view! { <span class="none">"–"</span> }.into_any(),
                (_, FieldType::DateTime) => view! { <span>{value.as_str().map(format::ago)}</span> }.into_any(),
                _ => view! { <Shown field=field.clone() value/> }.into_any(),
            };
            view! { {shown}" "{warning} }
        };
        view! { <div><dt>{label}</dt><dd dir="auto">{shown}</dd></div> }
    };
    view! { <dl class="first-look card" data-testid="first-look">{fields.into_iter().map(one).collect_view()}{deals}</dl> }
        .into_any()
}

/// Whether a deal has not ended.
fn is_open(record: Load<Record>) -> bool {
    record.value.with(|r| {
        r.as_ref().is_some_and(|r| r.fields.get("outcome").and_then(|o| o.as_str()).is_none_or(|o| o == "open"))
    })
}

/// How much is open with a company or a person, and the way to it.
fn open_deals(object: &Arc<Object>, id: &str, record: Load<Record>) -> Option<AnyView> {
    let field = match object.name.as_str() {
        "company" => "company",
        "contact" => "contacts",
        _ => return None,
    };
    let signed = signed();
    signed
        .object("deal")
        .filter(|d| signed.may("deal", Action::Read) && d.field(field).is_some() && d.field("outcome").is_some())?;
    let filter = |value: Json| {
        json!({ "and": [
        { "field": field, "op": "eq", "value": value },
        { "field": "outcome", "op": "eq", "value": "open" },
    ] })
    };
    let query = json!({ "filter": filter(json!(id)), "aggregates": [{ "op": "count" }, { "op": "sum", "field": "amount" }], "limit": 1 });
    let found = load(move || query.clone(), |query, abort| async move { api::groups("deal", query, &abort).await });
    if let Some(live) = live() {
        live.follow(|news| news.objects.iter().any(|o| o == "deal"), move || found.refresh());
    }
    let title = record.value.with_untracked(|r| r.as_ref().map(|r| title_of(object, r)).unwrap_or_default());
    let all = filter(json!({ "id": id, "object": object.name, "name": title })).to_string();
    let url = nav::with_query(&nav::list_url("deal"), &[("filter", &all)]);
    let text = move || {
        found.value.with(|groups| {
            let values = groups.as_ref()?.first()?.get("values")?;
            let count = values.get("count")?.as_u64().filter(|n| *n > 0)?;
            let sum =
                values.get("sum_amount").filter(|sum| !sum.is_null()).map(|sum| format!(" · {}", format::plain(sum)));
            Some(format!("{}{}", format::count(count), sum.unwrap_or_default()))
        })
    };
    let shown = move || match text() {
        Some(text) => view! { <a href=url.clone()>{text}</a> }.into_any(),
        None => view! { <span class="none">"–"</span> }.into_any(),
    };
    Some(view! { <div data-testid="open-deals"><dt>{t("record.openDeals")}</dt><dd>{shown}</dd></div> }.into_any())
}
