//! What a batch of rows would write: which rows are new, which change a known record, which say nothing new, which
//! cannot be taken. Reads through `crm`, writes nothing; checking and importing decide by the same code.

use std::collections::HashMap;
use std::sync::Arc;

use aplomb_crm::{BulkOp, Crm, Ctx};
use aplomb_model::query::{Kind, Scalar, scalars};
use aplomb_model::record::Fields;
use aplomb_model::value::Link;
use aplomb_model::{Field, FieldCode, FieldType, Id, Object, Record, Result, Schema, Value, fold};

use super::ids::Ids;
use super::resolve::{Owners, Resolver, external_key, find_many};
use super::state::Notes;
use crate::map::convert::{CellProblem, Draft, Reference};
use crate::map::target::Key;
use crate::view::{OnMatch, Options, UnknownOwner};

/// Decides batch after batch.
pub struct Planner<'a> {
    pub crm: &'a Crm,
    pub ctx: &'a Ctx,
    pub schema: &'a Schema,
    pub object: Arc<Object>,
    pub options: &'a Options,
    pub ids: Ids,
    pub owners: &'a Owners,
    pub resolver: &'a mut Resolver,
    /// without writing, rows of earlier batches are not in the store: what they would have made is remembered
    pub memory: Option<Memory>,
}

/// Hashes of the keys and names that earlier batches would have made.
#[derive(Default)]
pub struct Memory {
    keys: std::collections::HashSet<u64>,
}

#[derive(Default)]
pub struct Plan {
    /// companies that rows name; written first
    pub named: Vec<Entry>,
    pub entries: Vec<Entry>,
    /// row and reasons
    pub refused: Vec<(u64, Vec<CellProblem>)>,
    pub skipped: u64,
    pub notes: Notes,
    /// references to records that are not there yet
    pub links: Vec<OpenLink>,
}

/// One record to write, and the rows it comes from.
pub struct Entry {
    pub object: Arc<Object>,
    pub id: Id,
    /// `None`: to be created
    pub before: Option<Record>,
    pub fields: Fields,
    /// the first created or updated it, further ones of the same file were put together with it
    pub rows: Vec<u64>,
    pub changed: bool,
}

/// A reference that waits for its record.
#[derive(Debug, Clone)]
pub struct OpenLink {
    pub record: Id,
    pub reference: Reference,
}

/// Where a row belongs.
enum Home {
    New,
    /// in the store; `true` when found by an id
    Stored(Box<Record>, bool),
    /// an entry of this batch
    Here(usize, bool),
    /// a row of an earlier batch, while checking
    Earlier(bool),
}

