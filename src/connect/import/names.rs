//! Whether two names mean the same company or the same person, as far as names can tell.
//!
//! An e-mail address or a domain alone does not say so: two people answer `info@`, and a group's companies share a web
//! site. Words come from `assets/import/names.toml`.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use aplomb_model::{PersonName, fold};
use serde::Deserialize;

/// How far two names agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Agreement {
    Not,
    /// but for the legal form or the family name, or one has no name at all
    Partly,
    Fully,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Name {
    None,
    Person(PersonName),
    Other(String),
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Tables {
    legal_forms: Vec<Vec<String>>,
    nicknames: Vec<Vec<String>>,
}

#[derive(Default)]
struct Words {
    /// the form that a spelling stands for
    legal_forms: HashMap<String, String>,
    /// the lines a given name stands in
    nicknames: HashMap<String, Vec<usize>>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    // the file is part of the program; a test reads it
    let tables: Tables = toml::from_str(include_str!("../../../assets/import/names.toml")).unwrap_or_default();
    let mut words = Words::default();
    for form in tables.legal_forms {
        let first = form.first().cloned().unwrap_or_default();
        words.legal_forms.extend(form.into_iter().map(|spelling| (spelling, first.clone())));
    }
    for (at, line) in tables.nicknames.into_iter().enumerate() {
        line.into_iter().for_each(|name| words.nicknames.entry(name).or_default().push(at));
    }
    words
});

impl Name {
    pub fn agreement(&self, other: &Name) -> Agreement {
        match (self, other) {
            (Name::Person(a), Name::Person(b)) => people(a, b),
            (Name::Other(a), Name::Other(b)) => companies(a, b),
            _ => Agreement::Partly,
        }
    }

    pub fn text(&self) -> String {
        match self {
            Name::None => String::new(),
            Name::Person(name) => name.full(),
            Name::Other(text) => text.clone(),
        }
    }
}

fn companies(a: &str, b: &str) -> Agreement {
    let ((a, a_forms), (b, b_forms)) = (company(a), company(b));
    match () {
        _ if a != b => Agreement::Not,
        _ if a_forms == b_forms => Agreement::Fully,
        _ => Agreement::Partly,
    }
}

/// The words of a company's name, and its legal forms.
fn company(name: &str) -> (Vec<String>, BTreeSet<String>) {
    let plain = fold(name).replace(['.', '\'', '’'], "").replace(['&', '+'], " ");
    let all = plain.split(|c: char| !c.is_alphanumeric()).filter(|w| !matches!(*w, "" | "and" | "und" | "et" | "the"));
    let (mut words, mut forms) = (Vec::new(), BTreeSet::new());
    for word in all {
        match WORDS.legal_forms.get(word) {
            // a name begins with something else than a legal form
            Some(form) if !words.is_empty() => drop(forms.insert(form.clone())),
            _ => words.push(word.to_owned()),
        }
    }
    (words, forms)
}

fn people(a: &PersonName, b: &PersonName) -> Agreement {
    let (a, b) = (Person::of(a), Person::of(b));
    if a.all().is_empty() || b.all().is_empty() {
        return Agreement::Partly;
    }
    let turned = a.given == b.family && a.family == b.given;
    if turned || contained(&a, &b) {
        return Agreement::Fully;
    }
    let given = given_names(&a.given, &b.given);
    match family_alike(&a.family, &b.family) {
        true => given,
        // another family name: a marriage
        false if [&a, &b].iter().all(|p| p.given.first().is_some_and(|g| g.len() > 1)) => given.min(Agreement::Partly),
        false => Agreement::Not,
    }
}

struct Person {
    given: Vec<String>,
    family: Vec<String>,
}

impl Person {
    fn of(name: &PersonName) -> Person {
        let words = |text: &str| -> Vec<String> {
            let letters = |w: &str| w.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            fold(text).split([' ', ',', '\u{a0}']).map(letters).filter(|w| !w.is_empty()).collect()
        };
        Person { given: words(&name.first), family: words(&name.last) }
    }

    fn all(&self) -> BTreeSet<&str> {
        self.given.iter().chain(&self.family).map(String::as_str).collect()
    }
}

