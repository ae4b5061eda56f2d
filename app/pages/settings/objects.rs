//! What there is to fill in: the objects and their fields. New ones are added here; a field that is no longer wanted is
//! retired, and its values stay.

use std::sync::Arc;

use aplomb_model::{Field, FieldType, Object};
use leptos::{ev, prelude::*, task::spawn_local};
use serde_json::{Value as Json, json};

use crate::api::{self, Failure};
use crate::app::gate;
use crate::kit::{Badge, Dialog, Icon, Loaded, Notice, Plain, PlainSelect, toasts};
use crate::state::{format, load, nav, router, signed};
use crate::text::{maybe, t, tf};

/// Types a new field can have.
const TYPES: [FieldType; 13] = [
    FieldType::Text,
    FieldType::LongText,
    FieldType::Number,
    FieldType::Money,
    FieldType::Date,
    FieldType::DateTime,
    FieldType::Choice,
    FieldType::MultiChoice,
    FieldType::YesNo,
    FieldType::Email,
    FieldType::Phone,
    FieldType::Url,
    FieldType::Rating,
];

fn type_key(kind: FieldType) -> String {
    serde_json::to_value(kind).ok().and_then(|k| k.as_str().map(str::to_owned)).unwrap_or_default()
}

fn type_text(kind: FieldType) -> String {
    let key = type_key(kind);
    maybe(&format!("type.{key}")).map_or(key, str::to_owned)
}

/// `Renewal date` as `renewalDate`.
fn name_of(label: &str) -> String {
    let folded = aplomb_model::fold(label);
    let mut name = String::new();
    for (at, word) in folded.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).enumerate() {
        let (first, rest) = word.split_at(1);
        name.push_str(&if at == 0 { first.to_owned() } else { first.to_uppercase() });
        name.push_str(rest);
    }
    name
}

#[component]
pub fn ObjectsSection() -> impl IntoView {
    let objects = signed().objects();
    let options: Vec<(String, String)> = objects.iter().map(|o| (o.name.clone(), o.plural.clone())).collect();
    // The address says which object is shown, so that it stays when the declarations are read again.
    let router = router();
    let asked = router.query().with_untracked(|query| query.get("object").unwrap_or_default());
    let first = options.iter().find(|(name, _)| *name == asked).or(options.first());
    let shown = RwSignal::new(first.map(|(name, _)| name.clone()).unwrap_or_default());
    Effect::new(move |before: Option<String>| {
        let now = shown.get();
        if before.is_some_and(|before| before != now) {
            router.replace(&nav::with_query("/settings/objects", &[("object", &now)]));
        }
        now
    });
    let adding = RwSignal::new(false);
    let making = RwSignal::new(false);
    let current = Memo::new(move |_| objects.iter().find(|o| o.name == shown.get()).cloned());
    let table = move || current.get().map(|object| view! { <Fields object/> });
    let form = move || current.get().map(|object| view! { <FieldForm object open=adding/> });
    view! {
        <section class="card pad">
            <header class="section-head">
                <h2>{t("settings.objects")}</h2>
                <span class="push actions">
                    <button type="button" class="button" on:click=move |_| making.set(true)><Icon name="plus"/>{t("objects.create")}</button>
                    <button type="button" class="button primary" on:click=move |_| adding.set(true)><Icon name="plus"/>{t("fields.create")}</button>
                </span>
            </header>
            <PlainSelect id="object" label=t("roles.object") value=shown options=Signal::stored(options)/>
            {table}
        </section>
        <Dialog title=t("fields.create").to_owned() open=adding>{form}</Dialog>
        <Dialog title=t("objects.create").to_owned() open=making><ObjectForm open=making/></Dialog>
    }
}

