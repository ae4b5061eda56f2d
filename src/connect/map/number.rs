//! Numbers and amounts as people write them: `1.234,56`, `1,234.56`, `1'234`, `(12.50)`, `EUR 5`, `75 %`.

use aplomb_model::Currency;

/// What one written number says about its decimal mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// no separator at all
    None,
    /// this is the decimal mark
    Is(char),
    /// one separator before exactly three digits: either
    Either,
}

/// A number taken apart: digits with a point, and the currency that stood beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    /// `-1234.56`
    pub digits: String,
    pub currency: Option<Currency>,
}

const SYMBOLS: &[(&str, &str)] = &[
    ("US$", "USD"),
    ("A$", "AUD"),
    ("C$", "CAD"),
    ("R$", "BRL"),
    ("HK$", "HKD"),
    ("NZ$", "NZD"),
    ("€", "EUR"),
    ("$", "USD"),
    ("£", "GBP"),
    ("¥", "JPY"),
    ("₹", "INR"),
    ("₩", "KRW"),
    ("₺", "TRY"),
    ("₽", "RUB"),
    ("₪", "ILS"),
    ("zł", "PLN"),
    ("Kč", "CZK"),
    ("Fr.", "CHF"),
    ("SFr", "CHF"),
    ("Euro", "EUR"),
];

/// Whether the text can be a number at all, and what it says about the decimal mark.
pub fn mark(text: &str) -> Option<Mark> {
    let (core, _) = strip(text)?;
    let mark = mark_of(&core);
    parse(text, '.').map(|_| mark)
}

fn mark_of(core: &str) -> Mark {
    let separators: Vec<(usize, char)> = core.char_indices().filter(|(_, c)| matches!(c, '.' | ',')).collect();
    let Some((last_at, last)) = separators.last().copied() else { return Mark::None };
    let after = core.len() - last_at - 1;
    let other = if last == '.' { ',' } else { '.' };
    let same = separators.iter().filter(|(_, c)| *c == last).count();
    match () {
        _ if separators.len() > same => Mark::Is(if same > 1 { other } else { last }),
        _ if same > 1 => Mark::Is(other),
        _ if after == 3 && last_at > 0 && last_at <= 3 && !core.starts_with('0') => Mark::Either,
        _ => Mark::Is(last),
    }
}

/// Reads a number. `decimal` decides where the text itself leaves it open.
pub fn parse(text: &str, decimal: char) -> Option<Amount> {
    let (core, rest) = strip(text)?;
    let decimal = match mark_of(&core) {
        Mark::Is(c) => c,
        Mark::Either => decimal,
        Mark::None => '.',
    };
    let (whole, fraction) = core.split_once(decimal).unwrap_or((&core, ""));
    let grouping = if decimal == '.' { ',' } else { '.' };
    let mut groups = whole.split(grouping);
    let first = groups.next().unwrap_or_default();
    let sound = groups.all(|g| matches!(g.len(), 2 | 3)) && !(first.is_empty() && whole.contains(grouping));
    if !sound || fraction.contains(['.', ',']) {
        return None;
    }
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    let sign = if rest.negative { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { &whole };
    let digits = if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
    Some(Amount { digits, currency: rest.currency })
}

struct Rest {
    negative: bool,
    currency: Option<Currency>,
}

/// Takes off sign, currency, percent sign and blanks; leaves digits with `.` and `,`.
fn strip(text: &str) -> Option<(String, Rest)> {
    let text = text.trim();
    if text.len() > 400 || !text.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    if let Some(plain) = scientific(text) {
        return Some((
            plain.trim_start_matches('-').to_owned(),
            Rest { negative: plain.starts_with('-'), currency: None },
        ));
    }
    let (mut text, mut negative) = match text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        Some(inner) => (inner.to_owned(), true),
        None => (text.to_owned(), false),
    };
    let mut currency = None;
    for (symbol, code) in SYMBOLS {
        if text.contains(symbol) {
            text = text.replacen(symbol, "", 1);
            currency = code.parse().ok();
            break;
        }
    }
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    if !letters.is_empty() {
        currency = Some((currency.is_none() && letters.len() == 3).then(|| letters.parse::<Currency>().ok())??);
        if !KNOWN_CODES.contains(&letters.to_ascii_uppercase().as_str()) {
            return None;
        }
        text = text.replacen(&letters, "", 1);
    }
    let text = text.trim().trim_end_matches('%').trim();
    if !blanks_group(text) {
        return None;
    }
    let mut core = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '0'..='9' | '.' | ',' => core.push(c),
            '-' | '\u{2212}' if !negative && core.is_empty() => negative = true,
            '+' if core.is_empty() => {}
            // `1.234,-` and `12,50-`
            '-' | '\u{2013}' if core.ends_with(',') => {
                core.pop();
            }
            '-' if !negative && at + 1 == text.len() => negative = true,
            ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '\u{2019}' => {}
            _ => return None,
        }
    }
    core.bytes().any(|b| b.is_ascii_digit()).then_some((core, Rest { negative, currency }))
}

