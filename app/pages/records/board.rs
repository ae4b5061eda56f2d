//! Records as cards in a column for each stage. A card moves by mouse, or by Alt with an arrow key; what the move needs
//! (why a deal was lost) is asked before it counts, and a refused move goes back to where it was.

use std::collections::HashMap;
use std::sync::Arc;

use aplomb_model::{Choice, Field, FieldType, Object};
use leptos::{ev, html, prelude::*, task::spawn_local};
use serde_json::{Map, Value as Json, json};
use wasm_bindgen::JsCast;

use super::board_touch::Finger;
use super::card::Card;
use super::list_url::ListUrl;
use super::move_form::{MoveForm, lacking, reasons};
use crate::api::{self, Failure, Record};
use crate::kit::{Dialog, Paged, Scroller, Slice, Toasts, toasts, tone};
use crate::state::{format, live, load};
use crate::text::{t, tf, tn};

/// Pixels of a card with the space below it.
pub const CARD: f64 = 112.0;

/// The field whose choices are the columns: `stage`, else `status`.
pub fn field_of_board(object: &Object) -> Option<Field> {
    let fits = |name: &str| object.field(name).is_some_and(|f| f.kind == FieldType::Choice && !f.retired && !f.open);
    ["stage", "status"].into_iter().find(|name| fits(name)).and_then(|name| object.field(name)).cloned()
}

/// What a column's head says.
#[derive(Debug, Clone, Default, PartialEq)]
struct Sums {
    count: u64,
    amount: Option<(String, String)>,
    weighted: Option<(String, String)>,
}

/// A card on its way: shown in its new column before the server has agreed.
#[derive(Debug, Clone, PartialEq)]
struct Moved {
    record: Record,
    to: String,
}

/// Shared by the columns.
#[derive(Clone, Copy)]
pub struct Board {
    object: StoredValue<Arc<Object>>,
    field: StoredValue<Field>,
    columns: StoredValue<HashMap<String, Paged<Record>>>,
    moved: RwSignal<HashMap<String, Moved>>,
    /// the card that the mouse carries
    carried: RwSignal<Option<(Record, String)>>,
    /// a move that needs more than the stage
    pub asking: RwSignal<Option<Asking>>,
    again: RwSignal<u32>,
    toasts: Toasts,
}

/// What must be filled in before a card may move.
#[derive(Debug, Clone, PartialEq)]
pub struct Asking {
    pub record: Record,
    pub to: String,
    pub fields: Vec<Field>,
    pub failure: Option<Failure>,
}

impl Board {
    /// Moves a card, or asks first.
    pub fn move_to(self, record: Record, to: &str) {
        let (object, field) = (self.object.get_value(), self.field.get_value());
        if record.fields.get(&field.name).and_then(Json::as_str) == Some(to) {
            return;
        }
        match reasons(&object, &field, to) {
            fields if fields.is_empty() => self.send(record, to, Map::new()),
            fields => self.asking.set(Some(Asking { record, to: to.to_owned(), fields, failure: None })),
        }
    }

    /// Writes the move with what else was given.
    pub fn send(self, record: Record, to: &str, mut fields: Map<String, Json>) {
        let toasts = self.toasts;
        let (object, field) = (self.object.get_value(), self.field.get_value());
        let from = record.fields.get(&field.name).and_then(Json::as_str).unwrap_or_default().to_owned();
        let to = to.to_owned();
        fields.insert(field.name.clone(), json!(to));
        let mut shown = record.clone();
        shown.fields.insert(field.name.clone(), json!(to));
        self.moved.update(|moved| drop(moved.insert(record.id.clone(), Moved { record: shown, to: to.clone() })));
        spawn_local(async move {
            let answer = api::update(&object.name, &record.id, record.version, fields).await;
            match answer {
                Ok(_) => {
                    self.refresh(&[&from, &to]);
                    // The columns come back with the card in its new place; until then it stays as it is shown.
                    api::pause(500).await;
                    self.forget(&record.id);
                    let label = field.choices.iter().find(|c| c.key == to).map(|c| c.label.clone()).unwrap_or_default();
                    let title = super::title_of(&object, &record);
                    toasts.offer(tf("board.moved", &[("title", &title), ("stage", &label)]), t("undo"), move || {
                        let (object, record, from, to) = (object.clone(), record.clone(), from.clone(), to.clone());
                        spawn_local(async move {
                            match api::undo(&object.name, &record.id, record.version).await {
                                Ok(()) => self.refresh(&[&from, &to]),
                                Err(failure) => toasts.refuse(&failure),
                            }
                        });
                    });
                }
                Err(failure) => {
                    self.forget(&record.id);
                    let lacking = lacking(&object, &field, &failure);
                    if lacking.is_empty() {
                        toasts.refuse(&failure);
                        self.refresh(&[&from, &to]);
                    } else {
                        self.asking.try_set(Some(Asking { record, to, fields: lacking, failure: Some(failure) }));
                    }
                }
            }
        });
    }

