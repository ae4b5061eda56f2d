//! Which column fills which field: by header, checked against the values; by values where the header says nothing.

use std::collections::HashMap;

use aplomb_model::query::Part;
use aplomb_model::{Field, FieldType, Object, Schema};

use super::Vendor;
use super::stats::Stats;
use super::synonyms::Synonyms;
use super::target::{self, Place, Target, importable};
use super::words::{self, key};

/// What a column is thought to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Guess {
    pub path: Option<String>,
    pub confidence: f64,
    pub reason: String,
}

#[derive(Debug, Clone)]
struct Candidate {
    column: usize,
    target: Target,
    score: f64,
    reason: String,
}

/// One guess for each column.
pub fn mapping(
    schema: &Schema,
    object: &Object,
    headers: &[String],
    stats: &[Stats],
    vendor: Option<Vendor>,
) -> Vec<Guess> {
    let mut candidates = Vec::new();
    for (column, header) in headers.iter().enumerate() {
        let Some(stats) = stats.get(column).filter(|s| s.filled > 0) else { continue };
        candidates.extend(by_header(schema, object, column, header, stats, vendor));
        candidates.extend(by_values(object, column, header, stats));
    }
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.column.cmp(&b.column)));
    let chosen = assign(object, candidates);
    let nothing = |column: usize| {
        let empty = stats.get(column).is_none_or(|s| s.filled == 0);
        let reason = match () {
            _ if empty => "the column is empty",
            _ if Synonyms::get().ignores(&key(&headers[column])) => "kept by Aplomb itself, or of no use here",
            _ => "no field fits",
        };
        Guess { path: None, confidence: 0.0, reason: reason.to_owned() }
    };
    (0..headers.len()).map(|column| chosen.get(&column).cloned().unwrap_or_else(|| nothing(column))).collect()
}

/// Takes the best first; a field that holds one value is filled by one column.
fn assign(object: &Object, candidates: Vec<Candidate>) -> HashMap<usize, Guess> {
    let mut chosen: HashMap<usize, Guess> = HashMap::new();
    let mut taken: Vec<Target> = Vec::new();
    for c in candidates {
        let clash = taken.iter().any(|t| clashes(&t.place, &c.target.place));
        if c.score < 0.4 || chosen.contains_key(&c.column) || (clash && !target::takes_several(object, &c.target)) {
            continue;
        }
        taken.push(c.target.clone());
        let confidence = (c.score.min(1.0) * 100.0).round() / 100.0;
        chosen.insert(c.column, Guess { path: Some(c.target.path), confidence, reason: c.reason });
    }
    chosen
}

/// A whole name beside its parts is fine (the parts win); the same place twice is not.
fn clashes(a: &Place, b: &Place) -> bool {
    a == b
}

fn by_header(
    schema: &Schema,
    object: &Object,
    column: usize,
    header: &str,
    stats: &Stats,
    vendor: Option<Vendor>,
) -> Vec<Candidate> {
    let full = key(header);
    if Synonyms::get().ignores(&full) {
        return Vec::new();
    }
    let mut found: Vec<(String, f64, String)> = Vec::new();
    if target::resolve(object, header.trim()).is_some() {
        found.push((header.trim().to_owned(), 1.0, "the header is the field's name".to_owned()));
    }
    for field in object.live().filter(|f| importable(f)) {
        let names = [key(&field.name), key(&field.label)];
        if names.contains(&full) {
            found.push((path_of(field, stats), 0.93, format!("the header says “{}”", field.label)));
        }
    }
    // a prefix of Pipedrive's is taken off only for names that are not known whole
    let short = Synonyms::get().without_prefix(&object.name, &full);
    for line in Synonyms::get().of(&object.name) {
        let rank = line.rank(&full).or_else(|| short.and_then(|s| line.rank(s)));
        if let Some(rank) = rank {
            let score = 0.97 - rank as f64 * 0.002;
            let reason = match vendor {
                Some(v) => format!("“{header}” in a file of {}", spell(v)),
                None => format!("“{header}” is a usual name for it"),
            };
            found.push((line.path.clone(), score, reason));
        }
    }
    if found.is_empty() {
        found.extend(similar(object, header, &full, stats));
    }
    let candidates = found.into_iter().filter_map(|(path, score, reason)| {
        let target = target::resolve(object, &path)?;
        let fit = fit(schema, object, &target, stats);
        let reason = if fit < 0.5 { format!("{reason}, but few of the values fit") } else { reason };
        Some(Candidate { column, target, score: score * (0.25 + 0.75 * fit), reason })
    });
    candidates.collect()
}