impl Planner<'_> {
    pub fn plan(&mut self, mut drafts: Vec<Draft>) -> Result<Plan> {
        let mut plan = Plan::default();
        self.resolver.prepare(self.crm, self.ctx, self.schema, &drafts)?;
        for draft in &mut drafts {
            self.link(draft, &mut plan);
        }
        let stored = self.stored(&drafts)?;
        let mut here: HashMap<String, usize> = HashMap::new();
        for draft in drafts {
            if !draft.problems.is_empty() {
                plan.refused.push((draft.number, draft.problems));
                continue;
            }
            self.place(draft, &stored, &mut here, &mut plan);
        }
        Ok(plan)
    }

    /// Turns owner and references into values; makes companies that rows name.
    fn link(&mut self, draft: &mut Draft, plan: &mut Plan) {
        if let Some(owner) = draft.owner.take() {
            match self.owners.find(&owner.text) {
                Some(id) => self.set_link(draft, &owner, id),
                None if self.options.unknown_owner == UnknownOwner::Refuse => {
                    draft.problems.push(self.problem(&owner, "unknown_owner", "is no user here"));
                }
                None => *plan.notes.unknown_owners.entry(fold(&owner.text)).or_default() += 1,
            }
        }
        let references = std::mem::take(&mut draft.references);
        let mut done: Vec<FieldCode> = Vec::new();
        for reference in &references {
            let many = self.object.by_code(reference.field).is_some_and(|f| f.kind == FieldType::References);
            if done.contains(&reference.field) {
                continue;
            }
            if let Some(id) = self.resolver.find(self.schema, reference) {
                self.set_link(draft, reference, id);
                if !many {
                    done.push(reference.field);
                }
            }
        }
        for reference in &references {
            let open = !done.contains(&reference.field) && draft.fields.get(reference.field).is_none();
            if open && draft.problems.is_empty() && self.can_make(reference) {
                let id = self.make(reference, &references, draft.number, plan);
                self.set_link(draft, reference, id);
                done.push(reference.field);
            }
        }
        for reference in references {
            if !done.contains(&reference.field) && draft.fields.get(reference.field).is_none() {
                self.leave_open(draft, reference, plan);
            }
        }
    }

    fn can_make(&self, reference: &Reference) -> bool {
        self.options.create_companies
            && reference.object == "company"
            && matches!(reference.by, Key::Name | Key::Any)
            && reference.text.chars().any(char::is_alphabetic)
            && reference.text.parse::<Id>().is_err()
    }

    /// A company known by name only, with the id the old system gives it in this row.
    fn make(&mut self, reference: &Reference, all: &[Reference], row: u64, plan: &mut Plan) -> Id {
        let name = reference.text.trim().chars().take(500).collect::<String>();
        let id = self.ids.named(&reference.object, &fold(&name));
        let Some(object) = self.schema.by_name(&reference.object).cloned() else { return id };
        let external = all.iter().find(|r| r.field == reference.field && r.by == Key::External).map(|r| r.text.clone());
        let mut fields = Fields::default();
        if let Some(title) = object.field(&object.title) {
            fields.set(title.code, Some(Value::Text(name.clone())));
        }
        if let (Some(code), Some(external)) = (self.crm.external_ids(&object), &external) {
            let key = external_key(&self.options.source, &object.name, external);
            fields.set(code, Some(Value::Texts(vec![key])));
        }
        self.resolver.learn(&object, &name, external.as_deref(), id);
        plan.named.push(Entry { object, id, before: None, fields, rows: vec![row], changed: true });
        id
    }

    fn leave_open(&self, draft: &mut Draft, reference: Reference, plan: &mut Plan) {
        let open =
            plan.links.iter().any(|l| l.record == self.ids.row(draft.number) && l.reference.field == reference.field);
        if !open {
            *plan.notes.unknown_references.entry(reference.object.clone()).or_default() += 1;
        }
        plan.links.push(OpenLink { record: self.ids.row(draft.number), reference });
    }

    fn set_link(&self, draft: &mut Draft, reference: &Reference, id: Id) {
        let (Some(field), Some(object)) =
            (self.object.by_code(reference.field), self.schema.by_name(&reference.object))
        else {
            return;
        };
        let link = Link { object: object.code, id };
        let value = match (field.kind, draft.fields.get(field.code)) {
            (FieldType::References, Some(Value::Refs(have))) => {
                let mut links = have.clone();
                if !links.contains(&link) {
                    links.push(link);
                }
                Value::Refs(links)
            }
            (FieldType::References, _) => Value::Refs(vec![link]),
            (_, Some(_)) => return,
            _ => Value::Ref(link),
        };
        draft.fields.set(field.code, Some(value));
    }

    fn problem(&self, reference: &Reference, code: &str, detail: &str) -> CellProblem {
        CellProblem {
            column: Some(reference.column),
            field: self.object.by_code(reference.field).map(|f| f.name.clone()),
            value: Some(reference.text.clone()),
            code: code.to_owned(),
            detail: detail.to_owned(),
        }
    }

    /// Known records by the drafts' keys.
    fn stored(&self, drafts: &[Draft]) -> Result<HashMap<String, Record>> {
        let mut by_field: HashMap<String, Vec<(String, String)>> = HashMap::new();
        for draft in drafts {
            for key in self.keys(draft) {
                by_field.entry(key.field).or_default().push((key.name, key.text));
            }
        }
        let mut owner_of: Vec<(String, Id)> = Vec::new();
        for (field, keys) in by_field {
            let texts: Vec<String> = keys.iter().map(|(_, text)| text.clone()).collect();
            let found = find_many(self.crm, self.ctx, &self.object, &field, &texts)?;
            owner_of.extend(keys.into_iter().zip(found).filter_map(|((name, _), ids)| Some((name, *ids.first()?))));
        }
        let mut ids: Vec<Id> = owner_of.iter().map(|(_, id)| *id).collect();
        ids.sort();
        ids.dedup();
        let mut records: HashMap<Id, Record> = HashMap::new();
        for part in ids.chunks(1000) {
            let found = self.crm.records(self.ctx, &self.object.name, part)?;
            records.extend(found.into_iter().flatten().map(|r| (r.id, r)));
        }
        Ok(owner_of.into_iter().filter_map(|(name, id)| Some((name, records.get(&id)?.clone()))).collect())
    }

    /// By what a row may be known, best first.
    fn keys(&self, draft: &Draft) -> Vec<MatchKey> {
        let mut keys = Vec::new();
        if let Some(id) = draft.id {
            keys.push(MatchKey::new("id", id.to_string(), true));
        }
        if let Some(external) = &draft.external {
            let text = external_key(&self.options.source, &self.object.name, external);
            keys.push(MatchKey::new("externalIds", text, true));
        }
        let matching = self.options.match_field.as_deref().and_then(|name| self.object.field(name));
        if let Some(field) = matching.filter(|f| f.indexed)
            && let Some(value) =
                draft.fields.get(field.code).filter(|_| !draft.name_made || field.name != self.object.title)
        {
            for scalar in scalars(value, None, Kind::of(field.kind)) {
                if let Scalar::Text(text) | Scalar::Key(text) = scalar {
                    keys.push(MatchKey::new(&field.name, text, false));
                }
            }
        }
        keys
    }

    fn home(&self, keys: &[MatchKey], stored: &HashMap<String, Record>, here: &HashMap<String, usize>) -> Home {
        for key in keys {
            if let Some(at) = here.get(&key.name) {
                return Home::Here(*at, key.strong);
            }
            if let Some(record) = stored.get(&key.name) {
                return Home::Stored(Box::new(record.clone()), key.strong);
            }
            if self.memory.as_ref().is_some_and(|m| m.keys.contains(&hash(&key.name))) {
                return Home::Earlier(key.strong);
            }
        }
        Home::New
    }

    fn place(
        &mut self,
        draft: Draft,
        stored: &HashMap<String, Record>,
        here: &mut HashMap<String, usize>,
        plan: &mut Plan,
    ) {
        let keys = self.keys(&draft);
        let number = draft.number;
        let at = match self.home(&keys, stored, here) {
            Home::Stored(..) | Home::Here(..) | Home::Earlier(_) if self.options.on_match == OnMatch::Skip => {
                plan.skipped += 1;
                plan.links.retain(|l| l.record != self.ids.row(number));
                return;
            }
            Home::Stored(record, strong) if strong || self.options.on_match == OnMatch::Update => {
                self.change(*record, draft, plan)
            }
            Home::Here(at, strong) if strong || self.options.on_match == OnMatch::Update => {
                self.put_together(at, draft, plan);
                Some(at)
            }
            Home::Earlier(strong) if strong || self.options.on_match == OnMatch::Update => {
                plan.notes.duplicates += 1;
                plan.skipped += 1;
                return;
            }
            _ => self.create(draft, plan),
        };
        if let Some(at) = at {
            for key in keys {
                if let Some(memory) = &mut self.memory {
                    memory.keys.insert(hash(&key.name));
                }
                here.entry(key.name).or_insert(at);
            }
        }
    }

    fn create(&self, mut draft: Draft, plan: &mut Plan) -> Option<usize> {
        let id = self.ids.row(draft.number);
        self.add_external(&mut draft.fields, draft.external.as_deref());
        let missing = self.object.live().filter(|f| f.required && !f.read_only && f.default.is_none());
        let missing: Vec<CellProblem> = missing
            .filter(|f| draft.fields.get(f.code).is_none())
            .map(|f| CellProblem {
                column: None,
                field: Some(f.name.clone()),
                value: None,
                code: "required".to_owned(),
                detail: format!("{} is required", f.label),
            })
            .collect();
        if !missing.is_empty() {
            plan.refused.push((draft.number, missing));
            plan.links.retain(|l| l.record != id);
            return None;
        }
        plan.notes.names_made += u64::from(draft.name_made);
        let object = self.object.clone();
        plan.entries.push(Entry {
            object,
            id,
            before: None,
            fields: draft.fields,
            rows: vec![draft.number],
            changed: true,
        });
        Some(plan.entries.len() - 1)
    }

    /// A change of a record in the store; one that this very import made a moment ago is only added to.
    fn change(&self, record: Record, mut draft: Draft, plan: &mut Plan) -> Option<usize> {
        if let Some(at) = plan.entries.iter().position(|e| e.id == record.id) {
            self.put_together(at, draft, plan);
            return Some(at);
        }
        let own = self.ids.is_row(record.id);
        plan.notes.duplicates += u64::from(own);
        for link in plan.links.iter_mut().filter(|l| l.record == self.ids.row(draft.number)) {
            link.record = record.id;
        }
        self.add_external(&mut draft.fields, draft.external.as_deref());
        let fill = own || self.options.fill_only;
        let mut fields = Fields::default();
        for (code, value) in draft.fields.iter() {
            let Some(field) = self.object.by_code(code) else { continue };
            let keep_name = draft.name_made && field.name == self.object.title;
            let merged = merge(field, record.get(code), value, fill || keep_name);
            if let Some(value) = merged {
                fields.set(code, Some(value));
            }
        }
        let changed = !fields.is_empty();
        let object = self.object.clone();
        plan.entries.push(Entry {
            object,
            id: record.id,
            before: Some(record),
            fields,
            rows: vec![draft.number],
            changed,
        });
        Some(plan.entries.len() - 1)
    }

    /// A row that repeats one of the same batch.
    fn put_together(&self, at: usize, mut draft: Draft, plan: &mut Plan) {
        plan.notes.duplicates += 1;
        self.add_external(&mut draft.fields, draft.external.as_deref());
        let entry = &mut plan.entries[at];
        for link in plan.links.iter_mut().filter(|l| l.record == self.ids.row(draft.number)) {
            link.record = entry.id;
        }
        entry.rows.push(draft.number);
        for (code, value) in draft.fields.iter() {
            let Some(field) = self.object.by_code(code) else { continue };
            let stored = entry.before.as_ref().and_then(|r| r.get(code));
            let have = entry.fields.get(code).or(stored).cloned();
            if let Some(value) = merge(field, have.as_ref(), value, true) {
                entry.fields.set(code, Some(value));
                entry.changed = true;
            }
        }
    }

    fn add_external(&self, fields: &mut Fields, external: Option<&str>) {
        if let (Some(code), Some(external)) = (self.crm.external_ids(&self.object), external) {
            let key = external_key(&self.options.source, &self.object.name, external);
            fields.set(code, Some(Value::Texts(vec![key])));
        }
    }
}

