//! From the words of a file to records: owners by name or address, companies and others by id, domain or name.

use std::collections::{HashMap, HashSet};

use aplomb_crm::{Crm, Ctx};
use aplomb_model::query::{Kind, Scalar};
use aplomb_model::{Id, Object, Result, Schema, Value, fold};
use sha2::{Digest, Sha256};

use crate::map::cell;
use crate::map::convert::{Draft, Reference};
use crate::map::target::Key;

/// Words remembered, found or not; beyond it everything is looked up anew.
const MAX_REMEMBERED: usize = 400_000;

/// Users by everything they may be called.
#[derive(Default)]
pub struct Owners(HashMap<String, Id>);

impl Owners {
    pub fn load(crm: &Crm, ctx: &Ctx) -> Result<Owners> {
        let mut owners = HashMap::new();
        let mut weak: HashMap<String, Option<Id>> = HashMap::new();
        for user in crm.users_list(ctx)? {
            let text = |key: &str| user.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
            let (Ok(id), name, email) = (text("id").parse::<Id>(), text("name"), text("email")) else { continue };
            owners.insert(id.to_string(), id);
            owners.insert(fold(&email), id);
            let local = email.split('@').next().unwrap_or_default().to_owned();
            for alias in [fold(&name), login(&name), fold(&local), login(&local)] {
                // a name that two users share is nobody's
                weak.entry(alias).and_modify(|known| *known = known.filter(|k| *k == id)).or_insert(Some(id));
            }
        }
        for (alias, id) in weak {
            if let (Some(id), false) = (id, alias.is_empty()) {
                owners.entry(alias).or_insert(id);
            }
        }
        Ok(Owners(owners))
    }

    /// By id, e-mail, name, `Last, First`, or a login such as `ava.stone`.
    pub fn find(&self, text: &str) -> Option<Id> {
        let plain = text.rsplit_once('<').and_then(|(_, r)| r.strip_suffix('>')).unwrap_or(text).trim();
        let turned = aplomb_model::PersonName::parse(plain).full();
        [fold(plain), fold(&turned), login(plain), login(&turned)].iter().find_map(|k| self.0.get(k)).copied()
    }
}

/// `Ava Stone`, `ava_stone` and `ava.stone` are one.
fn login(text: &str) -> String {
    fold(text).split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(".")
}

/// Finds referenced records, many at a time, and remembers them.
pub struct Resolver {
    source: String,
    known: HashMap<u128, Option<Id>>,
    /// of those found by name: records that have an id of this old system
    with_old_id: HashSet<Id>,
}

/// A value of a field of an object that references may mean.
#[derive(Debug, Clone)]
struct Word<'a> {
    object: &'a str,
    field: &'static str,
    text: String,
}

impl Word<'_> {
    /// What is kept of it: a file may name hundreds of thousands of records.
    fn hash(&self) -> u128 {
        let parts = [self.object, self.field, &self.text].map(str::as_bytes);
        let hash = Sha256::new().chain_update(parts.join(&0));
        let mut short = [0; 16];
        short.copy_from_slice(&hash.finalize()[..16]);
        u128::from_be_bytes(short)
    }
}

impl Resolver {
    pub fn new(source: &str) -> Resolver {
        Resolver { source: source.to_owned(), known: HashMap::new(), with_old_id: HashSet::new() }
    }

    /// Looks up everything the drafts name that is not known yet: one question per object and field.
    pub fn prepare(&mut self, crm: &Crm, ctx: &Ctx, schema: &Schema, drafts: &[Draft]) -> Result<()> {
        self.look_up(crm, ctx, schema, drafts.iter().flat_map(|d| &d.references))
    }