#[component]
fn Fields(object: Arc<Object>) -> impl IntoView {
    // The field that somebody wants to be rid of.
    let asked = RwSignal::new(None::<Field>);
    let asking = RwSignal::new(false);
    crate::state::watch(move || asking.set(asked.with(Option::is_some)));
    crate::state::watch(move || {
        if !asking.get() && asked.with_untracked(Option::is_some) {
            asked.set(None);
        }
    });
    let title =
        Signal::derive(move || asked.with(|f| tf("uses.title", &[("field", f.as_ref().map_or("", |f| &f.label))])));
    let name = object.name.clone();
    let question = move || {
        let name = name.clone();
        move || asked.get().map(|field| view! { <Retire object=name.clone() field open=asking/> })
    };
    let row = |field: Field| {
        let marks = [
            (field.required, "fields.required"),
            (field.unique, "fields.unique"),
            (field.personal, "fields.personal"),
            (field.custom, "fields.custom"),
        ];
        let marked = marks.iter().any(|(on, _)| *on);
        let marks =
            marks.into_iter().filter(|(on, _)| *on).map(|(_, key)| view! { <Badge text=t(key)/> }).collect_view();
        let target = field.target.join(", ");
        let choices =
            field.choices.iter().filter(|c| !c.retired).map(|c| c.label.clone()).collect::<Vec<_>>().join(", ");
        let about = if choices.is_empty() { target } else { choices };
        let plain = about.is_empty();
        let own = field.clone();
        let retire = field.custom.then(|| {
            let tip = tf("fields.retire", &[("field", &field.label)]);
            view! { <button type="button" class="button icon-only" aria-label=tip.clone() title=tip on:click=move |_| asked.set(Some(own.clone()))><Icon name="trash-2"/></button> }
        });
        view! { <tr><th scope="row">{field.label}</th><td class="faint" data-label=t("fields.name")><code>{field.name}</code></td><td data-label=t("fields.type")>{type_text(field.kind)}</td><td class=plain.then_some("none") data-label=t("fields.about")><span class="ellipsis about">{about}</span></td><td class=(!marked).then_some("none")><span class="badges">{marks}</span></td><td>{retire}</td></tr> }
    };
    let rows = object.live().cloned().map(row).collect_view();
    let heads = ["fields.label", "fields.name", "fields.type", "fields.about"]
        .map(|key| view! { <th scope="col">{t(key)}</th> })
        .collect_view();
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label=object.plural.clone()>
            <table class="table" data-testid="fields"><thead><tr>{heads}<td></td><td></td></tr></thead><tbody>{rows}</tbody></table>
        </div>
        <Dialog title open=asking>{question()}</Dialog>
    }
}

/// What depends on a field, before it goes.
#[component]
fn Retire(object: String, field: Field, open: RwSignal<bool>) -> impl IntoView {
    let (toasts, gate) = (toasts(), gate());
    let key = StoredValue::new((object, field.name, field.label));
    let uses = load(
        move || key.get_value(),
        |(object, name, _), abort| async move { api::uses(&object, &name, &abort).await },
    );
    let retire = move |_| {
        let (object, name, label) = key.get_value();
        open.set(false);
        spawn_local(async move {
            if let Err(failure) = api::retire_field(&object, &name).await {
                return toasts.refuse(&failure);
            }
            toasts.offer(tf("fields.retired", &[("field", &label)]), t("undo"), move || {
                let (object, name) = (object.clone(), name.clone());
                spawn_local(async move {
                    match api::change_field(&object, &name, json!({ "retired": false })).await {
                        Ok(()) => gate.open(),
                        Err(failure) => toasts.refuse(&failure),
                    }
                });
            });
            gate.open();
        });
    };
    let draw = move |uses: api::Uses| {
        let removable = uses.removable;
        let reasons =
            uses.reasons.iter().map(|reason| view! { <Notice tone="warn" text=reason.clone()/> }).collect_view();
        view! {
            {facts(&uses)}{reasons}
            <p class="faint">{t("uses.stays")}</p>
            <div class="actions"><button type="button" class="button" on:click=move |_| open.set(false)>{t("cancel")}</button>
                <button type="button" class="button primary" data-testid="retire" disabled=!removable on:click=retire>{t("uses.retire")}</button></div>
        }
        .into_any()
    };
    view! { <Loaded load=uses draw rows=3/> }
}

