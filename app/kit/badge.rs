//! Small marks: a coloured word, a person's initials.

use leptos::prelude::*;

/// A word in a pill; `color` is one of the palette's names (blue, green, amber, red, purple, slate ...).
#[component]
pub fn Badge(#[prop(into)] text: String, #[prop(into, optional)] color: String) -> impl IntoView {
    let tone = match color.to_ascii_lowercase().as_str() {
        "blue" | "sky" | "cyan" | "info" => "blue",
        "green" | "teal" | "lime" | "emerald" | "success" => "green",
        "amber" | "yellow" | "orange" | "warning" => "amber",
        "red" | "rose" | "pink" | "danger" => "red",
        "purple" | "violet" | "indigo" => "purple",
        _ => "slate",
    };
    view! { <span class=format!("badge tone-{tone}")>{text}</span> }
}

/// Initials on a colour that the name decides.
#[component]
pub fn Avatar(#[prop(into)] name: String) -> impl IntoView {
    let letters: String = name.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect();
    let tone = name.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % 6;
    view! { <span class=format!("avatar hue-{tone}") aria-hidden="true">{letters.to_uppercase()}</span> }
}