fn spell(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Hubspot => "HubSpot",
        Vendor::Salesforce => "Salesforce",
        Vendor::Pipedrive => "Pipedrive",
        Vendor::Zoho => "Zoho",
        Vendor::Google => "Google Contacts",
        Vendor::Outlook => "Outlook",
    }
}

/// A reference column by what its values are.
fn path_of(field: &Field, stats: &Stats) -> String {
    if field.kind != FieldType::Reference || target::is_user(field) {
        return field.name.clone();
    }
    match () {
        _ if stats.share(stats.uuids) > 0.9 => field.name.clone(),
        _ if stats.share(stats.numbers) > 0.9 || stats.share(stats.salesforce_ids) > 0.9 => {
            format!("{}.externalId", field.name)
        }
        _ => field.name.clone(),
    }
}

/// Headers that are nearly a field's name: `Telephon`, `E-Mail-Adresse (geschäftlich)`.
fn similar(object: &Object, header: &str, full: &str, stats: &Stats) -> Option<(String, f64, String)> {
    // `company.object` of our own export: a part of a field that is no target
    if header.split_once('.').is_some_and(|(field, _)| object.field(field).is_some()) {
        return None;
    }
    let mut best: Option<(f64, String)> = None;
    let mut consider = |name: &str, path: &str| {
        if name.len() < 4 || full.len() < 4 {
            return;
        }
        let likeness = strsim::jaro_winkler(full, name);
        let likeness = if full.starts_with(name) || full.ends_with(name) { likeness.max(0.93) } else { likeness };
        if likeness > 0.92 && best.as_ref().is_none_or(|(b, _)| likeness > *b) {
            best = Some((likeness, path.to_owned()));
        }
    };
    for field in object.live().filter(|f| importable(f)) {
        consider(&key(&field.label), &field.name);
    }
    for line in Synonyms::get().of(&object.name) {
        line.headers.iter().for_each(|name| consider(name, &line.path));
    }
    let (likeness, path) = best?;
    // the status of a lead is not that of a contact: a likeness of names counts only with a likeness of values
    let choice = object.field(&path).filter(|f| f.kind == FieldType::Choice && !f.open);
    if choice.is_some_and(|f| known_choices(f, stats) < 0.5) {
        return None;
    }
    Some((path, likeness * 0.75, format!("“{header}” is close to its name")))
}

/// How many of the values (0 to 1) the target could take.
fn fit(schema: &Schema, object: &Object, target: &Target, s: &Stats) -> f64 {
    let field = match &target.place {
        Place::Middle(_) => return 1.0,
        Place::Field(code) | Place::Part(code, _) => object.by_code(*code),
        Place::Currency(_) => return s.share(s.currencies),
        Place::Id => return s.share(s.uuids),
        Place::ExternalId => return if s.share(s.long) > 0.1 { 0.0 } else { 1.0 },
        Place::Reference { object: other, by: target::Key::Any, .. } => {
            return if schema.by_name(other).is_some() { 1.0 } else { 0.0 };
        }
        Place::Reference { by: target::Key::External, .. } => {
            return if s.share(s.two_words) > 0.5 { 0.2 } else { 1.0 };
        }
        Place::Reference { by: target::Key::Name, .. } => return if s.share(s.emails) > 0.5 { 0.2 } else { 1.0 },
        Place::Moment(_) => return s.share(s.dates),
        Place::Reference { .. } | Place::Owner(_) | Place::Creator => return 1.0,
    };
    let Some(field) = field else { return 0.0 };
    if let Place::Part(..) = target.place {
        return if s.share(s.emails) > 0.5 || s.share(s.dates) > 0.9 { 0.2 } else { 1.0 };
    }
    match field.kind {
        FieldType::Email => s.share(s.emails),
        FieldType::Phone => (s.share(s.phones) * 1.5).clamp(if s.share(s.letters) > 0.5 { 0.0 } else { 0.6 }, 1.0),
        FieldType::Number | FieldType::Money | FieldType::Rating => s.share(s.numbers),
        FieldType::Date | FieldType::DateTime => s.share(s.dates),
        FieldType::YesNo => s.share(s.yes_no),
        FieldType::Url => (s.share(s.urls) + s.share(s.domains)).clamp(0.5, 1.0),
        FieldType::Choice if s.many_distinct || s.share(s.long) > 0.2 => 0.1,
        FieldType::Choice if !field.open => 0.6 + 0.4 * known_choices(field, s),
        FieldType::Text if s.share(s.emails) > 0.9 && field.name != "name" => 0.5,
        FieldType::PersonName if s.share(s.emails) > 0.5 => 0.2,
        _ => 1.0,
    }
}

