//! An editor for every type of field, empty, filled in and refused, and how the values are shown.

use aplomb_model::{Choice, Field, FieldType};
use leptos::prelude::*;
use serde_json::{Value as Json, json};

use super::part;
use crate::kit::{FieldRow, Plain, PlainSelect, Secret, Shown, Strength};
use crate::pages::records::bare_field;

/// Each type with a value as the API writes it.
fn kinds() -> Vec<(FieldType, &'static str, Json)> {
    use FieldType::*;
    vec![
        (Text, "Text", json!("Höhlenforschungsgesellschaft Südwestfalen")),
        (LongText, "Long text", json!("First line\nمرحبا بالعالم\n😀")),
        (Number, "Number", json!(1234.5)),
        (Money, "Money", json!({ "amount": "1250.00", "currency": "EUR" })),
        (Date, "Date", json!("2026-12-31")),
        (DateTime, "Date and time", json!("2026-12-31T14:30:00Z")),
        (YesNo, "Yes or no", json!(true)),
        (Choice, "Choice", json!("won")),
        (MultiChoice, "Several choices", json!(["won", "lost"])),
        (Email, "E-mail", json!("ada@example.org")),
        (Phone, "Phone", json!("+49 30 123456")),
        (Url, "Web address", json!("https://example.org/a/long/way")),
        (
            Address,
            "Address",
            json!({ "street": "Straße des 17. Juni 135", "postalCode": "10623", "city": "Berlin", "country": "DE" }),
        ),
        (PersonName, "Person's name", json!({ "first": "محمد", "last": "Oberhauser-Kirchschläger" })),
        (Reference, "Record", Json::Null),
        (References, "Records", Json::Null),
        (File, "File", Json::Null),
        (GeoPoint, "Place", json!({ "lat": 52.52, "lon": 13.405 })),
        (Duration, "Duration", json!(5400)),
        (Rating, "Rating", json!(4)),
    ]
}

fn field(kind: FieldType, label: &str) -> Field {
    let choice = |(key, label, outcome): (&str, &str, &str)| Choice {
        key: key.to_owned(),
        label: label.to_owned(),
        color: None,
        probability: None,
        outcome: Some(outcome.to_owned()),
        retired: false,
    };
    Field {
        read_only: false,
        target: vec!["company".to_owned()],
        choices: [("won", "Won", "won"), ("lost", "Lost", "lost")].map(choice).to_vec(),
        help: "A word of help".to_owned(),
        ..bare_field(&format!("kit{kind:?}"), label, kind)
    }
}

pub fn all() -> AnyView {
    let shown = kinds().into_iter().filter(|(.., value)| !value.is_null()).map(|(kind, label, value)| {
        view! { <div class="row"><span class="small faint">{label}</span><Shown field=field(kind, label) value/></div> }
    });
    view! { {editors("Inputs", None)}{editors("Refused inputs", Some("is not right yet"))}{part("Values", shown.collect_view())}<Plains/> }.into_any()
}

/// Every editor; refused ones are empty and required.
fn editors(name: &'static str, error: Option<&'static str>) -> AnyView {
    let row = |(kind, label, value): (FieldType, &'static str, Json)| {
        let field = Field { required: error.is_some(), ..field(kind, label) };
        let value = RwSignal::new(if error.is_some() { Json::Null } else { value });
        let said = Signal::stored(error.map(|e| format!("{label} {e}.")));
        let id = format!("{}-{kind:?}", if error.is_some() { "refused" } else { "kit" });
        view! { <FieldRow field value error=said id/> }
    };
    part(name, kinds().into_iter().map(row).collect_view())
}

#[component]
fn Plains() -> impl IntoView {
    let text = |s: &str| RwSignal::new(s.to_owned());
    let (plain, refused, secret, choice) = (text("Text"), text(""), text("correct horse battery"), text("b"));
    let options = Signal::stored([("a", "First"), ("b", "Second")].map(|(k, l)| (k.to_owned(), l.to_owned())).to_vec());
    let body = view! {
        <Plain id="kit-plain" label="Plain" value=plain hint="A hint"/>
        <Plain id="kit-refused" label="Plain, refused" value=refused error=Signal::stored(Some("Give a name.".to_owned()))/>
        <PlainSelect id="kit-select" label="Choice" value=choice options/>
        <div class="row"><Secret id="kit-secret" label="Secret" value=secret/><Strength value=secret/></div>
        <label class="check"><input type="checkbox" checked=true/>"Check box"</label>
    };
    part("Plain inputs", body)
}
