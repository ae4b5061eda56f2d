//! A list in groups by the values of one field: each with its count and the sums of the columns, opened one by one.

use std::collections::BTreeSet;
use std::sync::Arc;

use aplomb_model::query::{Condition, Op};
use aplomb_model::{Field, FieldType, Filter, Object};
use leptos::prelude::*;
use serde_json::{Value as Json, json};

use super::columns::Column;
use super::field_of;
use super::filter_tree::{self, Join};
use super::grid::Grid;
use super::list::records;
use super::list_url::ListUrl;
use super::table::Table;
use crate::api;
use crate::kit::{Empty, Icon, Loaded, Shown, show};
use crate::state::{format, live, load, nav};
use crate::text::{t, tn};

/// Groups shown at most; the largest ones.
const MOST: u32 = 200;
/// Rows of an open group that are in sight at once.
const ROWS: usize = 10;

/// Fields by whose values rows can be put together.
pub fn groupable(object: &Object) -> Vec<Field> {
    let fits = |f: &&Field| {
        !f.many && matches!(f.kind, FieldType::Choice | FieldType::YesNo | FieldType::Reference | FieldType::Rating)
    };
    object.live().filter(fits).cloned().collect()
}

fn summed(columns: &[Column]) -> Vec<Field> {
    let fits = |f: &&Field| {
        matches!(f.kind, FieldType::Money | FieldType::Duration | FieldType::Number) && !f.name.contains('.')
    };
    columns.iter().map(|c| &c.field).filter(fits).filter(|f| f.name != "probability").cloned().collect()
}

#[component]
pub fn Grouped(grid: Grid, field: Field) -> impl IntoView {
    let (object, url, columns) = (grid.object.clone(), grid.url, grid.columns);
    let open = RwSignal::new(BTreeSet::<String>::new());
    let by = field.name.clone();
    let key = {
        let (object, by) = (object.clone(), by.clone());
        move || {
            let sums: Vec<String> = columns.with(|c| summed(c)).into_iter().map(|f| f.name).collect();
            (object.name.clone(), by.clone(), url.with(|u| (u.filter.clone(), u.q.clone())), sums)
        }
    };
    let groups = load(key, |(object, by, (filter, q), sums), abort| async move {
        let mut aggregates = vec![json!({ "op": "count", "as": "count" })];
        aggregates.extend(sums.iter().map(|name| json!({ "op": "sum", "field": name, "as": name })));
        let mut query = json!({ "groupBy": [by], "aggregates": aggregates, "limit": MOST });
        if let Ok(filter) = serde_json::from_str::<Json>(&filter) {
            query["filter"] = filter;
        }
        if !q.is_empty() {
            query["q"] = json!(q);
        }
        let mut groups = api::groups(&object, query, &abort).await?;
        groups.sort_by_key(|g| std::cmp::Reverse(g.pointer("/values/count").and_then(Json::as_u64)));
        Ok(groups)
    });
    if let Some(live) = live() {
        let name = object.name.clone();
        live.follow(move |news| news.objects.contains(&name), move || groups.refresh());
    }
    let draw = move |mut all: Vec<Json>| {
        if all.is_empty() {
            return view! { <Empty title=t("list.noMatch") body=t("list.noMatch.body") icon="search"/> }.into_any();
        }
        // Choices stand in the order in which they were declared.
        let place = |g: &Json| {
            let key = g["key"][field.name.as_str()].as_str().unwrap_or_default().to_owned();
            field.choices.iter().position(|c| c.key == key).unwrap_or(usize::MAX)
        };
        all.sort_by_key(place);
        let grid = grid.clone();
        let one = |(at, group): (usize, Json)| view! { <Group grid=grid.clone() field=field.clone() at group open/> };
        view! { <div class="groups" data-testid="groups">{all.into_iter().enumerate().map(one).collect_view()}</div> }
            .into_any()
    };
    view! { <Loaded load=groups draw rows=8/> }
}

