//! A column of cards, of which only those in sight are drawn, and what one does with a card: take it, open it, go on.

use std::sync::Arc;

use aplomb_model::{Choice, Object};
use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

use super::board::{At, Board, Money};
use super::board_figures::{Question, Sums, Swim, narrowed};
use super::board_touch::Finger;
use super::card::{Card, days_in_stage};
use super::fresh::freshness;
use super::list_url::ListUrl;
use crate::api::{self, Record};
use crate::kit::{Paged, Scroller, Slice, tone};
use crate::state::format;
use crate::text::t;

/// Pixels of a card with the space below it.
const CARD: f64 = 112.0;

/// The head of a column: its stage, how many there are, what they are worth.
#[component]
pub fn Head(choice: Choice, board: Board) -> impl IntoView {
    let tone = tone(choice.color.as_deref().unwrap_or_default());
    let key = choice.key.clone();
    let sums = Memo::new(move |_| {
        board.figures.with(|f| {
            let f = f.as_ref()?;
            if key.is_empty() { Some(Sums { count: f.other, ..Sums::default() }) } else { f.stages.get(&key).cloned() }
        })
    });
    let sums = Signal::derive(move || sums.get().unwrap_or_default());
    view! {
        <header class="lane-head">
            <h2><i class=format!("lane-dot tone-{tone}") aria-hidden="true"></i><span class="ellipsis">{choice.label.clone()}</span>
                <span class="faint lane-count">{move || format::count(sums.get().count)}</span></h2>
            <Money sums open=is_open(&choice)/>
        </header>
    }
}

/// Whether work in this stage is not finished.
fn is_open(choice: &Choice) -> bool {
    choice.outcome.as_deref().is_none_or(|outcome| outcome == "open")
}

/// The fields that cards show.
fn card_fields(object: &Object, board: Board) -> String {
    const SHOWN: [&str; 9] =
        ["company", "amount", "closeDate", "owner", "nextStep", "stageChangedAt", "nextTouchAt", "priority", "dueAt"];
    let mut names: Vec<String> =
        SHOWN.into_iter().filter(|name| object.field(name).is_some()).map(str::to_owned).collect();
    names.extend([object.title.clone(), board.field.with_value(|f| f.name.clone())]);
    names.extend(board.swim.with_value(|f| f.as_ref().map(|f| f.name.clone())).filter(|name| !names.contains(name)));
    names.join(",")
}

/// The cards of one place, as far as they are looked at. A place that is known to be empty is not asked for.
fn cards(at: At, swim: Swim, asked: Memo<Question>, url: Memo<ListUrl>, board: Board) -> Paged<Record> {
    let rows = Paged::<Record>::new();
    let object = board.object.get_value();
    let fields = card_fields(&object, board);
    let place = at.clone();
    let wish = Memo::new(move |_| {
        let filter = narrowed(&asked.get(), &place.1, &swim);
        ListUrl { filter, columns: String::new(), view: String::new(), group: String::new(), ..url.get() }
    });
    let place = at.clone();
    let has_any = Memo::new(move |_| {
        board.figures.with(|f| {
            let known = f.as_ref().filter(|f| !place.0.is_empty() && place.0 != "*" && !f.cut);
            known.is_none_or(|f| f.cells.get(&place).is_some_and(|n| *n > 0))
        })
    });
    Effect::new(move |_| {
        let now = wish.get();
        if !has_any.get() {
            return;
        }
        let (object, fields) = (object.name.clone(), fields.clone());
        rows.ask(move |wanted, abort| {
            let query = now.query(&object, &fields, &wanted);
            async move {
                let page = api::list(query, &abort).await?;
                let next = page.next.filter(|next| !next.is_empty());
                Ok(Slice { rows: page.records, next, total: page.total.count as usize, exact: page.total.exact })
            }
        });
    });
    let (here, gone) = (at.clone(), at);
    board.lanes.update_value(|lanes| _ = lanes.insert(here, rows));
    on_cleanup(move || {
        board.lanes.try_update_value(|lanes| lanes.remove(&gone));
    });
    rows
}

