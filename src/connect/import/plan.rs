//! What a batch of rows would write: which rows are new, which change a known record, which say nothing new, which
//! cannot be taken. Reads through `crm`, writes nothing; checking and importing decide by the same code.

use std::sync::Arc;

use aplomb_crm::{BulkOp, Crm, Ctx};
use aplomb_model::record::Fields;
use aplomb_model::schema::system;
use aplomb_model::value::Link;
use aplomb_model::{FieldCode, Id, Object, ObjectCode, Record, Result, Schema, Value};

use super::ids::Ids;
use super::matching::{Here, Home, Known, MatchKey, Matcher, Memory, Stored};
use super::merge::merge;
use super::resolve::{Owners, Resolver};
use super::state::Notes;
use super::watch::Watch;
use crate::map::convert::{CellProblem, Draft, Reference};
use crate::view::{Alike, OnMatch, Options};

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
    /// looks on, row by row, while nothing is written
    pub watch: Option<Watch>,
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
    /// rows that repeat an earlier one of the file
    pub together: Alike,
    /// rows that share an address or a domain with somebody else
    pub apart: Alike,
    /// references to records that are not there yet
    pub links: Vec<OpenLink>,
}

/// One record to write, and the rows it comes from.
pub struct Entry {
    pub object: Arc<Object>,
    pub id: Id,
    /// `None`: to be created
    pub before: Option<Arc<Record>>,
    pub fields: Fields,
    /// the first created or updated it, further ones of the same file were put together with it
    pub rows: Vec<u64>,
    pub changed: bool,
}

/// What is left of an entry when its values are on their way.
pub struct Told {
    pub object: ObjectCode,
    pub id: Id,
    /// version before; 0: created
    pub before: u32,
    pub rows: Vec<u64>,
    /// made because a row names it
    pub named: bool,
    /// whom it is given to
    pub owner: Option<Id>,
}

/// A reference that waits for its record.
#[derive(Debug, Clone)]
pub struct OpenLink {
    pub record: Id,
    pub reference: Reference,
}