    fn forget(self, id: &str) {
        self.moved.try_update(|moved| drop(moved.remove(id)));
    }

    fn refresh(self, stages: &[&str]) {
        self.columns.try_with_value(|columns| {
            stages.iter().filter_map(|stage| columns.get(*stage)).for_each(|column| column.refresh());
        });
        self.again.try_update(|n| *n += 1);
    }

    /// The stage `step` places away from the one a record is in.
    fn neighbour(self, record: &Record, step: isize) -> Option<String> {
        self.field.with_value(|field| {
            let stage = record.fields.get(&field.name).and_then(Json::as_str);
            let at = offered(field).position(|c| Some(c.key.as_str()) == stage)?;
            offered(field).nth(at.checked_add_signed(step)?).map(|c| c.key.clone())
        })
    }
}

fn offered(field: &Field) -> impl Iterator<Item = &Choice> {
    field.choices.iter().filter(|c| !c.retired)
}

#[component]
pub fn BoardView(object: Arc<Object>, field: Field, url: Memo<ListUrl>) -> impl IntoView {
    let fields = columns_of_cards(&object, &field);
    let column_of = |choice: &Choice| (choice.key.clone(), column(&object, &field, &choice.key, &fields, url));
    let columns: HashMap<String, Paged<Record>> = offered(&field).map(column_of).collect();
    let board = Board {
        object: StoredValue::new(object.clone()),
        field: StoredValue::new(field.clone()),
        columns: StoredValue::new(columns.clone()),
        moved: RwSignal::new(HashMap::new()),
        carried: RwSignal::new(None),
        asking: RwSignal::new(None),
        again: RwSignal::new(0),
        toasts: toasts(),
    };
    let sums = {
        let (object, field) = (object.clone(), field.clone());
        load(
            move || {
                board.again.track();
                (url.with(|url| (url.filter.clone(), url.q.clone())), object.clone(), field.name.clone())
            },
            |((filter, q), object, field), abort| async move { sums(&object, &field, &filter, &q, &abort).await },
        )
    };
    if let Some(live) = live() {
        let (name, all) = (object.name.clone(), columns.clone());
        live.follow(
            move |news| news.objects.contains(&name),
            move || {
                all.values().for_each(|column| column.refresh());
                board.again.update(|n| *n += 1);
            },
        );
    }
    let lane = {
        let object = object.clone();
        move |choice: Choice| {
            let rows = columns.get(&choice.key).copied();
            let key = choice.key.clone();
            let held = Memo::new(move |_| {
                sums.value.with(|s| s.as_ref().and_then(|s| s.get(&key).cloned()).unwrap_or_default())
            });
            rows.map(|rows| view! { <Lane object=object.clone() choice rows held board/> })
        }
    };
    let lanes = offered(&field).cloned().map(lane).collect_view();
    let open = RwSignal::new(false);
    Effect::new(move |_| open.set(board.asking.with(Option::is_some)));
    Effect::new(move |_| {
        if !open.get() && board.asking.with_untracked(Option::is_some) {
            board.asking.set(None);
        }
    });
    view! {
        <div class="board" data-testid="board">{lanes}</div>
        <Dialog title=t("board.before").to_owned() open>
            {move || board.asking.get().map(|Asking { record, to, fields, failure }| {
                let held = record.clone();
                let done = Callback::new(move |given| { board.asking.set(None); board.send(record.clone(), &to, given); });
                view! { <MoveForm record=held fields failure done/> }
            })}
        </Dialog>
    }
}

/// The fields that cards show.
fn columns_of_cards(object: &Object, field: &Field) -> String {
    const SHOWN: [&str; 9] =
        ["company", "amount", "closeDate", "owner", "nextStep", "stageChangedAt", "nextTouchAt", "priority", "dueAt"];
    let mut names: Vec<&str> = SHOWN.into_iter().filter(|name| object.field(name).is_some()).collect();
    names.extend([object.title.as_str(), field.name.as_str()]);
    names.join(",")
}

/// The list's filter and one condition more.
fn narrowed(filter: &str, field: &str, stage: &str) -> String {
    let own = json!({ "field": field, "op": "eq", "value": stage });
    match serde_json::from_str::<Json>(filter) {
        Ok(given) => json!({ "and": [given, own] }).to_string(),
        Err(_) => json!({ "and": [own] }).to_string(),
    }
}

