//! Records as cards in a column for each stage, in one row or in a swim-lane for each value of a field. A card moves by
//! mouse, by finger, or by Alt with an arrow key; what the move needs (why a deal was lost) is asked before it counts, and
//! a refused move goes back to where it was.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use aplomb_model::{Action, Choice, Field, FieldType, Object};
use leptos::{prelude::*, task::spawn_local};
use serde_json::{Map, Value as Json, json};

use super::board_figures::{Figures, Question, Sums, Swim, figures, swim_key};
use super::board_lane::{Head, Lane, focus_card, refocus_card};
use super::groups::groupable;
use super::list_url::ListUrl;
use super::move_form::{MoveForm, lacking, reasons};
use crate::api::{self, Failure, Record};
use crate::kit::{Dialog, Icon, Paged, Toasts, Trouble, Waiting, toasts};
use crate::state::{Load, format, live, load, signed};
use crate::text::{t, tf, tn};

/// Milliseconds between two looks whether the lanes have come back after a move, and how many.
const LOOK: i32 = 250;
const LOOKS: u32 = 60;

/// Swim-lanes that are open when a board with more of them is opened.
const OPEN_AT_FIRST: usize = 6;

/// The field whose choices are the columns: `stage`, else `status`.
pub fn field_of_board(object: &Object) -> Option<Field> {
    let fits = |name: &str| object.field(name).is_some_and(|f| f.kind == FieldType::Choice && !f.retired && !f.open);
    ["stage", "status"].into_iter().find(|name| fits(name)).and_then(|name| object.field(name)).cloned()
}

/// Swim-lane and stage.
pub type At = (String, String);

/// A card on its way: shown in its new place before the server has agreed.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    pub record: Record,
    pub to: At,
}

/// Shared by the lanes.
#[derive(Clone, Copy)]
pub struct Board {
    pub object: StoredValue<Arc<Object>>,
    pub field: StoredValue<Field>,
    pub swim: StoredValue<Option<Field>>,
    /// what the lanes that are drawn show
    pub lanes: StoredValue<HashMap<At, Paged<Record>>>,
    pub figures: RwSignal<Option<Figures>>,
    /// the figures are on their way
    counting: RwSignal<bool>,
    pub moved: RwSignal<HashMap<String, Moved>>,
    /// the card that was moved by keyboard and takes it along
    pub follows: StoredValue<String>,
    /// the card that the mouse carries
    pub carried: RwSignal<Option<Record>>,
    /// a move that needs more than the stage
    asking: RwSignal<Option<Asking>>,
    again: RwSignal<u32>,
    /// whether cards can be moved at all
    pub may: bool,
    toasts: Toasts,
}

/// What must be filled in before a card may move.
#[derive(Debug, Clone, PartialEq)]
struct Asking {
    record: Record,
    to: At,
    fields: Vec<Field>,
    failure: Option<Failure>,
}

impl Board {
    /// Where a record stands.
    pub fn place_of(self, record: &Record) -> At {
        let held = |field: &Field| record.fields.get(&field.name).cloned().unwrap_or_default();
        let stage = self.field.with_value(|field| held(field).as_str().unwrap_or_default().to_owned());
        (self.swim.with_value(|swim| swim.as_ref().map(|f| swim_key(&held(f))).unwrap_or_default()), stage)
    }

    /// Moves a card, or asks first. A place that cannot be written, such as what is beyond the swim-lanes, keeps what the
    /// card has.
    pub fn move_to(self, record: Record, (swim, stage): At) {
        let from = self.place_of(&record);
        let takes = |s: &Swim| s.key == swim && s.takes();
        let swim_there = self.figures.with_untracked(|f| f.as_ref().is_some_and(|f| f.swims.iter().any(takes)));
        let to =
            (if swim_there { swim } else { from.0.clone() }, if stage.is_empty() { from.1.clone() } else { stage });
        if !self.may || to == from {
            return;
        }
        let (object, field) = (self.object.get_value(), self.field.get_value());
        match reasons(&object, &field, &to.1) {
            fields if fields.is_empty() || to.1 == from.1 => self.send(record, to, Map::new()),
            fields => self.asking.set(Some(Asking { record, to, fields, failure: None })),
        }
    }

