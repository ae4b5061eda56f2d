//! Small figures: a line without axes, and bars with their words. Both are one picture with a name for those who listen,
//! and the bars also say every value as text.

use leptos::prelude::*;

const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 28.0;

/// How something went, oldest first; `label` says it in words.
#[component]
pub fn Sparkline(values: Vec<f64>, #[prop(into)] label: String) -> impl IntoView {
    let (least, most) = values.iter().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
    let step = WIDTH / values.len().saturating_sub(1).max(1) as f64;
    let height =
        |v: f64| if most > least { HEIGHT - 2.0 - (v - least) / (most - least) * (HEIGHT - 4.0) } else { HEIGHT / 2.0 };
    let points: Vec<String> =
        values.iter().enumerate().map(|(at, v)| format!("{:.1},{:.1}", at as f64 * step, height(*v))).collect();
    view! {
        <svg class="sparkline" role="img" aria-label=label viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none">
            <polyline points=points.join(" ")></polyline>
        </svg>
    }
}

/// One bar: its words, its length, and its value as text.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub label: String,
    pub value: f64,
    pub text: String,
}

/// Bars beneath each other, the longest over the whole width.
#[component]
pub fn BarChart(bars: Vec<Bar>, #[prop(into)] label: String) -> impl IntoView {
    let most = bars.iter().map(|b| b.value).fold(0.0, f64::max);
    let bar = |bar: Bar| {
        let part = if most > 0.0 { (bar.value / most * 100.0).clamp(0.0, 100.0) } else { 0.0 };
        view! {
            <tr><th scope="row" dir="auto">{bar.label}</th>
                <td class="bar-room"><span class="bar-length" aria-hidden="true" style:inline-size=format!("{part:.1}%")></span></td>
                <td class="number">{bar.text}</td></tr>
        }
    };
    view! { <table class="bars"><caption class="sr">{label}</caption><tbody>{bars.into_iter().map(bar).collect_view()}</tbody></table> }
}