fn column(object: &Object, field: &Field, stage: &str, fields: &str, url: Memo<ListUrl>) -> Paged<Record> {
    let rows = Paged::<Record>::new();
    let (object, field, stage, fields) = (object.name.clone(), field.name.clone(), stage.to_owned(), fields.to_owned());
    let wish = Memo::new(move |_| ListUrl { columns: String::new(), view: String::new(), ..url.get() });
    Effect::new(move |_| {
        let now = wish.get();
        let narrowed = ListUrl { filter: narrowed(&now.filter, &field, &stage), ..now };
        let (object, fields) = (object.clone(), fields.clone());
        rows.ask(true, move |wanted, abort| {
            let query = narrowed.query(&object, &fields, &wanted);
            async move {
                let page = api::list(query, &abort).await?;
                let next = page.next.filter(|next| !next.is_empty());
                Ok(Slice { rows: page.records, next, total: page.total.count as usize, exact: page.total.exact })
            }
        });
    });
    rows
}

/// Count, amount and weighted amount of each stage.
async fn sums(
    object: &Object,
    field: &str,
    filter: &str,
    q: &str,
    abort: &api::Abort,
) -> api::Result<HashMap<String, Sums>> {
    let mut aggregates = vec![json!({ "op": "count", "as": "count" })];
    for (name, source) in [("amount", "amount"), ("weighted", "weightedAmount")] {
        if object.field(source).is_some() {
            aggregates.push(json!({ "op": "sum", "field": source, "as": name }));
        }
    }
    let mut query = json!({ "groupBy": [field], "aggregates": aggregates, "limit": 100 });
    if let Ok(filter) = serde_json::from_str::<Json>(filter) {
        query["filter"] = filter;
    }
    if !q.is_empty() {
        query["q"] = json!(q);
    }
    let groups = api::groups(&object.name, query, abort).await?;
    let money = |values: &Json, name: &str| {
        let amount = values.get(name)?;
        let currency = amount.get("currency")?.as_str()?.to_owned();
        Some((format::plain_amount(amount.get("amount")?), currency))
    };
    let one = |group: Json| {
        let key = group.pointer(&format!("/key/{field}"))?.as_str()?.to_owned();
        let values = group.get("values")?;
        let count = values.get("count").and_then(Json::as_u64).unwrap_or_default();
        Some((key, Sums { count, amount: money(values, "amount"), weighted: money(values, "weighted") }))
    };
    Ok(groups.into_iter().filter_map(one).collect())
}

/// One column with its cards.
#[component]
fn Lane(object: Arc<Object>, choice: Choice, rows: Paged<Record>, held: Memo<Sums>, board: Board) -> impl IntoView {
    let key = StoredValue::new(choice.key.clone());
    let over = RwSignal::new(0i32);
    let len = Signal::derive(move || rows.rows.with(|rows| rows.len));
    let scroller = Scroller::new(len, Signal::stored(CARD), 0.0);
    let drawn = scroller.drawn();
    let gaps = scroller.gaps(drawn);
    Effect::new(move |_| {
        let (start, end) = drawn.get();
        rows.look_at(start..end);
    });
    let coming = move || {
        let here = board.moved.with(|moved| {
            moved.values().filter(|m| key.with_value(|key| m.to == *key)).map(|m| m.record.clone()).collect::<Vec<_>>()
        });
        let there = rows.rows.with(|rows| rows.iter().map(|(_, r)| r.id.clone()).collect::<Vec<_>>());
        here.into_iter().filter(|r| !there.contains(&r.id)).collect::<Vec<_>>()
    };
    let open = choice.outcome.as_deref().is_none_or(|o| o == "open");
    let days = move |record: &Record| open.then(|| super::card::days_in_stage(record)).flatten();
    let card = {
        let object = object.clone();
        move |index: usize| {
            let object = object.clone();
            let record = Memo::new(move |_| rows.rows.with(|rows| rows.get(index).cloned()));
            move || match record.get() {
                Some(record) => slot(object.clone(), record, board, key, days),
                None => {
                    view! { <div class="board-card"><div class="bar"></div><div class="bar"></div></div> }.into_any()
                }
            }
        }
    };
    let ghost = {
        let object = object.clone();
        move |record: Record| view! { <div class="board-card coming"><Card object=object.clone() record days=None/></div> }
    };
    let drop = move |event: ev::DragEvent| {
        event.prevent_default();
        over.set(0);
        if let Some((record, _)) = board.carried.get_untracked() {
            board.carried.set(None);
            board.move_to(record, &key.get_value());
        }
    };
    let money =
        move |sum: Option<(String, String)>| sum.map(|(amount, currency)| format::round_money(&amount, &currency));
    let amount = move || money(held.get().amount);
    let weighted =
        move || money(held.get().weighted).filter(|_| open).map(|sum| tf("board.weighted", &[("sum", &sum)]));
    let tone = tone(choice.color.as_deref().unwrap_or_default());
    view! {
        <section class="lane" class:over=move || { over.get() > 0 } aria-label=choice.label.clone() data-stage=choice.key.clone()
            on:dragenter=move |e| { e.prevent_default(); over.update(|n| *n += 1) } on:dragleave=move |_| over.update(|n| *n -= 1)
            on:dragover=move |e| e.prevent_default() on:drop=drop>
            <header class="lane-head">
                <h2><i class=format!("lane-dot tone-{tone}") aria-hidden="true"></i><span class="ellipsis">{choice.label.clone()}</span><span class="faint lane-count">{move || format::count(held.get().count)}</span></h2>
                <p class="small"><span>{amount}</span>" "<span class="faint">{weighted}</span></p>
            </header>
            <div class="lane-cards" node_ref=scroller.node on:scroll=move |_| scroller.scrolled() role="list" aria-label=choice.label.clone()>
                {move || coming().into_iter().map(ghost.clone()).collect_view()}
                <div style:height=move || format!("{}px", gaps.get().0) aria-hidden="true"></div>
                <For each=move || { let (start, end) = drawn.get(); start..end } key=|index| *index children=card/>
                <div style:height=move || format!("{}px", gaps.get().1) aria-hidden="true"></div>
                <Show when=move || rows.there.get() && len.get() == 0 && board.moved.with(HashMap::is_empty)><p class="none small lane-none">{tn("board.none", 0)}</p></Show>
            </div>
        </section>
    }
}