/// `Anna Schmidt` is `Anna Maria Schmidt`; a whole name in one field is the same in two.
fn contained(a: &Person, b: &Person) -> bool {
    let (a_words, b_words) = (a.all(), b.all());
    let (less, more) = if a_words.len() <= b_words.len() { (a_words, b_words) } else { (b_words, a_words) };
    let half = |p: &Person| p.given.is_empty() || p.family.is_empty();
    less.is_subset(&more) && (less.len() > 1 || half(a) || half(b))
}

/// By the first of them: the rest is often left out.
fn given_names(a: &[String], b: &[String]) -> Agreement {
    let (Some(a), Some(b)) = (a.first(), b.first()) else { return Agreement::Fully };
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let begins = long.starts_with(short.as_str());
    match short.chars().count() {
        1 if begins => Agreement::Fully,
        _ if a == b || is_nickname(a, b) || misspelt(a, b) => Agreement::Fully,
        // `Ann` and `Anne` may be one, `Jan` and `Jana` are two
        3.. if begins => Agreement::Partly,
        _ => Agreement::Not,
    }
}

fn family_alike(a: &[String], b: &[String]) -> bool {
    let (a, b) = (a.concat(), b.concat());
    a == b || misspelt(&a, &b)
}

fn is_nickname(a: &str, b: &str) -> bool {
    let lines = |name: &str| WORDS.nicknames.get(name).map(Vec::as_slice).unwrap_or_default();
    lines(a).iter().any(|line| lines(b).contains(line))
}

/// One letter more, less or other, in names long enough for that to be a slip.
fn misspelt(a: &str, b: &str) -> bool {
    a.chars().count().min(b.chars().count()) >= 5 && strsim::damerau_levenshtein(a, b) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_read() {
        assert!(WORDS.legal_forms.len() > 40 && WORDS.nicknames.len() > 100);
        assert!(WORDS.legal_forms.keys().chain(WORDS.nicknames.keys()).all(|w| *w == fold(w)));
    }

    #[test]
    fn companies_agree() {
        use Agreement::*;
        for (a, b, expect) in [
            ("Acme Inc", "ACME, Inc.", Fully),
            ("Acme Inc.", "Acme Incorporated", Fully),
            ("Müller & Söhne GmbH & Co. KG", "Mueller", Not),
            ("Müller und Söhne GmbH & Co KG", "MÜLLER & SÖHNE G.m.b.H. & Co. KG", Fully),
            ("Vanguard Insurance Oy", "Vanguard Insurance Pty Ltd", Partly),
            ("Acme", "Acme GmbH", Partly),
            ("Acme GmbH", "Acme Holding GmbH", Not),
            ("Northwind Traders", "Contoso", Not),
            ("The Limited", "The Limited Inc", Partly),
            ("AG Barr plc", "AG Barr", Partly),
            ("東京電力", "東京電力", Fully),
        ] {
            assert_eq!(companies(a, b), expect, "{a} / {b}");
            assert_eq!(companies(b, a), expect, "{b} / {a}");
        }
    }

    #[test]
    fn people_agree() {
        use Agreement::*;
        let name = |text: &str| {
            let (first, last) = text.split_once('|').unwrap_or(("", text));
            PersonName { first: first.to_owned(), last: last.to_owned() }
        };
        for (a, b, expect) in [
            ("Ji-woo|Novák", "Ji-woo|NOVÁK", Fully),
            ("Jeffrey|Hill", "J.|Hill", Fully),
            ("Rebecca|King", "Becky|King", Fully),
            ("Michelle|Kim", "Kim|Michelle", Fully),
            ("Anna|Schmidt", "Anna Maria|Schmidt", Fully),
            ("Ada|Lovelace", "Ada Lovelace", Fully),
            ("Ada|Lovelace", "Lovelace", Fully),
            ("Jonathan|Miller", "Jonathan|Miler", Fully),
            ("Ann|Ash", "Anne|Ash", Partly),
            ("Anna|Müller", "Anna|Schmidt", Partly),
            ("|", "Ada|Lovelace", Partly),
            ("John|Smith", "Mary|Smith", Not),
            ("Ann|Ash", "Bo|Birch", Not),
            ("J.|Hill", "Jane|Doe", Not),
            ("J.|Hill", "J.|Doe", Not),
            ("Ann|Ash", "|Birch", Not),
        ] {
            assert_eq!(people(&name(a), &name(b)), expect, "{a} / {b}");
            assert_eq!(people(&name(b), &name(a)), expect, "{b} / {a}");
        }
    }
}
