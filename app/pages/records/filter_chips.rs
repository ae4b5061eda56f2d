//! The filter of a list as chips: what must all hold side by side, alternatives in a chip of their own, at any depth. Each
//! condition can be taken away; a new one goes beside the others, or is an alternative to one of them.

use std::sync::Arc;

use aplomb_model::query::Condition;
use aplomb_model::{Filter, Object};
use leptos::prelude::*;

use super::filter::{Builder, words};
use super::filter_tree::{self, At, Join};
use super::list_url::ListUrl;
use crate::kit::{Icon, Popover};
use crate::text::{t, tf};

#[component]
pub fn FilterBar(object: Arc<Object>, url: Memo<ListUrl>, go: Callback<ListUrl>) -> impl IntoView {
    let open = RwSignal::new(false);
    let remove = Callback::new(move |at: At| {
        let now = url.get_untracked();
        go.run(now.with_filter(filter_tree::remove(now.read_filter(), &at).as_ref()));
    });
    let add = Callback::new(move |(join, condition): (Join, Condition)| {
        let now = url.get_untracked();
        open.set(false);
        go.run(now.with_filter(filter_tree::add(now.read_filter(), &join, condition).as_ref()));
    });
    let chips = {
        let object = object.clone();
        move || {
            let list = filter_tree::top(url.with(ListUrl::read_filter));
            let chip = |(at, node): (usize, Filter)| view! { <span class="chip" data-testid="filter-chip">{piece(&object, &node, vec![at], remove)}</span> };
            list.into_iter().enumerate().map(chip).collect_view()
        }
    };
    let trigger = move || view! { <Icon name="funnel"/><span class="wide-only">{t("filter.add")}</span> };
    let builder = move || {
        let joins = joins(&object, &filter_tree::top(url.with(ListUrl::read_filter)));
        view! { <Builder object=object.clone() joins add/> }
    };
    view! {
        <div class="filters">
            {chips}
            <Popover label=t("filter.add") class="button" open trigger>{builder.clone()}</Popover>
            <Show when=move || url.with(|u| !u.filter.is_empty())>
                <button type="button" class="button link" on:click=move |_| go.run(url.get_untracked().with_filter(None))>
                    {t("filter.clear")}
                </button>
            </Show>
        </div>
    }
}

/// A condition with its cross, or a group in brackets.
fn piece(object: &Object, node: &Filter, at: At, remove: Callback<At>) -> AnyView {
    let cross = |text: &str| {
        let (label, at) = (format!("{} {text}", t("filter.remove")), at.clone());
        view! { <button type="button" class="button icon-only" aria-label=label on:click=move |_| remove.run(at.clone())><Icon name="x"/></button> }
    };
    let list = filter_tree::children(node);
    if let Filter::Condition(condition) = node {
        let text = words(object, condition);
        let cross = cross(&text);
        return view! { <span class="chip-part">{text}{cross}</span> }.into_any();
    }
    if let Filter::Not { not } = node {
        let text = tf("filter.not", &[("what", &in_words(object, not))]);
        let cross = cross(&text);
        return view! { <span class="chip-part">{text}{cross}</span> }.into_any();
    }
    let word = if matches!(node, Filter::Or { .. }) { t("filter.or") } else { t("filter.and") };
    let part = |(place, child): (usize, &Filter)| {
        let below: At = at.iter().copied().chain([place]).collect();
        let group = !matches!(child, Filter::Condition(_));
        let shown = piece(object, child, below, remove);
        let between = (place > 0).then(|| view! { <em>{word}</em> });
        view! { {between}{group.then_some("(")}{shown}{group.then_some(")")} }
    };
    list.iter().enumerate().map(part).collect_view().into_any()
}

fn in_words(object: &Object, node: &Filter) -> String {
    let list = |list: &[Filter], word: &str| {
        let parts: Vec<String> = list.iter().map(|f| in_words(object, f)).collect();
        format!("({})", parts.join(&format!(" {word} ")))
    };
    match node {
        Filter::Condition(condition) => words(object, condition),
        Filter::And { and } => list(and, t("filter.and")),
        Filter::Or { or } => list(or, t("filter.or")),
        Filter::Not { not } => tf("filter.not", &[("what", &in_words(object, not))]),
    }
}

/// Where a new condition can go: beside all, or joined with any node of the tree.
fn joins(object: &Object, list: &[Filter]) -> Vec<(String, Join)> {
    fn below(object: &Object, node: &Filter, at: At, in_or: bool, found: &mut Vec<(String, Join)>) {
        let text = in_words(object, node);
        let join = if in_or { Join::And(at.clone()) } else { Join::Or(at.clone()) };
        let key = if in_or { "filter.andWith" } else { "filter.orWith" };
        found.push((tf(key, &[("what", &text)]), join));
        let inner = matches!(node, Filter::Or { .. });
        for (place, child) in filter_tree::children(node).iter().enumerate() {
            if matches!(node, Filter::And { .. } | Filter::Or { .. }) {
                below(object, child, at.iter().copied().chain([place]).collect(), inner, found);
            }
        }
    }
    let mut found = vec![(t("filter.all").to_owned(), Join::All)];
    for (at, node) in list.iter().enumerate() {
        below(object, node, vec![at], false, &mut found);
    }
    found
}
