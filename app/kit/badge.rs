//! Small marks: a coloured word, a person's initials.

use leptos::prelude::*;

/// A word in a pill; `color` is one of the palette's names (blue, green, amber, red, purple, slate ...).
#[component]
pub fn Badge(#[prop(into)] text: String, #[prop(into, optional)] color: String) -> impl IntoView {
    let tone = tone(&color);
    view! { <span class=format!("badge tone-{tone}")>{text}</span> }
}

/// The tone of the palette that a colour's name or its `#rrggbb` comes nearest to.
pub fn tone(color: &str) -> &'static str {
    match color.to_ascii_lowercase().as_str() {
        "blue" | "sky" | "cyan" | "info" => "blue",
        "green" | "teal" | "lime" | "emerald" | "success" => "green",
        "amber" | "yellow" | "orange" | "warning" => "amber",
        "red" | "rose" | "pink" | "danger" => "red",
        "purple" | "violet" | "indigo" => "purple",
        hex => nearest(hex).unwrap_or("slate"),
    }
}

fn nearest(hex: &str) -> Option<&'static str> {
    const TONES: [(&str, [i32; 3]); 6] = [
        ("blue", [0x25, 0x63, 0xeb]),
        ("green", [0x10, 0xb9, 0x81]),
        ("amber", [0xf5, 0x9e, 0x0b]),
        ("red", [0xdc, 0x26, 0x26]),
        ("purple", [0x8b, 0x5c, 0xf6]),
        ("slate", [0x64, 0x74, 0x8b]),
    ];
    let digits = hex.strip_prefix('#').filter(|d| d.len() == 6)?;
    let part = |at: usize| digits.get(at..at + 2).and_then(|d| i32::from_str_radix(d, 16).ok());
    let color = [part(0)?, part(2)?, part(4)?];
    let distance = |tone: &[i32; 3]| -> i32 { tone.iter().zip(color).map(|(a, b)| (a - b) * (a - b)).sum() };
    TONES.iter().min_by_key(|(_, tone)| distance(tone)).map(|(name, _)| *name)
}

/// Initials on a colour that the name decides.
#[component]
pub fn Avatar(#[prop(into)] name: String) -> impl IntoView {
    // Words without a letter, such as a dash or an emoji, only count when there are no others.
    let firsts = || name.split_whitespace().filter_map(|word| word.chars().next());
    let mut letters: String = firsts().filter(|letter| letter.is_alphanumeric()).take(2).collect();
    if letters.is_empty() {
        letters = firsts().take(1).collect();
    }
    let tone = name.bytes().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % 6;
    view! { <span class=format!("avatar hue-{tone}") aria-hidden="true">{letters.to_uppercase()}</span> }
}

/// Several people on little room: the first few by their initials, all by name for those who listen and on hover.
#[component]
pub fn Avatars(#[prop(into)] names: Signal<Vec<String>>, #[prop(into)] label: Signal<String>) -> impl IntoView {
    const SHOWN: usize = 4;
    let faces = move || {
        let names = names.get();
        let more = names.len().saturating_sub(SHOWN);
        let shown = names.into_iter().take(SHOWN).map(|name| view! { <Avatar name/> }).collect_view();
        view! { {shown}{(more > 0).then(|| view! { <span class="avatar more" aria-hidden="true">{format!("+{more}")}</span> })} }
    };
    view! { <span class="avatars" role="img" aria-label=move || label.get() title=move || label.get()>{faces}</span> }
}
