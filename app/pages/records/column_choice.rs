//! Choosing a list's columns and their order. The choice is in the URL, and this browser's own until it is reset.

use std::sync::Arc;

use aplomb_model::{Field, Object};
use leptos::prelude::*;

use super::columns;
use super::list_url::ListUrl;
use crate::kit::{Icon, Popover};
use crate::text::{t, tf};

#[component]
pub fn ColumnChoice(object: Arc<Object>, url: Memo<ListUrl>, go: Callback<ListUrl>) -> impl IntoView {
    let open = RwSignal::new(false);
    let trigger = || view! { <Icon name="sliders-horizontal"/><span class="wide-only">{t("columns.title")}</span> };
    view! {
        <span class="columns-choice">
            <Popover label=t("columns.title") class="button" open trigger>
                <Choice object=object.clone() url go/>
            </Popover>
        </span>
    }
}

#[component]
fn Choice(object: Arc<Object>, url: Memo<ListUrl>, go: Callback<ListUrl>) -> impl IntoView {
    let shown = {
        let object = object.clone();
        Memo::new(move |_| columns::names(&object, &url.with(|url| url.columns.clone())))
    };
    let choose = {
        let object = object.clone();
        Callback::new(move |names: Vec<String>| {
            let columns = columns::arranged(&object, &url.get_untracked().columns, &names);
            columns::remember(&object.name, &columns);
            go.run(ListUrl { columns, ..url.get_untracked() });
        })
    };
    let toggle = Callback::new(move |name: String| {
        let mut names = shown.get_untracked();
        match names.iter().position(|n| *n == name) {
            Some(at) => drop(names.remove(at)),
            None => names.push(name),
        }
        choose.run(names);
    });
    let shift = Callback::new(move |(name, forward): (String, bool)| {
        let mut names = shown.get_untracked();
        let Some(at) = names.iter().position(|n| *n == name) else { return };
        let to = if forward { at + 1 } else { at - 1 };
        // The title keeps its place.
        if at > 0 && to > 0 && to < names.len() {
            names.swap(at, to);
            choose.run(names);
        }
    });
    let fields = columns::possible(&object);
    let list = move || {
        let mut fields = fields.clone();
        shown.with(|shown| fields.sort_by_key(|f| shown.iter().position(|n| *n == f.name).unwrap_or(usize::MAX)));
        fields.into_iter().map(|field| line(field, shown, toggle, shift)).collect_view()
    };
    let reset = move |_| choose.run(Vec::new());
    view! {
        <ul class="columns-list" data-testid="columns">{list}</ul>
        <button type="button" class="button link" on:click=reset>{t("columns.reset")}</button>
    }
}

fn line(
    field: Field,
    shown: Memo<Vec<String>>,
    toggle: Callback<String>,
    shift: Callback<(String, bool)>,
) -> impl IntoView {
    let (name, label) = (field.name, field.label);
    let at = shown.with_untracked(|shown| shown.iter().position(|n| *n == name));
    let last = shown.with_untracked(Vec::len) - 1;
    let mover = |icon: &'static str, text: &'static str, forward: bool, off: bool| {
        let own = name.clone();
        view! {
            <button type="button" class="button icon-only" disabled=off aria-label=tf(text, &[("column", &label)]) on:click=move |_| shift.run((own.clone(), forward))><Icon name=icon/></button>
        }
    };
    let movers = at.map(|at| {
        view! { <span class="push nowrap">{mover("arrow-up", "columns.earlier", false, at <= 1)}{mover("arrow-down", "columns.later", true, at >= last)}</span> }
    });
    let own = name.clone();
    view! {
        <li>
            <label class="check"><input type="checkbox" prop:checked=at.is_some() on:change=move |_| toggle.run(own.clone())/>{label.clone()}</label>
            {movers}
        </li>
    }
}
