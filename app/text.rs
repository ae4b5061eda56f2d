//! The catalogue: every text a person reads, looked up by key. English is embedded; `{name}` stands for a value.

use std::collections::HashMap;
use std::sync::OnceLock;

static ENGLISH: &str = include_str!("../assets/locales/en.json");

type Catalogue = HashMap<String, String>;

fn catalogue() -> &'static Catalogue {
    static PARSED: OnceLock<Catalogue> = OnceLock::new();
    PARSED.get_or_init(|| serde_json::from_str(ENGLISH).unwrap_or_default())
}

/// The text of a key; the key itself when the catalogue lacks it.
pub fn t(key: &'static str) -> &'static str {
    catalogue().get(key).map_or(key, String::as_str)
}

/// The text of a key that is put together while running, such as `error.not_found`; `None` when there is none.
pub fn maybe(key: &str) -> Option<&'static str> {
    catalogue().get(key).map(String::as_str)
}

/// A text with its `{name}`s filled in.
pub fn tf(key: &'static str, values: &[(&str, &str)]) -> String {
    fill(t(key), values)
}

/// A text that depends on a count: `key.one` for 1, else `key.other`; `{n}` is the count.
pub fn tn(key: &str, n: u64) -> String {
    let form = if n == 1 { "one" } else { "other" };
    let text = maybe(&format!("{key}.{form}")).unwrap_or("{n}");
    fill(text, &[("n", &crate::state::format::count(n))])
}

fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = text.to_owned();
    for (name, value) in values {
        out = out.replace(&format!("{{{name}}}"), value);
    }
    out
}