impl Entry {
    pub fn op(&self) -> BulkOp {
        let object = self.object.code;
        match &self.before {
            None => BulkOp::Create { object, id: Some(self.id), fields: self.fields.clone() },
            Some(record) => BulkOp::Update {
                object,
                id: self.id,
                if_version: Some(record.version),
                fields: self.fields.iter().map(|(code, value)| (code, Some(value.clone()))).collect(),
            },
        }
    }
}

/// A field's new value, `None` when it stays. Lists grow; parts of an address are filled in; with `fill`, only what is
/// empty is written.
fn merge(field: &Field, have: Option<&Value>, new: &Value, fill: bool) -> Option<Value> {
    match (have, new) {
        (None, new) => Some(new.clone()),
        (Some(Value::Texts(have)), Value::Texts(new)) if field.many || field.kind == FieldType::MultiChoice => {
            let folded: Vec<String> = have.iter().map(|h| fold(h)).collect();
            let more: Vec<String> = new.iter().filter(|n| !folded.contains(&fold(n))).cloned().collect();
            (!more.is_empty()).then(|| Value::Texts(have.iter().cloned().chain(more).collect()))
        }
        (Some(Value::Refs(have)), Value::Refs(new)) => {
            let more: Vec<Link> = new.iter().filter(|n| !have.contains(n)).copied().collect();
            (!more.is_empty()).then(|| Value::Refs(have.iter().copied().chain(more).collect()))
        }
        (Some(Value::Address(have)), Value::Address(new)) => {
            let mut all = have.clone();
            for (to, from) in [
                (&mut all.street, &new.street),
                (&mut all.city, &new.city),
                (&mut all.region, &new.region),
                (&mut all.postal_code, &new.postal_code),
                (&mut all.country, &new.country),
            ] {
                if !from.is_empty() && (to.is_empty() || !fill) {
                    *to = from.clone();
                }
            }
            (all != *have).then_some(Value::Address(all))
        }
        (Some(_), _) if fill => None,
        (Some(have), new) => (have != new).then(|| new.clone()),
    }
}

struct MatchKey {
    field: String,
    text: String,
    /// field and text together: unique among all keys of a row
    name: String,
    /// an id, not a likeness
    strong: bool,
}

impl MatchKey {
    fn new(field: &str, text: String, strong: bool) -> MatchKey {
        MatchKey { field: field.to_owned(), name: format!("{field}\0{text}"), text, strong }
    }
}

fn hash(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