/// What a list shows of one group.
fn narrowed(url: &ListUrl, field: &Field, key: &Json) -> ListUrl {
    let (op, value) = if key.is_null() {
        (Op::IsEmpty, json!(true))
    } else {
        (Op::Eq, key.get("id").cloned().unwrap_or_else(|| key.clone()))
    };
    let condition = Condition { field: field.name.clone(), op, value };
    let filter: Option<Filter> = filter_tree::add(url.read_filter(), &Join::All, condition);
    ListUrl { group: String::new(), ..url.with_filter(filter.as_ref()) }
}

#[component]
fn Group(grid: Grid, field: Field, at: usize, group: Json, open: RwSignal<BTreeSet<String>>) -> impl IntoView {
    let key = group.get("key").and_then(|k| k.get(&field.name)).cloned().unwrap_or_default();
    let name = key.get("id").and_then(Json::as_str).map_or_else(|| key.to_string(), str::to_owned);
    let values = group.get("values").cloned().unwrap_or_default();
    let count = values.get("count").and_then(Json::as_u64).unwrap_or_default();
    let sums = grid.columns.with_untracked(|c| summed(c)).into_iter().filter_map(|f| {
        let value = values.get(&f.name).filter(|v| !v.is_null())?.clone();
        let shown = match (&f.kind, value.get("amount"), value.get("currency").and_then(Json::as_str)) {
            (FieldType::Money, Some(amount), Some(currency)) => format::round_money(&format::plain_amount(amount), currency),
            _ => show::text(&f, &value),
        };
        Some(view! { <span class="group-sum"><span class="faint small">{f.label.clone()}</span>" "<strong>{shown}</strong></span> })
    });
    let sums = sums.collect_view();
    let is_open = {
        let name = name.clone();
        Memo::new(move |_| open.with(|open| open.contains(&name)))
    };
    let toggle = move |_| {
        open.update(|open| {
            if !open.remove(&name) {
                open.insert(name.clone());
            }
        });
    };
    let label = if key.is_null() {
        view! { <span class="none">{t("groups.none")}</span> }.into_any()
    } else {
        view! { <Shown field=field.clone() value=key.clone() flat=true/> }.into_any()
    };
    let body = {
        let key = key.clone();
        move || is_open.get().then(|| view! { <Rows grid=grid.clone() field=field.clone() key=key.clone() at count/> })
    };
    view! {
        <section class="group-block">
            <button type="button" class="group-head" aria-expanded=move || is_open.get().to_string() on:click=toggle>
                <span class="twist"><Icon name="chevron-right"/></span>{label}
                <span class="faint">{tn("list.count", count)}</span>
                <span class="group-sums push">{sums}</span>
            </button>
            {body}
        </section>
    }
}

/// The rows of an open group: a table of its own.
#[component]
fn Rows(grid: Grid, field: Field, key: Json, at: usize, count: u64) -> impl IntoView {
    let object: Arc<Object> = grid.object.clone();
    let outer = grid.url;
    let own_field = field_of(&object, &field.name).unwrap_or(field);
    let url = Memo::new(move |_| outer.with(|url| narrowed(url, &own_field, &key)));
    let rows = records(&object, url, grid.columns);
    let own = Grid { rows, url, prefix: format!("group-{at}-"), ..grid };
    let height = format!("calc(var(--row) * {} + 42px)", (count as usize).clamp(1, ROWS));
    let name = object.name.clone();
    let table = move || {
        if rows.there.get() {
            view! { <Table grid=own.clone()/> }.into_any()
        } else {
            view! { <div class="skeleton"><div class="bar"></div></div> }.into_any()
        }
    };
    view! {
        <div class="group-rows" style:height=height>{table}</div>
        {(count as usize > ROWS).then(|| view! { <a class="small group-all" href=move || url.with(|url| nav_to(url, &name))>{tn("groups.all", count)}</a> })}
    }
}

fn nav_to(url: &ListUrl, object: &str) -> String {
    let address = url.write(object);
    if address.is_empty() { nav::list_url(object) } else { address }
}
