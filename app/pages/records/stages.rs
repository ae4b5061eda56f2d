//! The way of a record through its stages: which it is in, how long it has been there, how long it was in each before. A
//! click moves it.

use std::sync::Arc;

use aplomb_model::{Action, Choice, Object};
use leptos::{prelude::*, task::spawn_local};
use serde_json::{Map, json};

use super::board::field_of_board;
use super::move_form::{MoveForm, lacking, reasons};
use crate::api::{self, Record, Stages};
use crate::kit::{Dialog, toasts};
use crate::state::{Load, format, load, signed};
use crate::text::{t, tf};

#[component]
pub fn StageBar(object: Arc<Object>, id: String, record: Load<Record>) -> impl IntoView {
    let Some(field) = field_of_board(&object).filter(|_| object.field("stageChangedAt").is_some()) else {
        return ().into_any();
    };
    let toasts = toasts();
    let version = Memo::new(move |_| record.value.with(|r| r.as_ref().map(|r| r.version)));
    let key = (object.name.clone(), id);
    let stages = load(
        move || {
            version.track();
            key.clone()
        },
        |(object, id), abort| async move { api::stages(&object, &id, &abort).await },
    );
    let asking = RwSignal::new(None);
    let open = RwSignal::new(false);
    crate::state::watch(move || open.set(asking.with(Option::is_some)));
    crate::state::watch(move || {
        if !open.get() && asking.with_untracked(Option::is_some) {
            asking.set(None);
        }
    });
    let name = field.name.clone();
    let current = Memo::new(move |_| {
        let name = name.clone();
        record.value.with(|r| r.as_ref().and_then(|r| r.fields.get(&name)?.as_str().map(str::to_owned)))
    });
    let may = signed().may(&object.name, Action::Update);
    let send = {
        let (object, field) = (object.clone(), field.clone());
        Callback::new(move |(before, to, fields): (Record, String, Map<String, serde_json::Value>)| {
            let (object, field) = (object.clone(), field.clone());
            let mut fields = fields;
            fields.insert(field.name.clone(), json!(to));
            spawn_local(async move {
                match api::update(&object.name, &before.id, before.version, fields).await {
                    Ok(now) => {
                        let label =
                            field.choices.iter().find(|c| c.key == to).map(|c| c.label.clone()).unwrap_or_default();
                        let title = super::title_of(&object, &now);
                        record.set(now);
                        toasts.offer(
                            tf("board.moved", &[("title", &title), ("stage", &label)]),
                            t("undo"),
                            move || {
                                let (object, before) = (object.clone(), before.clone());
                                spawn_local(async move {
                                    match api::undo(&object.name, &before.id, before.version).await {
                                        Ok(()) => record.again(),
                                        Err(failure) => toasts.refuse(&failure),
                                    }
                                });
                            },
                        );
                    }
                    Err(failure) => match lacking(&object, &field, &failure) {
                        fields if fields.is_empty() => {
                            toasts.refuse(&failure);
                            record.refresh();
                        }
                        fields => drop(asking.try_set(Some((before, to, fields, Some(failure))))),
                    },
                }
            });
        })
    };
    let choose = {
        let (object, field) = (object.clone(), field.clone());
        Callback::new(move |to: String| {
            let Some(before) = record.value.get_untracked().filter(|_| current.get_untracked().as_ref() != Some(&to))
            else {
                return;
            };
            match reasons(&object, &field, &to) {
                fields if fields.is_empty() => send.run((before, to, Map::new())),
                fields => asking.set(Some((before, to, fields, None))),
            }
        })
    };
    let offered: Vec<Choice> = field.choices.iter().filter(|c| !c.retired).cloned().collect();
    let step = move |choice: Choice| {
        let (key, own) = (choice.key.clone(), choice.key.clone());
        let is_now = {
            let key = key.clone();
            move || current.with(|c| c.as_ref() == Some(&key))
        };
        let been = key.clone();
        let is_past = move || {
            let was =
                stages.value.with(|s| s.as_ref().is_some_and(|s| s.totals.iter().any(|total| total.stage == been)));
            was && current.with(|c| c.as_ref() != Some(&been))
        };
        let time = move || {
            stages.value.with(|s| {
                let total = s.as_ref()?.totals.iter().find(|total| total.stage == key)?;
                Some(format::span(total.seconds))
            })
        };
        let lost = choice.outcome.as_deref() == Some("lost");
        let (now, pressed) = (is_now.clone(), is_now);
        view! {
            <li class:now=now class:past=is_past class:lost=lost>
                <button type="button" class="stage" disabled=!may aria-current=move || pressed().then_some("step") on:click=move |_| choose.run(own.clone())>
                    <span class="ellipsis">{choice.label}</span><span class="small stage-time">{time}</span>
                </button>
            </li>
        }
    };
    let since = move || {
        stages.value.with(|s: &Option<Stages>| {
            let visits = s.as_ref().map(|s| s.visits.len()).unwrap_or_default();
            (visits > 1).then(|| tf("stages.visits", &[("n", &visits.to_string())]))
        })
    };
    view! {
        <nav class="stages-bar card" aria-label=field.label.clone() data-testid="stages">
            <ol class="stages">{offered.into_iter().map(step).collect_view()}</ol>
            <span class="sr">{since}</span>
        </nav>
        <Dialog title=t("board.before").to_owned() open>
            {move || asking.get().map(|(before, to, fields, failure): (Record, String, Vec<aplomb_model::Field>, Option<api::Failure>)| {
                let held = before.clone();
                let done = Callback::new(move |given| { asking.set(None); send.run((before.clone(), to.clone(), given)); });
                view! { <MoveForm record=held fields failure done/> }
            })}
        </Dialog>
    }
    .into_any()
}