fn known_choices(field: &Field, s: &Stats) -> f64 {
    if s.distinct.is_empty() {
        return 0.0;
    }
    let known = |v: &&String| {
        let k = key(v);
        words::choice(&field.name, v).is_some_and(|ours| field.choices.iter().any(|c| c.key == ours))
            || field.choices.iter().any(|c| key(&c.key) == k || key(&c.label) == k)
    };
    s.distinct.iter().filter(known).count() as f64 / s.distinct.len() as f64
}

/// What the values alone say.
fn by_values(object: &Object, column: usize, header: &str, s: &Stats) -> Vec<Candidate> {
    if Synonyms::get().ignores(&key(header)) || s.seen == 0 {
        return Vec::new();
    }
    let unnamed = header.starts_with("Column ");
    let mut found: Vec<(&str, f64, &str)> = Vec::new();
    if s.share(s.emails) > 0.8 {
        found.push(("email", 0.75, "the values are e-mail addresses"));
    }
    if s.share(s.phones) > 0.8 {
        found.push(("phone", 0.55, "the values are telephone numbers"));
    }
    if s.share(s.urls) > 0.8 {
        found.push(("website", 0.5, "the values are web addresses"));
    }
    if unnamed && object.name == "company" && s.share(s.domains) > 0.8 {
        found.push(("domain", 0.6, "the values are domains"));
    }
    if unnamed && s.share(s.two_words) > 0.7 {
        found.push(("name", 0.45, "the values look like names"));
    }
    let named = found.into_iter().filter_map(|(path, score, reason)| {
        let target = target::resolve(object, path)?;
        Some(Candidate { column, target, score, reason: reason.to_owned() })
    });
    named.chain(by_choices(object, column, s)).collect()
}

/// A column whose few values are all choices of one field.
fn by_choices(object: &Object, column: usize, s: &Stats) -> Option<Candidate> {
    if s.many_distinct || s.distinct.len() < 2 {
        return None;
    }
    let closed = object.live().filter(|f| importable(f) && f.kind == FieldType::Choice && f.choices.len() > 2);
    let fits: Vec<&Field> = closed.filter(|f| known_choices(f, s) > 0.99).collect();
    let [field] = fits.as_slice() else { return None };
    let target = target::resolve(object, &field.name)?;
    Some(Candidate { column, target, score: 0.5, reason: format!("the values are those of “{}”", field.label) })
}

/// The field by which rows are best matched with what is there.
pub fn match_field(object: &Object, paths: &[Option<String>]) -> Option<String> {
    let mapped = |name: &str| paths.iter().flatten().any(|p| p == name || p.starts_with(&format!("{name}.")));
    let order: &[&str] = match object.name.as_str() {
        "contact" | "lead" => &["email"],
        "company" => &["domain", "name"],
        "product" => &["sku", "name"],
        _ => &[],
    };
    if mapped(target::ID) {
        return Some(target::ID.to_owned());
    }
    order.iter().find(|n| mapped(n) && object.field(n).is_some_and(|f| f.indexed)).map(|n| (*n).to_owned())
}

/// Parts of composite fields are stored together; used to see whether a required name is mapped at all.
pub fn covers(field: &Field, targets: &[Target]) -> bool {
    targets.iter().any(|t| match &t.place {
        Place::Field(code) | Place::Owner(code) | Place::Currency(code) => *code == field.code,
        Place::Part(code, part) => *code == field.code && !matches!(part, Part::Currency),
        Place::Reference { field: code, .. } => *code == field.code,
        Place::ExternalId | Place::Id | Place::Middle(_) | Place::Moment(_) | Place::Creator => false,
    })
}