/// Blanks in a number part thousands; in a telephone number they stand anywhere.
fn blanks_group(text: &str) -> bool {
    let whole = text.split([',', '.']).next().unwrap_or_default();
    let mut groups = whole.split([' ', '\u{a0}', '\u{202f}', '\u{2009}']).filter(|g| !g.is_empty());
    groups.next().is_none_or(|first| first == "-" || first.len() <= 4 || !whole.contains(' '))
        && groups.all(|g| g.len() == 3)
}

fn scientific(text: &str) -> Option<String> {
    let exponent = text.find(['e', 'E']).filter(|at| *at > 0)?;
    let mantissa = &text[..exponent];
    if !mantissa.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+')) {
        return None;
    }
    text.parse::<f64>().ok().filter(|n| n.is_finite() && n.abs() < 1e300).map(|n| n.to_string())
}

/// Codes that may stand beside an amount; any three letters would make `12 Uhr` money.
pub const KNOWN_CODES: &[&str] = &[
    "AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP", "GEL",
    "HKD", "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KES", "KRW", "KWD", "MAD", "MXN", "MYR", "NGN", "NOK", "NZD",
    "PEN", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SEK", "SGD", "THB", "TND", "TRY", "TWD", "UAH",
    "USD", "VND", "ZAR",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read() {
        for (text, decimal, digits, currency) in [
            ("1.234,56", '.', "1234.56", None),
            ("1,234.56", ',', "1234.56", None),
            ("1.234", ',', "1234", None),
            ("1.234", '.', "1.234", None),
            ("1,234", '.', "1234", None),
            ("12,5", '.', "12.5", None),
            ("0,125", '.', "0.125", None),
            ("1.234.567", '.', "1234567", None),
            ("12,34,567.8", '.', "1234567.8", None),
            ("1'234.50", '.', "1234.50", None),
            ("1 234,50 €", ',', "1234.50", Some("EUR")),
            ("€ 1.234,56", ',', "1234.56", Some("EUR")),
            ("USD 1,000", '.', "1000", Some("USD")),
            ("-$5.00", '.', "-5.00", Some("USD")),
            ("(12.50)", '.', "-12.50", None),
            ("75 %", '.', "75", None),
            ("1.500,-", ',', "1500", None),
            ("12,50-", ',', "-12.50", None),
            ("1e3", '.', "1000", None),
            (".5", '.', "0.5", None),
        ] {
            let found = parse(text, decimal).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                (found.digits.as_str(), found.currency),
                (digits, currency.map(|c| c.parse().expect("code"))),
                "{text}"
            );
        }
        for text in [
            "",
            "abc",
            "12 Uhr",
            "1.2.3,4,5",
            "1,2,3.4.5",
            "12-34",
            "+49 30 1234 x",
            "2025-12-31",
            "1:30",
            "1..5",
            "+49 30 1234567",
            "030 1234567",
        ] {
            assert_eq!(parse(text, '.'), None, "{text}");
        }
    }

    #[test]
    fn marks_are_seen() {
        for (text, expect) in [
            ("1.234", Some(Mark::Either)),
            ("1.234,5", Some(Mark::Is(','))),
            ("1.5", Some(Mark::Is('.'))),
            ("1.234.567", Some(Mark::Is(','))),
            ("1234.567", Some(Mark::Is('.'))),
            ("12", Some(Mark::None)),
            ("x", None),
            ("31.12.2025", None),
        ] {
            assert_eq!(mark(text), expect, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,20}", odd in "[0-9.,eE€$ a()'-]{0,12}") {
            let _ = (parse(&text, ','), parse(&odd, '.'), mark(&text), mark(&odd));
        }

        #[test]
        fn both_conventions_agree(n in 0u64..10_000_000_000, cents in 0u8..100) {
            let mut whole = n.to_string();
            for at in (1..whole.len()).rev() {
                if (n.to_string().len() - at).is_multiple_of(3) {
                    whole.insert(at, '_');
                }
            }
            let english = format!("{}.{cents:02}", whole.replace('_', ","));
            let german = format!("{},{cents:02}", whole.replace('_', "."));
            prop_assert_eq!(parse(&english, ','), parse(&german, '.'));
            prop_assert_eq!(parse(&english, ',').map(|a| a.digits), Some(format!("{n}.{cents:02}")));
        }
    }
}
