//! Which column fills which field, and what to do with records that are known already.

use leptos::{prelude::*, task::spawn_local};
use serde_json::{Map, Value as Json, json};

use super::check::Checked;
use super::one::follow;
use crate::api::{self, Column, Import, Status, Target};
use crate::kit::{Badge, Icon, PlainSelect, toasts};
use crate::state::Load;
use crate::text::t;

/// A column and the field chosen for it; empty text: left out.
type Choice = (Column, RwSignal<String>);

#[component]
pub fn Mapping(first: Import, import: Load<Import>) -> impl IntoView {
    let toasts = toasts();
    let id = first.id.to_string();
    // Rows that were changed since the check are taken as they are now, so it still counts.
    let checked = first.status == Status::Checked || (first.outdated && first.preview.is_some());
    let choices: Vec<Choice> =
        first.columns.iter().map(|c| (c.clone(), RwSignal::new(c.field.clone().unwrap_or_default()))).collect();
    let held = serde_json::to_value(&first.options).ok().and_then(|json| json.as_object().cloned());
    let options = RwSignal::new(held.unwrap_or_default());
    let busy = RwSignal::new(false);
    let touched = RwSignal::new(false);
    let asked = choices.clone();
    let check = {
        let id = id.clone();
        move |_| {
            let mapping: Vec<(usize, Option<String>)> = asked
                .iter()
                .map(|(c, field)| (c.index, Some(field.get_untracked()).filter(|f| !f.is_empty())))
                .collect();
            busy.set(true);
            let (id, options) = (id.clone(), options.get_untracked());
            spawn_local(async move {
                let answer = match api::set_mapping(&id, &mapping, &options).await {
                    Ok(_) => api::check(&id).await,
                    Err(failure) => Err(failure),
                };
                busy.try_set(false);
                match answer {
                    Ok(checked) => import.set(checked),
                    Err(failure) => toasts.refuse(&failure),
                }
            });
        }
    };
    let commit = move |_| {
        busy.set(true);
        let id = id.clone();
        spawn_local(async move {
            let answer = api::commit(&id).await;
            busy.try_set(false);
            follow(import, answer, toasts);
        });
    };
    let targets = StoredValue::new(first.targets.clone());
    let rows = choices.into_iter().map(|(column, field)| view! { <Row column field targets touched/> }).collect_view();
    let is_fresh = move || checked && !touched.get();
    let preview = first.preview.clone().filter(|_| checked);
    let outdated = RwSignal::new(first.outdated);
    let held = StoredValue::new(first);
    view! {
        <section class="card pad" aria-labelledby="mapping-title">
            <h2 id="mapping-title">{t("import.mapping")}</h2>
            <p class="faint">{t("import.mapping.body")}</p>
            <div class="scroll">
                <table class="table mapping" data-testid="mapping">
                    <thead><tr>
                        <th scope="col">{t("import.column")}</th><th scope="col">{t("import.samples")}</th>
                        <th scope="col">{t("import.field")}</th><th scope="col">{t("import.confidence")}</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
        <section class="card pad" aria-labelledby="options-title">
            <h2 id="options-title">{t("import.options")}</h2>
            <Options options touched targets/>
        </section>
        <Show when=is_fresh>{preview.clone().map(|preview| view! { <Checked first=held.get_value() preview import outdated/> })}</Show>
        <div class="actions sticky">
            <button type="button" class="button" class:primary=move || !is_fresh() data-testid="check" disabled=move || busy.get() on:click=check>
                <Icon name="check"/>{move || if busy.get() { t("import.checking") } else { t("import.check") }}
            </button>
            <Show when=is_fresh>
                <button type="button" class="button primary" data-testid="commit" disabled=move || busy.get() on:click=commit.clone()>
                    <Icon name="upload"/>{t("import.commit")}
                </button>
            </Show>
        </div>
    }
}

