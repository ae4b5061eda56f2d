//! A value of a declared field, to be read.

use std::sync::Arc;

use aplomb_model::{Field, FieldType};
use leptos::{ev, prelude::*};
use serde_json::Value as Json;

use super::{Badge, Icon, Previewed, Previewing};
use crate::state::{format, nav};
use crate::text::t;

/// Shows `value` for a cell of a table: the first of several, how many more there are, and no times of day.
#[component]
pub fn ShownInCell(field: Field, value: Json) -> AnyView {
    match (field.kind, &value) {
        (FieldType::DateTime, Json::String(at)) => {
            let (ago, exact) = (format::ago(at), format::time(at));
            view! { <span title=exact>{ago}</span> }.into_any()
        }
        (FieldType::Email | FieldType::Phone | FieldType::Url | FieldType::References, Json::Array(items))
            if items.len() > 1 =>
        {
            let more = format!("+{}", items.len() - 1);
            let all = text(&field, &value);
            let first = Json::Array(items[..1].to_vec());
            view! { <span class="several" title=all><Shown field value=first/><span class="faint small">{more}</span></span> }.into_any()
        }
        (FieldType::File, _) => view! { <Shown field value flat=true/> }.into_any(),
        _ => view! { <Shown field value/> }.into_any(),
    }
}

type Addressing = dyn Fn(&str, bool) -> String + Send + Sync;

/// Where a browser finds a file of the record that is shown, by its id and whether it is shown in place; given as
/// context by the page that shows a record.
#[derive(Clone)]
pub struct FileAddress(pub Arc<Addressing>);

pub fn file_name(file: &Json) -> String {
    file.get("name").and_then(Json::as_str).unwrap_or_else(|| t("unnamed")).to_owned()
}

/// Files by name, with their size; pictures as such, what a browser can show in a tab of its own.
fn files(value: &Json, flat: bool) -> AnyView {
    let address = use_context::<FileAddress>().filter(|_| !flat);
    let previewing = use_context::<Previewing>();
    let one = |file: &Json| {
        let name = file_name(file);
        let text = |key: &str| file.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let (id, kind) = (text("id"), text("mediaType"));
        let size = file.get("size").and_then(Json::as_f64).map(format::bytes);
        let Some(FileAddress(address)) = address.clone() else { return view! { <span>{name}</span> }.into_any() };
        let is_picture = Previewed::is_picture(&kind);
        let is_shown = Previewed::is_shown(&kind) || kind == "application/pdf";
        let (href, alone) = (address(&id, is_shown), is_shown.then_some("_blank"));
        let picture =
            is_picture.then(|| view! { <img class="file-picture" loading="lazy" alt="" src=address(&id, true)/> });
        let save = view! { <a class="button icon-only" download=name.clone() href=address(&id, false) aria-label=format!("{} {name}", t("file.save"))><Icon name="download"/></a> };
        let file = Previewed { name: name.clone(), kind, url: href.clone() };
        let look = move |event: ev::MouseEvent| {
            let plain = !event.ctrl_key() && !event.meta_key() && !event.shift_key();
            if let Some(previewing) = previewing.filter(|_| plain && Previewed::is_shown(&file.kind)) {
                event.prevent_default();
                previewing.show(file.clone());
            }
        };
        view! { <span class="file"><a class="file-link" href=href target=alone rel="external noopener" on:click=look>{picture}<Icon name="file"/><span class="ellipsis">{name.clone()}</span></a><span class="faint small nowrap">{size}</span>{save}</span> }.into_any()
    };
    let list = value.as_array().cloned().unwrap_or_default();
    view! { <span class="files">{list.iter().map(one).collect_view()}</span> }.into_any()
}

/// Shows `value` as its field's type asks for; nothing for no value.
#[component]
pub fn Shown(
    field: Field,
    value: Json,
    /** no links inside, for use inside a button */
    #[prop(default = false)]
    flat: bool,
) -> AnyView {
    use FieldType::*;
    if value.is_null() {
        return ().into_any();
    }
    match field.kind {
        Choice => choice(&field, &value).into_any(),
        MultiChoice => {
            let items = value.as_array().cloned().unwrap_or_default();
            let badges = items.iter().map(|item| choice(&field, item)).collect_view();
            view! { <span class="badges">{badges}</span> }.into_any()
        }
        Reference => link(&value, flat),
        References => {
            let items = value.as_array().cloned().unwrap_or_default();
            let links = items.iter().map(|item| view! { <span class="tag">{link(item, flat)}</span> }).collect_view();
            view! { <span class="badges">{links}</span> }.into_any()
        }
        Email if !flat => addresses(&value, "mailto:"),
        Phone if !flat => addresses(&value, "tel:"),
        Url if !flat => addresses(&value, ""),
        YesNo => match value.as_bool() {
            Some(true) => view! { <span class="yes"><Icon name="check"/>{t("yes")}</span> }.into_any(),
            _ => view! { <span class="faint">{t("no")}</span> }.into_any(),
        },
        File => files(&value, flat),
        Rating => rating(&field, &value),
        LongText => view! { <span class="long">{format::plain(&value)}</span> }.into_any(),
        _ => text(&field, &value).into_any(),
    }
}

