//! A scroller that draws only the rows in sight. Beyond the height that browsers can lay out, the scroll bar stands for
//! a longer list than its pixels: small moves are taken as they are, large ones in proportion.

use std::ops::Range;

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{HtmlElement, ResizeObserver};

/// Rows drawn above and below what is in sight.
const BESIDE: usize = 6;
/// Pixels that every browser lays out.
const TALLEST: f64 = 8_000_000.0;

/// Where the scroller stands. Pixels of `top` are those of the whole list, however long.
#[derive(Clone, Copy)]
pub struct Scroller {
    pub node: NodeRef<html::Div>,
    pub row_height: Signal<f64>,
    len: Signal<usize>,
    top: RwSignal<f64>,
    /// where the browser's own scroll bar stands
    bar: RwSignal<f64>,
    height: RwSignal<f64>,
    /// the header that stays on top of the rows
    pub head_height: f64,
}

impl Scroller {
    pub fn new(len: Signal<usize>, row_height: Signal<f64>, head_height: f64) -> Scroller {
        let (top, bar, height) = (RwSignal::new(0.0), RwSignal::new(0.0), RwSignal::new(600.0));
        let scroller = Scroller { node: NodeRef::new(), row_height, len, top, bar, height, head_height };
        scroller.measure();
        scroller
    }

    /// Keeps the height up to date.
    fn measure(self) {
        let observed = StoredValue::new_local(None::<(ResizeObserver, Closure<dyn FnMut()>)>);
        Effect::new(move |_| {
            let Some(node) = self.node.get() else { return };
            let measured = node.clone();
            let closure: Closure<dyn FnMut()> = Closure::new(move || {
                self.height.try_set(f64::from(measured.client_height()));
            });
            if let Ok(observer) = ResizeObserver::new(closure.as_ref().unchecked_ref()) {
                observer.observe(&node);
                observed.set_value(Some((observer, closure)));
            }
        });
        on_cleanup(move || {
            observed.try_update_value(|held| held.take().map(|(observer, _)| observer.disconnect()));
        });
    }

    fn whole(self) -> f64 {
        self.len.get() as f64 * self.row_height.get()
    }

    /// What the browser lays out for the rows.
    fn laid_out(self) -> f64 {
        self.whole().min(TALLEST)
    }

    fn sight(self) -> f64 {
        (self.height.get() - self.head_height).max(1.0)
    }

    /// Pixels of the list for one pixel of the scroll bar.
    fn scale(self) -> f64 {
        let (whole, laid_out, sight) = (self.whole(), self.laid_out(), self.sight());
        if whole <= laid_out { 1.0 } else { (whole - sight) / (laid_out - sight).max(1.0) }
    }

    /// To be called when the scroller has scrolled.
    pub fn scrolled(self) {
        let Some(node) = self.node.get_untracked() else { return };
        untrack(|| {
            let (bar, before) = (f64::from(node.scroll_top()), self.bar.get());
            let scale = self.scale();
            let moved = bar - before;
            let most = (self.whole() - self.sight()).max(0.0);
            let at_an_end = bar <= 0.0 || bar >= self.laid_out() - self.sight() - 1.0;
            let top = if scale == 1.0 {
                bar
            } else if at_an_end || moved.abs() > 2.0 * self.sight() {
                bar * scale
            } else {
                self.top.get() + moved
            };
            self.bar.set(bar);
            self.top.set(top.clamp(0.0, most));
        });
    }

    /// Rows to draw.
    pub fn drawn(self) -> Memo<(usize, usize)> {
        Memo::new(move |_| {
            let row = self.row_height.get();
            let first = (self.top.get() / row) as usize;
            let count = (self.sight() / row).ceil() as usize + 1;
            let len = self.len.get();
            (first.saturating_sub(BESIDE).min(len), (first + count + BESIDE).min(len))
        })
    }

    /// Rows in sight.
    pub fn in_sight(self) -> Range<usize> {
        untrack(|| {
            let row = self.row_height.get();
            let first = (self.top.get() / row) as usize;
            first..first + (self.sight() / row).ceil() as usize
        })
    }

    /// Pixels from the top of the whole list.
    pub fn top_now(self) -> f64 {
        self.top.try_get_untracked().unwrap_or_default()
    }

    /// Pixels to leave free above and below the rows that are drawn.
    pub fn gaps(self, drawn: Memo<(usize, usize)>) -> Memo<(f64, f64)> {
        // Where the scroll bar stands for more than its pixels, the rows keep their distance to what is in sight.
        let shift =
            Memo::new(move |_| if self.scale() == 1.0 { 0.0 } else { (self.bar.get() - self.top.get()).round() });
        Memo::new(move |_| {
            let row = self.row_height.get();
            let (start, end) = drawn.get();
            let above = (start as f64 * row + shift.get()).max(0.0);
            let below = (self.laid_out() - above - (end - start) as f64 * row).max(0.0);
            (above, below)
        })
    }

    /// Scrolls just so far that a row is in sight.
    pub fn show(self, index: usize) {
        untrack(|| {
            let (row, sight, top) = (self.row_height.get(), self.sight(), self.top.get());
            let start = index as f64 * row;
            if start < top {
                self.go_to(start);
            } else if start + row > top + sight {
                self.go_to(start + row - sight);
            }
        });
    }

    pub fn go_to(self, top: f64) {
        let Some(node) = self.node.get_untracked() else { return };
        untrack(|| {
            let most = (self.whole() - self.sight()).max(0.0);
            let top = top.clamp(0.0, most);
            let node: &HtmlElement = node.as_ref();
            node.set_scroll_top((top / self.scale()).round() as i32);
            self.bar.set(f64::from(node.scroll_top()));
            self.top.set(top);
        });
    }
}
