//! A password or passphrase: hidden unless asked, with an estimate of its strength.

use leptos::prelude::*;

use super::Icon;
use crate::text::{t, tf};

/// An input for something secret, with a button that shows it.
#[component]
pub fn Secret(
    id: &'static str,
    label: &'static str,
    value: RwSignal<String>,
    /// `current-password`, `new-password` or `off`
    #[prop(default = "off")]
    autocomplete: &'static str,
    #[prop(optional)] hint: Option<&'static str>,
    #[prop(default = true)] required: bool,
    #[prop(default = false)] autofocus: bool,
) -> impl IntoView {
    let shown = RwSignal::new(false);
    let note = format!("{id}-note");
    view! {
        <div class="row">
            <label for=id>{label}</label>
            <div class="with-button secret">
                <input id=id class="input" name=id type=move || if shown.get() { "text" } else { "password" }
                    autocomplete=autocomplete autofocus=autofocus required=required spellcheck="false" autocapitalize="off"
                    aria-describedby=note.clone() prop:value=move || value.get()
                    on:input=move |event| value.set(event_target_value(&event))/>
                <button type="button" class="button icon-only" aria-label=move || if shown.get() { t("secret.hide") } else { t("secret.show") }
                    aria-pressed=move || shown.get().to_string() on:click=move |_| shown.update(|s| *s = !*s)>
                    {move || if shown.get() { view! { <Icon name="eye-off"/> } } else { view! { <Icon name="eye"/> } }}
                </button>
            </div>
            <p id=note class="hint">{hint}</p>
        </div>
    }
}

/// Rough guesses needed, as a power of ten: length times the alphabet, less for repetition, runs and common words.
fn strength(text: &str) -> u8 {
    const COMMON: [&str; 10] =
        ["password", "passwort", "qwerty", "letmein", "welcome", "admin", "aplomb", "123456", "iloveyou", "secret"];
    let lower = text.to_lowercase();
    let mut alphabet = 0.0;
    for (has, size) in [
        (text.chars().any(|c| c.is_lowercase()), 26.0),
        (text.chars().any(|c| c.is_uppercase()), 26.0),
        (text.chars().any(|c| c.is_ascii_digit()), 10.0),
        (text.chars().any(|c| !c.is_alphanumeric()), 20.0),
    ] {
        if has {
            alphabet += size;
        }
    }
    let codes: Vec<i64> = lower.chars().map(|c| i64::from(u32::from(c))).collect();
    let fresh = codes.windows(2).filter(|pair| (pair[1] - pair[0]).abs() > 1).count() + usize::from(!codes.is_empty());
    let known: usize = COMMON.iter().filter(|word| lower.contains(**word)).map(|word| word.len() - 2).sum();
    let bits = fresh.saturating_sub(known) as f64 * f64::log2(f64::max(alphabet, 1.0));
    match bits as u32 {
        0..28 => 0,
        28..45 => 1,
        45..60 => 2,
        60..80 => 3,
        _ => 4,
    }
}

/// A bar and a word for how hard `value` is to guess. A hint: the server decides.
#[component]
pub fn Strength(value: RwSignal<String>) -> impl IntoView {
    const WORDS: [&str; 5] = ["strength.0", "strength.1", "strength.2", "strength.3", "strength.4"];
    let level = Memo::new(move |_| strength(&value.get()));
    view! {
        <div class="strength" data-level=move || level.get().to_string() aria-live="polite">
            <div class="strength-bar" aria-hidden="true"><i></i><i></i><i></i><i></i></div>
            <span class="small faint">
                {move || if value.with(String::is_empty) {
                    t("strength.empty").to_owned()
                } else {
                    tf("strength.is", &[("level", t(WORDS[usize::from(level.get())]))])
                }}
            </span>
        </div>
    }
}