    pub fn look_up<'r>(
        &mut self,
        crm: &Crm,
        ctx: &Ctx,
        schema: &Schema,
        references: impl Iterator<Item = &'r Reference>,
    ) -> Result<()> {
        if self.known.len() > MAX_REMEMBERED {
            self.known.clear();
        }
        let mut wanted: HashMap<(&str, &'static str), HashSet<String>> = HashMap::new();
        for reference in references {
            let Some(object) = schema.by_name(&reference.object) else { continue };
            for word in self.words(object, reference) {
                if !self.known.contains_key(&word.hash()) {
                    wanted.entry((word.object, word.field)).or_default().insert(word.text);
                }
            }
        }
        for ((object, field), texts) in wanted {
            let Some(declared) = schema.by_name(object) else { continue };
            let texts: Vec<String> = texts.into_iter().collect();
            let found = find_many(crm, ctx, declared, field, &texts)?;
            let first: Vec<Option<Id>> = found.into_iter().map(|ids| ids.first().copied()).collect();
            if matches!(field, "name" | "domain") {
                self.note_old_ids(crm, ctx, declared, &first)?;
            }
            for (text, id) in texts.into_iter().zip(first) {
                self.known.insert(Word { object, field, text }.hash(), id);
            }
        }
        Ok(())
    }

    fn note_old_ids(&mut self, crm: &Crm, ctx: &Ctx, object: &Object, ids: &[Option<Id>]) -> Result<()> {
        let Some(code) = crm.external_ids(object) else { return Ok(()) };
        let prefix = external_key(&self.source, &object.name, "");
        let ids: Vec<Id> = ids.iter().flatten().copied().collect();
        for part in ids.chunks(1000) {
            for record in crm.records(ctx, &object.name, part)?.into_iter().flatten() {
                if matches!(record.get(code), Some(Value::Texts(all)) if all.iter().any(|id| id.starts_with(&prefix))) {
                    self.with_old_id.insert(record.id);
                }
            }
        }
        Ok(())
    }

    /// Whether a record found by its name is known to have an id of this old system.
    pub fn has_old_id(&self, id: Id) -> bool {
        self.with_old_id.contains(&id)
    }

    /// The record that a reference means, after `prepare`.
    pub fn find(&self, schema: &Schema, reference: &Reference) -> Option<Id> {
        let object = schema.by_name(&reference.object)?;
        self.words(object, reference).iter().find_map(|w| self.known.get(&w.hash()).copied().flatten())
    }

    /// What was just created is known from now on.
    pub fn learn(&mut self, object: &Object, name: &str, external: Option<&str>, id: Id) {
        let word = |field, text| Word { object: &object.name, field, text };
        self.known.insert(word("name", fold(name)).hash(), Some(id));
        if let Some(external) = external {
            let text = external_key(&self.source, &object.name, external);
            self.known.insert(word("externalIds", text).hash(), Some(id));
            self.with_old_id.insert(id);
        }
    }

    /// The look-ups to try, best first.
    fn words<'o>(&self, object: &'o Object, reference: &Reference) -> Vec<Word<'o>> {
        let text = reference.text.trim();
        let word = |field: &'static str, text: String| Word { object: &object.name, field, text };
        let external =
            || word("externalIds", external_key(&self.source, &object.name, &crate::map::convert::external_id(text)));
        let mut words = Vec::new();
        let any = reference.by == Key::Any;
        if (any || reference.by == Key::Id) && text.parse::<Id>().is_ok() {
            words.push(word("id", text.to_owned()));
        }
        if any || reference.by == Key::External {
            words.push(external());
        }
        if reference.by == Key::Email || (any && text.contains('@')) {
            words.push(word("email", fold(text)));
        }
        if reference.by == Key::Domain || (any && text.contains('.') && !text.contains([' ', '@'])) {
            words.push(word("domain", fold(&cell::domain(text))));
        }
        if any || reference.by == Key::Name {
            words.push(word("name", fold(text)));
        }
        words.retain(|w| {
            w.field == "id" || w.field == "externalIds" || w.field == "name" || object.field(w.field).is_some()
        });
        words
    }
}

/// Records whose field has one of the values, for each value. The name of an object may be called otherwise.
pub fn find_many(crm: &Crm, ctx: &Ctx, object: &Object, field: &str, texts: &[String]) -> Result<Vec<Vec<Id>>> {
    if field == "id" {
        let ids: Vec<Id> = texts.iter().map(|t| t.parse().unwrap_or(Id::NIL)).collect();
        let found = crm.records(ctx, &object.name, &ids)?;
        return Ok(found.into_iter().map(|r| r.map(|r| r.id).into_iter().collect()).collect());
    }
    let name = if field == "name" { object.title.as_str() } else { field };
    let Some(declared) = object.field(name).filter(|f| f.indexed) else { return Ok(vec![Vec::new(); texts.len()]) };
    let scalars: Vec<Scalar> = texts
        .iter()
        .map(|text| match Kind::of(declared.kind) {
            Kind::Key => Scalar::Key(text.clone()),
            _ => Scalar::Text(text.clone()),
        })
        .collect();
    crm.find_by_many(ctx, &object.name, name, &scalars)
}

/// How another system's id is kept: `hubspot:company:123`.
pub fn external_key(source: &str, object: &str, id: &str) -> String {
    format!("{source}:{object}:{id}")
}
