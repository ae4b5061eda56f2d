//! The layers of ARCHITECTURE.md as a table: a crate may list only what stands beside its name here.

use std::collections::{BTreeMap, BTreeSet};

use crate::metadata::{self, Package};

/// Crate -> workspace crates that it may depend on. Siblings (store, search, access, learn) do not know each other, and
/// only `crm` and what opens the data directory reach below the business.
const ALLOWED: [(&str, &[&str]); 12] = [
    ("model", &[]),
    ("vault", &["model"]),
    ("store", &["model", "vault"]),
    ("search", &["model", "vault"]),
    ("access", &["model"]),
    ("learn", &[]),
    ("crm", &["model", "vault", "store", "search", "access"]),
    ("connect", &["model", "vault", "access", "crm"]),
    ("serve", &["model", "vault", "access", "crm", "connect"]),
    ("testkit", &["model"]),
    ("app", &["model"]),
    ("aplomb", &["model", "vault", "store", "search", "access", "crm", "connect", "learn", "serve"]),
];

/// Helps tests everywhere, and must not reach the program.
const TEST_ONLY: &str = "testkit";

fn short(name: &str) -> &str {
    name.strip_prefix("aplomb-").unwrap_or(name)
}

/// The edges of `package` that the table does not allow, as sentences.
fn violations(package: &Package, members: &BTreeSet<&str>) -> Vec<String> {
    let name = short(&package.name);
    let Some((_, allowed)) = ALLOWED.iter().find(|(member, _)| *member == name) else {
        return vec![format!("{name} is no layer yet: give it a line in ALLOWED and in ARCHITECTURE.md")];
    };
    let inner = package.dependencies.iter().filter(|dependency| members.contains(dependency.name.as_str()));
    inner
        .filter_map(|dependency| {
            let to = short(&dependency.name);
            let fine = allowed.contains(&to) || (to == TEST_ONLY && dependency.kind.as_deref() == Some("dev"));
            (!fine).then(|| format!("{name} -> {to} ({})", dependency.kind.as_deref().unwrap_or("normal")))
        })
        .collect()
}

#[test]
fn crates_depend_only_on_layers_below() {
    let metadata = metadata::read(&["--no-deps"]);
    let members: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let wrong: Vec<String> = metadata.packages.iter().flat_map(|package| violations(package, &members)).collect();
    assert!(wrong.is_empty(), "edges against the layers:\n{}", wrong.join("\n"));
    let stale: Vec<_> =
        ALLOWED.iter().filter(|(name, _)| !members.iter().any(|member| short(member) == *name)).collect();
    assert!(stale.is_empty(), "layers without a crate: {stale:?}");
}

#[test]
fn an_edge_upward_is_found() {
    let members = BTreeSet::from(["aplomb-store", "aplomb-crm", "aplomb-model", "aplomb-testkit"]);
    let package = |edges: &[(&str, Option<&str>)]| Package {
        name: "aplomb-store".into(),
        version: "0.1.0".into(),
        license: None,
        license_file: None,
        source: None,
        dependencies: edges
            .iter()
            .map(|(name, kind)| metadata::Dependency { name: (*name).into(), kind: kind.map(Into::into) })
            .collect(),
    };
    let cases: [(&str, Option<&str>, usize); 5] = [
        ("aplomb-model", None, 0),
        ("aplomb-crm", None, 1),
        ("aplomb-crm", Some("dev"), 1),
        ("aplomb-testkit", Some("dev"), 0),
        ("aplomb-testkit", None, 1),
    ];
    for (to, kind, expected) in cases {
        assert_eq!(violations(&package(&[(to, kind)]), &members).len(), expected, "store -> {to} ({kind:?})");
    }
}

#[test]
fn the_table_has_no_circle() {
    let table: BTreeMap<_, _> = ALLOWED.into_iter().collect();
    let mut placed = BTreeSet::new();
    while placed.len() < table.len() {
        let next: Vec<_> = table
            .iter()
            .filter(|(name, below)| !placed.contains(*name) && below.iter().all(|layer| placed.contains(layer)))
            .map(|(name, _)| *name)
            .collect();
        assert!(!next.is_empty(), "a circle, or a name that is no layer: {:?}", table.keys());
        placed.extend(next);
    }
}
