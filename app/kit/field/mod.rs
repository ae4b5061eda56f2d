//! An editor for every type of field. Its value is JSON as the API takes it; `prepare` checks it by the server's rules.

mod choice;
mod file;
mod lists;
mod parts;
mod references;
mod simple;

use aplomb_model::json::{Reader, required, write};
use aplomb_model::{Currency, Field, FieldError, FieldType, Schema};
use leptos::prelude::*;
use serde_json::{Value as Json, json};

use crate::state::format::from_typed;
use crate::text::t;

/// What every editor gets.
#[derive(Clone)]
pub(super) struct Edit {
    pub field: Field,
    pub value: RwSignal<Json>,
    pub id: String,
    pub error: Signal<Option<String>>,
}

impl Edit {
    /// `aria-invalid`
    pub fn invalid(&self) -> impl Fn() -> String + Clone + Send + 'static + use<> {
        let error = self.error;
        move || error.get().is_some().to_string()
    }

    pub fn note(&self) -> String {
        format!("{}-note", self.id)
    }

    /// One member of a JSON object, and a way to set it.
    pub fn part(
        &self,
        key: &'static str,
    ) -> (impl Fn() -> String + Clone + Send + 'static + use<>, impl Fn(String) + Copy + 'static + use<>) {
        let value = self.value;
        let get = move || value.with(|v| v.get(key).map(text_of).unwrap_or_default());
        let set = move |text: String| {
            value.update(|v| {
                if !v.is_object() {
                    *v = json!({});
                }
                v[key] = Json::String(text);
            });
        };
        (get, set)
    }
}

/// Text in an input: the text itself, a number in digits, else nothing.
pub(super) fn text_of(json: &Json) -> String {
    match json {
        Json::String(s) => s.clone(),
        Json::Number(n) => n.to_string(),
        _ => String::new(),
    }
}

/// The editor of a field. A label for `id` must stand beside it, and a note `{id}-note` may.
#[component]
pub fn FieldInput(
    field: Field,
    value: RwSignal<Json>,
    #[prop(into)] id: String,
    #[prop(into)] error: Signal<Option<String>>,
) -> AnyView {
    use FieldType::*;
    let kind = field.kind;
    let many = field.many;
    let edit = Edit { field, value, id, error };
    match kind {
        Email | Phone | Url if many => lists::texts(edit),
        Text | Email | Phone | Url => simple::line(edit),
        LongText => simple::area(edit),
        Number | Rating => simple::number(edit),
        Duration => simple::minutes(edit),
        Date => simple::date(edit),
        DateTime => simple::date_time(edit),
        YesNo => simple::yes_no(edit),
        Money => parts::money(edit),
        PersonName => parts::person(edit),
        Address => parts::address(edit),
        GeoPoint => parts::geo(edit),
        Choice => choice::one(edit),
        MultiChoice => choice::several(edit),
        Reference => references::one(edit),
        References => references::several(edit),
        File => file::several(edit),
        Formula | RollUp => view! { <p class="faint">{t("field.fixed")}</p> }.into_any(),
    }
}

/// Whether a person can set this field here.
pub fn is_editable(field: &Field) -> bool {
    use FieldType::*;
    !field.read_only && !field.retired && !matches!(field.kind, Formula | RollUp)
}

/// Checks an editor's value by the rules of `aplomb_model::json`, and writes it as the API takes it.
pub fn prepare(schema: &Schema, currency: Currency, field: &Field, value: &Json) -> Result<Json, FieldError> {
    if matches!(field.kind, FieldType::Reference | FieldType::References) {
        return references::prepare(field, value);
    }
    let value = match (field.kind, value) {
        (FieldType::Number | FieldType::Rating, Json::String(s)) if s.trim().is_empty() => Json::Null,
        (FieldType::Number | FieldType::Rating, Json::String(s)) => Json::String(from_typed(s)),
        (FieldType::Money, Json::Object(parts)) => {
            let mut parts = parts.clone();
            let amount = parts.get("amount").map(text_of).unwrap_or_default();
            parts.insert("amount".to_owned(), Json::String(from_typed(&amount)));
            if parts.get("currency").is_none_or(|c| text_of(c).is_empty()) {
                parts.insert("currency".to_owned(), json!(currency));
            }
            Json::Object(parts)
        }
        (FieldType::GeoPoint, Json::Object(parts)) => match ["lat", "lon"].map(|k| parts.get(k).map(text_of)) {
            [Some(lat), Some(lon)] if !lat.is_empty() || !lon.is_empty() => {
                let number = |s: String| from_typed(&s).parse::<f64>().ok();
                json!({ "lat": number(lat), "lon": number(lon) })
            }
            _ => Json::Null,
        },
        (_, value) => value.clone(),
    };
    let read = Reader { schema, currency }.read(field, &value)?;
    match read {
        Some(value) => Ok(write(&value)),
        None if field.required => Err(required(field)),
        None => Ok(Json::Null),
    }
}
