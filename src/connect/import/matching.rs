//! Which record a row is: the same as another row of the file, as a record in the store, or a new one.
//!
//! The rule. An id decides: ours, or the old system's. Without one, the match field does (e-mail address, domain ...),
//! but an address or a domain in common is not enough: the names must agree. When they agree only in part (another
//! legal form, another family name, no name at all), two that carry different ids of the old system stay apart.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use aplomb_crm::{Crm, Ctx};
use aplomb_model::query::{Kind, Scalar, scalars};
use aplomb_model::record::Fields;
use aplomb_model::{FieldCode, Id, Object, Record, Result, Value, fold};

use super::names::{Agreement, Name};
use super::plan::Entry;
use super::resolve::{external_key, find_many};
use crate::map::convert::Draft;
use crate::map::stats::shorten;
use crate::view::{Alike, OnMatch, Options, Pair};

/// Records of one value that are looked at.
const MOST_ALIKE: usize = 30;
/// Pairs that are shown.
const EXAMPLES: usize = 10;

pub struct Matcher<'a> {
    pub object: &'a Object,
    pub options: &'a Options,
    /// field that keeps other systems' ids
    pub external_ids: Option<FieldCode>,
}

/// By what a row may be known.
pub struct MatchKey {
    field: String,
    text: String,
    /// field and text together: unique among all keys of a row
    name: String,
    strength: Strength,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strength {
    /// an id
    Id,
    /// chosen as the field that tells: a number, a code
    Value,
    /// an e-mail address or a domain, which several may share
    Shared,
    /// a company's name
    Name,
}

/// Where a row belongs.
pub enum Home {
    New,
    /// in the store; `true` when found by an id
    Stored(Arc<Record>, bool),
    /// an entry of this batch
    Here(usize, bool),
    /// a row of an earlier batch, while checking, and its number
    Earlier(bool, u64),
}

/// Where a row belongs, and why.
pub struct Found<'k> {
    pub home: Home,
    /// what it has in common with whoever lives there
    pub by: Option<&'k MatchKey>,
    /// of a new one: somebody of another name with the same address or domain
    pub stranger: Option<(Home, &'k MatchKey)>,
}

impl Found<'_> {
    /// An id of the old system made the row known.
    pub fn is_by_old_id(&self) -> bool {
        self.by.is_some_and(|key| key.field == "externalIds")
    }
}

/// What of a row or a record is compared with another.
#[derive(Debug, Clone)]
struct Face {
    name: Name,
    /// its ids in the old system
    ids: Vec<String>,
    /// of a company
    domain: String,
    row: Option<u64>,
}

/// Known records by the keys of a batch.
pub type Stored = HashMap<String, Vec<Arc<Record>>>;
/// Entries of a batch by their keys.
pub type Here = HashMap<String, Vec<usize>>;

/// Where others are looked for.
pub struct Known<'a> {
    pub stored: &'a Stored,
    pub here: &'a Here,
    pub entries: &'a [Entry],
    pub memory: Option<&'a Memory>,
}

/// Faces of the rows of earlier batches, while nothing is written. Small: there may be a million of them.
#[derive(Default)]
pub struct Memory {
    /// rows by the hash of an id
    ids: HashMap<u64, u32>,
    /// the last row with a key, by the key's hash
    last: HashMap<u64, u32>,
    rows: Vec<Remembered>,
}

struct Remembered {
    row: u32,
    /// place in `rows` of the row before it with the same key, plus 1
    before: u32,
    /// first name, last name or name, ids, domain
    text: Box<str>,
}