/// One column with its cards; `headed` when its head stands above it and not above all swim-lanes.
#[component]
pub fn Lane(
    choice: Choice,
    swim: Swim,
    asked: Memo<Question>,
    url: Memo<ListUrl>,
    board: Board,
    headed: bool,
) -> impl IntoView {
    let at: At = (swim.key.clone(), choice.key.clone());
    let name = if swim.label.is_empty() { choice.label.clone() } else { format!("{}, {}", choice.label, swim.label) };
    let label = name.clone();
    let rows = cards(at.clone(), swim, asked, url, board);
    let over = RwSignal::new(0i32);
    let len = Signal::derive(move || rows.rows.with(|rows| rows.len));
    let scroller = Scroller::new(len, Signal::stored(CARD), 0.0);
    let drawn = scroller.drawn();
    let gaps = scroller.gaps(drawn);
    Effect::new(move |_| {
        let (start, end) = drawn.get();
        rows.look_at(start..end);
    });
    let key = StoredValue::new(at.clone());
    // Cards that come here and are not among those that the server gave.
    let coming = move || {
        let here = board.moved.with(|moved| {
            moved.values().filter(|m| key.with_value(|key| m.to == *key)).map(|m| m.record.clone()).collect::<Vec<_>>()
        });
        if here.is_empty() {
            return here;
        }
        let is_there = |r: &Record| rows.rows.with(|rows| rows.iter().any(|(_, there)| there.id == r.id));
        here.into_iter().filter(|r| !is_there(r)).collect()
    };
    let aged = is_open(&choice);
    let card = move |index: usize| {
        let record = Memo::new(move |_| rows.rows.with(|rows| rows.get(index).cloned()));
        let fresh = freshness(record);
        move || match record.get() {
            Some(record) => slot(record, board, key, aged, fresh),
            None => view! { <div class="board-card"><div class="bar"></div><div class="bar"></div></div> }.into_any(),
        }
    };
    let still = RwSignal::new(false);
    let ghost = move |record: Record| view! { <div class="coming">{slot(record, board, key, aged, still)}</div> };
    let drop = move |event: ev::DragEvent| {
        event.prevent_default();
        over.set(0);
        if let Some(record) = board.carried.get_untracked() {
            board.carried.set(None);
            board.move_to(record, key.get_value());
        }
    };
    let is_empty = move || {
        (rows.there.get() || !headed) && len.get() == 0 && board.moved.with(std::collections::HashMap::is_empty)
    };
    view! {
        <section class="lane" class:over=move || { over.get() > 0 } aria-label=label data-stage=at.1 data-swim-key=at.0
            on:dragenter=move |e| { e.prevent_default(); over.update(|n| *n += 1) } on:dragleave=move |_| over.update(|n| *n -= 1)
            on:dragover=move |e| e.prevent_default() on:drop=drop>
            {headed.then(|| view! { <Head choice board/> })}
            <div class="lane-cards" node_ref=scroller.node on:scroll=move |_| scroller.scrolled() role="list" aria-label=name>
                {move || coming().into_iter().map(ghost).collect_view()}
                <div style:height=move || format!("{}px", gaps.get().0) aria-hidden="true"></div>
                <For each=move || { let (start, end) = drawn.get(); start..end } key=|index| *index children=card/>
                <div style:height=move || format!("{}px", gaps.get().1) aria-hidden="true"></div>
                <Show when=is_empty><p class="none small lane-none" role="listitem">{if headed { t("board.none").to_owned() } else { "–".to_owned() }}</p></Show>
                <Show when=move || rows.failure.get().is_some()>
                    <p class="small lane-none" role="listitem"><button type="button" class="button small" on:click=move |_| rows.start()>{t("retry")}</button></p>
                </Show>
            </div>
        </section>
    }
}

