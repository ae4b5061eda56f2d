//! What the people who work with a kind of record look for first, in one line under its name.

use std::sync::Arc;

use aplomb_model::{Field, FieldType, Object};
use leptos::prelude::*;

use crate::api::Record;
use crate::kit::{Badge, Shown};
use crate::state::{Load, format};
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
pub fn FirstLook(object: Arc<Object>, record: Load<Record>) -> impl IntoView {
    let fields = fields(&object);
    if fields.is_empty() {
        return ().into_any();
    }
    let is_deal = object.name == "deal";
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
    view! { <dl class="first-look card" data-testid="first-look">{fields.into_iter().map(one).collect_view()}</dl> }
        .into_any()
}

/// Whether a deal has not ended.
fn is_open(record: Load<Record>) -> bool {
    record.value.with(|r| {
        r.as_ref().is_some_and(|r| r.fields.get("outcome").and_then(|o| o.as_str()).is_none_or(|o| o == "open"))
    })
}