impl Matcher<'_> {
    /// Best first.
    pub fn keys(&self, draft: &Draft) -> Vec<MatchKey> {
        let mut keys = Vec::new();
        if let Some(id) = draft.id {
            keys.push(MatchKey::new("id", id.to_string(), Strength::Id));
        }
        if let Some(external) = &draft.external {
            keys.push(MatchKey::new("externalIds", self.old_id(external), Strength::Id));
        }
        let Some(name) = self.options.match_field.as_deref() else { return keys };
        let strength = match name {
            "email" | "domain" => Strength::Shared,
            _ if name == self.object.title => Strength::Name,
            _ => Strength::Value,
        };
        self.add_values(draft, name, strength, &mut keys);
        // a company that a contact's row named has no domain yet
        if name == "domain" {
            self.add_values(draft, &self.object.title, Strength::Name, &mut keys);
        }
        keys
    }

    fn add_values(&self, draft: &Draft, name: &str, strength: Strength, keys: &mut Vec<MatchKey>) {
        let Some(field) = self.object.field(name).filter(|f| f.indexed) else { return };
        if draft.name_made && field.name == self.object.title {
            return;
        }
        for scalar in draft.fields.get(field.code).map(|v| scalars(v, None, Kind::of(field.kind))).into_iter().flatten()
        {
            if let Scalar::Text(text) | Scalar::Key(text) = scalar {
                keys.push(MatchKey::new(&field.name, text, strength));
            }
        }
    }

    /// Known records by the drafts' keys.
    pub fn stored(&self, crm: &Crm, ctx: &Ctx, drafts: &[Draft]) -> Result<Stored> {
        let mut by_field: HashMap<String, Vec<(String, String)>> = HashMap::new();
        for key in drafts.iter().flat_map(|d| self.keys(d)) {
            by_field.entry(key.field).or_default().push((key.name, key.text));
        }
        let mut holders: Vec<(String, Vec<Id>)> = Vec::new();
        for (field, keys) in by_field {
            let texts: Vec<String> = keys.iter().map(|(_, text)| text.clone()).collect();
            let found = find_many(crm, ctx, self.object, &field, &texts)?;
            holders.extend(keys.into_iter().zip(found).filter(|(_, ids)| !ids.is_empty()).map(
                |((name, _), mut ids)| {
                    ids.truncate(MOST_ALIKE);
                    (name, ids)
                },
            ));
        }
        let mut ids: Vec<Id> = holders.iter().flat_map(|(_, ids)| ids).copied().collect();
        ids.sort();
        ids.dedup();
        let mut records: HashMap<Id, Arc<Record>> = HashMap::new();
        for part in ids.chunks(1000) {
            let found = crm.records(ctx, &self.object.name, part)?;
            records.extend(found.into_iter().flatten().map(|r| (r.id, Arc::new(r))));
        }
        let of = |ids: Vec<Id>| ids.iter().filter_map(|id| records.get(id).cloned()).collect();
        Ok(holders.into_iter().map(|(name, ids)| (name, of(ids))).collect())
    }

    /// Decides; notes in `apart` when others share the row's address or domain and are somebody else. When somebody
    /// decided that the row is known, a stranger is good enough.
    pub fn home<'k>(&self, draft: &Draft, keys: &'k [MatchKey], known: &Known<'_>, apart: &mut Alike) -> Found<'k> {
        let face = self.face_of(draft);
        let mut stranger: Option<(&MatchKey, Face, Home)> = None;
        for key in keys {
            if key.strength == Strength::Id {
                match self.by_id(key, known) {
                    Home::New => continue,
                    home => return Found { home, by: Some(key), stranger: None },
                }
            }
            let mut best: Option<(Agreement, Home)> = None;
            for (other, home) in self.candidates(key, known) {
                let agreement = self.agreement(key, &face, &other);
                let same = agreement == Agreement::Fully || (agreement == Agreement::Partly && !face.is_apart(&other));
                match same {
                    true if best.as_ref().is_none_or(|(b, _)| agreement > *b) => best = Some((agreement, home)),
                    false if key.strength == Strength::Shared && stranger.is_none() => {
                        stranger = Some((key, other, home));
                    }
                    _ => {}
                }
            }
            if let Some((_, home)) = best {
                return Found { home, by: Some(key), stranger: None };
            }
        }
        let Some((key, other, home)) = stranger else { return Found { home: Home::New, by: None, stranger: None } };
        if draft.decision == Some(OnMatch::Update) {
            return Found { home, by: Some(key), stranger: None };
        }
        if draft.decision.is_none() {
            apart.rows += 1;
            if apart.examples.len() < EXAMPLES {
                apart.examples.push(pair(draft.number, &face.name, key, &other.name, other.row));
            }
        }
        Found { home: Home::New, by: None, stranger: Some((home, key)) }
    }

    /// Everybody with this value: in the batch, in the store as the batch leaves it, in the batches before.
    fn candidates(&self, key: &MatchKey, known: &Known<'_>) -> Vec<(Face, Home)> {
        let near = known.here.get(&key.name).into_iter().flatten();
        let mut all: Vec<(Face, Home)> =
            near.map(|at| (self.face(&known.entries[*at]), Home::Here(*at, false))).collect();
        for record in known.stored.get(&key.name).into_iter().flatten() {
            let changed = known.entries.iter().find(|e| e.id == record.id).map(|e| Face { row: None, ..self.face(e) });
            let face = changed.unwrap_or_else(|| self.face_of_record(&record.fields));
            all.push((face, Home::Stored(record.clone(), false)));
        }
        let past = known.memory.into_iter().flat_map(|m| m.faces(key, self.is_person()));
        all.extend(past.map(|face| {
            let row = face.row.unwrap_or_default();
            (face, Home::Earlier(false, row))
        }));
        all
    }

    fn by_id(&self, key: &MatchKey, known: &Known<'_>) -> Home {
        if let Some(at) = known.here.get(&key.name).and_then(|all| all.first()) {
            return Home::Here(*at, true);
        }
        if let Some(record) = known.stored.get(&key.name).and_then(|all| all.first()) {
            return Home::Stored(record.clone(), true);
        }
        match known.memory.and_then(|m| m.ids.get(&key.hash())) {
            Some(row) => Home::Earlier(true, u64::from(*row)),
            None => Home::New,
        }
    }

    fn agreement(&self, key: &MatchKey, face: &Face, other: &Face) -> Agreement {
        let domains = !face.domain.is_empty() && !other.domain.is_empty() && face.domain != other.domain;
        match key.strength {
            // two of a name with different domains are two
            Strength::Name if domains && self.options.match_names => Agreement::Not,
            _ if !self.options.match_names => Agreement::Fully,
            Strength::Id | Strength::Value => Agreement::Fully,
            Strength::Name => Agreement::Partly,
            Strength::Shared => face.name.agreement(&other.name),
        }
    }

    /// Shows what `row` was put together with.
    pub fn pair_with(&self, draft: &Draft, keys: &[MatchKey], entry: &Entry) -> Pair {
        let (face, other) = (self.face_of(draft), self.face(entry));
        match keys.iter().find(|k| self.holds(&entry.fields, entry.before.as_deref(), k)).or(keys.first()) {
            Some(key) => pair(draft.number, &face.name, key, &other.name, other.row),
            None => Pair::default(),
        }
    }

    pub fn note(&self, alike: &mut Alike, pair: impl FnOnce() -> Pair) {
        alike.rows += 1;
        if alike.examples.len() < EXAMPLES {
            alike.examples.push(pair());
        }
    }

    fn holds(&self, fields: &Fields, before: Option<&Record>, key: &MatchKey) -> bool {
        let field = match key.field.as_str() {
            "externalIds" => self.external_ids.and_then(|code| self.object.by_code(code)),
            name => self.object.field(name),
        };
        let Some(field) = field else { return false };
        let values = [fields.get(field.code), before.and_then(|r| r.get(field.code))];
        let texts = values.into_iter().flatten().flat_map(|v| scalars(v, None, Kind::of(field.kind)));
        texts.into_iter().any(|s| matches!(s, Scalar::Text(t) | Scalar::Key(t) if t == key.text))
    }

    fn is_person(&self) -> bool {
        self.object.field(&self.object.title).is_some_and(|f| f.kind == aplomb_model::FieldType::PersonName)
    }

    pub fn old_id(&self, external: &str) -> String {
        external_key(&self.options.source, &self.object.name, external)
    }

    fn face_of(&self, draft: &Draft) -> Face {
        let face = self.face_of_record(&draft.fields);
        Face {
            name: if draft.name_made { Name::None } else { face.name },
            ids: draft.external.iter().map(|e| self.old_id(e)).collect(),
            row: Some(draft.number),
            ..face
        }
    }

    /// What an entry is called.
    pub fn name_of(&self, entry: &Entry) -> String {
        self.face(entry).name.text()
    }

    fn face(&self, entry: &Entry) -> Face {
        let new = self.face_of_record(&entry.fields);
        let Some(before) = &entry.before else { return Face { row: entry.rows.first().copied(), ..new } };
        let old = self.face_of_record(&before.fields);
        Face {
            name: if new.name == Name::None { old.name } else { new.name },
            ids: old.ids.into_iter().chain(new.ids).collect(),
            domain: if new.domain.is_empty() { old.domain } else { new.domain },
            row: entry.rows.first().copied(),
        }
    }

    fn face_of_record(&self, fields: &Fields) -> Face {
        let text = |name: &str| match self.object.field(name).and_then(|f| fields.get(f.code)) {
            Some(Value::Text(text)) => fold(text),
            _ => String::new(),
        };
        let domain = text("domain");
        let name = match self.object.field(&self.object.title).and_then(|f| fields.get(f.code)) {
            // an address or a domain that stands in for the name
            Some(Value::Name(n)) if n.last.contains('@') => Name::None,
            Some(Value::Name(n)) => Name::Person(n.clone()),
            Some(Value::Text(t)) if t.contains('@') || fold(t) == domain => Name::None,
            Some(Value::Text(t)) => Name::Other(t.clone()),
            _ => Name::None,
        };
        let prefix = self.old_id("");
        let ids = match self.external_ids.and_then(|code| fields.get(code)) {
            Some(Value::Texts(all)) => all.iter().filter(|id| id.starts_with(&prefix)).cloned().collect(),
            _ => Vec::new(),
        };
        Face { name, ids, domain, row: None }
    }
}

