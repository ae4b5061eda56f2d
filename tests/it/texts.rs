//! The catalogue of texts: every key once, every key that the pages ask for, and none that nobody asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn sources(dir: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).expect("a folder").flatten() {
        let path = entry.path();
        match path.extension() {
            _ if path.is_dir() => sources(&path, found),
            Some(kind) if kind == "rs" => {
                // neither a quotation mark as a character nor one inside a text ends a text
                found.push(
                    std::fs::read_to_string(&path).expect("a source").replace("'\"'", "' '").replace("\\\"", "''"),
                );
            }
            _ => {}
        }
    }
}

/// The text literals of a source, in order, each with what stands before it.
fn literals(source: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let (mut rest, mut at) = (source, 0);
    while let Some(open) = rest.find('"') {
        let begin = at + open;
        let Some(length) = source[begin + 1..].find('"') else { break };
        let end = begin + 1 + length;
        found.push((&source[..begin], &source[begin + 1..end]));
        at = end + 1;
        rest = &source[at..];
    }
    found
}

#[test]
fn each_text_has_one_key_and_each_key_a_use() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("assets/locales/en.json")).expect("the catalogue");
    let catalogue: BTreeMap<String, String> = serde_json::from_str(&text).expect("a catalogue of texts");
    let lines = text.lines().filter(|line| line.trim_start().starts_with('"')).count();
    assert_eq!(lines, catalogue.len(), "a key stands there twice, or two on one line");

    let mut all = Vec::new();
    sources(&root.join("app"), &mut all);
    let (mut used, mut begun, mut asked) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
    for source in &all {
        for (before, literal) in literals(source) {
            used.insert(literal);
            if let Some((prefix, _)) = literal.split_once('{').filter(|(prefix, _)| prefix.ends_with('.')) {
                begun.push(prefix);
            }
            let call = |name: &str| {
                before.strip_suffix(name).is_some_and(|b| !b.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
            };
            if call("t(") || call("tf(") {
                asked.insert(literal.to_owned());
            } else if call("tn(") {
                asked.extend([format!("{literal}.one"), format!("{literal}.other")]);
            }
        }
    }
    let missing: Vec<&String> = asked.iter().filter(|key| !catalogue.contains_key(*key)).collect();
    assert!(missing.is_empty(), "asked for and not in the catalogue: {missing:?}");

    let is_used = |key: &&String| {
        let stem = key.strip_suffix(".one").or(key.strip_suffix(".other")).unwrap_or(key);
        used.contains(key.as_str()) || used.contains(stem) || begun.iter().any(|prefix| key.starts_with(prefix))
    };
    let idle: Vec<&String> = catalogue.keys().filter(|key| !is_used(key)).collect();
    assert!(idle.is_empty(), "nobody asks for {idle:?}");
}