/// A card that can be taken, opened and moved.
fn slot(record: Record, board: Board, key: StoredValue<At>, aged: bool, fresh: RwSignal<bool>) -> AnyView {
    let id = record.id.clone();
    let leaves = move || board.moved.with(|moved| moved.get(&id).is_some_and(|m| key.with_value(|key| m.to != *key)));
    let node = NodeRef::<html::Div>::new();
    if board.follows.with_value(|id| *id == record.id) {
        let id = record.id.clone();
        request_animation_frame(move || refocus_card(&id));
    }
    let taken = record.clone();
    let take = move |event: ev::DragEvent| {
        if let Some(data) = event.data_transfer() {
            let _ = data.set_data("text/plain", &taken.id);
            data.set_effect_allowed("move");
        }
        board.carried.set(Some(taken.clone()));
    };
    let moved = record.clone();
    let on_key = move |event: ev::KeyboardEvent| {
        let (across, down) = match event.key().as_str() {
            "ArrowLeft" => (-1isize, 0isize),
            "ArrowRight" => (1, 0),
            "ArrowUp" => (0, -1),
            "ArrowDown" => (0, 1),
            _ => return,
        };
        event.prevent_default();
        if !event.alt_key() {
            return if down == 0 { focus_lane(node, across) } else { focus_beside(node, down > 0) };
        }
        if let Some(to) = board.neighbour(&moved, across, down) {
            board.move_to(moved.clone(), to);
        }
    };
    let days = aged.then(|| days_in_stage(&record)).flatten();
    let touched = record.clone();
    let finger = Finger::new(node, Callback::new(move |to: At| board.move_to(touched.clone(), to)));
    let no_menu = move |event: ev::MouseEvent| {
        if finger.is_down() {
            event.prevent_default();
        }
    };
    let touch_start = move |event: ev::TouchEvent| {
        if board.may {
            finger.down(&event);
        }
    };
    let draggable = if board.may { "true" } else { "false" };
    let object: Arc<Object> = board.object.get_value();
    view! {
        <div class="board-card" on:touchstart=touch_start on:touchmove=move |e| finger.moved(&e) on:touchend=move |e| finger.up(&e)
            on:touchcancel=move |_| finger.gone() on:contextmenu=no_menu role="listitem" draggable=draggable class:leaving=leaves class:fresh=move || fresh.get()
            node_ref=node on:dragstart=take on:dragend=move |_| board.carried.set(None) on:keydown=on_key>
            <Card object record days/>
        </div>
    }
    .into_any()
}

fn focus_link(card: Option<web_sys::Element>) -> bool {
    let link = card.and_then(|c| c.query_selector("a").ok().flatten());
    let link = link.and_then(|l| l.dyn_into::<web_sys::HtmlElement>().ok());
    link.is_some_and(|link| link.focus().is_ok())
}

/// The same when nothing has the keyboard, because the card was drawn anew.
pub fn refocus_card(id: &str) {
    if document().active_element().is_none_or(|e| e.tag_name() == "BODY") {
        focus_card(id);
    }
}

/// Gives the keyboard to a card, wherever it is by now.
pub fn focus_card(id: &str) {
    let wanted = format!(".board-card:not(.leaving):has(a[href$=\"/{id}\"])");
    focus_link(document().query_selector(&wanted).ok().flatten());
}

/// The card above or below, in the next swim-lane when it is the last of its own.
fn focus_beside(node: NodeRef<html::Div>, below: bool) {
    let Some(card) = node.get_untracked() else { return };
    let beside = if below { card.next_element_sibling() } else { card.previous_element_sibling() };
    if focus_link(beside.filter(|e| e.class_list().contains("board-card"))) {
        return;
    }
    let lane = card.closest(".lane").ok().flatten();
    let Some(stage) = lane.as_ref().and_then(|lane| lane.get_attribute("data-stage")) else { return };
    let Ok(lanes) = document().query_selector_all(&format!(".lane[data-stage=\"{stage}\"]")) else { return };
    let all: Vec<web_sys::Element> = (0..lanes.length()).filter_map(|i| lanes.item(i)?.dyn_into().ok()).collect();
    let Some(at) = all.iter().position(|l| Some(l) == lane.as_ref()) else { return };
    let found =
        if below { all[at + 1..].iter().find_map(first_card) } else { all[..at].iter().rev().find_map(first_card) };
    focus_link(found);
}

fn first_card(lane: &web_sys::Element) -> Option<web_sys::Element> {
    lane.query_selector(".board-card:has(a)").ok().flatten()
}

/// The first card of the lane beside that has one.
fn focus_lane(node: NodeRef<html::Div>, step: isize) {
    let lane = node.get_untracked().and_then(|card| card.closest(".lane").ok().flatten());
    let next =
        |lane: &web_sys::Element| if step > 0 { lane.next_element_sibling() } else { lane.previous_element_sibling() };
    let mut lane = lane.as_ref().and_then(next);
    while let Some(here) = lane {
        if let Some(card) = first_card(&here) {
            focus_link(Some(card));
            return;
        }
        lane = next(&here);
    }
}
