//! Holds every dependency to `deny.toml`, with nothing but Cargo: licences, banned crates, sources.

use serde::Deserialize;
use spdx::{Expression, LicenseReq, ParseMode};

use crate::metadata::{self, Package};

#[derive(Deserialize)]
struct Policy {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
    #[serde(default)]
    clarify: Vec<Clarified>,
}

/// The licence of a crate whose manifest names only a file.
#[derive(Deserialize)]
struct Clarified {
    #[serde(rename = "crate")]
    name: String,
    expression: String,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

fn policy() -> Policy {
    toml::from_str(include_str!("../../deny.toml")).expect("deny.toml is what cargo-deny reads")
}

/// Whether `expression` (SPDX, or the older `A/B`) can be met with licences of `allow`.
fn is_met(expression: &str, allow: &[LicenseReq]) -> Result<bool, String> {
    let expression = Expression::parse_mode(expression, ParseMode::LAX).map_err(|error| error.to_string())?;
    Ok(expression.evaluate(|asked| allow.contains(asked)))
}

fn allowed(names: &[String]) -> Vec<LicenseReq> {
    let requirement = |name: &String| {
        let expression = Expression::parse(name).expect("deny.toml lists SPDX names");
        expression.requirements().next().expect("a licence").req.clone()
    };
    names.iter().map(requirement).collect()
}

fn licence_fault(package: &Package, allow: &[LicenseReq], clarified: &[Clarified]) -> Option<String> {
    let at = format!("{} {}", package.name, package.version);
    let clear = clarified.iter().find(|clear| clear.name == package.name && package.license_file.is_some());
    match package.license.as_ref().or(clear.map(|clear| &clear.expression)) {
        None => Some(format!("{at}: no licence expression (file: {:?})", package.license_file)),
        Some(licence) => match is_met(licence, allow) {
            Ok(true) => None,
            Ok(false) => Some(format!("{at}: {licence}")),
            Err(error) => Some(format!("{at}: {error}")),
        },
    }
}

#[test]
fn every_dependency_is_permitted() {
    let policy = policy();
    let allow = allowed(&policy.licenses.allow);
    let metadata = metadata::read(&[]);
    assert!(metadata.packages.len() > 100, "the whole graph was read");
    let mut faults: Vec<String> = Vec::new();
    for package in &metadata.packages {
        faults.extend(licence_fault(package, &allow, &policy.licenses.clarify));
        if let Some(ban) = policy.bans.deny.iter().find(|ban| ban.name == package.name) {
            faults.push(format!("{} {}: {}", package.name, package.version, ban.reason));
        }
        let source = package.source.as_deref();
        if source.is_some_and(|source| !source.starts_with("registry+") || !source.ends_with("/crates.io-index")) {
            faults.push(format!("{} {}: comes from {source:?}", package.name, package.version));
        }
    }
    assert!(faults.is_empty(), "against deny.toml:\n{}", faults.join("\n"));
}

#[test]
fn expressions_are_judged() {
    let allow = allowed(&policy().licenses.allow);
    let cases = [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0-or-later", false),
        ("Apache-2.0 OR GPL-2.0-only", true),
        ("MIT AND GPL-3.0-only", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", true),
        ("AGPL-3.0-only", false),
        ("LGPL-2.1-or-later", false),
    ];
    for (expression, expected) in cases {
        assert_eq!(is_met(expression, &allow), Ok(expected), "{expression}");
    }
    assert!(is_met("Some Licence", &allow).is_err());
}