    /// Writes the move with what else was given.
    fn send(self, record: Record, to: At, mut fields: Map<String, Json>) {
        let toasts = self.toasts;
        let (object, field) = (self.object.get_value(), self.field.get_value());
        let from = self.place_of(&record);
        let mut shown = record.clone();
        if to.1 != from.1 {
            fields.insert(field.name.clone(), json!(to.1));
            shown.fields.insert(field.name.clone(), json!(to.1));
        }
        if let (true, Some(swim)) = (to.0 != from.0, self.swim.get_value()) {
            let there = |f: &Figures| f.swims.iter().find(|s| s.key == to.0).map(|s| s.value.clone());
            let value = self.figures.with_untracked(|f| f.as_ref().and_then(there)).unwrap_or_default();
            fields.insert(swim.name.clone(), value.get("id").cloned().unwrap_or_else(|| value.clone()));
            shown.fields.insert(swim.name, value);
        }
        let id = record.id.clone();
        self.moved.update(|moved| drop(moved.insert(id.clone(), Moved { record: shown, to: to.clone() })));
        // The card takes the keyboard along.
        let by_key =
            document().active_element().is_some_and(|e| e.closest(".board-card, dialog").ok().flatten().is_some());
        self.follows.set_value(if by_key { id.clone() } else { String::new() });
        if by_key {
            let id = id.clone();
            request_animation_frame(move || focus_card(&id));
        }
        spawn_local(async move {
            match api::set_fields(&record, &fields).await {
                Ok(now) => {
                    let text = self.what_moved(&object, &field, &record, &from, &to);
                    toasts.offer(text, t("undo"), {
                        let (object, id) = (object.clone(), id.clone());
                        move || self.take_back(object.clone(), id.clone(), now.version.saturating_sub(1).max(1))
                    });
                    self.refresh();
                    // The lanes come back with the card in its new place; until then it stays as it is shown.
                    for _ in 0..LOOKS {
                        api::pause(LOOK).await;
                        if self.is_settled() {
                            break;
                        }
                    }
                    self.forget(&id, &to);
                    if by_key {
                        request_animation_frame(move || refocus_card(&id));
                    }
                }
                Err(failure) => {
                    self.forget(&id, &to);
                    let lacking = lacking(&object, &field, &failure);
                    if lacking.is_empty() || self.asking.is_disposed() {
                        toasts.refuse(&failure);
                        self.refresh();
                        if by_key {
                            request_animation_frame(move || refocus_card(&id));
                        }
                    } else {
                        self.asking.try_set(Some(Asking { record, to, fields: lacking, failure: Some(failure) }));
                    }
                }
            }
        });
    }

    fn what_moved(self, object: &Object, field: &Field, record: &Record, from: &At, to: &At) -> String {
        let title = super::title_of(object, record);
        let swim = |key: &String| {
            let there = |f: &Figures| f.swims.iter().find(|s| s.key == *key).map(|s| s.label.clone());
            self.figures.try_with_untracked(|f| f.as_ref().and_then(there)).flatten().unwrap_or_default()
        };
        let label = if to.1 == from.1 {
            swim(&to.0)
        } else {
            field.choices.iter().find(|c| c.key == to.1).map(|c| c.label.clone()).unwrap_or_default()
        };
        tf("board.moved", &[("title", &title), ("stage", &label)])
    }

    fn take_back(self, object: Arc<Object>, id: String, version: u32) {
        spawn_local(async move {
            match api::undo(&object.name, &id, version).await {
                Ok(()) => self.refresh(),
                Err(failure) => self.toasts.refuse(&failure),
            }
        });
    }

    /// Ends a move, unless the card has gone on meanwhile.
    fn forget(self, id: &str, to: &At) {
        self.moved.try_update(|moved| moved.retain(|other, m| other != id || m.to != *to));
    }