/// A card that can be taken, opened and moved.
fn slot(
    object: Arc<Object>,
    record: Record,
    board: Board,
    key: StoredValue<String>,
    days: impl Fn(&Record) -> Option<i64>,
) -> AnyView {
    let id = record.id.clone();
    let leaves = move || board.moved.with(|moved| moved.get(&id).is_some_and(|m| key.with_value(|key| m.to != *key)));
    let node = NodeRef::<html::Div>::new();
    let taken = record.clone();
    let take = move |event: ev::DragEvent| {
        if let Some(data) = event.data_transfer() {
            let _ = data.set_data("text/plain", &taken.id);
            data.set_effect_allowed("move");
        }
        board.carried.set(Some((taken.clone(), key.get_value())));
    };
    let moved = record.clone();
    let on_key = move |event: ev::KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowLeft" => -1,
            "ArrowRight" => 1,
            "ArrowDown" | "ArrowUp" if !event.alt_key() => {
                event.prevent_default();
                return focus_beside(node, event.key() == "ArrowDown");
            }
            _ => return,
        };
        event.prevent_default();
        if event.alt_key() {
            if let Some(to) = board.neighbour(&moved, step) {
                board.move_to(moved.clone(), &to);
            }
        } else {
            focus_lane(node, step);
        }
    };
    let days = days(&record);
    let touched = record.clone();
    let finger = Finger::new(node, Callback::new(move |stage: String| board.move_to(touched.clone(), &stage)));
    let no_menu = move |event: ev::MouseEvent| {
        if finger.is_down() {
            event.prevent_default();
        }
    };
    view! {
        <div class="board-card" on:touchstart=move |e| finger.down(&e) on:touchmove=move |e| finger.moved(&e) on:touchend=move |e| finger.up(&e)
            on:touchcancel=move |_| finger.gone() on:contextmenu=no_menu role="listitem" draggable="true" class:leaving=leaves node_ref=node on:dragstart=take
            on:dragend=move |_| board.carried.set(None) on:keydown=on_key>
            <Card object record days/>
        </div>
    }
    .into_any()
}

fn focus_link(card: Option<web_sys::Element>) {
    let link = card.and_then(|c| c.query_selector("a").ok().flatten());
    if let Some(link) = link.and_then(|l| l.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = link.focus();
    }
}

fn focus_beside(node: NodeRef<html::Div>, below: bool) {
    let Some(card) = node.get_untracked() else { return };
    let beside = if below { card.next_element_sibling() } else { card.previous_element_sibling() };
    focus_link(beside.filter(|e| e.class_list().contains("board-card")));
}

/// The first card of the lane beside that has one.
fn focus_lane(node: NodeRef<html::Div>, step: isize) {
    let lane = node.get_untracked().and_then(|card| card.closest(".lane").ok().flatten());
    let next =
        |lane: &web_sys::Element| if step > 0 { lane.next_element_sibling() } else { lane.previous_element_sibling() };
    let mut lane = lane.as_ref().and_then(next);
    while let Some(here) = lane {
        let card = here.query_selector(".board-card a").ok().flatten();
        if card.is_some() {
            return focus_link(Some(here));
        }
        lane = next(&here);
    }
}