/// The value in one line of text.
pub fn text(field: &Field, value: &Json) -> String {
    let as_text = || value.as_str().unwrap_or_default();
    match field.kind {
        FieldType::Date => format::date(as_text()),
        FieldType::DateTime => format::time(as_text()),
        FieldType::Duration => value.as_f64().map(format::duration).unwrap_or_default(),
        FieldType::Choice => label_of(field, as_text()),
        FieldType::MultiChoice => {
            let keys = value.as_array().into_iter().flatten().filter_map(Json::as_str);
            keys.map(|key| label_of(field, key)).collect::<Vec<_>>().join(", ")
        }
        FieldType::File => value.as_array().into_iter().flatten().map(file_name).collect::<Vec<_>>().join(", "),
        FieldType::GeoPoint => {
            let part = |key: &str| value.get(key).and_then(Json::as_f64).unwrap_or_default();
            format!("{:.5}, {:.5}", part("lat"), part("lon"))
        }
        FieldType::Address => serde_json::from_value::<aplomb_model::Address>(value.clone())
            .map(|address| address.line())
            .unwrap_or_else(|_| format::plain(value)),
        _ => format::plain(value),
    }
}

fn label_of(field: &Field, key: &str) -> String {
    field.choices.iter().find(|c| c.key == key).map_or_else(|| key.to_owned(), |c| c.label.clone())
}

fn choice(field: &Field, value: &Json) -> impl IntoView + use<> {
    let key = value.as_str().unwrap_or_default();
    let found = field.choices.iter().find(|c| c.key == key);
    let color = found.map(|c| match (c.color.as_deref(), c.outcome.as_deref()) {
        (Some(color), _) => color.to_owned(),
        (None, Some("won" | "done")) => "green".to_owned(),
        (None, Some("lost")) => "red".to_owned(),
        _ => String::new(),
    });
    view! { <Badge text=label_of(field, key) color=color.unwrap_or_default()/> }
}

fn link(value: &Json, flat: bool) -> AnyView {
    let part = |key: &str| value.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    let (object, id) = (part("object"), part("id"));
    let name = match part("name") {
        name if name.is_empty() => t("unnamed").to_owned(),
        name => name,
    };
    if flat || object.is_empty() || object == "user" || object == "team" || !value.is_object() {
        let name = if value.is_object() { name } else { format::plain(value) };
        return view! { <span>{name}</span> }.into_any();
    }
    view! { <a href=nav::record_url(&object, &id)>{name}</a> }.into_any()
}

fn addresses(value: &Json, scheme: &'static str) -> AnyView {
    let list: Vec<String> = match value {
        Json::Array(items) => items.iter().map(format::plain).collect(),
        one => vec![format::plain(one)],
    };
    let one = move |text: String| {
        let safe = !scheme.is_empty() || ["http://", "https://"].iter().any(|s| text.starts_with(s));
        if !safe {
            return view! { <span>{text}</span> }.into_any();
        }
        let href = format!("{scheme}{text}");
        let text = text.trim_start_matches("https://").trim_end_matches('/').to_owned();
        view! { <a href=href target=scheme.is_empty().then_some("_blank") rel="noopener noreferrer">{text}</a> }
            .into_any()
    };
    view! { <span class="stack">{list.into_iter().map(one).collect_view()}</span> }.into_any()
}

fn rating(field: &Field, value: &Json) -> AnyView {
    let most = field.max.unwrap_or(5.0).clamp(1.0, 10.0) as usize;
    let n = value.as_f64().unwrap_or_default().clamp(0.0, most as f64) as usize;
    let label = format!("{n} / {most}");
    let stars =
        (0..most).map(|i| view! { <span class=if i < n { "star on" } else { "star" }><Icon name="star"/></span> });
    view! { <span class="rating" role="img" aria-label=label>{stars.collect_view()}</span> }.into_any()
}