fn pair(row: u64, name: &Name, key: &MatchKey, other: &Name, other_row: Option<u64>) -> Pair {
    Pair { row, name: name.text(), other: other.text(), other_row, field: key.field.clone(), value: shorten(&key.text) }
}

impl Face {
    /// Both have ids of the old system, and none in common.
    fn is_apart(&self, other: &Face) -> bool {
        !self.ids.is_empty() && !other.ids.is_empty() && !self.ids.iter().any(|id| other.ids.contains(id))
    }
}

impl MatchKey {
    fn new(field: &str, text: String, strength: Strength) -> MatchKey {
        MatchKey { field: field.to_owned(), name: format!("{field}\0{text}"), text, strength }
    }

    pub fn into_name(self) -> String {
        self.name
    }

    pub fn field(&self) -> &str {
        &self.field
    }

    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.name.hash(&mut hasher);
        hasher.finish()
    }
}

impl Memory {
    /// Keeps what a row has become for the batches that follow.
    pub fn keep(&mut self, matcher: &Matcher<'_>, entry: &Entry, keys: &[MatchKey]) {
        let first = entry.rows.first().copied().unwrap_or_default() as u32;
        let ids = keys.iter().filter(|k| k.strength == Strength::Id).map(|k| (k.hash(), first));
        self.ids.extend(ids);
        let shared: Vec<u64> = keys.iter().filter(|k| k.strength != Strength::Id).map(MatchKey::hash).collect();
        if shared.is_empty() {
            return;
        }
        let face = matcher.face(entry);
        let (first, last) = match &face.name {
            Name::None => ("", ""),
            Name::Person(name) => (name.first.as_str(), name.last.as_str()),
            Name::Other(text) => ("", text.as_str()),
        };
        let row = face.row.unwrap_or_default() as u32;
        let text = [first, last, &face.ids.join("\u{1e}"), &face.domain].join("\u{1f}");
        for key in shared {
            let before = self.last.insert(key, self.rows.len() as u32 + 1).unwrap_or(0);
            self.rows.push(Remembered { row, before, text: text.as_str().into() });
        }
    }

