//! Carrying a card with a finger: a long touch takes it, the lane under the finger gets it. A quick move scrolls as ever.

use leptos::{ev, html, prelude::*};

/// Milliseconds after which a touch takes the card, and pixels that a finger may tremble meanwhile.
const LONG: f64 = 280.0;
const TREMBLE: f64 = 10.0;

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
    /// given the stage of the lane where the card was let go
    dropped: Callback<String>,
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
    pub fn new(card: NodeRef<html::Div>, dropped: Callback<String>) -> Finger {
        Finger { began: StoredValue::new(None), card, dropped }
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
    }

    pub fn up(self, event: &ev::TouchEvent) {
        let began = self.began.get_value();
        self.began.set_value(None);
        mark(None);
        self.lift(None);
        let Some((x, y)) = began.filter(|b| b.carries).and_then(|_| point(event)) else { return };
        event.prevent_default();
        if let Some(stage) = lane_at(x, y).and_then(|lane| lane.get_attribute("data-stage")) {
            self.dropped.run(stage);
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