impl Planner<'_> {
    pub fn plan(&mut self, mut drafts: Vec<Draft>) -> Result<Plan> {
        let mut plan = Plan::default();
        self.resolver.prepare(self.crm, self.ctx, self.schema, &drafts)?;
        for draft in &mut drafts {
            // whoever looks on wants to see all the same what a row is that is left out
            if draft.decision == Some(OnMatch::Skip) && !self.watch.as_ref().is_some_and(Watch::compares) {
                continue;
            }
            self.link(draft, &mut plan);
            for (code, text) in std::mem::take(&mut draft.unknown_choices) {
                let label = self.object.by_code(code).map_or("", |f| f.label.as_str());
                *plan.notes.unknown_choices.entry(format!("{label}: {text}")).or_default() += 1;
                if let Some(watch) = &mut self.watch {
                    watch.choice(draft.number, self.object.by_code(code), &text);
                }
            }
        }
        let object = self.object.clone();
        let matcher = Matcher { object: &object, options: self.options, external_ids: self.crm.external_ids(&object) };
        let stored = matcher.stored(self.crm, self.ctx, &drafts)?;
        let mut here = Here::new();
        for mut draft in drafts {
            if !draft.problems.is_empty() {
                plan.links.retain(|l| l.record != self.ids.row(draft.number));
                let reasons = std::mem::take(&mut draft.problems);
                match (draft.decision, &mut self.watch) {
                    (Some(OnMatch::Skip), watch) => {
                        plan.skipped += 1;
                        watch.iter_mut().for_each(|w| w.left_out.push((draft.number, reasons.clone())));
                    }
                    _ => plan.refused.push((draft.number, reasons)),
                }
                continue;
            }
            self.place(draft, &matcher, &stored, &mut here, &mut plan);
        }
        plan.notes.apart = plan.apart.rows;
        Ok(plan)
    }

    fn place(&mut self, mut draft: Draft, matcher: &Matcher<'_>, stored: &Stored, here: &mut Here, plan: &mut Plan) {
        let keys = matcher.keys(&draft);
        if let (Some(code), Some(external)) = (matcher.external_ids, &draft.external) {
            draft.fields.set(code, Some(Value::Texts(vec![matcher.old_id(external)])));
        }
        let (decision, on_match) = (draft.decision, draft.decision.unwrap_or(self.options.on_match));
        // when only an id makes a row known, nobody is a stranger
        let mut nobody = Alike::default();
        let apart = if on_match == OnMatch::Create { &mut nobody } else { &mut plan.apart };
        let known = Known { stored, here, entries: &plan.entries, memory: self.memory.as_ref() };
        let found = matcher.home(&draft, &keys, &known, apart);
        if let Some(watch) = &mut self.watch {
            watch.see(&draft, &found, self.options, matcher, &plan.entries);
        }
        let takes = |by_id: bool| by_id && decision.is_none() || on_match == OnMatch::Update;
        if on_match == OnMatch::Skip && (decision.is_some() || !matches!(found.home, Home::New)) {
            plan.skipped += 1;
            plan.links.retain(|l| l.record != self.ids.row(draft.number));
            return;
        }
        if let (Some(OnMatch::Create), Some(code), true) = (decision, matcher.external_ids, found.is_by_old_id()) {
            // the id of the old system stays with the record that has it
            draft.fields.set(code, None);
        }
        let at = match found.home {
            Home::Stored(record, by_id) if takes(by_id) => self.change(record, &draft, &keys, matcher, plan),
            Home::Here(at, by_id) if takes(by_id) => {
                self.put_together(at, &draft, &keys, matcher, plan);
                at
            }
            Home::Earlier(by_id, _) if takes(by_id) => {
                if let Some(memory) = &self.memory {
                    matcher.note(&mut plan.together, || memory.pair(matcher, &draft, &keys));
                }
                plan.notes.duplicates += 1;
                plan.skipped += 1;
                return;
            }
            _ => match self.create(&mut draft, plan) {
                Some(at) => at,
                None => return,
            },
        };
        self.remember(at, &plan.entries[at], matcher, keys, here);
    }

    fn remember(&mut self, at: usize, entry: &Entry, matcher: &Matcher<'_>, keys: Vec<MatchKey>, here: &mut Here) {
        if let Some(memory) = &mut self.memory {
            memory.keep(matcher, entry, &keys);
        }
        for key in keys {
            let places = here.entry(key.into_name()).or_default();
            if !places.contains(&at) {
                places.push(at);
            }
        }
    }

    fn create(&mut self, draft: &mut Draft, plan: &mut Plan) -> Option<usize> {
        let id = self.ids.row(draft.number);
        let fields = std::mem::take(&mut draft.fields);
        let missing = self.object.live().filter(|f| f.required && !f.read_only && f.default.is_none());
        let missing: Vec<CellProblem> = missing
            .filter(|f| fields.get(f.code).is_none())
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
        if let (Some(watch), true) = (&mut self.watch, draft.name_made) {
            watch
                .warn(draft.number, CellProblem::row("no_name", "the e-mail address or domain stands in for the name"));
        }
        let (object, rows) = (self.object.clone(), vec![draft.number]);
        plan.entries.push(Entry { object, id, before: None, fields, rows, changed: true });
        Some(plan.entries.len() - 1)
    }

    /// A change of a record in the store; one that this very import made a moment ago is only added to.
    fn change(
        &self,
        record: Arc<Record>,
        draft: &Draft,
        keys: &[MatchKey],
        matcher: &Matcher<'_>,
        plan: &mut Plan,
    ) -> usize {
        if let Some(at) = plan.entries.iter().position(|e| e.id == record.id) {
            self.put_together(at, draft, keys, matcher, plan);
            return at;
        }
        let own = self.ids.is_row(record.id);
        plan.notes.duplicates += u64::from(own);
        for link in plan.links.iter_mut().filter(|l| l.record == self.ids.row(draft.number)) {
            link.record = record.id;
        }
        let fill = own || self.options.fill_only;
        let mut fields = Fields::default();
        for (code, value) in draft.fields.iter() {
            let Some(field) = self.object.by_code(code) else { continue };
            let keep_name = draft.name_made && field.name == self.object.title;
            if let Some(value) = merge(field, record.get(code), value, fill || keep_name) {
                fields.set(code, Some(value));
            }
        }
        let (object, rows, changed) = (self.object.clone(), vec![draft.number], !fields.is_empty());
        plan.entries.push(Entry { object, id: record.id, before: Some(record), fields, rows, changed });
        plan.entries.len() - 1
    }

    /// A row that repeats one of the same batch.
    fn put_together(&self, at: usize, draft: &Draft, keys: &[MatchKey], matcher: &Matcher<'_>, plan: &mut Plan) {
        plan.notes.duplicates += 1;
        let pair = matcher.pair_with(draft, keys, &plan.entries[at]);
        matcher.note(&mut plan.together, || pair);
        let entry = &mut plan.entries[at];
        for link in plan.links.iter_mut().filter(|l| l.record == self.ids.row(draft.number)) {
            link.record = entry.id;
        }
        entry.rows.push(draft.number);
        for (code, value) in draft.fields.iter() {
            let Some(field) = self.object.by_code(code) else {
                entry.keep_past(code, value);
                continue;
            };
            let stored = entry.before.as_ref().and_then(|r| r.get(code));
            let have = entry.fields.get(code).or(stored).cloned();
            if let Some(value) = merge(field, have.as_ref(), value, true) {
                entry.fields.set(code, Some(value));
                entry.changed = true;
            }
        }
    }
}

impl Entry {
    pub fn link(&self) -> Link {
        Link { object: self.object.code, id: self.id }
    }

    /// What the record will be called.
    pub fn title(&self) -> String {
        let title = self.object.field(&self.object.title).and_then(|f| self.fields.get(f.code));
        title.map(Value::text).unwrap_or_default()
    }

    /// The operation, and what has to be known of the entry when it is done.
    pub fn into_op(self, named: bool) -> (Told, BulkOp) {
        let (object, id) = (self.object.code, self.id);
        let before = self.before.as_ref().map_or(0, |r| r.version);
        let owner = self.object.owner().and_then(|f| self.fields.get(f.code)).and_then(|v| v.links().first());
        let owner = owner.map(|link| link.id);
        let op = match &self.before {
            None => BulkOp::Create { object, id: Some(id), fields: self.fields },
            Some(record) => BulkOp::Update {
                object,
                id,
                if_version: Some(record.version),
                fields: self.fields.into_iter().map(|(code, value)| (code, Some(value))).collect(),
            },
        };
        (Told { object, id, before, rows: self.rows, named, owner }, op)
    }

    /// Of two rows the one is as old as the older and as fresh as the fresher.
    fn keep_past(&mut self, code: FieldCode, value: &Value) {
        let (Value::Time(new), None) = (value, &self.before) else { return };
        let kept = match (code, self.fields.get(code)) {
            (system::CREATED_AT, Some(Value::Time(have))) => (*have).min(*new),
            (system::UPDATED_AT, Some(Value::Time(have))) => (*have).max(*new),
            _ => *new,
        };
        self.fields.set(code, Some(Value::Time(kept)));
    }
}
