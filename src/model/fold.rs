//! One folding of text for sorting, matching and searching: case, diacritics and width do not count.

/// Lower case, compatibility-decomposed, without marks; letters that do not decompose are spelt out (`ß` to `ss`).
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut out = String::with_capacity(text.len());
    for c in without_marks(text).flat_map(char::to_lowercase) {
        match c {
            'ß' => out.push_str("ss"),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' | 'ð' => out.push('d'),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'þ' => out.push_str("th"),
            'ı' => out.push('i'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(not(target_arch = "wasm32"))]
fn without_marks(text: &str) -> impl Iterator<Item = char> {
    use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
    text.nfkd().filter(|c| !is_combining_mark(*c))
}

/// The browser brings the tables along that would otherwise be part of the page.
#[cfg(target_arch = "wasm32")]
fn without_marks(text: &str) -> impl Iterator<Item = char> {
    let marks = js_sys::RegExp::new("\\p{M}", "gu");
    let plain: String = js_sys::JsString::from(text).normalize("NFKD").replace_by_pattern(&marks, "").into();
    plain.chars().collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn folds() {
        for (text, expect) in [
            ("Müller", "muller"),
            ("GROß", "gross"),
            ("Øyvind", "oyvind"),
            ("İstanbul", "istanbul"),
            ("ＡＢＣ", "abc"),
            ("東京", "東京"),
            ("plain ASCII", "plain ascii"),
        ] {
            assert_eq!(fold(text), expect);
            assert_eq!(fold(&fold(text)), expect);
        }
    }
}
