//! Carrying a card with a finger: a long touch takes it, the lane under the finger gets it. A quick move scrolls as ever.

use leptos::{ev, html, prelude::*};

use super::board::At;

/// Milliseconds after which a touch takes the card, and pixels that a finger may tremble meanwhile.
const LONG: f64 = 280.0;
const TREMBLE: f64 = 10.0;
/// Pixels from the side of the screen where the board begins to move, and how far it does with a frame.
const EDGE: f64 = 44.0;
const PULL: i32 = 9;

/// Where a touch began.
#[derive(Debug, Clone, Copy)]
struct Began {
    at: f64,
    x: f64,
    y: f64,
    carries: bool,
}

/// The handlers of one card.
#[derive(Clone, Copy)]
pub struct Finger {
    began: StoredValue<Option<Began>>,
    card: NodeRef<html::Div>,
    /// pixels by which the board moves with every frame, while the finger is at its edge
    pull: StoredValue<i32>,
    /// given the lane where the card was let go
    dropped: Callback<At>,
}

fn point(event: &ev::TouchEvent) -> Option<(f64, f64)> {
    let touch = event.touches().get(0).or_else(|| event.changed_touches().get(0))?;
    Some((f64::from(touch.client_x()), f64::from(touch.client_y())))
}

fn lane_at(x: f64, y: f64) -> Option<web_sys::Element> {
    document().element_from_point(x as f32, y as f32)?.closest(".lane").ok().flatten()
}

fn mark(lane: Option<&web_sys::Element>) {
    if let Ok(Some(before)) = document().query_selector(".lane.over") {
        let _ = before.class_list().remove_1("over");
    }
    if let Some(lane) = lane {
        let _ = lane.class_list().add_1("over");
    }
}

impl Finger {
    pub fn new(card: NodeRef<html::Div>, dropped: Callback<At>) -> Finger {
        Finger { began: StoredValue::new(None), card, dropped, pull: StoredValue::new(0) }
    }

    pub fn down(self, event: &ev::TouchEvent) {
        if let Some((x, y)) = point(event) {
            self.began.set_value(Some(Began { at: js_sys::Date::now(), x, y, carries: false }));
        }
    }

    pub fn moved(self, event: &ev::TouchEvent) {
        let (Some(mut began), Some((x, y))) = (self.began.get_value(), point(event)) else { return };
        let near = (x - began.x).abs() < TREMBLE && (y - began.y).abs() < TREMBLE;
        let long = js_sys::Date::now() - began.at > LONG;
        if !began.carries && !long {
            // The finger scrolls; it takes nothing any more.
            if !near {
                self.began.set_value(None);
            }
            return;
        }
        event.prevent_default();
        if !began.carries {
            began.carries = true;
            self.began.set_value(Some(began));
        }
        self.lift(Some((x - began.x, y - began.y)));
        mark(lane_at(x, y).as_ref());
        let width = window().inner_width().ok().and_then(|w| w.as_f64()).unwrap_or(f64::MAX);
        let pull = if x < EDGE {
            -PULL
        } else if x > width - EDGE {
            PULL
        } else {
            0
        };
        let before = self.pull.get_value();
        self.pull.set_value(pull);
        if before == 0 && pull != 0 {
            self.roll();
        }
    }

    /// Moves the board under a finger that rests at its edge.
    fn roll(self) {
        let Some(pull) = self.pull.try_get_value().filter(|pull| *pull != 0) else { return };
        if let Ok(Some(board)) = document().query_selector(".board") {
            board.set_scroll_left(board.scroll_left() + pull);
        }
        request_animation_frame(move || self.roll());
    }

    pub fn up(self, event: &ev::TouchEvent) {
        let began = self.began.get_value();
        self.began.set_value(None);
        mark(None);
        self.lift(None);
        let Some((x, y)) = began.filter(|b| b.carries).and_then(|_| point(event)) else { return };
        event.prevent_default();
        let at =
            |lane: web_sys::Element| Some((lane.get_attribute("data-swim-key")?, lane.get_attribute("data-stage")?));
        if let Some(at) = lane_at(x, y).and_then(at) {
            self.dropped.run(at);
        }
    }

    /// The browser took the touch for itself.
    pub fn gone(self) {
        self.began.set_value(None);
        mark(None);
        self.lift(None);
    }

    /// Whether a long touch is under way, so that no menu may open.
    pub fn is_down(self) -> bool {
        self.began.get_value().is_some()
    }

    /// The card follows the finger.
    fn lift(self, by: Option<(f64, f64)>) {
        if by.is_none() {
            self.pull.set_value(0);
        }
        let Some(card) = self.card.get_untracked() else { return };
        let card: &web_sys::HtmlElement = card.as_ref();
        let _ = match by {
            Some((x, y)) => {
                let _ = card.class_list().add_1("carried");
                card.style().set_property("translate", &format!("{x}px {y}px"))
            }
            None => {
                let _ = card.class_list().remove_1("carried");
                card.style().remove_property("translate").map(|_| ())
            }
        };
    }
}