    fn refresh(self) {
        self.lanes.try_with_value(|lanes| lanes.values().for_each(|lane| lane.refresh()));
        self.again.try_update(|n| *n += 1);
    }

    /// Whether everything that was asked for has come.
    fn is_settled(self) -> bool {
        let lanes = self.lanes.try_with_value(|lanes| lanes.values().all(|lane| lane.is_settled()));
        lanes != Some(false) && self.counting.try_get_untracked() != Some(true)
    }

    /// The place `across` stages and `down` swim-lanes away from where a record is.
    pub fn neighbour(self, record: &Record, across: isize, down: isize) -> Option<At> {
        let (swim, stage) = self.place_of(record);
        let stage = if across == 0 {
            stage
        } else {
            self.field.with_value(|field| {
                let at = offered(field).position(|c| c.key == stage);
                let to = at.map_or(Some(0), |at| at.checked_add_signed(across))?;
                offered(field).nth(to).map(|c| c.key.clone())
            })?
        };
        let swim = if down == 0 {
            swim
        } else {
            self.figures.with_untracked(|f| {
                let swims = &f.as_ref()?.swims;
                let at = swims.iter().position(|s| s.key == swim)?;
                swims.get(at.checked_add_signed(down)?).filter(|s| s.takes()).map(|s| s.key.clone())
            })?
        };
        Some((swim, stage))
    }
}

pub fn offered(field: &Field) -> impl Iterator<Item = &Choice> {
    field.choices.iter().filter(|c| !c.retired)
}

/// The column for records whose stage is none of those that are offered.
fn other_stage() -> Choice {
    let label = t("board.other").to_owned();
    Choice { key: String::new(), label, color: None, probability: None, outcome: None, retired: true }
}

#[component]
pub fn BoardView(object: Arc<Object>, field: Field, swim: Option<Field>, url: Memo<ListUrl>) -> impl IntoView {
    let asked = {
        let (stage, swim) = (field.clone(), swim.clone());
        Memo::new(move |_| {
            let (filter, q) = url.with(|url| (url.filter.clone(), url.q.clone()));
            Question { filter, q, stage: stage.clone(), swim: swim.clone() }
        })
    };
    let again = RwSignal::new(0);
    let sums = {
        let object = object.clone();
        load(
            move || {
                again.track();
                (asked.get(), object.clone())
            },
            |(asked, object), abort| async move { figures(&object, &asked, &abort).await },
        )
    };
    let board = Board {
        object: StoredValue::new(object.clone()),
        field: StoredValue::new(field.clone()),
        swim: StoredValue::new(swim.clone()),
        lanes: StoredValue::new(HashMap::new()),
        figures: sums.value,
        counting: sums.busy,
        moved: RwSignal::new(HashMap::new()),
        follows: StoredValue::new(String::new()),
        carried: RwSignal::new(None),
        asking: RwSignal::new(None),
        again,
        may: signed().may(&object.name, Action::Update),
        toasts: toasts(),
    };
    if let Some(live) = live() {
        let name = object.name.clone();
        live.follow(move |news| news.objects.contains(&name), move || board.refresh());
    }
    let has_other = Memo::new(move |_| board.figures.with(|f| f.as_ref().is_some_and(|f| f.other > 0)));
    let stages = Memo::new(move |_| {
        let other = has_other.get().then(other_stage);
        board.field.with_value(|field| offered(field).cloned().chain(other).collect::<Vec<Choice>>())
    });
    let body = if swim.is_some() {
        view! { <Swims board stages asked url sums/> }.into_any()
    } else {
        let lane = move |choice: Choice| view! { <Lane choice swim=Swim::default() asked url board headed=true/> };
        view! {
            <div class="board" data-testid="board"><For each=move || stages.get() key=|c| c.key.clone() children=lane/></div>
        }
        .into_any()
    };
    view! { {body}<Questions board/> }
}

/// Fields whose values can be swim-lanes.
pub fn swim_fields(object: &Object, stage: &Field) -> Vec<Field> {
    groupable(object).into_iter().filter(|f| f.name != stage.name).collect()
}