fn facts(uses: &api::Uses) -> AnyView {
    let layout: Vec<&str> = uses
        .layout
        .iter()
        .filter(|(_, on)| **on)
        .filter_map(|(part, _)| maybe(&format!("uses.layout.{part}")))
        .collect();
    let records = format::count(uses.records);
    let records = if uses.exact { records } else { tf("uses.more", &[("n", &records)]) };
    let facts = [
        ("uses.records", (uses.records > 0).then_some(records)),
        (
            "uses.views",
            (!uses.views.is_empty()).then(|| uses.views.iter().map(|v| v.name.clone()).collect::<Vec<_>>().join(", ")),
        ),
        ("uses.layout", (!layout.is_empty()).then(|| layout.join(", "))),
        ("uses.otherViews", (uses.other_views > 0).then(|| format::count(uses.other_views))),
        ("uses.imports", (uses.imports > 0).then(|| format::count(uses.imports))),
        ("uses.unique", uses.unique.then(|| t("uses.unique.yes").to_owned())),
    ];
    let known: Vec<(&'static str, String)> = facts.into_iter().filter_map(|(key, text)| Some((key, text?))).collect();
    if known.is_empty() {
        return view! { <p data-testid="uses">{t("uses.none")}</p> }.into_any();
    }
    let fact = |(key, text): (&'static str, String)| view! { <dt>{t(key)}</dt><dd>{text}</dd> };
    view! { <dl class="facts" data-testid="uses">{known.into_iter().map(fact).collect_view()}</dl> }.into_any()
}

#[component]
fn FieldForm(object: Arc<Object>, open: RwSignal<bool>) -> impl IntoView {
    let (toasts, gate) = (toasts(), gate());
    let label = RwSignal::new(String::new());
    let kind = RwSignal::new("text".to_owned());
    let choices = RwSignal::new(String::new());
    let required = RwSignal::new(false);
    let failure = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(false);
    let has_choices = move || kind.with(|kind| kind == "choice" || kind == "multiChoice");
    let group = object.live().next().map(|f| f.group.clone()).unwrap_or_default();
    let name = object.name.clone();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let text = label.get_untracked().trim().to_owned();
        let choice = |line: &str| json!({ "key": name_of(line), "label": line.trim() });
        let listed: Vec<Json> = choices.get_untracked().lines().filter(|l| !l.trim().is_empty()).map(choice).collect();
        let mut field = json!({ "name": name_of(&text), "label": text, "type": kind.get_untracked(), "group": group, "required": required.get_untracked() });
        if has_choices() {
            field["choices"] = json!(listed);
        }
        busy.set(true);
        let name = name.clone();
        spawn_local(async move {
            let answer = api::add_field(&name, field).await;
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    open.try_set(false);
                    toasts.say(tf("fields.added", &[("field", &text)]));
                    gate.open();
                }
                Err(f) => drop(failure.try_set(Some(f))),
            }
        });
    };
    let types: Vec<(String, String)> = TYPES.into_iter().map(|kind| (type_key(kind), type_text(kind))).collect();
    view! {
        <form class="form" on:submit=submit data-testid="field-form">
            {move || failure.get().map(|f| view! { <Notice tone="bad" text=f.message()/> })}
            <Plain id="field-label" label=t("fields.label") value=label autofocus=true/>
            <PlainSelect id="field-type" label=t("fields.type") value=kind options=Signal::stored(types)/>
            <div class="row" hidden=move || !has_choices()>
                <label for="field-choices">{t("fields.choices")}</label>
                <textarea id="field-choices" class="input" rows="5" aria-describedby="field-choices-note" prop:value=move || choices.get() on:input=move |e| choices.set(event_target_value(&e))></textarea>
                <p class="hint" id="field-choices-note">{t("fields.choices.hint")}</p>
            </div>
            <label class="check"><input type="checkbox" prop:checked=move || required.get() on:change=move |e| required.set(event_target_checked(&e))/>{t("fields.isRequired")}</label>
            <div class="actions"><button type="submit" class="button primary" disabled=move || busy.get()>{t("fields.add")}</button></div>
        </form>
    }
}

#[component]
fn ObjectForm(open: RwSignal<bool>) -> impl IntoView {
    let (toasts, gate) = (toasts(), gate());
    let label = RwSignal::new(String::new());
    let plural = RwSignal::new(String::new());
    let failure = RwSignal::new(None::<Failure>);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let (one, many) = (label.get_untracked().trim().to_owned(), plural.get_untracked().trim().to_owned());
        let title = json!({ "name": "name", "label": t("person.name"), "type": "text", "group": one, "required": true, "indexed": true, "search": 3 });
        let owner = json!({ "name": "owner", "label": t("objects.owner"), "type": "reference", "target": ["user"], "group": one });
        let body = json!({ "name": name_of(&one), "label": one, "plural": many, "icon": "box", "title": "name", "list": ["name", "owner"], "fields": [title, owner] });
        spawn_local(async move {
            match api::add_object(body).await {
                Ok(()) => {
                    open.try_set(false);
                    toasts.say(tf("objects.added", &[("object", &one)]));
                    gate.open();
                }
                Err(f) => drop(failure.try_set(Some(f))),
            }
        });
    };
    view! {
        <form class="form" on:submit=submit data-testid="object-form">
            {move || failure.get().map(|f| view! { <Notice tone="bad" text=f.message()/> })}
            <Plain id="object-label" label=t("objects.label") value=label autofocus=true/>
            <Plain id="object-plural" label=t("objects.plural") value=plural/>
            <div class="actions"><button type="submit" class="button primary">{t("fields.add")}</button></div>
        </form>
    }
}