    fn faces(&self, key: &MatchKey, person: bool) -> Vec<Face> {
        let mut next = self.last.get(&key.hash()).copied().unwrap_or(0);
        let mut faces = Vec::new();
        while faces.len() < MOST_ALIKE
            && let Some(found) = (next as usize).checked_sub(1).and_then(|at| self.rows.get(at))
        {
            faces.push(found.face(person));
            next = found.before;
        }
        faces
    }

    /// The last row with this key, to be shown.
    pub fn pair(&self, matcher: &Matcher<'_>, draft: &Draft, keys: &[MatchKey]) -> Pair {
        let shared = keys.iter().filter(|k| k.strength != Strength::Id);
        let found = shared.filter_map(|k| Some((k, self.faces(k, matcher.is_person()).into_iter().next()?))).next();
        let name = matcher.face_of(draft).name;
        match (found, keys.first()) {
            (Some((key, face)), _) => pair(draft.number, &name, key, &face.name, face.row),
            (None, Some(key)) => pair(draft.number, &name, key, &Name::None, None),
            (None, None) => Pair::default(),
        }
    }
}

impl Remembered {
    fn face(&self, person: bool) -> Face {
        let mut parts = self.text.split('\u{1f}').map(str::to_owned);
        let mut part = || parts.next().unwrap_or_default();
        let (first, last, ids, domain) = (part(), part(), part(), part());
        let name = match (person, first.is_empty() && last.is_empty()) {
            (_, true) => Name::None,
            (true, _) => Name::Person(aplomb_model::PersonName { first, last }),
            (false, _) => Name::Other(last),
        };
        let ids = ids.split('\u{1e}').filter(|id| !id.is_empty()).map(str::to_owned).collect();
        Face { name, ids, domain, row: Some(u64::from(self.row)) }
    }
}