/// What must be said before a card may move.
#[component]
fn Questions(board: Board) -> impl IntoView {
    let open = RwSignal::new(false);
    Effect::new(move |_| open.set(board.asking.with(Option::is_some)));
    Effect::new(move |_| {
        if !open.get() && board.asking.with_untracked(Option::is_some) {
            board.asking.set(None);
        }
    });
    view! {
        <Dialog title=t("board.before").to_owned() open>
            {move || board.asking.get().map(|Asking { record, to, fields, failure }| {
                let held = record.clone();
                let done = Callback::new(move |given| { board.asking.set(None); board.send(record.clone(), to.clone(), given); });
                view! { <MoveForm record=held fields failure done/> }
            })}
        </Dialog>
    }
}

/// The stages' heads once, and below them a row for each swim-lane.
#[component]
fn Swims(
    board: Board,
    stages: Memo<Vec<Choice>>,
    asked: Memo<Question>,
    url: Memo<ListUrl>,
    sums: Load<Figures>,
) -> impl IntoView {
    let keys = Memo::new(move |_| {
        board.figures.with(|f| f.iter().flat_map(|f| &f.swims).map(|s| s.key.clone()).collect::<Vec<_>>())
    });
    // Those that somebody opened or closed; the others are open while there are few.
    let turned = RwSignal::new(BTreeSet::<String>::new());
    let swim = move |key: String| {
        let own = key.clone();
        let swim = Memo::new(move |_| {
            board.figures.with(|f| f.as_ref()?.swims.iter().find(|s| s.key == own).cloned()).unwrap_or_default()
        });
        let own = key.clone();
        let is_open = Memo::new(move |_| {
            let at = keys.with_untracked(|keys| keys.iter().position(|k| *k == own)).unwrap_or_default();
            (at < OPEN_AT_FIRST) != turned.with(|turned| turned.contains(&own))
        });
        let toggle = move |_| {
            turned.update(|turned| {
                if !turned.remove(&key) {
                    turned.insert(key.clone());
                }
            });
        };
        let lane = move |choice: Choice| {
            view! { <Lane choice swim=swim.get_untracked() asked url board headed=false/> }
        };
        view! {
            <section class="swim" aria-label=move || swim.with(|s| s.label.clone()) data-swim=move || swim.with(|s| s.key.clone())>
                <h2 class="swim-head"><button type="button" class="fold-button" aria-expanded=move || is_open.get().to_string() on:click=toggle>
                    <span class="twist"><Icon name="chevron-right"/></span><span class="ellipsis" dir="auto">{move || swim.with(|s| s.label.clone())}</span>
                    <span class="faint lane-count">{move || tn("list.count", swim.with(|s| s.sums.count))}</span>
                    <Money sums=Signal::derive(move || swim.with(|s| s.sums.clone())) open=true/>
                </button></h2>
                <Show when=move || is_open.get()>
                    <div class="swim-row"><For each=move || stages.get() key=|c| c.key.clone() children=lane/></div>
                </Show>
            </section>
        }
    };
    view! {
        <div class="board swims" data-testid="board">
            <div class="swim-stages"><For each=move || stages.get() key=|c| c.key.clone() children=move |choice| view! { <Head choice board/> }/></div>
            <Show when=move || board.figures.with(Option::is_none) && sums.failure.with(Option::is_none)><Waiting rows=6/></Show>
            {move || sums.failure.get().map(|failure| view! { <Trouble failure retry=Callback::new(move |()| sums.again())/> })}
            <For each=move || keys.get() key=String::clone children=swim/>
        </div>
    }
}

/// The amount of what stands there, and what of it is to be expected.
#[component]
pub fn Money(sums: Signal<Sums>, open: bool) -> impl IntoView {
    let money = |sum: Option<(String, String)>| sum.map(|(amount, currency)| format::round_money(&amount, &currency));
    let weighted =
        move || money(sums.get().weighted).filter(|_| open).map(|sum| tf("board.weighted", &[("sum", &sum)]));
    view! { <span class="small lane-sum"><span>{move || money(sums.get().amount)}</span>" "<span class="faint">{weighted}</span></span> }
}
