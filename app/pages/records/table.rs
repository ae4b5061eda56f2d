//! The rows of a list. On a phone each row becomes a card, by the style sheet and `data-label`.

use std::sync::Arc;

use aplomb_model::{Field, FieldType, Object};
use leptos::prelude::*;

use super::list_url::ListUrl;
use super::{field_of, title_of, value_of};
use crate::api::Record;
use crate::kit::{Icon, ShownInCell};
use crate::state::nav;

/// The columns of an object's list: its title first, what the declaration names, and when it was changed last.
fn columns(object: &Object) -> Vec<Field> {
    let rest = object.list.iter().map(String::as_str).filter(|name| *name != object.title && *name != "updatedAt");
    let names = std::iter::once(object.title.as_str()).chain(rest).chain(std::iter::once("updatedAt"));
    names.filter_map(|name| field_of(object, name)).collect()
}

fn is_sortable(field: &Field) -> bool {
    use FieldType::*;
    !field.many && !matches!(field.kind, LongText | Reference | References | File | GeoPoint | MultiChoice)
}

fn is_number(field: &Field) -> bool {
    matches!(
        field.kind,
        FieldType::Number | FieldType::Money | FieldType::Duration | FieldType::Formula | FieldType::RollUp
    )
}

#[component]
pub fn Table(object: Arc<Object>, records: Vec<Record>, url: Memo<ListUrl>, go: Callback<ListUrl>) -> impl IntoView {
    let columns = columns(&object);
    let head = columns.iter().map(|field| view! { <Head field=field.clone() url go/> }).collect_view();
    let rows = records.into_iter().map(|record| row(&object, &columns, record)).collect_view();
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label=object.plural.clone()>
            <table class="table" data-testid="records">
                <thead><tr>{head}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

/// A header; a button when the column can be sorted by.
#[component]
fn Head(field: Field, url: Memo<ListUrl>, go: Callback<ListUrl>) -> impl IntoView {
    let class = if is_number(&field) { "number" } else { "" };
    if !is_sortable(&field) {
        return view! { <th scope="col" class=class>{field.label}</th> }.into_any();
    }
    let name = field.name.clone();
    let order = Memo::new(move |_| url.with(|url| url.order(&name)));
    let aria = move || match order.get() {
        None => "none",
        Some(false) => "ascending",
        Some(true) => "descending",
    };
    let icon = move || match order.get() {
        None => view! { <span class="sort-idle"><Icon name="arrow-up-down"/></span> }.into_any(),
        Some(false) => view! { <Icon name="arrow-up"/> }.into_any(),
        Some(true) => view! { <Icon name="arrow-down"/> }.into_any(),
    };
    let sort = move |_| go.run(url.get_untracked().sorted_by(&field.name));
    view! {
        <th scope="col" class=class aria-sort=aria>
            <button type="button" class="sort" on:click=sort>{field.label}{icon}</button>
        </th>
    }
    .into_any()
}

fn row(object: &Object, columns: &[Field], record: Record) -> AnyView {
    let href = nav::record_url(&object.name, &record.id);
    let title = title_of(object, &record);
    let cells = columns.iter().enumerate().map(|(at, field)| {
        let label = field.label.clone();
        if at == 0 {
            let (href, title) = (href.clone(), title.clone());
            return view! { <td class="title" data-label=label><a href=href>{title}</a></td> }.into_any();
        }
        let value = value_of(&record, &field.name);
        let empty = value.is_null();
        let class = match (is_number(field), empty) {
            (_, true) => "none",
            (true, _) => "number",
            _ => "",
        };
        view! { <td class=class data-label=label><ShownInCell field=field.clone() value/></td> }.into_any()
    });
    let cells = cells.collect_view();
    view! { <tr data-id=record.id.clone()>{cells}</tr> }.into_any()
}