#[component]
fn Row(
    column: Column,
    field: RwSignal<String>,
    targets: StoredValue<Vec<Target>>,
    touched: RwSignal<bool>,
) -> impl IntoView {
    let (word, color) = match column.confidence {
        c if column.field.is_none() || c <= 0.0 => (t("import.sure.none"), "slate"),
        c if c >= 0.8 => (t("import.sure.high"), "green"),
        c if c >= 0.5 => (t("import.sure.some"), "amber"),
        _ => (t("import.sure.low"), "amber"),
    };
    let guessed = column.field.clone().unwrap_or_default();
    let samples = column.samples.iter().take(3).cloned().collect::<Vec<_>>().join(" · ");
    let label = format!("{}: {}", t("import.field"), column.header);
    let options = targets.with_value(|targets| {
        let option = |target: &Target| {
            let own = target.field.clone();
            let text = if target.required { format!("{} *", target.label) } else { target.label.clone() };
            view! { <option value=target.field.clone() selected=move || field.get() == own>{text}</option> }
        };
        targets.iter().map(option).collect_view()
    });
    let change = move |event| {
        field.set(event_target_value(&event));
        touched.set(true);
    };
    view! {
        <tr>
            <th scope="row" data-label=t("import.column")>{column.header}</th>
            <td class="faint samples" data-label=t("import.samples")>{samples}</td>
            <td data-label=t("import.field")>
                <select class="input" aria-label=label on:change=change>
                    <option value="" selected=move || field.with(String::is_empty)>{t("import.skip")}</option>
                    {options}
                </select>
            </td>
            <td data-label=t("import.confidence") title=column.reason>
                {move || if field.get() == guessed { view! { <Badge text=word color=color/> } } else { view! { <Badge text=t("import.sure.own") color="blue"/> } }}
            </td>
        </tr>
    }
}

#[component]
fn Options(
    options: RwSignal<Map<String, Json>>,
    touched: RwSignal<bool>,
    targets: StoredValue<Vec<Target>>,
) -> impl IntoView {
    let text = move |key: &'static str, empty: &'static str| {
        let held = options.with_untracked(|o| o.get(key).and_then(Json::as_str).unwrap_or(empty).to_owned());
        let signal = RwSignal::new(held.clone());
        // Only a change by the user goes into the options.
        Effect::new(move |before: Option<String>| {
            let now = signal.get();
            if before.is_some_and(|before| before != now) {
                let value = if now.is_empty() { Json::Null } else { json!(now) };
                options.update(|o| drop(o.insert(key.to_owned(), value)));
                touched.set(true);
            }
            now
        });
        signal
    };
    let on_match = text("onMatch", "update");
    let match_field = text("match", "");
    let date_order = text("dateOrder", "");
    let unknown_choice = text("unknownChoice", "add");
    let unknown_reference = text("unknownReference", "empty");
    let keys = ["email", "domain", "name", "externalId", "id"];
    let known = targets.with_value(|targets| {
        let label = |key: &str| targets.iter().find(|t| t.field == key).map(|t| t.label.clone());
        keys.into_iter().filter_map(|key| Some((key.to_owned(), label(key)?))).collect::<Vec<_>>()
    });
    let matches = std::iter::once((String::new(), t("import.match.none").to_owned())).chain(known).collect::<Vec<_>>();
    let pair = |key: &str, text: &'static str| (key.to_owned(), t(text).to_owned());
    let actions = vec![
        pair("update", "import.onMatch.update"),
        pair("skip", "import.onMatch.skip"),
        pair("create", "import.onMatch.create"),
    ];
    let orders = vec![
        pair("", "import.dates.guess"),
        pair("dmy", "import.dates.dmy"),
        pair("mdy", "import.dates.mdy"),
        pair("ymd", "import.dates.ymd"),
    ];
    let choices = vec![
        pair("add", "import.unknown.add"),
        pair("empty", "import.unknown.empty"),
        pair("refuse", "import.unknown.refuse"),
    ];
    let references = vec![pair("empty", "import.unknown.empty"), pair("refuse", "import.unknown.refuse")];
    view! {
        <div class="columns">
            <PlainSelect id="import-match" label=t("import.match") value=match_field options=Signal::stored(matches)/>
            <PlainSelect id="import-on-match" label=t("import.onMatch") value=on_match options=Signal::stored(actions)/>
            <PlainSelect id="import-dates" label=t("import.dates") value=date_order options=Signal::stored(orders)/>
            <PlainSelect id="import-choices" label=t("import.unknownChoice") value=unknown_choice options=Signal::stored(choices)/>
            <PlainSelect id="import-references" label=t("import.unknownReference") value=unknown_reference options=Signal::stored(references)/>
        </div>
        <div class="checks">
            <Toggle options touched key="createCompanies" label=t("import.createCompanies")/>
            <Toggle options touched key="matchNames" label=t("import.matchNames")/>
            <Toggle options touched key="fillOnly" label=t("import.fillOnly")/>
        </div>
    }
}

#[component]
fn Toggle(
    options: RwSignal<Map<String, Json>>,
    touched: RwSignal<bool>,
    key: &'static str,
    label: &'static str,
) -> impl IntoView {
    let is_on = move || options.with(|o| o.get(key).and_then(Json::as_bool).unwrap_or(false));
    let change = move |event| {
        let on = event_target_checked(&event);
        options.update(|o| drop(o.insert(key.to_owned(), json!(on))));
        touched.set(true);
    };
    view! { <label class="check"><input type="checkbox" prop:checked=is_on on:change=change/>{label}</label> }
}
